//! The tables of `docs/measurements.md` about the laws of rates.

use super::llm::steps;
use super::parts::{
    PAIRS, decode_errors, decode_reach, gemm, has_gpu, has_gpu_errors, igniter, mlperf_isolation,
    mlperf_scaling, muxserve, muxserve_clock, muxserve_errors, slowdowns, tally_mps, tally_order,
};
use super::sets::{Series, baseline, chosen, errors, with_share};
use super::slices::{one_process, saturated, sets, several_processes};
use std::fmt::Write;
use warpshare::calibrate::{Baseline, Errors, Options};

fn figures(errors: Errors) -> String {
    let Errors {
        mean,
        median,
        largest,
        ..
    } = errors;
    let [mean, median, largest] = [mean, median, largest].map(|e| 100.0 * e);
    format!("{mean:.1} · {median:.1} · {largest:.0}")
}

struct Table(String);

impl Table {
    fn new(head: &str, rule: &str) -> Table {
        Table(format!("{head}\n{rule}\n"))
    }

    fn row(&mut self, cells: &[&str]) {
        writeln!(self.0, "| {} |", cells.join(" | ")).expect("writing to a string");
    }
}

/// Every set: errors of the law and of the models in one line, and what was asked for.
pub fn sets_table() -> String {
    let mut table = Table::new(
        "| Set and rows | n | law | no change | SM ratio | asked for | |",
        "|---|---:|---:|---:|---:|---|---|",
    );
    let mut add = |name: &str, law: Errors, lines: [Option<Errors>; 2], asked: &str, met: bool| {
        let [none, ratio] = lines.map(|e| e.map_or_else(String::new, figures));
        let verdict = match (asked, met) {
            ("", _) => "",
            (_, true) => "met",
            (_, false) => "**not met**",
        };
        let n = law.n.to_string();
        table.row(&[name, &n, &figures(law), &none, &ratio, asked, verdict]);
    };
    let lines = |set: &[Series], row| {
        [Baseline::NoChange, Baseline::SmRatio].map(|line| Some(baseline(set, line, row)))
    };

    let [migperf, miso, parvagpu] = sets();
    let any = lines(&migperf.set, |_| true);
    let elsewhere = with_share(&migperf.set, miso.law.best);
    for (law, shared) in [
        (&elsewhere, "memory share of MISO"),
        (&migperf.law.others, "memory share of the others"),
        (&migperf.law.zero, "memory share 0"),
    ] {
        let full = errors(&chosen(law, saturated));
        let text = format!("MIGPerf, saturated, {shared}");
        add(&text, full, [None, None], "median 5 %", full.median <= 0.05);
        let all = errors(&chosen(law, |_| true));
        let text = format!("MIGPerf, all, {shared}");
        add(&text, all, any, "mean 10 %", all.mean <= 0.10);
    }
    let any = lines(&miso.set, |_| true);
    let elsewhere = with_share(&miso.set, migperf.law.best);
    for (law, shared) in [
        (&elsewhere, "memory share of MIGPerf"),
        (&miso.law.others, "memory share of the others"),
        (&miso.law.zero, "memory share 0"),
    ] {
        let all = errors(&chosen(law, |_| true));
        let met = all.median <= 0.05 && all.mean <= 0.07;
        add(
            &format!("MISO, {shared}"),
            all,
            any,
            "median 5 %, mean 7 %",
            met,
        );
    }
    let one = errors(&chosen(&parvagpu.law.others, one_process));
    let any = lines(&parvagpu.set, |p| p.at.tenants == 1);
    add(
        "ParvaGPU, one process",
        one,
        any,
        "mean 8 %",
        one.mean <= 0.08,
    );
    let several = errors(&chosen(&parvagpu.law.others, several_processes));
    let row = |p: &warpshare::calibrate::Point| p.at.tenants > 1;
    let any = [Baseline::NoChange, Baseline::EqualParts];
    let any = any.map(|line| Some(baseline(&parvagpu.set, line, row)));
    let name = "ParvaGPU, 2 to 5 processes (for SM ratio: SM ratio and 1/n)";
    add(name, several, any, "median 15 %", several.median <= 0.15);

    let of = |rows: &[(String, f64, f64)]| {
        Errors::of(rows.iter().map(|(_, p, m)| (*p, *m))).expect("some rows")
    };
    let rows = mlperf_scaling(0.0);
    let scaling = of(&rows);
    // One of seven slices: 7 where the board has 108 SMs and the slice 14.
    let seven: Vec<_> = rows
        .iter()
        .map(|(name, p, m)| (name.clone(), p * (108.0 / 14.0) / 7.0, *m))
        .collect();
    let lines_of = [None, Some(of(&seven))];
    let name = "MLPerf, one slice of a whole A100 (for SM ratio: 1 of 7 slices)";
    add(name, scaling, lines_of, "mean 10 %", scaling.mean <= 0.10);
    let busy = mlperf_isolation(true);
    add(
        "MLPerf, other slices busy",
        busy,
        [Some(busy), None],
        "mean 3 %",
        busy.mean <= 0.03,
    );
    let node = mlperf_isolation(false);
    add(
        "MLPerf, all slices of 8 boards",
        node,
        [Some(node), None],
        "mean 3 %",
        node.mean <= 0.03,
    );

    let all = has_gpu_errors();
    add(
        "HAS-GPU",
        all,
        lines(&has_gpu(), |_| true),
        "mean 7 %",
        all.mean <= 0.07,
    );
    for pair in PAIRS {
        let (_, others) = igniter(pair);
        let rest = PAIRS.into_iter().filter(|&p| p != pair).flat_map(slowdowns);
        let none = Errors::of(rest.map(|s| (1.0, s)));
        let name = format!("iGniter, factor from {} and {}", pair[0], pair[1]);
        add(&name, others, [none, None], "mean 5 %", others.mean <= 0.05);
    }
    let any = lines(&muxserve("prefill", "llama-13b"), |_| true);
    let all = muxserve_errors(Some(muxserve_clock()));
    add(
        "MuxServe prefill, 13B",
        all,
        any,
        "mean 10 %",
        all.mean <= 0.10,
    );
    let any = lines(&muxserve("decode", "llama-13b"), |_| true);
    let all = decode_errors("llama-13b", decode_reach());
    add(
        "MuxServe decode, 13B",
        all,
        any,
        "mean 10 %",
        all.mean <= 0.10,
    );
    for phase in ["prefill", "decode"] {
        let all = Errors::of(steps(phase)).expect("rows");
        let name = format!("MuxServe, whole steps of {phase}, nothing fitted");
        add(&name, all, [None, None], "median 20 %", all.median <= 0.20);
    }
    let (_, a100, a40, plain) = gemm();
    add(
        "GEMM, A100 (calibration rows)",
        a100,
        [None, None],
        "median 5 %",
        a100.median <= 0.05,
    );
    let name = "GEMM, A40 (for no change: the data sheet's peaks)";
    add(
        name,
        a40,
        [Some(plain), None],
        "median 7 %",
        a40.median <= 0.07,
    );
    table.0
}

