//! `--set`: values of the command line in place of the file's, checked as the file is.

use assert_cmd::Command;
use std::fs;
use tempfile::TempDir;

const SCENARIO: &str = r#"
[run]
duration = "200ms"
warmup = "20ms"
replications = 2
baselines = false

[gpus.a]
board = "a40"

[guests.desktop]
vgpu = "A40-4Q"
count = 2
workload = "short"

[workloads.short]
arrivals = { process = "poisson", rate = "100/s" }
stages.work.gpu.time = "1ms"
"#;

struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(TempDir::new().unwrap());
        fs::write(place.0.path().join("s.toml"), SCENARIO).unwrap();
        place
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::cargo_bin("warpshare").unwrap();
        let command = command.current_dir(self.0.path()).args(arguments);
        let output = command.output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    /// The hash of a scenario as `run --explain` prints it, with its lines.
    fn explain(&self, file: &str, set: &[&str]) -> (String, String) {
        let mut arguments = vec!["run", file, "--explain", "--quiet", "--figures", "none"];
        for value in set {
            arguments.extend(["--set", value]);
        }
        let (code, out, err) = self.run(&arguments);
        assert_eq!(code, 0, "{err}");
        let first = out.lines().next().unwrap();
        let hash = first.split_once("(hash ").unwrap().1;
        (hash.to_owned(), out)
    }
}

#[test]
fn a_value_that_is_set_means_what_it_would_mean_in_the_file() {
    let place = Place::new();
    let changed = SCENARIO
        .replace("\"200ms\"", "\"100ms\"")
        .replace("count = 2", "count = 3")
        .replace("\"1ms\"", "{ dist = \"exponential\", mean = \"2ms\" }")
        .replace(
            "board = \"a40\"",
            "board = \"a40\"\nshare.scheduler = \"equal-share\"",
        )
        + "[assumptions]\n\"switch.restore\" = \"150us\"\n";
    fs::write(place.0.path().join("changed.toml"), changed).unwrap();
    let (wanted, _) = place.explain("changed.toml", &[]);
    let (found, out) = place.explain(
        "s.toml",
        &[
            "run.duration=100ms",
            "guests.desktop.count=3",
            "workloads.short.stages.work.gpu.time={ dist = \"exponential\", mean = \"2ms\" }",
            "gpus.a.share.scheduler=best-effort",
            "gpus.a.share.scheduler=equal-share",
            "assumptions.switch.restore=150us",
        ],
    );
    assert_eq!(found, wanted);
    for path in [
        "run.duration",
        "guests.desktop.count",
        "gpus.a.share.scheduler",
    ] {
        let row = out.lines().find(|line| line.starts_with(path)).unwrap();
        assert!(row.ends_with("  command line"), "{row}");
    }
    let row = out
        .lines()
        .find(|line| line.starts_with("run.warmup"))
        .unwrap();
    assert!(row.ends_with("  line 4"), "{row}");
}

#[test]
fn mistakes_name_the_flag_and_what_was_probably_meant() {
    let place = Place::new();
    for (set, wanted) in [
        (
            "run.duraton=1s",
            vec!["unknown key `duraton`", "did you mean `duration`?"],
        ),
        (
            "run.duration=1x",
            vec!["run.duration = \"1x\"", "`x` is not a unit here"],
        ),
        (
            "guests.desktpo.count=3",
            vec![
                "there is no guest `desktpo`",
                "did you mean `guests.desktop`?",
            ],
        ),
        ("gpus.a.board=a4O", vec!["gpus.a.board = \"a4O\"", "a40"]),
        (
            "guests.desktop.count.more=3",
            vec!["`guests.desktop.count` is not a table"],
        ),
        (
            "guests.desktop.count",
            vec!["there is no `=`", "--set run.duration=10s"],
        ),
        ("guests.desktop.count=-1", vec!["`count`"]),
    ] {
        for command in ["validate", "run", "compare", "check"] {
            let (code, _, err) = place.run(&[command, "s.toml", "--set", set]);
            assert_eq!(code, 2, "{command} {set}: {err}");
            assert!(err.contains("--set"), "{command} {set}: {err}");
            for words in &wanted {
                assert!(err.contains(words), "{command} {set}: {words}: {err}");
            }
        }
    }
    // A mistake of the file is still one of the file.
    let (code, _, err) = place.run(&[
        "validate",
        "s.toml",
        "--set",
        "workloads.short.arrivals.rate=9/s",
    ]);
    assert_eq!(code, 0, "{err}");
    fs::write(
        place.0.path().join("wrong.toml"),
        SCENARIO.replace("count = 2", "cuont = 2"),
    )
    .unwrap();
    let (code, _, err) = place.run(&["validate", "wrong.toml", "--set", "run.seed=3"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("wrong.toml:13:1") && !err.contains("--set"),
        "{err}"
    );
}

#[test]
fn explain_says_what_sets_the_scheduler_on_a_real_host() {
    let place = Place::new();
    let host = |set: &[&str]| {
        let (_, out) = place.explain("s.toml", set);
        let at = out.find("On a real host").expect("the section");
        out[at..].to_owned()
    };
    let equal = "gpus.a.share.scheduler=equal-share";
    for (set, wanted) in [
        // Best effort is the absence of the scheduler.
        (
            &[][..],
            &[
                "RmPVMRL=0x00,",
                "set-scheduler-state -i GPU -p 1\n",
                "policy 1\n",
            ][..],
        ),
        // A40-4Q: at most 12 on a board, so that the default is 960 Hz.
        (
            &[equal],
            &[
                "RmPVMRL=0x01,",
                "-p 2 -a 1 -asf 960 -aavg 33\n",
                "policy 2, ARR mode 2 (on), frequency 960",
            ],
        ),
        // 60 = 0x3C and 100 = 0x064.
        (
            &[
                equal,
                "gpus.a.share.frequency=100Hz",
                "gpus.a.share.averaging_factor=60",
            ],
            &["RmPVMRL=0x3C064001,", "-p 2 -a 1 -asf 100 -aavg 60\n"],
        ),
        (
            &[
                "gpus.a.share.scheduler=fixed-share",
                "gpus.a.share.arr=false",
                "gpus.a.share.slice=5ms",
            ],
            &[
                "RmPVMRL=0x00050013,",
                "-p 3 -a 0 -ts 5000000\n",
                "refused from R595 on",
            ],
        ),
        (
            &[
                "gpus.a.share.scheduler=fixed-share",
                "gpus.a.share.elastic_cap=0.3",
            ],
            &[
                "RmPVMRL=0x11,",
                "RmPVMRLElasticSchedulingCap=0x0003000A, from R590.44.01 on",
            ],
        ),
        (
            &["gpus.a.share.scheduler=eevdf"],
            &["no host can be set to it"],
        ),
    ] {
        let out = host(set);
        for words in wanted {
            assert!(out.contains(words), "{set:?}: {words}: {out}");
        }
    }
}
