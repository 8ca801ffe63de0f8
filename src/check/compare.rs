//! What moved between a baseline and now.

use super::tolerance::matches;
use super::{Judged, Limits, RESULT_HASH, SCENARIO_HASH, Tolerance, Tolerances, Value, Values};

/// What a movement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Moved further than its tolerance allows.
    Drifted,
    /// Moved, within its tolerance.
    Within,
    /// Moved, and nobody asks.
    Ignored,
}

/// A metric that is not what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Movement {
    pub path: String,
    /// `None`: the baseline does not have this metric.
    pub before: Option<Value>,
    /// `None`: the result no longer has this metric.
    pub now: Option<Value>,
    pub tolerance: Tolerance,
    pub verdict: Verdict,
}

impl Movement {
    /// Both values, where they are numbers.
    fn numbers(&self) -> Option<(f64, f64)> {
        let before = self.before.as_ref()?.number()?;
        Some((before, self.now.as_ref()?.number()?))
    }

    /// From the baseline to now in percent of the baseline; `None` where that is not defined: no
    /// numbers, or a baseline of 0.
    pub fn percent(&self) -> Option<f64> {
        let (before, now) = self.numbers()?;
        (before != 0.0).then(|| (now - before) / before.abs() * 100.0)
    }
}

/// The outcome of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Every path of the baseline or of the result.
    pub compared: Vec<String>,
    /// What moved, in the order of the paths. The hash of the whole result is among them only if
    /// no other metric moved: it follows every one of them.
    pub moved: Vec<Movement>,
    /// Patterns of tolerances that match no metric.
    pub unused: Vec<String>,
    /// The metrics under limits, moved or not.
    pub limits: Vec<Judged>,
    /// Patterns of limits that match no metric: nothing is judged by them.
    pub unused_limits: Vec<String>,
}

impl Comparison {
    /// Whether anything moved further than it may.
    pub fn drifted(&self) -> bool {
        self.moved.iter().any(|m| m.verdict == Verdict::Drifted)
    }

    /// The limits that are not kept.
    pub fn missed(&self) -> impl Iterator<Item = &Judged> {
        self.limits.iter().filter(|judged| !judged.kept)
    }

    /// Whether the comparison fails: a drift, or a limit that is not kept.
    pub fn failed(&self) -> bool {
        self.drifted() || self.missed().next().is_some()
    }

    /// The movement of this metric, if it moved.
    pub fn movement(&self, path: &str) -> Option<&Movement> {
        self.moved.iter().find(|movement| movement.path == path)
    }

    /// The hashes of two scenarios where they differ: the question changed, not only the answer.
    pub fn scenario_changed(&self) -> Option<&Movement> {
        self.movement(SCENARIO_HASH)
    }

    /// Whether all that moved is something in the result that no listed metric shows.
    pub fn only_unlisted(&self) -> bool {
        self.movement(RESULT_HASH).is_some()
    }
}

/// Compares a result's values with those of a baseline, bit for bit where no tolerance says otherwise, and
/// judges them by the limits.
pub fn compare(
    before: &Values,
    now: &Values,
    tolerances: &Tolerances,
    limits: &Limits,
) -> Comparison {
    let mut compared: Vec<String> = before.keys().chain(now.keys()).cloned().collect();
    compared.sort();
    compared.dedup();
    let movement = |path: &String| moved(path, before.get(path), now.get(path), tolerances);
    let mut moved: Vec<Movement> = compared.iter().filter_map(movement).collect();
    if moved.iter().any(|movement| movement.path != RESULT_HASH) {
        moved.retain(|movement| movement.path != RESULT_HASH);
    }
    let unused = tolerances.0.keys();
    let unused = unused.filter(|pattern| !compared.iter().any(|path| matches(pattern, path)));
    let (limits, unused_limits) = limits.judge(now);
    Comparison {
        unused: unused.cloned().collect(),
        compared,
        moved,
        limits,
        unused_limits,
    }
}

