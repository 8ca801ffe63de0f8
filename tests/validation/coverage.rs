//! Do the intervals of a report keep what they promise? A thousand small experiments on models whose
//! means and quantiles are known exactly, each run as a user's scenario is, and how many of the reported
//! intervals hold the exact value; and a thousand comparisons of a policy with itself.
//!
//! `docs/validation.md` shows what they found.

mod experiments;
mod models;
mod null;
mod page;

use experiments::{Found, OUTCOME, Target};
use null::NULL;
use warpshare::policy::registry;
use warpshare::result::Verdict;

pub use models::ROWS;
pub use page::section;

/// Every target of every model is covered as often as it promises.
fn covers(wanted: fn(&Target) -> bool) {
    let found: Vec<&Found> = OUTCOME.iter().filter(|f| wanted(&f.target)).collect();
    assert!(!found.is_empty());
    for found in found {
        let (low, high) = found.target.band;
        let coverage = found.coverage();
        assert!(
            low <= coverage && coverage <= high,
            "{} {}: {coverage} of the intervals hold {}, not {low} to {high}",
            found.case,
            found.target.name,
            found.target.exact,
        );
    }
}

#[test]
fn intervals_of_means_hold_the_exact_mean() {
    covers(|target| !target.quantile);
}

#[test]
fn intervals_of_quantiles_hold_the_exact_quantile() {
    covers(|target| target.quantile);
}

/// The runs are long enough: nothing but chance decides whether an interval holds the exact value.
#[test]
fn the_bias_of_a_start_is_small_against_the_intervals() {
    for found in OUTCOME.iter() {
        let (bias, limit) = (found.bias(), if found.target.quantile { 0.15 } else { 0.1 });
        assert!(
            bias.abs() <= limit,
            "{} {}: the estimates are off by {bias} half-widths",
            found.case,
            found.target.name,
        );
    }
}

/// A coverage of those intervals alone that a rule has let through says little about all.
#[test]
fn nearly_every_experiment_reports_its_intervals() {
    for found in OUTCOME.iter() {
        let (without, limit) = (found.without, experiments::EXPERIMENTS / 20);
        assert!(
            without <= limit,
            "{} {}: {without} experiments without an interval",
            found.case,
            found.target.name,
        );
    }
}

/// A rate of exactly 95 % leaves these limits by chance once in 260 times for each metric; seeds are fixed, so
/// that this can happen only where draws are reshuffled.
#[test]
fn a_policy_does_not_differ_from_itself() {
    for row in NULL.iter() {
        let rate = row.undecided();
        assert!(
            (0.93..=0.97).contains(&rate),
            "{}: no difference in {rate} of the trials",
            row.metric,
        );
    }
}

/// With the same draws there is nothing that could differ: all differences are exactly zero.
#[test]
fn with_the_same_draws_a_policy_equals_itself() {
    for scheduler in registry::names() {
        let found = null::with_itself(scheduler);
        let rows = found
            .metrics
            .iter()
            .filter(|row| row.values[0].note.is_none());
        let differences: Vec<_> = rows
            .map(|row| (&row.metric, row.values[1].difference.as_ref()))
            .collect();
        assert!(differences.len() >= 10, "{scheduler}: {differences:?}");
        for (metric, difference) in differences {
            let difference = difference.unwrap_or_else(|| panic!("{scheduler}: no {metric}"));
            let ends = (difference.mean, difference.low, difference.high);
            assert_eq!(ends, (0.0, None, None), "{scheduler}: {metric}");
            assert_eq!(difference.verdict, Verdict::Same, "{scheduler}: {metric}");
        }
    }
}
