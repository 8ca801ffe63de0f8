//! Named assumptions: what a run rests on where no document settles a fact.
//!
//! Each has a key, a value that the scenario can replace under `[assumptions]`, and its evidence.
//! `docs/assumptions.md` is generated from this table.

mod table;

pub use table::ALL;

use crate::scenario::key::units;
use crate::scenario::key::units::RawDuration;

/// What values an assumption takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Duration,
    /// A duration above zero.
    Slice,
    /// A number in this range.
    Number {
        low: f64,
        high: f64,
    },
    /// A whole number in this range, or the word.
    Count {
        low: u64,
        high: u64,
        word: Option<&'static str>,
    },
    Choice(&'static [&'static str]),
}

impl Kind {
    /// What is valid, in words.
    pub fn valid(self) -> String {
        match self {
            Kind::Duration => "a duration such as \"100us\"".into(),
            Kind::Slice => "a duration above zero such as \"2ms\"".into(),
            Kind::Number { low, high } => format!("a number from {low} to {high}"),
            Kind::Count { low, high, word } => {
                let or = word.map_or(String::new(), |w| format!(", or \"{w}\""));
                format!("a whole number from {low} to {high}{or}")
            }
            Kind::Choice(words) => {
                let quoted: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
                format!("one of {}", quoted.join(", "))
            }
        }
    }

    /// Whether `text` is such a value.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Kind::Duration => units::parse::<RawDuration>(text).is_ok(),
            Kind::Slice => units::parse::<RawDuration>(text).is_ok_and(|d| d.nanos > 0),
            Kind::Number { low, high } => {
                text.parse::<f64>().is_ok_and(|v| (low..=high).contains(&v))
            }
            Kind::Count { low, high, word } => {
                word == Some(text) || text.parse().is_ok_and(|v| (low..=high).contains(&v))
            }
            Kind::Choice(words) => words.contains(&text),
        }
    }
}

/// One named assumption.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assumption {
    pub key: &'static str,
    pub kind: Kind,
    /// Value where the scenario gives none.
    pub default: &'static str,
    pub about: &'static str,
    /// Where the value comes from, and how certain it is.
    pub evidence: &'static str,
    /// The key of the scenario that says the same for one GPU only, where there is one.
    pub local_key: Option<&'static str>,
}

/// The assumption with this key.
pub fn find(key: &str) -> Option<&'static Assumption> {
    ALL.iter().find(|assumption| assumption.key == key)
}

/// The text of `docs/assumptions.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Named assumptions\n\n\
         What a result rests on where no document settles a fact. Every report lists those that it \
         used. `preset = \"neutral\"` makes none of them. To use another value, give it by key:\n\n\
         ```toml\n[assumptions]\n\"switch.restore\" = \"100us\"\n```\n\n\
         or, where a key for a single GPU is named below, in that GPU's own table, which wins.\n\n\
         This file is generated from `src/scenario/key/assumptions/table.rs`; a test compares them.\n",
    );
    for a in ALL {
        text.push_str(&format!(
            "\n## `{}`\n\n{}\n\n- Default: {}\n- Valid: {}\n",
            a.key,
            a.about,
            a.default,
            a.kind.valid()
        ));
        if let Some(key) = a.local_key {
            text.push_str(&format!("- For one place only: `{key}`\n"));
        }
        text.push_str(&format!("- Evidence: {}\n", a.evidence));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_defaults_valid() {
        assert!(ALL.windows(2).all(|pair| pair[0].key < pair[1].key));
        for a in ALL.iter().filter(|a| a.key != "vf.total") {
            assert!(a.kind.accepts(a.default), "{}", a.key);
            assert!(!a.kind.accepts("nonsense"), "{}", a.key);
        }
    }
}
