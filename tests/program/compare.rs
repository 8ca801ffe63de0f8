//! `warpshare compare` end to end: pairs, precision, refusals, and the same bytes for any thread count.

use assert_cmd::Command;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use warpshare::result::{ComparisonResult, Verdict};

const SCENARIO: &str = "\
[run]
duration = \"2s\"
replications = 5
[gpus.a]
board = \"a40\"
[guests.light]
vgpu = \"A40-8Q\"
count = 2
deadline = \"20ms\"
workload = \"light\"
[guests.heavy]
vgpu = \"A40-8Q\"
weight = 3
workload = \"heavy\"
[workloads.light]
arrivals = { process = \"poisson\", rate = \"40/s\" }
stages.draw.gpu.time = { dist = \"exponential\", mean = \"3ms\" }
[workloads.heavy]
arrivals = { process = \"closed\" }
stages.train.gpu.time = \"15ms\"
";

fn folder() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    fs::write(folder.path().join("s.toml"), SCENARIO).expect("written");
    folder
}

fn compare(folder: &Path, more: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("warpshare").expect("the program");
    command
        .current_dir(folder)
        .args(["compare", "s.toml"])
        .args(more);
    command.output().expect("it runs")
}

fn read(folder: &Path, out: &str) -> ComparisonResult {
    let text = fs::read_to_string(folder.join(out).join("comparison.json")).expect("the result");
    serde_json::from_str(&text).expect("a comparison")
}

#[test]
fn equal_policies_differ_by_exactly_nothing() {
    let folder = folder();
    // The default said once more, under another name.
    let policies = "best-effort,best-effort+turns=per-tenant,equal-share";
    let output = compare(folder.path(), &["--policies", policies]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let found = read(folder.path(), "results/s-compare");
    assert_eq!(found.against, "best-effort");
    assert_eq!(found.policies.len(), 3);
    assert_eq!(found.policies[0].hash, found.policies[1].hash);
    let mut tested = 0;
    for metric in &found.metrics {
        assert!(metric.values[0].difference.is_none());
        if let Some(difference) = &metric.values[1].difference {
            assert_eq!(
                (difference.mean, difference.p),
                (0.0, None),
                "{}",
                metric.metric
            );
            assert_eq!(difference.verdict, Verdict::Same);
            tested += 1;
        }
    }
    assert!(tested >= 12, "{tested}");
    // Reserved turns hold light guests up; the heavy guest gains.
    let slower = found.metrics.iter();
    let mut slower = slower.filter(|m| m.of == "light" && m.metric == "response.mean");
    let difference = slower.next().and_then(|m| m.values[2].difference.as_ref());
    let difference = difference.expect("compared");
    assert_eq!(difference.verdict, Verdict::Worse);
    assert!(difference.low > Some(0.0) && difference.adjusted_p >= difference.p);
    assert!(difference.variance_ratio.is_some());
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(
        text.contains("Against best-effort, the mean slowdown of a is"),
        "{text}"
    );
}

#[test]
fn turns_do_not_overlap_and_belong_to_guests() {
    let folder = folder();
    let output = compare(folder.path(), &["--policies", "round-robin,all", "--quiet"]);
    assert_eq!(
        output.status.code(),
        Some(2),
        "`all` is not the name of a policy in a list"
    );
    let output = compare(folder.path(), &["--quiet", "--replications", "2"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let found = read(folder.path(), "results/s-compare");
    assert!(found.policies.len() >= 16, "{}", found.policies.len());
    for policy in &found.policies {
        let rows: Vec<&str> = policy.turns.iter().map(|row| row.tenant.as_str()).collect();
        assert_eq!(rows, ["heavy", "light#0", "light#1"], "{}", policy.name);
        let mut turns: Vec<(u64, u64)> =
            policy.turns.iter().flat_map(|r| r.turns.clone()).collect();
        turns.sort_unstable();
        assert!(
            turns
                .iter()
                .all(|(from, until)| from < until && *until <= 100_000_000)
        );
        let apart = turns.windows(2).all(|pair| pair[0].1 <= pair[1].0);
        assert!(apart, "{}: two hold the SMs at once", policy.name);
    }
}

#[test]
fn results_do_not_depend_on_threads_or_speed() {
    let folder = folder();
    let policies = ["--policies", "stride,lottery,shortest-remaining", "--quiet"];
    let variants: [&[&str]; 3] = [
        &["--threads", "1"],
        &["--threads", "2"],
        &["--no-run-ahead"],
    ];
    for (n, variant) in variants.iter().enumerate() {
        let out = format!("out{n}");
        let mut more = policies.to_vec();
        more.extend(["--out", &out]);
        more.extend(*variant);
        let output = compare(folder.path(), &more);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    for file in [
        "comparison.json",
        "summary.txt",
        "comparison.csv",
        "turns.svg",
    ] {
        let read =
            |n: usize| fs::read(folder.path().join(format!("out{n}")).join(file)).expect("a file");
        assert_eq!(read(0), read(1), "{file}");
        assert_eq!(read(0), read(2), "{file}");
    }
}

#[test]
fn a_precision_is_reached_or_the_question_is_undecided() {
    let folder = folder();
    let policies = [
        "--policies",
        "best-effort,stride",
        "--quiet",
        "--no-baselines",
    ];
    let run = |more: &[&str]| {
        let mut all = policies.to_vec();
        all.extend(more);
        compare(folder.path(), &all)
    };
    let output = run(&["--precision", "60%", "--out", "coarse"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let found = read(folder.path(), "coarse")
        .sequential
        .expect("sequential");
    assert!(found.reached && found.worst <= 0.6 / 1.6);
    let output = run(&["--precision", "0.1%", "--most", "12", "--out", "fine"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let found = read(folder.path(), "fine").sequential.expect("sequential");
    assert_eq!(found.looks, [5, 8, 12]);
    assert!(!found.reached);
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(text.contains("precision not reached: "), "{text}");
}

/// Every view says which variant a value is of.
#[test]
fn variants_of_a_policy_have_names_of_their_own() {
    let folder = folder();
    let variants = [
        "gvt-g",
        "gvt-g+period_slices=4",
        "gvt-g+period_slices=4+settled_after=1",
    ];
    let list = variants.join(",");
    let output = compare(folder.path(), &["--policies", &list, "--replications", "2"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let found = read(folder.path(), "results/s-compare");
    let names: Vec<&str> = found.policies.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, variants);
    assert_ne!(found.policies[0].hash, found.policies[1].hash);
    assert_ne!(found.policies[1].hash, found.policies[2].hash);
    let out = folder.path().join("results/s-compare");
    for file in ["summary.txt", "comparison.csv", "turns.svg"] {
        let text = fs::read_to_string(out.join(file)).expect("a file");
        for name in variants {
            assert!(text.contains(name), "{file} does not name {name}");
        }
    }
}

#[test]
fn mistakes_are_explained() {
    let folder = folder();
    for (more, part) in [
        (vec!["--policies", "strid"], "did you mean `stride`?"),
        (vec!["--policies", "stride,stride"], "names `stride` twice"),
        (
            vec!["--policies", "stride+quantum=3"],
            "`stride` has no key `quantum`; it takes ",
        ),
        (
            vec!["--policies", "stride+period_slices=3"],
            "`stride` has no key `period_slices`",
        ),
        (
            vec!["--policies", "stride,gvt-g+perod_slices=3"],
            "`gvt-g` has no key `perod_slices`; did you mean `period_slices`?",
        ),
        (
            vec!["--policies", "gvt-g+period_slices=0"],
            "`gvt-g+period_slices=0`: `period_slices` is out of range; from 1 to 1000000",
        ),
        (
            vec!["--policies", "gvt-g+period_slices=2ms"],
            "must be a whole number",
        ),
        (
            vec!["--policies", "polling+service=gatd"],
            "`service` has no such word; gated, exhaustive, limited: did you mean `gated`?",
        ),
        (
            vec!["--policies", "gvt-g+period_slices=2+period_slices=3"],
            "`period_slices` is given twice",
        ),
        (
            vec![
                "--policies",
                "gvt-g+period_slices=2+settled_after=3,gvt-g+settled_after=3+period_slices=2",
            ],
            "are the same",
        ),
        (
            vec!["--policies", "mps-default+slice=2ms"],
            "`mps-default` has no key `slice`",
        ),
        (
            vec!["--policies", "fifo+slice=2ms"],
            "`slice` does not apply here",
        ),
        (vec!["--policies", ","], "names no scheduler"),
        (vec!["--metrics", ","], "names no metric"),
        (
            vec!["--metrics", "p99,response.p99"],
            "names `response.p99` twice",
        ),
        (vec!["--metrics", "anttt"], "did you mean `antt`?"),
        (
            vec!["--metrics", "heavy.jobs.arrived"],
            "has a metric `heavy.jobs.arrived`",
        ),
        (vec!["--precision", "2"], "write a percentage"),
        (vec!["--policies", "round-robin"], "does not serve vGPUs"),
    ] {
        let output = compare(folder.path(), &more);
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        let text = String::from_utf8(output.stderr).expect("text");
        assert!(text.contains(part), "{more:?}: {text}");
    }
    assert!(!folder.path().join("results").exists());
}

/// The table at the end of docs/policies.md; `UPDATE_DOCUMENTS=1` writes it anew.
#[test]
fn measured_behaviour_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = TempDir::new().expect("a temporary folder");
    let folder = out.path().join("out");
    let mut command = Command::cargo_bin("warpshare").expect("the program");
    let arguments = ["compare", "scenarios/schedulers.toml", "--quiet", "--out"];
    command.current_dir(root).args(arguments).arg(&folder);
    command.assert().success();
    let found = read(out.path(), "out");
    let columns: [(&str, &str, &str, f64, &str); 8] = [
        ("a", "antt", "ANTT", 1.0, ""),
        ("a", "stp", "STP", 1.0, ""),
        ("a", "jain_progress", "Jain index of progress", 1.0, ""),
        ("a", "longest_starvation", "longest starvation", 1e-6, " ms"),
        ("a", "switching", "switching", 100.0, " %"),
        ("desktop", "response.p95", "desktop p95", 1e-6, " ms"),
        ("model", "response.p95", "model p95", 1e-6, " ms"),
        ("training", "throughput", "training steps", 1.0, "/s"),
    ];
    let mut table = String::from("\n| Policy |");
    for (_, _, title, ..) in columns {
        table.push_str(&format!(" {title} |"));
    }
    table.push_str(&format!("\n|---|{}\n", "---|".repeat(columns.len())));
    for (place, policy) in found.policies.iter().enumerate() {
        table.push_str(&format!("| `{}` |", policy.name));
        for (of, metric, _, factor, unit) in columns {
            let mut metrics = found.metrics.iter();
            let metric = metrics
                .find(|m| m.of == of && m.metric == metric)
                .expect("a metric");
            let value = &metric.values[place];
            let Some(mean) = value.value else {
                table.push_str(" – |");
                continue;
            };
            let (mean, width) = (mean * factor, value.half_width.unwrap_or(0.0) * factor);
            let digits = if mean.abs() >= 100.0 { 0 } else { 2 };
            table.push_str(&match value.note {
                None => format!(" {mean:.digits$} ± {width:.digits$}{unit} |"),
                Some(_) => format!(" ({mean:.digits$}{unit}) |"),
            });
        }
        table.push('\n');
    }
    let path = root.join("docs/policies.md");
    let text = fs::read_to_string(&path).expect("the page");
    let (start, end) = ("<!-- measured -->", "<!-- /measured -->");
    let from = text.find(start).expect("the place of the table") + start.len();
    let to = text.find(end).expect("its end");
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::write(
            &path,
            format!("{}\n{table}\n{}", &text[..from], &text[to..]),
        )
        .expect("written");
    } else {
        let same = text[from..to].trim() == table.trim();
        assert!(
            same,
            "docs/policies.md is out of date; regenerate it with UPDATE_DOCUMENTS=1"
        );
    }
}

/// Clients of MPS take no turns, so nobody is shown to hold the SMs alone.
#[test]
fn clients_side_by_side_have_no_turns() {
    let place = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::cargo_bin("warpshare").expect("the program");
    let out = place.path().join("out");
    command
        .args(["compare", "scenarios/urgent-requests.toml", "--quiet"])
        .args([
            "--policies",
            "mps-priority,mps-default",
            "--against",
            "mps-default",
        ])
        .args(["--replications", "2", "--no-baselines", "--out"])
        .arg(&out)
        .current_dir(root);
    command.assert().success();
    let turns = std::fs::read_to_string(out.join("turns.csv")).expect("the turns");
    assert_eq!(turns.lines().count(), 1, "{turns}");
    let rows = std::fs::read_to_string(out.join("comparison.csv")).expect("the metrics");
    assert!(rows.contains("mps-priority"));
}
