//! Rows of a data file: CSV with a line of column names, or JSON lines (one object a line).

use super::trace::Errors;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Rows of a file whose columns have names.
pub(super) struct Table<'a> {
    /// Names of the columns: those of the first line, or the keys of the first object.
    pub names: Vec<String>,
    /// Line on which they stand.
    pub line: u64,
    rows: Rows<'a>,
}

enum Rows<'a> {
    Csv {
        reader: csv::Reader<&'a [u8]>,
        lines: Lines<'a>,
    },
    JsonLines {
        /// What is left of the file, and the number of its first line.
        rest: &'a [u8],
        line: u64,
    },
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl<'a> Table<'a> {
    /// Reads the names of the columns. `None` after errors. `first` says what the first line of a CSV
    /// file is.
    pub fn open(bytes: &'a [u8], first: &str, errors: &mut Errors<'_>) -> Option<Table<'a>> {
        let bytes = text_of(bytes, errors)?;
        let found = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        let table = match found {
            Some(b'{') => Table::of_json_lines(bytes, errors),
            Some(b'[') => {
                let problem = "this is a JSON array".to_owned();
                let remedy = "write one object a line, as `jq -c '.[]'` does".to_owned();
                errors.push(Some(1), None, problem, Some(remedy));
                None
            }
            _ => Table::of_csv(bytes, first, errors),
        }?;
        for (index, name) in table.names.iter().enumerate() {
            if table.names[..index].contains(name) {
                let problem = format!("two columns are called `{name}`");
                let remedy = "give each column a name of its own".to_owned();
                errors.push(Some(table.line), Some(name), problem, Some(remedy));
            }
        }
        Some(table)
    }

    fn of_csv(bytes: &'a [u8], first: &str, errors: &mut Errors<'_>) -> Option<Table<'a>> {
        check_quotes(bytes, errors).ok()?;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes);
        let mut lines = Lines::new(bytes);
        let mut record = csv::ByteRecord::new();
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => {
                let remedy = Some(first.to_owned());
                errors.push(None, None, "the file is empty".to_owned(), remedy);
                return None;
            }
            Err(error) => {
                errors.push(None, None, error.to_string(), None);
                return None;
            }
        }
        let name = |cell: &[u8]| String::from_utf8_lossy(cell).trim().to_owned();
        Some(Table {
            names: record.iter().map(name).collect(),
            line: lines.of(&record),
            rows: Rows::Csv { reader, lines },
        })
    }

    fn of_json_lines(bytes: &'a [u8], errors: &mut Errors<'_>) -> Option<Table<'a>> {
        let (rest, mut line) = (bytes, 1);
        for text in bytes.split(|&byte| byte == b'\n') {
            if text.iter().all(u8::is_ascii_whitespace) {
                line += 1;
                continue;
            }
            let names = match object(text) {
                Ok(cells) => cells.into_iter().map(|(name, _)| name.into_owned()),
                Err(problem) => {
                    errors.push(Some(line), None, problem, Some(ONE_OBJECT.to_owned()));
                    return None;
                }
            };
            let rows = Rows::JsonLines { rest, line: 1 };
            return Some(Table {
                names: names.collect(),
                line,
                rows,
            });
        }
        None
    }

    /// Where the columns of these names are; `None` for those that there are not. In JSON lines the
    /// place is that in `wanted`: objects have their keys in any order.
    pub fn find(&self, wanted: &[&str]) -> Vec<Option<usize>> {
        let found = wanted.iter().enumerate().map(|(index, wanted)| {
            let place = self.names.iter().position(|name| name == wanted)?;
            match self.rows {
                Rows::Csv { .. } => Some(place),
                Rows::JsonLines { .. } => Some(index),
            }
        });
        found.collect()
    }

    /// Reads the next row; its line, or `None` at the end. Rows with a wrong number of cells, lines that
    /// are no objects and objects without a wanted key are reported and passed over.
    pub fn next(
        &mut self,
        wanted: &[&str],
        record: &mut csv::ByteRecord,
        errors: &mut Errors<'_>,
    ) -> Option<u64> {
        match &mut self.rows {
            Rows::Csv { reader, lines } => loop {
                match reader.read_byte_record(record) {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => {
                        errors.push(None, None, error.to_string(), None);
                        return None;
                    }
                }
                let line = lines.of(record);
                let (cells, width) = (record.len(), self.names.len());
                if cells == width {
                    return Some(line);
                }
                let problem = format!("the row has {cells} cells, the header {width}");
                let remedy = "every row needs one cell per column; a cell with a comma in it needs \
                              double quotes";
                errors.push(Some(line), None, problem, Some(remedy.to_owned()));
            },
            Rows::JsonLines { rest, line } => loop {
                if rest.is_empty() {
                    return None;
                }
                let end = rest.iter().position(|&byte| byte == b'\n');
                let (text, after) = match end {
                    Some(end) => (&rest[..end], &rest[end + 1..]),
                    None => (*rest, &rest[rest.len()..]),
                };
                let here = *line;
                (*rest, *line) = (after, here + 1);
                if text.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                match cells(text, wanted, record) {
                    Ok(()) => return Some(here),
                    Err((column, problem, remedy)) => {
                        errors.push(Some(here), column, problem, Some(remedy.to_owned()));
                    }
                }
            },
        }
    }
}