fn moved(
    path: &str,
    before: Option<&Value>,
    now: Option<&Value>,
    tolerances: &Tolerances,
) -> Option<Movement> {
    if before == now {
        return None;
    }
    let tolerance = tolerances.of(path);
    let mut movement = Movement {
        path: path.to_owned(),
        before: before.cloned(),
        now: now.cloned(),
        tolerance,
        verdict: Verdict::Drifted,
    };
    movement.verdict = match tolerance {
        Tolerance::Ignore => Verdict::Ignored,
        Tolerance::Change { .. } => match movement.numbers() {
            Some((before, now)) if tolerance.allows(before, now) => Verdict::Within,
            _ => Verdict::Drifted,
        },
    };
    Some(movement)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(list: &[(&str, Value)]) -> Values {
        let owned = list
            .iter()
            .map(|(path, value)| ((*path).to_owned(), value.clone()));
        owned.collect()
    }

    fn tolerances(list: &[(&str, &str)]) -> Tolerances {
        let read = list
            .iter()
            .map(|(pattern, text)| ((*pattern).to_owned(), text.parse().unwrap()));
        Tolerances(read.collect())
    }

    fn hash(text: &str) -> (&'static str, Value) {
        (RESULT_HASH, Value::Text(text.to_owned()))
    }

    fn verdict(before: Value, now: Value, tolerance: &str) -> Option<Verdict> {
        let (before, now) = (values(&[("a", before)]), values(&[("a", now)]));
        let found = compare(
            &before,
            &now,
            &tolerances(&[("a", tolerance)]),
            &Limits::default(),
        );
        found.movement("a").map(|movement| movement.verdict)
    }

    #[test]
    fn a_tolerance_is_a_part_of_the_baseline_and_includes_its_end() {
        use Value::{Real, Whole};
        use Verdict::{Drifted, Within};
        assert_eq!(verdict(Whole(200), Whole(200), "0%"), None);
        assert_eq!(verdict(Whole(200), Whole(201), "0%"), Some(Drifted));
        assert_eq!(verdict(Whole(200), Whole(201), "0.5%"), Some(Within));
        assert_eq!(verdict(Whole(200), Whole(199), "0.5%"), Some(Within));
        assert_eq!(verdict(Whole(200), Whole(202), "0.5%"), Some(Drifted));
        assert_eq!(verdict(Real(-2.0), Real(-2.02), "2%"), Some(Within));
        assert_eq!(verdict(Real(-2.0), Real(-2.02), "0.9%"), Some(Drifted));
        // Nothing is a part of 0.
        assert_eq!(verdict(Whole(0), Whole(1), "100%"), Some(Drifted));
        // Too close for floats, but not the same.
        let (one, other) = (Whole(u64::MAX), Whole(u64::MAX - 1));
        assert_eq!(verdict(one, other, "0%"), Some(Drifted));
    }

    #[test]
    fn what_is_no_number_moves_or_is_ignored() {
        let cases = [
            (Value::Undefined, Value::Whole(3)),
            (Value::Truth(true), Value::Truth(false)),
            (Value::Text("a".into()), Value::Text("b".into())),
        ];
        for (before, now) in cases {
            let found = verdict(before.clone(), now.clone(), "50%");
            assert_eq!(found, Some(Verdict::Drifted));
            assert_eq!(verdict(before, now, "ignore"), Some(Verdict::Ignored));
        }
    }

    #[test]
    fn metrics_come_and_go() {
        let before = values(&[("a", Value::Whole(1)), ("b", Value::Whole(1))]);
        let now = values(&[("b", Value::Whole(1)), ("c", Value::Whole(1))]);
        let found = compare(
            &before,
            &now,
            &tolerances(&[("z*", "1%"), ("c", "ignore")]),
            &Limits::default(),
        );
        assert_eq!(found.compared, ["a", "b", "c"]);
        let moved: Vec<_> = found.moved.iter().map(|m| (&*m.path, m.verdict)).collect();
        let expected = [("a", Verdict::Drifted), ("c", Verdict::Ignored)];
        assert_eq!(moved, expected);
        assert_eq!(found.unused, ["z*"]);
    }

    #[test]
    fn the_hash_of_the_result_counts_when_nothing_else_explains_it() {
        let before = values(&[("a", Value::Whole(200)), hash("one")]);
        let same = values(&[("a", Value::Whole(200)), hash("two")]);
        let found = compare(&before, &same, &Tolerances::default(), &Limits::default());
        assert!(found.drifted() && found.only_unlisted());
        let found = compare(
            &before,
            &same,
            &tolerances(&[(RESULT_HASH, "ignore")]),
            &Limits::default(),
        );
        assert!(!found.drifted() && found.only_unlisted());
        let moved = values(&[("a", Value::Whole(201)), hash("two")]);
        let found = compare(
            &before,
            &moved,
            &tolerances(&[("a", "1%")]),
            &Limits::default(),
        );
        assert!(!found.drifted() && !found.only_unlisted());
        assert_eq!(found.moved.len(), 1);
    }
}
