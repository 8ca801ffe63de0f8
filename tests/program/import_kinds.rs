//! Kinds of files that operators have: each is read, or the message says what it is and what would be
//! read. Inputs stand in `tests/data/cases/files`.

use assert_cmd::Command;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use warpshare::catalog::Catalog;
use warpshare::import::{self, Capture, ConfigFile, ImportedGpu, Source};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases/files")
}

fn text(name: &str) -> String {
    fs::read_to_string(data().join(name)).expect("a readable file")
}

/// What `warpshare` says to some arguments, in the folder of the inputs: exit code, stdout, stderr.
fn warpshare(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("warpshare")
        .expect("the binary is built")
        .current_dir(data())
        .args(arguments)
        .output()
        .expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().unwrap_or(-1);
    (code, text(output.stdout), text(output.stderr))
}

fn session(lines: &[&str]) -> String {
    let mut said = String::new();
    for line in lines {
        let mut arguments = vec!["import"];
        arguments.extend(line.split_whitespace());
        let (code, out, err) = warpshare(&arguments);
        said.push_str(&format!(
            "$ warpshare import {line}\n{out}{err}[{code}]\n\n"
        ));
    }
    said
}

fn configs(name: &str) -> ConfigFile {
    match import::read(name, &text(name)) {
        Ok(Source::Configs(file)) => file,
        Ok(Source::Capture(_)) => panic!("{name} is no capture"),
        Err(wrong) => panic!("{}", wrong.render()),
    }
}

fn captured(name: &str) -> Vec<ImportedGpu> {
    let catalog = Catalog::builtin().expect("well formed");
    let capture =
        Capture::read(name, &text(name)).unwrap_or_else(|wrong| panic!("{}", wrong.render()));
    let made = capture.boards(&catalog, None);
    made.unwrap_or_else(|wrong| panic!("{}", wrong.render()))
}

/// Instances of a GPU with their places and the SMs or names of their parts.
fn layout(gpu: &ImportedGpu) -> Vec<String> {
    let instances = gpu.instances.iter();
    let words = instances.map(|instance| {
        let parts: Vec<&str> = instance.parts.iter().map(|part| &*part.profile).collect();
        match parts.as_slice() {
            [] => instance.placed.to_string(),
            parts => format!("{}: {}", instance.placed, parts.join(" ")),
        }
    });
    words.collect()
}

#[test]
fn the_file_inside_a_config_map_or_helm_values_is_read() {
    insta::assert_snapshot!(session(&[
        "configmap-mig.yaml --gpu a100-sxm4-40gb",
        "configmap-two-keys.yaml --list",
        "configmap-two-keys.yaml#half --gpu a100-sxm4-40gb",
        "configmap-two-keys.yaml#west.yaml/half --gpu a100-sxm4-40gb",
        "configmap-two-keys.yaml#south.yaml --gpu a100-sxm4-40gb",
        "helm-values.yaml --gpu a100-sxm4-40gb --list",
        "helm-values.yaml#halves --gpu a100-sxm4-40gb",
        "helm-values.yaml#mps-ten --gpu a100-sxm4-40gb",
        "configmap-wrong.yaml",
    ]));
}

/// A finding about a file inside another names the line of the outer one.
#[test]
fn findings_of_inner_files_have_lines_of_the_outer_file() {
    let name = "configmap-wrong.yaml";
    let outer = text(name);
    let wrong = ConfigFile::read(name, &outer).expect_err("mistakes");
    let line = |word: &str| {
        1 + outer
            .lines()
            .position(|line| line.contains(word))
            .expect("there")
    };
    let mut found = Vec::new();
    for finding in wrong.iter().filter(|finding| finding.file == name) {
        found.push(finding.position().expect("a place").0);
    }
    let wanted = [line("lots"), line("devices: some"), line("mig-enabld")];
    for line in wanted {
        assert!(found.contains(&line), "{line} is not among {found:?}");
    }
}

