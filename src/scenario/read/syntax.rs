//! What is the matter with a text that is no TOML, in words that name the cause.
//!
//! A parser says where it stopped. Most files that it stops at have one of a few causes: another format, another
//! encoding, quotes of a word processor, a value without quotes. Each is one error, whatever the parser makes
//! of the rest of the line.

use std::ops::Range;
use toml::de::DeTable;

/// One thing that is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    pub span: Option<Range<usize>>,
    pub title: String,
    pub label: String,
    pub help: String,
}

/// For those who have a file that `import` may read.
fn import() -> String {
    format!(
        "if it describes boards or how they are shared, `warpshare import FILE` makes a scenario of it, and a \
         scenario names it with `config` of a GPU; {}",
        crate::import::READ
    )
}

/// The text of a file; a byte order mark is taken off.
///
/// # Errors
///
/// Where it is not UTF-8: the cause, and the text as far as it can be shown.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, (Cause, String)> {
    let start = bytes.get(..2).unwrap_or_default();
    let marked = start == [0xFF, 0xFE] || start == [0xFE, 0xFF];
    // Text of Latin letters in UTF-16 is one byte in two of zeros.
    if marked || bytes.iter().take(64).filter(|byte| **byte == 0).count() > 8 {
        let cause = Cause {
            span: None,
            title: "this file is UTF-16, and a scenario is UTF-8".to_owned(),
            label: String::new(),
            help: "save it as UTF-8 (`iconv -f UTF-16 -t UTF-8`; in PowerShell `Set-Content -Encoding utf8`)"
                .to_owned(),
        };
        return Err((cause, String::new()));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text).to_owned()),
        Err(error) => {
            let at = error.valid_up_to();
            let byte = bytes.get(at).copied().unwrap_or_default();
            let cause = Cause {
                span: Some(at..at + 1),
                title: "this file is not UTF-8".to_owned(),
                label: format!("the byte 0x{byte:02X} is no character here"),
                help: "it is probably Latin-1 or Windows-1252: save it as UTF-8".to_owned(),
            };
            Err((cause, String::from_utf8_lossy(bytes).into_owned()))
        }
    }
}

/// The format that a text is in, where it is another one.
pub(crate) fn other_format(text: &str) -> Option<Cause> {
    let significant = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let lines = || text.lines().map(str::trim).filter(significant);
    let first = lines().next()?;
    let (what, help) = if first.starts_with('{') {
        ("JSON", json_help())
    } else if first.starts_with('<') {
        ("XML", import())
    } else if first == "---" || first.starts_with("%YAML") || {
        let yaml = lines().filter(|line| yaml_key(line)).count();
        let toml = lines().filter(|line| toml_line(line)).count();
        yaml > toml
    } {
        ("YAML", import())
    } else {
        return None;
    };
    Some(Cause {
        span: None,
        title: format!("this is {what}, and a scenario is TOML"),
        label: String::new(),
        help,
    })
}

fn json_help() -> String {
    "in TOML a table is `[gpus.a]` on a line of its own, and a value `board = \"a40\"`; `warpshare new` writes a \
     scenario to begin with"
        .to_owned()
}

/// `key:` or `- item`, as YAML has them.
fn yaml_key(line: &str) -> bool {
    if line.starts_with("- ") || line == "-" {
        return true;
    }
    let Some((key, rest)) = line.split_once(':') else {
        return false;
    };
    let word = |c: char| c.is_alphanumeric() || "_-./\"' ".contains(c);
    !key.is_empty() && key.chars().all(word) && (rest.is_empty() || rest.starts_with(' '))
}

fn toml_line(line: &str) -> bool {
    line.contains('=') || (line.starts_with('[') && line.ends_with(']'))
}

/// The cause of a syntax error that was found at `at`; `None` where the parser's own words are the best.
pub(crate) fn cause(text: &str, at: usize) -> Option<Cause> {
    let at = at.min(text.len());
    let before = text.get(..at)?;
    // An error at the very end of a line is about that line.
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let end = text[start..].find('\n').map_or(text.len(), |n| start + n);
    let line = text[start..end].trim_end_matches('\r');
    let found = of_line(line)?;
    Some(Cause {
        span: found.span.map(|span| span.start + start..span.end + start),
        ..found
    })
}

