//! What may be said of numbers: cases in which it was wrong, through the program.

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use warpshare::result::{
    ComparisonResult, Finding, GroupResult, Method, Reason, RunResult, Slice, Verdict,
};

fn case(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/data/cases").join(name)
}

/// The result of a command, and what it prints.
fn carried_out(command: &str, file: &Path, more: &[&str]) -> (String, String) {
    let place = TempDir::new().expect("a temporary folder");
    let out = place.path().join("out");
    let mut program = Command::cargo_bin("warpshare").expect("the program");
    program.arg(command).arg(file).args(more);
    let output = program.arg("--out").arg(&out).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let name = match command {
        "run" => "summary.json",
        _ => "comparison.json",
    };
    let json = fs::read_to_string(out.join(name)).expect("the result");
    (json, String::from_utf8(output.stdout).expect("text"))
}

fn run(file: &Path, more: &[&str]) -> (RunResult, String) {
    let (json, text) = carried_out("run", file, more);
    (serde_json::from_str(&json).expect("a result"), text)
}

fn compare(file: &Path, more: &[&str]) -> (ComparisonResult, String) {
    let (json, text) = carried_out("compare", file, more);
    (serde_json::from_str(&json).expect("a comparison"), text)
}

fn written(text: &str) -> (TempDir, PathBuf) {
    let place = TempDir::new().expect("a temporary folder");
    let file = place.path().join("s.toml");
    fs::write(&file, text).expect("written");
    (place, file)
}

fn guest<'a>(result: &'a RunResult, name: &str) -> &'a GroupResult {
    let mut groups = result.guests.iter();
    groups.find(|group| group.name == name).expect("a guest")
}

/// Words on one line each, whatever the width of the page.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn without_chance_there_is_no_interval_and_no_test() {
    let (found, text) = run(&case("trace-no-chance.toml"), &["--replications", "3"]);
    assert!(found.plan.no_chance);
    let without = found.no_chance.as_ref().expect("no chance");
    assert!(without.everything && without.guests == ["s", "t"] && without.gpus == ["a"]);
    for group in &found.guests {
        let mean = &group.response.mean_ns;
        assert!(
            mean.value.is_some() && mean.half_width.is_none(),
            "{mean:?}"
        );
        assert_eq!(mean.method, Method::NoChance);
        assert!(
            group
                .response
                .quantiles
                .iter()
                .all(|q| q.half_width_ns.is_none())
        );
    }
    let text = unwrapped(&text);
    assert!(
        text.contains("3 replications, all the same: nothing is drawn, no intervals"),
        "{text}"
    );
    assert!(!text.contains(" ± "), "{text}");

    let policies = [
        "--policies",
        "round-robin,stride,fifo",
        "--replications",
        "3",
    ];
    let (found, text) = compare(&case("trace-no-chance.toml"), &policies);
    assert!(found.plan.no_chance);
    assert_eq!((found.tested, found.explored), (0, 0));
    let mut compared = 0;
    for metric in &found.metrics {
        assert_eq!(metric.best, None, "{}", metric.metric);
        for value in &metric.values {
            assert_eq!(value.half_width, None, "{}", metric.metric);
            if let Some(difference) = &value.difference {
                compared += 1;
                assert!(matches!(difference.verdict, Verdict::Same | Verdict::Fixed));
                assert_eq!(
                    (difference.low, difference.p, difference.adjusted_p),
                    (None, None, None)
                );
            }
        }
    }
    assert!(compared > 20, "{compared}");
    for policy in &found.policies {
        let mut findings = policy.findings.iter();
        let said = findings.any(|finding| matches!(finding, Finding::NoChance(_)));
        assert!(said, "{}: {:?}", policy.name, policy.findings);
    }
    let text = unwrapped(&text);
    assert!(text.contains("no difference tested"), "{text}");
    assert!(
        text.contains("are facts of these runs and are not tested"),
        "{text}"
    );
}

