//! Arrival processes: times worked out by hand, and their rates.

use crate::common::*;
use std::fs;
use warpshare::engine::time::Nanos;
use warpshare::scenario::{Overrides, Scenario, parse};

const MS: Nanos = 1_000_000;

const REQUESTS: &str = "at,size\n5,1\n15,2\n35,4\n";

fn square(x: f64) -> f64 {
    x * x
}

/// `windows` is the text of `windows.csv`.
fn scenario_of(windows: &str, arrivals: &str, window: &str) -> Scenario {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("requests.csv"), REQUESTS).expect("a trace");
    fs::write(folder.path().join("windows.csv"), windows).expect("windows");
    let text = format!(
        r#"
        preset = "neutral"
        [run]
        horizon = "terminating"
        duration = "{window}"
        replications = 1
        [gpus.a]
        board = "neutral"
        share.mode = "exclusive"
        [guests.g]
        context = true
        streams = 1000
        workload = "w"
        [workloads.w]
        arrivals = {{ {arrivals} }}
        stages.s.gpu = {{ time = "1ns", sms = 1 }}
        "#
    );
    let loaded = parse("arrivals", &text, folder.path(), &Overrides::default());
    loaded
        .unwrap_or_else(|findings| {
            panic!("{}", warpshare::diagnostics::Diagnostics(findings).render())
        })
        .scenario
}

/// Arrival times of the guest's jobs, by job index.
fn times(arrivals: &str, window: &str) -> Vec<Nanos> {
    times_of("", arrivals, window)
}

fn times_of(windows: &str, arrivals: &str, window: &str) -> Vec<Nanos> {
    let mut jobs: Vec<_> = simulate(&scenario_of(windows, arrivals, window)).jobs;
    jobs.sort_by_key(|(_, job)| job.index);
    jobs.iter().map(|(_, job)| job.arrival).collect()
}

#[test]
fn jobs_of_a_batch_arrive_together() {
    let found = times(
        r#"process = "deterministic", period = "10ms", batch = 3"#,
        "25ms",
    );
    assert_eq!(found, [10, 10, 10, 20, 20, 20].map(|ms| ms * MS));
}

#[test]
fn a_beat_does_not_drift_however_late_its_jobs_are() {
    let found = times(
        r#"process = "deterministic", period = "10ms", first = "at-start", jitter = { dist = "uniform", low = "0ms", high = "4ms" }"#,
        "10s",
    );
    assert_eq!(found.len(), 1_000);
    let late = found
        .iter()
        .enumerate()
        .map(|(k, time)| time - k as u64 * 10 * MS);
    let late: Vec<Nanos> = late.collect();
    assert!(late.iter().all(|&late| late <= 4 * MS));
    // The mean of 1,000 uniform draws: 2 ms, with a standard error of 36.5 us; seven of them.
    let mean = late.iter().sum::<Nanos>() / 1_000;
    assert!(mean.abs_diff(2 * MS) < 256_000, "{mean}");
    // Jitter beyond a period never lets a job overtake the one before it.
    let wild = times(
        r#"process = "deterministic", period = "1ms", jitter = { dist = "exponential", mean = "5ms" }"#,
        "1s",
    );
    assert!(wild.is_sorted());
    assert!(wild.len() > 900);
}

/// A day of two hours: one with 600 arrivals, one with none, ten times.
#[test]
fn a_profile_has_arrivals_only_where_it_says_so() {
    let found = times(
        r#"process = "modulated", phases = [{ stay = "1h", rate = "10/min" }, { stay = "1h" }]"#,
        "20h",
    );
    let hour = 3_600_000 * MS;
    assert!(found.iter().all(|time| (time / hour).is_multiple_of(2)));
    // Poisson with mean 6,000: 5 standard deviations are 387.
    assert!(found.len().abs_diff(6_000) < 388, "{}", found.len());
}

/// On for 1 s and off for 3 s on average, 40 arrivals a second while on: 10 a second in the long run.
#[test]
fn on_and_off_give_their_mean_rate() {
    let found = times(
        r#"process = "on-off", rate = "40/s", on = { dist = "exponential", mean = "1s" }, off = { dist = "exponential", mean = "3s" }"#,
        "20000s",
    );
    // 5,000 cycles with a coefficient of variation below 1.5 in each: 2.1 % is one standard error.
    let rate = found.len() as f64 / 20_000.0;
    assert!((rate - 10.0).abs() < 1.0, "{rate}");
}

