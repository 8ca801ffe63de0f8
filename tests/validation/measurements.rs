//! Predictions against published measurements, and the trace that a scenario replays.
//!
//! The measurements are in `data/measurements`, the account of it in `docs/measurements.md`. To
//! rewrite the tables there:
//!
//! ```text
//! cargo test --test validation measurements -- --ignored rewrite_the_tables
//! ```

mod azure;
mod law_tables;
mod llm;
mod parts;
mod sets;
mod slices;
mod tables;
mod tally;

use std::path::PathBuf;
use warpshare::experiment::{self, Options, Silent};
use warpshare::result::{Estimate, GroupResult, RunResult};
use warpshare::scenario::{Overrides, Scenario, parse};

/// A path inside the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).expect("a file of the repository")
}

/// Checks the text of a scenario that stands in `scenarios/`.
fn scenario(text: &str) -> Scenario {
    let loaded = parse(
        "variant",
        text,
        &repository("scenarios"),
        &Overrides::default(),
    );
    match loaded {
        Ok(loaded) => loaded.scenario,
        Err(errors) => panic!(
            "{}",
            errors
                .iter()
                .map(|e| e.render())
                .collect::<Vec<_>>()
                .join("\n")
        ),
    }
}

fn run(scenario: &Scenario, options: &Options) -> RunResult {
    let result = experiment::run(scenario, options, &Silent).expect("the scenario runs");
    for check in &result.checks {
        assert!(check.holds, "{check:?}");
    }
    result
}

fn guest<'a>(result: &'a RunResult, name: &str) -> &'a GroupResult {
    let mut guests = result.guests.iter();
    guests.find(|guest| guest.name == name).expect("the guest")
}

fn value(estimate: &Estimate) -> f64 {
    estimate.value.expect("an estimate with a value")
}