/// A scheduler that draws brings chance, and can be compared with one that does not.
#[test]
fn a_lottery_is_compared_with_what_is_not_drawn() {
    let policies = ["--policies", "round-robin,lottery", "--replications", "4"];
    let (found, _) = compare(&case("trace-no-chance.toml"), &policies);
    assert!(!found.plan.no_chance);
    assert!(found.tested > 0);
    let metric = found.metrics.iter();
    let mut metric = metric.filter(|m| m.of == "s" && m.metric == "response.mean");
    let metric = metric.next().expect("the mean");
    assert!(metric.values[0].half_width.is_none() && metric.values[1].half_width.is_some());
    assert!(
        metric.values[1]
            .difference
            .as_ref()
            .expect("compared")
            .p
            .is_some()
    );
}

/// `run` and `compare` say the same of a policy: values, intervals and checks.
#[test]
fn comparisons_report_what_runs_report() {
    let file = case("mix.toml");
    let few = ["--replications", "4", "--no-baselines"];
    let (alone, _) = run(&file, &few);
    let mut more = vec!["--policies", "round-robin,priority"];
    more.extend(few);
    let (found, text) = compare(&file, &more);
    assert_eq!(found.against, "round-robin");
    for group in &alone.guests {
        for quantile in group.response.quantiles.iter().filter(|q| q.p < 0.999) {
            let name = format!("response.p{}", (quantile.p * 1000.0).round() / 10.0);
            let mut rows = found.metrics.iter();
            let row = rows.find(|row| row.of == group.name && row.metric == name);
            let value = &row.expect("the quantile").values[0];
            assert_eq!(value.value, quantile.value_ns.map(|ns| ns as f64), "{name}");
            if group.overload.is_none() {
                assert_eq!(value.half_width, quantile.half_width_ns, "{name}");
            }
        }
        let mut rows = found.metrics.iter();
        let mean = rows.find(|row| row.of == group.name && row.metric == "response.mean");
        assert_eq!(
            mean.expect("the mean").values[0].value,
            group.response.mean_ns.value
        );
    }
    // Each check of the run is there.
    let findings = &found.policies[0].findings;
    for group in &alone.guests {
        let check = &group.warmup_check;
        if check.verdict.in_doubt() {
            let said = findings
                .iter()
                .any(|f| matches!(f, Finding::WarmUp { guest, .. } if *guest == group.name));
            assert!(said, "{}: {findings:?}", group.name);
            assert!(
                text.contains(&format!("warm-up of {}", group.name)),
                "{text}"
            );
        }
        let overload = findings
            .iter()
            .any(|f| matches!(f, Finding::Overload(found) if found.guest == group.name));
        assert_eq!(overload, group.overload.is_some());
    }
    assert!(
        !findings.is_empty(),
        "a run of 20 s with training steps has something to be said of"
    );
    // Nobody is called a possible best and worse in one breath.
    for row in &found.metrics {
        for (policy, value) in found.policies.iter().zip(&row.values) {
            let worse = value
                .difference
                .as_ref()
                .is_some_and(|d| d.verdict == Verdict::Worse);
            let best = row
                .best
                .as_ref()
                .is_some_and(|best| best.candidates.contains(&policy.name));
            assert!(
                !(worse && best),
                "{} of {}: {}",
                row.metric,
                row.of,
                policy.name
            );
        }
    }
}

#[test]
fn everything_that_a_run_reports_can_be_compared_and_chosen() {
    let file = case("two-llm.toml");
    let more = [
        "--policies",
        "round-robin,fifo",
        "--replications",
        "3",
        "--no-baselines",
        "--metrics",
        "chat.first_token.p95,goodput",
    ];
    let (found, text) = compare(&file, &more);
    let of_chat = |name: &str| {
        let mut rows = found.metrics.iter();
        rows.find(|row| row.of == "chat" && row.metric == name)
    };
    for name in [
        "first_token.mean",
        "first_token.p95",
        "between_tokens.p99",
        "goodput",
        "generated",
        "late_fraction",
        "dropped_fraction",
        "service.mean",
    ] {
        let row = of_chat(name).unwrap_or_else(|| panic!("no {name}"));
        assert!(
            row.values.iter().all(|value| value.value.is_some()),
            "{name}"
        );
    }
    assert_eq!(found.primary, ["chat.first_token.p95", "goodput"]);
    let primary: Vec<&str> = found
        .metrics
        .iter()
        .filter(|row| row.primary)
        .map(|row| row.metric.as_str())
        .collect();
    assert_eq!(primary, ["first_token.p95", "goodput"]);
    assert!(
        found.tested <= 2 && found.explored > 10,
        "{} {}",
        found.tested,
        found.explored
    );
    let exploratory = found.metrics.iter().filter(|row| !row.primary);
    let differences = exploratory
        .flat_map(|row| &row.values)
        .filter_map(|v| v.difference.as_ref());
    assert!(
        differences
            .into_iter()
            .all(|difference| difference.adjusted_p.is_none())
    );
    assert!(text.contains("Guest chat, exploratory"), "{text}");
}

