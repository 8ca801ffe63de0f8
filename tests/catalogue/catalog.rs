//! The catalogue's data: every consistency check that its documentation promises, and the commands
//! that print it.

use std::collections::{BTreeMap, BTreeSet};
use warpshare::catalog::{Catalog, Gpu, Mode, Series, VgpuType, source_keys};

const GPUS: &str = include_str!("../../data/gpus.csv");
const VGPU_TYPES: &str = include_str!("../../data/vgpu_types.csv");
const ALIASES: &str = include_str!("../../data/gpu_id_aliases.csv");
const NAMES: &str = include_str!("../../data/gpu_names.csv");
const SOURCES: &str = include_str!("../../data/sources.csv");

fn catalog() -> Catalog {
    Catalog::builtin().expect("the catalogue is well formed")
}

/// A CSV table as maps from column to cell, read without the code under test.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("rows of equal length")
}

fn all_types(catalog: &Catalog) -> Vec<&VgpuType> {
    let ids = catalog.gpus_with_vgpu_types();
    ids.into_iter()
        .flat_map(|id| catalog.vgpu_types(id))
        .collect()
}

#[test]
fn tables_are_ascii_with_lf_and_rows_of_equal_length() {
    for (name, text, columns, count) in [
        ("gpus.csv", GPUS, 32, 57),
        ("vgpu_types.csv", VGPU_TYPES, 25, 873),
        ("gpu_id_aliases.csv", ALIASES, 3, 20),
        ("gpu_names.csv", NAMES, 4, 16),
        ("sources.csv", SOURCES, 6, 73),
    ] {
        assert!(text.is_ascii(), "{name}");
        assert!(!text.contains('\r'), "{name}");
        let rows = rows(text);
        assert_eq!(rows.len(), count, "{name}");
        assert!(rows.iter().all(|row| row.len() == columns), "{name}");
    }
    let catalog = catalog();
    assert_eq!(catalog.gpus().len(), 57);
    assert_eq!(all_types(&catalog).len(), 873);
    assert_eq!(catalog.sources().count(), 73);
    assert_eq!(catalog.gpus_with_vgpu_types().len(), 51);
}

#[test]
fn keys_are_unique() {
    fn unique(keys: Vec<String>) {
        let number = keys.len();
        assert_eq!(keys.into_iter().collect::<BTreeSet<_>>().len(), number);
    }
    let column = |text, name: &str| rows(text).iter().map(|row| row[name].clone()).collect();
    unique(column(GPUS, "id"));
    unique(column(GPUS, "name"));
    unique(column(SOURCES, "key"));
    unique(column(ALIASES, "vgpu_types_gpu_id"));
    let keys = rows(VGPU_TYPES);
    unique(
        keys.iter()
            .map(|r| format!("{} {}", r["gpu_id"], r["type_name"]))
            .collect(),
    );
    // The driver's number names one type of one GPU.
    let ids = keys.iter().map(|r| r["vgpu_type_id"].clone());
    unique(ids.filter(|id| !id.is_empty()).collect());
}

#[test]
fn every_source_key_resolves() {
    let catalog = catalog();
    let mut used = 0;
    for gpu in catalog.gpus() {
        for (column, list) in gpu.source.iter() {
            for key in source_keys(list) {
                assert!(catalog.source(key).is_some(), "{} {column}: {key}", gpu.id);
                used += 1;
            }
        }
    }
    assert!(used > 500, "{used}");
    for row in rows(NAMES) {
        let named = catalog.sources_named_in(&row["source"]);
        assert!(!named.is_empty(), "{row:?}");
        let known = row["gpu_id"].is_empty() || catalog.gpu(&row["gpu_id"]).is_some();
        assert!(known, "{row:?}");
        if row["kind"] == "pci" {
            let digits = row["name"].chars().filter(char::is_ascii_hexdigit);
            assert_eq!((digits.count(), row["name"].len()), (4, 4), "{row:?}");
        }
    }
}

