//! A comparison in words: made from its numbers, and from nothing else.

use crate::metrics::{Statistic, usual};
use crate::result::{Better, ComparisonResult, Difference, MetricComparison, SubjectKind, Verdict};

/// What is said of the response times of guests.
const TAIL: Statistic = Statistic::Quantile(0.95);

/// One paragraph for each GPU with what policies change about its fairness and throughput, and what they
/// do to the tails of its guests.
pub(super) fn words(comparison: &ComparisonResult) -> String {
    let others = comparison.policies.len() - 1;
    if others == 0 {
        return format!("{} alone: there is nothing to compare.", comparison.against);
    }
    let mut sentences = Vec::new();
    for metric in usual() {
        let (name, what, kind) = match (metric.spoken, metric.family) {
            (Some(what), Some(family)) => (
                format!("{family}.{}", TAIL.name()),
                format!("95th percentile of {what}"),
                SubjectKind::Guest,
            ),
            (Some(what), None) => (metric.name.to_owned(), what.to_owned(), SubjectKind::Gpu),
            (None, _) => continue,
        };
        let rows = comparison.metrics.iter();
        for row in rows.filter(|row| row.primary && row.kind == kind && row.metric == name) {
            sentences.extend(sentence(comparison, row, &what));
        }
    }
    for policy in comparison
        .policies
        .iter()
        .filter(|p| !p.overloaded.is_empty())
    {
        let guests: Vec<&str> = policy
            .overloaded
            .iter()
            .map(|found| found.guest.as_str())
            .collect();
        sentences.push(format!(
            "Under {} {} overloaded, so latencies there are bounds and are not compared.",
            policy.name,
            match guests.as_slice() {
                [one] => format!("{one} is"),
                several => format!("{} are", several.join(", ")),
            }
        ));
    }
    let primary = comparison.metrics.iter().filter(|row| row.primary);
    let mut all = primary.flat_map(|row| &row.values);
    let fixed = |d: &Difference| d.verdict == Verdict::Fixed;
    if all.any(|value| value.difference.as_ref().is_some_and(fixed)) {
        sentences.push(
            "Differences that are the same in every replication are facts of these runs and are not tested."
                .to_owned(),
        );
    }
    sentences.join(" ")
}

