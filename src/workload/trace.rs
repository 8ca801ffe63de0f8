//! Request traces: arrival times and numeric columns, read from CSV.
//!
//! Times are read digit by digit into whole nanoseconds and never pass through floating point, so a
//! trace gives the same arrivals on every platform, however far from its clock's origin it starts.

use super::trace_time;
use crate::diagnostics::nearest;
use crate::engine::time::{LONGEST, Nanos};
use std::fmt;

/// A checked trace. Times never go backwards; there is at least one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Arrival times in nanoseconds after the first row, which is at 0.
    pub arrivals: Vec<Nanos>,
    /// Names of the numeric columns that were read.
    pub columns: Vec<String>,
    /// `values[row * columns.len() + column]`: finite and not negative.
    pub values: Vec<f64>,
}

/// What to read from a trace file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSpec {
    /// Column with the arrival times.
    pub time_column: String,
    pub time_format: TimeFormat,
    /// Numeric columns to read, in the order of [`Trace::columns`].
    pub columns: Vec<String>,
    /// Column with the time at which what arrived has ended, written as the arrival times are. The
    /// last of `columns` is then not read: it is the seconds between the two.
    pub until: Option<String>,
}

/// How a trace writes its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    /// A decimal number in this unit; parts of a nanosecond are rounded, ties to even.
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
    /// `2023-11-16 18:15:46.6805900`: proleptic Gregorian calendar, with ` ` or `T` between date and
    /// time, any number of fractional digits, and optionally `Z` or an offset such as `+01:00`.
    Timestamp,
}

/// One thing wrong with a trace file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceError {
    /// The file as the user named it.
    pub file: String,
    /// Line in the file, counted from 1; `None` for the file as a whole.
    pub line: Option<u64>,
    /// Name of the column, where one is concerned.
    pub column: Option<String>,
    /// What is wrong, in one line.
    pub problem: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl fmt::Display for TraceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: {}\n --> {}", self.problem, self.file)?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        if let Some(column) = &self.column {
            write!(out, ", column `{column}`")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(out, "\nhelp: {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for TraceError {}

/// Errors that are reported one by one; the rest are counted.
const REPORTED: usize = 20;

impl Trace {
    /// Reads a trace from the bytes of a CSV file with a header line: comma separated, quoted where
    /// needed, lines ending in LF or CRLF, with or without a final line end or a byte-order mark.
    ///
    /// ```
    /// use warpshare::workload::trace::{TimeFormat, Trace, TraceSpec};
    /// let spec = TraceSpec {
    ///     time_column: "at".into(),
    ///     time_format: TimeFormat::Seconds,
    ///     columns: vec!["tokens".into()],
    ///     until: None,
    /// };
    /// let trace = Trace::read("requests.csv", b"at,tokens\n12.5,7\n12.500000001,9\n", &spec).unwrap();
    /// assert_eq!(trace.arrivals, [0, 1]);
    /// assert_eq!(trace.values, [7.0, 9.0]);
    /// ```
    ///
    /// # Errors
    ///
    /// All that is wrong with the header, or else all that is wrong with the rows: the first 20 one
    /// by one, then one entry that counts the rest.
    pub fn read(
        path_for_messages: &str,
        bytes: &[u8],
        spec: &TraceSpec,
    ) -> Result<Trace, Vec<TraceError>> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut errors = Errors::new(path_for_messages);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes);
        let mut lines = Lines::new(bytes);
        let mut record = csv::ByteRecord::new();

        let header = match reader.read_byte_record(&mut record) {
            Ok(true) => Header::find(&record, lines.of(&record), spec, &mut errors),
            Ok(false) => {
                let remedy = "a trace starts with a line of column names".to_owned();
                errors.push(None, None, "the file is empty".to_owned(), Some(remedy));
                None
            }
            Err(error) => {
                errors.push(None, None, error.to_string(), None);
                None
            }
        };
        let Some(header) = header else {
            return Err(errors.finish());
        };

        let mut rows = Rows::default();
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => rows.add(&record, lines.of(&record), &header, spec, &mut errors),
                Ok(false) => break,
                Err(error) => {
                    errors.push(None, None, error.to_string(), None);
                    break;
                }
            }
        }
        let arrivals = rows.arrivals(spec, &mut errors);
        if !errors.is_empty() {
            return Err(errors.finish());
        }
        Ok(Trace {
            arrivals,
            columns: spec.columns.clone(),
            values: rows.values,
        })
    }

    /// The same rows with these of the columns, in this order.
    pub(super) fn with_columns(self, kept: &[usize]) -> Trace {
        let rows = self.values.chunks(self.columns.len().max(1));
        Trace {
            values: rows
                .flat_map(|row| kept.iter().map(|&column| row[column]))
                .collect(),
            columns: kept
                .iter()
                .map(|&column| self.columns[column].clone())
                .collect(),
            arrivals: self.arrivals,
        }
    }
}