/// Columns of a row that name no figure, or whose source is the row as a whole.
///
/// The table gives no source of its own for what a GPU is (architecture, chip, GPUs on the board,
/// size of the memory, which the name says too), nor for MIG where no instances exist.
fn needs_no_source(gpu: &Gpu, column: &str) -> bool {
    match column {
        "id" | "name" | "unknown_fields" | "source" | "notes" => true,
        "architecture" | "chip" | "gpus_per_board" | "memory_gib" => true,
        "mig_capable" | "mig_max_instances" => gpu.mig_capable == Some(false),
        _ => false,
    }
}

#[test]
fn every_figure_has_a_source_and_no_source_stands_behind_an_empty_cell() {
    let catalog = catalog();
    let mut unsourced = Vec::new();
    for row in rows(GPUS) {
        let gpu = catalog.gpu(&row["id"]).expect("the row was read");
        for (column, cell) in &row {
            let sourced = gpu.source_of(column).is_some();
            // `pcie` stands for both columns; of the A16 only the generation has a figure, and its
            // row names that column by itself.
            assert!(!sourced || !cell.is_empty(), "{} {column}", gpu.id);
            if !cell.is_empty() && !sourced && !needs_no_source(gpu, column) {
                unsourced.push(format!("{} {column}", gpu.id));
            }
        }
    }
    let capable = |text: &String| !text.ends_with(" mig_capable");
    unsourced.retain(capable); // said by `mig_max_instances`, next to it
    unsourced.sort();
    assert_eq!(
        unsourced,
        [
            // The row's note: the MIG guide lists the product nowhere, profiles come from others.
            "b300-sxm-288gb mig_max_instances",
            "gh200-144gb compute_capability",
            "gh200-144gb mig_max_instances",
            // The row's note: a likely match in the device list, not a stated one.
            "h100-sxm5-94gb pci_device_id",
        ]
    );
}

#[test]
fn source_columns_are_columns_or_known_groups() {
    let catalog = catalog();
    let header: BTreeSet<&str> = GPUS.lines().next().expect("a header").split(',').collect();
    let groups = BTreeSet::from(["pcie", "mig", "MIG profiles"]);
    for gpu in catalog.gpus() {
        for (column, _) in gpu.source.iter() {
            assert!(
                header.contains(column) || groups.contains(column),
                "{} {column}",
                gpu.id
            );
        }
    }
}

#[test]
fn unknown_fields_names_exactly_the_empty_cells() {
    let header: Vec<&str> = GPUS.lines().next().expect("a header").split(',').collect();
    for row in rows(GPUS) {
        let empty: Vec<&str> = header
            .iter()
            .copied()
            .filter(|column| row[*column].is_empty())
            // Remarks may be empty; no source at all would fail the test above.
            .filter(|column| !matches!(*column, "unknown_fields" | "source" | "notes"))
            // The V100 rows lack the device id, an identifier rather than a figure.
            .filter(|column| !(*column == "pci_device_id" && row["chip"] == "GV100"))
            .collect();
        assert_eq!(row["unknown_fields"], empty.join(";"), "{}", row["id"]);
    }
}

#[test]
fn figures_are_plausible_and_agree_with_each_other() {
    for gpu in catalog().gpus() {
        let id = &gpu.id;
        for figure in [
            gpu.memory_gib,
            gpu.memory_bandwidth_gb_s,
            gpu.l2_mib,
            gpu.fp32_tflops,
            gpu.fp16_tensor_tflops_dense,
            gpu.tdp_w,
        ] {
            assert!(figure.is_none_or(|f| f.is_finite() && f > 0.0), "{id}");
        }
        assert!(gpu.memory_gib.is_some(), "{id}");
        assert!(
            gpu.sm_count.is_none_or(|sms| (1..=200).contains(&sms)),
            "{id}"
        );
        assert!(gpu.pcie_gen.is_none_or(|g| (3..=6).contains(&g)), "{id}");
        assert!(
            gpu.pcie_lanes.is_none_or(|l| [4, 8, 16].contains(&l)),
            "{id}"
        );
        assert_eq!(
            gpu.mig_capable == Some(true),
            gpu.mig_max_instances != Some(0),
            "{id}"
        );
        // Boards without SR-IOV are those before Ampere, and only those.
        let old = ["Volta", "Turing"].contains(&gpu.architecture.as_str());
        assert_eq!(gpu.max_vfs == Some(0), old, "{id}");
        assert!(gpu.vgpu_capable != Some(false), "{id}");
    }
}

