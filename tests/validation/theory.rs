//! The simulator against theory: every case of `docs/validation.md`.
//!
//! Expected values come from `tests/data/theory_cases.csv`. Statistical cases run thirty
//! replications with fixed seeds; the threshold keeps the probability of any false alarm, over all
//! comparisons together, at 1e-3 for each new set of random numbers.
//!
//! `cargo test --test validation theory -- --ignored` writes `docs/validation.md` anew.

mod bounds;
mod closed;
mod exact;
pub mod harness;
pub mod measure;
pub mod models;
mod open;
mod policies;
mod report;
mod sharing;

use harness::{OUTCOME, TABLE, assert_holds, paired_p};

/// All statistical cases.
fn catalogue() -> Vec<harness::Case> {
    let mut cases = open::cases();
    cases.extend(closed::cases());
    cases.extend(sharing::cases());
    cases.extend(policies::cases());
    // Last: the draws of a case depend on its place.
    cases.push(open::impatient());
    cases
}

#[test]
fn one_server_first_come_first_served() {
    assert_holds(&["V01", "V02", "V03", "V04"]);
}

#[test]
fn pools_bounded_queues_and_tandems() {
    assert_holds(&["V05", "V06", "V07", "V08", "V09", "V15", "V37"]);
}

#[test]
fn batches_of_requests() {
    assert_holds(&["V34"]);
}

#[test]
fn closed_loops() {
    assert_holds(&["V12", "V13", "V14"]);
}

#[test]
fn processor_sharing() {
    assert_holds(&["V16", "V17", "V18"]);
}

#[test]
fn round_robin() {
    assert_holds(&["V21", "V22", "V23"]);
}

#[test]
fn reserved_slots() {
    assert_holds(&["V29"]);
}

#[test]
fn weighted_shares() {
    assert_holds(&["V19", "V20"]);
}

#[test]
fn priorities_and_sizes() {
    assert_holds(&["V33", "V39"]);
}

#[test]
fn laws_of_work() {
    assert_holds(&["V38"]);
}

/// Ten times the work and a second seed for scores beyond 3.
#[test]
fn no_score_is_suspicious_twice() {
    harness::second_look();
}

/// Many small errors, none of which a single score shows.
#[test]
fn the_scores_together_are_those_of_a_correct_simulator() {
    let (omnibus, limit) = (OUTCOME.omnibus(), OUTCOME.omnibus_limit());
    assert!(omnibus < limit, "mean square of t {omnibus}, limit {limit}");
}

/// A test that cannot fail proves nothing.
#[test]
fn means_off_by_a_few_percent_would_be_found() {
    for verdict in &OUTCOME.verdicts {
        if verdict.metric.starts_with("mean_") && !verdict.metric.contains("given") {
            let detects = verdict.detects(OUTCOME.threshold);
            assert!(
                detects < 0.03,
                "{} {} finds only {detects}",
                verdict.case,
                verdict.metric
            );
        }
    }
}

/// Identity 13: under processor sharing two distributions of sizes with the same mean give the same
/// number in the system. The arrivals are the same draws, so the comparison is paired.
#[test]
fn processor_sharing_is_insensitive_to_the_distribution_of_sizes() {
    let numbers: Vec<_> = OUTCOME
        .verdicts
        .iter()
        .filter(|v| v.case == "V17" && v.metric == "mean_number_in_system")
        .collect();
    assert_eq!(numbers.len(), 3);
    let pairs = [(0, 1), (0, 2), (1, 2)];
    for (a, b) in pairs {
        let p = paired_p(numbers[a], numbers[b]);
        let limit = harness::FAMILY_WISE / pairs.len() as f64;
        assert!(
            p > limit,
            "{} and {}: p = {p}",
            numbers[a].parameters,
            numbers[b].parameters
        );
    }
}

/// The copied table holds what is used and nothing else.
#[test]
fn every_row_of_the_table_is_used() {
    let cases = catalogue();
    let used = |row: &harness::Row| {
        let name = (row.case.as_str(), row.metric.as_str());
        exact::ROWS.contains(&name)
            || bounds::ROWS.contains(&name)
            || crate::coverage::ROWS.contains(&name)
            || cases.iter().any(|case| {
                case.id == row.case
                    && row.parameters.contains(case.parameters)
                    && (case.metrics.iter().any(|metric| metric.name == row.metric)
                        || case.about.contains(&row.metric.as_str()))
            })
    };
    let unused: Vec<_> = TABLE.iter().filter(|row| !used(row)).collect();
    assert!(unused.is_empty(), "{unused:#?}");
}

/// Seeds are fixed and the simulator is deterministic, so the page can be compared exactly.
#[test]
fn the_page_shows_the_present_results() {
    let page = std::fs::read_to_string(report::PATH).expect("docs/validation.md");
    assert!(
        page == report::page(),
        "docs/validation.md is out of date: run `cargo test --test validation theory -- --ignored`"
    );
}

#[test]
#[ignore = "writes docs/validation.md"]
fn write_the_page() {
    std::fs::write(report::PATH, report::page()).expect("docs/validation.md");
}
