//! GPU work that is given by its operations and bytes: the time of measured matrix products, and what
//! happens to it on parts of a board.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use warpshare::experiment::{self, Options, Silent};
use warpshare::result::RunResult;
use warpshare::scenario::{Overrides, parse};

fn run(text: &str) -> RunResult {
    let loaded = parse("roofline", text, Path::new("."), &Overrides::default());
    let loaded = loaded.unwrap_or_else(|errors| {
        let errors: String = errors.iter().map(|error| error.render()).collect();
        panic!("{errors}\nin\n{text}")
    });
    let result = experiment::run(&loaded.scenario, &Options::default(), &Silent);
    result.expect("it runs")
}

/// Mean response in nanoseconds of jobs that come one after the other.
fn alone_ns(gpu: &str, guest: &str, work: &str) -> f64 {
    let result = run(&format!(
        "[run]\nduration = \"200ms\"\nreplications = 1\nbaselines = false\n[gpus.a]\n{gpu}\n\
         [guests.g]\ncontext = true\nworkload = \"w\"\n{guest}\n[workloads.w]\n\
         arrivals = {{ process = \"closed\" }}\nstages.s.gpu = {{ {work} }}\n"
    ));
    let mean = result.guests[0].response.mean_ns.value;
    mean.expect("jobs have ended")
}

fn close(a: f64, b: f64) {
    // Times are whole nanoseconds.
    assert!((a - b).abs() <= 1.0 + b * 1e-9, "{a} is not {b}");
}

/// Operations, bytes and measured milliseconds of the products that the repository has.
fn products(gpu: &str) -> Vec<[f64; 3]> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/measurements/gemm_a100_a40.csv");
    let mut reader = csv::Reader::from_path(path).expect("the measurements");
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    let rows = rows.map(|row| row.expect("a row"));
    rows.filter(|row| row["gpu"] == gpu)
        .map(|row| {
            let noted: BTreeMap<&str, f64> = row["notes"]
                .split([' ', ';'])
                .filter_map(|part| part.split_once('='))
                .map(|(name, value)| (name, value.parse().expect("a number")))
                .collect();
            let ms = row["value"].parse().expect("a time");
            [noted["flops"], noted["bytes_min"], ms]
        })
        .collect()
}

/// The roofline of `docs/measurements.md` (GEMM), without its launch.
#[test]
fn matrix_products_take_the_roofline_of_the_page() {
    for (set, board, tflops, gb_s, bound) in [
        ("A100-SXM4-80GB", "a100-sxm4-80gb", 312.0, 2039.0, 0.08),
        ("A40", "a40", 149.7, 696.0, 0.08),
    ] {
        let mut errors = Vec::new();
        let mut by_arithmetic = 0;
        for [flops, bytes, ms] in products(set).into_iter().step_by(7) {
            let work = format!(
                "flops = \"{}MFLOP\", bytes = \"{bytes}B\", precision = \"fp16-tensor\"",
                flops / 1e6
            );
            let simulated = alone_ns(&format!("board = \"{board}\""), "", &work);
            let arithmetic = flops / (0.706 * tflops * 1e3);
            let traffic = bytes / (0.779 * gb_s);
            close(simulated, arithmetic.max(traffic));
            by_arithmetic += usize::from(arithmetic > traffic);
            errors.push(((simulated + 4_900.0) / (ms * 1e6) - 1.0).abs());
        }
        assert_eq!(errors.len(), 15);
        assert!((2..=13).contains(&by_arithmetic), "{by_arithmetic}");
        errors.sort_by(f64::total_cmp);
        assert!(errors[7] < bound, "median {}", errors[7]);
    }
}

const BOARD: &str = "board = \"a100-sxm4-80gb\"";

/// 10 ms of arithmetic at all of 19.5 TFLOPS, and this part of it of traffic at all of 2039 GB/s.
fn work(traffic: f64) -> String {
    format!(
        "flops = \"195GFLOP\", bytes = \"{}MB\", precision = \"fp32\", flop_efficiency = 1.0, \
         byte_efficiency = 1.0",
        20_390.0 * traffic
    )
}

