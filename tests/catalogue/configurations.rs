//! GPUs of a scenario that a file configures: every config and capture at hand gives what its
//! written-out form gives, or is refused for the reasons that `warpshare import` gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use warpshare::catalog::Catalog;
use warpshare::diagnostics::{Diagnostic, Diagnostics};
use warpshare::import::{
    Capture, Config, ConfigFile, Content, Devices, ImportedGpu, apply, apply_to, devices,
    scenario_text,
};
use warpshare::scenario::{self, Division, Loaded, Origin, Overrides};

const REST: &str = "[run]\nduration = \"1s\"\nbaselines = false\n[workloads.w]\n\
                    arrivals = { process = \"poisson\", rate = \"5/s\" }\n\
                    stages.s.gpu.time = \"2ms\"\n";

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn parse(text: &str) -> Result<Loaded, Vec<Diagnostic>> {
    scenario::parse("x.toml", text, &data(), &Overrides::default())
}

fn loaded(text: &str) -> Loaded {
    parse(text).unwrap_or_else(|wrong| panic!("{}\n{text}", Diagnostics(wrong).render()))
}

fn partition(path: &str) -> ConfigFile {
    let text = fs::read_to_string(data().join(path)).expect("a readable file");
    ConfigFile::read(path, &text).unwrap_or_else(|wrong| panic!("{}", wrong.render()))
}

/// One GPU of a scenario, configured and written out, and the guests of either.
struct Case {
    configured: String,
    written: String,
    guests: String,
}

impl Case {
    fn new(name: &str, board: Option<&str>, config: &str, made: &ImportedGpu) -> Case {
        let alone = ImportedGpu {
            device: None,
            ..made.clone()
        };
        let written = scenario_text(&[alone]).replace("[gpus.a", &format!("[gpus.{name}"));
        let board = board.map_or(String::new(), |id| format!("board = \"{id}\"\n"));
        let mut guests = String::new();
        let mut add = |on: String, holds: String| {
            let number = guests.matches("[guests.").count();
            // Writing to a string cannot fail.
            let _ = writeln!(
                guests,
                "[guests.{name}-{number}]\non = \"{on}\"\n{holds}\nworkload = \"w\""
            );
        };
        for held in &made.guests {
            let place = held
                .instance
                .map_or(String::new(), |at| format!(".{}", made.instances[at].name));
            let holds = format!("vgpu = \"{}\"\ncount = {}", held.type_name, held.count);
            add(format!("{name}{place}"), holds);
        }
        if made.guests.is_empty() && made.instances.is_empty() {
            add(name.to_owned(), "context = true".to_owned());
        } else if made.guests.is_empty() {
            for instance in &made.instances {
                let on = format!("{name}.{}", instance.name);
                add(on, "context = true".to_owned());
            }
        }
        Case {
            configured: format!("[gpus.{name}]\n{board}config = \"{config}\"\n"),
            written,
            guests,
        }
    }
}

/// Both forms of all cases: the same scenario, or refused alike; those that are not refused are then
/// compared without the others. How many were accepted?
fn same(cases: &[&Case]) -> usize {
    if cases.is_empty() {
        return 0;
    }
    let mut configured = String::from(REST);
    let mut written = String::from(REST);
    let mut ends = Vec::new();
    for case in cases {
        configured += &format!("{}{}", case.configured, case.guests);
        written += &format!("{}{}", case.written, case.guests);
        ends.push(configured.lines().count());
    }
    match (parse(&configured), parse(&written)) {
        (Ok(configured), Ok(written)) => {
            assert_eq!(configured.scenario.hash, written.scenario.hash);
            cases.len()
        }
        (Err(mine), Err(theirs)) => {
            let titles = |list: &[Diagnostic]| {
                let mut titles: Vec<String> = list.iter().map(|d| d.title.clone()).collect();
                titles.sort();
                titles
            };
            assert_eq!(titles(&mine), titles(&theirs), "{configured}");
            let wrong: BTreeSet<usize> = mine
                .iter()
                .filter_map(Diagnostic::position)
                .map(|(line, _)| ends.partition_point(|end| *end < line))
                .collect();
            assert!(!wrong.is_empty(), "{:?}", titles(&mine));
            let fine = (0..cases.len()).filter(|at| !wrong.contains(at));
            let fine: Vec<&Case> = fine.map(|at| cases[at]).collect();
            same(&fine)
        }
        (Ok(_), Err(wrong)) => panic!("only configured:\n{}", Diagnostics(wrong).render()),
        (Err(wrong), Ok(_)) => panic!("only written out:\n{}", Diagnostics(wrong).render()),
    }
}

