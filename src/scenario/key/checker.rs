//! What all checks share: the text, the findings, the record of what was resolved and from where.

use crate::diagnostics::{Diagnostic, Diagnostics, Severity, nearest};
use crate::engine::time::Nanos;
use crate::scenario::key::field::{Field, Key, RawScalar};
use crate::scenario::key::lines::Lines;
use crate::scenario::key::origin::{Merged, Origin, Resolved};
use crate::scenario::key::units::RawDuration;
use crate::scenario::key::{assumptions, units};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) type Span = Range<usize>;

/// An error that stands among the findings: nothing more is to be said of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported;

pub(crate) struct Checker {
    pub file: String,
    pub source: Arc<str>,
    lines: Lines,
    /// Where the file itself ends: what stands behind it comes from the command line.
    pub end: usize,
    /// Folder that relative file names start from.
    pub base: PathBuf,
    pub neutral: bool,
    pub findings: Diagnostics,
    pub resolved: Vec<Resolved>,
    pub notices: Vec<String>,
    /// Entries that were refused: nothing more is said about them or their absence.
    pub refused: BTreeSet<String>,
    pub overridden: BTreeMap<String, Field<RawScalar>>,
    /// Places of `config` keys, whose files say what carries these places, and the keys' values.
    configured: Vec<(Span, String)>,
    /// What presets of workloads gave.
    merged: Merged,
    used_assumptions: BTreeSet<&'static str>,
}

impl Checker {
    pub fn new(file: &str, source: Arc<str>, base: PathBuf) -> Self {
        Checker {
            file: file.to_string(),
            end: source.len(),
            lines: Lines::of(&source),
            source,
            base,
            neutral: false,
            findings: Diagnostics::default(),
            resolved: Vec::new(),
            notices: Vec::new(),
            refused: BTreeSet::new(),
            overridden: BTreeMap::new(),
            configured: Vec::new(),
            merged: Merged::default(),
            used_assumptions: BTreeSet::new(),
        }
    }

    fn push(
        &mut self,
        severity: Severity,
        span: &Span,
        title: String,
        label: String,
        help: Option<String>,
    ) {
        self.findings.push(Diagnostic {
            severity,
            title,
            file: self.file.clone(),
            source: self.source.clone(),
            span: Some(span.clone()),
            label,
            help,
        });
    }

    /// An error with a piece of advice.
    pub fn error(
        &mut self,
        span: &Span,
        title: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let help = Some(help.into()).filter(|h| !h.is_empty());
        self.push(Severity::Error, span, title.into(), label.into(), help);
    }

    pub fn warning(
        &mut self,
        span: &Span,
        title: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let help = Some(help.into()).filter(|h| !h.is_empty());
        self.push(Severity::Warning, span, title.into(), label.into(), help);
    }

    /// A required key is not there; `span` is its table. Silent when the key was refused before.
    pub fn missing(&mut self, span: &Span, table: &str, key: &str, help: impl Into<String>) {
        if self.refused.contains(&format!("{table}.{key}")) {
            return;
        }
        let help = help.into();
        if span.is_empty() {
            // The table itself is not there: nothing to mark.
            let title = match table {
                "" => format!("the scenario has no `[{key}]`"),
                table => format!("the scenario has no `[{table}]` with `{key}`"),
            };
            self.findings.push(Diagnostic {
                help: Some(help).filter(|h| !h.is_empty()),
                ..Diagnostic::file_error(&*self.file, title)
            });
            return;
        }
        let title = format!("`{table}` has no `{key}`");
        self.error(span, title, format!("`{key}` is required here"), help);
    }

    /// A name that is not defined. Silent when its definition was refused.
    pub fn unknown_name(
        &mut self,
        span: &Span,
        what: &str,
        name: &str,
        table: &str,
        known: &BTreeSet<String>,
    ) {
        if self.refused.contains(&format!("{table}.{name}")) || self.refused.contains(table) {
            return;
        }
        let list: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = match nearest(name, list.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if list.is_empty() => format!("there is no `[{table}.…]` in this file"),
            None => format!("this file has: {}", list.join(", ")),
        };
        self.error(
            span,
            format!("there is no {what} `{name}`"),
            "not defined",
            help,
        );
    }

    /// A key that means nothing here.
    pub fn no_effect<T>(&mut self, key: &Key<T>, name: &str, why: &str, instead: &str) {
        if let Some(field) = key {
            let span = field.span.clone();
            self.error(&span, format!("`{name}` does not apply here"), why, instead);
        }
    }

    /// The value of a whole-number key in a range, or the default; `None` after an error.
    pub fn count(
        &mut self,
        path: &str,
        key: &Key<u64>,
        low: u32,
        high: u32,
        default: Option<u32>,
    ) -> Option<u32> {
        let Some(field) = key else {
            let default = default?;
            self.by_default(path, default.to_string());
            return Some(default);
        };
        match u32::try_from(field.value) {
            Ok(value) if (low..=high).contains(&value) => {
                self.file_value(path, value.to_string(), &field.span);
                Some(value)
            }
            _ => {
                let name = path.rsplit('.').next().unwrap_or(path);
                self.error(
                    &field.span,
                    format!("`{name}` is out of range"),
                    format!("must be from {low} to {high}"),
                    "",
                );
                None
            }
        }
    }

    /// A duration that must be above zero.
    pub fn positive(&mut self, path: &str, field: &Field<RawDuration>) -> Option<Nanos> {
        let name = path.rsplit('.').next().unwrap_or(path);
        if field.value.nanos == 0 {
            let title = format!("`{name}` must be longer than zero");
            self.error(&field.span, title, "less than a nanosecond", "");
            return None;
        }
        let nanos = field.value.nanos;
        self.file_value(path, units::write_nanos(nanos as f64), &field.span);
        Some(nanos)
    }

