//! Objectives and verdicts as a user sees them: the first sentence, the tables, exit codes, messages, and the
//! words that explain them.

use assert_cmd::Command;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use warpshare::report::from_json;
use warpshare::result::{Grounds, Method, ObjectiveVerdict, RunResult, SubjectKind};

/// A lightly loaded guest; `more` goes into its table.
fn light(more: &str, run: &str) -> String {
    format!(
        "[run]\nduration = \"20s\"\nreplications = 5\n{run}\n[gpus.a]\nboard = \"a40\"\n[guests.web]\n\
         context = true\n{more}\nworkload = \"w\"\n[guests.batch]\ncontext = true\nworkload = \"b\"\n\
         [workloads.w]\narrivals = {{ process = \"poisson\", rate = \"50/s\" }}\nstages.s.gpu.time = {{ dist = \
         \"exponential\", mean = \"2ms\" }}\n[workloads.b]\narrivals = {{ process = \"poisson\", rate = \"1/s\" \
         }}\nstages.s.gpu.time = \"20ms\"\n"
    )
}

fn warpshare(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("warpshare").expect("the program");
    let output = command.current_dir(folder).args(arguments).output();
    let output = output.expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Runs a scenario; exit code, summary, messages and the result.
fn run(scenario: &str, more: &[&str]) -> (Option<i32>, String, String, RunResult) {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("s.toml"), scenario).expect("written");
    let arguments = [&["run", "s.toml", "--out", "o"], more].concat();
    let (code, out, err) = warpshare(folder.path(), &arguments);
    let json = fs::read_to_string(folder.path().join("o/summary.json"));
    let json = json.unwrap_or_else(|_| panic!("no results: {err}"));
    (code, out, err, from_json(&json).expect("a result"))
}

/// What `validate` says of a scenario with mistakes.
fn refused(scenario: &str) -> String {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("s.toml"), scenario).expect("written");
    let (code, _, err) = warpshare(folder.path(), &["validate", "s.toml"]);
    assert_eq!(code, Some(2), "{err}");
    err
}

fn case(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/cases")
        .join(name);
    fs::read_to_string(path).expect("a case")
}

fn row<'a>(out: &'a str, guest: &str) -> &'a str {
    let guests = out.split("\nGuests\n").nth(1).expect("the table of guests");
    let mut lines = guests.lines();
    let found = lines.find(|line| line.trim_start().starts_with(guest));
    found.expect("a row of the guest")
}

#[test]
fn late_frames_are_said_whatever_the_load() {
    let (code, out, _, result) = run(&case("01-verdict-ok-100-late.toml"), &[]);
    assert_eq!(code, Some(0));
    let late = result.guests[0]
        .late_fraction
        .as_ref()
        .and_then(|late| late.value);
    assert!(late.is_some_and(|late| late > 0.99), "{late:?}");
    let first = out.lines().next().expect("a line");
    assert!(
        first.starts_with("The load is sustained: designer (p95 "),
        "{first}"
    );
    assert!(out.contains("later than 50 ms"), "{out}");
    let row = row(&out, "designer");
    assert!(row.contains("% late") && !row.contains("ok"), "{row}");
    assert!(out.contains("deadline") && out.contains("50 ms"), "{out}");
}

#[test]
fn a_guest_that_misses_never_reads_well() {
    let asked = "objectives = [\"late < 1%\", \"throughput >= 1/s\"]\nworkload";
    let scenario = case("01-verdict-ok-100-late.toml").replacen("workload", asked, 1);
    let (code, out, _, result) = run(&scenario, &["--enforce"]);
    assert_eq!(code, Some(3), "{out}");
    let verdicts: Vec<_> = result.objectives.iter().map(|o| o.verdict).collect();
    assert_eq!(verdicts, [ObjectiveVerdict::Fail, ObjectiveVerdict::Pass]);
    let margin = result.objectives[0].margin.expect("a margin");
    assert!(margin < -0.9, "{margin}");
    assert!(
        out.starts_with("1 of 2 objectives is missed: designer: late < 1% ("),
        "{out}"
    );
    assert!(row(&out, "designer").ends_with("MISSED"), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 100));
    let (code, ..) = run(&scenario, &[]);
    assert_eq!(code, Some(0), "objectives count with --enforce only");
}

