//! By what names boards and vGPU types are known, and what is suggested for names that are not.

use super::catalog::commands::warpshare;
use std::path::Path;
use warpshare::catalog::Catalog;
use warpshare::diagnostics::{Diagnostic, Severity};
use warpshare::scenario::{Overrides, Scenario, parse};

fn catalog() -> Catalog {
    Catalog::builtin().expect("the catalogue is well formed")
}

fn read(case: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("tests/data/cases").join(case)).expect("the case is there")
}

fn accepted(text: &str) -> Scenario {
    match parse("case.toml", text, Path::new("."), &Overrides::default()) {
        Ok(loaded) => loaded.scenario,
        Err(findings) => panic!(
            "{}",
            findings.iter().map(Diagnostic::render).collect::<String>()
        ),
    }
}

/// Title and help of the only error.
fn refused(text: &str) -> (String, String) {
    let found = parse("case.toml", text, Path::new("."), &Overrides::default());
    let findings = found.expect_err("it is refused");
    let mut errors = findings.iter().filter(|f| f.severity == Severity::Error);
    let error = errors.next().expect("an error");
    assert!(errors.next().is_none(), "{findings:?}");
    (error.title.clone(), error.help.clone().unwrap_or_default())
}

fn board(name: &str, guests: &str) -> String {
    format!(
        "[run]\nduration = \"2s\"\n[gpus.a]\nboard = \"{name}\"\n[guests.g]\n{guests}\nworkload = \"w\"\n[workloads.w]\n\
         arrivals = {{ process = \"poisson\", rate = \"10/s\" }}\nstages.work.gpu.time = \"4ms\"\n"
    )
}

/// What `nvidia-smi` prints for boards, and the identifier of each.
const PRINTED: [(&str, &str); 16] = [
    ("Tesla T4", "t4"),
    ("tesla t4", "t4"),
    ("T4", "t4"),
    ("NVIDIA A40", "a40"),
    ("nvidia  a40", "a40"),
    ("A40", "a40"),
    ("NVIDIA H100 80GB HBM3", "h100-sxm5-80gb"),
    ("H100 80GB HBM3", "h100-sxm5-80gb"),
    ("NVIDIA A100-SXM4-40GB", "a100-sxm4-40gb"),
    ("A100-SXM4-40GB", "a100-sxm4-40gb"),
    ("NVIDIA A100 80GB PCIe", "a100-pcie-80gb"),
    ("Tesla V100-SXM2-32GB", "v100-sxm2-32gb"),
    ("NVIDIA GH200 480GB", "gh200-96gb"),
    ("NVIDIA GB300", "gb300-288gb"),
    ("Quadro RTX 8000", "quadro-rtx-8000-passive"),
    ("NVIDIA RTX 6000 Ada Generation", "rtx-6000-ada"),
];

#[test]
fn printed_names_are_boards() {
    let catalog = catalog();
    for (name, id) in PRINTED {
        assert_eq!(catalog.board_id(name), Some(id), "{name}");
    }
    // Every board by its own name, in any case, with and without the maker.
    for gpu in catalog.gpus() {
        let names = [&gpu.name, &gpu.id];
        for name in names {
            let upper = name.to_ascii_uppercase();
            let bare = upper.strip_prefix("NVIDIA ").unwrap_or(&upper);
            for name in [name.as_str(), &upper, bare] {
                assert_eq!(catalog.board_id(name), Some(&*gpu.id), "{name}");
            }
        }
    }
    for nothing in ["", "NVIDIA", "Radeon", "A100", "H100", "V100"] {
        assert_eq!(catalog.board_id(nothing), None, "{nothing}");
    }
}

#[test]
fn a_name_belongs_to_one_board() {
    let catalog = catalog();
    let mut seen = std::collections::BTreeMap::new();
    for gpu in catalog.gpus() {
        for name in catalog.names_of(&gpu.id).chain([&*gpu.name, &*gpu.id]) {
            let key = name.to_ascii_lowercase();
            let key = key.strip_prefix("nvidia ").unwrap_or(&key).to_owned();
            if let Some(held) = seen.insert(key, &gpu.id) {
                assert_eq!(held, &gpu.id, "{name}");
            }
        }
    }
}