/// Refused configs: board, config and the reasons that stand against it.
fn refused(cases: &[(&str, String, Vec<String>)]) {
    if cases.is_empty() {
        return;
    }
    let mut text = String::from(REST);
    let mut lines = Vec::new();
    for (number, (board, config, _)) in cases.iter().enumerate() {
        let _ = writeln!(
            text,
            "[gpus.c{number}]\nboard = \"{board}\"\nconfig = \"{config}\""
        );
        lines.push(text.lines().count());
    }
    text.push_str("[guests.g]\non = \"c0\"\ncontext = true\nworkload = \"w\"\n");
    let findings = parse(&text).expect_err("configs that do not fit");
    let mut by_line: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for finding in &findings {
        // What the catalogue does not know of a board is wanted with any config.
        if finding.label != "needed for this scenario" {
            let (line, _) = finding.position().expect("a place");
            by_line.entry(line).or_default().push(&finding.label);
        }
    }
    for ((board, config, reasons), line) in cases.iter().zip(lines) {
        let said = by_line.remove(&line).unwrap_or_default();
        assert_eq!(&said, reasons, "{board} {config}");
    }
    assert!(by_line.is_empty(), "{by_line:?}");
}

const NOTHING: &str = "MIG is on without a GPU instance: no work can run here";

/// The configs of a file on all boards; those for other boards' vGPU types in turn on one board each, since
/// a file has hundreds of them. How many cases were accepted, how many refused?
fn every_config(path: &str, boards: &[&str], catalog: &Catalog) -> (usize, usize) {
    let file = partition(path);
    let counts = |config: &Config| {
        let mut list: Vec<u32> = Vec::new();
        for entry in &config.entries {
            if let Devices::Some(more) = &entry.devices {
                list.extend(more);
            }
        }
        list
    };
    let (mut accepted, mut wrong) = (0, 0);
    let mut cases = Vec::new();
    let mut not = Vec::new();
    for (turn, &board) in boards.iter().enumerate() {
        for (number, config) in file.configs.iter().enumerate() {
            let own = config.entries.iter().any(|entry| match &entry.content {
                Content::Mig { .. } | Content::Replicas(_) => true,
                Content::Vgpus(list) => list.iter().any(|(name, _)| {
                    catalog
                        .vgpu_type(board, name.trim_end_matches("GFX"))
                        .is_some()
                }),
            });
            if !own && number % boards.len() != turn {
                continue;
            }
            let whole = format!("{path}#{}", config.name);
            let indices = counts(config);
            let mut one = |config: String, made: Result<ImportedGpu, Vec<String>>| match made {
                Ok(gpu) if gpu.mig && gpu.instances.is_empty() => {
                    not.push((board, config, vec![NOTHING.to_owned()]));
                }
                Ok(gpu) => {
                    let name = format!("c{}", cases.len());
                    cases.push(Case::new(&name, Some(board), &config, &gpu));
                }
                Err(reasons) => not.push((board, config, reasons)),
            };
            let words = |reasons: Vec<warpshare::import::Refusal>| -> Vec<String> {
                reasons.iter().map(ToString::to_string).collect()
            };
            if indices.is_empty() {
                let made = apply(catalog, board, config).map_err(words);
                let only = made.map(|mut list| {
                    assert_eq!(list.len(), 1, "for all GPUs alike");
                    list.remove(0)
                });
                one(whole, only);
                continue;
            }
            let all = devices(catalog, board, config).expect("each GPU once");
            assert_eq!(all.len(), indices.len());
            let list: Vec<String> = indices.iter().map(u32::to_string).collect();
            let ask = format!("it has an entry each for GPUs {}", list.join(", "));
            one(whole.clone(), Err(vec![ask]));
            for index in indices {
                let made = apply_to(catalog, board, config, index).map_err(words);
                one(format!("{whole}@{index}"), made);
            }
        }
        // Several boards in one scenario: reading files and catalogue takes longest.
        if cases.len() > 100 || turn + 1 == boards.len() {
            accepted += same(&cases.iter().collect::<Vec<_>>());
            cases.clear();
        }
        if not.len() > 200 || turn + 1 == boards.len() {
            wrong += not.len();
            refused(&not);
            not.clear();
        }
    }
    (accepted, wrong)
}

