//! `warpshare new`: scenarios from flags and from answers.

use assert_cmd::Command;
use std::fs;
use std::path::Path;
use warpshare::scenario::{Overrides, parse};

fn new(folder: &Path, arguments: &[&str], answers: &str) -> (Option<i32>, String, String) {
    let output = Command::cargo_bin("warpshare")
        .expect("the binary is built")
        .current_dir(folder)
        .arg("new")
        .args(arguments)
        .write_stdin(answers)
        .output()
        .expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn valid(text: &str) -> warpshare::scenario::Scenario {
    match parse("s", text, Path::new("."), &Overrides::default()) {
        Ok(loaded) => {
            assert!(loaded.warnings.is_empty(), "{text}");
            loaded.scenario
        }
        Err(findings) => panic!(
            "{}",
            findings.iter().map(|f| f.render()).collect::<String>()
        ),
    }
}

#[test]
fn every_way_to_share_gives_a_scenario() {
    let folder = tempfile::tempdir().expect("a folder");
    for (gpu, workload, way, guests) in [
        ("a40", "cad-light", "vgpu", "4"),
        ("l4", "transcode-1080p30", "time-slice", "20"),
        ("l40s", "resnet50-infer", "mps", "3"),
        ("a100-sxm4-80gb", "llama-3-8b-chat", "mig", "3"),
        ("a16", "office-task-worker", "vgpu", "8"),
    ] {
        let flags = [
            "-",
            "--gpu",
            gpu,
            "--workload",
            workload,
            "--sharing",
            way,
            "--guests",
            guests,
        ];
        let (code, out, err) = new(folder.path(), &flags, "");
        assert_eq!((code, err.as_str()), (Some(0), ""), "{gpu} {workload}");
        let scenario = valid(&out);
        let all: u32 = scenario.guests.iter().map(|guest| guest.count).sum();
        assert_eq!(all.to_string(), guests);
    }
}

#[test]
fn what_no_flag_says_is_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, out, err) = new(folder.path(), &["--guests", "2"], "l40s\n\nvgpu\n");
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert!(
        err.contains("Which board?") && err.contains("scenario.toml is written"),
        "{err}"
    );
    let path = folder.path().join("scenario.toml");
    let text = fs::read_to_string(&path).expect("written");
    assert!(
        text.contains("preset = \"office-knowledge-worker\""),
        "{text}"
    );
    valid(&text);
    // A file that is there is left alone.
    let again = [
        "--gpu=a40",
        "--workload=hpc-nbody",
        "--sharing=mps",
        "--guests=2",
    ];
    let (code, _, err) = new(folder.path(), &again, "");
    assert_eq!(code, Some(1));
    assert!(err.contains("name another file"), "{err}");
    assert_eq!(fs::read_to_string(&path).expect("still there"), text);
}

#[test]
fn answers_that_do_not_go_together_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (flags, wanted) in [
        (vec![], "give --gpu"),
        (vec!["--gpu=a41"], "a40"),
        (
            vec!["--gpu=a40", "--workload=cad-lite"],
            "did you mean `cad-light`?",
        ),
        (
            vec!["--gpu=a40", "--workload=cad-light", "--sharing=vgpus"],
            "did you mean `vgpu`?",
        ),
        (
            vec![
                "--gpu=a40",
                "--workload=cad-light",
                "--sharing=vgpu",
                "--guests=99",
            ],
            "no vGPU type of `a40` fits 99 times",
        ),
        (
            vec![
                "--gpu=a40",
                "--workload=hpc-nbody",
                "--sharing=mig",
                "--guests=2",
            ],
            "no MIG profile of `a40`",
        ),
        (
            vec![
                "--gpu=l4",
                "--workload=llama-2-13b-chat",
                "--sharing=mps",
                "--guests=1",
            ],
            "does not fit into the memory",
        ),
    ] {
        let (code, _, err) = new(folder.path(), &flags, "");
        assert_eq!(code, Some(2), "{flags:?}: {err}");
        assert!(err.contains(wanted), "{flags:?}: {err}");
    }
}