#[test]
fn the_alias_table_is_complete() {
    let catalog = catalog();
    let aliases: BTreeMap<String, String> = rows(ALIASES)
        .into_iter()
        .map(|row| (row["vgpu_types_gpu_id"].clone(), row["gpu_id"].clone()))
        .collect();
    let spellings: BTreeSet<String> = rows(VGPU_TYPES)
        .into_iter()
        .map(|row| row["gpu_id"].clone())
        .collect();
    for spelling in &spellings {
        let known = catalog.gpu(spelling).is_some();
        assert!(
            known != aliases.contains_key(spelling),
            "{spelling}: one or the other"
        );
    }
    for (spelling, id) in &aliases {
        assert!(spellings.contains(spelling), "{spelling} is used");
        assert!(id.is_empty() || catalog.gpu(id).is_some(), "{id} exists");
    }
    let bare: Vec<&str> = aliases
        .iter()
        .filter(|(_, id)| id.is_empty())
        .map(|(s, _)| &**s)
        .collect();
    assert_eq!(bare, [""; 0], "every GPU with types has a row");
}

/// GPUs of the catalogue without types: no vGPU support is known for these workstation boards and the
/// GB300.
#[test]
fn gpus_without_types_are_the_known_ones() {
    let catalog = catalog();
    let without = catalog
        .gpus()
        .iter()
        .filter(|g| catalog.vgpu_types(&g.id).next().is_none());
    let (capable, unknown): (Vec<_>, Vec<_>) = without.partition(|g| g.vgpu_capable == Some(true));
    let ids = |gpus: Vec<&Gpu>| gpus.iter().map(|g| g.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(capable), [""; 0]);
    assert_eq!(
        ids(unknown),
        [
            "gb300-288gb",
            "rtx-pro-6000-blackwell-ws",
            "rtx-pro-6000-blackwell-maxq",
            "rtx-pro-5000-blackwell-48gb",
            "rtx-pro-4500-blackwell-32gb",
            "rtx-2000-ada",
        ]
    );
    for gpu in catalog.gpus().iter().filter(|g| g.vgpu_capable.is_none()) {
        assert!(catalog.vgpu_types(&gpu.id).next().is_none(), "{}", gpu.id);
    }
}

/// All vGPUs of a type fit the board's memory. Names round up, so a few exceed it a little: the
/// three-slice H200 types (2 × 71 of 141), the 24 GB types of the 94 GB H100 and H800 (4 × 24), two of the
/// B300 (269 of 268.6), and the GB200 types, whose names date from before production (189 of 186).
#[test]
fn full_boards_fit_their_memory() {
    let catalog = catalog();
    let mut over = BTreeSet::new();
    for gpu in catalog.gpus() {
        let memory = gpu.memory_gib.expect("checked above") * 1024.0;
        for t in catalog.vgpu_types(&gpu.id) {
            let Some(most) = t.max_per_gpu else { continue };
            let reserved = t.frame_buffer_mib as f64 * f64::from(most);
            if reserved > memory {
                assert!(reserved <= memory * 1.022, "{}", t.type_name);
                over.insert(t.type_name.as_str());
            }
        }
    }
    let expected = [
        "B300X-269C",
        "B300X-3-135C",
        "B300X-7-269C",
        "GB200-1-47C",
        "GB200-189C",
        "GB200-3-95C",
        "GB200-7-189C",
        "H100L-1-24C",
        "H100XL-1-24C",
        "H200-3-71C",
        "H200X-3-71C",
        "H800L-1-24C",
    ];
    assert_eq!(over, BTreeSet::from(expected));
    // Of these only two are time-sliced types; admission lets them exist.
    let documented = [("gb200-186gb", 189), ("b300-sxm-288gb", 269)];
    for (id, gib) in documented {
        assert_eq!(catalog.frame_buffer_mib(id), Some(gib * 1024));
    }
    let others = catalog.gpus().iter();
    for gpu in others.filter(|gpu| documented.iter().all(|(id, _)| *id != gpu.id)) {
        let memory = gpu.memory_gib.map(|gib| (gib * 1024.0) as u64);
        assert_eq!(catalog.frame_buffer_mib(&gpu.id), memory, "{}", gpu.id);
    }
}