/// Quotes of word processors and of other languages.
fn is_typographic(c: char) -> bool {
    matches!(
        c,
        '\u{2018}'
            ..='\u{201F}'
                | '\u{2039}'
                | '\u{203A}'
                | '\u{AB}'
                | '\u{BB}'
                | '\u{FF02}'
                | '\u{FF07}'
                | '\u{B4}'
    )
}

/// Characters that look like a blank, or like nothing.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{A0}' | '\u{2000}'..='\u{200D}' | '\u{202F}' | '\u{2060}' | '\u{3000}' | '\u{FEFF}'
    )
}

/// Whether this cause is that of typographic quotes, which a file has in many lines.
pub(crate) fn is_about_quotes(cause: &Cause) -> bool {
    cause.title.starts_with(TYPOGRAPHIC)
}

const TYPOGRAPHIC: &str = "typographic quotes";

/// A line's characters outside of strings, and where its comment begins.
fn bare(line: &str) -> (Vec<(usize, char)>, usize) {
    let mut outside = Vec::new();
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '#' => return (outside, at),
            None => outside.push((at, c)),
        }
    }
    (outside, line.len())
}

fn of_line(line: &str) -> Option<Cause> {
    let (outside, comment) = bare(line);
    let mark = |at: usize, c: char| Some(at..at + c.len_utf8());
    if let Some(&(at, c)) = outside.iter().find(|(_, c)| is_typographic(*c)) {
        return Some(Cause {
            span: mark(at, c),
            title: format!("{TYPOGRAPHIC} do not quote in TOML"),
            label: format!(
                "U+{:04X}, as word processors and web pages set it",
                c as u32
            ),
            help: "write \" in place of each of them in this file".to_owned(),
        });
    }
    if let Some(&(at, c)) = outside.iter().find(|(_, c)| is_unseen(*c)) {
        return Some(Cause {
            span: mark(at, c),
            title: format!("an unseen character stands here: U+{:04X}", c as u32),
            label: "looks like a blank, and is none".to_owned(),
            help: "write a plain blank, or nothing, in its place".to_owned(),
        });
    }
    let code = line[..comment].trim_end();
    let indent = code.len() - code.trim_start().len();
    let words = code.trim_start();
    let whole = indent..code.len();
    if ["//", "/*", ";", "--"]
        .iter()
        .any(|sign| words.starts_with(sign))
    {
        return Some(Cause {
            span: Some(whole),
            title: "this is no comment in TOML".to_owned(),
            label: "a comment begins with `#`".to_owned(),
            help: format!(
                "# {}",
                words.trim_start_matches(['/', '*', ';', '-']).trim()
            ),
        });
    }
    if words.starts_with('[') && !words.contains(']') && !words.contains('=') {
        return Some(Cause {
            span: Some(whole),
            title: "the name of a table is not closed".to_owned(),
            label: String::new(),
            help: format!("write {words}]"),
        });
    }
    if words.is_empty() || words.starts_with('[') {
        return None;
    }
    let outside = |wanted: char| {
        let mut found = outside.iter().filter(|(at, _)| *at < comment);
        found.find(|(_, c)| *c == wanted).map(|(at, _)| *at)
    };
    match (outside('='), outside(':')) {
        (Some(equals), colon) if colon.is_none_or(|colon| equals < colon) => {
            of_value(code, equals + 1)
        }
        (_, Some(colon)) => {
            let (key, value) = (words[..colon - indent].trim(), code[colon + 1..].trim());
            let value = value.trim_start_matches('=').trim();
            Some(Cause {
                span: Some(colon..colon + 1),
                title: format!("`:` stands where `=` should: `{key}`"),
                label: "a key and its value have `=` between them".to_owned(),
                help: format!("write {key} = {}", written(value)),
            })
        }
        _ => {
            let (key, value) = match words.split_once([' ', '\t']) {
                Some((key, value)) => (key, value.trim()),
                None => (words, ""),
            };
            let help = match value {
                "" => "a line is `key = value`, or `[table]`".to_owned(),
                value => format!("write {key} = {}", written(value)),
            };
            Some(Cause {
                span: Some(whole),
                title: format!("there is no `=` after `{key}`"),
                label: String::new(),
                help,
            })
        }
    }
}

