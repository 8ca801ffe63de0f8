//! Configurations that operators have: NVIDIA's own example files on every board, captured boards.
//! `tests/data/README.md` says where the files are from.

use assert_cmd::Command;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use warpshare::catalog::Catalog;
use warpshare::import::{Capture, ConfigFile, Content, ImportedGpu, Refusal, apply};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(data(name)).expect("a readable file")
}

fn partition(name: &str) -> ConfigFile {
    let text = text(&format!("partition-configs/{name}"));
    ConfigFile::read(name, &text).unwrap_or_else(|wrong| panic!("{}", wrong.render()))
}

fn capture(name: &str) -> Capture {
    let text = text(&format!("nvidia-smi-captures/{name}"));
    Capture::read(name, &text).unwrap_or_else(|wrong| panic!("{}", wrong.render()))
}

/// Counts of a list, without those of zero.
fn counts<'a>(list: impl IntoIterator<Item = (&'a str, u32)>) -> BTreeMap<String, u32> {
    let mut sums = BTreeMap::new();
    for (name, count) in list.into_iter().filter(|(_, count)| *count > 0) {
        *sums.entry(name.to_owned()).or_default() += count;
    }
    sums
}

fn instances_of(gpu: &ImportedGpu) -> BTreeMap<String, u32> {
    counts(gpu.instances.iter().map(|i| (i.placed.profile.as_str(), 1)))
}

/// No two instances cover one unit, and each starts where the catalogue's table allows it.
fn placed_well(catalog: &Catalog, gpu: &ImportedGpu) {
    let mut covered = BTreeSet::new();
    let mut names = BTreeSet::new();
    for instance in &gpu.instances {
        let placed = &instance.placed;
        let row = catalog
            .mig_profiles(&gpu.gpu_id)
            .find(|row| row.profile == placed.profile)
            .expect("a profile of the board");
        if let Some(starts) = &row.placement_starts {
            assert!(starts.contains(&placed.start), "{gpu:?}");
        }
        let size = row.placement_size.unwrap_or(row.memory_slices);
        for unit in placed.start..placed.start + size {
            assert!(covered.insert(unit), "{gpu:?}");
        }
        assert!(names.insert(&instance.name), "{gpu:?}");
    }
}