/// What was fitted, where one number serves a set.
pub fn fitted_table() -> String {
    let mut table = Table::new("| Set | Number | Value |", "|---|---|---|");
    let [migperf, miso, parvagpu] = sets();
    for (name, slices) in [("MIGPerf", migperf), ("MISO", miso), ("ParvaGPU", parvagpu)] {
        let taken = || slices.law.taken.iter().copied();
        let least = taken().min_by(f64::total_cmp).expect("a share");
        let most = taken().max_by(f64::total_cmp).expect("a share");
        let value = match least == most {
            true => format!("{least:.2}"),
            false => format!("{least:.2} to {most:.2}"),
        };
        table.row(&[
            name,
            "memory-bound share that the other workloads give",
            &value,
        ]);
    }
    for pair in PAIRS {
        let what = format!(
            "slowdown beside a neighbour, from {} and {}",
            pair[0], pair[1]
        );
        table.row(&["iGniter", &what, &format!("{:.3}", igniter(pair).0)]);
    }
    let clock = muxserve_clock();
    let points = clock.points().iter();
    let points: Vec<String> = points
        .map(|(share, clock)| format!("{:.0} %: {clock:.3}", 100.0 * share))
        .collect();
    table.row(&[
        "MuxServe",
        "relative SM clock by SM share",
        &points.join(", "),
    ]);
    let value = format!("{}", decode_reach());
    table.row(&["MuxServe", "reach, from decode steps of 7B", &value]);
    let (x, ..) = gemm();
    for (what, value) in [
        ("part of the peak arithmetic", format!("{:.3}", x[0])),
        ("part of the peak bandwidth", format!("{:.3}", x[1])),
        ("launch", format!("{:.1} µs", 1e3 * x[2])),
    ] {
        table.row(&["GEMM", what, &value]);
    }
    // Two rows a series leave no degree of freedom; how many of them the floor explains.
    let floors = has_gpu()
        .iter()
        .filter(|one| one.fit(&Options::default()).model.beside_ms > 0.0)
        .count();
    let value = format!("{floors} of {}", has_gpu().len());
    table.row(&["HAS-GPU", "series with a floor", &value]);
    table.0
}

/// MLPerf, result by result.
pub fn scaling_table() -> String {
    let mut table = Table::new(
        "| Result | whole board over one slice, measured | predicted | error of the rate |",
        "|---|---:|---:|---:|",
    );
    for (name, predicted, measured) in mlperf_scaling(0.0) {
        let ratio = 108.0 / 14.0 * predicted / measured;
        let error = format!("{:+.1} %", 100.0 * (predicted / measured - 1.0));
        table.row(&[
            &name,
            &format!("{ratio:.2}"),
            &format!("{:.2}", 108.0 / 14.0),
            &error,
        ]);
    }
    table.0
}

/// Tally's neighbours under MPS, in the measured order.
pub fn mps_table() -> String {
    let mut table = Table::new(
        "| Neighbour | GPU-util alone | BERT mean under MPS |",
        "|---|---:|---:|",
    );
    let mut rows = tally_mps();
    rows.sort_by(|a, b| b.2.total_cmp(&a.2));
    for (name, utilisation, mean) in rows {
        let utilisation = format!("{:.1} %", 100.0 * utilisation);
        table.row(&[name, &utilisation, &format!("{mean:.2} ms")]);
    }
    let (right, pairs) = tally_order();
    writeln!(
        table.0,
        "\nGPU-util puts {right} of the {pairs} pairs in the measured order; chance, half."
    )
    .expect("writing to a string");
    table.0
}
