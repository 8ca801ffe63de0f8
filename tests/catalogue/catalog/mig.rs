//! The MIG tables: what their columns promise, and how they agree with the GPUs and vGPU types.

use super::{catalog, rows};
use std::collections::{BTreeMap, BTreeSet};
use warpshare::catalog::{Catalog, Confidence, MediaExtensions, MigProfile, Mode};

const PROFILES: &str = include_str!("../../../data/mig_profiles.csv");
const COMPUTE: &str = include_str!("../../../data/mig_compute_instances.csv");
const LAYOUTS: &str = include_str!("../../data/mig_layouts.csv");

fn all_profiles(catalog: &Catalog) -> Vec<&MigProfile> {
    let ids = catalog.gpus_with_mig().into_iter();
    ids.flat_map(|id| catalog.mig_profiles(id)).collect()
}

#[test]
fn tables_are_ascii_with_lf_and_rows_of_equal_length() {
    for (name, text, columns, count) in [
        ("mig_profiles.csv", PROFILES, 25, 229),
        ("mig_compute_instances.csv", COMPUTE, 16, 233),
        ("mig_layouts.csv", LAYOUTS, 14, 423),
    ] {
        assert!(text.is_ascii(), "{name}");
        assert!(!text.contains('\r'), "{name}");
        let rows = rows(text);
        assert_eq!(rows.len(), count, "{name}");
        assert!(rows.iter().all(|row| row.len() == columns), "{name}");
    }
    let catalog = catalog();
    assert_eq!(all_profiles(&catalog).len(), 229);
    assert_eq!(catalog.gpus_with_mig().len(), 32);
}

#[test]
fn keys_are_unique_and_profiles_belong_to_gpus_with_mig() {
    let catalog = catalog();
    let mut seen = BTreeSet::new();
    for row in rows(COMPUTE) {
        // On Hopper two profiles inside a 2g share their name: the number is part of the key.
        let key = ["gpu_id", "gi_profile", "ci_profile", "ci_profile_id"].map(|c| row[c].clone());
        assert!(seen.insert(key.clone()), "{key:?}");
        let of_gpu: Vec<&str> = catalog
            .mig_profiles(&row["gpu_id"])
            .map(|p| p.profile.as_str())
            .collect();
        assert!(of_gpu.contains(&row["gi_profile"].as_str()), "{key:?}");
    }
    let mut seen = BTreeSet::new();
    for profile in all_profiles(&catalog) {
        assert!(seen.insert((&profile.gpu_id, &profile.profile)));
        if let Some(id) = profile.profile_id {
            let same = catalog
                .mig_profiles(&profile.gpu_id)
                .filter(|other| other.profile_id == Some(id));
            assert_eq!(same.count(), 1, "{} {id}", profile.gpu_id);
        }
    }
    for gpu in catalog.gpus() {
        let number = catalog.mig_profiles(&gpu.id).count();
        assert_eq!(number > 0, gpu.mig_capable == Some(true), "{}", gpu.id);
    }
    let mut ids = BTreeSet::new();
    for row in rows(LAYOUTS) {
        assert!(ids.insert(row["layout_id"].clone()), "{}", row["layout_id"]);
        for id in row["gpu_ids"].split(';').filter(|id| !id.is_empty()) {
            assert!(catalog.mig_profiles(id).next().is_some(), "{id}");
        }
    }
}

#[test]
fn every_source_key_resolves() {
    let catalog = catalog();
    // Words in capitals that are no keys.
    let words = BTreeSet::from(["NVML"]);
    let mut used = 0;
    for text in [PROFILES, COMPUTE, LAYOUTS] {
        for row in rows(text) {
            // Remarks in brackets name boards and drivers, not keys.
            let cell = &row["source"];
            let outside = cell
                .split('(')
                .map(|part| part.rsplit(')').next().unwrap_or(part));
            let cell_outside = outside.collect::<Vec<_>>().join(" ");
            for word in cell_outside.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
                let capitals = word.len() >= 3
                    && word.starts_with(|c: char| c.is_ascii_uppercase())
                    && word.chars().all(|c| !c.is_ascii_lowercase());
                if capitals && !words.contains(word) {
                    assert!(catalog.source(word).is_some(), "{word} in {cell}");
                    used += 1;
                }
            }
            assert!(!catalog.sources_named_in(cell).is_empty(), "{cell}");
        }
    }
    assert!(used > 1000, "{used}");
}