#[test]
fn objectives_that_hold_end_well_and_those_that_cannot_be_told_are_undecided() {
    let held = "objectives = [\"p95 < 1s\", \"late < 5%\", \"slowdown < 3\"]\ndeadline = \"500ms\"";
    let (code, out, err, result) = run(
        &light(held, "objectives = [\"utilisation < 90%\"]"),
        &["--enforce"],
    );
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.starts_with("All 4 objectives hold: "), "{out}");
    assert!(row(&out, "web").ends_with("holds"), "{out}");
    assert!(row(&out, "batch").ends_with("sustained"), "{out}");
    let gpu = result.objectives.last().expect("an objective");
    assert_eq!(
        (gpu.kind, gpu.metric.as_str()),
        (SubjectKind::Gpu, "gpu_time")
    );

    // The mean itself is in the middle of its interval.
    let mean = result
        .guests
        .iter()
        .find(|g| g.name == "web")
        .and_then(|g| g.response.mean_ns.value);
    let edge = format!("objectives = [\"mean < {:.0}ns\"]", mean.expect("a mean"));
    let (code, out, _, result) = run(&light(&edge, ""), &["--enforce"]);
    assert_eq!(code, Some(4), "{out}");
    assert_eq!(result.objectives[0].verdict, ObjectiveVerdict::Undecided);
    assert!(row(&out, "web").ends_with("undecided"), "{out}");
}

#[test]
fn an_overloaded_guest_misses_what_is_asked_of_its_latency() {
    let asked = "objectives = [\"p95 < 1h\", \"throughput > 1/s\"]";
    let scenario = light(asked, "").replace("rate = \"50/s\"", "rate = \"900/s\"");
    let (code, out, _, result) = run(&scenario, &["--enforce"]);
    assert_eq!(code, Some(3));
    assert_eq!(result.objectives[0].verdict, ObjectiveVerdict::Fail);
    assert_eq!(result.objectives[1].verdict, ObjectiveVerdict::Pass);
    assert!(out.contains("overloaded: web"), "{out}");
}

#[test]
fn without_chance_the_value_decides_and_says_so() {
    let scenario = light("objectives = [\"throughput >= 50/s\"]", "")
        .replace(
            "{ process = \"poisson\", rate = \"50/s\" }",
            "{ process = \"deterministic\", period = \"20ms\" }",
        )
        .replace("{ dist = \"exponential\", mean = \"2ms\" }", "\"2ms\"");
    let (_, out, _, result) = run(&scenario, &[]);
    assert_eq!(
        result.objectives[0].verdict,
        ObjectiveVerdict::Pass,
        "{out}"
    );
    let note = &result.objectives[0].note;
    assert!(
        matches!(note, Some(Grounds::Same | Grounds::NothingDrawn)),
        "{note:?}"
    );
}

#[test]
fn frames_that_are_dropped_show_in_the_table_and_in_the_figure() {
    let (_, out, _, result) = run(&case("dropped-frames.toml"), &[]);
    let viewer = &result.guests[0];
    let dropped = viewer.dropped_fraction.value.expect("a share");
    assert!((0.5..0.7).contains(&dropped), "{dropped}");
    let frames = viewer.frames_per_s.as_ref().and_then(|frames| frames.value);
    assert!(
        frames.is_some_and(|frames| (24.0..26.0).contains(&frames)),
        "{frames:?}"
    );
    assert!(
        out.contains("frames/s each") && out.contains("dropped"),
        "{out}"
    );
    assert!(row(&out, "viewer").contains("% dropped"), "{out}");
    let svg = warpshare::report::plot::svg(warpshare::report::plot::Figure::LatencyCdf, &result);
    let svg = svg.expect("a figure");
    assert!(
        svg.contains("% dropped, 25 fps") && svg.contains("&gt; 50 ms"),
        "the caption says so"
    );
}

#[test]
fn growth_over_a_terminating_window_is_a_remark() {
    let scenario = light("", "").replace(
        "[run]",
        "[run]\nhorizon = \"terminating\"\ndrain = \"200s\"",
    );
    let (_, out, _, _) = run(&scenario, &[]);
    assert!(!out.contains("grows over the window"), "{out}");
    let busy = scenario.replace("rate = \"50/s\"", "rate = \"900/s\"");
    let (_, out, _, result) = run(&busy, &[]);
    let remark = "the response of web grows over the window: ";
    assert_eq!(result.growth[0].guest, "web");
    assert!(out.contains(remark), "{out}");
    // As it was met: people who log in faster than their GPU draws.
    let (_, _, _, result) = run(
        &case("f-verdict-ok-preset-merge.toml"),
        &["--replications", "3"],
    );
    let slow = result.guests[0].response.mean_ns.value.expect("a mean") > 5e9;
    assert_eq!(slow, !result.growth.is_empty(), "{:?}", result.growth);
}

