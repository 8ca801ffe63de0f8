//! Objectives: what somebody asks of a metric, and whether a result meets it.
//!
//! An objective is a metric, a relation and a value in the metric's unit. It holds if the whole interval of the
//! metric meets it, is missed if none of it does, and is undecided otherwise.

use super::{
    Chosen, Figure, Found, Need, Observation, PLAIN, Scope, Statistic, Unit, of_scope, table,
};
use crate::diagnostics::nearest;
use crate::result::{Better, Grounds, ObjectiveVerdict, Relation};

/// What is asked of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    pub metric: Chosen,
    pub relation: Relation,
    /// In the unit of the metric.
    pub bound: f64,
    /// As it was written.
    pub text: String,
}

/// Of what an objective is, for messages and for what it may name.
pub struct Subject<'a> {
    pub scope: Scope,
    /// Such as `guest \`desktop\``.
    pub what: &'a str,
    pub classes: &'a [&'a str],
    pub has: &'a dyn Fn(Need) -> bool,
}

/// Why a text is no objective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub title: String,
    pub label: String,
    pub help: String,
}

const RELATIONS: [(&str, Relation); 6] = [
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("≤", Relation::AtMost),
    ("≥", Relation::AtLeast),
    ("<", Relation::Below),
    (">", Relation::Above),
];

/// Reads an objective such as `p95 < 50ms`.
///
/// # Errors
///
/// A metric that does not exist, does not apply to the subject or has no value to ask for; no relation; a value
/// in another unit or out of range.
pub fn parse(text: &str, subject: &Subject) -> Result<Objective, Mistake> {
    let found = RELATIONS.iter().find_map(|(sign, relation)| {
        let (name, value) = text.split_once(sign)?;
        Some((name.trim(), *relation, value.trim()))
    });
    let Some((name, relation, value)) = found else {
        return Err(Mistake {
            title: format!("\"{text}\" is no objective"),
            label: "no `<`, `<=`, `>` or `>=` in it".to_owned(),
            help: example(subject.scope).to_owned(),
        });
    };
    let metric = named(name, subject)?;
    let bound = amount(value, metric.metric.unit).map_err(|label| Mistake {
        title: format!("\"{value}\" is no value of `{}`", metric.name(".")),
        label,
        help: format!(
            "such as \"{name} {} {}\"",
            relation.sign(),
            sample(metric.metric.unit)
        ),
    })?;
    Ok(Objective {
        metric,
        relation,
        bound,
        text: text.split_whitespace().collect::<Vec<_>>().join(" "),
    })
}

fn example(scope: Scope) -> &'static str {
    match scope {
        Scope::Gpu => "such as \"jain >= 0.9\" or \"utilisation < 80%\"",
        _ => "such as \"p95 < 50ms\" or \"throughput >= 95/s\"",
    }
}

/// A metric that can be asked for.
fn asked(metric: &Chosen) -> bool {
    metric.metric.asked
}

/// All names under which a metric can be asked for, the shortest first.
fn names(metric: &Chosen) -> Vec<String> {
    let full = metric.name(".");
    let mut names = Vec::new();
    if metric.metric.family == Some(PLAIN) {
        names.push(metric.short_name());
    }
    names.extend(metric.metric.also.iter().map(|name| (*name).to_owned()));
    names.push(metric.name("_"));
    names.push(full);
    names
}

