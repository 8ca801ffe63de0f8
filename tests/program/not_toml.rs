//! Files that are no TOML, or almost: one error that names the cause, and a remedy that works.

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/cases")
        .join(name)
}

/// Exit code and stderr of `validate`.
fn validate(file: &Path) -> (i32, String) {
    let mut command = Command::cargo_bin("warpshare").unwrap();
    let output = command.arg("validate").arg(file).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), err)
}

fn errors(text: &str) -> usize {
    text.lines()
        .filter(|line| line.starts_with("error"))
        .count()
}

#[test]
fn other_formats_encodings_and_quotes_are_one_error_each() {
    for (name, cause, remedy) in [
        (
            "err-13.yaml",
            "this is YAML, and a scenario is TOML",
            "in a ConfigMap or Helm values",
        ),
        (
            "err-33.toml",
            "typographic quotes do not quote in TOML",
            "write \" in place of each of them",
        ),
        (
            "err-39.toml",
            "this file is UTF-16, and a scenario is UTF-8",
            "iconv -f UTF-16 -t UTF-8",
        ),
    ] {
        let (code, err) = validate(&case(name));
        assert_eq!(code, 2, "{err}");
        assert_eq!(errors(&err), 1, "{err}");
        assert!(err.contains(cause) && err.contains(remedy), "{err}");
        assert!(err.contains(name), "{err}");
    }
    let (_, err) = validate(&case("err-33.toml"));
    assert!(err.contains("err-33.toml:6:8"), "{err}");
}

#[test]
fn the_remedies_work() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("mended.toml");
    let mend = |text: &str| {
        fs::write(&file, text).unwrap();
        let (code, err) = validate(&file);
        assert_eq!(code, 0, "{err}");
    };
    let quoted = fs::read_to_string(case("err-33.toml")).unwrap();
    mend(&quoted.replace(['\u{201C}', '\u{201D}'], "\""));
    let wide = fs::read(case("err-39.toml")).unwrap();
    let units: Vec<u16> = wide[2..]
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    mend(&String::from_utf16(&units).unwrap());

    // A built-in workload that the file does not take: both remedies.
    let unnamed = fs::read_to_string(case("err-17.toml")).unwrap();
    let (code, err) = validate(&case("err-17.toml"));
    assert_eq!((code, errors(&err)), (2, 1), "{err}");
    assert!(
        err.contains("`cad-light` is a workload that is built in"),
        "{err}"
    );
    assert!(err.contains("write `cad`, which takes it"), "{err}");
    mend(&unnamed.replace("workload = \"cad-light\"", "workload = \"cad\""));
    let line = "workloads.cad-light.preset = \"cad-light\"";
    assert!(
        err.contains(&format!("at the top of the file: {line}")),
        "{err}"
    );
    mend(&format!("{line}\n{unnamed}"));
}

#[test]
fn each_line_that_is_wrong_is_one_error_with_the_line_that_is_right() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("slips.toml");
    let sound = "[run]\nduration = \"30s\"\n[gpus.a]\nboard = \"a40\"\n[guests.desktop]\nvgpu = \"A40-4Q\"\n\
                 count = 4\nworkload = \"cad\"\n[workloads.cad]\npreset = \"cad-light\"\n";
    fs::write(&file, sound).unwrap();
    assert_eq!(validate(&file).0, 0);
    // Three slips in one file, each of which a TOML parser takes for several.
    let slips = sound
        .replace("duration = \"30s\"", "duration = 30s")
        .replace("count = 4", "count: 4")
        .replace("board = \"a40\"", "board \"a40\"");
    fs::write(&file, slips).unwrap();
    let (code, err) = validate(&file);
    assert_eq!((code, errors(&err)), (2, 3), "{err}");
    for (place, right) in [
        ("slips.toml:2:12", "write duration = \"30s\""),
        ("slips.toml:4:1", "write board = \"a40\""),
        ("slips.toml:7:6", "write count = 4"),
    ] {
        assert!(err.contains(place) && err.contains(right), "{right}: {err}");
    }
    // Tabs, a byte order mark and the line ends of Windows are no mistakes.
    let windows = format!(
        "\u{FEFF}{}",
        sound.replace('\n', "\r\n").replace(" = ", "\t=\t")
    );
    fs::write(&file, windows).unwrap();
    let (code, err) = validate(&file);
    assert_eq!(code, 0, "{err}");
    fs::write(&file, "{ \"run\": { \"duration\": \"30s\" } }\n").unwrap();
    let (code, err) = validate(&file);
    assert_eq!((code, errors(&err)), (2, 1), "{err}");
    assert!(
        err.contains("this is JSON, and a scenario is TOML"),
        "{err}"
    );
}
