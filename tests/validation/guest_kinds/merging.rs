//! A preset and the keys of a scenario become one workload, key by key: by the hash of what it means written out.

use std::path::Path;
use warpshare::scenario::explain::explain;
use warpshare::scenario::{Overrides, Scenario, load, parse};

const HEAD: &str = "[run]\nduration = \"1s\"\nreplications = 1\n[gpus.a]\nboard = \"a40\"\n\
                    [guests.g]\ncontext = true\nworkload = \"w\"\n[workloads.w]\n";

fn scenario(workload: &str) -> Result<Scenario, String> {
    let text = format!("{HEAD}{workload}");
    match parse("s", &text, Path::new("."), &Overrides::default()) {
        Ok(loaded) => Ok(loaded.scenario),
        Err(findings) => Err(findings.iter().map(|finding| finding.render()).collect()),
    }
}

fn hash(workload: &str) -> String {
    let scenario = scenario(workload).unwrap_or_else(|error| panic!("{error}\n{workload}"));
    scenario.hash
}

fn refused(workload: &str) -> String {
    scenario(workload).expect_err("refused")
}

/// `cad-medium`, written out with these parts.
fn written(render: &str, arrivals: &str) -> String {
    format!(
        "needs = [\"graphics\", \"encode\"]\nframes = {{ displays = 2 }}\nreference = \"a40\"\n\
         sequence = [\"input\", \"render\", \"encode\"]\nstages.input.host.time = \"2ms\"\n\
         stages.render.gpu = {{ {render} }}\nstages.encode.nvenc.time = \"1.152ms\"\n\
         arrivals = {{ {arrivals} }}\n"
    )
}

const RENDER: &str =
    "time = { dist = \"lognormal\", mean = \"2ms\", cv = 0.3 }, memory_bound = 0.4";
const ARRIVALS: &str = "process = \"on-off\", rate = \"60/s\", on = { dist = \"exponential\", mean = \"4s\" }, \
                        off = { dist = \"exponential\", mean = \"6s\" }";

/// What each change leaves as it is.
#[test]
fn only_the_named_key_changes() {
    let cad = |own: &str| hash(&format!("preset = \"cad-medium\"\n{own}\n"));
    assert_eq!(cad(""), hash(&written(RENDER, ARRIVALS)));
    let cases = [
        // A key deep within.
        (
            "stages.render.gpu.memory_bound = 0.1",
            RENDER.replace("0.4", "0.1"),
            ARRIVALS.into(),
        ),
        (
            "stages.render.gpu.time.mean = \"3ms\"",
            RENDER.replace("2ms", "3ms"),
            ARRIVALS.into(),
        ),
        (
            "arrivals.rate = \"30/s\"",
            RENDER.into(),
            ARRIVALS.replace("60/s", "30/s"),
        ),
        // The same kind, named again: still key by key.
        (
            "arrivals = { process = \"on-off\", on = \"1s\" }",
            RENDER.into(),
            ARRIVALS.replace("{ dist = \"exponential\", mean = \"4s\" }", "\"1s\""),
        ),
        // Another kind: none of the other's keys.
        (
            "arrivals = { process = \"poisson\", rate = \"30/s\" }",
            RENDER.into(),
            "process = \"poisson\", rate = \"30/s\"".into(),
        ),
        (
            "stages.render.gpu.time = { dist = \"exponential\", mean = \"2ms\" }",
            "time = { dist = \"exponential\", mean = \"2ms\" }, memory_bound = 0.4".into(),
            ARRIVALS.into(),
        ),
        // A value in place of a table.
        (
            "stages.render.gpu.time = \"5ms\"",
            "time = \"5ms\", memory_bound = 0.4".into(),
            ARRIVALS.into(),
        ),
        // Parameters of another form of the same distribution.
        (
            "stages.render.gpu.time = { mu = 14.5, sigma = 0.3 }",
            "time = { dist = \"lognormal\", mu = 14.5, sigma = 0.3 }, memory_bound = 0.4".into(),
            ARRIVALS.into(),
        ),
        // Another way to say how much there is to do.
        (
            "stages.render.gpu = { flops = \"1GFLOP\", bytes = \"1MB\", precision = \"fp32\" }\n\
             replace = [\"reference\"]",
            "flops = \"1GFLOP\", bytes = \"1MB\", precision = \"fp32\"".into(),
            ARRIVALS.into(),
        ),
    ];
    for (own, render, arrivals) in cases {
        let mut all = written(&render, &arrivals);
        if own.contains("reference") {
            all = all.replace("reference = \"a40\"\n", "");
        }
        assert_eq!(cad(own), hash(&all), "{own}");
        assert_ne!(cad(own), cad(""), "{own}");
    }
}

