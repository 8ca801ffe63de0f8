//! Absolute limits: what a metric must be, whatever it was.

use super::tolerance::matches;
use super::{Value, Values};
use crate::report::words::grounds;
use crate::result::{ObjectiveVerdict, RunResult};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Less,
    AtMost,
    More,
    AtLeast,
}

/// In this order, so that the longer of two that begin alike is found.
const RELATIONS: [(&str, Relation); 4] = [
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("<", Relation::Less),
    (">", Relation::More),
];

/// What kind of amount a metric or a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Time,
    Rate,
    Bytes,
    /// A ratio, a fraction, or a count.
    Number,
}

impl Kind {
    /// By the ending of a metric's path.
    fn of(path: &str) -> Kind {
        let path = path.strip_suffix(".half_width").unwrap_or(path);
        if path.ends_with("_ns") {
            Kind::Time
        } else if path.ends_with("_per_s") {
            Kind::Rate
        } else if path.ends_with("_bytes") {
            Kind::Bytes
        } else {
            Kind::Number
        }
    }

    fn what(self) -> &'static str {
        match self {
            Kind::Time => "a time, such as 50ms",
            Kind::Rate => "a rate, such as 95/s",
            Kind::Bytes => "an amount of memory, such as 4GiB",
            Kind::Number => "a number without a unit, or a percentage",
        }
    }
}

/// Units, what kind they make of a number, and their size in the unit of the metrics.
const UNITS: &[(&str, Kind, f64)] = &[
    ("", Kind::Number, 1.0),
    ("%", Kind::Number, 0.01),
    ("ns", Kind::Time, 1.0),
    ("us", Kind::Time, 1e3),
    ("\u{b5}s", Kind::Time, 1e3),
    ("ms", Kind::Time, 1e6),
    ("s", Kind::Time, 1e9),
    ("min", Kind::Time, 60e9),
    ("h", Kind::Time, 3600e9),
    ("/s", Kind::Rate, 1.0),
    ("B", Kind::Bytes, 1.0),
    ("KiB", Kind::Bytes, 1024.0),
    ("MiB", Kind::Bytes, 1024.0 * 1024.0),
    ("GiB", Kind::Bytes, 1024.0 * 1024.0 * 1024.0),
];

/// A comparison with a fixed amount, such as `< 50ms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Limit {
    relation: Relation,
    kind: Kind,
    /// In the unit of the metrics: nanoseconds, a second, bytes, or none.
    amount: f64,
    text: String,
}

impl Limit {
    /// Whether a value keeps the limit; the reason if not.
    fn judge(&self, path: &str, value: &Value) -> Result<(), String> {
        let kind = Kind::of(path);
        if kind != self.kind {
            return Err(format!("a limit of this metric is {}", kind.what()));
        }
        let Some(number) = value.number() else {
            return Err("there is no number to judge".to_owned());
        };
        let kept = match self.relation {
            Relation::Less => number < self.amount,
            Relation::AtMost => number <= self.amount,
            Relation::More => number > self.amount,
            Relation::AtLeast => number >= self.amount,
        };
        if kept { Ok(()) } else { Err(String::new()) }
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Limit, String> {
        let refused = || {
            format!(
                "`{text}` is no limit; write <, <=, > or >= and an amount such as 50ms, 95/s, 4GiB, 1% or 0.9"
            )
        };
        let whole = text.trim();
        let found = RELATIONS.iter().find_map(|(sign, relation)| {
            let rest = whole.strip_prefix(sign)?;
            Some((*sign, *relation, rest.trim()))
        });
        let (sign, relation, amount) = found.ok_or_else(refused)?;
        let end = amount
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(amount.len());
        let (number, unit) = amount.split_at(end);
        let number: f64 = number.parse().map_err(|_| refused())?;
        let unit = unit.trim();
        let known = UNITS.iter().find(|(name, ..)| *name == unit);
        let (_, kind, size) = known.ok_or_else(refused)?;
        Ok(Limit {
            relation,
            kind: *kind,
            amount: number * size,
            text: format!("{sign} {amount}"),
        })
    }
}

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Limit, String> {
        text.parse()
    }
}

impl From<Limit> for String {
    fn from(limit: Limit) -> String {
        limit.text
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Limits by pattern, as tolerances have patterns. Every limit holds for every metric that it matches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limits(pub BTreeMap<String, Limit>);

/// A metric under a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    pub path: String,
    /// As it was written, such as `< 50ms`.
    pub limit: String,
    pub value: Value,
    pub kept: bool,
    /// Why it cannot be judged, which counts as missed; empty otherwise.
    pub reason: String,
}

/// Such as `guests.a.response.p95_ns is 61000000, limit < 50ms`.
impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} is {}, limit {}", self.path, self.value, self.limit)?;
        if self.reason.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.reason)
    }
}