/// Collects errors up to the limit and counts the rest.
pub(super) struct Errors<'a> {
    file: &'a str,
    list: Vec<TraceError>,
    more: u64,
}

impl Errors<'_> {
    pub(super) fn new(file: &str) -> Errors<'_> {
        Errors {
            file,
            list: Vec::new(),
            more: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn push(
        &mut self,
        line: Option<u64>,
        column: Option<&str>,
        problem: String,
        remedy: Option<String>,
    ) {
        if self.list.len() == REPORTED {
            self.more += 1;
            return;
        }
        self.list.push(TraceError {
            file: self.file.to_owned(),
            line,
            column: column.map(str::to_owned),
            problem,
            remedy,
        });
    }

    pub(super) fn finish(mut self) -> Vec<TraceError> {
        if self.more > 0 {
            self.list.push(TraceError {
                file: self.file.to_owned(),
                line: None,
                column: None,
                problem: format!("and {} more", self.more),
                remedy: None,
            });
        }
        self.list
    }
}

/// Line numbers of records. The CSV reader's own count is one short after CRLF and ignores blank
/// lines in front of a record, so lines are counted in the bytes.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Lines {
            bytes,
            at: 0,
            line: 1,
        }
    }

    /// Line on which the record starts; records must come in the order of the file.
    pub(super) fn of(&mut self, record: &csv::ByteRecord) -> u64 {
        let start = record.position().map_or(0, csv::Position::byte) as usize;
        while let Some(&byte) = self.bytes.get(self.at) {
            if self.at >= start && byte != b'\n' && byte != b'\r' {
                break;
            }
            self.line += u64::from(byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

/// Where the wanted columns stand.
struct Header {
    width: usize,
    time: usize,
    until: Option<usize>,
    columns: Vec<usize>,
}

impl Header {
    fn find(
        record: &csv::ByteRecord,
        line: u64,
        spec: &TraceSpec,
        errors: &mut Errors<'_>,
    ) -> Option<Header> {
        let mut names: Vec<String> = Vec::with_capacity(record.len());
        for cell in record {
            let name = String::from_utf8_lossy(cell).trim().to_owned();
            if names.contains(&name) {
                let problem = format!("two columns are called `{name}`");
                let remedy = "give each column a name of its own".to_owned();
                errors.push(Some(line), Some(&name), problem, Some(remedy));
            }
            names.push(name);
        }
        for (index, column) in spec.columns.iter().enumerate() {
            if spec.columns[..index].contains(column) {
                let problem = format!("column `{column}` is asked for twice");
                let remedy = "name it once; it can be used any number of times".to_owned();
                errors.push(None, Some(column), problem, Some(remedy));
            }
        }
        let mut find = |wanted: &str| {
            let found = names.iter().position(|name| name == wanted);
            if found.is_none() {
                let problem = format!("there is no column `{wanted}`");
                errors.push(Some(line), None, problem, Some(missing(wanted, &names)));
            }
            found
        };
        let time = find(&spec.time_column);
        let until = spec.until.as_ref().map(|name| find(name));
        let written = spec.columns.len() - usize::from(until.is_some());
        let written = spec.columns[..written].iter();
        let columns: Vec<Option<usize>> = written.map(|name| find(name)).collect();
        if !errors.is_empty() {
            return None;
        }
        Some(Header {
            width: names.len(),
            time: time?,
            until: until.flatten(),
            columns: columns.into_iter().collect::<Option<_>>()?,
        })
    }
}

/// Remedy for a column that is not there.
fn missing(wanted: &str, names: &[String]) -> String {
    if let [only] = names
        && let Some(separator) = [';', '\t', '|'].into_iter().find(|c| only.contains(*c))
    {
        return format!("the header seems to be separated by {separator:?}; write commas");
    }
    let listed: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match nearest(wanted, names.iter().map(String::as_str)) {
        Some(name) => format!(
            "did you mean `{name}`? The columns are {}",
            listed.join(", ")
        ),
        None => format!("the columns are {}", listed.join(", ")),
    }
}

/// Rows as read, with the times that the file has.
#[derive(Default)]
struct Rows {
    /// Nanoseconds on the file's own clock, and line, of each row whose time could be read.
    times: Vec<(i128, u64)>,
    values: Vec<f64>,
}

impl Rows {
    fn add(
        &mut self,
        record: &csv::ByteRecord,
        line: u64,
        header: &Header,
        spec: &TraceSpec,
        errors: &mut Errors<'_>,
    ) {
        if record.len() != header.width {
            let problem = format!(
                "the row has {} cells, the header {}",
                record.len(),
                header.width
            );
            let remedy = "every row needs one cell per column; a cell with a comma in it needs \
                          double quotes";
            errors.push(Some(line), None, problem, Some(remedy.to_owned()));
            return;
        }
        let cell = |index: usize| {
            let bytes = record.get(index).unwrap_or_default();
            std::str::from_utf8(bytes)
                .map(str::trim)
                .map_err(|_| (String::from_utf8_lossy(bytes).into_owned(), "is not UTF-8"))
        };
        let time_of = |index: usize| {
            cell(index)
                .map_err(|(text, why)| (format!("`{text}` {why}"), None))
                .and_then(|text| trace_time::parse(text, spec.time_format))
        };
        let time = time_of(header.time);
        let begins = time.as_ref().ok().copied();
        match time {
            Ok(time) => {
                if let Some(&(earlier, its_line)) = self.times.last()
                    && time < earlier
                {
                    let problem = format!("time goes backwards: line {its_line} is later");
                    let remedy = "sort the rows of the file by this column".to_owned();
                    errors.push(Some(line), Some(&spec.time_column), problem, Some(remedy));
                }
                self.times.push((time, line));
            }
            Err((problem, remedy)) => {
                errors.push(Some(line), Some(&spec.time_column), problem, remedy);
            }
        }
        for (name, &index) in spec.columns.iter().zip(&header.columns) {
            match cell(index)
                .map_err(|(text, why)| format!("`{text}` {why}"))
                .and_then(number)
            {
                Ok(value) => self.values.push(value),
                Err(problem) => {
                    let remedy = "values are finite decimal numbers, 0 or more".to_owned();
                    errors.push(Some(line), Some(name), problem, Some(remedy));
                }
            }
        }
        if let (Some(index), Some(begins)) = (header.until, begins) {
            match time_of(index) {
                Ok(ends) if ends >= begins => self.values.push((ends - begins) as f64 / 1e9),
                Ok(_) => {
                    let problem = "it ends before it arrives".to_owned();
                    let remedy = "correct the row, or remove it".to_owned();
                    errors.push(Some(line), spec.until.as_deref(), problem, Some(remedy));
                }
                Err((problem, remedy)) => {
                    errors.push(Some(line), spec.until.as_deref(), problem, remedy);
                }
            }
        }
    }

    /// The times as distances from the first.
    fn arrivals(&self, spec: &TraceSpec, errors: &mut Errors<'_>) -> Vec<Nanos> {
        let Some(&(origin, _)) = self.times.first() else {
            if errors.is_empty() {
                let remedy = "a trace has at least one row below its column names".to_owned();
                errors.push(None, None, "there are no rows".to_owned(), Some(remedy));
            }
            return Vec::new();
        };
        let mut arrivals = Vec::with_capacity(self.times.len());
        for &(time, line) in &self.times {
            match Nanos::try_from(time - origin) {
                Ok(after) if after <= LONGEST => arrivals.push(after),
                // Negative distances are times that go backwards: already reported.
                Err(_) if time < origin => {}
                _ => {
                    let problem = "more than 292 years after the first row".to_owned();
                    let remedy = "check `time_format`, the unit of the times".to_owned();
                    errors.push(Some(line), Some(&spec.time_column), problem, Some(remedy));
                }
            }
        }
        arrivals
    }
}

/// A finite number, 0 or more.
fn number(text: &str) -> Result<f64, String> {
    if text.is_empty() {
        return Err("the cell is empty".to_owned());
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_nan() => Err(format!("`{text}` is NaN")),
        Ok(value) if value.is_infinite() => Err(format!("`{text}` is not finite")),
        Ok(value) if value < 0.0 => Err(format!("`{text}` is negative")),
        Ok(value) => Ok(value + 0.0), // -0 becomes 0
        Err(_) => Err(format!("`{text}` is not a number")),
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
