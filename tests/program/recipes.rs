//! CONTRIBUTING.md tells the truth: what it names exists, and what it says of lists holds.

use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Paths in backticks that begin with a folder of this repository; `NAME` stands for a file that is to come.
fn named_paths(text: &str) -> Vec<&str> {
    let folders = [
        "src/",
        "tests/",
        "docs/",
        "data/",
        "examples/",
        "scenarios/",
    ];
    let spans = text.split('`').skip(1).step_by(2);
    let paths = spans.filter(|span| folders.iter().any(|folder| span.starts_with(folder)));
    paths
        .filter(|path| !path.contains(char::is_whitespace) && !path.contains("NAME"))
        .collect()
}

#[test]
fn every_path_of_a_recipe_exists() {
    for page in ["CONTRIBUTING.md", "docs/architecture.md"] {
        let text = fs::read_to_string(root().join(page)).expect("a page");
        let paths = named_paths(&text);
        assert!(
            paths.len() > 5,
            "{page} names too few paths to be read right"
        );
        let missing: Vec<_> = paths
            .into_iter()
            .filter(|path| !root().join(path).exists())
            .collect();
        assert!(missing.is_empty(), "{page} names {missing:?}");
    }
}

/// Files in a folder of sources, without `mod.rs`.
fn stems(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut stems: Vec<String> = paths
        .filter(|path| path.is_file())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|stem| stem != "mod")
        .collect();
    stems.sort();
    stems
}

/// A file of `src/cli` that has arguments is a subcommand, and is in the list of them.
#[test]
fn a_subcommand_is_a_file_and_a_variant() {
    let list = fs::read_to_string(root().join("src/cli/mod.rs")).expect("the list");
    let mut found = 0;
    for stem in stems("src/cli") {
        let code = fs::read_to_string(root().join(format!("src/cli/{stem}.rs"))).expect("a file");
        if code.contains("pub fn execute(") || code.contains("pub(super) fn execute(") {
            found += 1;
            let variant = format!("({stem}::Args)");
            assert!(list.contains(&variant), "{stem} is in no variant");
        }
    }
    assert_eq!(found, list.matches("::Args)").count());
}

/// A scheduler's file names what it registers, and the registry has it.
#[test]
fn a_scheduler_is_a_file_and_a_row() {
    let registry = fs::read_to_string(root().join("src/policy/registry.rs")).expect("the registry");
    let mut rows = 0;
    for stem in stems("src/policy") {
        let code =
            fs::read_to_string(root().join(format!("src/policy/{stem}.rs"))).expect("a file");
        if stem != "registry" && code.contains(": Registered = Registered {") {
            rows += 1;
            assert!(registry.contains(&format!("{stem}::")), "{stem} has no row");
        }
    }
    assert!(
        rows > 10,
        "{rows} files register a scheduler: the pattern is wrong"
    );
}

/// Each kind of guest of the simulator is a file, and a row of the table.
#[test]
fn a_kind_of_guest_is_a_file_and_a_row() {
    let table = fs::read_to_string(root().join("src/sim/serving/mod.rs")).expect("the table");
    let kinds = stems("src/sim/serving");
    assert!(kinds.len() >= 4, "{kinds:?}");
    for kind in kinds {
        assert!(
            table.contains(&format!("use {kind}::")),
            "{kind} has no row"
        );
    }
}