#[test]
fn mistakes_in_objectives_name_what_would_be_right() {
    let texts = [
        "p59 < 50ms",
        "p95 < 50",
        "late < 1%",
        "first_token.p99 < 1s",
        "frames_per_second >= 30",
        "jain >= 0.9",
        "p95 50ms",
        "throughput >= 95ms",
        "response < 50ms",
        "dropped < 200%",
        "jobs.dropped < 10",
        "p95 < 50ms",
        "p95  <  50ms",
        "throughput < 95/s",
    ];
    let list: Vec<String> = texts.iter().map(|text| format!("  {text:?},")).collect();
    let run = "objectives = [\n  \"jian >= 0.9\",\n  \"p95 < 50ms\",\n  \"jain >= 0.9s\",\n]";
    let scenario = light(&format!("objectives = [\n{}\n]", list.join("\n")), run);
    insta::assert_snapshot!(refused(&scenario));
}

#[test]
fn nothing_to_enforce_is_said_before_the_run() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("s.toml"), light("", "")).expect("written");
    let (code, out, err) = warpshare(folder.path(), &["run", "s.toml", "--enforce"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("has no objectives"), "{err}");
    assert!(!folder.path().join("results").exists());
}

#[test]
fn terms_are_explained() {
    let here = Path::new(".");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let page = fs::read_to_string(page).expect("the page of metrics");
    for term in [
        "slowdown",
        "interference",
        "reserved idle",
        "Jain",
        "ANTT",
        "STP",
        "verdict",
        "starvation",
        "warm-up",
        "late_fraction",
        "p95",
        "slice wait",
        "response",
        "sustained",
    ] {
        let (code, out, err) = warpshare(here, &["explain", term]);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{term}");
        assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
        // Word for word what the page says.
        let words: Vec<&str> = out
            .lines()
            .filter(|line| line.starts_with("  "))
            .flat_map(str::split_whitespace)
            .collect();
        let start = words.iter().take(6).copied().collect::<Vec<_>>().join(" ");
        let plain = page
            .replace('`', "")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(plain.contains(&start), "{term}: {start}");
    }
    let (code, out, err) = warpshare(here, &["explain", "slodown"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("did you mean `slowdown`?"), "{err}");
    let (code, out, _) = warpshare(here, &["explain"]);
    assert_eq!(code, Some(0));
    for term in ["verdict", "antt", "stp", "reserved_idle", "overload"] {
        assert!(out.contains(term), "{out}");
    }
}

/// A mean over replications is the mean of what the replications have, for every metric that is one.
#[test]
fn replications_and_the_whole_agree() {
    use warpshare::metrics::{Found, Number, Once, Scope, Subject, of_scope};
    let scenario = light("deadline = \"10ms\"", "");
    let (_, _, _, result) = run(&scenario, &[]);
    let window = result.plan.window_ns;
    let mut compared = 0;
    let mut agree = |name: String, whole: Option<f64>, method: Found, each: Vec<Option<f64>>| {
        if method != Found::Estimated(Method::T) {
            return;
        }
        let Some(each) = each.into_iter().collect::<Option<Vec<f64>>>() else {
            panic!("{name} has no value in a replication");
        };
        let mean = each.iter().sum::<f64>() / each.len() as f64;
        let whole = whole.expect("a value");
        assert!(
            (mean - whole).abs() <= 1e-9 * whole.abs().max(1.0),
            "{name}: {mean} and {whole}"
        );
        compared += 1;
    };
    for (index, group) in result.guests.iter().enumerate() {
        for metric in of_scope(Scope::Group, &[]) {
            let Some(figure) = metric.figure(Subject::Group(group)) else {
                continue;
            };
            let each = result.replications.iter();
            let each = each.map(|r| metric.once(Once::Guest(&r.guests[index], group), window));
            agree(
                metric.name("."),
                Number::value(figure.value),
                figure.method,
                each.collect(),
            );
        }
    }
    for (index, gpu) in result.gpus.iter().enumerate() {
        for metric in of_scope(Scope::Gpu, &[]) {
            let Some(figure) = metric.figure(Subject::Gpu(gpu)) else {
                continue;
            };
            let each = result.replications.iter();
            let each = each.map(|r| metric.once(Once::Gpu(&r.gpus[index]), window));
            agree(
                metric.name("."),
                Number::value(figure.value),
                figure.method,
                each.collect(),
            );
        }
        for (place, engine) in gpu.engines.iter().enumerate() {
            for metric in of_scope(Scope::Engine, &[]) {
                let Some(figure) = metric.figure(Subject::Engine(engine)) else {
                    continue;
                };
                let each = result.replications.iter();
                let each =
                    each.map(|r| metric.once(Once::Engine(&r.gpus[index].engines[place]), window));
                agree(
                    metric.name("."),
                    Number::value(figure.value),
                    figure.method,
                    each.collect(),
                );
            }
        }
    }
    assert!(compared > 15, "{compared}");
}
