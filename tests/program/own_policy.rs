//! A scheduler from outside the crate has the whole command line: `examples/own_policy.rs` as a user runs it.
//!
//! `cargo test` builds the examples; before `cargo test --test program own_policy` alone, `cargo build --example own_policy`.

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use std::fs;
use tempfile::TempDir;

/// One always works; the other comes now and then and needs less than its double slice of 4 ms.
const SCENARIO: &str = r#"
[run]
horizon = "terminating"
duration = "200ms"
replications = 2

[gpus.a]
board = "a40"
share = { scheduler = "SCHEDULER", slice = "2ms" }
switch = { preemption = "0us", save = "0us", restore = "0us", scheduler_call = "0us" }

[guests.batch]
context = true
workload = "long"

[guests.service]
context = true
workload = "short"

[workloads.long]
arrivals = { process = "closed" }
stages.step.gpu.time = "1s"

[workloads.short]
arrivals = { process = "deterministic", rate = "50/s" }
stages.step.gpu.time = "3ms"
"#;

/// Exit code, stdout and stderr of the example, with the scenario under this scheduler in `own.toml`.
fn run(place: &TempDir, scheduler: &str, arguments: &[&str]) -> (i32, String, String) {
    let text = SCENARIO.replace("SCHEDULER", scheduler);
    fs::write(place.path().join("own.toml"), text).unwrap();
    let folder = cargo_bin("warpshare").parent().unwrap().join("examples");
    let program = folder.join("own_policy");
    assert!(
        program
            .with_extension(std::env::consts::EXE_EXTENSION)
            .exists(),
        "build the example"
    );
    let output = Command::new(program)
        .current_dir(place.path())
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.code().expect("an exit code"),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_scenario_runs_under_the_own_policy() {
    let place = TempDir::new().unwrap();
    let (code, out, err) = run(&place, "longest-idle-first", &["run", "own.toml"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("longest-idle-first"), "{out}");
    let result = fs::read_to_string(place.path().join("results/own/summary.json")).unwrap();
    assert!(result.contains("longest-idle-first"), "{result}");
}

/// What a policy brings stands in `share` beside the program's own keys: given or by default, checked, and
/// explained.
#[test]
fn a_policy_has_parameters_of_its_own() {
    let place = TempDir::new().unwrap();
    let text = |keys: &str| SCENARIO.replace("\"SCHEDULER\"", &format!("\"two-levels\"{keys}"));
    let validate = |keys: &str| {
        fs::write(place.path().join("keys.toml"), text(keys)).unwrap();
        run(&place, "fifo", &["validate", "keys.toml"])
    };
    let (code, _, err) = validate(", ratio = 8");
    assert_eq!(code, 0, "{err}");
    for (keys, said) in [
        (", ratio = 0", "from 1 to 1000"),
        (", ratio = 1.5", "must be a whole number"),
        (", ratoi = 8", "did you mean `ratio`?"),
    ] {
        let (code, _, err) = validate(keys);
        assert_eq!(code, 2, "{keys}: {err}");
        assert!(
            err.contains(said) && err.contains("keys.toml:9:"),
            "{keys}: {err}"
        );
    }
    // A key of one policy is none of another.
    fs::write(
        place.path().join("keys.toml"),
        SCENARIO
            .replace("\"SCHEDULER\"", "\"fifo\", ratio = 8")
            .replace(", slice = \"2ms\"", ""),
    )
    .unwrap();
    let (code, _, err) = run(&place, "fifo", &["validate", "keys.toml"]);
    assert!(
        code == 2 && err.contains("`ratio` does not apply here"),
        "{err}"
    );
    // The default, and what the file says, each with its place.
    for (keys, explained) in [
        ("", "gpus.a.share.ratio"),
        (", ratio = 8", "gpus.a.share.ratio"),
    ] {
        fs::write(place.path().join("keys.toml"), text(keys)).unwrap();
        let (code, out, err) = run(&place, "fifo", &["run", "--explain", "keys.toml"]);
        assert_eq!(code, 0, "{err}");
        let row = out
            .lines()
            .find(|line| line.contains(explained))
            .expect("a row");
        let wanted = if keys.is_empty() {
            ["4", "default"]
        } else {
            ["8", "line 9"]
        };
        assert!(wanted.iter().all(|word| row.contains(word)), "{row}");
    }
    let (_, out, _) = run(&place, "fifo", &["schema"]);
    assert!(
        out.contains("\"ratio\"") && out.contains("from 1 to 1000"),
        "{out}"
    );
}

/// The ratio decides what the work that has used up its first slice does to others, and the comparison has both.
#[test]
fn variants_of_one_policy_are_compared() {
    let place = TempDir::new().unwrap();
    let policies = [
        "compare",
        "own.toml",
        "--policies",
        "two-levels+ratio=1,two-levels+ratio=16",
    ];
    let (code, out, err) = run(&place, "round-robin", &policies);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("two-levels+ratio=1") && out.contains("two-levels+ratio=16"),
        "{out}"
    );
    let (code, _, err) = run(
        &place,
        "round-robin",
        &[
            "compare",
            "own.toml",
            "--policies",
            "two-levels+ratio=0,fifo",
        ],
    );
    assert!(code == 2 && err.contains("from 1 to 1000"), "{err}");
}

#[test]
fn an_unknown_name_is_told_of_it() {
    let place = TempDir::new().unwrap();
    let (code, _, err) = run(&place, "longest-idel-first", &["validate", "own.toml"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("longest-idle-first"), "{err}");
}

#[test]
fn the_schema_has_it() {
    let place = TempDir::new().unwrap();
    let (code, out, err) = run(&place, "fifo", &["schema"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("whoever has been off the SMs for longest"),
        "{out}"
    );
}

/// Three clients that want 10, 50 and 84 of the 84 SMs: what a smaller one wants it has.
#[test]
fn an_own_division_of_sms_is_one_too() {
    let place = TempDir::new().unwrap();
    let text = r#"
[run]
duration = "1s"
replications = 2
[gpus.a]
board = "a40"
share = { mode = "spatial", division = "smallest-first", interference = 0 }
[guests]
large = { context = true, workload = "large" }
middle = { context = true, workload = "middle" }
small = { context = true, workload = "small" }
[workloads]
large = { arrivals = { process = "closed" }, stages.s.gpu = { time = "10ms" } }
middle = { arrivals = { process = "closed" }, stages.s.gpu = { time = "10ms", sms = 50 } }
small = { arrivals = { process = "closed" }, stages.s.gpu = { time = "10ms", sms = 10 } }
"#;
    fs::write(place.path().join("space.toml"), text).unwrap();
    let (code, _, err) = run(
        &place,
        "longest-idle-first",
        &["run", "space.toml", "--quiet"],
    );
    assert_eq!(code, 0, "{err}");
    let text = fs::read_to_string(place.path().join("results/space/summary.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rates: Vec<f64> = result["guests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|guest| guest["throughput_per_s"]["value"].as_f64().unwrap())
        .collect();
    // 24 of 84 SMs are left for the large one.
    assert_eq!(rates[1..], [100.0, 100.0]);
    assert!((rates[0] - 100.0 * 24.0 / 84.0).abs() < 1.0, "{rates:?}");
    assert!(text.contains("smallest-first"));
}
