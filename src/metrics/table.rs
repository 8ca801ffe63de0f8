//! The rows: first of guests, then of GPUs.

mod gpus;
mod guests;

use super::{Metric, Need, Observation, Reader, Reading, Section, Unit};
use crate::result::{Better, Estimate};

const fn row(
    family: &'static str,
    name: &'static str,
    unit: Unit,
    meaning: &'static str,
    readers: &'static [Reader],
) -> Metric {
    Metric {
        family: if family.is_empty() {
            None
        } else {
            Some(family)
        },
        name,
        unit,
        better: None,
        bounded: false,
        asked: true,
        needs: None,
        usual: None,
        aside: false,
        also: &[],
        heading: None,
        spoken: None,
        section: Section::Guests,
        meaning,
        readers,
    }
}

impl Metric {
    const fn lower(self) -> Metric {
        Metric {
            better: Some(Better::Lower),
            ..self
        }
    }

    const fn higher(self) -> Metric {
        Metric {
            better: Some(Better::Higher),
            ..self
        }
    }

    /// A count that grows with the run, or a setting of it.
    const fn not_asked(self) -> Metric {
        Metric {
            asked: false,
            ..self
        }
    }

    const fn needs(self, need: Need) -> Metric {
        Metric {
            needs: Some(need),
            ..self
        }
    }

    /// Among what a comparison is about where the user names nothing, at this place.
    const fn usual(self, place: u8) -> Metric {
        Metric {
            usual: Some(place),
            ..self
        }
    }

    /// Left to the tables at first.
    const fn aside(self) -> Metric {
        Metric {
            aside: true,
            ..self
        }
    }

    const fn also(self, words: &'static [&'static str]) -> Metric {
        Metric {
            also: words,
            ..self
        }
    }

    const fn heading(self, words: &'static str) -> Metric {
        Metric {
            heading: Some(words),
            ..self
        }
    }

    const fn spoken(self, words: &'static str) -> Metric {
        Metric {
            spoken: Some(words),
            ..self
        }
    }

    const fn within(self, section: Section) -> Metric {
        Metric { section, ..self }
    }

    /// A bound where guests are overloaded.
    const fn bound(self) -> Metric {
        Metric {
            bounded: true,
            ..self
        }
    }
}

fn of(estimate: &Estimate) -> Option<Reading<'_>> {
    Some(Reading::Estimate(estimate))
}

fn part(over: f64, under: f64) -> Option<f64> {
    (under > 0.0).then(|| over / under)
}

fn longest(ns: u64) -> Option<Reading<'static>> {
    Some(Reading::Observed(Some(ns), Observation::Largest))
}

/// Every metric, in the order of the tables of a results folder.
pub fn table() -> impl Iterator<Item = &'static Metric> {
    guests::ROWS.iter().chain(gpus::ROWS)
}