fn named(name: &str, subject: &Subject) -> Result<Chosen, Mistake> {
    let mistake = |title: String, label: &str, help: String| Mistake {
        title,
        label: label.to_owned(),
        help,
    };
    let here: Vec<Chosen> = of_scope(subject.scope, subject.classes)
        .into_iter()
        .filter(asked)
        .collect();
    let has = |metric: &&Chosen| metric.metric.needs.is_none_or(|need| (subject.has)(need));
    if let Some(metric) = here
        .iter()
        .find(|metric| names(metric).iter().any(|n| n == name))
    {
        return match metric.metric.needs {
            Some(need) if !(subject.has)(need) => Err(mistake(
                format!("`{name}` does not apply to {}", subject.what),
                need.missing(),
                need.remedy().to_owned(),
            )),
            _ => Ok(metric.clone()),
        };
    }
    // A family without a statistic.
    if table().any(|m| m.is_latency() && m.family == Some(name)) {
        let statistics = Statistic::ALL.map(|s| format!("{name}.{}", s.name()));
        return Err(mistake(
            format!("`{name}` has several figures"),
            "which of them?",
            format!("one of {}", statistics.join(", ")),
        ));
    }
    let elsewhere = match subject.scope {
        Scope::Gpu => (
            Scope::Group,
            "a metric of guests",
            "write it in [guests.NAME]",
        ),
        _ => (
            Scope::Gpu,
            "a metric of GPUs",
            "write it in [gpus.NAME], or in [run] for every GPU",
        ),
    };
    let there = of_scope(elsewhere.0, &[]);
    let mut there = there.iter().filter(|m| asked(m));
    if there.any(|metric| names(metric).iter().any(|n| n == name)) {
        return Err(mistake(
            format!("`{name}` does not apply to {}", subject.what),
            elsewhere.1,
            elsewhere.2.to_owned(),
        ));
    }
    if table()
        .any(|m| !m.asked && (m.name == name || super::document::name(m) == name.replace('.', "_")))
    {
        return Err(mistake(
            format!("`{name}` cannot be an objective"),
            "a count or a setting of the run, which grows with it",
            "ask for a fraction or a rate: dropped, late, throughput".to_owned(),
        ));
    }
    let known: Vec<String> = here.iter().filter(has).flat_map(names).collect();
    let help = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let shortest = here
                .iter()
                .filter(has)
                .filter_map(|m| names(m).into_iter().next());
            format!("one of {}", shortest.collect::<Vec<_>>().join(", "))
        }
    };
    Err(mistake(
        format!("there is no metric `{name}`"),
        "not a metric",
        help,
    ))
}

/// Suffixes and what they multiply by; the first one is what messages show.
fn units(unit: Unit) -> &'static [(&'static str, f64)] {
    match unit {
        Unit::Time => &[
            ("ns", 1.0),
            ("us", 1e3),
            ("µs", 1e3),
            ("ms", 1e6),
            ("s", 1e9),
            ("min", 60e9),
            ("h", 3600e9),
        ],
        Unit::PerSecond => &[
            ("/s", 1.0),
            ("", 1.0),
            ("/min", 1.0 / 60.0),
            ("/h", 1.0 / 3600.0),
        ],
        Unit::TokensPerSecond => &[("/s", 1.0), ("", 1.0), ("tokens/s", 1.0)],
        Unit::Fraction => &[("%", 0.01), ("", 1.0)],
        _ => &[("", 1.0)],
    }
}

fn sample(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "50ms",
        Unit::PerSecond | Unit::TokensPerSecond => "95/s",
        Unit::Fraction => "1%",
        _ => "0.9",
    }
}

/// A value in a metric's unit, or what is wrong with it.
fn amount(text: &str, unit: Unit) -> Result<f64, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-' && c != '+')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let suffix = suffix.trim();
    let Ok(number) = number.parse::<f64>() else {
        return Err("not a number with a unit".to_owned());
    };
    let known = units(unit);
    let Some((_, factor)) = known.iter().find(|(name, _)| *name == suffix) else {
        let ascii = known.iter().map(|(name, _)| *name).filter(|n| n.is_ascii());
        let list: Vec<&str> = ascii.filter(|name| !name.is_empty()).collect();
        return Err(match (suffix.is_empty(), list.is_empty()) {
            (true, _) => format!("the unit is missing: one of {}", list.join(", ")),
            (false, true) => format!("`{suffix}` is no unit here: it is a plain number"),
            (false, false) => format!("`{suffix}` is no unit here: one of {}", list.join(", ")),
        });
    };
    // A percentage is divided, so that 1% is the number 0.01.
    let value = match unit {
        Unit::Fraction if suffix == "%" => number / 100.0,
        _ => number * factor,
    };
    match value {
        value if !(0.0..1e18).contains(&value) => {
            Err("must not be negative or without end".to_owned())
        }
        value if unit == Unit::Fraction && value > 1.0 => Err("more than 100 %".to_owned()),
        value => Ok(value),
    }
}

/// Whether an objective is met, and by how much.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub verdict: ObjectiveVerdict,
    /// How far the value is on the good side of the bound; negative where it is on the other.
    pub margin: Option<f64>,
    /// Why it is undecided, or decided without an interval.
    pub note: Option<Grounds>,
}

/// What is known of the value besides its figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The value is only "at least": a guest is overloaded.
    pub lower_bound: bool,
    /// Whether replications can differ by chance at all.
    pub chance: bool,
    /// Two or more replications have this very value, all of them.
    pub same: bool,
}

