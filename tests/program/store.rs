//! `--store`: what was simulated once is not simulated again, and never shows in a result.

use assert_cmd::Command;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const SCENARIO: &str = "\
[run]
duration = \"2s\"
replications = 40
[gpus.a]
board = \"a40\"
[guests.light]
vgpu = \"A40-8Q\"
count = 2
deadline = \"20ms\"
workload = \"light\"
[guests.heavy]
vgpu = \"A40-8Q\"
workload = \"heavy\"
[workloads.light]
arrivals = { process = \"poisson\", rate = \"40/s\" }
stages.draw.gpu.time = { dist = \"exponential\", mean = \"3ms\" }
[workloads.heavy]
arrivals = { process = \"closed\" }
stages.train.gpu.time = \"15ms\"
";

const COMPARE: &[&str] = &["compare", "s.toml", "--policies", "best-effort,equal-share"];

fn folder() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    fs::write(folder.path().join("s.toml"), SCENARIO).expect("written");
    folder
}

/// Runs the program; returns what it said on stderr.
fn warpshare(folder: &Path, arguments: &[&[&str]]) -> String {
    let mut command = Command::cargo_bin("warpshare").expect("the program");
    command
        .current_dir(folder)
        .args(arguments.iter().copied().flatten());
    let output = command.output().expect("it runs");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

/// All files below a folder with their bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_owned();
                // A file that is being written may be gone by now.
                found.extend(fs::read(&path).ok().map(|bytes| (name, bytes)));
            }
        }
    }
    found
}

/// How many outcomes were in the store, of how many.
fn tally(said: &str) -> (u64, u64) {
    let line = said
        .lines()
        .find(|line| line.contains(" outcomes were in store"))
        .unwrap_or_else(|| panic!("no tally: {said}"));
    let numbers: Vec<u64> = line.split(' ').filter_map(|w| w.parse().ok()).collect();
    (numbers[0], numbers[1])
}

#[test]
fn a_second_run_simulates_nothing() {
    let folder = folder();
    let few: &[&str] = &["run", "s.toml", "--replications", "3"];
    warpshare(folder.path(), &[few, &["--out", "without"]]);
    let store: &[&str] = &["--store", "store", "--out"];
    // The GPU and two baselines of three guests, in three replications.
    let first = warpshare(folder.path(), &[few, store, &["first"]]);
    assert_eq!(tally(&first), (0, 21));
    let second = warpshare(folder.path(), &[few, store, &["second"]]);
    assert_eq!(tally(&second), (21, 21));
    let expected = files(&folder.path().join("without"));
    assert_eq!(expected, files(&folder.path().join("first")));
    assert_eq!(expected, files(&folder.path().join("second")));
    // Rows are of jobs: cells are simulated for them, baselines are not.
    let rows = warpshare(
        folder.path(),
        &[few, store, &["third", "--records", "jobs.csv"]],
    );
    assert_eq!(tally(&rows), (18, 21));
}

#[test]
fn looks_and_policies_simulate_each_replication_once() {
    let folder = folder();
    let until: &[&str] = &["--replications", "3", "--precision", "0.1%", "--most", "6"];
    let mut command = Command::cargo_bin("warpshare").expect("the program");
    let output = command
        .current_dir(folder.path())
        .args(COMPARE)
        .args(until)
        .args(["--store", "store"])
        .output()
        .expect("it runs");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(4), "{said}");
    let (taken, asked) = tally(&said);
    // Six replications: a cell and three baselines on shares for each policy, and three on boards for both.
    assert_eq!(asked - taken, 6 * (2 * 4 + 3), "{said}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_comparison_goes_on_where_it_was() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    let folder = folder();
    let store = folder.path().join("store");
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("warpshare"))
        .current_dir(folder.path())
        .args(COMPARE)
        .args(["--threads", "1", "--store", "store"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let start = Instant::now();
    // The marker, and two outcomes.
    while files(&store).len() < 3 && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("a signal");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(!folder.path().join("results").exists());
    warpshare(folder.path(), &[COMPARE, &["--out", "without"]]);
    let with: &[&str] = &["--store", "store", "--out", "with"];
    let (taken, asked) = tally(&warpshare(folder.path(), &[COMPARE, with]));
    let common = 40 * 3; // Of both policies, on the undivided board.
    assert!(taken > common && asked == 40 * 2 * 7, "{taken} of {asked}");
    assert_eq!(
        files(&folder.path().join("without")),
        files(&folder.path().join("with"))
    );
    // What the comparison found is there for a run too.
    let run: &[&str] = &["run", "s.toml", "--store", "store"];
    assert_eq!(tally(&warpshare(folder.path(), &[run])), (280, 280));
}

#[test]
fn a_folder_that_is_no_store_is_bad_input() {
    let folder = folder();
    let mut command = Command::cargo_bin("warpshare").expect("the program");
    let output = command
        .current_dir(folder.path())
        .args(["run", "s.toml", "--store", "."])
        .output()
        .expect("it runs");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no store of warpshare"), "{said}");
}

/// A folder of results is replaced as a whole: a store in it would be lost with it. Refused before anything is
/// simulated or made, however the folders are written.
#[test]
fn outcomes_and_results_have_folders_apart() {
    let folder = folder();
    let at = folder.path();
    fs::create_dir(at.join("real")).expect("made");
    for (store, out) in [
        ("both", "both"),
        ("results/kept", "results"),
        ("./real/../both/in", "both"),
    ] {
        for command in [&["run", "s.toml"][..], COMPARE] {
            let mut program = Command::cargo_bin("warpshare").expect("the program");
            let output = program
                .current_dir(at)
                .args(command)
                .args(["--store", store, "--out", out])
                .output()
                .expect("it runs");
            let said = String::from_utf8(output.stderr).expect("text");
            assert_eq!(output.status.code(), Some(2), "{store} {out}: {said}");
            assert!(
                said.contains("cannot be kept in the folder of the results"),
                "{said}"
            );
        }
    }
    let left: Vec<_> = files(at).into_keys().collect();
    assert_eq!(left, [PathBuf::from("s.toml")]);
    let said = Command::cargo_bin("warpshare")
        .expect("the program")
        .current_dir(at)
        .args(["run", "s.toml", "--store", "s.toml"])
        .output()
        .expect("it runs");
    assert_eq!(said.status.code(), Some(2));
    let said = String::from_utf8(said.stderr).expect("text");
    assert!(said.contains("it is a file"), "{said}");
}