/// The bytes without a byte-order mark; an error for text in two-byte units, as some tools on Windows
/// write it.
pub(super) fn text_of<'a>(bytes: &'a [u8], errors: &mut Errors<'_>) -> Option<&'a [u8]> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let remedy = "save it as UTF-8; PowerShell does with `-Encoding utf8`".to_owned();
        errors.push(None, None, "the file is UTF-16".to_owned(), Some(remedy));
        return None;
    }
    Some(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes))
}

/// Reports a quote that is never closed: all that follows would be one cell.
pub(super) fn check_quotes(bytes: &[u8], errors: &mut Errors<'_>) -> Result<(), ()> {
    let Some(line) = unclosed_quote(bytes) else {
        return Ok(());
    };
    let problem = "a double quote opens a cell here and is never closed".to_owned();
    let remedy = "close it, or remove it: all rows below would be part of this one cell".to_owned();
    errors.push(Some(line), None, problem, Some(remedy));
    Err(())
}

/// The line of a quote that is open at the end. A quote opens a cell only as its first character; two in
/// a row within one are a quote (RFC 4180).
fn unclosed_quote(bytes: &[u8]) -> Option<u64> {
    #[derive(PartialEq)]
    enum At {
        Begin,
        Plain,
        Quoted,
        Quote,
    }
    if !bytes.contains(&b'"') {
        return None;
    }
    let (mut at, mut line, mut opened) = (At::Begin, 1, 1);
    for &byte in bytes {
        at = match (at, byte) {
            (At::Begin, b'"') => {
                opened = line;
                At::Quoted
            }
            (At::Quoted, b'"') => At::Quote,
            (At::Quote, b'"') | (At::Quoted, _) => At::Quoted,
            (_, b',' | b'\n' | b'\r') => At::Begin,
            _ => At::Plain,
        };
        line += u64::from(byte == b'\n');
    }
    (at == At::Quoted).then_some(opened)
}

const ONE_OBJECT: &str = "JSON lines have one whole object on each line, such as `{\"timestamp\": 40, \
                          \"input_length\": 2429}`";

/// Column, problem, remedy.
type Refusal<'w> = (Option<&'w str>, String, &'static str);

/// The wanted values of an object as cells, in the order of `wanted`.
fn cells<'w>(
    text: &[u8],
    wanted: &[&'w str],
    record: &mut csv::ByteRecord,
) -> Result<(), Refusal<'w>> {
    let found = object(text).map_err(|problem| (None, problem, ONE_OBJECT))?;
    record.clear();
    for &name in wanted {
        let mut values = found.iter().filter(|(key, _)| key == name);
        let (Some((_, value)), again) = (values.next(), values.next()) else {
            let problem = format!("the object has no `{name}`");
            return Err((Some(name), problem, "every row needs one value per column"));
        };
        if again.is_some() {
            let problem = format!("the object has `{name}` twice");
            return Err((Some(name), problem, "give each key once"));
        }
        // Numbers keep their digits; `null` is an empty cell.
        match value.get() {
            "null" => record.push_field(b""),
            text if text.starts_with('"') => match serde_json::from_str::<String>(text) {
                Ok(text) => record.push_field(text.as_bytes()),
                Err(error) => return Err((Some(name), error.to_string(), ONE_OBJECT)),
            },
            text => record.push_field(text.as_bytes()),
        }
    }
    Ok(())
}