#[test]
fn mig_parted_configs_are_their_written_out_form() {
    let catalog = Catalog::builtin().expect("well formed");
    let mut boards = catalog.gpus_with_mig();
    boards.push("l40s"); // without MIG
    for (path, least) in [
        ("partition-configs/mig-parted_config-default.yaml", 100),
        ("partition-configs/mig-parted_examples-config.yaml", 60),
    ] {
        let (accepted, refused) = every_config(path, &boards, &catalog);
        assert!(accepted > least && refused > least, "{accepted} {refused}");
    }
}

#[test]
fn vgpu_configs_are_their_written_out_form() {
    let catalog = Catalog::builtin().expect("well formed");
    let mut boards = catalog.gpus_with_vgpu_types();
    boards.retain(|id| catalog.gpu(id).is_some());
    let path = "partition-configs/vgpu-device-manager_config-example.yaml";
    let (accepted, refused) = every_config(path, &boards, &catalog);
    assert!(accepted > 300 && refused > 300, "{accepted} {refused}");
    let path = "partition-configs/vgpu-device-manager_config-t4.yaml";
    let (accepted, _) = every_config(path, &["t4", "a40"], &catalog);
    assert_eq!(accepted, 11, "five for all GPUs, three for two each");
}

#[test]
fn captured_gpus_are_their_written_out_form() {
    let catalog = Catalog::builtin().expect("well formed");
    for name in ["qx-a100.xml", "qx-h100.xml", "qx-l40s.xml", "qx-t4.xml"] {
        let path = format!("nvidia-smi-captures/{name}");
        let text = fs::read_to_string(data().join(&path)).expect("a readable file");
        let seen = Capture::read(name, &text).unwrap_or_else(|e| panic!("{}", e.render()));
        let made = seen
            .boards(&catalog, None)
            .unwrap_or_else(|e| panic!("{}", e.render()));
        let mut cases = Vec::new();
        for (index, gpu) in made.iter().enumerate() {
            let bus = seen.gpus[index].bus_id.clone().expect("an id");
            let short = bus.trim_start_matches("00000000:").to_ascii_lowercase();
            for which in [index.to_string(), bus, short] {
                for board in [None, Some(gpu.gpu_id.as_str())] {
                    let config = format!("{path}#{which}");
                    let name = format!("c{}", cases.len());
                    cases.push(Case::new(&name, board, &config, gpu));
                }
            }
        }
        if let [only] = made.as_slice() {
            cases.push(Case::new("alone", None, &path, only));
        }
        assert_eq!(same(&cases.iter().collect::<Vec<_>>()), cases.len());
    }
}

