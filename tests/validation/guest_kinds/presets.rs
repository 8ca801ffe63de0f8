//! The built-in workloads: every one runs, says where it comes from, and has the numbers that it claims.

use assert_cmd::Command;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use warpshare::calibrate::{Options, Parameter, Point, Setting, fit};
use warpshare::scenario::preset::{self, Preset};
use warpshare::scenario::{Overrides, Scenario, parse};
use warpshare::workload::{OperationKind, Size, Workload};

fn all() -> Vec<Preset> {
    preset::all().expect("every preset can be read")
}

fn scenario(workload: &str) -> Result<Scenario, String> {
    let text = format!(
        "[run]\nduration = \"1s\"\nreplications = 1\n[gpus.a]\nboard = \"a40\"\n[guests.g]\ncontext = true\nworkload = \"w\"\n[workloads.w]\n{workload}"
    );
    match parse("s", &text, Path::new("."), &Overrides::default()) {
        Ok(loaded) => Ok(loaded.scenario),
        Err(findings) => Err(findings.iter().map(|finding| finding.render()).collect()),
    }
}

fn hash(workload: &str) -> String {
    scenario(workload)
        .unwrap_or_else(|error| panic!("{error}"))
        .hash
}

#[test]
fn a_preset_means_what_it_would_written_out() {
    for preset in all() {
        let named = hash(&format!("preset = \"{}\"\n", preset.name));
        let written = preset.workload().replace("[workload.", "[workloads.w.");
        assert_eq!(named, hash(&written), "{}", preset.name);
        assert!(!preset.sources.is_empty() && !preset.assumptions.is_empty());
    }
}

#[test]
fn keys_of_the_scenario_come_first() {
    let own = "preset = \"resnet50-infer\"\narrivals = { process = \"closed\", users = 99 }\n";
    let scenario = scenario(own).expect("valid");
    let workload = &scenario.guests[0].workload;
    assert!(matches!(
        workload.arrivals,
        warpshare::workload::Arrivals::Closed { users: 99, .. }
    ));
    assert_eq!(workload.stages.len(), 3);
    // Other stages, and all that names the preset's.
    let own = "preset = \"resnet50-infer\"\nreplace = [\"stages\"]\nstages.s.gpu.time = \"1ms\"\n";
    let scenario = self::scenario(own).expect("valid");
    assert_eq!(scenario.guests[0].workload.stages.len(), 1);
    // What does not go together is said at the key that brought it in.
    let clash =
        self::scenario("preset = \"cad-light\"\nbatching = { max = 2 }\n").expect_err("refused");
    assert!(clash.contains("`batching` does not apply here"), "{clash}");
    let unknown = self::scenario("preset = \"resnet5-infer\"\n").expect_err("refused");
    assert!(
        unknown.contains("did you mean `resnet50-infer`?"),
        "{unknown}"
    );
}

/// Measured points of a workload on slices of an A100, by batch.
fn points(file: &str, wanted: &dyn Fn(&BTreeMap<String, String>) -> bool) -> Vec<Point> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("data/measurements")
        .join(file);
    let mut reader = csv::Reader::from_path(path).expect("the measurements");
    let rows = reader.deserialize().map(|row| row.expect("a row"));
    rows.filter(|row| wanted(row))
        .map(|row: BTreeMap<String, String>| {
            let slices: f64 = row["mig_profile"][..1].parse().expect("slices");
            let memory = match slices {
                3.0 | 4.0 => 0.5,
                7.0 => 1.0,
                other => other / 8.0,
            };
            let batch: u32 = row["batch"].parse().expect("a batch");
            let value: f64 = row["value"].parse().expect("a number");
            let latency_ms = match row["metric"].as_str() {
                "latency_mean" => value,
                _ => f64::from(batch) / value * 1e3,
            };
            Point {
                at: Setting {
                    sms: 14.0 * slices / 108.0,
                    bandwidth: memory,
                    tenants: 1,
                    batch,
                },
                latency_ms,
            }
        })
        .collect()
}

fn workload(preset: &str) -> Workload {
    let text = format!("preset = \"{preset}\"\n");
    scenario(&text).expect("valid").guests[0].workload.clone()
}