#[test]
fn names_say_slices_and_media_engines() {
    for p in all_profiles(&catalog()) {
        let name = &p.profile;
        let (slices, rest) = name.split_once("g.").expect("compute slices first");
        assert_eq!(slices.parse(), Ok(p.compute_slices), "{name}");
        let (nominal, ending) = rest.split_once("gb").expect("memory next");
        let ending = match ending {
            "" | "+gfx" if p.media_extensions == MediaExtensions::Default => ending,
            "" => {
                assert_eq!(p.media_extensions, MediaExtensions::None, "{name}");
                ""
            }
            _ => ending,
        };
        assert_eq!(p.graphics, ending == "+gfx", "{name}");
        match ending {
            "+me" => assert_eq!(p.media_extensions, MediaExtensions::Extended),
            "+me.all" => assert_eq!(p.media_extensions, MediaExtensions::All),
            "-me" => {
                assert_eq!(p.media_extensions, MediaExtensions::Without);
                let media = [p.decoders, p.encoders, p.jpeg, p.ofa];
                assert_eq!(media, [Some(0); 4], "{name}");
            }
            _ => {}
        }
        // The nominal size rounds up what is listed, by at most 12 % or 2.5 GiB.
        let nominal: f64 = nominal.parse().expect("a number");
        if let Some(listed) = p.memory_gib {
            assert!(listed <= nominal, "{name}: {listed}");
            assert!(
                nominal - listed <= (nominal * 0.12).max(2.5),
                "{name}: {listed}"
            );
        }
    }
}

#[test]
fn slices_and_placements_lie_inside_the_gpu() {
    let mut unknown = BTreeSet::new();
    for p in all_profiles(&catalog()) {
        let name = format!("{} {}", p.gpu_id, p.profile);
        assert!(
            (1..=p.memory_slices_total).contains(&p.memory_slices),
            "{name}"
        );
        assert!(
            (1..=p.compute_slices_total).contains(&p.compute_slices),
            "{name}"
        );
        assert!(
            matches!(
                (p.memory_slices_total, p.compute_slices_total),
                (8, 7) | (4, 4) | (2, 2)
            ),
            "{name}"
        );
        let (Some(starts), Some(size), Some(units)) = (
            &p.placement_starts,
            p.placement_size,
            p.placement_units_total,
        ) else {
            assert_eq!(
                (&p.placement_starts, p.placement_size),
                (&None, None),
                "{name}"
            );
            unknown.insert(p.gpu_id.clone());
            continue;
        };
        assert!(starts.is_sorted_by(|a, b| a < b), "{name}");
        assert!(starts.iter().all(|start| start + size <= units), "{name}");
        // Size counts memory slices, in units that may be finer.
        assert_eq!(
            size * p.memory_slices_total,
            p.memory_slices * units,
            "{name}"
        );
        // As many as there are disjoint starts, but extension engines exist once.
        let mut disjoint = 0;
        let mut free_from = 0;
        for &start in starts {
            if start >= free_from {
                disjoint += 1;
                free_from = start + size;
            }
        }
        let once = matches!(
            p.media_extensions,
            MediaExtensions::Extended | MediaExtensions::All
        );
        assert_eq!(p.max_instances, if once { 1 } else { disjoint }, "{name}");
    }
    let halves = [
        "rtx-pro-4500-blackwell-32gb",
        "rtx-pro-4500-blackwell-se",
        "rtx-pro-5000-blackwell-48gb",
        "rtx-pro-6000d-84gb",
    ];
    assert_eq!(unknown, halves.map(str::to_owned).into());
}