/// With copies the link counts: the capture's, unless the scenario says otherwise.
#[test]
fn the_link_of_a_capture_is_used_where_the_scenario_has_none() {
    let text = fs::read_to_string(data().join("nvidia-smi-captures/qx-l40s.xml")).expect("a file");
    let folder = tempfile::tempdir().expect("a folder");
    let slower = text
        .replace(
            "<max_link_gen>4</max_link_gen>",
            "<max_link_gen>3</max_link_gen>",
        )
        .replace(">16x<", ">8x<");
    assert_ne!(slower, text);
    fs::write(folder.path().join("slow.xml"), slower).expect("written");
    let path = folder.path().join("scenario.toml");
    let rate = |gpu: &str| {
        let whole = format!(
            "{REST}stages.s.copy-in.bytes = \"1MiB\"\n[gpus.a]\n{gpu}\n\
             [guests.g]\ncontext = true\nworkload = \"w\"\n"
        );
        fs::write(&path, &whole).expect("written");
        let read = scenario::load(&path, &Overrides::default());
        let read = read.unwrap_or_else(|e| panic!("{}", Diagnostics(e).render()));
        read.scenario.gpus[0].board.link.bytes_per_second
    };
    let captured = rate("config = \"slow.xml\"");
    assert_eq!(
        captured,
        rate("board = \"l40s\"\npcie = { gen = 3, lanes = 8 }")
    );
    assert_ne!(captured, rate("board = \"l40s\""));
    for own in [
        "pcie = { gen = 4, lanes = 4 }",
        "pcie_bandwidth = \"5GB/s\"",
    ] {
        let with = rate(&format!("config = \"slow.xml\"\n{own}"));
        assert_eq!(with, rate(&format!("board = \"l40s\"\n{own}")));
    }
    assert_eq!(
        rate("config = \"slow.xml\"\npcie = { gen = 4 }"),
        rate("board = \"l40s\"\npcie = { gen = 4, lanes = 8 }")
    );
}

#[test]
fn a_captured_division_is_taken_over() {
    let whole = fs::read_to_string(data().join("nvidia-smi-captures/qx-a100.xml")).expect("a file");
    let (before, rest) = whole.split_once("<mig_devices>").expect("one");
    let (_, after) = rest.split_once("</mig_devices>").expect("one");
    let before = before.replace("current_mig>Disabled", "current_mig>Enabled");
    let device = "<mig_device><gpu_instance_id>1</gpu_instance_id>\
                  <compute_instance_id>0</compute_instance_id><device_attributes><shared>\
                  <multiprocessor_count>42</multiprocessor_count></shared></device_attributes>\
                  <fb_memory_usage><total>19968 MiB</total></fb_memory_usage></mig_device>";
    let text = format!("{before}<mig_devices>{device}</mig_devices>{after}");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("node.xml"), text).expect("written");
    let text = format!(
        "{REST}[gpus.a]\nconfig = \"node.xml\"\n\
         [guests.g]\non = \"a.3g-20gb-1\"\ncontext = true\nworkload = \"w\"\n"
    );
    let read = scenario::parse("x", &text, folder.path(), &Overrides::default());
    let read = read.unwrap_or_else(|e| panic!("{}", Diagnostics(e).render()));
    let notices = read.scenario.notices.join("\n");
    assert!(
        notices.contains("gpus.a: The capture has no placements"),
        "{notices}"
    );
}

