//! How far a metric may move: patterns of paths, and what they allow.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How far a metric may move.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Tolerance {
    /// By this much of the baseline's value, in percent, either way; 0 = not at all.
    Percent(f64),
    /// As far as it likes; it may also come and go.
    Ignore,
}

impl Tolerance {
    /// Of whatever no pattern names: the same to the last bit.
    pub const EXACT: Tolerance = Tolerance::Percent(0.0);
}

impl FromStr for Tolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Tolerance, String> {
        if text == "ignore" {
            return Ok(Tolerance::Ignore);
        }
        let percent = text.strip_suffix('%').and_then(|n| n.trim().parse().ok());
        match percent {
            Some(percent) if percent >= 0.0 && f64::is_finite(percent) => {
                Ok(Tolerance::Percent(percent))
            }
            _ => Err(format!(
                "`{text}` is no tolerance; write a percentage of the baseline such as 0.5%, or ignore"
            )),
        }
    }
}

impl TryFrom<String> for Tolerance {
    type Error = String;

    fn try_from(text: String) -> Result<Tolerance, String> {
        text.parse()
    }
}

impl From<Tolerance> for String {
    fn from(tolerance: Tolerance) -> String {
        tolerance.to_string()
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Tolerance::Percent(percent) => write!(f, "{percent}%"),
            Tolerance::Ignore => f.write_str("ignore"),
        }
    }
}

/// Tolerances by pattern. `*` stands for any text, also with dots in it; all else for itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tolerances(pub BTreeMap<String, Tolerance>);

impl Tolerances {
    /// How far this metric may move. Of the patterns that match, the one with the most characters
    /// besides `*` decides; of equals, the first in the order of the alphabet.
    pub fn of(&self, path: &str) -> Tolerance {
        let mut best: Option<(usize, Tolerance)> = None;
        for (pattern, tolerance) in &self.0 {
            let literal = pattern.chars().filter(|c| *c != '*').count();
            let closer = best.is_none_or(|(known, _)| literal > known);
            if closer && matches(pattern, path) {
                best = Some((literal, *tolerance));
            }
        }
        best.map_or(Tolerance::EXACT, |(_, tolerance)| tolerance)
    }
}

pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        // The first place is the best: it leaves the most for the parts that follow.
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let path = "guests.desktop.response.p95_ns";
        for pattern in [
            path,
            "*",
            "guests.*",
            "*.p95_ns",
            "guests.*.response.*",
            "g*s.d*p.*.p*",
            "**",
        ] {
            assert!(matches(pattern, path), "{pattern}");
        }
        for pattern in [
            "",
            "guests",
            "gpus.*",
            "*.p99_ns",
            "guests.*.service.*",
            "guests.desktop.response.p95_ns.*",
            "*response*response*",
        ] {
            assert!(!matches(pattern, path), "{pattern}");
        }
        // No character serves twice.
        assert!(!matches("aba*ba", "aba"));
        assert!(matches("ab*ba", "abba"));
    }

    #[test]
    fn the_closest_pattern_decides() {
        let table = [
            ("*", "1%"),
            ("guests.*.response.*", "2%"),
            ("guests.*", "3%"),
            ("*.half_width", "ignore"),
        ];
        let table = table.map(|(pattern, text)| (pattern.to_owned(), text.parse().unwrap()));
        let table = Tolerances(BTreeMap::from(table));
        assert_eq!(
            table.of("guests.a.response.p95_ns"),
            Tolerance::Percent(2.0)
        );
        assert_eq!(table.of("guests.a.slowdown"), Tolerance::Percent(3.0));
        assert_eq!(table.of("guests.a.slowdown.half_width"), Tolerance::Ignore);
        assert_eq!(table.of("gpus.a.useful"), Tolerance::Percent(1.0));
        assert_eq!(Tolerances::default().of("gpus.a.useful"), Tolerance::EXACT);
    }

    #[test]
    fn tolerances_are_percentages_or_ignore() {
        for text in ["0%", "0.5%", "0.007%", "120%", "ignore"] {
            let read: Tolerance = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
        assert_eq!("0.5 %".parse(), Ok(Tolerance::Percent(0.5)));
        for text in ["", "%", "0.5", "-1%", "NaN%", "inf%", "ignored"] {
            assert!(text.parse::<Tolerance>().is_err(), "{text}");
        }
    }
}