/// GPU time of a batch in ms: without items, and for each item.
fn gpu_ms(workload: &Workload) -> (f64, f64) {
    for operation in workload.stages.iter().flat_map(|stage| &stage.operations) {
        if let OperationKind::Gpu(work) = &operation.kind {
            return match &work.time {
                Size::Sum { base, per_item, .. } => (base / 1e6, per_item / 1e6),
                Size::Drawn(dist) => (dist.mean() / 1e6, 0.0),
                Size::ByBatch(_) => panic!("not by batch"),
            };
        }
    }
    panic!("no GPU work");
}

/// The GPU work of every calibrated preset is what `warpshare calibrate` finds in the rows it names.
#[test]
fn calibrated_presets_have_the_numbers_of_the_fit() {
    type Wanted = Box<dyn Fn(&BTreeMap<String, String>) -> bool>;
    let parva = |model: &'static str| -> Wanted {
        Box::new(move |row| row["model"] == model && row["tenants"] == "1")
    };
    let migperf = |model: &'static str, task: &'static str| -> Wanted {
        Box::new(move |row| {
            row["model"] == model
                && row["task"].starts_with(task)
                && row["gpu"].ends_with("80GB")
                && ["", "64"].contains(&row["seq_len"].as_str())
        })
    };
    let mut cases: Vec<(&str, &str, Wanted, bool, f64)> = Vec::new();
    for (preset, model) in [
        ("resnet50-infer", "resnet50"),
        ("resnet101-infer", "resnet101"),
        ("resnet152-infer", "resnet152"),
        ("densenet121-infer", "densenet121"),
        ("densenet201-infer", "densenet201"),
        ("inceptionv3-infer", "inceptionv3"),
        ("vgg19-infer", "vgg19"),
    ] {
        cases.push((preset, "parvagpu_a100.csv", parva(model), true, 0.0));
    }
    for (preset, model, task, batch) in [
        ("bert-base-infer", "bert-base", "infer", 0.0),
        ("vit-infer", "vision_transformer", "infer", 0.0),
        ("resnet50-train", "resnet50", "train", 32.0),
        ("bert-base-train", "bert-base", "train", 32.0),
    ] {
        cases.push((
            preset,
            "migperf_a100.csv",
            migperf(model, task),
            false,
            batch,
        ));
    }
    for (preset, file, wanted, fixed, batch) in cases {
        let options = Options {
            given: match fixed {
                true => vec![(Parameter::MemoryBound, 0.0)],
                false => Vec::new(),
            },
            ..Options::default()
        };
        let fitted = fit(&points(file, &wanted), &options).expect("rows").model;
        let value = |parameter| fitted.get(parameter).expect("fitted");
        let (base, item) = (value(Parameter::Fixed), value(Parameter::PerItem));
        let (found_base, found_item) = gpu_ms(&workload(preset));
        let whole = base + batch * item;
        let item = if batch > 0.0 { 0.0 } else { item };
        // Written with four decimals.
        assert!(
            (found_base - whole).abs() < 0.002,
            "{preset}: {found_base}, {whole}"
        );
        assert!(
            (found_item - item).abs() < 1e-4,
            "{preset}: {found_item}, {item}"
        );
    }
}