#[test]
fn names_end_in_their_series() {
    let catalog = catalog();
    let mut four_displays = 0;
    let mut media = 0;
    for t in all_types(&catalog) {
        // `-1B4` and `-2B4` are desktops with a different display limit; `ME` marks types with the
        // media engines of a `+me` profile.
        let name = t.type_name.as_str();
        let bare = match (name.strip_suffix("B4"), name.strip_suffix("CME")) {
            (Some(head), _) => {
                four_displays += 1;
                format!("{head}B")
            }
            (_, Some(head)) => {
                assert!(
                    t.mig_profile.as_deref().is_some_and(|p| p.ends_with("+me")),
                    "{name}"
                );
                media += 1;
                format!("{head}C")
            }
            _ => name.to_owned(),
        };
        assert!(bare.ends_with(&t.series.to_string()), "{name}");
        let size = bare.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let gib: u64 = size
            .rsplit('-')
            .next()
            .and_then(|s| s.parse().ok())
            .expect("a size");
        assert_eq!(t.frame_buffer_mib, gib * 1024, "{name}");
    }
    assert_eq!((four_displays, media), (12, 25));
}

#[test]
fn series_decide_on_cuda_licence_and_display() {
    let catalog = catalog();
    let mut number = BTreeMap::new();
    for t in all_types(&catalog) {
        *number.entry(t.series).or_insert(0) += 1;
        assert_eq!(t.cuda, t.series.cuda(), "{}", t.type_name);
        let edition = match t.series {
            Series::Q => "vWS",
            Series::B => "vPC or vWS",
            Series::A => "vApps",
            Series::C => "NVIDIA AI Enterprise (vCS or vWS)",
        };
        assert_eq!(
            t.licence_edition.as_deref(),
            Some(edition),
            "{}",
            t.type_name
        );
        let frames = match t.series {
            Series::B => 45,
            _ => 60,
        };
        assert!(
            t.frame_rate_limit_fps.is_none_or(|f| f == frames),
            "{}",
            t.type_name
        );
        let heads = match t.series {
            Series::Q | Series::B => 4,
            Series::A | Series::C => 1,
        };
        assert!(t.max_displays.is_none_or(|h| h == heads), "{}", t.type_name);
    }
    let counts = [
        (Series::Q, 213),
        (Series::B, 59),
        (Series::A, 145),
        (Series::C, 456),
    ];
    assert_eq!(number, BTreeMap::from(counts));
    // The cell is empty for seven B types that only the driver's list names, along with their
    // maxima: CUDA follows from the series, a maximum from nothing.
    let empty = rows(VGPU_TYPES)
        .into_iter()
        .filter(|row| row["cuda"].is_empty());
    let empty: Vec<String> = empty.map(|row| row["type_name"].clone()).collect();
    assert_eq!(
        empty,
        [
            "A2-3B", "A10-3B", "A16-3B", "A40-3B", "L4-3B", "L40-3B", "L40S-3B"
        ]
    );
    // The maxima of two of them are in the sizing guide; those of A and B types of the RTX A boards are not
    // known either.
    let types = all_types(&catalog);
    let without = types.iter().filter(|t| t.max_per_gpu.is_none());
    let (workstations, others): (Vec<&VgpuType>, Vec<&VgpuType>) = without
        .copied()
        .partition(|t| t.gpu_id.starts_with("rtx-a"));
    let others: Vec<&str> = others.iter().map(|t| t.type_name.as_str()).collect();
    assert_eq!(others, ["A2-3B", "A10-3B", "A40-3B", "L40-3B", "L40S-3B"]);
    assert_eq!(workstations.len(), 10 + 10 + 12);
    assert!(
        workstations
            .iter()
            .all(|t| matches!(t.series, Series::A | Series::B))
    );
}

