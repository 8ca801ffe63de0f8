//! What users see when a scenario is wrong: every file of `tests/scenario` against its message.

use std::fs;
use std::path::{Path, PathBuf};
use warpshare::diagnostics::Diagnostics;
use warpshare::scenario::{Overrides, parse};

fn inputs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenario");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of bad scenarios")
        .map(|entry| entry.expect("an entry of it").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    files
}

#[test]
fn bad_scenarios_are_explained() {
    let files = inputs();
    assert!(files.len() >= 25, "{} files", files.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _guard = settings.bind_to_scope();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let base = path.parent().unwrap();
        let findings = parse(&name, &text, base, &Overrides::default())
            .map(|_| ())
            .expect_err(&format!("{name} is accepted"));
        let findings = Diagnostics(findings);
        assert!(findings.has_errors(), "{name}: refused without an error");
        insta::assert_snapshot!(name.trim_end_matches(".toml"), findings.render());
    }
}

/// Whatever a line's absence does to a scenario, it is accepted, or refused with a reason that does
/// not blame the program.
#[test]
fn every_refusal_has_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = inputs();
    files.push(root.join("scenarios/quickstart.toml"));
    files.push(root.join("scenarios/reserved-turns.toml"));
    let (mut accepted, mut refused) = (0, 0);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let base = root.join("tests/scenario");
        let lines: Vec<&str> = text.lines().collect();
        for skipped in 0..lines.len() {
            let mut shorter = lines.clone();
            shorter.remove(skipped);
            match parse("x.toml", &shorter.join("\n"), &base, &Overrides::default()) {
                Ok(_) => accepted += 1,
                Err(findings) => {
                    refused += 1;
                    let findings = Diagnostics(findings);
                    assert!(findings.has_errors());
                    let message = findings.render();
                    assert!(
                        !message.contains("defect"),
                        "{}: {message}",
                        shorter.join("\n")
                    );
                }
            }
        }
    }
    assert!(
        accepted > 50 && refused > 200,
        "{accepted} accepted, {refused} refused"
    );
}