impl Objective {
    fn meets(&self, value: f64) -> bool {
        match self.relation {
            Relation::Below => value < self.bound,
            Relation::AtMost => value <= self.bound,
            Relation::Above => value > self.bound,
            Relation::AtLeast => value >= self.bound,
        }
    }

    /// Whether it asks for little of the metric.
    fn bounds_from_above(&self) -> bool {
        matches!(self.relation, Relation::Below | Relation::AtMost)
    }

    /// Whether it asks for what is worse, such as `late > 1%`.
    pub fn against_better(&self) -> bool {
        match self.metric.metric.better {
            Some(Better::Lower) => !self.bounds_from_above(),
            Some(Better::Higher) => self.bounds_from_above(),
            None => false,
        }
    }

    /// Judges what a run found. An overloaded guest has missed what is asked of its latency from above, since
    /// that would grow in a longer run.
    pub fn judge(&self, figure: Option<&Figure>, evidence: Evidence) -> Judgement {
        use ObjectiveVerdict::{Fail, Pass, Undecided};
        let without = |verdict, note| Judgement {
            verdict,
            margin: None,
            note: Some(note),
        };
        let missing = figure.and_then(|figure| figure.note.cloned());
        let missing = missing.map(Grounds::Missing);
        let value = figure.and_then(|figure| figure.value.value());
        let Some((figure, value)) = figure.zip(value) else {
            return match evidence.lower_bound && self.bounds_from_above() {
                true => without(Fail, Grounds::Overloaded),
                false => without(Undecided, missing.unwrap_or(Grounds::NoValue)),
            };
        };
        let margin = match self.bounds_from_above() {
            true => self.bound - value,
            false => value - self.bound,
        };
        let with = |verdict, note: Option<Grounds>| Judgement {
            verdict,
            margin: Some(margin),
            note,
        };
        let by_value = if self.meets(value) { Pass } else { Fail };
        if evidence.lower_bound {
            return match (self.bounds_from_above(), by_value) {
                (true, _) => with(Fail, Some(Grounds::AtLeast)),
                (false, Pass) => with(Pass, None),
                (false, _) => with(Undecided, Some(Grounds::AtLeast)),
            };
        }
        if !evidence.chance {
            return with(by_value, Some(Grounds::NothingDrawn));
        }
        match figure.half_width {
            Some(half) if half > 0.0 => {
                let ends = [value - half, value + half].map(|end| self.meets(end));
                match ends {
                    [true, true] => with(Pass, None),
                    [false, false] => with(Fail, None),
                    _ => with(Undecided, Some(Grounds::Covers)),
                }
            }
            _ if evidence.same => with(by_value, Some(Grounds::Same)),
            _ if figure.method == Found::Observed(Observation::Largest) => {
                with(by_value, Some(Grounds::Largest))
            }
            _ => with(Undecided, Some(missing.unwrap_or(Grounds::NoInterval))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Number;
    use crate::result::{Method, Reason};

    fn subject(has: &dyn Fn(Need) -> bool) -> Subject<'_> {
        Subject {
            scope: Scope::Group,
            what: "guest `g`",
            classes: &["urgent"],
            has,
        }
    }

    fn objective(text: &str) -> Objective {
        parse(text, &subject(&|_| true)).unwrap_or_else(|mistake| panic!("{text}: {mistake:?}"))
    }

    const CHANCE: Evidence = Evidence {
        lower_bound: false,
        chance: true,
        same: false,
    };

    fn verdict(text: &str, value: f64, half_width: Option<f64>, evidence: Evidence) -> Judgement {
        let objective = objective(text);
        let figure = Figure {
            metric: objective.metric.clone(),
            value: Number::Real(Some(value)),
            half_width,
            n: Some(5),
            method: Found::Estimated(Method::T),
            lower_bound: evidence.lower_bound,
            note: half_width.is_none().then_some(&Reason::OneReplication),
        };
        objective.judge(Some(&figure), evidence)
    }

    #[test]
    fn objectives_are_read_with_their_units() {
        for (text, name, relation, bound) in [
            ("p95 < 50ms", "response.p95", Relation::Below, 50e6),
            (
                "response_p99.9<=1.5s",
                "response.p99.9",
                Relation::AtMost,
                1.5e9,
            ),
            (
                "response.urgent_p95 < 20us",
                "response.urgent_p95",
                Relation::Below,
                20e3,
            ),
            ("late < 1%", "late_fraction", Relation::Below, 0.01),
            ("dropped <= 0.5", "dropped_fraction", Relation::AtMost, 0.5),
            (
                "frames_per_second >= 30",
                "frames_per_second",
                Relation::AtLeast,
                30.0,
            ),
            (
                "first_token.p99 < 1s",
                "first_token.p99",
                Relation::Below,
                1e9,
            ),
            ("throughput ≥ 95/s", "throughput", Relation::AtLeast, 95.0),
            ("throughput > 60/min", "throughput", Relation::Above, 1.0),
            ("slowdown < 2", "slowdown", Relation::Below, 2.0),
            (
                "starvation < 1min",
                "longest_starvation",
                Relation::Below,
                60e9,
            ),
        ] {
            let read = objective(text);
            assert_eq!(read.metric.name("."), name, "{text}");
            assert_eq!(read.relation, relation, "{text}");
            assert!(
                (read.bound - bound).abs() < 1e-12 * bound,
                "{text}: {}",
                read.bound
            );
        }
    }

    #[test]
    fn the_interval_decides() {
        use ObjectiveVerdict::{Fail, Pass, Undecided};
        for (value, half, wanted) in [(40e6, 5e6, Pass), (60e6, 5e6, Fail), (48e6, 5e6, Undecided)]
        {
            let found = verdict("p95 < 50ms", value, Some(half), CHANCE);
            assert_eq!(found.verdict, wanted, "{value}");
            assert_eq!(found.margin, Some(50e6 - value));
        }
        // On the bound: `<` is missed, `<=` holds.
        assert_eq!(
            verdict(
                "p95 < 50ms",
                50e6,
                Some(0.0),
                Evidence {
                    same: true,
                    ..CHANCE
                }
            )
            .verdict,
            Fail
        );
        assert_eq!(
            verdict(
                "p95 <= 50ms",
                50e6,
                Some(0.0),
                Evidence {
                    same: true,
                    ..CHANCE
                }
            )
            .verdict,
            Pass
        );
        assert_eq!(
            verdict("throughput >= 10/s", 12.0, Some(1.0), CHANCE).verdict,
            Pass
        );
        assert_eq!(
            verdict("throughput >= 10/s", 12.0, Some(1.0), CHANCE).margin,
            Some(2.0)
        );
    }

    #[test]
    fn without_an_interval_nothing_is_decided_unless_nothing_is_left_to_chance() {
        use ObjectiveVerdict::{Fail, Pass, Undecided};
        let found = verdict("p95 < 50ms", 10e6, None, CHANCE);
        assert_eq!(found.verdict, Undecided);
        assert_eq!(found.note, Some(Grounds::Missing(Reason::OneReplication)));
        let certain = Evidence {
            chance: false,
            ..CHANCE
        };
        assert_eq!(verdict("p95 < 50ms", 10e6, None, certain).verdict, Pass);
        assert_eq!(verdict("p95 < 50ms", 60e6, None, certain).verdict, Fail);
        assert!(verdict("p95 < 50ms", 60e6, None, certain).note.is_some());
    }

    #[test]
    fn at_least_is_enough_to_miss_and_to_exceed() {
        use ObjectiveVerdict::{Fail, Pass, Undecided};
        let bound = Evidence {
            lower_bound: true,
            ..CHANCE
        };
        assert_eq!(verdict("p95 < 50ms", 10e6, Some(1.0), bound).verdict, Fail);
        assert_eq!(verdict("p95 > 5ms", 10e6, Some(1.0), bound).verdict, Pass);
        assert_eq!(
            verdict("p95 > 50ms", 10e6, Some(1.0), bound).verdict,
            Undecided
        );
    }

    #[test]
    fn every_name_is_of_one_metric() {
        for scope in [
            Scope::Group,
            Scope::Member,
            Scope::Gpu,
            Scope::Instance,
            Scope::Engine,
        ] {
            let mut known = std::collections::BTreeMap::new();
            for metric in of_scope(scope, &["urgent"]) {
                for name in names(&metric) {
                    let other = known.insert(name.clone(), metric.name("."));
                    assert!(
                        other.is_none_or(|other| other == metric.name(".")),
                        "{name}"
                    );
                }
            }
        }
    }
}