#[test]
fn modes_have_the_columns_that_apply_to_them() {
    let catalog = catalog();
    let mut number = BTreeMap::new();
    for t in all_types(&catalog) {
        *number.entry(t.mode).or_insert(0) += 1;
        let name = &t.type_name;
        let mig = t.mode != Mode::TimeSliced;
        assert_eq!(t.mig_profile.is_some(), mig, "{name}");
        assert_eq!(t.gi_slices.is_some(), mig, "{name}");
        assert_eq!(t.ci_per_vgpu.is_some(), mig, "{name}");
        match t.mode {
            Mode::TimeSliced => assert_eq!(t.max_per_gi, None, "{name}"),
            Mode::MigBacked => {
                assert_eq!(t.max_per_gi, Some(1), "{name}");
                assert_eq!(t.ci_per_vgpu, t.gi_slices, "{name}"); // it owns the instance
            }
            Mode::MigTimeSliced => {
                assert!(
                    t.max_per_gi.is_some_and(|n| (2..=12).contains(&n)),
                    "{name}"
                );
                assert_eq!(t.ci_per_vgpu, Some(1), "{name}");
                assert!(
                    t.mig_profile
                        .as_deref()
                        .is_some_and(|p| p.ends_with("+gfx")),
                    "{name}"
                );
            }
        }
        // The manager's caps: 32 vGPUs without MIG, 48 with.
        let cap = if mig { 48 } else { 32 };
        assert!(
            t.max_per_gpu.is_none_or(|n| (1..=cap).contains(&n)),
            "{name}"
        );
        let visible = t.guest_visible_fb_mib;
        assert!(
            visible.is_none_or(|v| 0 < v && v <= t.frame_buffer_mib),
            "{name}"
        );
    }
    let counts = [
        (Mode::TimeSliced, 652),
        (Mode::MigBacked, 183),
        (Mode::MigTimeSliced, 38),
    ];
    assert_eq!(number, BTreeMap::from(counts));
}

#[test]
fn mixed_size_mode_starts_with_ampere_and_never_holds_more() {
    let catalog = catalog();
    for t in all_types(&catalog) {
        let name = &t.type_name;
        let old = ["t4", "v100", "quadro"]
            .iter()
            .any(|old| t.gpu_id.starts_with(old));
        if let (Some(mixed), Some(equal)) = (t.max_per_gpu_mixed_size, t.max_per_gpu) {
            assert!(mixed <= equal, "{name}");
            // MIG types have no mixed-size mode either.
            let none = old || t.mode != Mode::TimeSliced;
            assert_eq!(mixed == 0, none, "{name}");
        }
    }
}

/// Placements lie inside the region, do not overlap in equal-size mode, and are as many as the
/// maximum says.
#[test]
fn placements_fit_their_region() {
    let catalog = catalog();
    let mut checked = 0;
    for t in all_types(&catalog) {
        let (Some(region), Some(size)) = (t.placement_region_gb, t.placement_size_gb) else {
            assert_eq!(t.placement_ids_equal_size, None, "{}", t.type_name);
            assert_eq!(t.placement_ids_mixed_size, None, "{}", t.type_name);
            continue;
        };
        let name = &t.type_name;
        // A 2 GB type on the 96 GB region counts as 3.
        let nominal = u64::from(size) * 1024;
        assert!(nominal == t.frame_buffer_mib || name == "DC-2B", "{name}");
        for ids in [&t.placement_ids_equal_size, &t.placement_ids_mixed_size]
            .into_iter()
            .flatten()
        {
            assert!(ids.is_sorted_by(|a, b| a < b), "{name}");
            assert!(ids.iter().all(|id| id + size <= region), "{name}");
        }
        if let Some(ids) = &t.placement_ids_equal_size {
            assert!(
                ids.windows(2).all(|pair| pair[1] - pair[0] >= size),
                "{name}"
            );
            let most = t.max_per_gi.or(t.max_per_gpu);
            assert_eq!(u32::try_from(ids.len()).ok(), most, "{name}");
            checked += 1;
        }
        if let Some(ids) = &t.placement_ids_mixed_size {
            assert_eq!(
                u32::try_from(ids.len()).ok(),
                t.max_per_gpu_mixed_size,
                "{name}"
            );
            checked += 1;
        }
    }
    assert!(checked > 400, "{checked}");
}

