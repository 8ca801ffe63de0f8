//! `--set KEY=VALUE`: values of the command line in place of the file's.
//!
//! They are put into the text's own tree before it is read, so that every check and message is that of the file.
//! Each is a line behind the text (`run.duration = "10s"`); a place beyond the end of the text is a place of the
//! command line.

use crate::diagnostics::{Diagnostic, nearest};
use serde_spanned::Spanned;
use std::ops::Range;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// What messages call the command line's values.
const FLAG: &str = "--set";

/// Tables whose entries have names of the scenario's writer, and what an entry is.
const NAMED: [(&str, &str); 3] = [
    ("gpus", "GPU"),
    ("guests", "guest"),
    ("workloads", "workload"),
];

/// The text of a scenario with the values of the command line behind it.
pub(crate) struct Extended {
    /// The text, and a line for each value.
    pub text: Arc<str>,
    /// Where the text itself ends.
    pub end: usize,
    lines: Vec<Range<usize>>,
}

impl Extended {
    /// Puts the values behind the text, in their order.
    ///
    /// # Errors
    ///
    /// Those that are no `KEY=VALUE`.
    pub(crate) fn new(source: &str, set: &[String]) -> Result<Extended, Vec<Diagnostic>> {
        let (mut text, mut lines, mut wrong) = (source.to_owned(), Vec::new(), Vec::new());
        for given in set {
            match line(given) {
                Ok(line) => {
                    text.push('\n');
                    lines.push(text.len()..text.len() + line.len());
                    text.push_str(&line);
                }
                Err(problem) => wrong.push(*problem),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Extended {
            text: Arc::from(text),
            end: source.len(),
            lines,
        })
    }

    /// Each value's line, alone at its place in the text: what a parser reads, with places that are right.
    pub(crate) fn alone(&self) -> Vec<String> {
        let lines = self.lines.iter();
        lines
            .map(|place| format!("{}{}", " ".repeat(place.start), &self.text[place.clone()]))
            .collect()
    }

    /// A finding at a place beyond the text is about the command line.
    pub(crate) fn settle(&self, finding: &mut Diagnostic) {
        let Some(span) = finding.span.clone() else {
            return;
        };
        if !Arc::ptr_eq(&finding.source, &self.text) {
            return;
        }
        let Some(place) = self.lines.iter().find(|line| line.contains(&span.start)) else {
            return;
        };
        finding.file = FLAG.to_owned();
        finding.source = Arc::from(&self.text[place.clone()]);
        finding.span = Some(span.start - place.start..span.end.min(place.end) - place.start);
    }
}

/// `KEY=VALUE` as a line of TOML: a value that is none there is text.
fn line(given: &str) -> Result<String, Box<Diagnostic>> {
    let refuse = |title: String, help: &str| {
        Box::new(Diagnostic {
            help: Some(help.to_owned()),
            ..Diagnostic::file_error(format!("{FLAG} {given}"), title)
        })
    };
    let usage = "write KEY=VALUE, such as --set run.duration=10s or --set guests.desktop.count=8";
    let Some((key, value)) = given.split_once('=') else {
        return Err(refuse(
            "there is no `=` in a value to set".to_owned(),
            usage,
        ));
    };
    let (key, value) = (key.trim(), value.trim());
    // Keys of assumptions have dots of their own.
    let key = match key.strip_prefix("assumptions.") {
        Some(own) if !own.starts_with(['"', '\'']) => format!("assumptions.\"{own}\""),
        _ => key.to_owned(),
    };
    let parses = |line: &str| {
        let (table, errors) = DeTable::parse_recoverable(line);
        errors.is_empty() && table.get_ref().len() == 1
    };
    if key.contains('\n') || value.contains('\n') || !parses(&format!("{key} = 0")) {
        let title = format!("`{key}` is not the name of a value");
        return Err(refuse(title, usage));
    }
    let plain = format!("{key} = {value}");
    if !value.is_empty() && parses(&plain) {
        return Ok(plain);
    }
    let text = toml::Value::String(value.to_owned());
    Ok(format!("{key} = {text}"))
}

/// Parts of the key of a line: nested tables of one entry each, down to the value.
fn depth(line: &str) -> usize {
    let key = line.split_once(" = ").map_or(line, |(key, _)| key);
    let text = format!("{key} = 0");
    let (table, _) = DeTable::parse_recoverable(&text);
    let mut depth = 1;
    let mut inner = table.get_ref().values().next();
    while let Some(DeValue::Table(table)) = inner.map(Spanned::get_ref) {
        depth += 1;
        inner = table.values().next();
    }
    depth
}

/// Puts one value into the tree of the text.
///
/// # Errors
///
/// What is wrong with its key: place, title, label and help.
pub(crate) fn put<'i>(
    tree: &mut DeTable<'i>,
    line: &'i str,
) -> Result<(), (Range<usize>, String, String, String)> {
    let (given, _) = DeTable::parse_recoverable(line);
    descend(tree, given.into_inner(), depth(line), "")
}