#[test]
fn the_longer_of_arithmetic_and_traffic_is_the_time() {
    close(alone_ns(BOARD, "", &work(0.5)), 10e6);
    close(alone_ns(BOARD, "", &work(3.0)), 30e6);
    // Half of each peak achieved.
    let half = work(0.5).replace("1.0", "0.5");
    close(alone_ns(BOARD, "", &half), 20e6);
    // Work that fills 54 of 108 SMs has half of the peak, and all of the bandwidth.
    let narrow = |traffic| format!("{}, sms = 54", work(traffic));
    close(alone_ns(BOARD, "", &narrow(0.5)), 20e6);
    close(alone_ns(BOARD, "", &narrow(3.0)), 30e6);
    // The file's peaks stand before the catalogue's.
    let twice = format!("{BOARD}\nfp32_tflops = 39.0\nmemory_bandwidth = \"4078GB/s\"");
    close(alone_ns(&twice, "", &work(0.5)), 5e6);
}

#[test]
fn each_roof_shrinks_with_its_part_of_the_board() {
    // 3g: 42 of 108 SMs and half of the memory.
    let board = format!("{BOARD}\ninstances.i = {{ profile = \"3g\" }}");
    let on = |traffic| alone_ns(&board, "on = \"a.i\"", &work(traffic));
    let sms = 108.0 / 42.0;
    close(on(0.5), 10e6 * sms);
    close(on(1.0), 10e6 * sms);
    close(on(3.0), 60e6);
    // In between both count: 13 ms of traffic become 26, 10 ms of arithmetic 25.7.
    close(on(1.3), 26e6);
    // Under MPS a cap takes SMs and no bandwidth.
    let shared = format!("{BOARD}\nshare = {{ mode = \"spatial\" }}");
    let capped = |traffic| alone_ns(&shared, "active_thread_percentage = 50", &work(traffic));
    close(capped(0.5), 20e6);
    close(capped(3.0), 30e6);
}

#[test]
fn neighbours_share_each_roof_by_what_they_need() {
    let pair = |first: &str, second: &str| {
        let result = run(&format!(
            "[run]\nduration = \"10s\"\nreplications = 1\nbaselines = false\n[gpus.a]\n{BOARD}\n\
             share = {{ mode = \"spatial\", interference = 0 }}\n\
             [guests.a]\ncontext = true\nworkload = \"a\"\n\
             [guests.b]\ncontext = true\nworkload = \"b\"\n\
             [workloads.a]\narrivals = {{ process = \"closed\" }}\nstages.s.gpu = {{ {first} }}\n\
             [workloads.b]\narrivals = {{ process = \"closed\" }}\nstages.s.gpu = {{ {second} }}\n"
        ));
        let mean = |group: usize| result.guests[group].response.mean_ns.value;
        (mean(0).expect("jobs"), mean(1).expect("jobs"))
    };
    // Two that traffic alone limits halve the bandwidth.
    let (a, b) = pair(&work(10.0), &work(10.0));
    close(a, 200e6);
    close(b, 200e6);
    // Two that arithmetic limits halve the SMs.
    let (a, b) = pair(&work(0.1), &work(0.1));
    close(a, 20e6);
    close(b, 20e6);
    // Both fill all SMs and take turns on them: the first holds them while it waits for its traffic.
    let (a, b) = pair(&work(10.0), &work(0.1));
    close(a, 200e6);
    close(b, 20e6);
    // With half of the SMs each, arithmetic of the second takes twice as long and it draws a twentieth of
    // the bandwidth; the first has the rest.
    let half = |ratio: f64| format!("{}, sms = 54", work(ratio));
    let (a, b) = pair(&half(10.0), &half(0.1));
    close(a, 100e6 / 0.95);
    close(b, 20e6);
}

#[test]
fn without_bandwidth_the_sms_alone_decide() {
    let text = |assumption: &str| {
        format!(
            "[run]\nduration = \"2s\"\nreplications = 1\nbaselines = false\n{assumption}[gpus.a]\n\
             {BOARD}\ninstances.i = {{ profile = \"3g\" }}\n[guests.g]\non = \"a.i\"\n\
             context = true\nworkload = \"w\"\n[workloads.w]\n\
             arrivals = {{ process = \"closed\" }}\nstages.s.gpu = {{ {} }}\n",
            work(3.0)
        )
    };
    let mean = |text: String| run(&text).guests[0].response.mean_ns.value.expect("jobs");
    close(mean(text("")), 60e6);
    let off = "[assumptions]\n\"rates.bandwidth\" = \"off\"\n";
    close(mean(text(off)), 30e6 * 108.0 / 42.0);
}
