//! `warpshare run` as a user sees it: exit codes, streams, and the folder.

use assert_cmd::Command;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A scenario that takes milliseconds.
const SMALL: &str = r#"
title = "Two small guests"

[run]
duration = "300ms"
warmup = "50ms"
replications = 3
seed = 5

[gpus.a]
board = "a40"

[gpus.a.share]
mode = "time-slice"
scheduler = "best-effort"

[guests.one]
on = "a"
vgpu = "A40-4Q"
count = 2
workload = "short"

[workloads.short]
arrivals = { process = "poisson", rate = "50/s" }
sequence = ["work"]

[workloads.short.stages.work.gpu]
time = { dist = "exponential", mean = "2ms" }
"#;

fn place() -> TempDir {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("small.toml"), SMALL).unwrap();
    place
}

fn warpshare(place: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("warpshare").unwrap();
    command.current_dir(place.path()).args(arguments);
    command
}

fn run(place: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let output = warpshare(place, arguments).output().unwrap();
    (
        output.status.code().expect("an exit code"),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_summary_is_on_stdout_and_the_folder_has_the_scenarios_name() {
    let place = place();
    let (code, out, err) = run(&place, &["run", "small.toml"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.starts_with("The load is sustained: 2 x one (p95 "),
        "{out}"
    );
    assert!(out.contains("\nsmall: Two small guests\n"), "{out}");
    assert!(err.contains("results in results/small"), "{err}");
    let summary = fs::read_to_string(place.path().join("results/small/summary.txt")).unwrap();
    assert_eq!(out, summary);
}

#[test]
fn threads_and_speeds_do_not_change_a_byte() {
    let place = place();
    for (out, more) in [
        ("one", vec!["--threads", "1"]),
        ("three", vec!["--threads", "3"]),
        ("plain", vec!["--no-run-ahead"]),
        ("turns", vec!["--no-round-jump"]),
    ] {
        let arguments = [vec!["run", "small.toml", "--quiet", "--out", out], more].concat();
        assert_eq!(run(&place, &arguments).0, 0);
    }
    let one = files(&place.path().join("one"));
    assert_eq!(one, files(&place.path().join("three")));
    assert_eq!(one, files(&place.path().join("plain")));
    assert_eq!(one, files(&place.path().join("turns")));
}

#[test]
fn seed_and_replications_are_overridden() {
    let place = place();
    let (code, out, _) = run(
        &place,
        &["run", "small.toml", "--seed", "9", "--replications", "4"],
    );
    assert_eq!(code, 0);
    assert!(out.contains("4 replications · seed 9"), "{out}");
}

#[test]
fn quiet_prints_nothing_and_explain_prints_origins() {
    let place = place();
    let (code, out, err) = run(&place, &["run", "small.toml", "--quiet"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    let (code, out, err) = run(&place, &["run", "small.toml", "--quiet", "--explain"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for part in ["run.seed", "line 7", "default", "assumption "] {
        assert!(out.contains(part), "no {part} in {out}");
    }
}

#[test]
fn without_baselines_slowdown_says_why_it_is_missing() {
    let place = place();
    let (code, out, _) = run(&place, &["run", "small.toml", "--no-baselines"]);
    assert_eq!(code, 0);
    let row = out.lines().find(|l| l.starts_with("  2 x one")).unwrap();
    assert!(row.contains("– [1]"), "{row}");
    let note = out.lines().find(|l| l.starts_with("  [1] ")).unwrap();
    assert!(note.contains("baseline"), "{note}");
}

#[test]
fn records_have_one_row_for_each_job() {
    let place = place();
    let (code, out, err) = run(&place, &["run", "small.toml", "--records", "deep/jobs.csv"]);
    assert_eq!(code, 0, "{out}{err}");
    let text = fs::read_to_string(place.path().join("deep/jobs.csv")).unwrap();
    assert!(text.starts_with("replication,guest,"), "{text}");
    assert!(text.lines().count() > 30, "{}", text.lines().count());
    assert_eq!(files(&place.path().join("deep")).len(), 1);
}

#[test]
fn bad_input_is_2_and_nothing_is_written() {
    let place = place();
    fs::write(
        place.path().join("bad.toml"),
        SMALL.replace("scheduler = \"best-effort\"", "scheduler = \"best-efort\""),
    )
    .unwrap();
    fs::create_dir(place.path().join("mine")).unwrap();
    fs::write(place.path().join("mine/thesis.txt"), "words").unwrap();
    for (arguments, expected) in [
        (vec!["run", "missing.toml"], "missing.toml"),
        (vec!["run", "bad.toml"], "best-effort"),
        (
            vec!["run", "small.toml", "--out", "mine"],
            "not written by warpshare",
        ),
        (
            vec!["run", "small.toml", "--out", "small.toml/x"],
            "small.toml",
        ),
        (
            vec!["run", "small.toml", "--records", "mine"],
            "not the name of a file",
        ),
        (vec!["run", "small.toml", "--threads", "0"], "--threads"),
        (
            vec!["run", "small.toml", "--replications", "0"],
            "--replications",
        ),
        (vec!["run"], "SCENARIO"),
        (vec!["rum"], "run"),
    ] {
        let (code, out, err) = run(&place, &arguments);
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert_eq!(out, "", "{arguments:?}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
    assert!(!place.path().join("results").exists());
    assert_eq!(files(&place.path().join("mine")).len(), 1);
}

#[test]
fn a_run_replaces_its_own_folder() {
    let place = place();
    assert_eq!(run(&place, &["run", "small.toml", "--quiet"]).0, 0);
    let first = files(&place.path().join("results/small"));
    assert_eq!(
        run(&place, &["run", "small.toml", "--quiet", "--seed", "6"]).0,
        0
    );
    let second = files(&place.path().join("results/small"));
    assert_ne!(first, second);
    let left: Vec<_> = fs::read_dir(place.path().join("results"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 1);
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::{Command, Stdio};
    let place = place();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("warpshare"))
        .current_dir(place.path())
        .args(["run", "small.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(!err.contains("panicked"), "{err}");
}

/// Long enough that the interrupt finds it at work.
#[cfg(unix)]
#[test]
fn ctrl_c_is_130_and_leaves_nothing_behind() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    let place = place();
    let long = SMALL.replace("\"300ms\"", "\"20000s\"");
    fs::write(place.path().join("long.toml"), long).unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("warpshare"))
        .current_dir(place.path())
        .args(["run", "long.toml", "--records", "jobs.csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let entries = || fs::read_dir(place.path()).unwrap().count();
    let start = Instant::now();
    // The folder of the records shows that the run has begun (and Ctrl-C is taken over).
    while entries() < 3 && start.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(entries(), 3, "the run has not begun");
    std::thread::sleep(Duration::from_millis(50));
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert_eq!(entries(), 2, "only the two scenarios are left");
}

/// A disk that takes no more than a few KiB a file: the run fails with a reason, the results that
/// were there stay, and nothing half-written is left.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing_that_was_finished() {
    let place = place();
    let (code, ..) = run(&place, &["run", "small.toml", "--out", "out"]);
    assert_eq!(code, 0);
    let before = files(&place.path().join("out"));
    let program = assert_cmd::cargo::cargo_bin("warpshare");
    for more in ["", "--records jobs.csv"] {
        let line = format!(
            "trap '' XFSZ; ulimit -f 4; exec {} run small.toml --out out --seed 9 {more}",
            program.display()
        );
        let output = std::process::Command::new("bash")
            .current_dir(place.path())
            .args(["-c", &line])
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(err.contains("cannot write"), "{err}");
        assert_eq!(files(&place.path().join("out")), before);
        let mut left: Vec<_> = fs::read_dir(place.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["out", "small.toml"]);
    }
}

/// A stream that takes nothing: the summary is lost, and the exit code says so.
#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_a_failure() {
    let place = place();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let status = std::process::Command::new(assert_cmd::cargo::cargo_bin("warpshare"))
        .current_dir(place.path())
        .args(["run", "small.toml"])
        .stdout(full)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}