/// The case of a login storm: a distribution for one operation of one stage is all that changes, beside the
/// arrivals of another process.
#[test]
fn a_preset_keeps_its_stages_and_its_frames() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/cases/preset-merge.toml"
    );
    let scenario = load(file.as_ref(), &Overrides::default())
        .expect("valid")
        .scenario;
    for guest in &scenario.guests {
        let stages: Vec<&str> = guest
            .workload
            .stages
            .iter()
            .map(|stage| &*stage.name)
            .collect();
        assert_eq!(stages, ["input", "render", "encode"]);
        assert!(guest.workload.discipline.frames().is_some());
        assert!(guest.workload.needs.graphics);
    }
}

/// `replace` leaves out parts of the preset, with what stands there in the file, if anything, as all there is.
#[test]
fn parts_are_replaced_on_request() {
    let cad = |own: &str| hash(&format!("preset = \"cad-medium\"\n{own}\n"));
    // Without frames.
    let plain = written(RENDER, ARRIVALS).replace("frames = { displays = 2 }\n", "");
    assert_eq!(cad("replace = [\"frames\"]"), hash(&plain));
    // A key within: no memory-bound part at all.
    let alone = RENDER.replace(", memory_bound = 0.4", "");
    assert_eq!(
        cad("replace = [\"stages.render.gpu.memory_bound\"]"),
        hash(&written(&alone, ARRIVALS))
    );
    // A stage of one's own of the same name.
    let own = "replace = [\"stages.render\"]\nstages.render.gpu.time = \"1ms\"";
    assert_eq!(cad(own), hash(&written("time = \"1ms\"", ARRIVALS)));
    // All stages, and with them what names them.
    let own = "replace = [\"stages\"]\nstages.draw.gpu.time = \"1ms\"";
    let loaded = scenario(&format!("preset = \"cad-medium\"\n{own}\n")).expect("valid");
    let stages = &loaded.guests[0].workload.stages;
    assert_eq!((stages.len(), &*stages[0].name), (1, "draw"));
    // A language model is other work altogether.
    let llm = "replace = [\"needs\"]\nllm = { model = \"llama-2-7b\", prompt = \"9 tokens\", output = \"9 tokens\" }";
    let loaded = scenario(&format!("preset = \"cad-medium\"\n{llm}\n")).expect("valid");
    assert!(loaded.guests[0].workload.discipline.llm().is_some());
}

#[test]
fn what_cannot_be_replaced_is_said() {
    let cad = |own: &str| refused(&format!("preset = \"cad-medium\"\n{own}\n"));
    let message = cad("replace = [\"stages.rendr\"]");
    assert!(
        message.contains("did you mean `stages.render`?") && message.contains("s:11:"),
        "{message}"
    );
    assert!(cad("replace = [\"all\"]").contains("it has: "));
    assert!(cad("replace = \"stages\"").contains("`replace` must be an array"));
    let message = refused(
        "replace = [\"stages\"]\narrivals = { process = \"closed\" }\nstages.s.gpu.time = \"1ms\"\n",
    );
    assert!(message.contains("no `preset`"), "{message}");
    // A stage more needs its place; the message says what helps, and it does.
    let more = "stages.post.gpu.time = \"1ms\"";
    let message = cad(more);
    assert!(
        message.contains("the preset's sequence is input, render, encode"),
        "{message}"
    );
    let place = "sequence = [\"input\", \"render\", \"post\", \"encode\"]";
    scenario(&format!("preset = \"cad-medium\"\n{place}\n{more}\n")).expect("what it offers");
}

#[test]
fn explain_tells_the_preset_from_the_file() {
    let own = "preset = \"cad-medium\"\narrivals.rate = \"30/s\"\nstages.render.gpu.time.mean = \"3ms\"\n";
    let text = explain(&scenario(own).expect("valid"));
    let origin = |path: &str| {
        let mut rows = text.lines().filter(|line| line.starts_with(path));
        rows.next()
            .unwrap_or_else(|| panic!("no {path} in\n{text}"))
            .to_owned()
    };
    assert!(origin("workloads.w.preset ").ends_with("line 10"));
    assert!(origin("workloads.w.frames.displays").ends_with("preset cad-medium"));
    assert!(origin("workloads.w.arrivals.process").ends_with("preset cad-medium"));
    assert!(origin("workloads.w.stages.encode").ends_with("preset cad-medium"));
    let time = origin("workloads.w.stages.render.gpu.time");
    assert!(
        time.ends_with("line 12, the rest from preset cad-medium"),
        "{time}"
    );
}