#[test]
fn weibull_gaps_give_their_rate() {
    let found = times(r#"process = "weibull", rate = "100/s", cv = 2.0"#, "1000s");
    // 100,000 gaps: 2 / sqrt(100,000) = 0.6 % is one standard error.
    assert!(
        (found.len() as f64 / 100_000.0 - 1.0).abs() < 0.04,
        "{}",
        found.len()
    );
}

/// Rows at 0, 10 and 30 ms after the first.
#[test]
fn a_trace_is_stretched_entered_late_and_begun_anew() {
    let trace = |more: &str| {
        let text = format!(
            r#"process = "trace", file = "requests.csv", time = "at", time_format = "milliseconds"{more}"#
        );
        times(&text, "200ms")
            .iter()
            .map(|time| time / MS)
            .collect::<Vec<_>>()
    };
    assert_eq!(trace(""), [0, 10, 30]);
    assert_eq!(trace(", stretch = 2.5"), [0, 25, 75]);
    assert_eq!(trace(r#", offset = "6ms""#), [4, 24]);
    assert_eq!(
        trace(r#", repeat_every = "80ms""#),
        [0, 10, 30, 80, 90, 110, 160, 170, 190]
    );
    assert_eq!(
        trace(r#", stretch = 2.0, offset = "10ms", repeat_every = "90ms""#),
        [0, 40, 90, 130, 180]
    );
}

/// A row of a ServeGen client; the fitted parameters at its end are not used.
fn windows(rows: &[(u64, f64, f64, &str)]) -> String {
    let rows = rows
        .iter()
        .map(|(start, rate, cv, family)| format!("{start},{rate},{cv},{family},1,1\n"));
    rows.collect()
}

const WINDOWS: &str = r#"process = "trace", format = "servegen", file = "windows.csv""#;

#[test]
fn windows_have_their_rate_whatever_their_burstiness() {
    for family in ["Gamma", "Weibull"] {
        let file = windows(&[
            (0, 2.0, 5.0, family),
            (10, 0.0, 0.0, ""),
            (20, 9.0, 1.0, family),
        ]);
        let arrivals = format!(r#"{WINDOWS}, repeat_every = "40s""#);
        let found = times_of(&file, &arrivals, "80000s");
        let mut counts = vec![[0.0; 4]; 2_000];
        for time in found {
            let second = time / (1_000 * MS);
            counts[(second / 40) as usize][(second % 40 / 10) as usize] += 1.0;
        }
        // Nothing in the idle window, nor between the last one and the next round.
        assert!(
            counts
                .iter()
                .all(|count| count[1] == 0.0 && count[3] == 0.0)
        );
        // 20 and 90 arrivals on average. A process that began each window with a whole gap would have
        // up to (5² - 1) / 2 = 12 more in the first. Chance of a false alarm: one in two million.
        for (window, expected) in [(0, 20.0), (2, 90.0)] {
            let n = counts.len() as f64;
            let mean = counts.iter().map(|count| count[window]).sum::<f64>() / n;
            let squares = counts.iter().map(|count| square(count[window] - mean));
            let error = (squares.sum::<f64>() / (n - 1.0) / n).sqrt();
            assert!(
                (mean - expected).abs() < 5.0 * error,
                "{family}: {mean}, not {expected}"
            );
            assert!(error < 0.04 * expected, "the bound says something: {error}");
        }
    }
}

/// Within a long window, gaps have the mean and the CV that the file says.
#[test]
fn gaps_of_a_window_are_those_of_the_file() {
    for (family, cv) in [
        ("Gamma", 0.5),
        ("Gamma", 2.0),
        ("Weibull", 0.5),
        ("Weibull", 2.0),
    ] {
        let file = windows(&[(0, 100.0, cv, family), (1_000, 0.0, 0.0, "")]);
        let found = times_of(&file, WINDOWS, "1000s");
        let gaps: Vec<f64> = found
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) as f64)
            .collect();
        let n = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / n;
        let variance = gaps.iter().map(|gap| square(gap - mean)).sum::<f64>() / n;
        // 100,000 gaps. Standard errors: of the mean cv / 316 = 0.6 %, of the CV below 1.5 %.
        assert!((mean / 1e7 - 1.0).abs() < 0.04, "{family} {cv}: {mean}");
        assert!(
            (variance.sqrt() / mean / cv - 1.0).abs() < 0.08,
            "{family} {cv}"
        );
    }
}

#[test]
fn a_window_does_not_see_the_windows_before_it() {
    let tail = |first: f64, more: &str| {
        let file = windows(&[(0, first, 2.0, "Gamma"), (10, 50.0, 3.0, "Weibull")]);
        times_of(&file, &format!("{WINDOWS}{more}"), "20s")
            .into_iter()
            .filter(|&time| time >= 10_000 * MS)
            .collect::<Vec<_>>()
    };
    let found = tail(1.0, "");
    assert!(found.len() > 100);
    assert_eq!(found, tail(70.0, ""));
    // Thinned, a part of them.
    let kept = tail(1.0, ", keep = 0.5");
    assert!(kept.iter().all(|time| found.contains(time)));
    assert!(kept.len() > 20 && kept.len() < found.len());
}

#[test]
fn windows_are_stretched_and_entered_late() {
    let file = windows(&[
        (0, 1.0, 1.0, "Gamma"),
        (10, 0.0, 0.0, ""),
        (20, 100.0, 1.0, "Gamma"),
    ]);
    let found = times_of(
        &file,
        &format!(r#"{WINDOWS}, offset = "15s", stretch = 2.0"#),
        "100s",
    );
    // Ten seconds of the idle window are left, then 20 s with 50 requests a second: Poisson.
    assert!(
        found
            .iter()
            .all(|time| (10_000 * MS..30_000 * MS).contains(time))
    );
    assert!(found.len().abs_diff(1_000) < 160, "{}", found.len());
}

/// The committed day, an hour from noon on: as many requests as its windows say.
#[test]
fn a_client_of_servegen_is_replayed() {
    let path = "data/traces/servegen-clients/m-large_chunk-112-day-1.csv";
    let file = fs::read_to_string(path).expect("the client");
    let found = times_of(&file, &format!(r#"{WINDOWS}, offset = "43200s""#), "3600s");
    let rows: Vec<Vec<&str>> = file.lines().map(|line| line.split(',').collect()).collect();
    let number = |row: usize, cell: usize| rows[row][cell].parse::<f64>().expect("a number");
    let (mut expected, mut variance) = (0.0, 0.0);
    for row in 72..78 {
        let count = number(row, 1) * 600.0;
        expected += count;
        // Of a renewal process over a time that is long against its gaps.
        variance += count * square(number(row, 2));
    }
    let bound = 5.0 * variance.sqrt();
    assert!(
        (found.len() as f64 - expected).abs() < bound,
        "{}, not {expected}",
        found.len()
    );
    assert!(bound < 0.08 * expected);
}

const SESSIONS: &str = r#"process = "sessions""#;

#[test]
fn requests_of_sessions_by_hand() {
    let found = |more: &str| {
        let times = times(&format!("{SESSIONS}, {more}"), "45ms");
        times.iter().map(|time| time / MS).collect::<Vec<_>>()
    };
    // Sessions begin at 10, 20, 30 and 40 ms and overlap.
    assert_eq!(
        found(r#"gap = "10ms", think = "6ms", requests = 3"#),
        [10, 16, 20, 22, 26, 30, 32, 36, 40, 42]
    );
    // Requests at 0, 3, 6 and 9 ms of a session that lasts less than 12.
    assert_eq!(
        found(r#"gap = "20ms", think = "3ms", lasts = "12ms""#),
        [20, 23, 26, 29, 40, 43]
    );
    assert_eq!(
        found(r#"gap = "20ms", think = "3ms", lasts = "0ms""#),
        [20, 40]
    );
}

/// Rate of sessions times requests of a session.
#[test]
fn sessions_give_their_mean_rate() {
    let think = r#"think = { dist = "exponential", mean = "2s" }"#;
    for (length, requests) in [
        ("requests = 4", 4.0),
        ("requests_mean = 4.0", 4.0),
        // One at the beginning, then a Poisson process for 6 s on average.
        (r#"lasts = { dist = "gamma", mean = "6s", cv = 0.5 }"#, 4.0),
    ] {
        let arrivals = format!(r#"{SESSIONS}, rate = "1/s", {think}, {length}"#);
        let found = times(&arrivals, "20000s").len() as f64;
        // A compound Poisson number: variance 20,000 (16 + at most 12); the end cuts off less than
        // 60 requests. Five standard deviations are 3,742.
        let expected = 20_000.0 * requests;
        assert!((found - expected).abs() < 3_800.0, "{length}: {found}");
    }
}

/// Each kind of process ends after so many jobs.
#[test]
fn sessions_and_windows_end_with_the_number_of_jobs() {
    let file = windows(&[(0, 50.0, 1.0, "Gamma"), (10, 50.0, 1.0, "Gamma")]);
    for arrivals in [
        &format!(r#"{SESSIONS}, gap = "10ms", think = "6ms", requests = 3"#),
        WINDOWS,
    ] {
        let all = times_of(&file, arrivals, "2s");
        assert!(all.len() > 50, "{}", all.len());
        let five = times_of(&file, &format!("{arrivals}, jobs = 5"), "2s");
        assert_eq!(five, all[..5]);
    }
}

/// The first sessions have the same requests, whatever comes between them.
#[test]
fn a_session_does_not_depend_on_others() {
    let first = |gap: &str| {
        let think = r#"think = { dist = "exponential", mean = "1ms" }"#;
        let arrivals = format!(r#"{SESSIONS}, gap = "{gap}", {think}, requests = 5"#);
        let times = times(&arrivals, "1000s");
        let begins = times[0];
        times.iter().map(|time| time - begins).collect::<Vec<_>>()
    };
    // A second session begins after 300 s, or never: it cannot change the first.
    assert_eq!(first("300s")[..5], first("900s")[..5]);
    assert_eq!(first("300s").len(), 15);
}