#[test]
fn scenarios_take_printed_names() {
    for (name, id) in PRINTED {
        let scenario = accepted(&board(name, "context = true"));
        assert_eq!(scenario.gpus[0].board.id, id, "{name}");
    }
    // The same scenario, whatever the board is called.
    let plain = accepted(&board("t4", "vgpu = \"T4-4Q\"\ncount = 4"));
    for (name, vgpu) in [
        ("Tesla T4", "GRID T4-4Q"),
        ("TESLA T4", "t4-4q"),
        ("nvidia t4", "NVIDIA T4-4Q"),
    ] {
        let same = accepted(&board(name, &format!("vgpu = \"{vgpu}\"\ncount = 4")));
        assert_eq!(same.hash, plain.hash, "{name} {vgpu}");
    }
    let long = "vgpu = \"NVIDIA RTX Pro 6000 Blackwell DC-4Q\"";
    accepted(&board("NVIDIA RTX PRO 6000 Blackwell Server Edition", long));
    // Reference boards of workloads too.
    let text = board("a40", "context = true") + "reference = \"NVIDIA L40S\"\n";
    accepted(&text);
}

#[test]
fn every_type_is_known_by_what_the_driver_prints() {
    let catalog = catalog();
    for id in catalog.gpus_with_vgpu_types() {
        for vgpu_type in catalog.vgpu_types(id) {
            let name = &vgpu_type.type_name;
            for printed in [
                format!("NVIDIA {name}"),
                format!("GRID {name}"),
                name.to_ascii_lowercase(),
            ] {
                let found = catalog.vgpu_type_named(id, &printed);
                assert_eq!(found, Some(vgpu_type), "{id} {printed}");
            }
        }
    }
    assert_eq!(catalog.vgpu_type_named("a40", "NVIDIA"), None);
    assert_eq!(catalog.vgpu_type_named("a40", "NVIDIAA40-4Q"), None);
}

#[test]
fn commands_take_printed_names() {
    let boards = warpshare(&["gpus", "show", "t4"]);
    assert_eq!(warpshare(&["gpus", "show", "Tesla T4"]), boards);
    assert!(boards.1.contains("Also called: Tesla T4"), "{}", boards.1);
    for (flags, name, id) in [
        (vec!["vgpu", "types", "--gpu"], "Tesla T4", "t4"),
        (vec!["mig", "profiles", "--gpu"], "NVIDIA A30", "a30"),
        (
            vec!["mig", "layouts", "--gpu"],
            "nvidia h100 pcie",
            "h100-pcie-80gb",
        ),
        (
            vec![
                "import",
                "tests/data/partition-configs/mig-parted_config-default.yaml",
                "--list",
                "--gpu",
            ],
            "NVIDIA A30",
            "a30",
        ),
        (
            vec![
                "new",
                "-",
                "--workload",
                "cad-light",
                "--sharing",
                "vgpu",
                "--guests",
                "4",
                "--gpu",
            ],
            "NVIDIA A40",
            "a40",
        ),
    ] {
        let with = |board: &str| {
            let mut all = flags.clone();
            all.push(board);
            warpshare(&all)
        };
        let (code, out, err) = with(name);
        assert_eq!(code, 0, "{name}: {err}");
        assert_eq!((code, out, err), with(id), "{name}");
    }
}

#[test]
fn a_users_board_has_names_too() {
    let mut catalog = catalog();
    let file = "[boards.lab]\nlike = \"NVIDIA A40\"\nnames = [\"NVIDIA A40-LAB\", \"Lab card\"]\n\
                [vgpu_types.\"Lab card\".\"A40-5Q\"]\nlike = \"nvidia a40-4q\"\nmax_per_gpu = 9\n";
    catalog
        .add_user_file("b.toml", file)
        .expect("it is well formed");
    assert_eq!(catalog.board_id("lab card"), Some("lab"));
    assert_eq!(catalog.board_id("A40-lab"), Some("lab"));
    assert_eq!(catalog.board_id("NVIDIA A40"), Some("a40"));
    assert!(catalog.vgpu_type("lab", "A40-5Q").is_some());
    let wrong = catalog.add_user_file("b.toml", "[boards.a40]\nnames = [\"a;b\"]\n");
    let wrong = wrong.expect_err("a separator in a name");
    assert!(wrong[0].label.contains("a list of names"), "{wrong:?}");
    let wrong = catalog.add_user_file("b.toml", "[boards.T4]\nnvenc = 1\n");
    let wrong = wrong.expect_err("a new board needs an architecture");
    let help = wrong[0].help.clone().unwrap_or_default();
    assert!(help.contains("[boards.t4]"), "{help}");
}

