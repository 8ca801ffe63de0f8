//! The tidy tables of a comparison: one observation a row, full precision.

use crate::report::csv::{File, Sheet, float};
use crate::report::words;
use crate::result::{Better, ComparisonResult, Difference, MetricComparison, PolicyValue, Verdict};

/// All tables, in the order in which the folder's README lists them.
///
/// # Errors
///
/// None that a finished comparison can cause; the writer's own errors are passed on.
pub fn tables(result: &ComparisonResult) -> Result<Vec<File>, csv::Error> {
    Ok(vec![
        ("comparison.csv", metrics(result)?),
        ("findings.csv", findings(result)?),
        ("members.csv", members(result)?),
        ("turns.csv", turns(result)?),
    ])
}

fn metrics(result: &ComparisonResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&[
        "of",
        "kind",
        "metric",
        "unit",
        "better",
        "primary",
        "policy",
        "value",
        "half_width",
        "difference",
        "low",
        "high",
        "p",
        "adjusted_p",
        "verdict",
        "variance_ratio",
        "may_be_best",
        "note",
    ])?;
    for metric in &result.metrics {
        for (policy, value) in result.policies.iter().zip(&metric.values) {
            row(&mut sheet, metric, &policy.name, value)?;
        }
    }
    sheet.text()
}

fn row(
    sheet: &mut Sheet,
    metric: &MetricComparison,
    policy: &str,
    value: &PolicyValue,
) -> Result<(), csv::Error> {
    let of =
        |number: fn(&Difference) -> Option<f64>| float(value.difference.as_ref().and_then(number));
    let verdict = value.difference.as_ref().map_or("", |d| match d.verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::Same => "same",
        Verdict::Fixed => "fixed",
        Verdict::Undecided => "undecided",
    });
    let ratio = value.difference.as_ref().and_then(|d| d.variance_ratio);
    let best = metric.best.as_ref().map_or("", |best| {
        if best.candidates.iter().any(|name| name == policy) {
            "yes"
        } else {
            "no"
        }
    });
    sheet.row(&[
        &metric.of,
        metric.kind.name(),
        &metric.metric,
        metric.unit.name(),
        match metric.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
        },
        if metric.primary { "yes" } else { "no" },
        policy,
        &float(value.value),
        &float(value.half_width),
        &of(|d| Some(d.mean)),
        &of(|d| d.low),
        &of(|d| d.high),
        &of(|d| d.p),
        &of(|d| d.adjusted_p),
        verdict,
        &float(ratio),
        best,
        &value.note.as_ref().map_or_else(String::new, words::reason),
    ])
}

/// What the checks of each run found.
fn findings(result: &ComparisonResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&["policy", "kind", "of", "text"])?;
    for policy in &result.policies {
        for finding in &policy.findings {
            let (kind, of, text) = words::finding(finding);
            sheet.row(&[&policy.name, kind, of, &text])?;
        }
    }
    sheet.text()
}

fn members(result: &ComparisonResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&["policy", "member", "slowdown"])?;
    for policy in &result.policies {
        for member in &policy.members {
            sheet.row(&[&policy.name, &member.name, &float(member.slowdown)])?;
        }
    }
    sheet.text()
}

fn turns(result: &ComparisonResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&["policy", "tenant", "from_ns", "until_ns"])?;
    for policy in &result.policies {
        for row in &policy.turns {
            for (from, until) in &row.turns {
                let cells = [from.to_string(), until.to_string()];
                sheet.row(&[&policy.name, &row.tenant, &cells[0], &cells[1]])?;
            }
        }
    }
    sheet.text()
}
