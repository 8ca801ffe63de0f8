//! One workload under time slicing, MPS and MIG from one tenant to seven: `docs/ways-to-share.md`.
//!
//! The page's numbers are in `docs/ways-to-share.csv`; its tables and figures follow from them. To
//! simulate all of them again and rewrite the page:
//!
//! ```text
//! cargo test --test validation ways_to_share -- --ignored rewrite
//! ```

mod check;
mod page;
mod points;

use points::{Load, Point, SETS, Set, WAYS, Way};
use std::fs;
use std::path::PathBuf;

const NUMBERS: &str = "docs/ways-to-share.csv";
const PAGE: &str = "docs/ways-to-share.md";

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).expect("a file of the repository")
}

fn committed() -> Vec<Point> {
    points::from_csv(&read(NUMBERS))
}

/// The committed number of a set, a way and a number of tenants.
fn of<'a>(all: &'a [Point], set: &Set, way: &Way, tenants: u32) -> &'a Point {
    all.iter()
        .find(|p| p.set == set.name && p.way == way.name && p.tenants == tenants)
        .expect("a number for each set, way and count")
}

#[test]
#[ignore = "simulates every point and rewrites docs/ways-to-share.md with its numbers and figures"]
fn rewrite() {
    let mut all: Vec<Point> = Vec::new();
    for set in &SETS {
        for way in &WAYS {
            all.extend((1..=7).map(|tenants| points::simulate(set, way, tenants)));
        }
    }
    all.extend(check::simulate_all());
    fs::write(repository(NUMBERS), points::to_csv(&all)).expect("written");
    fs::write(repository(PAGE), page::with_tables(&read(PAGE), &all)).expect("written");
    for (path, svg) in page::figures(&all) {
        fs::write(repository(path), svg).expect("written");
    }
}

const HELP: &str = "is out of date; rewrite it with\ncargo test --test validation ways_to_share -- --ignored rewrite";

#[test]
fn tables_and_figures_follow_from_the_numbers() {
    let all = committed();
    let page = read(PAGE);
    assert!(page == page::with_tables(&page, &all), "{PAGE} {HELP}");
    for (path, svg) in page::figures(&all) {
        assert!(read(path) == svg, "{path} {HELP}");
    }
}

/// All of them take half a minute; these are some of each set and way.
#[test]
fn numbers_come_out_of_the_simulator() {
    let all = committed();
    let mut compared = 0;
    for (n, set) in SETS.iter().enumerate() {
        for (k, way) in WAYS.iter().enumerate() {
            // Open loads take long: one way of each.
            if matches!(set.load, Load::Poisson(_)) && k != n % WAYS.len() {
                continue;
            }
            let tenants = 2 + (n + k) as u32 % 6;
            let now = points::simulate(set, way, tenants);
            assert_eq!(&now, of(&all, set, way, tenants), "{NUMBERS} {HELP}");
            compared += 1;
        }
    }
    assert_eq!(compared, 14);
    for now in check::some() {
        let held = all
            .iter()
            .find(|p| (&p.set, &p.way, p.tenants) == (&now.set, &now.way, now.tenants));
        assert_eq!(Some(&now), held, "{NUMBERS} {HELP}");
    }
}

#[test]
fn the_workload_is_what_calibrate_writes() {
    for batch in [4, 64] {
        let written = check::calibrated(batch, &["--fix=memory_bound=0"]);
        for line in points::work(batch, 88).lines() {
            assert!(written.contains(line), "{line} is not in\n{written}");
        }
    }
}

/// The sentences of the page, with their reasons, as comparisons.
#[test]
fn the_ranking_flips_where_the_page_says() {
    let all = committed();
    let [small, small_latency, large, large_latency, full] = &SETS;
    let [slices, mps, _, mig] = &WAYS;
    let at = |set: &Set, way: &Way, tenants: u32| of(&all, set, way, tenants).value;

    // Small bursts, busy tenants: no difference at first; then MIG is last, and at seven it is not.
    for tenants in 1..=2 {
        for way in [mps, mig] {
            let ratio = at(small, way, tenants) / at(small, slices, tenants);
            assert!((0.99..1.01).contains(&ratio), "{tenants}: {ratio}");
        }
    }
    for tenants in 3..=6 {
        assert!(at(small, mig, tenants) < 0.97 * at(small, slices, tenants));
        assert!(at(small, slices, tenants) < at(small, mps, tenants));
    }
    assert!(at(small, mig, 7) > 1.05 * at(small, slices, 7));

    // The same in latency: six tenants wait longest on MIG, seven under time slicing.
    assert!(at(small_latency, mig, 6) > 3.0 * at(small_latency, slices, 6));
    let (sliced, seventh) = (
        of(&all, small_latency, slices, 7),
        of(&all, small_latency, mig, 7),
    );
    assert!(sliced.overloaded && !seventh.overloaded && seventh.value < sliced.value);
    assert!(at(small_latency, mps, 7) < seventh.value);

    // Long bursts: MIG beats time slices where it leaves few slices empty.
    for tenants in [2, 3, 6, 7] {
        assert!(
            at(large, mig, tenants) > at(large, slices, tenants),
            "{tenants}"
        );
    }
    for tenants in [4, 5] {
        assert!(
            at(large, mig, tenants) < at(large, slices, tenants),
            "{tenants}"
        );
    }
    // At low load whoever gets the whole board is done soonest.
    for tenants in 4..=7 {
        assert!(at(large_latency, mig, tenants) > 4.0 * at(large_latency, slices, tenants));
    }

    // Work that fills the board: MPS is ahead by what the changes of tenant cost.
    for tenants in 2..=7 {
        let ratio = at(full, mps, tenants) / at(full, slices, tenants);
        assert!((1.06..1.10).contains(&ratio), "{tenants}: {ratio}");
    }
}