#[test]
fn mig_parted_configs_fit_every_board_or_are_refused_for_a_true_reason() {
    let catalog = Catalog::builtin().expect("well formed");
    let mut fitting: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for name in [
        "mig-parted_config-default.yaml",
        "mig-parted_examples-config.yaml",
    ] {
        let file = partition(name);
        for id in catalog.gpus_with_mig() {
            let own: Vec<String> = catalog
                .pci_device_ids(id)
                .map(|own| format!("0x{own}10DE"))
                .collect();
            let named =
                |filter: &[String]| filter.is_empty() || filter.iter().any(|f| own.contains(f));
            let tally = fitting.entry(format!("{name} {id}")).or_default();
            for config in &file.configs {
                let here: Vec<_> = config
                    .entries
                    .iter()
                    .filter(|entry| named(&entry.filter))
                    .collect();
                match apply(&catalog, id, config) {
                    Ok(gpus) => {
                        tally.0 += 1;
                        for gpu in &gpus {
                            placed_well(&catalog, gpu);
                            let asked = |content: &Content| match content {
                                Content::Mig { enabled, profiles } => {
                                    let pairs = profiles.iter().map(|(p, n)| (p.as_str(), *n));
                                    *enabled == gpu.mig && counts(pairs) == instances_of(gpu)
                                }
                                Content::Vgpus(_) | Content::Replicas(_) => false,
                            };
                            assert!(
                                here.iter().any(|entry| asked(&entry.content)),
                                "{id} {}: {gpu:?}",
                                config.name
                            );
                        }
                    }
                    Err(reasons) => {
                        tally.1 += 1;
                        assert!(!reasons.is_empty());
                        for reason in reasons {
                            mig_reason_is_true(&catalog, id, &reason, here.len(), &config.name);
                        }
                    }
                }
            }
        }
    }
    let lines: Vec<String> = fitting
        .iter()
        .map(|(of, (yes, no))| format!("{of}: {yes} fit, {no} do not"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

fn mig_reason_is_true(catalog: &Catalog, id: &str, reason: &Refusal, here: usize, config: &str) {
    let profiles: Vec<&str> = catalog
        .mig_profiles(id)
        .map(|row| row.profile.as_str())
        .collect();
    match reason {
        Refusal::OtherBoards { .. } => assert_eq!(here, 0, "{id} {config}"),
        Refusal::UndecidedFilter { .. } => {
            assert_eq!(catalog.pci_device_ids(id).count(), 0, "{id} {config}");
        }
        Refusal::UnknownProfile(words) => {
            let wanted = words
                .split("has no profile `")
                .nth(1)
                .and_then(|rest| rest.split('`').next())
                .expect("the profile is named");
            assert!(!profiles.contains(&wanted), "{id} {config}: {words}");
        }
        Refusal::TooMany {
            profile,
            wanted,
            most,
        } => {
            let row = catalog.mig_profiles(id).find(|row| row.profile == *profile);
            assert_eq!(row.map(|row| row.max_instances), Some(*most));
            assert!(wanted > most, "{id} {config}");
        }
        other => panic!("{id} {config}: no such reason was expected: {other}"),
    }
}

#[test]
fn vgpu_configs_fit_every_board_or_are_refused_for_a_true_reason() {
    let catalog = Catalog::builtin().expect("well formed");
    let mut fitting: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut fit_somewhere = BTreeSet::new();
    let mut all = BTreeSet::new();
    for name in [
        "vgpu-device-manager_config-example.yaml",
        "vgpu-device-manager_config-t4.yaml",
    ] {
        let file = partition(name);
        for id in catalog.gpus_with_vgpu_types() {
            let tally = fitting.entry(format!("{name} {id}")).or_default();
            for config in &file.configs {
                all.insert(config.name.clone());
                match apply(&catalog, id, config) {
                    Ok(gpus) => {
                        tally.0 += 1;
                        fit_somewhere.insert(config.name.clone());
                        for gpu in &gpus {
                            placed_well(&catalog, gpu);
                            let held = gpu.guests.iter().map(|g| (g.type_name.as_str(), g.count));
                            let held = counts(held);
                            let asked = config.entries.iter().any(|entry| match &entry.content {
                                Content::Mig { .. } | Content::Replicas(_) => false,
                                Content::Vgpus(list) => {
                                    let plain = |n: &str| n.trim_end_matches("GFX").to_owned();
                                    let list: Vec<(String, u32)> =
                                        list.iter().map(|(n, c)| (plain(n), *c)).collect();
                                    counts(list.iter().map(|(n, c)| (n.as_str(), *c))) == held
                                }
                            });
                            assert!(asked, "{id} {}: {gpu:?}", config.name);
                            for guests in &gpu.guests {
                                let row = catalog.vgpu_type(id, &guests.type_name);
                                let row = row.expect("a type of the board");
                                assert_eq!(guests.instance.is_some(), row.mig_profile.is_some());
                                if let Some(most) = row.max_per_gi {
                                    assert!(guests.count <= most, "{id} {gpu:?}");
                                }
                            }
                        }
                    }
                    Err(reasons) => {
                        tally.1 += 1;
                        assert!(!reasons.is_empty());
                        for reason in reasons {
                            vgpu_reason_is_true(&catalog, id, &reason, &config.name);
                        }
                    }
                }
            }
        }
    }
    let mut lines: Vec<String> = fitting
        .iter()
        .map(|(of, (yes, no))| format!("{of}: {yes} fit, {no} do not"))
        .collect();
    let nowhere: Vec<&str> = all.difference(&fit_somewhere).map(String::as_str).collect();
    lines.push(format!(
        "{} fit no board: {}",
        nowhere.len(),
        nowhere.join(" ")
    ));
    insta::assert_snapshot!(lines.join("\n"));
}

fn vgpu_reason_is_true(catalog: &Catalog, id: &str, reason: &Refusal, config: &str) {
    let own = catalog.gpu(id).and_then(|gpu| gpu.pci_device_id.as_deref());
    match reason {
        Refusal::NoSuchType {
            type_name, owner, ..
        } => {
            assert!(catalog.vgpu_type(id, type_name).is_none(), "{id} {config}");
            let plain = type_name.trim_end_matches("GFX");
            if let Some(owner) = owner {
                assert!(
                    catalog.vgpu_type(owner, plain).is_some(),
                    "{owner} {config}"
                );
            }
        }
        Refusal::TooManyVgpus {
            type_name,
            wanted,
            most,
        } => {
            let row = catalog.vgpu_type(id, type_name).expect("a type");
            assert_eq!(row.max_per_gpu, Some(*most));
            assert!(wanted > most, "{id} {config}");
        }
        Refusal::UnknownMaximum(type_name) => {
            let row = catalog.vgpu_type(id, type_name).expect("a type");
            assert!(row.max_per_gpu.is_none() || row.max_per_gi.is_none());
        }
        Refusal::UndecidedFilter { .. } => assert_eq!(own, None, "{id} {config}"),
        Refusal::OtherBoards { device, .. } => {
            let ids: Vec<&str> = catalog.pci_device_ids(id).collect();
            assert_eq!(ids.join(" or "), *device, "{id} {config}");
            let file = text("partition-configs/vgpu-device-manager_config-example.yaml");
            for id in ids {
                assert!(!file.contains(&format!("0x{id}10DE")), "{id} {config}");
            }
        }
        Refusal::Geometry(_) => assert!(catalog.gpu(id).is_none(), "{id} {config}"),
        Refusal::Contradiction { .. } => {
            // A2 and A16 have one PCI device id, and the file an entry for each.
            assert!(["a2", "a16"].contains(&id), "{id} {config}");
        }
        other => panic!("{id} {config}: no such reason was expected: {other}"),
    }
}

#[test]
fn captured_boards_are_found() {
    let catalog = Catalog::builtin().expect("well formed");
    for (name, board, gpus, memory, mig, generation) in [
        ("qx-a100.xml", "a100-sxm4-40gb", 1, 40960, Some(false), 4),
        ("qx-h100.xml", "h100-sxm5-80gb", 8, 81559, Some(false), 5),
        ("qx-l40s.xml", "l40s", 1, 46068, None, 4),
        ("qx-t4.xml", "t4", 1, 15360, None, 3),
    ] {
        let seen = capture(name);
        assert_eq!(seen.gpus.len(), gpus, "{name}");
        let made = seen
            .boards(&catalog, None)
            .unwrap_or_else(|e| panic!("{}", e.render()));
        assert_eq!(made.len(), gpus);
        for (index, (gpu, seen)) in made.iter().zip(&seen.gpus).enumerate() {
            assert_eq!(gpu.gpu_id, board);
            assert_eq!(gpu.device, (gpus > 1).then_some(index as u32));
            assert_eq!(seen.frame_buffer_mib, Some(memory));
            assert_eq!(seen.mig, mig);
            assert_eq!(seen.virtualization.as_deref(), Some("Pass-Through"));
            assert_eq!(gpu.pcie, Some((generation, 16)));
            let own = catalog.gpu(board).and_then(|b| b.pci_device_id.clone());
            assert_eq!(seen.pci_device_id, own, "{name}");
        }
    }
}

/// A device of a divided GPU as the driver prints it.
fn device(instance: u32, compute: u32, sms: u32, copy: u32, decode: u32, memory: u32) -> String {
    format!(
        "<mig_device><gpu_instance_id>{instance}</gpu_instance_id>\
         <compute_instance_id>{compute}</compute_instance_id><device_attributes><shared>\
         <multiprocessor_count>{sms}</multiprocessor_count>\
         <copy_engine_count>{copy}</copy_engine_count><encoder_count>0</encoder_count>\
         <decoder_count>{decode}</decoder_count></shared></device_attributes>\
         <fb_memory_usage><total>{memory} MiB</total></fb_memory_usage></mig_device>"
    )
}

/// No capture of a divided GPU is at hand: this is one of an A100 with the figures of the catalogue.
fn divided(devices: &str) -> Capture {
    let whole = text("nvidia-smi-captures/qx-a100.xml");
    let (before, rest) = whole.split_once("<mig_devices>").expect("one");
    let (_, after) = rest.split_once("</mig_devices>").expect("one");
    let before = before.replace("current_mig>Disabled", "current_mig>Enabled");
    let text = format!("{before}<mig_devices>{devices}</mig_devices>{after}");
    Capture::read("divided.xml", &text).unwrap_or_else(|e| panic!("{}", e.render()))
}

#[test]
fn captured_instances_are_told_by_memory_sms_and_engines() {
    let catalog = Catalog::builtin().expect("well formed");
    let devices = [
        device(2, 0, 28, 3, 2, 19968),
        device(2, 1, 14, 3, 2, 19968),
        device(3, 0, 28, 2, 1, 9856),
        device(9, 0, 14, 1, 0, 4864),
        device(10, 0, 14, 1, 0, 4864),
    ];
    let made = divided(&devices.concat())
        .boards(&catalog, None)
        .unwrap_or_else(|e| panic!("{}", e.render()));
    assert!(made[0].mig);
    let expected = [("1g.5gb", 2), ("2g.10gb", 1), ("3g.20gb", 1)];
    assert_eq!(instances_of(&made[0]), counts(expected));
    placed_well(&catalog, &made[0]);
    let parts = &made[0].instances[0].parts;
    let profiles: Vec<&str> = parts.iter().map(|part| &*part.profile).collect();
    assert_eq!(profiles, ["2c.3g.20gb", "1c.3g.20gb"]);

    let wrong = divided(&device(1, 0, 99, 3, 2, 19968))
        .boards(&catalog, None)
        .expect_err("no profile has 99 SMs and 20 GiB");
    assert!(wrong.render().contains("no profile of `a100-sxm4-40gb`"));
}

fn warpshare(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("warpshare")
        .expect("the binary is built")
        .current_dir(data(""))
        .args(arguments)
        .output()
        .expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code().unwrap_or(-1),
        text(output.stdout),
        text(output.stderr),
    )
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

const DEFAULT: &str = "partition-configs/mig-parted_config-default.yaml";

#[test]
fn lists() {
    insta::assert_snapshot!(session(&[
        &format!("{DEFAULT} --gpu a100-sxm4-40gb --list"),
        &format!("{DEFAULT} --gpu rtx-pro-6000-blackwell-se --list"),
        &format!("{DEFAULT}#all-balanced --gpu l40s --list"),
        "partition-configs/vgpu-device-manager_config-t4.yaml --gpu t4 --list",
        "partition-configs/mig-parted_examples-config.yaml --list",
        "partition-configs/mig-parted_examples-config.yaml#all-1g.10gb --gpu a30 --list --json",
    ]));
}

#[test]
fn imports() {
    insta::assert_snapshot!(session(&[
        &format!("{DEFAULT}#all-balanced --gpu h100-sxm5-80gb"),
        "partition-configs/vgpu-device-manager_config-t4.yaml#T4-small --gpu t4",
        "nvidia-smi-captures/qx-a100.xml",
    ]));
}

#[test]
fn mistakes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut said = session(&[
        "partition-configs/mig-parted_examples-config.yaml#all-balance --gpu a30",
        "partition-configs/mig-parted_examples-config.yaml#all-balanced --gpu a3O",
        "partition-configs/mig-parted_examples-config.yaml#all-balanced --gpu a30",
        "partition-configs/mig-parted_examples-config.yaml#all-balanced",
        "partition-configs/mig-parted_examples-config.yaml",
        "partition-configs/vgpu-device-manager_config-t4.yaml#T4-8Q --gpu a40",
        "nvidia-smi-captures/qx-t4.xml --gpu t4",
    ]);
    let entry = "version: v1\nmig-configs:\n  a:\n    - devices: all\n      mig-enabled: true\n";
    let smi = "<nvidia_smi_log><gpu id='0'><product_name>NVIDIA X9</product_name></gpu>";
    for (name, text) in [
        (
            "filter.yaml",
            entry.replace("all", "some\n      device-filter: xyz"),
        ),
        ("key.yaml", entry.replace("enabled", "enabld")),
        (
            "count.yaml",
            format!("{entry}      mig-devices:\n        1g.5gb: lots\n"),
        ),
        ("version.yaml", "version: v2\nmig-configs: {}\n".to_owned()),
        ("other.yaml", "version: v1\n".to_owned()),
        ("unclosed.xml", smi.to_owned()),
        ("unknown.xml", format!("{smi}</nvidia_smi_log>")),
        ("other.xml", "<svg></svg>".to_owned()),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        let path = path.display().to_string();
        let (code, out, err) = warpshare(&["import", &path]);
        assert_eq!((code, out.as_str()), (2, ""), "{name}");
        said.push_str(&err.replace(&path, name));
        said.push('\n');
    }
    insta::assert_snapshot!(said);
}

/// What is printed is a part of a scenario: with a workload it is a whole one.
#[test]
fn what_is_printed_is_a_scenario() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scenario.toml").display().to_string();
    let rest = "\n[run]\nduration = \"1s\"\n\n[workloads.w]\n\
                arrivals = { process = \"poisson\", rate = \"5/s\" }\n\
                stages.s.gpu.time = \"2ms\"\n";
    for (file, board, places) in [
        (
            "partition-configs/mig-parted_examples-config.yaml#all-balanced",
            Some("a100-sxm4-40gb"),
            &["a.3g-20gb-1", "a.2g-10gb-1", "a.1g-5gb-1", "a.1g-5gb-2"][..],
        ),
        (
            "partition-configs/vgpu-device-manager_config-t4.yaml#T4-large",
            Some("t4"),
            &[],
        ),
        (
            "partition-configs/vgpu-device-manager_config-example.yaml#DC-1-8QGFX",
            Some("rtx-pro-6000-blackwell-se"),
            &[],
        ),
        (
            "partition-configs/vgpu-device-manager_config-example.yaml#A100X-2-10C",
            Some("a100-sxm4-40gb"),
            &[],
        ),
        (
            "nvidia-smi-captures/qx-h100.xml",
            None,
            &[
                "gpu0", "gpu1", "gpu2", "gpu3", "gpu4", "gpu5", "gpu6", "gpu7",
            ],
        ),
    ] {
        let mut arguments = vec!["import", file];
        arguments.extend(board.iter().flat_map(|id| ["--gpu", id]));
        let (code, out, err) = warpshare(&arguments);
        assert_eq!((code, err.as_str()), (0, ""), "{file}");
        let mut uncommented = String::new();
        for line in out.lines() {
            let skeleton = ["[guests", "on =", "vgpu =", "count =", "workload ="];
            let inner = line.strip_prefix("# ").unwrap_or(line);
            let is = skeleton.iter().any(|start| inner.starts_with(start));
            uncommented.push_str(if is { inner } else { line });
            uncommented.push('\n');
        }
        let mut whole = uncommented.replace("workload = \"\"", "workload = \"w\"") + rest;
        for (at, place) in places.iter().enumerate() {
            let rest = "context = true\nworkload = \"w\"";
            whole.push_str(&format!("\n[guests.x{at}]\non = \"{place}\"\n{rest}\n"));
        }
        fs::write(&path, &whole).expect("written");
        let (code, _, err) = warpshare(&["validate", &path]);
        assert_eq!(code, 0, "{file}: {err}\n{whole}");
    }
}
