//! YAML with the place of every part, before anybody asks what it means.
//!
//! Files are read into this tree and not into typed records, so that each finding is in this
//! program's words, and so that what stands twice can be named with both places.

use crate::diagnostics::{Diagnostic, Diagnostics, Severity, nearest};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A part of a file.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub value: Value,
    pub span: Range<usize>,
    /// From 1.
    pub line: u64,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Flag(bool),
    Whole(u64),
    /// Another number, as text.
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; each key once.
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub(super) struct Key {
    pub name: String,
    pub span: Range<usize>,
    /// From 1.
    pub line: u64,
}

/// A text with its name, and what was found wrong with it so far.
pub(super) struct Reader {
    pub name: String,
    /// What findings show.
    pub source: Arc<str>,
    pub findings: Diagnostics,
}

impl Reader {
    pub fn new(name: &str, source: &Arc<str>) -> Reader {
        Reader {
            name: name.to_owned(),
            source: Arc::clone(source),
            findings: Diagnostics::default(),
        }
    }

    pub fn error(&mut self, span: &Range<usize>, title: impl Into<String>, help: Option<String>) {
        self.push(Severity::Error, span, title.into(), String::new(), help);
    }

    pub fn push(
        &mut self,
        severity: Severity,
        span: &Range<usize>,
        title: String,
        label: String,
        help: Option<String>,
    ) {
        self.findings.push(Diagnostic {
            severity,
            title,
            file: self.name.clone(),
            source: Arc::clone(&self.source),
            span: Some(span.clone()),
            label,
            help,
        });
    }

    /// The documents of `text`, whose places are those of the source. A mapping's key that stands
    /// twice counts as it stands last, with a warning. `None` after an error.
    pub fn documents(&mut self, text: &str) -> Option<Vec<Node>> {
        let lines = Lines::of(text);
        let options = serde_saphyr::options! {
            // Values of charts nest about ten levels deep; each costs stack.
            budget: serde_saphyr::budget! { max_depth: 24 },
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
        };
        let raw: Vec<Spanned<Raw>> = match serde_saphyr::from_multiple_with_options(text, options) {
            Ok(raw) => raw,
            Err(error) => {
                let error = error.without_snippet();
                let at = error.location().map_or(0..0, |at| lines.place(&at));
                self.error(&at, words(error), None);
                return None;
            }
        };
        Some(raw.into_iter().map(|raw| self.node(raw, &lines)).collect())
    }

    fn node(&mut self, raw: Spanned<Raw>, lines: &Lines<'_>) -> Node {
        let span = lines.place(&raw.referenced);
        let value = match raw.value {
            Raw::Leaf(value) => value,
            Raw::List(items) => {
                Value::List(items.into_iter().map(|raw| self.node(raw, lines)).collect())
            }
            Raw::Map(pairs) => {
                let mut map: Vec<(Key, Node)> = Vec::with_capacity(pairs.len());
                let mut known: BTreeMap<String, usize> = BTreeMap::new();
                for (name, value) in pairs {
                    let key = Key {
                        span: lines.place(&name.referenced),
                        line: name.referenced.line(),
                        name: name.value,
                    };
                    let value = self.node(value, lines);
                    if let Some(at) = known.get(&key.name) {
                        let title = format!(
                            "`{}` stands twice, in lines {} and {}: the last one counts",
                            key.name, map[*at].0.line, key.line
                        );
                        let help = "remove one of them, or give it another name".to_owned();
                        let label = "this one counts".to_owned();
                        self.push(Severity::Warning, &key.span, title, label, Some(help));
                        map[*at] = (key, value);
                    } else {
                        known.insert(key.name.clone(), map.len());
                        map.push((key, value));
                    }
                }
                Value::Map(map)
            }
        };
        Node {
            line: raw.referenced.line(),
            value,
            span,
        }
    }

    /// The mapping of a node, or a finding that it is none.
    pub fn map<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a [(Key, Node)]> {
        match &node.value {
            Value::Map(pairs) => Some(pairs),
            other => {
                let title = format!("{what} is a mapping, not {}", other.kind());
                self.error(&node.span, title, None);
                None
            }
        }
    }

    pub fn list<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a [Node]> {
        match &node.value {
            Value::List(items) => Some(items),
            other => {
                let title = format!("{what} is a list, not {}", other.kind());
                self.error(&node.span, title, None);
                None
            }
        }
    }