fn cli(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::cargo_bin("warpshare")
        .expect("the binary is built")
        .arg("workload")
        .args(arguments)
        .output()
        .expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn they_are_listed_and_shown() {
    let (code, out, _) = cli(&["list"]);
    assert_eq!(code, Some(0));
    for preset in all() {
        assert!(out.contains(preset.name), "{}", preset.name);
    }
    let (_, out, _) = cli(&["list", "--kind", "llm", "--json"]);
    let rows: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(rows.as_array().map(Vec::len), Some(4));
    let (code, out, _) = cli(&["show", "vgg19-infer"]);
    assert_eq!(code, Some(0));
    assert!(
        out.starts_with("# VGG-19") && out.contains("# assumption: "),
        "{out}"
    );
    // What is shown is a part of a scenario.
    let shown = out
        .split_once("[workloads.vgg19-infer]\n")
        .expect("the table")
        .1;
    assert_eq!(hash(shown), hash("preset = \"vgg19-infer\"\n"));
    let (code, _, err) = cli(&["show", "vgg18-infer"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("did you mean `vgg19-infer`?"), "{err}");
    let (code, _, err) = cli(&["list", "--kind", "games"]);
    assert_eq!(code, Some(2));
    assert!(
        err.contains("the kinds are desktop, hpc, inference, llm, training, video"),
        "{err}"
    );
}

#[test]
fn they_run_alone_on_a_board() {
    let (code, out, err) = cli(&["run", "transcode-batch", "--on", "a40", "--quiet"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(
        out.contains("limit       NVENC: busy 100 % of the time"),
        "{out}"
    );
    // One stream of 1080p30: its decoder's part of the time times the sessions that fill it is one.
    let (_, out, _) = cli(&[
        "run",
        "transcode-1080p30",
        "--on",
        "l4",
        "--quiet",
        "--json",
    ]);
    let found: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let part = |name: &str| found["uses"][name].as_f64().expect("a part");
    let most = part("NVDEC").max(part("NVENC")).max(part("SMs"));
    let (_, out, _) = cli(&["run", "transcode-1080p30", "--on", "l4", "--quiet"]);
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let fill = format!("{} of them would fill", (1.0 / most).floor());
    assert!(words.contains(&fill), "{words}");
    let (code, out, _) = cli(&[
        "run",
        "llama-2-7b-chat",
        "--on",
        "a100-sxm4-80gb",
        "--quiet",
        "--json",
    ]);
    assert_eq!(code, Some(0));
    let found: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert!(
        found["limit"]
            .as_str()
            .expect("words")
            .starts_with("the GPU"),
        "{found}"
    );
    assert!(
        found["own_load"]["tokens"]["first_token_mean_ns"].is_f64(),
        "{found}"
    );
    let (code, _, err) = cli(&["run", "llama-2-13b-chat", "--on", "l4", "--quiet"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("does not fit into the memory"), "{err}");
    let (code, _, err) = cli(&["run", "hpc-nbody", "--on", "a41"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("a40"), "{err}");
}

/// Boards and types on which a preset is at home: the desktops on vGPUs of what is sold for them, others on the whole
/// board that their numbers are from or one that is larger.
fn homes(preset: &Preset) -> Vec<(&'static str, String)> {
    let vgpu = |name: &str| format!("vgpu = \"{name}\"");
    let context = || "context = true".to_owned();
    match (&*preset.kind, preset.name) {
        ("desktop", name) if name.starts_with("office") => vec![
            ("a40", vgpu("A40-2B")),
            ("a40", vgpu("A40-2Q")),
            ("l40s", vgpu("L40S-2B")),
            ("l4", vgpu("L4-2B")),
        ],
        ("desktop", _) => vec![
            ("a40", vgpu("A40-4Q")),
            ("a40", vgpu("A40-8Q")),
            ("l40s", vgpu("L40S-8Q")),
        ],
        ("video", _) => vec![("a40", context()), ("l40s", context())],
        _ => vec![("a100-sxm4-80gb", context()), ("h100-sxm5-80gb", context())],
    }
}

/// Nobody loses a job who has a board to himself: every preset, with the streams and the queue that it asks for.
/// A frame that takes longer than 50 ms is late.
#[test]
fn alone_on_an_idle_board_no_preset_drops_or_is_late() {
    for preset in all() {
        for (board, holds) in homes(&preset) {
            let mut guest = format!("{holds}\nstreams = {}\n", preset.streams);
            if let Some(queue) = preset.queue {
                guest += &format!("queue = {queue}\n");
            }
            if preset.kind == "desktop" {
                guest += "deadline = \"50ms\"\n";
            }
            let text = format!(
                "[run]\nduration = \"20s\"\nreplications = 2\nbaselines = false\n[gpus.a]\nboard = \"{board}\"\n\
                 [guests.g]\nworkload = \"w\"\n{guest}[workloads.w]\npreset = \"{}\"\n",
                preset.name
            );
            let loaded = parse("alone", &text, Path::new("."), &Overrides::default());
            let loaded = loaded.unwrap_or_else(|findings| {
                panic!(
                    "{}",
                    findings.iter().map(|f| f.render()).collect::<String>()
                )
            });
            let options = warpshare::experiment::Options::default();
            let result = warpshare::experiment::run(
                &loaded.scenario,
                &options,
                &warpshare::experiment::Silent,
            );
            let group = &result.expect("it runs").guests[0];
            let place = format!("{} on {board} with {holds}", preset.name);
            assert!(group.jobs.arrived > 0, "{place}");
            assert_eq!(
                (group.jobs.dropped, group.jobs.out_of_memory),
                (0, 0),
                "{place}"
            );
            let late = group.late_fraction.as_ref().map(|late| late.value);
            assert!(matches!(late, None | Some(Some(0.0))), "{place}: {late:?}");
        }
    }
}
