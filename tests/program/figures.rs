//! `--figures` as a user sees it: figures on request, and results whatever becomes of the figures.

use assert_cmd::Command;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const SCENARIO: &str = r#"
[run]
duration = "100ms"
warmup = "10ms"
replications = 2
baselines = false

[gpus.a]
board = "a40"

[guests.one]
context = true
workload = "short"

[workloads.short]
arrivals = { process = "poisson", rate = "100/s" }
stages.work.gpu.time = "1ms"
"#;

fn warpshare(place: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("warpshare").unwrap();
    let output = command.current_dir(place).args(arguments).output().unwrap();
    (
        output.status.code().expect("an exit code"),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Files of a folder with one of these endings.
fn files(folder: &Path, ending: &str) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .count()
}

#[test]
fn figures_come_in_the_forms_that_are_asked_for() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("small.toml"), SCENARIO).unwrap();
    let two = SCENARIO.replace(
        "[workloads.short]",
        "[guests.two]\ncontext = true\nworkload = \"short\"\n\n[workloads.short]",
    );
    fs::write(place.path().join("two.toml"), two).unwrap();
    for (forms, svg, png) in [
        (None, 4, 4),
        (Some("all"), 4, 4),
        (Some("svg"), 4, 0),
        (Some("png"), 0, 4),
        (Some("none"), 0, 0),
    ] {
        let flags = match forms {
            Some(forms) => vec!["--figures", forms],
            None => Vec::new(),
        };
        for (command, folder) in [
            (["run", "small.toml"], "results/small"),
            (["compare", "two.toml"], "results/two-compare"),
        ] {
            let mut arguments = command.to_vec();
            arguments.extend(&flags);
            if command[0] == "compare" {
                arguments.extend(["--policies", "round-robin,eevdf"]);
            }
            let (code, _, err) = warpshare(place.path(), &arguments);
            assert_eq!(code, 0, "{err}");
            let folder = place.path().join(folder);
            let found = (files(&folder, "svg"), files(&folder, "png"));
            assert_eq!(found, (svg, png), "{arguments:?}");
            let readme = fs::read_to_string(folder.join("README.txt")).unwrap();
            assert_eq!(readme.contains(".svg"), svg > 0, "{readme}");
            assert_eq!(readme.contains(".png"), png > 0, "{readme}");
            assert!(folder.join("summary.txt").exists());
        }
    }
}

#[test]
fn many_guests_have_figures_only_on_request() {
    let place = TempDir::new().unwrap();
    let many = SCENARIO
        .replace("context = true", "context = true\ncount = 500")
        .replace("100/s", "1/s");
    fs::write(place.path().join("many.toml"), many).unwrap();
    let folder = place.path().join("results/many");
    let (code, _, err) = warpshare(place.path(), &["run", "many.toml"]);
    assert_eq!(code, 0, "{err}");
    let remark = "remark: no figures of 500 guests, which would show a few of them; --figures all draws them";
    assert!(err.lines().any(|line| line == remark), "{err}");
    assert_eq!((files(&folder, "svg"), files(&folder, "csv")), (0, 7));
    let (code, _, err) = warpshare(place.path(), &["run", "many.toml", "--figures", "svg"]);
    assert_eq!(code, 0, "{err}");
    assert!(!err.contains("remark: no figures"), "{err}");
    assert_eq!(files(&folder, "svg"), 4);
    let (code, out, err) = warpshare(place.path(), &["run", "many.toml", "--quiet"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
}
