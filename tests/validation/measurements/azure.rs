//! `scenarios/azure-llm-conv.toml` replays the trace that it says it does.

use super::{guest, read, repository, run, scenario, value};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use warpshare::experiment::Options;
use warpshare::result::RunResult;
use warpshare::workload::trace_format::TraceFormat;

const TRACE: &str = "data/traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv";
const KEEP: f64 = 0.009;
const GUESTS: [&str; 2] = ["chat-best-effort", "chat-equal-share"];
const MEMBERS: f64 = 4.0;

/// A request, read without the code under test.
struct Request {
    /// Nanoseconds since midnight.
    time: u64,
    context: f64,
    generated: f64,
}

impl Request {
    /// Work on the SMs, from the coefficients in the scenario file.
    fn work_ns(&self) -> f64 {
        3.4e6 + 73.4e3 * self.context + 14.3e6 * self.generated
    }
}

fn trace() -> Vec<Request> {
    let text = read(TRACE);
    let request = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let (day, clock) = cells[0].split_once(' ').expect("a date and a time");
        assert_eq!(day, "2023-11-16");
        let clock: Vec<&str> = clock.split([':', '.']).collect();
        let [hours, minutes, seconds, ticks] = clock[..] else {
            panic!("a time: {}", cells[0]);
        };
        let number = |text: &str| text.parse::<u64>().expect("a number");
        let whole = number(hours) * 3600 + number(minutes) * 60 + number(seconds);
        assert_eq!(ticks.len(), 7, "fractions of 100 ns");
        Request {
            time: whole * 1_000_000_000 + number(ticks) * 100,
            context: number(cells[1]) as f64,
            generated: number(cells[2]) as f64,
        }
    };
    text.lines().skip(1).map(request).collect()
}

#[derive(Deserialize)]
struct Record {
    replication: u32,
    guest: String,
    ordinal: u32,
    job: usize,
    arrival_ns: u64,
    ended_ns: u64,
    gpu_ns: u64,
}

fn replay() -> (RunResult, Vec<Record>) {
    let mut scenario = scenario(&read("scenarios/azure-llm-conv.toml"));
    scenario.run.baselines = false;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("jobs.csv");
    let options = Options {
        records: Some(file.clone()),
        ..Options::default()
    };
    let result = run(&scenario, &options);
    let mut reader = csv::Reader::from_reader(File::open(file).expect("the records"));
    let records = reader.deserialize().collect::<Result<_, _>>();
    (result, records.expect("records of jobs"))
}

fn mean_and_sd(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let square = values.map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    (mean, square.sqrt())
}

#[test]
fn jobs_are_rows_of_the_trace() {
    let trace = trace();
    let (result, records) = replay();

    // Each job is one row: its time, its work, at most once for each guest.
    let mut seen = BTreeSet::new();
    for record in &records {
        let row = &trace[record.job];
        assert_eq!(record.arrival_ns, row.time - trace[0].time);
        // Each of the two stages is rounded to a nanosecond.
        assert!((record.gpu_ns as f64 - row.work_ns()).abs() <= 1.0);
        assert!(record.ended_ns >= record.arrival_ns + record.gpu_ns);
        assert!(seen.insert((
            record.replication,
            &record.guest,
            record.ordinal,
            record.job
        )));
    }

    // As many as thinning leaves: each row is kept by each guest with probability KEEP.
    let rows = trace.len() as f64;
    assert_eq!(trace.len(), 19_366);
    let mut counts: BTreeMap<_, f64> = BTreeMap::new();
    for record in &records {
        *counts
            .entry((record.replication, &record.guest))
            .or_default() += 1.0;
    }
    assert_eq!(counts.len(), 60, "30 replications of two groups");
    let expected = MEMBERS * rows * KEEP;
    // Chance of a false alarm in 61 comparisons: about one in thirty thousand.
    let sd = (expected * (1.0 - KEEP)).sqrt();
    for (of, count) in &counts {
        assert!(
            (count - expected).abs() < 5.0 * sd,
            "{of:?}: {count} of {expected}"
        );
    }
    let groups = counts.len() as f64;
    let total = records.len() as f64;
    assert!((total - groups * expected).abs() < 5.0 * sd * groups.sqrt());

    // Their tokens are those of the trace.
    for tokens in [|r: &Request| r.context, |r: &Request| r.generated] {
        let (mean, sd) = mean_and_sd(trace.iter().map(tokens));
        let (kept, _) = mean_and_sd(records.iter().map(|record| tokens(&trace[record.job])));
        let bound = 5.0 * sd / total.sqrt();
        assert!((kept - mean).abs() < bound, "{kept} against {mean}");
        assert!(bound < 0.06 * mean, "the bound says something: {bound}");
    }

    // Nobody is overloaded, nothing is lost, and the boards are busy but not full.
    for name in GUESTS {
        let guest = guest(&result, name);
        assert_eq!(guest.overload, None);
        assert_eq!(guest.jobs.completed, guest.jobs.arrived);
        assert!(guest.jobs.arrived > 6000);
    }
    assert_eq!(result.gpus.len(), 2);
    for gpu in &result.gpus {
        let busy = value(&gpu.gpu_time);
        assert!((0.5..0.7).contains(&busy), "{}: {busy}", gpu.name);
    }
}

