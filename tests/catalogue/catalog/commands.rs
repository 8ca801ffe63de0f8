//! The commands that print the catalogue.

use super::catalog;
use assert_cmd::Command;

pub(crate) fn warpshare(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("warpshare")
        .expect("the binary is built")
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

#[test]
fn tables_fit_a_hundred_columns() {
    let catalog = catalog();
    let mut commands = vec![vec!["gpus".to_owned()]];
    for id in catalog.gpus_with_vgpu_types() {
        commands.push(["vgpu", "types", "--gpu", id].map(str::to_owned).to_vec());
    }
    for gpu in catalog.gpus() {
        commands.push(["gpus", "show", &gpu.id].map(str::to_owned).to_vec());
    }
    for command in commands {
        let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        let (code, out, err) = warpshare(&arguments);
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        for line in out.lines() {
            // A link is never broken.
            let link = line.split_whitespace().any(|word| word.len() > 80);
            assert!(line.chars().count() <= 100 || link, "{arguments:?}: {line}");
            assert_eq!(line, line.trim_end(), "{arguments:?}");
        }
    }
}

#[test]
fn show_prints_unknown_sources_and_assumption() {
    let (_, out, _) = warpshare(&["gpus", "show", "l4"]);
    let line = |start: &str| {
        out.lines()
            .find(|l| l.starts_with(start))
            .unwrap_or_default()
            .to_owned()
    };
    assert!(line("Copy engines").contains(" unknown "), "{out}");
    assert!(line("Memory bandwidth").ends_with("AICONF"), "{out}");
    assert!(
        line("Virtual functions: ").contains("24 unless you say otherwise"),
        "{out}"
    );
    assert!(out.contains("\n  AICONF: "), "{out}");
}

#[test]
fn types_print_as_administrators_know_them() {
    let (code, out, _) = warpshare(&["vgpu", "types", "--gpu", "a40", "--series", "B"]);
    assert_eq!(code, 0);
    let rows: Vec<Vec<&str>> = out
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert!(
        rows.contains(&vec![
            "A40-2B",
            "556",
            "2048",
            "24",
            "4",
            "5120x2880",
            "45",
            "no"
        ]),
        "{out}"
    );
    assert!(
        rows.contains(&vec![
            "A40-3B", "unknown", "3072", "unknown", "unknown", "unknown", "unknown", "no"
        ]),
        "{out}"
    );
    assert!(!out.contains("A40-4Q"), "{out}");
}

#[test]
fn json_has_null_for_unknown() {
    let (_, out, _) = warpshare(&["gpus", "--json"]);
    let gpus: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(gpus.as_array().map(Vec::len), Some(57));
    let (_, out, _) = warpshare(&["gpus", "show", "a40", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(shown["gpu"]["copy_engines"], serde_json::Value::Null);
    assert_eq!(shown["gpu"]["sm_count"], 84);
    assert_eq!(shown["gpu"]["source"]["max_vfs"], "VFA40");
    assert!(
        shown["sources"]
            .as_array()
            .is_some_and(|s| s.iter().any(|s| s["key"] == "VFA40"))
    );
    let (_, out, _) = warpshare(&["vgpu", "types", "--gpu", "a40", "--json"]);
    let types: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let odd = types
        .as_array()
        .and_then(|t| t.iter().find(|t| t["type_name"] == "A40-3B"));
    assert_eq!(
        odd.map(|t| &t["max_per_gpu"]),
        Some(&serde_json::Value::Null)
    );
}

#[test]
fn unknown_gpus_are_bad_input_with_the_nearest_name() {
    for arguments in [
        ["gpus", "show", "a4o"].as_slice(),
        &["vgpu", "types", "--gpu", "a4o"],
    ] {
        let (code, out, err) = warpshare(arguments);
        assert_eq!((code, out.as_str()), (2, ""));
        assert_eq!(
            err,
            "error: there is no GPU `a4o`\nhelp: did you mean `a40`?\n"
        );
    }
    let (code, out, err) = warpshare(&["vgpu", "types", "--gpu", "rtx-2000-ada"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(err.contains("no vGPU types"), "{err}");
}