/// The objectives of a result that are decided, as metrics under limits: a gate enforces them.
pub fn objectives(result: &RunResult) -> Vec<Judged> {
    let decided = result.objectives.iter();
    decided
        .filter(|objective| objective.verdict != ObjectiveVerdict::Undecided)
        .map(|objective| Judged {
            path: format!(
                "{}s.{}.{}",
                objective.kind.name(),
                objective.of,
                objective.metric
            ),
            limit: objective.text.clone(),
            value: objective.value.map_or(Value::Undefined, Value::Real),
            kept: objective.verdict == ObjectiveVerdict::Pass,
            reason: objective.note.as_ref().map_or_else(String::new, grounds),
        })
        .collect()
}

impl Limits {
    /// Each metric that a limit matches, in the order of patterns and paths; and the patterns that match none.
    pub(super) fn judge(&self, now: &Values) -> (Vec<Judged>, Vec<String>) {
        let (mut judged, mut unused) = (Vec::new(), Vec::new());
        for (pattern, limit) in &self.0 {
            let before = judged.len();
            for (path, value) in now.iter().filter(|(path, _)| matches(pattern, path)) {
                let outcome = limit.judge(path, value);
                judged.push(Judged {
                    path: path.clone(),
                    limit: limit.text.clone(),
                    value: value.clone(),
                    kept: outcome.is_ok(),
                    reason: outcome.err().unwrap_or_default(),
                });
            }
            if judged.len() == before {
                unused.push(pattern.clone());
            }
        }
        (judged, unused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(path: &str, value: Value, limit: &str) -> (bool, String) {
        let limits = Limits([(path.to_owned(), limit.parse().unwrap())].into());
        let now = Values::from([(path.to_owned(), value)]);
        let (judged, unused) = limits.judge(&now);
        assert!(unused.is_empty());
        (judged[0].kept, judged[0].reason.clone())
    }

    #[test]
    fn amounts_are_in_the_unit_of_the_metric_and_ends_count_as_written() {
        let kept = |path: &str, value, limit: &str| judge(path, value, limit).0;
        let p95 = "guests.a.response.p95_ns";
        assert!(kept(p95, Value::Whole(49_999_999), "< 50ms"));
        assert!(!kept(p95, Value::Whole(50_000_000), "< 50ms"));
        assert!(kept(p95, Value::Whole(50_000_000), "<=50 ms"));
        assert!(kept("a.throughput_per_s", Value::Real(95.0), ">= 95/s"));
        assert!(!kept("a.throughput_per_s", Value::Real(95.0), "> 95/s"));
        assert!(kept("a.late_fraction", Value::Real(0.0099), "< 1%"));
        assert!(!kept("a.late_fraction", Value::Real(0.01), "< 1%"));
        assert!(kept("a.jain_progress", Value::Real(0.95), ">= 0.9"));
        assert!(kept(
            "memory.GPU.a.largest_bytes",
            Value::Whole(4 << 30),
            "<= 4GiB"
        ));
    }

    #[test]
    fn what_cannot_be_judged_is_missed_with_a_reason() {
        let (kept, reason) = judge("a.p95_ns", Value::Undefined, "< 50ms");
        assert!(!kept && reason.contains("no number"), "{reason}");
        let (kept, reason) = judge("a.p95_ns", Value::Whole(3), "< 50");
        assert!(!kept && reason.contains("a time, such as 50ms"), "{reason}");
    }

    #[test]
    fn limits_keep_their_text_and_others_are_refused() {
        let limit: Limit = "  <50ms ".parse().unwrap();
        assert_eq!(limit.to_string(), "< 50ms");
        assert_eq!(limit.to_string().parse(), Ok(limit));
        for text in [
            "",
            "50ms",
            "=50ms",
            "< ms",
            "< -5ms",
            "< 50 apples",
            "< 5.0.0",
            "<> 4",
        ] {
            assert!(text.parse::<Limit>().is_err(), "{text}");
        }
        let (judged, unused) = Limits([("x*".to_owned(), "< 1".parse().unwrap())].into())
            .judge(&Values::from([("a".to_owned(), Value::Real(0.0))]));
        assert_eq!((judged, unused), (Vec::new(), vec!["x*".to_owned()]));
    }
}