/// One size, one maximum: series of a size can mix under it.
#[test]
fn types_of_one_size_share_their_maximum() {
    let catalog = catalog();
    let mut differing = Vec::new();
    for id in catalog.gpus_with_vgpu_types() {
        let mut most: BTreeMap<u64, u32> = BTreeMap::new();
        for t in catalog
            .vgpu_types(id)
            .filter(|t| t.mode == Mode::TimeSliced)
        {
            let Some(n) = t.max_per_gpu else { continue };
            if *most.entry(t.frame_buffer_mib).or_insert(n) != n {
                differing.push(t.type_name.clone());
            }
        }
    }
    // vgpu-device-manager has eight of this one and twelve of RTX8000P-4Q.
    assert_eq!(differing, ["RTX8000P-4C"]);
}

#[test]
fn golden_lookups() {
    let catalog = catalog();
    let a40 = catalog.gpu("a40").expect("A40");
    assert_eq!(
        (a40.sm_count, a40.memory_gib, a40.max_vfs),
        (Some(84), Some(48.0), Some(32))
    );
    assert_eq!((a40.copy_engines, a40.nvenc), (None, Some(1)));
    assert_eq!((a40.pcie_gen, a40.pcie_lanes), (Some(4), Some(16)));
    let a100 = catalog.gpu("a100-sxm4-40gb").expect("A100");
    assert_eq!(
        (a100.sm_count, a100.copy_engines, a100.max_vfs),
        (Some(108), Some(7), Some(16))
    );
    assert_eq!(a100.source_of("memory_bandwidth_gb_s"), Some("THUNDER"));
    assert_eq!(catalog.gpu("t4").expect("T4").max_vfs, Some(0));

    let q = catalog.vgpu_type("a40", "A40-4Q").expect("A40-4Q");
    assert_eq!(
        (q.frame_buffer_mib, q.guest_visible_fb_mib),
        (4096, Some(3776))
    );
    assert_eq!((q.max_per_gpu, q.vgpu_type_id), (Some(12), Some(560)));
    // Joined through the alias table.
    let c = catalog
        .vgpu_type("a100-sxm4-40gb", "A100X-1-5C")
        .expect("A100X-1-5C");
    assert_eq!((c.mode, c.max_per_gpu), (Mode::MigBacked, Some(7)));
    assert_eq!(c.gpu_id, "a100-sxm4-40gb");
    assert_eq!(catalog.vgpu_type("a40", "A40-5Q"), None);
    assert_eq!(catalog.vgpu_types("nothing").count(), 0);

    assert_eq!(
        catalog.boards_like("V100-PCIE"),
        ["v100-pcie-16gb", "v100-pcie-32gb"]
    );
    assert!(catalog.boards_like("").is_empty());
    let help = catalog.suggest_vgpu_type("a40", "zzz");
    assert!(help.starts_with("its types: `A40-"), "{help}");
}

