//! Whole boards and parts of them: SM limits under MPS (HAS-GPU, MuxServe), neighbours (iGniter,
//! Tally), one slice of an audited board (MLPerf), and two boards under one roofline (GEMM).

use super::sets::{Line, Series, errors, lines, number, outcomes, series};
use super::tally;
use std::collections::{BTreeMap, BTreeSet};
use warpshare::calibrate::least_squares::minimise_positive;
use warpshare::calibrate::{Errors, Model, Options, Parameter, Point, Setting, Work, clock_curve};
use warpshare::catalog::Catalog;
use warpshare::gpu::law::{ClockCurve, REACH};

fn point(line: &Line) -> Point {
    Point {
        at: Setting {
            sms: number(line, "sm_pct") / 100.0,
            bandwidth: 1.0,
            tenants: 1,
            batch: line["batch"].parse().expect("a count"),
        },
        latency_ms: number(line, "value"),
    }
}

/// HAS-GPU: of each model and batch, the rows with 100 % and 5 % of the SMs calibrate.
pub fn has_gpu() -> Vec<Series> {
    let lines = lines("hasgpu_v100.csv");
    series(lines.iter().map(|line| {
        let name = format!("{} batch {}", line["model"], line["batch"]);
        let calibrates = ["100", "5"].contains(&line["sm_pct"].as_str());
        Some((name, calibrates, point(line)))
    }))
}

pub fn has_gpu_errors() -> Errors {
    let all = has_gpu()
        .iter()
        .map(|one| outcomes(one, &Options::default()))
        .collect::<Vec<_>>();
    errors(&all.concat())
}

#[test]
fn has_gpu_sm_shares() {
    assert_eq!(has_gpu().len(), 16);
    let all = has_gpu_errors();
    assert_eq!(all.n, 288);
    assert!(all.mean <= 0.07, "{all:?}");
}

/// MuxServe's `prefill` or `decode`: of each batch and length, the row with all SMs calibrates.
pub fn muxserve(phase: &str, model: &str) -> Vec<Series> {
    let lines = lines(&format!("muxserve_{phase}_a100.csv"));
    let of_model = lines.iter().filter(|line| line["model"] == model);
    let mut set = series(of_model.map(|line| {
        let name = format!("batch {} x {} tokens", line["batch"], line["seq_len"]);
        Some((name, line["sm_pct"] == "100", point(line)))
    }));
    set.retain(|one| !one.calibration.is_empty() && !one.held_back.is_empty());
    set
}

/// The SM clock by SM share, from all prefill rows of the 7B model.
pub fn muxserve_clock() -> ClockCurve {
    let series: Vec<Vec<(f64, f64)>> = muxserve("prefill", "llama-7b")
        .iter()
        .map(|one| {
            let rows = one.calibration.iter().chain(&one.held_back);
            rows.map(|p| (p.at.sms, p.latency_ms)).collect()
        })
        .collect();
    clock_curve(&series).expect("rows with all SMs")
}

pub fn muxserve_errors(clock: Option<ClockCurve>) -> Errors {
    let options = Options {
        clock,
        ..Options::default()
    };
    let all: Vec<_> = muxserve("prefill", "llama-13b")
        .iter()
        .map(|one| outcomes(one, &options))
        .collect();
    errors(&all.concat())
}

#[test]
fn muxserve_prefill_of_the_larger_model() {
    let with = muxserve_errors(Some(muxserve_clock()));
    assert_eq!(with.n, 278);
    assert!(with.mean <= 0.10, "{with:?}");
    let without = muxserve_errors(None);
    assert!(without.mean > 2.0 * with.mean, "{without:?}");
}

/// Decode steps, all memory-bound, with this reach.
pub fn decode_errors(model: &str, reach: f64) -> Errors {
    let options = Options {
        given: vec![(Parameter::MemoryBound, 1.0)],
        reach: Some(reach),
        ..Options::default()
    };
    let all: Vec<_> = muxserve("decode", model)
        .iter()
        .map(|one| outcomes(one, &options))
        .collect();
    errors(&all.concat())
}

/// The reach of decode steps, in steps of a fourth: the smallest mean error over the 7B rows.
pub fn decode_reach() -> f64 {
    let reaches = (4..=16).map(|quarters| f64::from(quarters) / 4.0);
    let mean = |reach: &f64| decode_errors("llama-7b", *reach).mean;
    let best = reaches.min_by(|a, b| mean(a).total_cmp(&mean(b)));
    best.expect("a reach")
}

#[test]
fn muxserve_decode_of_the_larger_model() {
    assert_eq!(decode_reach(), REACH);
    let with = decode_errors("llama-13b", REACH);
    assert_eq!(with.n, 294);
    assert!(with.mean <= 0.10, "{with:?}");
    let without = decode_errors("llama-13b", 1000.0);
    assert!(without.mean > 1.5 * with.mean, "{without:?}");
}

