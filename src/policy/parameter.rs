//! Keys of a `share` table that a policy brings itself.
//!
//! A policy declares them in its [`Registered`](super::Registered) and asks its [`Setup`](super::Setup) for
//! their values; what is written in a scenario is checked against the declaration, and what is not
//! written has the declared default.

use crate::engine::time::Nanos;

/// A key and what it may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// As written in a `share` table: lower-case words joined by `_`.
    pub name: &'static str,
    /// One sentence for help and schema.
    pub about: &'static str,
    pub values: Values,
}

/// What a parameter may be, both ends included, and what it is where nobody says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values {
    /// A whole number.
    Count { low: u64, high: u64, default: u64 },
    /// A time, written with its unit, such as `2ms`.
    Duration {
        low: Nanos,
        high: Nanos,
        default: Nanos,
    },
    /// A number.
    Number { low: f64, high: f64, default: f64 },
    /// One of these words; the default by its place.
    Word {
        words: &'static [&'static str],
        default: u64,
    },
}

/// The value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Setting {
    /// A count, nanoseconds, or the place of a word.
    Whole(u64),
    Number(f64),
}

impl Parameter {
    /// What it is where nobody says.
    pub const fn default(&self) -> Setting {
        match self.values {
            Values::Count { default, .. }
            | Values::Duration { default, .. }
            | Values::Word { default, .. } => Setting::Whole(default),
            Values::Number { default, .. } => Setting::Number(default),
        }
    }

    /// Whether it may have this value.
    pub fn allows(&self, setting: Setting) -> bool {
        match (self.values, setting) {
            (
                Values::Count { low, high, .. } | Values::Duration { low, high, .. },
                Setting::Whole(value),
            ) => (low..=high).contains(&value),
            (Values::Number { low, high, .. }, Setting::Number(value)) => {
                (low..=high).contains(&value)
            }
            (Values::Word { words, .. }, Setting::Whole(place)) => place < words.len() as u64,
            _ => false,
        }
    }
}

impl Setting {
    /// As a whole number; numbers are rounded, below 0 to 0.
    pub fn whole(self) -> u64 {
        match self {
            Setting::Whole(value) => value,
            Setting::Number(value) => libm::rint(value).max(0.0) as u64,
        }
    }

    /// As a number.
    pub fn number(self) -> f64 {
        match self {
            Setting::Whole(value) => value as f64,
            Setting::Number(value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_a_value_like_any_other() {
        let count = Parameter {
            name: "ratio",
            about: "",
            values: Values::Count {
                low: 1,
                high: 9,
                default: 4,
            },
        };
        assert!(count.allows(count.default()));
        assert!(!count.allows(Setting::Whole(0)) && !count.allows(Setting::Whole(10)));
        assert!(!count.allows(Setting::Number(4.0)));
        let part = Parameter {
            values: Values::Number {
                low: 0.0,
                high: 1.0,
                default: 0.5,
            },
            ..count
        };
        assert!(part.allows(part.default()) && !part.allows(Setting::Number(f64::NAN)));
        assert_eq!(
            (part.default().whole(), Setting::Whole(3).number()),
            (0, 3.0)
        );
    }
}
