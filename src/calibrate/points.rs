//! Measured points from a CSV file, each finding with its line and column.

use super::cells::{Kind, number};
use super::model::{Point, Setting};
use crate::diagnostics::{Diagnostic, Severity, nearest};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

/// Columns that mean something; all others may stand beside them.
pub const COLUMNS: [&str; 11] = [
    "sm_share",
    "sm_percent",
    "sm_ratio",
    "sms",
    "mig_profile",
    "memory_share",
    "memory_ratio",
    "tenants",
    "batch",
    "latency_ms",
    "throughput_per_s",
];

/// The columns that say what part of the board a row ran on; without any, the whole board.
const SHARING: [&str; 5] = ["sm_share", "sm_percent", "sm_ratio", "sms", "mig_profile"];

/// The columns of which a file has one.
const MEASURES: [&str; 2] = ["latency_ms", "throughput_per_s"];

/// Latencies that are taken for measurements: from a nanosecond to eleven days.
const LATENCIES_MS: RangeInclusive<f64> = 1e-6..=1e9;

/// Findings that are shown one by one.
const REPORTED: usize = 20;

/// Parts of the board, SMs and memory bandwidth, that a MIG profile has; `None` for an unknown one.
pub type ProfileParts<'a> = dyn Fn(&str) -> Option<(f64, f64)> + 'a;

/// What is to be read.
pub struct Reading<'a> {
    /// SMs of the whole board, for the column `sms`.
    pub board_sms: Option<u32>,
    /// For the column `mig_profile`, where no other column gives the parts; `None`: no board is named.
    pub profiles: Option<&'a ProfileParts<'a>>,
    /// Column and value: rows without them are passed over. Values of one column are alternatives.
    pub only: &'a [(String, String)],
    /// Column and value: rows with any of them are held back.
    pub hold_out: &'a [(String, String)],
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Line in the file, counted from 1.
    pub line: usize,
    pub point: Point,
    /// Not calibrated on, only predicted.
    pub held_out: bool,
}

/// The rows of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    pub rows: Vec<Row>,
}

impl Points {
    fn chosen(&self, held_out: bool) -> Vec<Point> {
        let rows = self.rows.iter().filter(|row| row.held_out == held_out);
        rows.map(|row| row.point).collect()
    }

    /// The points to calibrate on.
    pub fn calibration(&self) -> Vec<Point> {
        self.chosen(false)
    }

    /// The points that are held back.
    pub fn held_out(&self) -> Vec<Point> {
        self.chosen(true)
    }
}

/// Reads the rows of a CSV file.
///
/// # Errors
///
/// All that is wrong with the header and the choices; else all that is wrong with the rows, the first
/// 20 one by one.
pub fn read(file: &str, text: &str, how: &Reading<'_>) -> Result<Points, Vec<Diagnostic>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        file,
        source: Arc::from(text),
        findings: Vec::new(),
    };
    let mut lines = records(text);
    let Some(head) = lines.next() else {
        reader.whole("the file is empty", "it starts with a line of column names");
        return Err(reader.findings);
    };
    let Some(columns) = reader.header(&head, how) else {
        return Err(reader.findings);
    };
    let mut rows = Vec::new();
    let mut more = 0usize;
    for record in lines {
        let before = reader.findings.len();
        let row = reader.row(&record, &columns, how);
        if before >= REPORTED && reader.findings.len() > before {
            reader.findings.truncate(before);
            more += 1;
        }
        rows.extend(row);
    }
    if more > 0 {
        let title = format!("{more} more rows are wrong");
        reader.whole(&title, "the rows above show how");
    }
    if reader.findings.is_empty() && rows.is_empty() {
        let help = match how.only {
            [] => "it has a header only".to_owned(),
            only => format!("no row has {}", pairs(only)),
        };
        reader.whole("no rows to read", &help);
    }
    if reader.findings.is_empty() && !how.hold_out.is_empty() {
        let held = rows.iter().filter(|row: &&Row| row.held_out).count();
        if held == 0 || held == rows.len() {
            let title = match held {
                0 => "no row is held back",
                _ => "all rows are held back: none is left to calibrate on",
            };
            reader.whole(title, &format!("asked for: {}", pairs(how.hold_out)));
        }
    }
    if reader.findings.is_empty() {
        Ok(Points { rows })
    } else {
        Err(reader.findings)
    }
}

