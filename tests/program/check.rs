//! `warpshare check` as a user sees it: exit codes, what moved, the files.

use assert_cmd::Command;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use warpshare::check::{Baseline, RESULT_HASH, Value};

/// A scenario that takes milliseconds.
const TINY: &str = r#"
[run]
duration = "200ms"
warmup = "20ms"
replications = 2
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
arrivals = { process = "poisson", rate = "100/s" }
sequence = ["work"]

[workloads.short.stages.work.gpu]
time = { dist = "exponential", mean = "2ms" }
"#;

struct Place(TempDir);

impl Place {
    /// A folder with the scenario `tiny`.
    fn new() -> Place {
        let place = Place(TempDir::new().unwrap());
        fs::write(place.path("tiny.toml"), TINY).unwrap();
        place
    }

    /// The same, with its baseline.
    fn with_baseline() -> Place {
        let place = Place::new();
        let (code, out, err) = place.check(&["tiny.toml", "--update"]);
        assert_eq!(code, 0, "{err}");
        assert!(
            out.starts_with("tiny: results/baselines/tiny.json is written ("),
            "{out}"
        );
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn check(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::cargo_bin("warpshare").unwrap();
        let command = command.current_dir(self.0.path()).arg("check");
        let output = command.args(arguments).output().unwrap();
        (
            output.status.code().expect("an exit code"),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    fn baseline(&self) -> Baseline {
        Baseline::from_text(&self.read(FILE)).unwrap()
    }

    /// Changes the committed baseline, as a simulator of another version would have written it.
    fn alter(&self, change: impl FnOnce(&mut Baseline)) {
        let mut baseline = self.baseline();
        change(&mut baseline);
        fs::write(self.path(FILE), baseline.to_text().unwrap()).unwrap();
    }

    /// One latency 0.4 % longer, one rate a last bit higher, one metric that no longer exists.
    fn drift(&self) {
        self.alter(|baseline| {
            let metrics = &mut baseline.metrics;
            let Value::Whole(p95) = metrics["guests.one.response.p95_ns"] else {
                panic!("a quantile is a whole number");
            };
            let longer = Value::Whole(p95 * 1004 / 1000);
            metrics.insert("guests.one.response.p95_ns".to_owned(), longer);
            let Value::Real(rate) = metrics["guests.one.throughput_per_s"] else {
                panic!("a rate is a float");
            };
            let next = Value::Real(rate.next_up());
            metrics.insert("guests.one.throughput_per_s".to_owned(), next);
            metrics.insert("gpus.a.heat".to_owned(), Value::Real(0.5));
        });
    }
}

const FILE: &str = "results/baselines/tiny.json";

#[test]
fn an_update_writes_what_the_next_check_finds_to_be_the_same() {
    let place = Place::with_baseline();
    let written = place.read(FILE);
    let (code, out, err) = place.check(&["tiny.toml"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let count = place.baseline().metrics.len();
    assert_eq!(out, format!("tiny: same as {FILE} ({count} metrics)\n"));
    for way in [
        &["--threads", "1"][..],
        &["--no-run-ahead"],
        &["--no-round-jump"],
    ] {
        assert_eq!(
            place.check(&[&["tiny.toml", "--quiet"], way].concat()),
            (0, String::new(), String::new())
        );
    }
    let (code, out, _) = place.check(&["tiny.toml", "--update"]);
    assert_eq!(code, 0);
    assert!(out.contains("is unchanged"), "{out}");
    assert_eq!(place.read(FILE), written);
    let folder = fs::read_dir(place.path("results/baselines")).unwrap();
    assert_eq!(folder.count(), 1, "no temporary file is left");
}

#[test]
fn a_baseline_has_a_metric_a_line_and_nothing_of_the_machine() {
    let place = Place::with_baseline();
    insta::assert_snapshot!(place.read(FILE));
}

#[test]
fn a_drift_is_shown_by_metric() {
    let place = Place::with_baseline();
    place.drift();
    let (code, out, err) = place.check(&["tiny.toml"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("--update"), "{err}");
    insta::assert_snapshot!(out);
    let (code, out, err) = place.check(&["tiny.toml", "--quiet"]);
    assert_eq!((code, out.as_str()), (3, ""));
    let line = format!("error: tiny: drifted from {FILE}: 3 of ");
    assert!(err.starts_with(&line), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
}

#[test]
fn tolerances_let_metrics_move() {
    let place = Place::with_baseline();
    place.drift();
    let some = ["tiny.toml", "--tolerance", "guests.*=0.5%"];
    let (code, out, _) = place.check(&some);
    assert_eq!(code, 3);
    assert!(out.contains("3 of "), "{out}");
    assert!(
        out.contains("moved: 1 drifted, 2 within tolerance\n"),
        "{out}"
    );
    let all = [&some[..], &["--tolerance", "gpus.a.heat=ignore"]].concat();
    let (code, out, err) = place.check(&all);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("tiny: within tolerance of "), "{out}");
    assert!(out.contains("2 within tolerance, 1 ignored\n"), "{out}");
    let narrow = [&all[..], &["--tolerance", "guests.*.p95_ns=0.3%"]].concat();
    assert_eq!(place.check(&narrow).0, 3, "the closer pattern decides");
}

#[test]
fn tolerances_of_the_file_survive_an_update() {
    let place = Place::with_baseline();
    let (code, ..) = place.check(&["tiny.toml", "--update", "--tolerance", "guests.*=0.5%"]);
    assert_eq!(code, 0);
    place.drift();
    place.alter(|baseline| drop(baseline.metrics.remove("gpus.a.heat")));
    assert_eq!(place.check(&["tiny.toml"]).0, 0);
    let (code, out, _) = place.check(&["tiny.toml", "--update"]);
    assert_eq!(code, 0);
    assert!(out.contains("guests.one.response.p95_ns"), "{out}");
    let baseline = place.baseline();
    assert_eq!(baseline.tolerances.0["guests.*"].to_string(), "0.5%");
    let (code, out, _) = place.check(&["tiny.toml"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("tiny: same as "), "{out}");
}

#[test]
fn a_pattern_that_matches_nothing_is_told() {
    let place = Place::with_baseline();
    let (code, _, err) = place.check(&["tiny.toml", "--tolerance", "gusts.*=1%"]);
    assert_eq!(code, 0);
    assert_eq!(err, "warning: --tolerance gusts.* matches no metric\n");
}

#[test]
fn a_change_that_no_metric_shows_is_a_drift_unless_it_is_ignored() {
    let place = Place::with_baseline();
    place.alter(|baseline| {
        let other = Value::Text("0".repeat(64));
        baseline.metrics.insert(RESULT_HASH.to_owned(), other);
    });
    let (code, out, _) = place.check(&["tiny.toml"]);
    assert_eq!(code, 3);
    assert!(
        out.contains("something else in summary.json moved"),
        "{out}"
    );
    let ignored = ["tiny.toml", "--tolerance", "result.sha256=ignore"];
    assert_eq!(place.check(&ignored).0, 0);
}

#[test]
fn a_scenario_that_changed_is_named_before_all_else() {
    let place = Place::with_baseline();
    let (code, out, _) = place.check(&["tiny.toml", "--seed", "6"]);
    assert_eq!(code, 3);
    let reason = out.lines().nth(1).unwrap();
    assert!(
        reason.starts_with("  The scenario has changed, not only the program"),
        "{out}"
    );
    assert!(out.contains("guests.one.response.p95_ns"), "{out}");
}

#[test]
fn baselines_that_cannot_be_used_are_bad_input_with_a_remedy() {
    let place = Place::new();
    let (code, out, err) = place.check(&["tiny.toml"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("there is no baseline of `tiny`"), "{err}");
    assert!(err.contains("--update"), "{err}");

    let place = Place::with_baseline();
    let sound = place.read(FILE);
    let other = sound.replace("\"warpshare_baseline\": 1", "\"warpshare_baseline\": 7");
    for (text, what) in [
        (
            other,
            "a baseline of format 7, but this program reads format 1",
        ),
        (format!("<<<<<<< ours\n{sound}"), "damaged: "),
    ] {
        fs::write(place.path(FILE), text).unwrap();
        let (code, _, err) = place.check(&["tiny.toml"]);
        assert_eq!(code, 2);
        assert!(err.contains(what) && err.contains("--update"), "{err}");
        let (code, _, err) = place.check(&["tiny.toml", "--update"]);
        assert_eq!(code, 0);
        assert!(err.contains(what), "{err}");
        assert_eq!(place.read(FILE), sound);
    }

    // A file of somebody else is not written over.
    fs::write(place.path("package.json"), "{}\n").unwrap();
    let (code, _, err) = place.check(&["tiny.toml", "--baseline", "package.json", "--update"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("package.json: not a baseline of warpshare"),
        "{err}"
    );
    assert_eq!(place.read("package.json"), "{}\n");
}

#[test]
fn several_scenarios_have_a_folder_and_every_mistake_is_told() {
    let place = Place::with_baseline();
    fs::write(
        place.path("other.toml"),
        TINY.replace("seed = 5", "seed = 8"),
    )
    .unwrap();
    let both = ["tiny.toml", "other.toml"];
    let missing = [&both[..], &["missing.toml"]].concat();
    let (code, out, err) = place.check(&missing);
    assert_eq!(code, 2);
    assert!(out.starts_with("tiny: same as "), "{out}");
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(
        err.contains("other.json") && err.contains("missing.toml"),
        "{err}"
    );
    let (code, out, _) = place.check(&[&missing[..], &["--update"]].concat());
    assert_eq!((code, out.as_str()), (2, ""), "nothing is simulated");
    assert!(!place.path("results/baselines/other.json").exists());
    let (code, _, err) = place.check(&[&both[..], &["--baseline", "one.json"]].concat());
    assert_eq!(code, 2);
    assert!(err.contains("one file for several scenarios"), "{err}");
    let folder = ["--baseline", "agreed"];
    assert_eq!(
        place.check(&[&both[..], &folder, &["--update"]].concat()).0,
        0
    );
    let (code, out, _) = place.check(&[&both[..], &folder].concat());
    assert_eq!(code, 0);
    assert_eq!(out.lines().count(), 2, "{out}");
}

#[test]
fn junit_has_a_case_for_each_metric_and_the_failures() {
    let place = Place::with_baseline();
    place.drift();
    let ignore = ["--tolerance", "gpus.a.heat=ignore"];
    let arguments = [&["tiny.toml", "--junit", "reports/check.xml"][..], &ignore].concat();
    assert_eq!(place.check(&arguments).0, 3);
    let text = place.read("reports/check.xml");
    let xml = roxmltree::Document::parse(&text).unwrap();
    let suite = xml
        .descendants()
        .find(|node| node.has_tag_name("testsuite"))
        .unwrap();
    assert_eq!(suite.attribute("name"), Some("tiny"));
    let cases = suite
        .children()
        .filter(|node| node.has_tag_name("testcase"));
    assert_eq!(cases.count(), place.baseline().metrics.len());
    assert_eq!(suite.attribute("failures"), Some("2"));
    let failure = |metric: &str| {
        let mut nodes = xml.descendants();
        let case = nodes
            .find(|node| node.attribute("name") == Some(metric))
            .unwrap();
        let inner = case.first_element_child();
        inner.map(|node| {
            let message = node.attribute("message").unwrap_or_default().to_owned();
            (node.tag_name().name().to_owned(), message)
        })
    };
    let (kind, message) = failure("guests.one.response.p95_ns").unwrap();
    assert_eq!(kind, "failure");
    assert!(
        message.contains(" was ") && message.contains(" %)"),
        "{message}"
    );
    assert_eq!(failure("gpus.a.heat").unwrap().0, "skipped");
    assert_eq!(failure("gpus.a.useful"), None);
    let again = place.check(&arguments);
    assert_eq!((again.0, place.read("reports/check.xml")), (3, text));
}

#[test]
fn titles_and_comments_move_nothing() {
    let place = Place::with_baseline();
    let titled = format!("# What it is for.\ntitle = \"Two short ones\"\n{TINY}");
    for text in [titled.clone(), titled.replace("Two", "A couple of")] {
        fs::write(place.path("tiny.toml"), text).unwrap();
        let (code, out, err) = place.check(&["tiny.toml"]);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.starts_with("tiny: same as "), "{out}");
    }
}

#[test]
fn a_scenario_without_a_baseline_is_one_failure_among_the_others() {
    let place = Place::with_baseline();
    place.drift();
    fs::write(place.path("new.toml"), TINY).unwrap();
    fs::write(place.path("wrong.toml"), TINY.replace("a40", "a4000")).unwrap();
    let all = ["new.toml", "wrong.toml", "tiny.toml"];
    let (code, out, err) = place.check(&[&all[..], &["--junit", "check.xml"]].concat());
    assert_eq!(code, 2);
    assert!(out.starts_with("tiny: drifted from "), "{out}");
    assert!(err.contains("there is no baseline of `new`"), "{err}");
    assert!(err.contains("a4000"), "{err}");
    let text = place.read("check.xml");
    let xml = roxmltree::Document::parse(&text).unwrap();
    let suites: Vec<_> = xml
        .descendants()
        .filter(|node| node.has_tag_name("testsuite"))
        .collect();
    let named = |name: &str| {
        *suites
            .iter()
            .find(|s| s.attribute("name") == Some(name))
            .unwrap()
    };
    assert_eq!(suites.len(), 3);
    for (name, reason) in [("new", "there is no baseline"), ("wrong", "a4000")] {
        assert_eq!(named(name).attribute("failures"), Some("1"), "{text}");
        let failure = named(name)
            .descendants()
            .find(|node| node.has_tag_name("failure"))
            .unwrap();
        let told = failure.attribute("message").unwrap();
        assert!(told.contains(reason), "{told}");
    }
    assert_eq!(named("tiny").attribute("failures"), Some("3"));

    // With nothing else to compare it is still told in the file.
    let (code, _, _) = place.check(&["new.toml", "--junit", "new.xml", "--quiet"]);
    assert_eq!(code, 2);
    assert!(
        place
            .read("new.xml")
            .contains("there is no baseline of `new`")
    );
}

#[test]
fn a_tolerance_with_a_direction_is_one_sided() {
    let place = Place::with_baseline();
    // The baseline says 0.4 % more than there is: the metric has fallen.
    place.alter(|baseline| {
        let Value::Whole(p95) = baseline.metrics["guests.one.response.p95_ns"] else {
            panic!("a quantile is a whole number");
        };
        let longer = Value::Whole(p95 * 1004 / 1000);
        let path = "guests.one.response.p95_ns".to_owned();
        baseline.metrics.insert(path, longer);
    });
    for (tolerance, expected) in [
        ("+1%", 3),
        ("-1%", 0),
        ("-0.3%", 3),
        ("1%", 0),
        ("-1%..+5%", 0),
        ("-0.1%..+5%", 3),
        ("..+0%", 0),
        ("-1%..", 0),
    ] {
        let given = format!("*.p95_ns={tolerance}");
        let (code, out, err) = place.check(&["tiny.toml", "--tolerance", &given]);
        assert_eq!(code, expected, "{tolerance}: {out}{err}");
    }
    let (code, _, err) = place.check(&["tiny.toml", "--tolerance", "*=+-1%"]);
    assert_eq!(code, 2);
    assert!(err.contains("down only"), "{err}");
}

#[test]
fn limits_hold_whatever_the_baseline_says() {
    let place = Place::with_baseline();
    let path = "guests.one.response.p95_ns";
    let check = |limit: &str| place.check(&["tiny.toml", "--limit", limit]);
    let (code, out, _) = check("guests.*.response.p95_ns < 10s");
    assert_eq!(code, 0, "{out}");
    assert!(out.contains(&format!("  kept: {path} is ")), "{out}");
    let (code, out, _) = check("guests.*.response.p95_ns < 1us");
    assert_eq!(code, 3);
    assert!(out.starts_with("tiny: same as "), "{out}");
    assert!(out.contains(&format!("  MISSED: {path} is ")), "{out}");
    // Neither a limit of another unit nor one of no metric can hold.
    let (code, out, _) = check("guests.*.response.p95_ns < 5");
    assert_eq!(code, 3);
    assert!(out.contains("a time, such as 50ms"), "{out}");
    let (code, _, err) = check("gusts.*.response.p95_ns < 5ms");
    assert_eq!(code, 2);
    assert!(err.contains("matches no metric"), "{err}");
    assert_eq!(check("p95 = 5ms").0, 2);

    // A limit that lasts is in the baseline, and is one more case of the report.
    let limit = ["--limit", "guests.*.throughput_per_s >= 1000000/s"];
    let arguments = [&["tiny.toml", "--update"][..], &limit].concat();
    assert_eq!(place.check(&arguments).0, 0);
    let kept = place.baseline().limits;
    assert_eq!(
        kept.0["guests.*.throughput_per_s"].to_string(),
        ">= 1000000/s"
    );
    let (code, out, err) = place.check(&["tiny.toml", "--quiet", "--junit", "check.xml"]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains(">= 1000000/s"), "{err}");
    let xml = place.read("check.xml");
    assert!(
        xml.contains("guests.one.throughput_per_s &gt;= 1000000/s"),
        "{xml}"
    );
    assert!(xml.contains("failures=\"1\""), "{xml}");
}

#[test]
fn every_example_has_a_baseline_as_it_is_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &str, ending: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.extension().is_some_and(|found| found == ending));
        files
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect()
    };
    let examples = names("scenarios", "toml");
    assert_eq!(names("results/baselines", "json"), examples);
    for name in examples {
        let file = root.join(format!("results/baselines/{name}.json"));
        let text = fs::read_to_string(file).unwrap();
        let baseline = Baseline::from_text(&text).unwrap();
        assert_eq!(baseline.scenario, name);
        assert_eq!(baseline.to_text().unwrap(), text, "{name}");
    }
}