/// The coefficients of the scenario file follow from the rows that it cites.
#[test]
fn work_per_token_follows_from_the_measurements() {
    let file = repository("data/measurements/muxserve_llama7b_a100.csv");
    let mut reader = csv::Reader::from_path(file).expect("the measurements");
    let lines: Vec<BTreeMap<String, String>> = reader
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("rows of equal length");
    let time = |task: &str, batch: &str, length: &str| -> f64 {
        let hits: Vec<_> = lines
            .iter()
            .filter(|l| l["task"] == task && l["batch"] == batch && l["seq_len"] == length)
            .collect();
        assert_eq!(hits.len(), 1, "{task} {batch} x {length}");
        hits[0]["value"].parse().expect("milliseconds")
    };

    let (short, long) = (
        time("infer prefill", "1", "512"),
        time("infer prefill", "4", "512"),
    );
    let per_token = (long - short) / 1536.0;
    assert!((per_token - 0.0734).abs() < 0.00005, "{per_token}");
    let base = short - 512.0 * per_token;
    assert!((base - 3.4).abs() < 0.05, "{base}");
    let between = time("infer prefill", "2", "512");
    assert!((base + 1024.0 * per_token - between).abs() < 0.002 * between);

    let step = "infer decode step";
    let per_cached = (time(step, "1", "512") - time(step, "1", "32")) / 480.0;
    // Token by token, the prompt and what has been answered so far are cached.
    let (mut tokens, mut cached) = (0.0, 0.0);
    for request in trace() {
        tokens += request.generated;
        cached += request.generated * (request.context + request.generated / 2.0);
    }
    let decode = time(step, "1", "32") + per_cached * (cached / tokens - 32.0);
    assert!((decode - 14.3).abs() < 0.05, "{decode}");
}

/// What the importer makes of the file: every arrival, and the tokens to the digit. The quantiles were
/// computed from the file by another program (nearest rank).
#[test]
fn the_importer_keeps_the_statistics_of_the_trace() {
    let columns = ["ContextTokens".to_owned(), "GeneratedTokens".to_owned()];
    let found = TraceFormat::AzureLlm.read(TRACE, read(TRACE).as_bytes(), &columns);
    let found = found.expect("a trace of that format");
    let rows = trace();
    assert_eq!(found.arrivals.len(), 19_366);
    let times = rows.iter().map(|row| row.time - rows[0].time);
    assert!(times.eq(found.arrivals.iter().copied()));
    assert!(
        rows.iter()
            .zip(found.values.chunks(2))
            .all(|(row, cells)| { row.context == cells[0] && row.generated == cells[1] })
    );
    let tokens = |column: usize| {
        let mut values: Vec<u64> = found
            .values
            .iter()
            .skip(column)
            .step_by(2)
            .map(|&value| value as u64)
            .collect();
        values.sort_unstable();
        values
    };
    let quantiles = |values: &[u64]| {
        [0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]
            .map(|level: f64| values[(level * values.len() as f64).ceil() as usize - 1])
    };
    let (context, generated) = (tokens(0), tokens(1));
    assert_eq!(context.iter().sum::<u64>(), 22_361_870);
    assert_eq!(
        quantiles(&context),
        [29, 396, 1_020, 1_189, 2_735, 4_083, 4_142]
    );
    assert_eq!(generated.iter().sum::<u64>(), 4_088_665);
    assert_eq!(quantiles(&generated), [16, 85, 129, 395, 424, 451, 601]);
    // The published rate and burstiness: 5.53 a second, CV 1.09.
    let span = found.arrivals[19_365] as f64 / 1e9;
    assert_eq!(format!("{span:.1} {:.2}", 19_365.0 / span), "3501.7 5.53");
    let gaps: Vec<f64> = found
        .arrivals
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) as f64)
        .collect();
    let (mean, sd) = mean_and_sd(gaps.iter().copied());
    assert_eq!(format!("{:.2}", sd / mean), "1.09");
}