fn pairs(all: &[(String, String)]) -> String {
    let each: Vec<String> = all.iter().map(|(c, v)| format!("{c}={v}")).collect();
    each.join(", ")
}

/// A line of the file: its number, and each cell with its bytes in the text.
struct Record {
    line: usize,
    cells: Vec<(String, Range<usize>)>,
    span: Range<usize>,
}

/// The records of a CSV text, with the places of their cells, which the `csv` crate does not tell.
/// Cells may be quoted, quotes in them doubled; a record ends with its line. Blank lines are passed
/// over.
fn records(text: &str) -> impl Iterator<Item = Record> + '_ {
    let mut at = 0;
    text.split_inclusive('\n')
        .enumerate()
        .filter_map(move |(n, whole)| {
            let start = at;
            at += whole.len();
            let line = whole.trim_end_matches(['\n', '\r']);
            (!line.trim().is_empty()).then(|| Record {
                line: n + 1,
                cells: cells(line, start),
                span: start..start + line.len(),
            })
        })
}

fn cells(line: &str, start: usize) -> Vec<(String, Range<usize>)> {
    let mut cells = Vec::new();
    let (mut from, mut quoted) = (0, false);
    let ends = line
        .char_indices()
        .map(|(i, c)| (i, Some(c)))
        .chain([(line.len(), None)]);
    for (i, c) in ends {
        match c {
            Some('"') => quoted = !quoted,
            Some(',') | None if !quoted || c.is_none() => {
                let raw = &line[from..i];
                let inner = raw.trim();
                let text = match inner.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
                    Some(text) => text.replace("\"\"", "\""),
                    None => inner.to_owned(),
                };
                let lead = raw.len() - raw.trim_start().len();
                let begin = start + from + lead.min(raw.len());
                cells.push((text, begin..begin + inner.len()));
                from = i + 1;
            }
            _ => {}
        }
    }
    cells
}

/// Positions of the columns that mean something, and of those that choose rows.
struct Columns {
    names: Vec<String>,
    sharing: Option<&'static str>,
    memory: Option<&'static str>,
    measure: &'static str,
}

impl Columns {
    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

struct Reader<'a> {
    file: &'a str,
    source: Arc<str>,
    findings: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn at(&mut self, span: Range<usize>, title: String, label: &str, help: Option<String>) {
        self.findings.push(Diagnostic {
            severity: Severity::Error,
            title,
            file: self.file.to_owned(),
            source: self.source.clone(),
            span: Some(span),
            label: label.to_owned(),
            help,
        });
    }

    fn whole(&mut self, title: &str, help: &str) {
        self.findings.push(Diagnostic {
            help: Some(help.to_owned()),
            ..Diagnostic::file_error(self.file, title)
        });
    }