/// What is missing is named with the key that supplies it, and it is enough.
#[test]
fn missing_data_is_named_and_supplied() {
    let file = case("no-interval.toml");
    let quick = |replications: &str| {
        let (found, _) = run(&file, &["--no-baselines", "--replications", replications]);
        let quantiles = guest(&found, "d").response.quantiles.clone();
        quantiles.into_iter().find(|q| q.p == 0.95).expect("p95")
    };
    let first = quick("3");
    assert_eq!(first.half_width_ns, None, "{first:?}");
    let Some(Reason::TooFewJobs { remedy, .. }) = &first.note else {
        panic!("{first:?}");
    };
    assert!(remedy.duration_ns.is_some(), "{first:?}");
    let number = remedy.replications.expect("a number");
    assert!((4..=40).contains(&number), "{first:?}");
    // Three replications know the correlation of jobs only roughly; these are enough whatever it is.
    let then = quick("40");
    assert!(then.half_width_ns.is_some(), "{then:?}");
    assert!([Method::Inversion, Method::Sectioning].contains(&then.method));
}

fn burst(horizon: &str, drain: &str) -> String {
    format!(
        "preset = \"neutral\"\n[run]\nhorizon = \"{horizon}\"\nduration = \"10s\"\ndrain = \"{drain}\"\nreplications = 3\n\
         baselines = false\n[gpus.a]\nboard = \"neutral\"\nshare = {{ scheduler = \"fifo\" }}\n[guests.g]\n\
         context = true\nworkload = \"w\"\n[workloads.w]\narrivals = {{ process = \"poisson\", rate = \"120/s\" }}\n\
         stages.s.gpu.time = \"10ms\"\n"
    )
}

/// At 1.2 times what the GPU can do: a run with an end works it off, one without would not.
#[test]
fn a_terminating_run_is_overloaded_by_what_is_left() {
    for (horizon, drain, overloaded) in [
        ("terminating", "10s", false),
        ("terminating", "1s", true),
        ("steady", "60s", true),
    ] {
        let (_place, file) = written(&burst(horizon, drain));
        let (found, _) = run(&file, &[]);
        let why = &guest(&found, "g").overload;
        assert_eq!(why.is_some(), overloaded, "{horizon} {drain}: {why:?}");
    }
}

#[test]
fn slices_that_differ_are_named() {
    let few = ["--replications", "2", "--no-baselines"];
    let mut more = vec![
        "--policies",
        "round-robin+slice=2ms,stride+slice=2ms,round-robin+slice=5ms",
    ];
    more.extend(few);
    let (found, text) = compare(&case("trace-no-chance.toml"), &more);
    let remark = "Slices differ: 2ms under round-robin+slice=2ms and stride+slice=2ms, 5ms under round-robin+slice=5ms.";
    let lengths: Vec<u64> = found.slices.iter().map(|slice| slice.length_ns).collect();
    assert_eq!(lengths, [2_000_000, 5_000_000]);
    assert!(unwrapped(&text).contains(remark), "{text}");
    let same = [
        "--policies",
        "round-robin+slice=2ms,stride+slice=2ms",
        "--replications",
        "2",
    ];
    let (found, _) = compare(&case("trace-no-chance.toml"), &same);
    assert_eq!(found.slices, [] as [Slice; 0]);
}