/// Facts that captures and guides showed to be otherwise than the catalogue had them, or lacking.
#[test]
fn facts_that_were_met_in_the_field() {
    let catalog = catalog();
    let gpu = |id: &str| catalog.gpu(id).expect("the catalogue has it");
    let gb300 = gpu("gb300-288gb");
    assert_eq!((gb300.pcie_gen, gb300.pcie_lanes), (Some(6), Some(16)));
    for (id, mib) in [("b300-sxm-288gb", 275_040), ("gb300-288gb", 284_208)] {
        assert_eq!(gpu(id).visible_memory_mib, Some(mib));
        assert_eq!(gpu(id).memory_gib, Some(f64::from(mib) / 1024.0));
    }
    for (id, mib) in [("h100-sxm5-80gb", 81_559), ("t4", 15_360)] {
        assert_eq!(gpu(id).visible_memory_mib, Some(mib));
    }
    for (id, pci) in [
        ("v100-pcie-16gb", "1DB4"),
        ("v100-pcie-32gb", "1DB6"),
        ("v100-sxm2-32gb", "1DB5"),
        ("a100-pcie-80gb", "20B5"),
        ("a100-pcie-80gb", "20B8"),
        ("a30", "20B9"),
        ("h100-sxm5-80gb", "2336"),
        ("rtx-pro-4500-blackwell-se", "2C3A"),
    ] {
        let mut ids = catalog.pci_device_ids(id);
        assert!(ids.any(|own| own == pci), "{id} {pci}");
    }
    let profiles = catalog.mig_profiles("gb300-288gb");
    let ids: Vec<Option<u32>> = profiles.map(|p| p.profile_id).collect();
    assert_eq!(ids, [19, 20, 15, 14, 9, 5, 0].map(Some));
    let id = |board: &str, name: &str| catalog.vgpu_type(board, name).and_then(|t| t.vgpu_type_id);
    let pro = "rtx-pro-6000-blackwell-se";
    assert_eq!(id(pro, "DC-3Q"), Some(1519));
    assert_eq!(id(pro, "DC-3A"), Some(1520));
    assert_eq!(id(pro, "DC-6Q"), Some(1523));
    // Most on one GPU, and the GPUs of the board that a sizing guide counts.
    for (board, name, most, gpus) in [
        ("rtx-pro-4500-blackwell-se", "DC-1-16Q", 2, 1),
        ("rtx-pro-4500-blackwell-se", "DC-2-8Q", 4, 1),
        ("rtx-pro-4500-blackwell-se", "DC-2-32Q", 1, 1),
        ("rtx-pro-4500-blackwell-se", "DC-2B", 16, 1),
        ("rtx-pro-4500-blackwell-se", "DC-3B", 10, 1),
        ("l4", "L4-1B", 24, 1),
        ("l4", "L4-2B", 12, 1),
        ("l4", "L4-3B", 8, 1),
        ("a16", "A16-1B", 64 / 4, 4),
        ("a16", "A16-2B", 32 / 4, 4),
        ("a16", "A16-3B", 20 / 4, 4),
    ] {
        let found = catalog.vgpu_type(board, name).expect("it is listed");
        assert_eq!(found.max_per_gpu, Some(most), "{name}");
        assert_eq!(gpu(board).gpus_per_board, Some(gpus), "{board}");
    }
    assert_eq!(gpu("t4").nvenc, Some(1));
}

/// Boards that were met and missing: a row each, with types where a public list has them.
#[test]
fn boards_met_in_the_field_have_rows() {
    let catalog = catalog();
    for (id, typical) in [
        ("a800-sxm4-80gb", Some("A800DX-10C")),
        ("a800-pcie-80gb", Some("A800D-1-10C")),
        ("a800-pcie-40gb", Some("A800-5C")),
        ("h800-sxm5-80gb", Some("H800XM-10C")),
        ("h800-pcie-80gb", Some("H800-1-10C")),
        ("h800-nvl-94gb", Some("H800L-94C")),
        ("h20-96gb", Some("H20-48C")),
        ("l2", Some("L2-4Q")),
        ("l20", Some("L20-4Q")),
        ("rtx-6000-ada", Some("RTX6000-Ada-4Q")),
        ("rtx-5880-ada", Some("RTX5880-Ada-4Q")),
        ("rtx-5000-ada", Some("RTX5000-Ada-4Q")),
        ("rtx-2000-ada", None),
        ("rtx-a5000", Some("RTXA5000-4Q")),
        ("rtx-a5500", Some("RTXA5500-4Q")),
        ("rtx-a6000", Some("RTXA6000-4Q")),
        ("quadro-rtx-6000-passive", Some("RTX6000P-4Q")),
        ("quadro-rtx-8000-passive", Some("RTX8000P-4Q")),
        ("rtx-pro-6000d-84gb", Some("6000D-84Q")),
        ("v100-sxm2-16gb", Some("V100X-4Q")),
        ("v100-fhhl-16gb", Some("V100L-4Q")),
        ("v100s-pcie-32gb", Some("V100S-4Q")),
    ] {
        assert!(catalog.gpu(id).is_some(), "{id}");
        match typical {
            Some(name) => assert!(catalog.vgpu_type(id, name).is_some(), "{id} {name}"),
            None => assert_eq!(catalog.vgpu_types(id).count(), 0, "{id}"),
        }
    }
}

#[test]
fn the_documented_rules_are_those_of_the_code() {
    let page = include_str!("../../docs/catalogue.md");
    let after = page
        .split("<!-- rules: begin -->\n")
        .nth(1)
        .unwrap_or_default();
    let table = after
        .split("<!-- rules: end -->")
        .next()
        .unwrap_or_default();
    assert_eq!(table, warpshare::vgpu::rules_as_markdown());
}

pub(crate) mod commands;
mod mig;
mod user_boards;