    fn header(&mut self, head: &Record, how: &Reading<'_>) -> Option<Columns> {
        let names: Vec<String> = head.cells.iter().map(|(name, _)| name.clone()).collect();
        let has = |name: &str| names.iter().any(|n| n == name);
        let span_of = |name: &str| {
            let cell = head.cells.iter().find(|(known, _)| known == name);
            cell.map_or(head.span.clone(), |(_, span)| span.clone())
        };
        let before = self.findings.len();
        for (place, (name, span)) in head.cells.iter().enumerate() {
            if names[..place].contains(name) {
                let title = format!("column `{name}` is there twice");
                self.at(span.clone(), title, "the second one", None);
            }
            let missing = COLUMNS.into_iter().filter(|known| !has(known));
            if !COLUMNS.contains(&name.as_str())
                && let Some(meant) = nearest(name, missing)
                && !meant.starts_with(name.as_str())
                && close(name, meant)
            {
                let title = format!("unknown column `{name}`");
                let help = format!(
                    "did you mean `{meant}`? Columns may have any other name, but not one that is \
                     so near to a column that means something"
                );
                self.at(span.clone(), title, "", Some(help));
            }
        }
        let measure = match (has("latency_ms"), has("throughput_per_s")) {
            (true, false) => "latency_ms",
            (false, true) => "throughput_per_s",
            (both, _) => {
                let named = |name: &&String| {
                    name.len() > 3
                        && MEASURES
                            .iter()
                            .any(|known| known.starts_with(name.as_str()))
                };
                if both {
                    let title = "both `latency_ms` and `throughput_per_s`".to_owned();
                    self.at(head.span.clone(), title, "", Some("keep one".to_owned()));
                } else if let Some(name) = names.iter().find(named) {
                    let title = format!("column `{name}` does not say its unit");
                    let help = "it is `latency_ms` or `throughput_per_s`".to_owned();
                    self.at(span_of(name), title, "", Some(help));
                } else if self.findings.len() == before {
                    let title = "no column with a measurement".to_owned();
                    let help = "add `latency_ms` (of one step) or `throughput_per_s` (items a second \
                                of one tenant)";
                    self.at(head.span.clone(), title, "", Some(help.to_owned()));
                }
                "latency_ms"
            }
        };
        // A profile may stand beside the parts that it means: they decide.
        let sharing: Vec<&'static str> = SHARING
            .into_iter()
            .filter(|name| has(name) && *name != "mig_profile")
            .collect();
        if let [first, second, ..] = sharing[..] {
            let title = format!("both `{first}` and `{second}`");
            let help = "one column says what part of the SMs a row ran on".to_owned();
            self.at(span_of(second), title, "", Some(help));
        }
        let memory = match (has("memory_share"), has("memory_ratio")) {
            (true, true) => {
                let title = "both `memory_share` and `memory_ratio`".to_owned();
                self.at(
                    span_of("memory_ratio"),
                    title,
                    "",
                    Some("keep one".to_owned()),
                );
                None
            }
            (true, false) => Some("memory_share"),
            (false, true) => Some("memory_ratio"),
            (false, false) => None,
        };
        let sharing = sharing.first().copied();
        let sharing = sharing.or(has("mig_profile").then_some("mig_profile"));
        match (sharing, how.board_sms, how.profiles.is_some()) {
            (Some("sms"), None, _) => {
                let help = "name the board: --gpu ID".to_owned();
                let title = "column `sms` needs the SMs of the whole board".to_owned();
                self.at(span_of("sms"), title, "", Some(help));
            }
            (Some("mig_profile"), _, false) => {
                let title =
                    "column `mig_profile` alone does not say what part of the board".to_owned();
                let help = "add `sm_ratio` and `memory_ratio` (the whole board over the slice, such \
                            as 7 and 8), or name the board: --gpu ID";
                self.at(span_of("mig_profile"), title, "", Some(help.to_owned()));
            }
            _ => {}
        }
        for (column, _) in how.only.iter().chain(how.hold_out) {
            if !has(column) {
                let title = format!("no column `{column}` to choose rows by");
                let meant = nearest(column, names.iter().map(String::as_str));
                let help = match meant {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the columns are {}", names.join(", ")),
                };
                self.at(head.span.clone(), title, "", Some(help));
            }
        }
        (self.findings.len() == before).then_some(Columns {
            names,
            sharing,
            memory,
            measure,
        })
    }

