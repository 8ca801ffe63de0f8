//! Busy tenants as simulated against the measured ones: MPS processes in a 7g instance, one process in
//! an instance.

use super::points::{BUSY, Point, run, summary};
use super::repository;
use assert_cmd::Command;
use std::collections::BTreeMap;
use std::fs;

const MEASURED: &str = "scenarios/calibrate/resnet50_processes.csv";

/// A row of the measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub profile: String,
    pub tenants: u32,
    pub batch: u32,
    /// Jobs (batches) a second of all tenants.
    pub rate: f64,
}

fn rows_of(path: &str, model: Option<&str>) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(repository(path)).expect("the measurements");
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    rows.map(|row| row.expect("a row"))
        .filter(|row| model.is_none_or(|model| row["model"] == model))
        .map(|row| {
            let number = |column: &str| row[column].parse::<u32>().expect("a count");
            let column = if model.is_some() {
                "value"
            } else {
                "throughput_per_s"
            };
            let each: f64 = row[column].parse().expect("a rate");
            let (tenants, batch) = (number("tenants"), number("batch"));
            Row {
                profile: row["mig_profile"].clone(),
                tenants,
                batch,
                rate: each * f64::from(tenants) / f64::from(batch),
            }
        })
        .collect()
}

pub fn measured() -> Vec<Row> {
    rows_of(MEASURED, None)
}

#[test]
fn the_measurements_are_those_of_the_set() {
    let set = rows_of("data/measurements/parvagpu_a100.csv", Some("resnet50"));
    assert_eq!(measured(), set);
    assert_eq!(set.len(), 161);
}

/// The workload that the command writes for a batch, from the rows with one process.
pub fn calibrated(batch: u32, more: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("w.toml");
    let output = Command::cargo_bin("warpshare")
        .expect("the binary is built")
        .current_dir(repository("."))
        .args([
            "calibrate",
            MEASURED,
            "--gpu=a100-sxm4-80gb",
            "--name=resnet50",
        ])
        .args((2..=5).map(|n| format!("--hold-out=tenants={n}")))
        .arg(format!("--batch={batch}"))
        .arg(format!("--out={}", file.display()))
        .args(more)
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{output:?}");
    fs::read_to_string(file).expect("written")
}

/// A model of neighbours under MPS.
pub struct Variant {
    pub name: &'static str,
    /// Options of the calibration.
    fix: &'static [&'static str],
    interference: f64,
}

pub const VARIANTS: [Variant; 3] = [
    Variant {
        name: "memory_bound 0, interference 0.1",
        fix: &["--fix=memory_bound=0"],
        interference: 0.1,
    },
    Variant {
        name: "memory_bound 0, interference 0",
        fix: &["--fix=memory_bound=0"],
        interference: 0.0,
    },
    Variant {
        name: "memory_bound 0.34, interference 0.1",
        fix: &[],
        interference: 0.1,
    },
];

const BATCHES: [u32; 5] = [4, 8, 16, 32, 64];

/// Several processes under MPS in a 7g instance, as simulated.
fn simulate(variant: &Variant, batch: u32, tenants: u32) -> Point {
    let workload: String = calibrated(batch, variant.fix)
        .lines()
        .map(|line| match line.starts_with("arrivals") {
            true => format!("arrivals = {BUSY}\n"),
            false => format!("{line}\n"),
        })
        .collect();
    let text = format!(
        "[run]\nduration = \"10s\"\nwarmup = \"1s\"\nreplications = 2\nbaselines = false\n[gpus.a]\n\
         board = \"a100-sxm4-80gb\"\n[gpus.a.instances.i]\nprofile = \"7g.80gb\"\n\
         share = {{ mode = \"spatial\", interference = {} }}\n[guests.tenant]\non = \"a.i\"\n\
         context = true\ncount = {tenants}\nworkload = \"resnet50\"\n{workload}",
        variant.interference
    );
    let set = format!("batch {batch}, in a 7g instance");
    summary(&run(&text), &set, variant.name, tenants, true)
}

pub fn simulate_all() -> Vec<Point> {
    let mut all = Vec::new();
    for variant in &VARIANTS {
        for batch in BATCHES {
            all.extend((2..=5).map(|tenants| simulate(variant, batch, tenants)));
        }
    }
    all
}

/// A few of these.
pub fn some() -> Vec<Point> {
    let [first, _, third] = &VARIANTS;
    vec![simulate(first, 4, 5), simulate(third, 16, 3)]
}

/// Measured rate of several processes in a 7g instance.
fn in_7g(rows: &[Row], batch: u32, tenants: u32) -> Option<f64> {
    let mut rows = rows.iter();
    rows.find(|r| r.profile == "7g.80gb" && r.batch == batch && r.tenants == tenants)
        .map(|row| row.rate)
}

/// Simulated over measured rate, less 1, of every row that was measured.
pub fn errors(all: &[Point], variant: &Variant) -> Vec<f64> {
    let rows = measured();
    let mut errors = Vec::new();
    for batch in BATCHES {
        let set = format!("batch {batch}, in a 7g instance");
        for point in all.iter().filter(|p| p.set == set && p.way == variant.name) {
            let measured = in_7g(&rows, batch, point.tenants);
            errors.extend(measured.map(|rate| point.value / rate - 1.0));
        }
    }
    errors
}

/// Measured rates at batch 4: (tenants, under MPS in 7g) and (tenants, one process in each instance).
pub fn measured_at_batch_4() -> [Vec<(u32, f64)>; 2] {
    let rows = measured();
    let mps = (1..=5)
        .filter_map(|n| Some((n, in_7g(&rows, 4, n)?)))
        .collect();
    let alone = |n: u32| {
        let profile = super::points::profile(n);
        let row = rows
            .iter()
            .find(|r| r.profile == profile && r.batch == 4 && r.tenants == 1);
        Some((n, row?.rate * f64::from(n)))
    };
    [mps, (1..=7).filter_map(alone).collect()]
}
