//! Workloads on MIG slices of an A100: MIGPerf, MISO, ParvaGPU.

use super::sets::{
    LeaveOneOut, Line, Outcome, Series, chosen, errors, leave_one_out, lines, number, parts,
    series, with_share,
};
use std::sync::OnceLock;
use warpshare::calibrate::{Point, Setting};

fn point(line: &Line, latency_ms: f64) -> Point {
    let (sms, bandwidth) = parts(&line["mig_profile"]);
    Point {
        at: Setting {
            sms,
            bandwidth,
            tenants: line["tenants"].parse().expect("a count"),
            batch: line["batch"].parse().expect("a count"),
        },
        latency_ms,
    }
}

/// MIGPerf: series with at least three batches on 7g; these rows calibrate.
pub fn migperf() -> Vec<Series> {
    let lines = lines("migperf_a100.csv");
    let points = lines.iter().map(|line| {
        let name = ["gpu", "model", "task", "seq_len"].map(|column| line[column].as_str());
        let point = point(line, number(line, "value"));
        Some((name.join(" "), point.at.sms == 1.0, point))
    });
    let mut set = series(points);
    set.retain(|one| one.calibration.len() >= 3 && !one.held_back.is_empty());
    set
}

/// MISO: 7g and 2g rows of each model calibrate.
pub fn miso() -> Vec<Series> {
    let lines = lines("miso_a100.csv");
    let points = lines.iter().map(|line| {
        let point = point(line, number(line, "value"));
        let calibrates = line["mig_profile"].starts_with(['7', '2']);
        Some((line["model"].clone(), calibrates, point))
    });
    series(points)
}

/// ParvaGPU: 7g rows of each model, one to five processes, calibrate.
pub fn parvagpu() -> Vec<Series> {
    let lines = lines("parvagpu_a100.csv");
    let points = lines.iter().map(|line| {
        let latency_ms = number(line, "batch") / number(line, "value") * 1e3;
        let point = point(line, latency_ms);
        Some((line["model"].clone(), point.at.sms == 1.0, point))
    });
    series(points)
}

pub fn saturated(row: &Outcome) -> bool {
    row.gpu_over_host >= 2.0
}

pub fn one_process(row: &Outcome) -> bool {
    row.point.at.tenants == 1
}

pub fn several_processes(row: &Outcome) -> bool {
    row.point.at.tenants > 1
}

/// The three sets, each with its law.
pub struct Slices {
    pub set: Vec<Series>,
    pub law: LeaveOneOut,
}

impl Slices {
    fn of(set: Vec<Series>) -> Slices {
        let law = leave_one_out(&set);
        Slices { set, law }
    }
}

pub fn sets() -> &'static [Slices; 3] {
    static SETS: OnceLock<[Slices; 3]> = OnceLock::new();
    SETS.get_or_init(|| [migperf(), miso(), parvagpu()].map(Slices::of))
}

#[test]
fn migperf_slices() {
    let [migperf, miso, _] = sets();
    assert_eq!(migperf.set.len(), 12);
    // No row of a slice of this set is used: 7g rows, and one number of another laboratory.
    let apart = with_share(&migperf.set, miso.law.best);
    let full = errors(&chosen(&apart, saturated));
    assert!(full.n > 150 && full.median <= 0.05, "{full:?}");
    assert!(errors(&chosen(&apart, |_| true)).mean <= 0.10);
    let all = errors(&chosen(&migperf.law.others, |_| true));
    assert_eq!(all.n, 288);
    let full = errors(&chosen(&migperf.law.others, saturated));
    assert!(full.n > 150 && full.median <= 0.05, "{full:?}");
    assert!(all.mean <= 0.10, "{all:?}");
    // The target of 5 % is not met by the 7g rows alone, which cannot show the memory-bound share:
    // without one, the median of the saturated rows is this.
    let bare = errors(&chosen(&migperf.law.zero, saturated));
    assert!((0.05..0.065).contains(&bare.median), "{bare:?}");
    assert!(errors(&chosen(&migperf.law.zero, |_| true)).mean <= 0.10);
}

#[test]
fn miso_slices() {
    let [migperf, miso, _] = sets();
    assert_eq!(miso.set.len(), 7);
    let apart = with_share(&miso.set, migperf.law.best);
    for law in [&miso.law.zero, &miso.law.others, &apart] {
        let all = errors(&chosen(law, |_| true));
        assert_eq!(all.n, 74);
        assert!(all.median <= 0.05 && all.mean <= 0.07, "{all:?}");
    }
}

#[test]
fn parvagpu_processes() {
    let [_, _, parvagpu] = sets();
    assert_eq!(parvagpu.set.len(), 7);
    for law in [&parvagpu.law.zero, &parvagpu.law.others] {
        let one = errors(&chosen(law, one_process));
        assert!(one.n == 199 && one.mean <= 0.08, "{one:?}");
        let several = errors(&chosen(law, several_processes));
        assert!(several.n == 603 && several.median <= 0.15, "{several:?}");
    }
}