/// The three pairs of iGniter's models.
pub const PAIRS: [[&str; 2]; 3] = [
    ["alexnet", "resnet50"],
    ["alexnet", "vgg19"],
    ["resnet50", "vgg19"],
];

/// Slowdown of a tenant next to its neighbour: latency over that alone with the same SM share.
pub fn slowdowns(pair: [&str; 2]) -> Vec<f64> {
    let lines = lines("igniter_pairs_v100.csv");
    let of_pair = lines.iter().filter(|line| {
        let other = line["co_tenants"].split(' ').next().expect("a model");
        let both = [line["model"].as_str(), other];
        both == pair || [both[1], both[0]] == pair
    });
    of_pair
        .map(|line| number(line, "value") / number(line, "isolated_value"))
        .collect()
}

/// The common factor from one pair, and its errors on the other two.
pub fn igniter(calibration: [&str; 2]) -> (f64, Errors) {
    let known = slowdowns(calibration);
    let measured = vec![1.0; known.len()];
    let predict = |p: &[f64], out: &mut Vec<f64>| out.extend(known.iter().map(|s| p[0] / s));
    let found = minimise_positive(&predict, &measured, &[vec![1.0]]).expect("a factor");
    let factor = found.x[0];
    let others = PAIRS.into_iter().filter(|&pair| pair != calibration);
    let rest = others.flat_map(slowdowns).map(|s| (factor, s));
    (factor, Errors::of(rest).expect("some rows"))
}

#[test]
fn igniter_pairs() {
    for pair in PAIRS {
        assert_eq!(slowdowns(pair).len(), 250);
        let (factor, others) = igniter(pair);
        assert!((1.05..1.15).contains(&factor), "{factor}");
        assert_eq!(others.n, 500);
        assert!(others.mean <= 0.05, "{pair:?}: {others:?}");
    }
}

/// MLPerf: audited results, each once (some results are filed under two accuracy targets).
struct Audited {
    model: String,
    round: String,
    co_tenants: String,
    rate: f64,
    reference: f64,
    basis: String,
}

fn mlperf() -> Vec<Audited> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for line in lines("mlperf_a100.csv") {
        let model = line["model"].trim_end_matches(".9").to_owned();
        let key = (model.clone(), line["notes"].clone(), line["value"].clone());
        let sharing = (line["co_tenants"].clone(), line["isolated_basis"].clone());
        if seen.insert((key, sharing)) {
            all.push(Audited {
                model,
                round: line["notes"].clone(),
                co_tenants: line["co_tenants"].clone(),
                rate: number(&line, "value"),
                reference: number(&line, "isolated_value"),
                basis: line["isolated_basis"].clone(),
            });
        }
    }
    all
}

/// A100: 14 of 108 SMs and one eighth of the memory.
pub const ONE_SLICE: Setting = Setting {
    sms: 14.0 / 108.0,
    bandwidth: 0.125,
    tenants: 1,
    batch: 1,
};

/// One slice alone against the whole board: (model, round, predicted over measured rate).
pub fn mlperf_scaling(memory_bound: f64) -> Vec<(String, f64, f64)> {
    let rows = mlperf()
        .into_iter()
        .filter(|row| row.basis.starts_with("whole GPU"));
    rows.map(|row| {
        let work = Work::Each(vec![(1, 1e3 / row.reference)]);
        let model = Model {
            memory_bound,
            ..Model::gpu_only(work)
        };
        let predicted = 1e3 / model.latency_ms(&ONE_SLICE).expect("the batch");
        (format!("{} {}", row.model, row.round), predicted, row.rate)
    })
    .collect()
}

/// With all other slices busy with other models (`true`), or with the same model on all slices of
/// eight boards under a server: predicted as alone.
pub fn mlperf_isolation(one_board: bool) -> Errors {
    let rows = mlperf().into_iter().filter(|row| {
        !row.co_tenants.is_empty() && row.co_tenants.starts_with("other 1g") == one_board
    });
    Errors::of(rows.map(|row| (row.reference, row.rate))).expect("some rows")
}

#[test]
fn mlperf_slice() {
    for memory_bound in [0.0, 1.0 / 3.0] {
        let rows = mlperf_scaling(memory_bound);
        let all = Errors::of(rows.iter().map(|(_, p, m)| (*p, *m))).expect("some rows");
        assert_eq!(all.n, 23);
        assert!(all.mean <= 0.10, "{all:?}");
    }
    let busy = mlperf_isolation(true);
    assert!(busy.n >= 15 && busy.mean <= 0.03, "{busy:?}");
    // Eight boards under one server are more than a slice: 3 % is not met, and not claimed.
    let node = mlperf_isolation(false);
    assert!(node.n >= 10 && node.mean <= 0.06, "{node:?}");
}