    fn row(&mut self, record: &Record, columns: &Columns, how: &Reading<'_>) -> Option<Row> {
        if record.cells.len() != columns.names.len() {
            let title = format!(
                "{} cells where the header has {} columns",
                record.cells.len(),
                columns.names.len()
            );
            self.at(record.span.clone(), title, "", None);
            return None;
        }
        let cell = |name: &str| {
            columns
                .place(name)
                .map(|place| record.cells[place].0.as_str())
        };
        let alike = |(column, value): &&(String, String)| cell(column) == Some(value.as_str());
        for (column, _) in how.only {
            let mut choices = how.only.iter().filter(|(other, _)| other == column);
            if !choices.any(|pair| alike(&pair)) {
                return None;
            }
        }
        let held_out = how.hold_out.iter().any(|pair| alike(&pair));

        let before = self.findings.len();
        let take = |reader: &mut Self, name: &str, kind: Kind| -> f64 {
            let Some(place) = columns.place(name) else {
                return 1.0;
            };
            let (text, span) = &record.cells[place];
            match number(text, kind) {
                Ok(value) => value,
                Err((what, help)) => {
                    let title = format!("`{name}`: {what}");
                    reader.at(span.clone(), title, "", help.map(str::to_owned));
                    1.0
                }
            }
        };
        let batch = take(self, "batch", Kind::Count);
        let tenants = take(self, "tenants", Kind::Count);
        let measured = take(self, columns.measure, Kind::Positive);
        let (mut sms, mut bandwidth) = (1.0, 1.0);
        match columns.sharing {
            Some("sm_share") => sms = take(self, "sm_share", Kind::Share),
            Some("sm_percent") => sms = take(self, "sm_percent", Kind::Percent) / 100.0,
            Some("sm_ratio") => sms = 1.0 / take(self, "sm_ratio", Kind::Ratio),
            Some("sms") => {
                let board = how.board_sms.unwrap_or(1);
                sms = take(self, "sms", Kind::Count) / f64::from(board);
                if sms > 1.0 {
                    let place = columns.place("sms").unwrap_or(0);
                    let span = record.cells[place].1.clone();
                    let title = format!("`sms`: more than the board's {board}");
                    self.at(span, title, "", None);
                }
            }
            Some(_) => {
                let place = columns.place("mig_profile").unwrap_or(0);
                let (name, span) = &record.cells[place];
                match how.profiles.and_then(|profiles| profiles(name)) {
                    Some(parts) => (sms, bandwidth) = parts,
                    None => {
                        let title = format!("`mig_profile`: `{name}` is no profile of the board");
                        let help = "or give `sm_ratio` and `memory_ratio`".to_owned();
                        self.at(span.clone(), title, "", Some(help));
                    }
                }
            }
            None => {}
        }
        match columns.memory {
            Some("memory_share") => bandwidth = take(self, "memory_share", Kind::Share),
            Some(_) => bandwidth = 1.0 / take(self, "memory_ratio", Kind::Ratio),
            None => {}
        }
        let latency_ms = match columns.measure {
            "latency_ms" => measured,
            _ => batch / measured * 1e3,
        };
        if self.findings.len() == before && !LATENCIES_MS.contains(&latency_ms) {
            let place = columns.place(columns.measure).unwrap_or(0);
            let (text, span) = &record.cells[place];
            let title = format!(
                "`{}`: `{text}` means a latency of {latency_ms:e} ms",
                columns.measure
            );
            let help = "latencies are from a nanosecond to 10⁹ ms".to_owned();
            self.at(span.clone(), title, "", Some(help));
        }
        (self.findings.len() == before).then_some(Row {
            line: record.line,
            point: Point {
                at: Setting {
                    sms,
                    bandwidth,
                    tenants: tenants as u32,
                    batch: batch as u32,
                },
                latency_ms,
            },
            held_out,
        })
    }
}

/// Whether two names differ by a letter or two only.
fn close(name: &str, meant: &str) -> bool {
    let fold = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    strsim::damerau_levenshtein(&fold(name), &fold(meant)) <= 2 && name.len() > 3
}