/// Who is better and who is worse than the policy that all are compared with.
fn sentence(comparison: &ComparisonResult, row: &MetricComparison, what: &str) -> Option<String> {
    // What is the same in every replication is better or worse by its direction.
    let direction = |found: &Difference| match (found.verdict, row.better, found.mean < 0.0) {
        (Verdict::Fixed, Better::Lower, true) | (Verdict::Fixed, Better::Higher, false) => {
            Verdict::Better
        }
        (Verdict::Fixed, ..) => Verdict::Worse,
        (verdict, ..) => verdict,
    };
    let named = |wanted: Verdict| -> Vec<(&str, f64)> {
        let policies = comparison.policies.iter().zip(&row.values);
        policies
            .filter_map(|(policy, value)| {
                let difference = value.difference.as_ref()?;
                let found = direction(difference) == wanted;
                found.then_some((policy.name.as_str(), difference.mean))
            })
            .collect()
    };
    let tested = row.values.iter().filter(|value| value.difference.is_some());
    let tested = tested.count();
    if tested == 0 {
        return None;
    }
    let base = row.values[0].value?;
    let (better, worse) = (named(Verdict::Better), named(Verdict::Worse));
    let what = format!("{what} of {}", row.of);
    if better.is_empty() && worse.is_empty() {
        let same = named(Verdict::Same);
        let under = match same.as_slice() {
            _ if same.len() == row.values.len() - 1 && same.len() > 1 => "all policies".to_owned(),
            [(one, _)] => format!("{} and {one}", comparison.against),
            several => format!("{} and {} others", comparison.against, several.len()),
        };
        return Some(match same.len() {
            0 => format!("No difference in the {what} is shown."),
            all if all == tested => format!("The {what} is exactly the same under {under}."),
            _ => format!(
                "No difference in the {what} is shown; it is exactly the same under {under}."
            ),
        });
    }
    let most = |list: &[(&str, f64)]| {
        let far = list.iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        let (name, change) = far.copied().unwrap_or(("", 0.0));
        let by = match base {
            0.0 => String::new(),
            base => format!(" (most under {name}: {:+.1} %)", change / base * 100.0),
        };
        let several = match list.len() {
            1 => format!("under {name}"),
            n => format!("under {n} policies"),
        };
        match list.len() {
            1 if base != 0.0 => format!("{several} ({:+.1} %)", change / base * 100.0),
            1 => several,
            _ => format!("{several}{by}"),
        }
    };
    let (good, bad) = match row.better {
        Better::Lower => ("lower", "higher"),
        Better::Higher => ("higher", "lower"),
    };
    let mut parts = Vec::new();
    if !better.is_empty() {
        parts.push(format!("{good} {}", most(&better)));
    }
    if !worse.is_empty() {
        parts.push(format!("{bad} {}", most(&worse)));
    }
    Some(format!(
        "Against {}, the {what} is {}.",
        comparison.against,
        parts.join(" and ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{
        COMPARISON_FORMAT, Horizon, Meta, Overload, Overloaded, PlanInfo, PolicyResult,
        PolicyValue, ScenarioInfo, Unit,
    };

    fn policy(name: &str) -> PolicyResult {
        PolicyResult {
            name: name.into(),
            about: String::new(),
            source: String::new(),
            sharing: Vec::new(),
            hash: String::new(),
            overloaded: Vec::new(),
            findings: Vec::new(),
            broken: Vec::new(),
            response: Vec::new(),
            members: Vec::new(),
            turns: Vec::new(),
        }
    }

    fn value(difference: Option<(f64, Verdict)>) -> PolicyValue {
        PolicyValue {
            value: Some(10.0),
            half_width: None,
            note: None,
            difference: difference.map(|(mean, verdict)| Difference {
                mean,
                low: Some(mean),
                high: Some(mean),
                p: Some(1.0),
                adjusted_p: Some(1.0),
                verdict,
                variance_ratio: None,
            }),
        }
    }

    /// A metric of GPU `a`, 10 under policy `p0`, and what the others (`p1`, …) change.
    fn row(metric: &str, better: Better, others: &[Option<(f64, Verdict)>]) -> MetricComparison {
        let others = others.iter().map(|difference| value(*difference));
        MetricComparison {
            of: "a".into(),
            kind: SubjectKind::Gpu,
            metric: metric.into(),
            unit: Unit::Ratio,
            better,
            primary: true,
            values: [value(None)].into_iter().chain(others).collect(),
            best: None,
        }
    }

    fn comparison(metrics: Vec<MetricComparison>, policies: usize) -> ComparisonResult {
        let policies = (0..policies).map(|index| policy(&format!("p{index}")));
        ComparisonResult {
            format: COMPARISON_FORMAT,
            meta: Meta {
                program: String::new(),
                version: String::new(),
            },
            scenario: ScenarioInfo {
                name: String::new(),
                title: None,
                hash: String::new(),
            },
            plan: PlanInfo {
                horizon: Horizon::Steady,
                warmup_ns: 0,
                window_ns: 1,
                drain_ns: 0,
                replications: 2,
                seed: 1,
                confidence: 0.95,
                no_chance: false,
            },
            against: "p0".into(),
            primary: Vec::new(),
            tested: 0,
            explored: 0,
            sequential: None,
            slices: Vec::new(),
            policies: policies.collect(),
            metrics,
        }
    }

    /// What is said of the mean slowdown under these policies.
    fn of(others: &[Option<(f64, Verdict)>]) -> String {
        let rows = vec![row("antt", Better::Lower, others)];
        words(&comparison(rows, others.len() + 1))
    }

    const SAME: Option<(f64, Verdict)> = Some((0.0, Verdict::Same));
    const UNDECIDED: Option<(f64, Verdict)> = Some((0.1, Verdict::Undecided));
    const BETTER: Option<(f64, Verdict)> = Some((-1.0, Verdict::Better));
    const WORSE: Option<(f64, Verdict)> = Some((2.5, Verdict::Worse));

    #[test]
    fn what_is_the_same_is_called_the_same() {
        let the_same = "The mean slowdown of a is exactly the same under";
        assert_eq!(of(&[SAME]), format!("{the_same} p0 and p1."));
        assert_eq!(of(&[SAME, SAME]), format!("{the_same} all policies."));
        // Only of those that could be compared.
        assert_eq!(of(&[None, SAME]), format!("{the_same} p0 and p2."));
        assert_eq!(
            of(&[SAME, None, SAME]),
            format!("{the_same} p0 and 2 others.")
        );
    }

    #[test]
    fn what_is_not_shown_is_not_called_the_same() {
        let nothing = "No difference in the mean slowdown of a is shown";
        assert_eq!(of(&[UNDECIDED]), format!("{nothing}."));
        assert_eq!(of(&[UNDECIDED, UNDECIDED]), format!("{nothing}."));
        assert_eq!(
            of(&[UNDECIDED, SAME]),
            format!("{nothing}; it is exactly the same under p0 and p2.")
        );
        assert_eq!(
            of(&[SAME, UNDECIDED, SAME]),
            format!("{nothing}; it is exactly the same under p0 and 2 others.")
        );
    }

    #[test]
    fn what_differs_is_said_with_its_direction_and_the_most() {
        let of_a = "Against p0, the mean slowdown of a is";
        assert_eq!(of(&[BETTER]), format!("{of_a} lower under p1 (-10.0 %)."));
        assert_eq!(of(&[WORSE]), format!("{of_a} higher under p1 (+25.0 %)."));
        assert_eq!(
            of(&[BETTER, SAME, WORSE, Some((1.0, Verdict::Worse))]),
            format!(
                "{of_a} lower under p1 (-10.0 %) and higher under 2 policies (most under p3: +25.0 %)."
            )
        );
        let rows = vec![row("stp", Better::Higher, &[Some((1.0, Verdict::Better))])];
        assert_eq!(
            words(&comparison(rows, 2)),
            "Against p0, the system throughput of a is higher under p1 (+10.0 %)."
        );
    }

    #[test]
    fn what_is_the_same_in_every_replication_is_said_without_a_test() {
        let fixed = Some((-1.0, Verdict::Fixed));
        assert_eq!(
            of(&[fixed]),
            "Against p0, the mean slowdown of a is lower under p1 (-10.0 %). Differences that are the same in \
             every replication are facts of these runs and are not tested."
        );
    }

    #[test]
    fn exploratory_metrics_are_not_in_the_words() {
        let mut aside = row("antt", Better::Lower, &[BETTER]);
        aside.primary = false;
        assert_eq!(words(&comparison(vec![aside], 2)), "");
    }

    #[test]
    fn a_change_from_nothing_has_no_percentage() {
        let mut from_nothing = row("longest_starvation", Better::Lower, &[WORSE]);
        from_nothing.values[0].value = Some(0.0);
        assert_eq!(
            words(&comparison(vec![from_nothing], 2)),
            "Against p0, the longest starvation of a is higher under p1."
        );
    }

    #[test]
    fn what_was_not_compared_is_left_out() {
        assert_eq!(of(&[None]), "");
        assert_eq!(
            words(&comparison(Vec::new(), 1)),
            "p0 alone: there is nothing to compare."
        );
        // Throughput of a guest is in the tables, not in the words.
        let mut guest = row("throughput", Better::Higher, &[BETTER]);
        guest.kind = SubjectKind::Guest;
        assert_eq!(words(&comparison(vec![guest], 2)), "");
    }

    #[test]
    fn overloaded_guests_are_named() {
        let mut found = comparison(Vec::new(), 2);
        let overloaded = |name: &str| Overloaded {
            guest: name.to_owned(),
            why: Overload::Growing { jobs: 12.0 },
        };
        found.policies[1].overloaded = vec![overloaded("x")];
        let bounds = "overloaded, so latencies there are bounds and are not compared.";
        assert_eq!(words(&found), format!("Under p1 x is {bounds}"));
        found.policies[1].overloaded.push(overloaded("y"));
        assert_eq!(words(&found), format!("Under p1 x, y are {bounds}"));
    }
}
