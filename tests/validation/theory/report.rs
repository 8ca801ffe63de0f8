//! Writes `docs/validation.md` from the comparisons.

use super::harness::{FAMILY_WISE, OUTCOME, REPLICATIONS, Verdict};
use std::fmt::Write;

pub const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/validation.md");

const METHOD: &str = include_str!("method.md");
const LIMITS: &str = include_str!("limits.md");

pub fn page() -> String {
    let outcome = &*OUTCOME;
    let mut page = METHOD.to_owned();
    let verdicts = &outcome.verdicts;
    let _ = write!(
        page,
        "\n## Results\n\n\
         {} comparisons, {REPLICATIONS} replications each. Two-sided threshold for a family-wise \
         false-alarm probability of {FAMILY_WISE}: |t| ≤ {:.2}. Mean square of the first score of each \
         model relative to its expectation: {:.2} (limit {:.2}).\n\n\
         *error found*: the smallest relative error that the comparison detects with 90 % probability. \
         *jobs*: those measured, all replications together. Times are in units of 1 ms.\n",
        verdicts.len(),
        outcome.threshold,
        outcome.omnibus(),
        outcome.omnibus_limit(),
    );
    let mut last = None;
    for verdict in verdicts {
        let model = (verdict.case, verdict.parameters);
        if last != Some(model) {
            let _ = write!(
                page,
                "\n### {}: {}\n\nAs: {}. Source: {}. {} jobs.\n\n\
                 | metric | expected | simulated | t | error found |\n\
                 | --- | --- | --- | --- | --- |\n",
                verdict.case,
                verdict.row.parameters.replace('|', "\\|"),
                verdict.mapping,
                verdict.row.reference,
                thousands(verdict.jobs),
            );
            last = Some(model);
        }
        page += &line(verdict, outcome.threshold);
    }
    page += &crate::coverage::section();
    page += LIMITS;
    page
}

fn line(verdict: &Verdict, threshold: f64) -> String {
    let metric = if verdict.expected == verdict.row.value {
        verdict.metric.to_owned()
    } else {
        format!(
            "{} (part above {})",
            verdict.metric,
            number(verdict.row.value)
        )
    };
    format!(
        "| {metric} | {} | {} | {:+.2} | {:.2} % |\n",
        number(verdict.expected),
        number(verdict.simulated),
        verdict.score,
        100.0 * verdict.detects(threshold),
    )
}

/// Six significant digits.
fn number(value: f64) -> String {
    let digits = if value.abs() >= 10.0 {
        4
    } else if value.abs() >= 0.1 {
        5
    } else {
        6
    };
    format!("{value:.digits$}")
}

fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