/// A matrix product: operations, least bytes moved, measured milliseconds.
fn products(gpu: &str) -> Vec<[f64; 3]> {
    let lines = lines("gemm_a100_a40.csv");
    let of_gpu = lines.iter().filter(|line| line["gpu"] == gpu);
    of_gpu
        .map(|line| {
            let noted: BTreeMap<&str, f64> = line["notes"]
                .split([' ', ';'])
                .filter_map(|part| part.split_once('='))
                .map(|(name, value)| (name, value.parse().expect("a number")))
                .collect();
            [noted["flops"], noted["bytes_min"], number(line, "value")]
        })
        .collect()
}

/// Peak operations and bytes in a millisecond, from the catalogue.
fn peaks(id: &str) -> [f64; 2] {
    let catalog = Catalog::builtin().expect("the catalogue");
    let gpu = catalog.gpu(id).expect("the board");
    let tflops = gpu.fp16_tensor_tflops_dense.expect("a peak");
    let bandwidth = gpu.memory_bandwidth_gb_s.expect("a bandwidth");
    [tflops * 1e9, bandwidth * 1e6]
}

fn roofline(p: &[f64], peaks: [f64; 2], [flops, bytes, _]: [f64; 3]) -> f64 {
    let compute = flops / (p[0] * peaks[0]);
    let memory = bytes / (p[1] * peaks[1]);
    compute.max(memory) + p[2]
}

/// Efficiencies of arithmetic and of memory, and the launch in ms, from the A100's rows; errors on
/// these, and on the A40's.
pub fn gemm() -> ([f64; 3], Errors, Errors, Errors) {
    let (a100, a40) = (products("A100-SXM4-80GB"), products("A40"));
    let (a100_peaks, a40_peaks) = (peaks("a100-sxm4-80gb"), peaks("a40"));
    let measured: Vec<f64> = a100.iter().map(|row| row[2]).collect();
    let predict = |p: &[f64], out: &mut Vec<f64>| {
        out.extend(a100.iter().map(|&row| roofline(p, a100_peaks, row)));
    };
    let starts = [
        vec![0.6, 0.6, 0.002],
        vec![0.8, 0.9, 0.01],
        vec![0.9, 0.7, 0.005],
    ];
    let found = minimise_positive(&predict, &measured, &starts).expect("efficiencies");
    let of = |p: &[f64], rows: &[[f64; 3]], peaks| {
        let pairs = rows.iter().map(|&row| (roofline(p, peaks, row), row[2]));
        Errors::of(pairs).expect("some rows")
    };
    let x = [found.x[0], found.x[1], found.x[2]];
    let plain = of(&[1.0, 1.0, 1e-9], &a40, a40_peaks);
    (x, of(&x, &a100, a100_peaks), of(&x, &a40, a40_peaks), plain)
}

#[test]
fn gemm_roofline() {
    let (x, a100, a40, plain) = gemm();
    assert!(
        (0.6..0.8).contains(&x[0]) && (0.7..0.9).contains(&x[1]),
        "{x:?}"
    );
    assert_eq!((a100.n, a40.n), (104, 104));
    assert!(a100.median <= 0.05, "{a100:?}");
    assert!(a40.median <= 0.07, "{a40:?}");
    assert!(plain.median > 2.0 * a40.median, "{plain:?}");
}

/// Beside each of Tally's neighbours: its GPU-util alone, and BERT's mean latency under MPS.
pub fn tally_mps() -> Vec<(&'static str, f64, f64)> {
    let lines = lines("tally_mps_a100.csv");
    let rows = tally::rows().into_iter().zip(tally::NEIGHBOURS);
    rows.map(|(row, (benchmark, _))| {
        let line = lines
            .iter()
            .find(|l| l["metric"] == "latency_mean" && l["co_tenants"] == benchmark)
            .expect("the row");
        (row.name, row.utilisation, number(line, "value"))
    })
    .collect()
}

/// Pairs of neighbours, and how many of them GPU-util puts in the measured order.
pub fn tally_order() -> (usize, usize) {
    let rows = tally_mps();
    let (mut pairs, mut right) = (0, 0);
    for (n, a) in rows.iter().enumerate() {
        for b in &rows[n + 1..] {
            pairs += 1;
            right += usize::from((a.1 > b.1) == (a.2 > b.2));
        }
    }
    (right, pairs)
}

/// Not met: the rows alone do not order the neighbours. What is checked is that the page says so.
#[test]
fn the_order_of_neighbours_under_mps_is_not_predicted() {
    let (right, pairs) = tally_order();
    assert_eq!(pairs, 15);
    assert!(
        right < 12,
        "GPU-util orders {right} of {pairs} pairs: the page is too modest"
    );
}
