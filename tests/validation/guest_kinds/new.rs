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
    assert_eq!(code, Some(2));
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
            "32 of `A40-1Q` fit on one a40, and there are 99 guests. How many boards? [4]",
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

#[test]
fn an_answer_that_means_nothing_is_asked_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let answers = "a41\nA40\ncad-lite\nCAD-light\nvgpus\nVGPU\nmany\n4\n";
    let (code, out, err) = new(folder.path(), &["-"], answers);
    assert_eq!(code, Some(0), "{err}");
    for said in [
        "there is no GPU `a41`",
        "did you mean `cad-light`?",
        "did you mean `vgpu`?",
        "`many`",
    ] {
        assert!(err.contains(said), "{said}: {err}");
    }
    assert_eq!(err.matches("Which board?").count(), 2, "{err}");
    let scenario = valid(&out);
    assert_eq!(
        (scenario.guests[0].count, scenario.gpus[0].board.id.as_str()),
        (4, "a40")
    );
    // Where nobody is left to answer, it ends.
    let (code, _, err) = new(folder.path(), &["-"], "a41\n");
    assert_eq!(code, Some(2));
    assert!(err.contains("nobody answers"), "{err}");
}

#[test]
fn a_type_or_a_series_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    for (gpu, vgpu, guests, wanted) in [
        ("a40", "a40-8q", "4", "A40-8Q"),
        ("A40", "4Q", "4", "A40-4Q"),
        ("NVIDIA A40", "q", "4", "A40-12Q"),
        ("a40", "B", "20", "A40-2B"),
        ("a16", "Q", "12", "A16-4Q"),
    ] {
        let flags = [
            "-",
            "--gpu",
            gpu,
            "--vgpu",
            vgpu,
            "--workload=office-task-worker",
            "--guests",
            guests,
        ];
        let (code, out, err) = new(folder.path(), &flags, "");
        assert_eq!(code, Some(0), "{vgpu}: {err}");
        assert!(
            out.contains(&format!("vgpu = \"{wanted}\"")),
            "{vgpu}: {out}"
        );
        valid(&out);
    }
    let flags = [
        "-",
        "--gpu=a40",
        "--vgpu=A40-5Q",
        "--workload=cad-light",
        "--guests=2",
    ];
    let (code, _, err) = new(folder.path(), &flags, "");
    assert_eq!(code, Some(2));
    assert!(
        err.contains("no time-sliced vGPU type or series `A40-5Q`"),
        "{err}"
    );
}

/// Twelve designers on the card that is sold, in so many words.
#[test]
fn a_card_is_used_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = [
        "-",
        "--gpu=a16",
        "--vgpu=A16-4Q",
        "--workload=cad-light",
        "--guests=12",
        "--deadline=50ms",
        "--objective=p95 < 50ms",
        "--objective=late < 1%",
    ];
    let (code, out, err) = new(folder.path(), &flags, "");
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("card = \"a16\"") && out.contains("deadline = \"50ms\""),
        "{out}"
    );
    assert!(
        out.contains(r#"objectives = ["p95 < 50ms", "late < 1%"]"#),
        "{out}"
    );
    let scenario = valid(&out);
    assert_eq!(scenario.gpus.len(), 4);
    assert_eq!(scenario.guests[0].count, 12);
    assert_eq!(
        (0..4)
            .map(|gpu| scenario.guests[0].count_on(gpu))
            .collect::<Vec<_>>(),
        [3; 4]
    );
}

#[test]
fn more_boards_are_proposed_where_one_is_too_small() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = [
        "-",
        "--gpu=a16",
        "--vgpu=4Q",
        "--workload=cad-light",
        "--guests=20",
    ];
    let (code, out, err) = new(folder.path(), &flags, "1\n\n");
    assert_eq!(code, Some(0), "{err}");
    let fits =
        "16 of `A16-4Q` fit on one card a16 (4 on each of its 4 GPUs), and there are 20 guests";
    assert!(err.contains(fits), "{err}");
    assert!(err.contains("1 boards are too few for 20 guests"), "{err}");
    let scenario = valid(&out);
    assert_eq!(scenario.gpus.len(), 8);
    let counts: Vec<u32> = scenario.guests.iter().map(|guest| guest.count).collect();
    assert_eq!(counts, [10, 10]);
    // By a flag, and for GPU instances.
    let flags = [
        "-",
        "--gpu=a100-sxm4-80gb",
        "--sharing=mig",
        "--workload=resnet50-infer",
        "--guests=10",
        "--number=2",
    ];
    let (code, out, err) = new(folder.path(), &flags, "");
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(valid(&out).guests.len(), 10);
}