fn descend<'i>(
    tree: &mut DeTable<'i>,
    given: DeTable<'i>,
    depth: usize,
    path: &str,
) -> Result<(), (Range<usize>, String, String, String)> {
    let Some((key, value)) = given.into_iter().next() else {
        return Ok(());
    };
    let here = join(path, key.get_ref());
    if let Some((_, what)) = NAMED.iter().find(|(table, _)| *table == path)
        && tree.get::<str>(key.get_ref()).is_none()
    {
        let known: Vec<&str> = tree.keys().map(|key| key.get_ref().as_ref()).collect();
        let help = match nearest(key.get_ref(), known.iter().copied()) {
            Some(near) => format!("did you mean `{}`?", join(path, near)),
            None if known.is_empty() => format!("the file has no `{path}`"),
            None => format!("this file has: {}", known.join(", ")),
        };
        let title = format!("there is no {what} `{}`", key.get_ref());
        return Err((key.span(), title, "not in the file".to_owned(), help));
    }
    if depth == 1 {
        // The key's own place counts too: it may be what is wrong.
        tree.remove::<str>(key.get_ref());
        tree.insert(key, value);
        return Ok(());
    }
    let span = value.span();
    let DeValue::Table(inner) = value.into_inner() else {
        return Ok(());
    };
    let place = key.span();
    if tree.get::<str>(key.get_ref()).is_none() {
        let table = Spanned::new(span, DeValue::Table(DeTable::new()));
        tree.insert(key.clone(), table);
    }
    match tree.get_mut::<str>(key.get_ref()).map(Spanned::get_mut) {
        Some(DeValue::Table(table)) => descend(table, inner, depth - 1, &here),
        _ => Err((
            place,
            format!("`{here}` is not a table"),
            "has no keys below it".to_owned(),
            format!("set `{here}` itself"),
        )),
    }
}

pub(crate) fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() {
        key.to_string()
    } else {
        format!("{parent}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_toml_or_else_text() {
        for (given, wanted) in [
            ("run.duration=10s", "run.duration = \"10s\""),
            ("guests.desktop.count = 8", "guests.desktop.count = 8"),
            ("gpus.a.share.arr=false", "gpus.a.share.arr = false"),
            ("title=Four = 4", "title = \"Four = 4\""),
            ("title=\"quoted\"", "title = \"quoted\""),
            ("title=", "title = \"\""),
            (
                "assumptions.switch.restore=100us",
                "assumptions.\"switch.restore\" = \"100us\"",
            ),
            (
                "workloads.w.arrivals={ process = \"poisson\", rate = \"9/s\" }",
                "workloads.w.arrivals = { process = \"poisson\", rate = \"9/s\" }",
            ),
        ] {
            assert_eq!(line(given).unwrap(), wanted);
        }
        for wrong in ["run.duration", "=3", "a b=3", "run..x=1", "a=1\nb=2"] {
            assert!(line(wrong).is_err(), "{wrong}");
        }
        assert_eq!(depth("a.\"b.c\".d = { x = 1 }"), 3);
    }
}
