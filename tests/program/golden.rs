//! Every example scenario gives the bytes that are committed, and a drift says what moved.
//!
//! A golden file is the text report (which shows in a diff what changed) and the SHA-256 of the
//! whole result without its `meta`. `WARPSHARE_BLESS=1 cargo test --test program golden` writes them anew;
//! do that only with a reason in the commit.

use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use warpshare::experiment::{self, Options, Silent};
use warpshare::report;
use warpshare::result::Meta;
use warpshare::scenario::{self, Overrides};

fn golden(path: &Path) -> String {
    let loaded = scenario::load(path, &Overrides::default()).unwrap_or_else(|errors| {
        let rendered: Vec<_> = errors.iter().map(|error| error.render()).collect();
        panic!("{} has errors:\n{}", path.display(), rendered.join("\n"))
    });
    let mut result = experiment::run(&loaded.scenario, &Options::default(), &Silent)
        .expect("an example that runs");
    for check in &result.checks {
        assert!(check.holds, "{}: {check:?}", path.display());
    }
    result.meta = Meta {
        program: String::new(),
        version: String::new(),
    };
    let json = report::to_json(&result).expect("a result that can be written");
    let digest = Sha256::digest(json.as_bytes());
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}\nsha256 of the result: {hash}\n",
        report::to_text(&result)
    )
}

#[test]
fn every_example_scenario_gives_its_committed_result() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut examples: Vec<_> = fs::read_dir(root.join("scenarios"))
        .expect("the folder of examples")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect();
    examples.sort();
    assert!(!examples.is_empty());
    let bless = std::env::var_os("WARPSHARE_BLESS").is_some();
    let mut drifted = Vec::new();
    for example in examples {
        let name = example.file_stem().expect("a name").to_string_lossy();
        let file = root.join("tests/golden").join(format!("{name}.txt"));
        let now = golden(&example);
        if bless {
            fs::write(&file, &now).expect("a golden file that can be written");
            continue;
        }
        let before = fs::read_to_string(&file).unwrap_or_default();
        if before != now {
            let lines = before.lines().zip(now.lines()).enumerate();
            let first = lines
                .filter(|(_, (old, new))| old != new)
                .map(|(line, (old, new))| {
                    format!(
                        "  line {}\n    committed: {old}\n    now:       {new}",
                        line + 1
                    )
                });
            let shown: Vec<_> = first.take(5).collect();
            drifted.push(format!("{name} drifted:\n{}", shown.join("\n")));
        }
    }
    assert!(drifted.is_empty(), "{}", drifted.join("\n"));
}
