//! How far a metric may move: patterns of paths, and what they allow.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How far a metric may move.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Tolerance {
    /// By this much of the baseline's value, in percent, each way; 0 = not at all, infinite = as far as it likes.
    Change { fall: f64, rise: f64 },
    /// As far as it likes; it may also come and go.
    Ignore,
}

impl Tolerance {
    /// Of whatever no pattern names: the same to the last bit.
    pub const EXACT: Tolerance = Tolerance::percent(0.0);

    /// The same either way.
    pub const fn percent(percent: f64) -> Tolerance {
        Tolerance::Change {
            fall: percent,
            rise: percent,
        }
    }

    /// Whether a number may go from `before`, which is not the same as `now`. Nothing but an open end is a part
    /// of 0.
    pub(super) fn allows(self, before: f64, now: f64) -> bool {
        let Tolerance::Change { fall, rise } = self else {
            return true;
        };
        let part = |change: f64| change / before.abs() * 100.0;
        let far = |most: f64, change: f64| {
            most == f64::INFINITY || (before != 0.0 && part(change) <= most)
        };
        match now.partial_cmp(&before) {
            Some(Ordering::Greater) => far(rise, now - before),
            Some(Ordering::Less) => far(fall, before - now),
            // Numbers that differ by less than a float tells apart have still moved.
            Some(Ordering::Equal) => fall > 0.0 && rise > 0.0,
            None => false,
        }
    }
}

impl FromStr for Tolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Tolerance, String> {
        if text == "ignore" {
            return Ok(Tolerance::Ignore);
        }
        let refused = || {
            format!(
                "`{text}` is no tolerance; write a percentage of the baseline such as 0.5% (either way), \
                 +1% (up only), -1% (down only), -5%..+1%, ..+1% (down as far as it likes), or ignore"
            )
        };
        let percent = |text: &str| -> Option<f64> {
            let number = text.trim().strip_suffix('%')?.trim();
            // Signs have been taken off; what `parse` reads beyond digits is no percentage.
            let plain = number.starts_with(|c: char| c.is_ascii_digit() || c == '.');
            let value: f64 = number.parse().ok().filter(|_| plain)?;
            value.is_finite().then_some(value)
        };
        let down = |text: &str| match text.trim() {
            "" => Some(f64::INFINITY),
            text => percent(text.strip_prefix('-')?),
        };
        let up = |text: &str| match text.trim() {
            "" => Some(f64::INFINITY),
            text => percent(text.strip_prefix('+')?),
        };
        let whole = text.trim();
        let read = match whole.split_once("..") {
            Some(("", "")) => None,
            Some((fall, rise)) => down(fall).zip(up(rise)),
            None if whole.starts_with('+') => up(whole).map(|rise| (0.0, rise)),
            None if whole.starts_with('-') => down(whole).map(|fall| (fall, 0.0)),
            None => percent(whole).map(|both| (both, both)),
        };
        let (fall, rise) = read.ok_or_else(refused)?;
        Ok(Tolerance::Change { fall, rise })
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
        let Tolerance::Change { fall, rise } = *self else {
            return f.write_str("ignore");
        };
        match (fall, rise) {
            (fall, rise) if fall == rise => write!(f, "{fall}%"),
            (0.0, rise) if rise.is_finite() => write!(f, "+{rise}%"),
            (fall, 0.0) if fall.is_finite() => write!(f, "-{fall}%"),
            (fall, rise) => {
                if fall.is_finite() {
                    write!(f, "-{fall}%")?;
                }
                f.write_str("..")?;
                if rise.is_finite() {
                    write!(f, "+{rise}%")?;
                }
                Ok(())
            }
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
            Tolerance::percent(2.0)
        );
        assert_eq!(table.of("guests.a.slowdown"), Tolerance::percent(3.0));
        assert_eq!(table.of("guests.a.slowdown.half_width"), Tolerance::Ignore);
        assert_eq!(table.of("gpus.a.useful"), Tolerance::percent(1.0));
        assert_eq!(Tolerances::default().of("gpus.a.useful"), Tolerance::EXACT);
    }

    #[test]
    fn tolerances_are_percentages_or_ignore() {
        for text in [
            "0%", "0.5%", "0.007%", "120%", "+1%", "-2.5%", "-5%..+1%", "..+1%", "-1%..", "ignore",
        ] {
            let read: Tolerance = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
        assert_eq!("0.5 %".parse(), Ok(Tolerance::percent(0.5)));
        assert_eq!("-1%..+1%".parse(), Ok(Tolerance::percent(1.0)));
        for text in [
            "", "%", "0.5", "+-1%", "--1%", "NaN%", "inf%", "+inf%", "ignored", "..", "+1%..",
            "..-1%", "+1", "1%..2%",
        ] {
            assert!(text.parse::<Tolerance>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_direction_is_one_sided() {
        let allows = |text: &str, before: f64, now: f64| {
            let tolerance: Tolerance = text.parse().unwrap();
            tolerance.allows(before, now)
        };
        // Up by 1 %, and not down at all.
        assert!(allows("+1%", 200.0, 202.0));
        assert!(!allows("+1%", 200.0, 202.1));
        assert!(!allows("+1%", 200.0, 199.9));
        assert!(allows("-1%", 200.0, 198.0));
        assert!(!allows("-1%", 200.0, 197.9));
        assert!(!allows("-1%", 200.0, 200.1));
        // Each way by its own.
        assert!(allows("-5%..+1%", 200.0, 190.0) && allows("-5%..+1%", 200.0, 202.0));
        assert!(!allows("-5%..+1%", 200.0, 189.9) && !allows("-5%..+1%", 200.0, 202.1));
        // An open end holds at 0 too, of which nothing is a part.
        assert!(allows("..+1%", 200.0, 0.0) && !allows("..+1%", 200.0, 203.0));
        assert!(allows("-1%..", 0.0, 5.0) && !allows("..+1%", 0.0, 5.0));
        // Below zero, up is still up.
        assert!(allows("+1%", -200.0, -198.0) && !allows("+1%", -200.0, -202.0));
    }
}