/// The keys of an object with their values as they are written.
type Members<'t> = Vec<(Cow<'t, str>, &'t RawValue)>;

fn object(text: &[u8]) -> Result<Members<'_>, String> {
    struct Object;
    impl<'t> Visitor<'t> for Object {
        type Value = Members<'t>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("an object")
        }

        fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Members<'t>, A::Error> {
            let mut members = Members::new();
            while let Some(member) = map.next_entry::<Cow<'t, str>, &'t RawValue>()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    let text = std::str::from_utf8(text).map_err(|_| "the line is not UTF-8".to_owned())?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = reader.deserialize_map(Object);
    found
        .and_then(|members| reader.end().map(|()| members))
        .map_err(|error| format!("this is no JSON object: {}", short(&error)))
}

/// What the parser says, without its own place: the line is said otherwise.
fn short(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    format!("{} in column {}", text.replace(&place, ""), error.column())
}

/// Line numbers of records. The CSV reader's own count is one short after CRLF and ignores blank
/// lines in front of a record, so lines are counted in the bytes.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Lines {
            bytes,
            at: 0,
            line: 1,
        }
    }

    /// Line on which the record starts; records must come in the order of the file.
    pub fn of(&mut self, record: &csv::ByteRecord) -> u64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_that_is_not_closed_has_the_line_on_which_it_opens() {
        for (text, line) in [
            ("t,x\n0,1\n1,\"1\n2,1\n", Some(3)),
            ("t,x\n0,\"a\"\"\n", Some(2)),
            ("\"t,x\n", Some(1)),
            ("t,\"", Some(1)),
            ("t,x\n0,\"a\nb\"\n1,\"c\n", Some(4)),
            // Closed, or not opening a cell.
            ("t,x\n0,\"a\n\nb\"\n", None),
            ("t,x\n0,5\" screen\n", None),
            ("t,x\n0, \"a\n", None),
            ("t,x\n0,\"a\"\"b\"\n", None),
            ("t,x\n0,\"a\"b\"c\n", None),
            ("", None),
        ] {
            assert_eq!(unclosed_quote(text.as_bytes()), line, "{text:?}");
        }
    }

    /// The scanner and the reader of the `csv` crate agree on what a quote opens: with the quote closed at
    /// the end of the file, the reader finds as many rows as without it.
    #[test]
    fn quotes_are_those_of_the_reader() {
        let parts = ["a", "\"", ",", "\n", "\r\n", "\"\""];
        let mut number = 0u32;
        while number < 6u32.pow(6) {
            let mut rest = number;
            let text: String = (0..6)
                .map(|_| {
                    let part = parts[(rest % 6) as usize];
                    rest /= 6;
                    part
                })
                .collect();
            let rows = |text: &str| {
                let reader = csv::ReaderBuilder::new()
                    .has_headers(false)
                    .flexible(true)
                    .from_reader(text.as_bytes());
                reader
                    .into_byte_records()
                    .map(Result::unwrap)
                    .collect::<Vec<_>>()
            };
            // An open cell takes what follows; a closed one does not.
            let more = rows(&format!("{text}\nlast,row\n"));
            let ends = more.last().is_some_and(|row| *row == vec!["last", "row"]);
            assert_eq!(unclosed_quote(text.as_bytes()).is_none(), ends, "{text:?}");
            number += 7;
        }
    }

    #[test]
    fn digits_of_json_numbers_are_kept() {
        let mut record = csv::ByteRecord::new();
        let text = br#"{"b": "x\n", "t": 1700158546.680590001, "c": null, "d": [1, {"t": 2}]}"#;
        cells(text, &["t", "b", "c", "d"], &mut record).unwrap();
        let found: Vec<&[u8]> = record.iter().collect();
        let expected: [&[u8]; 4] = [b"1700158546.680590001", b"x\n", b"", b"[1, {\"t\": 2}]"];
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_that_are_no_objects_are_refused() {
        for text in ["[1]", "{\"a\": 1", "{\"a\": 1} {}", "{a: 1}", "7"] {
            let problem = object(text.as_bytes()).unwrap_err();
            assert!(problem.starts_with("this is no JSON object: "), "{problem}");
            assert!(!problem.contains("line"), "{problem}");
        }
        assert!(object(b"{\"\xff\": 1}").is_err());
    }
}