    /// A whole number from 0 to 2³² − 1.
    pub fn count(&mut self, node: &Node, what: &str) -> Option<u32> {
        let number = match &node.value {
            Value::Whole(number) => u32::try_from(*number).ok(),
            _ => None,
        };
        if number.is_none() {
            let title = format!("{what} is a whole number, not {}", node.value.shown());
            self.error(&node.span, title, None);
        }
        number
    }

    /// Says of every key that is not among `known` that nobody knows it; whether there is none.
    pub fn only(
        &mut self,
        severity: Severity,
        map: &[(Key, Node)],
        known: &[&str],
        of: &str,
    ) -> bool {
        let before = self.findings.0.len();
        for (key, _) in map.iter().filter(|(key, _)| !known.contains(&&*key.name)) {
            let help = match nearest(&key.name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its keys are {}", known.join(", ")),
            };
            let title = format!("{of} has no key `{}`", key.name);
            let label = match severity {
                Severity::Error => String::new(),
                Severity::Warning => "not read".to_owned(),
            };
            self.push(severity, &key.span, title, label, Some(help));
        }
        self.findings.0.len() == before
    }
}

/// The value of a key.
pub(super) fn get<'a>(map: &'a [(Key, Node)], name: &str) -> Option<&'a Node> {
    let (_, node) = map.iter().find(|(key, _)| key.name == name)?;
    Some(node)
}

impl Node {
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn get(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(map) => get(map, name),
            _ => None,
        }
    }
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Value::Null => "empty",
            Value::Flag(_) => "true or false",
            Value::Whole(_) | Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// For messages: what stands there, if it is short.
    pub fn shown(&self) -> String {
        match self {
            Value::Flag(flag) => format!("`{flag}`"),
            Value::Whole(number) => format!("`{number}`"),
            Value::Number(text) | Value::Text(text) if text.chars().count() <= 40 => {
                format!("`{}`", text.trim())
            }
            other => other.kind().to_owned(),
        }
    }
}

/// A text, and where its lines begin.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Lines<'a> {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        Lines { text, starts }
    }

    /// The bytes of a place: of the word or, for what has parts, of the rest of its line.
    fn place(&self, at: &Location) -> Range<usize> {
        let index = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        let line_start = self.starts.get(index(at.line())).copied();
        let line_start = line_start.unwrap_or(self.text.len());
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let before = line.chars().take(index(at.column()));
        let start: usize = before.map(char::len_utf8).sum();
        let rest = line[start..].trim_end();
        let words = usize::try_from(at.span().len()).unwrap_or(0);
        let word: usize = rest.chars().take(words).map(char::len_utf8).sum();
        let length = if word > 0 { word } else { rest.len() };
        line_start + start..line_start + start + length.max(1)
    }
}

/// What is wrong with the YAML, without the place, which the diagnostic shows, and without the
/// names of the library's settings.
fn words(error: &serde_saphyr::Error) -> String {
    let said = error.to_string();
    let said = match error.location() {
        Some(at) => {
            let place = format!(" at line {}, column {}", at.line(), at.column());
            said.replace(&place, "")
        }
        None => said,
    };
    if said.to_ascii_lowercase().contains("budget") || said.contains("limit") {
        return "this YAML is larger, deeper, or has more aliases, than any configuration"
            .to_owned();
    }
    format!("this is not well-formed YAML: {}", said.trim_end())
}

/// What the library gives, with its own places.
enum Raw {
    Leaf(Value),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Raw, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Raw;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw::Leaf(Value::Null))
            }
            fn visit_none<E>(self) -> Result<Raw, E> {
                Ok(Raw::Leaf(Value::Null))
            }
            fn visit_some<D: Deserializer<'de>>(self, source: D) -> Result<Raw, D::Error> {
                Raw::deserialize(source)
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Raw, E> {
                Ok(Raw::Leaf(Value::Flag(flag)))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Raw, E> {
                Ok(Raw::Leaf(Value::Whole(number)))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Raw, E> {
                Ok(Raw::Leaf(match u64::try_from(number) {
                    Ok(number) => Value::Whole(number),
                    Err(_) => Value::Number(number.to_string()),
                }))
            }
            fn visit_u128<E>(self, number: u128) -> Result<Raw, E> {
                Ok(Raw::Leaf(Value::Number(number.to_string())))
            }
            fn visit_i128<E>(self, number: i128) -> Result<Raw, E> {
                Ok(Raw::Leaf(Value::Number(number.to_string())))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Raw, E> {
                Ok(Raw::Leaf(Value::Number(number.to_string())))
            }
            fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw::Leaf(Value::Text(text.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Raw::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Raw::Map(pairs))
            }
        }
        source.deserialize_any(Any)
    }
}