/// The largest profile is the whole GPU: its engines are the board's, its memory and SMs no more.
#[test]
fn profiles_agree_with_their_gpu() {
    let catalog = catalog();
    for id in catalog.gpus_with_mig() {
        let gpu = catalog.gpu(id).expect("a row");
        let whole: Vec<_> = catalog
            .mig_profiles(id)
            .filter(|p| p.compute_slices == p.compute_slices_total)
            .collect();
        assert!(!whole.is_empty(), "{id}");
        for p in &whole {
            assert_eq!(p.memory_slices, p.memory_slices_total, "{id}");
            assert_eq!(p.max_instances, 1, "{id}");
            for (own, board) in [
                (p.copy_engines, gpu.copy_engines),
                (p.decoders, gpu.nvdec),
                (p.encoders, gpu.nvenc),
                (p.jpeg, gpu.nvjpg),
                (p.ofa, gpu.ofa),
            ] {
                assert!(own.is_none() || board.is_none() || own == board, "{id}");
            }
        }
        let most = catalog.mig_profiles(id).map(|p| p.max_instances).max();
        assert_eq!(most, gpu.mig_max_instances, "{id}");
        for p in catalog.mig_profiles(id) {
            assert!(p.memory_gib <= gpu.memory_gib, "{id} {}", p.profile);
            assert!(gpu.sm_count.is_none() || p.sm_count <= gpu.sm_count, "{id}");
            assert!(gpu.copy_engines.is_none() || p.copy_engines <= gpu.copy_engines);
        }
    }
}

#[test]
fn drivers_are_branches_and_rows_that_lack_figures_are_the_known_ones() {
    let catalog = catalog();
    let mut branches = BTreeSet::new();
    let mut lacking: BTreeMap<&str, usize> = BTreeMap::new();
    for p in all_profiles(&catalog) {
        branches.extend(p.min_driver.clone());
        if p.sm_count.is_none() || p.memory_gib.is_none() {
            *lacking.entry(&p.gpu_id).or_insert(0) += 1;
            assert_ne!(p.confidence, Confidence::High, "{} {}", p.gpu_id, p.profile);
        }
    }
    assert_eq!(branches, ["R470", "R525", "R575"].map(str::to_owned).into());
    let expected = [
        ("a800-pcie-40gb", 7),
        ("a800-pcie-80gb", 7),
        ("a800-sxm4-80gb", 7),
        ("b200-sxm-180gb", 3),
        ("b300-sxm-288gb", 7),
        ("gb200-186gb", 3),
        ("gb300-288gb", 7),
        ("gh200-144gb", 3),
        ("h100-sxm5-64gb", 7),
        ("h100-sxm5-94gb", 7),
        ("h20-96gb", 7),
        ("h200-nvl-141gb", 7),
        ("h800-nvl-94gb", 7),
        ("h800-pcie-80gb", 7),
        ("h800-sxm5-80gb", 7),
        ("rtx-pro-4500-blackwell-32gb", 6),
        ("rtx-pro-4500-blackwell-se", 6),
        ("rtx-pro-5000-blackwell-48gb", 7),
        ("rtx-pro-6000d-84gb", 4),
    ];
    assert_eq!(lacking, BTreeMap::from(expected));
}

#[test]
fn compute_instances_fit_their_gpu_instance() {
    let catalog = catalog();
    let (mut boards, mut unknown, mut number) = (BTreeSet::new(), 0, 0);
    for gi in all_profiles(&catalog) {
        let inside: Vec<_> = catalog
            .compute_instance_profiles(&gi.gpu_id, &gi.profile)
            .collect();
        if inside.is_empty() {
            continue;
        }
        boards.insert(gi.gpu_id.as_str());
        number += inside.len();
        let name = format!("{} {}", gi.gpu_id, gi.profile);
        let default: Vec<_> = inside.iter().filter(|ci| ci.is_default).collect();
        assert_eq!(default.len(), 1, "{name}");
        // The default is the whole GPU instance.
        assert_eq!(default[0].compute_slices, gi.compute_slices, "{name}");
        assert_eq!(default[0].sm_count, gi.sm_count, "{name}");
        assert_eq!(default[0].ci_profile, gi.profile, "{name}");
        for ci in inside {
            unknown += usize::from(ci.sm_count.is_none());
            assert!(ci.max_instances >= 1, "{name}");
            assert!(
                ci.compute_slices * ci.max_instances <= gi.compute_slices,
                "{name}"
            );
            if let (Some(sms), Some(all)) = (ci.sm_count, gi.sm_count) {
                assert!(sms * ci.max_instances <= all, "{name} {}", ci.ci_profile);
            }
            let part = ci.compute_slices < gi.compute_slices;
            let prefix = format!("{}c.", ci.compute_slices);
            assert_eq!(ci.ci_profile.starts_with(&prefix), part, "{name}");
            let shared = [
                ci.shared_copy_engines,
                ci.shared_decoders,
                ci.shared_encoders,
                ci.shared_jpeg,
                ci.shared_ofa,
            ];
            let own = [gi.copy_engines, gi.decoders, gi.encoders, gi.jpeg, gi.ofa];
            assert_eq!(shared, own, "{name}");
        }
    }
    assert_eq!((boards.len(), number, unknown), (15, 233, 62));
}

