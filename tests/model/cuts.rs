//! A run that is cut anywhere, and goes on, gives the bytes of one that is not, at every speed.
//!
//! A longer search from another seed: `CUTS_SEED=7 CUTS_CASES=20000 cargo test --test model cuts`.

use crate::common::*;
use crate::paths::{a_scenario, from_environment};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use warpshare::engine::time::Nanos;
use warpshare::scenario::Scenario;
use warpshare::sim::{Cell, Speed, Variant, build};

const SPEEDS: [Speed; 3] = [Speed::Plain, Speed::RunAhead, Speed::RoundJump];

fn cell(scenario: &Scenario, speed: Speed) -> Cell<Log> {
    build(scenario, &[0], 0, Variant::Shared, speed, Log::new).expect("a cell")
}

fn cut(scenario: &Scenario, speed: Speed, cuts: &[Nanos]) -> Log {
    let mut cell = cell(scenario, speed);
    for &time in cuts {
        cell.run_until(time);
    }
    cell.run()
}

/// Every time at which something happens on the plain path.
fn times_of_events(scenario: &Scenario) -> Vec<Nanos> {
    let mut cell = cell(scenario, Speed::Plain);
    let mut times = vec![0];
    cell.run_until(1);
    while let Some(time) = cell.next_event() {
        times.push(time);
        cell.run_until(time + 1);
    }
    times
}

#[test]
fn nothing_happens_before_its_time() {
    let one = guest("a", requests(&[(0, 10_000_000), (20_000_000, 10_000_000)]));
    let share = time_slice("round-robin", 2_000_000);
    let scenario = scenario(vec![gpu(share)], vec![one], 100_000_000);
    for speed in SPEEDS {
        let mut cell = cell(&scenario, speed);
        assert!(cell.run_until(0));
        assert_eq!(cell.observer().arrived, [0]);
        assert!(cell.run_until(10_000_000));
        assert_eq!(
            (cell.observer().arrived[0], cell.observer().jobs.len()),
            (1, 0)
        );
        assert!(cell.run_until(10_000_001));
        assert_eq!(cell.observer().jobs.len(), 1);
        // One that is behind does nothing.
        assert!(cell.run_until(5_000_000));
        assert_eq!(cell.next_event(), Some(20_000_000));
        assert!(!cell.run_until(FOREVER));
        assert_eq!(cell.next_event(), None);
        assert_eq!(cell.finish(), simulate(&scenario));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: from_environment("CUTS_CASES", 200) as u32,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(from_environment("CUTS_SEED", 20_261_203)),
        ..ProptestConfig::default()
    })]

    /// At random times, and at ends of timeline bins.
    #[test]
    fn a_run_can_be_cut_anywhere(
        scenario in a_scenario(),
        cuts in prop::collection::vec(prop_oneof![
            3 => 0u64..150_000_000,
            1 => (0u64..20).prop_map(|bin| bin * 10_000_000),
        ], 1..30),
    ) {
        let whole = simulate(&scenario);
        for speed in SPEEDS {
            prop_assert_eq!(&whole, &cut(&scenario, speed, &cuts));
        }
    }

    /// Before and behind everything that happens in a short run.
    #[test]
    fn a_run_can_be_cut_at_every_event(scenario in a_scenario()) {
        let mut scenario = scenario;
        scenario.run.window = 6_000_000;
        scenario.run.drain = 3_000_000;
        let whole = simulate(&scenario);
        let times = times_of_events(&scenario);
        let cuts: Vec<Nanos> = times.iter().flat_map(|&time| [time, time + 1]).collect();
        for speed in SPEEDS {
            prop_assert_eq!(&whole, &cut(&scenario, speed, &times));
            prop_assert_eq!(&whole, &cut(&scenario, speed, &cuts));
        }
    }
}