/// Whether a value can stand in TOML as it is.
fn is_value(value: &str) -> bool {
    let line = format!("x = {value}");
    let (table, errors) = DeTable::parse_recoverable(&line);
    errors.is_empty() && table.get_ref().len() == 1
}

/// The value as TOML has it: itself, or in quotes.
fn written(value: &str) -> String {
    if is_value(value) {
        return value.to_owned();
    }
    match value.to_lowercase().as_str() {
        "true" | "yes" | "on" => "true".to_owned(),
        "false" | "no" | "off" => "false".to_owned(),
        _ => toml::Value::String(value.trim_matches(['"', '\'']).to_owned()).to_string(),
    }
}

/// What is wrong with the value that begins at `from`.
fn of_value(code: &str, from: usize) -> Option<Cause> {
    let value = code[from..].trim();
    let at = code.len() - code[from..].trim_start().len();
    let key = code[..from - 1].trim();
    if value.is_empty() {
        return Some(Cause {
            span: Some(from - 1..from),
            title: format!("`{key}` has no value"),
            label: "nothing stands after this".to_owned(),
            help: "write a value, or remove the line".to_owned(),
        });
    }
    if let Some(rest) = value.strip_suffix([',', ';'])
        && is_value(rest)
    {
        let end = code.len();
        return Some(Cause {
            span: Some(end - 1..end),
            title: format!("`{}` at the end of a line", &value[rest.len()..]),
            label: "a line ends with its value".to_owned(),
            help: format!("write {key} = {rest}"),
        });
    }
    if value.starts_with(['{', '[']) {
        return of_pieces(code, at);
    }
    if value.starts_with(['"', '\'']) {
        let quote = &value[..1];
        let closed = value.len() > 1 && value.ends_with(quote);
        return (!closed && value.matches(quote).count() == 1).then(|| Cause {
            span: Some(at..code.len()),
            title: "a quote is not closed".to_owned(),
            label: format!("it begins with {quote}, and nothing ends it"),
            help: format!("write {key} = {value}{quote}"),
        });
    }
    (!is_value(value)).then(|| unquoted(value, at, &format!("{key} = ")))
}

/// A value that is neither quoted nor anything that needs no quotes.
fn unquoted(value: &str, at: usize, before: &str) -> Cause {
    let right = written(value);
    let label = match right.as_str() {
        "true" | "false" => "TOML has `true` and `false`",
        _ => "text and amounts with a unit stand in quotes",
    };
    Cause {
        span: Some(at..at + value.len()),
        title: format!("`{value}` is not in quotes"),
        label: label.to_owned(),
        help: format!("write {before}{right}"),
    }
}

