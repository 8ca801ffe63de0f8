//! A comparison in words: made from its numbers, and from nothing else.

use crate::result::{Better, ComparisonResult, MetricComparison, Verdict};

/// One paragraph for each GPU with what policies change about its fairness and throughput, and what they
/// do to the tails of its guests.
pub(super) fn words(comparison: &ComparisonResult) -> String {
    let others = comparison.policies.len() - 1;
    if others == 0 {
        return format!("{} alone: there is nothing to compare.", comparison.against);
    }
    let mut sentences = Vec::new();
    for (metric, what) in [
        ("antt", "mean slowdown"),
        ("stp", "system throughput"),
        ("jain_progress", "fairness of progress"),
        ("longest_starvation", "longest starvation"),
    ] {
        let rows = comparison.metrics.iter();
        for row in rows.filter(|row| row.kind == "gpu" && row.metric == metric) {
            sentences.extend(sentence(comparison, row, what));
        }
    }
    let tails = comparison.metrics.iter();
    for row in tails.filter(|row| row.kind == "guest" && row.metric == "p95") {
        sentences.extend(sentence(
            comparison,
            row,
            "95th percentile of response times",
        ));
    }
    for policy in comparison
        .policies
        .iter()
        .filter(|p| !p.overloaded.is_empty())
    {
        let guests: Vec<&str> = policy.overloaded.iter().map(|(g, _)| g.as_str()).collect();
        sentences.push(format!(
            "Under {} {} overloaded, so latencies there are bounds and are not compared.",
            policy.name,
            match guests.as_slice() {
                [one] => format!("{one} is"),
                several => format!("{} are", several.join(", ")),
            }
        ));
    }
    sentences.join(" ")
}

/// Who is better and who is worse than the policy that all are compared with.
fn sentence(comparison: &ComparisonResult, row: &MetricComparison, what: &str) -> Option<String> {
    let named = |wanted: Verdict| -> Vec<(&str, f64)> {
        let policies = comparison.policies.iter().zip(&row.values);
        policies
            .filter_map(|(policy, value)| {
                let difference = value.difference.as_ref()?;
                (difference.verdict == wanted).then_some((policy.name.as_str(), difference.mean))
            })
            .collect()
    };
    let tested = row.values.iter().filter(|value| value.difference.is_some());
    if tested.count() == 0 {
        return None;
    }
    let base = row.values[0].mean?;
    let (better, worse) = (named(Verdict::Better), named(Verdict::Worse));
    let what = format!("{what} of {}", row.of);
    if better.is_empty() && worse.is_empty() {
        return Some(format!("No difference in the {what} is shown."));
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
