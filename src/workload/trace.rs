//! Request traces: arrival times and numeric columns, read from CSV or JSON lines.
//!
//! Times are read digit by digit into whole nanoseconds and never pass through floating point, so a
//! trace gives the same arrivals on every platform, however far from its clock's origin it starts.

use super::table::Table;
use super::trace_time;
use crate::diagnostics::nearest;
use crate::engine::time::{LONGEST, Nanos};
use std::fmt;

/// A checked trace. Times never go backwards; there is at least one row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// Arrival times in nanoseconds after the first row, which is at 0.
    pub arrivals: Vec<Nanos>,
    /// Names of the numeric columns that were read.
    pub columns: Vec<String>,
    /// `values[row * columns.len() + column]`: finite and not negative.
    pub values: Vec<f64>,
    /// When the first row is on the file's own clock, nanoseconds; timestamps count from 1970-01-01
    /// 00:00:00 UTC.
    pub origin: i128,
    /// What was done to the rows that a reader of results should know.
    pub remarks: Vec<String>,
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
    /// Rows may come in any order and are sorted by time, those at one time as they stand; otherwise a row
    /// that is earlier than the one before it is an error.
    pub sort: bool,
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
    /// Reads a trace from the bytes of a CSV file with a header line (comma separated, quoted where
    /// needed, lines ending in LF or CRLF, with or without a final line end or a byte-order mark), or of
    /// JSON lines: one object for each row, the keys being the columns.
    ///
    /// ```
    /// use warpshare_model::workload::trace::{TimeFormat, Trace, TraceSpec};
    /// let spec = TraceSpec {
    ///     time_column: "at".into(),
    ///     time_format: TimeFormat::Seconds,
    ///     columns: vec!["tokens".into()],
    ///     until: None,
    ///     sort: false,
    /// };
    /// let trace = Trace::read("requests.csv", b"at,tokens\n12.5,7\n12.500000001,9\n", &spec).unwrap();
    /// assert_eq!(trace.arrivals, [0, 1]);
    /// assert_eq!(trace.values, [7.0, 9.0]);
    /// let lines = b"{\"at\": 12.5, \"tokens\": 7}\n{\"tokens\": 9, \"at\": 12.500000001}\n";
    /// assert_eq!(Trace::read("requests.jsonl", lines, &spec), Ok(trace));
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
        let mut errors = Errors::new(path_for_messages);
        let names = spec.written();
        let first = "a trace starts with a line of column names";
        let opened = Table::open(bytes, first, &mut errors);
        let found = opened.and_then(|table| {
            let header = Header::find(&table, &names, spec, &mut errors)?;
            Some((table, header))
        });
        let Some((mut table, header)) = found else {
            return Err(errors.finish());
        };
        let mut rows = Rows::default();
        let mut record = csv::ByteRecord::new();
        while let Some(line) = table.next(&names, &mut record, &mut errors) {
            rows.add(&record, line, &header, spec, &mut errors);
        }
        let remarks = rows.sort(spec, &errors);
        let (origin, arrivals) = rows.arrivals(spec, &mut errors);
        if !errors.is_empty() {
            return Err(errors.finish());
        }
        Ok(Trace {
            arrivals,
            columns: spec.columns.clone(),
            values: rows.values,
            origin,
            remarks: remarks.into_iter().collect(),
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
            ..self
        }
    }
}

impl TraceSpec {
    /// The columns that are read from the file: the time, the end if there is one, the numbers.
    fn written(&self) -> Vec<&str> {
        let numbers = self.columns.len() - usize::from(self.until.is_some());
        std::iter::once(&self.time_column)
            .chain(&self.until)
            .chain(&self.columns[..numbers])
            .map(String::as_str)
            .collect()
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

/// Where the wanted columns stand.
struct Header {
    time: usize,
    until: Option<usize>,
    columns: Vec<usize>,
}

impl Header {
    fn find(
        table: &Table<'_>,
        names: &[&str],
        spec: &TraceSpec,
        errors: &mut Errors<'_>,
    ) -> Option<Header> {
        for (index, column) in spec.columns.iter().enumerate() {
            if spec.columns[..index].contains(column) {
                let problem = format!("column `{column}` is asked for twice");
                let remedy = "name it once; it can be used any number of times".to_owned();
                errors.push(None, Some(column), problem, Some(remedy));
            }
        }
        let places = table.find(names);
        for (wanted, place) in names.iter().zip(&places) {
            if place.is_none() {
                let problem = format!("there is no column `{wanted}`");
                let remedy = Some(missing(wanted, &table.names));
                errors.push(Some(table.line), None, problem, remedy);
            }
        }
        if !errors.is_empty() {
            return None;
        }
        let mut places = places.into_iter();
        Some(Header {
            time: places.next()??,
            until: match spec.until {
                Some(_) => Some(places.next()??),
                None => None,
            },
            columns: places.collect::<Option<_>>()?,
        })
    }
}

/// Remedy for a column that is not there.
pub(super) fn missing(wanted: &str, names: &[String]) -> String {
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
                    && !spec.sort
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

    /// Puts the rows in order of time where the spec asks for that; returns what was done.
    fn sort(&mut self, spec: &TraceSpec, errors: &Errors<'_>) -> Option<String> {
        let early = self.times.windows(2).filter(|two| two[1].0 < two[0].0);
        let early = early.count();
        if early == 0 || !spec.sort || !errors.is_empty() {
            return None;
        }
        let width = spec.columns.len();
        let mut order: Vec<usize> = (0..self.times.len()).collect();
        order.sort_by_key(|&row| self.times[row].0); // stable
        self.times = order.iter().map(|&row| self.times[row]).collect();
        let cells = order.iter().flat_map(|&row| row * width..(row + 1) * width);
        self.values = cells.map(|cell| self.values[cell]).collect();
        let rows = match early {
            1 => "1 row was".to_owned(),
            more => format!("{more} rows were"),
        };
        Some(format!(
            "{rows} earlier than the one before in `{}`: sorted by time",
            spec.time_column
        ))
    }

    /// The first time, and all as distances from it.
    fn arrivals(&self, spec: &TraceSpec, errors: &mut Errors<'_>) -> (i128, Vec<Nanos>) {
        let Some(&(origin, _)) = self.times.first() else {
            if errors.is_empty() {
                let remedy = "a trace has at least one row below its column names".to_owned();
                errors.push(None, None, "there are no rows".to_owned(), Some(remedy));
            }
            return (0, Vec::new());
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
        (origin, arrivals)
    }
}

/// A finite number, 0 or more.
pub(super) fn number(text: &str) -> Result<f64, String> {
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