    pub fn line(&self, span: &Span) -> usize {
        self.lines.line(span.start)
    }

    fn record(&mut self, path: &str, value: impl Into<String>, origin: Origin) {
        self.resolved.push(Resolved {
            path: path.to_string(),
            value: value.into(),
            origin,
        });
    }

    pub fn file_value(&mut self, path: &str, value: impl Into<String>, span: &Span) {
        let line = self.line(span);
        let given = |(place, _): &&(Span, String)| place == span;
        let preset = self.merged.presets.iter().find(given);
        let completed = self.merged.completed.iter().find(given);
        let origin = match (self.configured_by(span), preset, completed) {
            (Some(source), ..) => Origin::Configuration {
                source: source.to_owned(),
            },
            (None, Some((_, preset)), _) if !path.ends_with(".preset") => Origin::Preset {
                preset: preset.clone(),
                line: None,
            },
            _ if !span.is_empty() && span.start > self.end => Origin::CommandLine,
            (None, None, Some((_, preset))) => Origin::Preset {
                preset: preset.clone(),
                line: Some(line),
            },
            _ => Origin::File { line },
        };
        self.record(path, value, origin);
    }

    /// Notes what presets gave, and refuses entries of `replace` that they do not have.
    pub fn merge(&mut self, merged: Merged) {
        for (span, part, known) in &merged.unknown {
            let help = match nearest(part, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has: {}", known.join(", ")),
            };
            let title = format!("the preset has no `{part}`");
            self.error(span, title, "nothing to replace", help);
        }
        self.merged = merged;
    }

    /// Whether what stands at `span` comes from a preset.
    pub fn by_preset(&self, span: &Span) -> bool {
        self.merged.presets.iter().any(|(place, _)| place == span)
    }

    /// From here on, what stands at `span` is what the file of this `config` key says.
    pub fn configure(&mut self, config: &Field<String>) {
        let entry = (config.span.clone(), config.value.clone());
        self.configured.push(entry);
    }

    /// The `config` key's value, if what stands at `span` comes from its file.
    pub fn configured_by(&self, span: &Span) -> Option<&str> {
        let found = self.configured.iter().find(|(held, _)| held == span);
        found.map(|(_, source)| source.as_str())
    }

    pub fn by_command_line(&mut self, path: &str, value: impl Into<String>) {
        self.record(path, value, Origin::CommandLine);
    }

    pub fn by_default(&mut self, path: &str, value: impl Into<String>) {
        self.record(path, value, Origin::Default);
    }

    pub fn catalogue_value(
        &mut self,
        path: &str,
        value: impl Into<String>,
        source: impl Into<String>,
    ) {
        let source = source.into();
        self.record(path, value, Origin::Catalogue { source });
    }

    /// The text of an assumption (its own default, or `default` where that depends on the board),
    /// recorded under `path` with its origin.
    pub fn assume(&mut self, path: &str, key: &'static str, default: Option<String>) -> String {
        self.used_assumptions.insert(key);
        if let Some(field) = self.overridden.get(key).cloned() {
            self.file_value(path, field.value.0.clone(), &field.span);
            return field.value.0;
        }
        let assumption = assumptions::find(key);
        let value = default
            .or_else(|| assumption.map(|a| a.default.to_string()))
            .unwrap_or_default();
        let evidence = assumption.map_or("", |a| a.evidence).to_string();
        let key = key.to_string();
        self.record(path, value.clone(), Origin::Assumption { key, evidence });
        value
    }

    /// An assumption that is a duration. Its text has been checked before.
    pub fn assume_duration(&mut self, path: &str, key: &'static str) -> Nanos {
        let text = self.assume(path, key, None);
        units::parse::<RawDuration>(&text).map_or(0, |d| d.nanos)
    }

    /// Refuses overridden assumptions that do not exist or have no valid value; the rest stays.
    pub fn check_overridden(&mut self) {
        let given = std::mem::take(&mut self.overridden);
        for (key, field) in given {
            let Some(assumption) = assumptions::find(&key) else {
                let keys = assumptions::ALL.iter().map(|a| a.key);
                let help = match nearest(&key, keys.clone()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("there are: {}", keys.collect::<Vec<_>>().join(", ")),
                };
                let title = format!("there is no assumption \"{key}\"");
                self.error(&field.span, title, "its key is not known", help);
                continue;
            };
            if self.neutral {
                self.error(
                    &field.span,
                    format!("assumption \"{key}\" does not apply"),
                    "preset = \"neutral\" makes no assumptions",
                    assumption.local_key.map_or(String::new(), |local| {
                        format!("give the value itself: `{local}`")
                    }),
                );
            } else if assumption.kind.accepts(&field.value.0) {
                self.overridden.insert(key, field);
            } else {
                self.error(
                    &field.span,
                    format!("\"{}\" is no value for assumption \"{key}\"", field.value.0),
                    format!("must be {}", assumption.kind.valid()),
                    "",
                );
            }
        }
    }

    /// Warns of overridden assumptions that nothing asked for.
    pub fn check_unused(&mut self) {
        let unused: Vec<(String, Span)> = self
            .overridden
            .iter()
            .filter(|(key, _)| !self.used_assumptions.contains(key.as_str()))
            .map(|(key, field)| (key.clone(), field.span.clone()))
            .collect();
        for (key, span) in unused {
            self.warning(
                &span,
                format!("assumption \"{key}\" is not used in this scenario"),
                "has no effect",
                "",
            );
        }
    }
}