/// The first value of an inline table or an array that needs quotes and has none.
fn of_pieces(code: &str, from: usize) -> Option<Cause> {
    let (outside, _) = bare(&code[from..]);
    let separators = outside.iter().filter(|(_, c)| "{}[],=".contains(*c));
    let places: Vec<(usize, char)> = separators.map(|(at, c)| (at + from, *c)).collect();
    for pair in places.windows(2) {
        let ((left, open), (right, close)) = (pair[0], pair[1]);
        let raw = &code[left + 1..right];
        let piece = raw.trim();
        // After `{` or `,` of a table stands a key, which needs no quotes; `=` follows it.
        if piece.is_empty() || close == '=' || open == '{' || piece.contains(['"', '\'']) {
            continue;
        }
        if !is_value(piece) {
            let at = left + 1 + (raw.len() - raw.trim_start().len());
            return Some(unquoted(piece, at, ""));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(line: &str) -> String {
        of_line(line).map_or_else(|| "none".to_owned(), |cause| cause.help)
    }

    #[test]
    fn lines_with_a_usual_mistake_have_a_remedy_that_is_toml() {
        for (wrong, right) in [
            ("duration = 30s", "write duration = \"30s\""),
            ("  vgpu = A40-4Q # four", "write vgpu = \"A40-4Q\""),
            ("title = Four desktops", "write title = \"Four desktops\""),
            ("arr = True", "write arr = true"),
            ("baselines = no", "write baselines = false"),
            ("count 4", "write count = 4"),
            ("duration \"30s\"", "write duration = \"30s\""),
            ("duration: 30s", "write duration = \"30s\""),
            ("count : 4", "write count = 4"),
            ("count := 4", "write count = 4"),
            ("count = 4,", "write count = 4"),
            ("board = \"a40\";", "write board = \"a40\""),
            ("board = \"a40", "write board = \"a40\""),
            ("[gpus.a", "write [gpus.a]"),
            ("// a remark", "# a remark"),
            (
                "time = { dist = \"exponential\", mean = 6ms }",
                "write \"6ms\"",
            ),
            ("sequence = [\"a\", b]", "write \"b\""),
            ("count =", "write a value, or remove the line"),
        ] {
            assert_eq!(help(wrong), right, "{wrong}");
            if let Some(line) = right.strip_prefix("write ")
                && line.contains('=')
            {
                let (_, errors) = DeTable::parse_recoverable(line);
                assert!(errors.is_empty(), "{line}");
            }
        }
        // A sound line has no cause.
        for line in ["count = 4", "[gpus.a]", "title = \"a: b\"", "# note: x", ""] {
            assert_eq!(help(line), "none", "{line}");
        }
    }

    #[test]
    fn characters_that_only_look_right_are_named() {
        let cause = of_line("vgpu = \u{201C}A40-4Q\u{201D}").unwrap();
        assert!(is_about_quotes(&cause));
        assert_eq!(cause.span, Some(7..10));
        let cause = of_line("count\u{A0}= 4").unwrap();
        assert!(cause.title.contains("U+00A0"), "{}", cause.title);
        // In a string they are what is meant.
        assert_eq!(of_line("title = \"\u{201C}so\u{201D}\u{A0}called\""), None);
    }

    #[test]
    fn other_formats_and_encodings_are_told_apart() {
        let what = |text: &str| other_format(text).map(|cause| cause.title);
        let starts = |text: &str, what_is: &str| {
            let found = what(text).unwrap_or_default();
            assert!(
                found.starts_with(&format!("this is {what_is},")),
                "{text}: {found}"
            );
        };
        starts(
            "run:\n  duration: 30s\ngpus:\n  a:\n    board: a40\n",
            "YAML",
        );
        starts("---\nversion: v1\n", "YAML");
        starts(
            "# devices\nmig-configs:\n  all:\n    - devices: all\n",
            "YAML",
        );
        starts("{ \"run\": { \"duration\": \"30s\" } }", "JSON");
        starts("<?xml version=\"1.0\"?>\n<nvidia_smi_log>", "XML");
        // One colon in place of `=` does not make a file YAML.
        assert_eq!(
            what("[run]\nduration: 30s\n[gpus.a]\nboard = \"a40\"\n"),
            None
        );
        assert_eq!(what(""), None);

        let utf16: Vec<u8> = "[run]\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let marked = [&[0xFF, 0xFE], utf16.as_slice()].concat();
        let long = utf16.repeat(8);
        for bytes in [marked, long] {
            let (cause, _) = decode(&bytes).unwrap_err();
            assert!(cause.title.contains("UTF-16"), "{}", cause.title);
        }
        let (cause, _) = decode(b"title = \"caf\xE9\"\n").unwrap_err();
        assert_eq!(cause.span, Some(12..13));
        assert!(cause.label.contains("0xE9"));
        assert_eq!(decode(b"\xEF\xBB\xBF[run]").unwrap(), "[run]");
    }
}
