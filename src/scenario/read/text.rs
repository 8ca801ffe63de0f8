//! From text to raw types, collecting every mistake on the way.
//!
//! serde stops at the first mistake. So the text is parsed once to a tree with places; when serde
//! refuses something, the finding is noted, the offending entry is taken out of the tree, and serde
//! tries again.

use crate::diagnostics::{Diagnostic, Diagnostics, Severity, nearest};
use crate::scenario::key::lines::Lines;
use crate::scenario::key::origin::Merged;
use crate::scenario::key::units::PART;
use crate::scenario::read::raw::RawScenario;
use crate::scenario::read::raw_amount::refused_family;
use crate::scenario::read::set::{Extended, join};
use crate::scenario::read::syntax::Cause;
use crate::scenario::read::{parameters, preset, set, syntax};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::collections::BTreeSet;
use std::ops::Range;
use toml::de::{DeArray, DeTable, DeValue};

/// What a text says, as far as it can be understood.
pub(crate) struct Understood {
    pub raw: RawScenario,
    /// Dotted paths of entries that were refused: nothing more is said about them or their absence.
    pub refused: BTreeSet<String>,
    /// What presets of workloads gave.
    pub merged: Merged,
    pub findings: Diagnostics,
}

/// Reads a text with the values that the command line puts behind it. Places are those of the extended text.
pub(crate) fn understand(file: &str, extended: &Extended) -> Understood {
    let source = &extended.text;
    let own = &source[..extended.end];
    let lines = extended.alone();
    let mut findings = Diagnostics::default();
    let mut report = |span: Option<Range<usize>>, title: String, label: String, help| {
        findings.push(Diagnostic {
            severity: Severity::Error,
            title,
            file: file.to_string(),
            source: source.clone(),
            span,
            label,
            help,
        });
    };
    let mut refused = BTreeSet::new();
    let (mut tree, syntax) = DeTable::parse_recoverable(own);
    if !syntax.is_empty() {
        for Cause {
            span,
            title,
            label,
            help,
        } in causes(own, &syntax)
        {
            report(span, title, label, Some(help).filter(|h| !h.is_empty()));
        }
        // A tree with holes would only produce findings about the holes.
        let raw = RawScenario::default();
        return Understood {
            raw,
            refused,
            merged: Merged::default(),
            findings,
        };
    }
    let mut fine = true;
    for line in &lines {
        if let Err((span, title, label, help)) = set::put(tree.get_mut(), line) {
            fine = false;
            report(Some(span), title, label, Some(help));
        }
    }
    if !fine {
        let raw = RawScenario::default();
        return Understood {
            raw,
            refused,
            merged: Merged::default(),
            findings,
        };
    }
    let merged = preset::complete(tree.get_mut());
    parameters::set_aside(tree.get_mut());
    loop {
        let attempt = RawScenario::deserialize(toml::Deserializer::from(tree.clone()));
        let error = match attempt {
            Ok(raw) => {
                return Understood {
                    raw,
                    refused,
                    merged,
                    findings,
                };
            }
            Err(error) => error,
        };
        let removed = error
            .span()
            .and_then(|span| remove(tree.get_mut(), &span, ""));
        let message = explain(error.message(), removed.as_ref());
        if let Some(Removed { path, .. }) = &removed {
            refused.insert(path.clone());
            if let Some(meant) = &message.meant {
                let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
                refused.insert(join(parent, meant));
            }
        }
        let at = removed.as_ref().map(|r| r.place.clone()).or(error.span());
        report(at, message.title, message.label, message.help);
        if removed.is_none() {
            // Nothing that could be taken out: the rest of the file cannot be judged.
            let raw = RawScenario::default();
            return Understood {
                raw,
                refused,
                merged,
                findings,
            };
        }
    }
}

/// What is wrong with a text that is no TOML: its one cause where the whole is something else, or a cause for
/// each line, so that what follows from a mistake is not told as another.
fn causes(text: &str, errors: &[toml::de::Error]) -> Vec<Cause> {
    if let Some(whole) = syntax::other_format(text) {
        return vec![whole];
    }
    let mut places: Vec<(usize, &toml::de::Error)> = errors
        .iter()
        .map(|error| (error.span().map_or(text.len(), |span| span.start), error))
        .collect();
    places.sort_by_key(|(at, _)| *at);
    let lines_of = Lines::of(text);
    let mut found: Vec<Cause> = Vec::new();
    let mut lines = BTreeSet::new();
    for (at, error) in places {
        let named = syntax::cause(text, at);
        let quotes = named.as_ref().is_some_and(syntax::is_about_quotes);
        if quotes && found.iter().any(syntax::is_about_quotes) {
            continue;
        }
        if !lines.insert(lines_of.line(at)) {
            continue;
        }
        found.push(named.unwrap_or_else(|| Cause {
            span: error.span(),
            title: format!("not valid TOML: {}", error.message()),
            label: String::new(),
            help: String::new(),
        }));
    }
    found
}

/// An entry taken out of the tree.
struct Removed {
    path: String,
    /// Its last key.
    key: String,
    /// What to mark.
    place: Range<usize>,
}