/// The user's name for a board counts before the program's.
#[test]
fn a_users_name_counts_first() {
    let mut catalog = catalog();
    let file = "[boards.lab]\nlike = \"a40\"\nnames = [\"NVIDIA A40\"]\n";
    catalog
        .add_user_file("b.toml", file)
        .expect("it is well formed");
    assert_eq!(catalog.board_id("NVIDIA A40"), Some("lab"));
    assert_eq!(catalog.board_id("a40"), Some("a40"));
}

#[test]
fn the_same_size_on_the_same_board_is_suggested_first() {
    let (title, help) = refused(&read("err-01.toml"));
    assert_eq!(title, "`a40` has no vGPU type `L40S-4Q`");
    assert_eq!(
        help,
        "did you mean `A40-4Q`? (`L40S-4Q` is a type of `l40s`)"
    );
    let catalog = catalog();
    for (board, wrong, meant) in [
        ("a40", "L40S-8C", "`A40-8C`"),
        ("a40", "A4O-4Q", "`A40-4Q`"),
        ("a40", "NVIDIA L40-24A", "`A40-24A`"),
        ("t4", "GRID A2-2B", "`T4-2B`"),
        ("a100-sxm4-80gb", "A100D-1-10CME", "`A100DX-1-10CME`"),
        ("a100-sxm4-80gb", "A100D-10C", "`A100DX-10C`"),
    ] {
        let help = catalog.suggest_vgpu_type(board, wrong);
        assert!(help.contains(&format!("did you mean {meant}?")), "{help}");
    }
    // No such size: the series of the board.
    let help = catalog.suggest_vgpu_type("a40", "A40-5Q");
    assert!(
        help.starts_with("`a40` has no Q type of 5 GB; it has `A40-"),
        "{help}"
    );
    assert!(!help.contains('C'), "{help}");
}

#[test]
fn t4_by_its_printed_name_is_accepted() {
    let scenario = accepted(&read("err-04.toml"));
    assert_eq!(scenario.gpus[0].board.id, "t4");
}

#[test]
fn all_boards_that_match_are_named() {
    let (title, help) = refused(&read("err-05b.toml"));
    assert_eq!(title, "there is no board `a100`");
    assert_eq!(
        help,
        "did you mean one of `a100-sxm4-40gb`, `a100-pcie-40gb`, `a100-sxm4-80gb`, \
         `a100-pcie-80gb`?"
    );
    let (code, _, err) = warpshare(&["gpus", "show", "h100"]);
    assert_eq!(code, 2);
    for id in catalog().gpus().iter().filter(|g| g.id.starts_with("h100")) {
        assert!(err.contains(&format!("`{}`", id.id)), "{err}");
    }
}

#[test]
fn a_board_without_the_series_names_boards_that_have_it() {
    let (title, help) = refused(&read("err-23.toml"));
    assert_eq!(title, "`h100-sxm5-80gb` has no vGPU type `H100XM-10Q`");
    assert!(
        help.starts_with("`h100-sxm5-80gb` has no Q types; of that size it has `H100XM-10C`"),
        "{help}"
    );
    let (_, boards) = help.split_once("boards with Q types: ").expect("{help}");
    let catalog = catalog();
    for id in boards.split(['`', ',', ' ']).filter(|w| w.len() > 1) {
        if let Some(id) = catalog.board_id(id) {
            let mut types = catalog.vgpu_types(id);
            assert!(types.any(|t| t.type_name.ends_with('Q')), "{id}");
        }
    }
    // Where others have that very size, those are named.
    let help = catalog.suggest_vgpu_type("h100-sxm5-80gb", "H100XM-8Q");
    assert!(help.contains("boards with Q types of 8 GB: "), "{help}");
}

#[test]
fn profiles_of_the_same_slices_are_suggested_first() {
    use warpshare::mig::Geometry;
    let nearest = |board: &str, wrong: &str| {
        let geometry = Geometry::of(&catalog(), board).expect("it has MIG");
        geometry.nearest(wrong).map(ToOwned::to_owned)
    };
    for (board, wrong, meant) in [
        ("a100-sxm4-40gb", "7g.186gb", "7g.40gb"),
        ("a100-sxm4-40gb", "2g.35gb", "2g.10gb"),
        ("a100-sxm4-40gb", "1g.24gb", "1g.10gb"),
        ("a100-sxm4-40gb", "1g.10gb+me", "1g.5gb+me"),
        ("a100-sxm4-40gb", "1g.24gb-me", "1g.10gb"),
        ("a30", "3g.20gb", "4g.24gb"),
        ("a30", "1g.6bg", "1g.6gb"),
    ] {
        assert_eq!(nearest(board, wrong).as_deref(), Some(meant), "{wrong}");
    }
}