#[test]
fn values_name_the_file_that_they_are_from() {
    let config = "partition-configs/mig-parted_examples-config.yaml#all-balanced";
    let text = format!(
        "{REST}[gpus.a]\nboard = \"a100-sxm4-40gb\"\nconfig = \"{config}\"\n\
         [guests.g]\non = \"a.3g-20gb-1\"\ncontext = true\nworkload = \"w\"\n\
         [gpus.b]\nconfig = \"nvidia-smi-captures/qx-t4.xml\"\n\
         [guests.h]\non = \"b\"\ncontext = true\nworkload = \"w\"\n"
    );
    let read = loaded(&text).scenario;
    let origin = |path: &str| {
        let found = read.resolved.iter().find(|resolved| resolved.path == path);
        &found.unwrap_or_else(|| panic!("no {path}")).origin
    };
    let from = |source: &str| Origin::Configuration {
        source: source.to_owned(),
    };
    assert_eq!(*origin("gpus.a.board"), Origin::File { line: 8 });
    assert_eq!(*origin("gpus.a.config"), Origin::File { line: 9 });
    assert_eq!(*origin("gpus.a.instances.3g-20gb-1.profile"), from(config));
    let start = origin("gpus.a.instances.3g-20gb-1.start");
    assert!(matches!(start, Origin::Assumption { key, .. } if key == "mig.start"));
    let capture = "nvidia-smi-captures/qx-t4.xml";
    assert_eq!(*origin("gpus.b.board"), from(capture));
    assert_eq!(*origin("gpus.b.pcie.lanes"), from(capture));
    let explained = scenario::explain::explain(&read);
    let row = |words: &[&str]| {
        let found = explained.lines().find(|line| line.starts_with(words[0]));
        let found: Vec<&str> = found.unwrap_or_default().split_whitespace().collect();
        assert_eq!(found, words);
    };
    row(&["gpus.a.instances.3g-20gb-1.profile", "3g.20gb", config]);
    row(&["gpus.b.board", "t4", capture]);
}

#[test]
fn vgpus_without_a_guest_are_told() {
    let guests = |count: u32| {
        format!(
            "{REST}[gpus.a]\nboard = \"t4\"\n\
             config = \"partition-configs/vgpu-device-manager_config-t4.yaml#T4-small@0\"\n\
             [guests.g]\nvgpu = \"T4-1Q\"\ncount = {count}\nworkload = \"w\"\n"
        )
    };
    assert!(loaded(&guests(16)).scenario.notices.is_empty());
    let notices = loaded(&guests(13)).scenario.notices;
    assert_eq!(notices.len(), 1);
    assert!(
        notices[0].starts_with("gpus.a: 3 of 16 vGPUs T4-1Q of"),
        "{notices:?}"
    );
}

/// Clients of MPS, and compute instances, in instances that a config makes.
#[test]
fn a_scenario_says_how_the_instances_of_a_config_are_shared() {
    let config = "partition-configs/mig-parted_examples-config.yaml#all-balanced";
    let guests = "[guests.m]\non = \"a.2g-10gb-1\"\ncontext = true\ncount = 2\nworkload = \"w\"\n\
                  [guests.x]\non = \"a.3g-20gb-1.x\"\ncontext = true\nworkload = \"w\"\n";
    let gpu = format!("{REST}{guests}[gpus.a]\nboard = \"a100-sxm4-40gb\"\n");
    let more = |name: &str| match name {
        "2g-10gb-1" => "share = { mode = \"spatial\" }\n",
        "3g-20gb-1" => "cis = { x = { profile = \"1c\" }, y = { profile = \"2c\" } }\n",
        _ => "",
    };
    let mut text = format!("{gpu}config = \"{config}\"\n");
    for name in ["2g-10gb-1", "3g-20gb-1"] {
        write!(text, "[gpus.a.instances.{name}]\n{}", more(name)).expect("a string");
    }
    let read = loaded(&text).scenario;
    let Division::Mig(instances) = &read.gpus[0].division else {
        panic!("not divided");
    };
    assert_eq!(instances.len(), 4);
    let mut written = gpu;
    for instance in instances {
        let (name, profile, start) = (&instance.name, &instance.profile, instance.start);
        let more = more(name);
        write!(
            written,
            "[gpus.a.instances.{name}]\nprofile = \"{profile}\"\nstart = {start}\n{more}"
        )
        .expect("a string");
    }
    assert_eq!(read.hash, loaded(&written).scenario.hash);
}
