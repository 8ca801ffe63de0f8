//! A scenario that a program writes.
//!
//! A draft is the tree of a scenario file, built key by key instead of written as text. It goes through the same
//! reader as a file: every key, unit, default and message is that of docs/scenario.md, and there is no second
//! way for a scenario to come about.

use super::elements::run::Overrides;
use super::load::{Loaded, parse};
use crate::diagnostics::Diagnostic;
use std::fmt;
use std::path::Path;
use toml::{Table, Value};

/// The tree of a scenario, from nothing to what [`check`](Draft::check) understands.
///
/// ```
/// use warpshare_input::scenario::{Draft, Overrides};
/// let mut draft = Draft::new();
/// draft
///     .set(["preset"], "neutral")
///     .set(["run", "duration"], "10s")
///     .set(["gpus", "a", "board"], "neutral")
///     .set(["gpus", "a", "share", "slice"], "1ms")
///     .set(["guests", "g", "context"], true)
///     .set(["guests", "g", "workload"], "w")
///     .set(["workloads", "w", "arrivals", "process"], "poisson")
///     .set(["workloads", "w", "arrivals", "rate"], "100/s")
///     .set(["workloads", "w", "stages", "work", "gpu", "time"], "4ms");
/// let overrides = Overrides::default();
/// let loaded = draft.check("ten-seconds", ".".as_ref(), &overrides).unwrap();
/// assert_eq!(loaded.scenario.guests[0].name, "g");
///
/// // What is wrong is said as it is for a file.
/// draft.set(["run", "durations"], "10s");
/// let findings = draft.check("ten-seconds", ".".as_ref(), &overrides).unwrap_err();
/// assert!(findings[0].render().contains("duration"));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft(Table);

impl Draft {
    /// An empty scenario.
    pub fn new() -> Draft {
        Draft::default()
    }

    /// The draft that a TOML text is.
    ///
    /// # Errors
    ///
    /// Where the text is no TOML. Keys and values are looked at by [`check`](Draft::check).
    pub fn from_toml(text: &str) -> Result<Draft, toml::de::Error> {
        text.parse().map(Draft)
    }

    /// Gives a key its value, in place of one that it had. The path goes by names, as they are: a name with a
    /// dot in it needs no quotes. Tables on the way come about where they are missing; a value that stands in
    /// the way of a table gives way to it.
    pub fn set<'a>(
        &mut self,
        path: impl IntoIterator<Item = &'a str>,
        value: impl Into<Value>,
    ) -> &mut Draft {
        let mut path = path.into_iter().peekable();
        let mut table = &mut self.0;
        while let Some(name) = path.next() {
            if path.peek().is_none() {
                table.insert(name.to_owned(), value.into());
                break;
            }
            let inner = table
                .entry(name)
                .or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            let Value::Table(next) = inner else { break };
            table = next;
        }
        self
    }

    /// The scenario, checked and resolved. `name` stands in messages, whose lines are those of the draft as
    /// [text](Draft#impl-Display-for-Draft); files that the draft names are looked for in `base`.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn check(
        &self,
        name: &str,
        base: &Path,
        overrides: &Overrides,
    ) -> Result<Loaded, Vec<Diagnostic>> {
        parse(name, &self.to_string(), base, overrides)
    }
}

/// The scenario file that says the same.
impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_reads_as_it_was_written() {
        let mut draft = Draft::new();
        draft
            .set(["gpus", "with.dot", "board"], "A40")
            .set(["gpus", "with.dot"], 1)
            .set(["gpus", "with.dot", "board"], "L40S")
            .set([], 1);
        let text = draft.to_string();
        assert_eq!(text, "[gpus.\"with.dot\"]\nboard = \"L40S\"\n");
        assert_eq!(Draft::from_toml(&text).unwrap(), draft);
    }

    #[test]
    fn a_draft_is_the_scenario_that_its_text_is() {
        let text = include_str!("../../scenarios/quickstart.toml");
        let draft = Draft::from_toml(text).unwrap();
        let base = Path::new("");
        let written = parse("s", text, base, &Overrides::default()).unwrap();
        let drafted = draft.check("s", base, &Overrides::default()).unwrap();
        assert_eq!(drafted.scenario.hash, written.scenario.hash);
    }
}