#[test]
fn of_a_key_that_stands_twice_the_last_counts_with_a_warning() {
    let said = session(&["duplicate-key.yaml --gpu a100-sxm4-80gb"]);
    assert!(
        said.contains("`c` stands twice, in lines 3 and 7"),
        "{said}"
    );
    assert!(said.ends_with("[0]\n\n"), "{said}");
    assert!(!said.contains("Policy"), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn profiles_are_accepted_as_drivers_535_to_545_name_them() {
    let catalog = Catalog::builtin().expect("well formed");
    let file = configs("driver-545-names.yaml");
    for board in ["a100-sxm4-80gb", "a100-pcie-80gb"] {
        for (name, profiles) in [
            ("half", vec!["3g.40gb@4", "3g.40gb@0"]),
            ("full", vec!["7g.80gb@0"]),
        ] {
            let config = file.config(name).expect("there");
            let made = import::apply(&catalog, board, config).expect("it fits");
            assert_eq!(layout(&made[0]), profiles, "{board} {name}");
        }
    }
    // Other boards have no such names.
    let config = file.config("half").expect("there");
    assert!(import::apply(&catalog, "h100-sxm5-80gb", config).is_err());
    // A compute instance is named after its instance.
    let geometry = warpshare::mig::Geometry::of(&catalog, "a100-sxm4-80gb").expect("it has MIG");
    let mut gpu = warpshare::mig::GpuInstances::new(std::sync::Arc::new(geometry));
    let start = gpu.create("3g.39gb", None).expect("it fits").start;
    let made = gpu
        .create_compute(start, Some("2c.3g.39gb"))
        .expect("it fits");
    assert_eq!(made.profile, "2c.3g.40gb");
}

#[test]
fn a_capture_from_inside_a_guest_is_refused() {
    insta::assert_snapshot!(session(&["captures/guest-a40-8q.xml", "guest-q.txt"]));
}

#[test]
fn compute_instances_of_captures_are_read() {
    let h100 = captured("captures/h100-3g-2g-1g-1g.xml");
    assert_eq!(
        layout(&h100[0]),
        ["3g.40gb@4", "2g.20gb@0", "1g.10gb@2", "1g.10gb@3"]
    );
    let h200 = captured("captures/h200-3g-two-ci.xml");
    assert_eq!(
        layout(&h200[0]),
        [
            "3g.71gb@4: 1c.3g.71gb 2c.3g.71gb",
            "2g.35gb@0",
            "1g.18gb@2",
            "1g.18gb@3"
        ]
    );
    // The SMs are those of the capture, from the catalogue where that lists them.
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = "[run]\nduration = \"1s\"\nreplications = 1\nbaselines = false\n\
                    [gpus.a]\nconfig = \"h200.xml\"\n\
                    [guests.p]\non = \"a.3g-71gb-1.1c-1\"\ncontext = true\nworkload = \"w\"\n\
                    [guests.q]\non = \"a.3g-71gb-1.2c-1\"\ncontext = true\nworkload = \"w\"\n\
                    [workloads.w]\narrivals = { process = \"closed\" }\n\
                    stages.r.gpu.time = \"10ms\"\n";
    fs::write(folder.path().join("x.toml"), scenario).expect("written");
    fs::copy(
        data().join("captures/h200-3g-two-ci.xml"),
        folder.path().join("h200.xml"),
    )
    .expect("copied");
    let path = folder.path().join("x.toml").display().to_string();
    let (code, _, err) = warpshare(&["validate", &path]);
    assert_eq!(code, 0, "{err}");
    let text = fs::read_to_string(&path).expect("there");
    let loaded = warpshare::scenario::parse(
        "x.toml",
        &text,
        folder.path(),
        &warpshare::scenario::Overrides::default(),
    )
    .expect("valid");
    let sms: Vec<u32> = loaded.scenario.gpus[0]
        .domains()
        .iter()
        .map(|domain| domain.sms)
        .collect();
    assert!(sms.contains(&16) && sms.contains(&32), "{sms:?}");
}

#[test]
fn what_nvidia_smi_prints_as_text_is_read() {
    insta::assert_snapshot!(session(&[
        "nvidia-smi-q.txt",
        "report.txt",
        "lgi.txt --gpu a100-sxm4-40gb",
        "lgi.txt",
        "list.txt",
        "list-of-parts.txt",
        "list.txt --gpu t4",
        "report.txt --list",
    ]));
}

/// Output that PowerShell redirects is UTF-16.
#[test]
fn utf_16_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("list.txt");
    let text = "\u{feff}GPU 0: NVIDIA A40 (UUID: GPU-0)\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&path, bytes).expect("written");
    let (code, out, err) = warpshare(&["import", &path.display().to_string()]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("board = \"a40\""), "{out}");
}

#[test]
fn a_device_plugin_says_how_a_gpu_is_shared() {
    insta::assert_snapshot!(session(&[
        "device-plugin.yaml --gpu a100-sxm4-40gb",
        "device-plugin-mig.yaml --gpu a100-sxm4-40gb",
        "device-plugin-mig.yaml --gpu a30",
        "device-plugin-mig.yaml --gpu a40",
        "helm-values.yaml#four --gpu t4",
    ]));
}

fn parse(text: &str) -> Result<warpshare::scenario::Loaded, String> {
    let none = warpshare::scenario::Overrides::default();
    let loaded = warpshare::scenario::parse("x.toml", text, &data(), &none);
    loaded.map_err(|wrong| warpshare::diagnostics::Diagnostics(wrong).render())
}

/// A scenario with one GPU and a guest, whose tables are given without their heads.
fn shared(gpu: &str, guest: &str) -> String {
    format!(
        "[run]\nduration = \"1s\"\nreplications = 1\nbaselines = false\n\
         [gpus.a]\nboard = \"a100-sxm4-40gb\"\n{gpu}\n\
         [guests.pod]\ncontext = true\nworkload = \"w\"\n{guest}\n\
         [workloads.w]\narrivals = {{ process = \"poisson\", rate = \"10/s\" }}\n\
         stages.r.gpu.time = \"1ms\"\n"
    )
}

#[test]
fn a_device_plugin_config_is_a_share() {
    let hash = |gpu: &str, guest: &str| match parse(&shared(gpu, guest)) {
        Ok(loaded) => loaded.scenario.hash,
        Err(wrong) => panic!("{wrong}"),
    };
    let written = hash(
        "share = { mode = \"spatial\", replicas = 4 }",
        "count = 4\nactive_thread_percentage = 25\nmemory_limit = \"10GiB\"",
    );
    assert_eq!(
        hash("config = \"device-plugin.yaml\"", "count = 4"),
        written
    );
    // A limit of the guest's own stays.
    let own = hash(
        "config = \"device-plugin.yaml\"",
        "count = 4\nactive_thread_percentage = 50",
    );
    assert_ne!(own, written);
    let turns = hash(
        "share = { mode = \"time-slice\", replicas = 4, slice = \"3ms\" }",
        "count = 4",
    );
    let config = "config = \"helm-values.yaml#four\"\nshare.slice = \"3ms\"";
    assert_eq!(hash(config, "count = 4"), turns);
    let twice = "config = \"device-plugin.yaml\"\nshare.mode = \"spatial\"";
    let mut said = parse(&shared(twice, "")).expect_err("said twice");
    let mig = "config = \"device-plugin-mig.yaml\"";
    said += &parse(&shared(mig, "")).expect_err("not the whole GPU");
    insta::assert_snapshot!(said);
}

#[test]
fn more_containers_than_replicas_are_refused() {
    let five = text("ts-five-pods.toml").replace("my-3090ti", "a40");
    let said = parse(&five).expect_err("five on four");
    assert!(said.contains("5 contexts for 4 replicas"), "{said}");
    let config = "config = \"helm-values.yaml#four\"";
    let said = parse(&shared(config, "count = 5")).expect_err("five on four");
    assert!(said.contains("5 contexts for 4 replicas"), "{said}");
}

/// Each client may have a quarter of the memory: two of them together twice as much.
#[test]
fn mps_limits_hold_for_each_client() {
    parse(&text("mps-limit-per-client.toml")).expect("two clients with 9 GiB each");
    let config = "config = \"device-plugin.yaml\"";
    parse(&shared(config, "count = 2\nmemory = \"9GiB\"")).expect("18 GiB in all");
    let said = parse(&shared(config, "memory = \"11GiB\"")).expect_err("more than a client may");
    assert!(said.contains("holds more than it may allocate"), "{said}");
}

/// What fits a board is asked of one function: import and scenario admit and refuse the same.
#[test]
fn import_and_validate_admit_the_same_vgpus() {
    let catalog = Catalog::builtin().expect("well formed");
    let mut seen = (0, 0);
    for (board, lists) in [
        (
            "a40",
            vec![
                vec![("A40-2Q", 24)],
                vec![("A40-2Q", 25)],
                vec![("A40-8Q", 6)],
            ],
        ),
        ("t4", vec![vec![("T4-1Q", 16)], vec![("T4-1Q", 17)]]),
        (
            "a10",
            vec![
                vec![("A10-4Q", 7)],
                vec![("A10-4Q", 3), ("A10-6Q", 2)],
                vec![("A10-4Q", 5), ("A10-6Q", 2)],
                vec![("A10-24Q", 1), ("A10-1Q", 24)],
                vec![("A10-4Q", 2), ("A10-4C", 2)],
            ],
        ),
    ] {
        for list in lists {
            let mut yaml = String::from(
                "version: v1\nvgpu-configs:\n  x:\n  - devices: all\n    vgpu-devices:\n",
            );
            let sizes: std::collections::BTreeSet<u64> = list
                .iter()
                .filter_map(|(name, _)| catalog.vgpu_type(board, name))
                .map(|held| held.frame_buffer_mib)
                .collect();
            // A file of several sizes is one for mixed-size mode; a scenario says so.
            let mode = if sizes.len() > 1 {
                "vgpu_sizes = \"mixed\"\n"
            } else {
                ""
            };
            let mut toml = format!(
                "[run]\nduration = \"1s\"\n[gpus.a]\nboard = \"{board}\"\n{mode}\
                 [workloads.w]\narrivals = {{ process = \"poisson\", rate = \"1/s\" }}\n\
                 stages.s.gpu.time = \"1ms\"\n"
            );
            for (name, count) in &list {
                yaml.push_str(&format!("      {name}: {count}\n"));
                toml.push_str(&format!(
                    "[guests.g-{name}]\nvgpu = \"{name}\"\ncount = {count}\nworkload = \"w\"\n"
                ));
            }
            let file = ConfigFile::read("x.yaml", &yaml).expect("well formed");
            let imported = import::apply(&catalog, board, &file.configs[0]);
            let validated = parse(&toml);
            assert_eq!(
                imported.is_ok(),
                validated.is_ok(),
                "{board} {list:?}: {imported:?} {:?}",
                validated.err()
            );
            if imported.is_ok() {
                seen.0 += 1;
            } else {
                seen.1 += 1;
            }
        }
    }
    assert!(seen.0 > 2 && seen.1 > 2, "{seen:?}");
}

#[test]
fn vgpu_types_are_named_by_number_too() {
    let said = session(&[
        "vgpus-by-id.yaml --gpu a40 --list",
        "vgpus-by-id.yaml --gpu t4 --list",
    ]);
    insta::assert_snapshot!(said);
    let scenario = |vgpu: &str| {
        let text = format!(
            "[run]\nduration = \"1s\"\n[gpus.a]\nboard = \"a40\"\n[guests.g]\nvgpu = \"{vgpu}\"\n\
             workload = \"w\"\n[workloads.w]\narrivals = {{ process = \"poisson\", rate = \"5/s\" }}\n\
             stages.s.gpu.time = \"2ms\"\n"
        );
        let none = warpshare::scenario::Overrides::default();
        let loaded = warpshare::scenario::parse("x.toml", &text, Path::new("."), &none);
        loaded.map(|loaded| loaded.scenario.hash)
    };
    let by_name = scenario("A40-2Q").expect("valid");
    assert_eq!(scenario("nvidia-558"), Ok(by_name.clone()));
    assert_eq!(scenario("558"), Ok(by_name));
    assert!(scenario("nvidia-222").is_err(), "a type of the T4");
}

/// Files that people try: the message says what each is and what would be read.
#[test]
fn files_that_are_not_read_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut said = String::new();
    for (name, text) in [
        (
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n",
        ),
        (
            "policy.yaml",
            "apiVersion: nvidia.com/v1\nkind: ClusterPolicy\nspec: {mig: {strategy: single}}\n",
        ),
        ("values.yaml", "driver:\n  enabled: false\n"),
        ("scenario.yaml", "gpus:\n  a:\n    board: a40\n"),
        (
            "scenario.toml",
            "[run]\nduration = \"1s\"\n[gpus.a]\nboard = \"a40\"\n",
        ),
        (
            "overview.txt",
            "+-----+\n| NVIDIA-SMI 570.86.15   Driver Version: 570.86.15   CUDA Version: 12.8 |\n\
             | GPU  Name    Persistence-M | Bus-Id   Disp.A | Volatile Uncorr. ECC |\n",
        ),
        (
            "lgip.txt",
            "| GPU instance profiles:      |\n|   0  MIG 1g.5gb   19   7/7   4.75   No  14  0  0 |\n",
        ),
        (
            "dmon.txt",
            "# gpu   pwr gtemp mtemp    sm   mem\n    0    45    50     -    10     2\n",
        ),
        ("vm.xml", "<domain type='kvm'><name>x</name></domain>"),
        ("types.xml", "<vgpuconfig version=\"1.0\"></vgpuconfig>"),
        (
            "query.csv",
            "index, name, memory.total [MiB]\n0, NVIDIA A40, 46068 MiB\n",
        ),
        ("requests.csv", "arrived,prompt,output\n0.1,5,7\n"),
        ("gres.conf", "Name=gpu Type=a100 File=/dev/nvidia0\n"),
        ("empty.txt", "\n"),
        ("words.yaml", "just some words"),
        ("broken.yaml", "version: v1\nmig-configs: [\n"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        let path = path.display().to_string();
        let (code, out, err) = warpshare(&["import", &path]);
        assert_eq!((code, out.as_str()), (2, ""), "{name}");
        said.push_str(&err.replace(&path, name));
        said.push('\n');
    }
    for (name, bytes) in [
        ("log.gz", &b"\x1f\x8b\x08\x00"[..]),
        ("trace.nsys-rep", &b"\xfe\x01\x02\x80"[..]),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        let path = path.display().to_string();
        let (code, out, err) = warpshare(&["import", &path]);
        assert_eq!((code, out.as_str()), (2, ""), "{name}");
        said.push_str(&err.replace(&path, name));
        said.push('\n');
    }
    insta::assert_snapshot!(said);
}

const INPUTS: [&str; 16] = [
    "configmap-mig.yaml",
    "configmap-two-keys.yaml",
    "configmap-wrong.yaml",
    "device-plugin.yaml",
    "device-plugin-mig.yaml",
    "driver-545-names.yaml",
    "duplicate-key.yaml",
    "guest-q.txt",
    "helm-values.yaml",
    "lgi.txt",
    "list.txt",
    "nvidia-smi-q.txt",
    "report.txt",
    "captures/guest-a40-8q.xml",
    "captures/h100-3g-2g-1g-1g.xml",
    "captures/h200-3g-two-ci.xml",
];

/// Reads a text and applies what was read to some boards: a result or findings, never a panic.
fn read_and_apply(catalog: &Catalog, name: &str, text: &str) {
    match import::read(name, text) {
        Err(wrong) => assert!(!wrong.render().is_empty()),
        Ok(Source::Capture(capture)) => {
            for board in [None, Some("a100-sxm4-40gb")] {
                match capture.boards(catalog, board) {
                    Ok(gpus) => drop(import::scenario_text(&gpus)),
                    Err(wrong) => assert!(!wrong.render().is_empty()),
                }
            }
        }
        Ok(Source::Configs(file)) => {
            assert_eq!(file.names().len(), file.configs.len());
            for config in &file.configs {
                for board in ["a100-sxm4-40gb", "a40", "t4"] {
                    if let Ok(gpus) = import::apply(catalog, board, config) {
                        drop(import::scenario_text(&gpus));
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes changed, lines dropped, doubled, moved and cut: no input stops the program.
    #[test]
    fn mangled_inputs_are_read_or_refused(
        which in 0..INPUTS.len(),
        edits in prop::collection::vec((0..6_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<char>()), 1..8),
    ) {
        let catalog = Catalog::builtin().expect("well formed");
        let mut mangled = text(INPUTS[which]);
        for (kind, one, two, with) in edits {
            let mut lines: Vec<String> = mangled.lines().map(ToOwned::to_owned).collect();
            if lines.is_empty() {
                break;
            }
            let (at, other) = (one.index(lines.len()), two.index(lines.len()));
            match kind {
                0 => { lines.remove(at); }
                1 => { let line = lines[at].clone(); lines.insert(other, line); }
                2 => lines.swap(at, other),
                3 => lines.truncate(at),
                4 => lines[at] = format!("{}{}", " ".repeat(other), lines[at]),
                _ => {
                    let mut line: Vec<char> = lines[at].chars().collect();
                    if line.is_empty() {
                        line.push(with);
                    } else {
                        let place = two.index(line.len());
                        line[place] = with;
                    }
                    lines[at] = line.into_iter().collect();
                }
            }
            mangled = lines.join("\n");
        }
        read_and_apply(&catalog, "mangled", &mangled);
    }
}

/// Depth, width and repetition that no tool writes: bounded time and stack.
#[test]
fn monstrous_inputs_are_read_or_refused() {
    let catalog = Catalog::builtin().expect("well formed");
    let deep = "[".repeat(100_000);
    let nested: String = (0..5_000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth % 300)))
        .collect();
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n".to_owned();
    let keys: String = (0..10_000).map(|key| format!("k{key}: 1\n")).collect();
    let same = "k: 1\n".repeat(2_000);
    let xml = format!("<nvidia_smi_log>{}", "<a>".repeat(50_000));
    let log = format!("NVSMI LOG\nGPU 00000000:01:00.0\n{nested}");
    for text in [deep, nested, bomb, keys, same, xml, log] {
        read_and_apply(&catalog, "monstrous", &text);
    }
}