/// Engines and SMs never run out in a layout that is marked as valid.
#[test]
fn valid_layouts_stay_inside_the_board() {
    let catalog = catalog();
    let mut checked = 0;
    for row in rows(LAYOUTS).into_iter().filter(|r| r["valid"] == "yes") {
        for id in row["gpu_ids"].split(';').filter(|id| !id.is_empty()) {
            let gpu = catalog.gpu(id).expect("a row");
            let mut taken = BTreeSet::new();
            let mut sums = [0; 6];
            for item in row["instances"].split(';').filter(|item| !item.is_empty()) {
                let (name, start) = item.split_once('@').expect("a start");
                let start: u32 = start.parse().expect("a number");
                let mut of_gpu = catalog.mig_profiles(id);
                let p = of_gpu.find(|p| p.profile == name).expect("a profile");
                let starts = p.placement_starts.as_ref().expect("known");
                assert!(starts.contains(&start), "{} {item}", row["layout_id"]);
                for unit in start..start + p.placement_size.expect("known") {
                    assert!(taken.insert(unit), "{} overlaps", row["layout_id"]);
                }
                let own = [
                    p.sm_count,
                    p.copy_engines,
                    p.decoders,
                    p.encoders,
                    p.jpeg,
                    p.ofa,
                ];
                for (sum, own) in sums.iter_mut().zip(own) {
                    *sum += own.unwrap_or(0);
                }
            }
            let board = [
                gpu.sm_count,
                gpu.copy_engines,
                gpu.nvdec,
                gpu.nvenc,
                gpu.nvjpg,
                gpu.ofa,
            ];
            for (sum, board) in sums.into_iter().zip(board) {
                assert!(
                    board.is_none_or(|b| sum <= b),
                    "{} on {id}",
                    row["layout_id"]
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 400, "{checked}");
}

/// vGPU types name profiles that exist, with the slices that they have.
#[test]
fn vgpu_types_name_profiles_of_their_gpu() {
    let catalog = catalog();
    let mut missing = BTreeSet::new();
    let mut found = 0;
    for id in catalog.gpus_with_vgpu_types() {
        for t in catalog
            .vgpu_types(id)
            .filter(|t| t.mode != Mode::TimeSliced)
        {
            let name = t.mig_profile.as_deref().expect("checked elsewhere");
            match catalog.mig_profiles(id).find(|p| p.profile == name) {
                Some(profile) => {
                    assert_eq!(t.gi_slices, Some(profile.compute_slices), "{}", t.type_name);
                    found += 1;
                }
                None => {
                    missing.insert(id.to_owned());
                }
            }
        }
    }
    assert!(found > 100, "{found}");
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn boards_like_another_have_its_profiles() {
    let mut catalog = catalog();
    let file = "[boards.lab]\nlike = \"a30\"\n\n[boards.bare]\narchitecture = \"Ampere\"\n";
    catalog.add_user_file("b.toml", file).expect("well formed");
    assert_eq!(catalog.mig_profiles("lab").count(), 5);
    assert_eq!(
        catalog.compute_instance_profiles("lab", "2g.12gb").count(),
        2
    );
    assert_eq!(catalog.mig_profiles("bare").count(), 0);
    assert!(catalog.gpus_with_mig().contains(&"lab"));
}