/// Removes the innermost entry whose key or value lies at `span`.
fn remove<'i>(table: &mut DeTable<'i>, span: &Range<usize>, path: &str) -> Option<Removed> {
    let mut found = None;
    for (key, value) in table.iter_mut() {
        let here = join(path, key.get_ref());
        if key.span() == *span {
            found = Some((key.clone(), here, span.clone()));
            break;
        }
        if let Some(inner) = descend(value, span, &here) {
            return Some(inner);
        }
        if value.span() == *span {
            found = Some((key.clone(), here, span.clone()));
            break;
        }
    }
    let (key, path, place) = found?;
    table.remove::<str>(key.get_ref());
    let key = key.into_inner().into_owned();
    Some(Removed { path, key, place })
}

fn descend<'i>(
    value: &mut Spanned<DeValue<'i>>,
    span: &Range<usize>,
    path: &str,
) -> Option<Removed> {
    match value.get_mut() {
        DeValue::Table(table) => remove(table, span, path),
        DeValue::Array(array) => remove_element(array, span, path),
        _ => None,
    }
}

fn remove_element<'i>(array: &mut DeArray<'i>, span: &Range<usize>, path: &str) -> Option<Removed> {
    for element in array.iter_mut() {
        if let Some(inner) = descend(element, span, path) {
            return Some(inner);
        }
    }
    let index = array.iter().position(|element| element.span() == *span)?;
    // Arrays offer no removal; rebuild without the element.
    let kept: DeArray<'i> = std::mem::replace(array, DeArray::new())
        .into_iter()
        .enumerate()
        .filter_map(|(i, element)| (i != index).then_some(element))
        .collect();
    *array = kept;
    Some(Removed {
        path: path.to_string(),
        key: String::new(),
        place: span.clone(),
    })
}

struct Message {
    title: String,
    label: String,
    help: Option<String>,
    /// The valid name that was probably meant.
    meant: Option<String>,
}

/// Turns serde's words into ours.
fn explain(message: &str, removed: Option<&Removed>) -> Message {
    let key = removed.map_or("", |r| r.key.as_str());
    let mut parts = message.split(PART);
    if let (Some(title), Some(label), Some(help)) = (parts.next(), parts.next(), parts.next()) {
        return Message {
            title: match key {
                "" => title.to_string(),
                key => format!("`{key}`: {title}"),
            },
            label: label.to_string(),
            help: Some(help.to_string()),
            meant: None,
        };
    }
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let (true, Some((name, valid))) = (
        message.starts_with("unknown field") || message.starts_with("unknown variant"),
        quoted.split_first(),
    ) {
        let field = message.starts_with("unknown field");
        if let ("dist", Some((why, instead))) = (key, refused_family(name)) {
            return Message {
                title: format!("there is no distribution `{name}` here"),
                label: why.to_string(),
                help: Some(instead.to_string()),
                meant: None,
            };
        }
        // Keys that policies bring stand in the place where they are put aside.
        let aside = valid.contains(&parameters::ASIDE);
        let valid = valid
            .iter()
            .copied()
            .filter(|&word| word != parameters::ASIDE);
        let mut valid: Vec<&str> = valid.collect();
        if aside && field {
            for name in parameters::names() {
                valid.push(name);
            }
        }
        let meant = nearest(name, valid.iter().copied());
        let list = valid.join(", ");
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`? valid here: {list}"),
            None => format!("valid here: {list}"),
        };
        let (title, label) = if field {
            (format!("unknown key `{name}`"), "not a key of this table")
        } else if key.is_empty() {
            (
                format!("unknown value `{name}`"),
                "not one of the valid values",
            )
        } else {
            (
                format!("unknown value `{name}` for `{key}`"),
                "not one of the valid values",
            )
        };
        return Message {
            title,
            label: label.to_string(),
            help: Some(help),
            meant: meant.filter(|_| field).map(str::to_string),
        };
    }
    if let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.split_once(", expected "))
    {
        let expected = plain(expected);
        let title = match key {
            "" => format!("expected {expected}"),
            key => format!("`{key}` must be {expected}"),
        };
        return Message {
            title,
            label: format!("this is {}", article(&found.replace('`', ""))),
            help: None,
            meant: None,
        };
    }
    if message.starts_with("invalid length") && message.contains("expected struct") {
        // serde would take an array for a table, field by field.
        return Message {
            title: format!("`{key}` must be a table"),
            label: "this is an array".to_string(),
            help: None,
            meant: None,
        };
    }
    Message {
        title: message.to_string(),
        label: String::new(),
        help: None,
        meant: None,
    }
}

/// Rust's names of types in the words of a scenario file.
fn plain(expected: &str) -> String {
    match expected {
        "a sequence" => "an array".into(),
        "a map" => "a table".into(),
        "u64" => "a whole number, zero or more".into(),
        "i64" => "a whole number".into(),
        "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        other if other.starts_with("struct ") => "a table".into(),
        other => other.to_string(),
    }
}

fn article(found: &str) -> String {
    let found = found
        .replace("sequence", "array")
        .replace("floating point", "number")
        .replace("map", "table");
    match found.chars().next() {
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an {found}"),
        _ => format!("a {found}"),
    }
}
