//! `warpshare mig` as a user meets it.

use assert_cmd::Command;
use serde_json::Value;
use warpshare::catalog::Catalog;

fn warpshare(arguments: &[&str]) -> (i32, String, String) {
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

/// Words after `warpshare mig`, split at blanks.
fn mig(line: &str) -> (i32, String, String) {
    let mut arguments = vec!["mig"];
    arguments.extend(line.split_whitespace());
    warpshare(&arguments)
}

/// What a line prints, with its exit code.
fn session(lines: &[&str]) -> String {
    let mut said = String::new();
    for line in lines {
        let (code, out, err) = mig(line);
        said.push_str(&format!("$ warpshare mig {line}\n{out}{err}[{code}]\n\n"));
    }
    said
}

fn answer(line: &str) -> (i32, Value) {
    let (code, out, err) = mig(line);
    assert_eq!(err, "", "{line}");
    (code, serde_json::from_str(&out).expect("JSON"))
}

#[test]
fn listings() {
    insta::assert_snapshot!(session(&[
        "profiles --gpu a100-sxm4-40gb --existing 3g@4,1g@0",
        "profiles --gpu b200-sxm-180gb",
        "compute-instances --gpu h100-sxm5-80gb --profile 2g",
        "placements --gpu rtx-pro-6000-blackwell-se --existing 1g+me.all@3",
    ]));
}

#[test]
fn layouts() {
    insta::assert_snapshot!(session(&[
        "layouts --gpu a100-sxm4-40gb",
        "layouts --gpu rtx-pro-4500-blackwell-32gb",
    ]));
}

#[test]
fn fit() {
    insta::assert_snapshot!(session(&[
        "fit --gpu a100-sxm4-40gb 3g,2g,1g,1g",
        "fit --gpu a100-sxm4-40gb 1g 1g 2g 3g",
        "fit --gpu a100-sxm4-40gb --existing 1g@0,1g@4 3g",
        "fit --gpu a100-sxm4-40gb --driver 470.57.02 4g,3g",
        "fit --gpu rtx-pro-6000-blackwell-se 2g+gfx@0,1g+me,1g-me",
    ]));
}

#[test]
fn plan() {
    insta::assert_snapshot!(session(&[
        "plan --gpu a100-sxm4-40gb --existing 3g@4,1g@0,1g@1 --in-use 4 3g,2g,2g",
        "plan --gpu a100-sxm4-40gb --existing 3g@4,3g@0 --in-use 0 4g --step-ms 1500",
        "plan --gpu a30 --existing 2g@0 2g",
    ]));
}

#[test]
fn mode() {
    insta::assert_snapshot!(session(&["mode --gpu a30", "mode --gpu gh200-96gb"]));
    let (_, shown) = answer("mode --gpu a30 --json");
    assert_eq!(shown["needs_reset"], true);
    assert_eq!(shown["min_driver"], "R460");
    let (_, shown) = answer("mode --gpu gh200-96gb --json");
    assert_eq!(shown["mode_survives_reboot"], false);
    assert_eq!(shown["min_driver"], Value::Null);
}

#[test]
fn mistakes() {
    insta::assert_snapshot!(session(&[
        "fit --gpu a40 3g",
        "fit --gpu a100 3g",
        "fit --gpu a30 3g.12gb,5x,2g,3g.12gb",
        "fit --gpu a30 2g@x",
        "fit --gpu a30 --existing 1g 2g",
        "fit --gpu a30 --existing 2g@1 2g",
        "fit --gpu a30 --driver newest 2g",
        "plan --gpu a30 --existing 2g@0 --in-use 2 4g",
        "compute-instances --gpu a30 --profile 3g",
        "compute-instances --gpu h20-96gb",
        "fit --gpu a30",
    ]));
}

#[test]
fn lines_fit_a_hundred_columns_on_every_board() {
    let catalog = Catalog::builtin().expect("well formed");
    for id in catalog.gpus_with_mig() {
        for action in [
            "profiles",
            "compute-instances",
            "placements",
            "layouts",
            "mode",
        ] {
            let (code, out, err) = mig(&format!("{action} --gpu {id}"));
            assert_eq!(code, 0, "{action} {id}: {err}");
            for line in out.lines() {
                let link = line.split_whitespace().any(|word| word.len() > 80);
                assert!(line.chars().count() <= 100 || link, "{action} {id}: {line}");
                assert_eq!(line, line.trim_end(), "{action} {id}");
            }
        }
        // Names that are too long for one unit are shortened; the answer may be yes or no.
        let (_, out, _) = mig(&format!("fit --gpu {id} 1g,1g+me,1g,1g"));
        for line in out.lines() {
            assert!(line.chars().count() <= 100, "fit {id}: {line}");
        }
    }
}

#[test]
fn json_says_the_same() {
    let (code, listed) = answer("profiles --gpu a100-sxm4-40gb --existing 3g@4 --json");
    assert_eq!(code, 0);
    assert_eq!(listed.as_array().map(Vec::len), Some(7));
    assert_eq!(listed[0]["profile"], "1g.5gb");
    assert_eq!(listed[0]["free"], 4);
    assert_eq!(listed[2]["kind"], "double_memory");
    let (_, listed) = answer("profiles --gpu b200-sxm-180gb --json");
    assert_eq!(listed[4]["sm_count"], Value::Null);

    let (_, listed) = answer("placements --gpu a30 --existing 1g@1 --json");
    assert_eq!(listed[2]["profile"], "2g.12gb");
    assert_eq!(listed[2]["possible"], serde_json::json!([2]));
    let (_, listed) = answer("compute-instances --gpu a100-sxm4-40gb --profile 3g --json");
    assert_eq!(listed.as_array().map(Vec::len), Some(3));
    let (_, listed) = answer("layouts --gpu a100-sxm4-40gb --double-memory --json");
    assert_eq!(listed.as_array().map(Vec::len), Some(19 + 59));

    let (code, said) = answer("fit --gpu a100-sxm4-40gb 1g,1g,2g,3g --json");
    assert_eq!((code, &said["fits"]), (3, &Value::Bool(false)));
    assert_eq!(said["failure"]["request"], 4);
    assert_eq!(
        said["failure"]["other_order"],
        serde_json::json!([4, 1, 2, 3])
    );
    assert_eq!(said["failure"]["with_starts"][3]["start"], 4);
    let (code, said) = answer("fit --gpu a100-sxm4-40gb 3g,1g --json");
    assert_eq!((code, &said["fits"]), (0, &Value::Bool(true)));
    assert_eq!(said["placed"][1]["start"], 0);
    assert_eq!(said["failure"], Value::Null);

    let (code, said) = answer("plan --gpu a100-sxm4-40gb --existing 3g@0 --in-use 0 7g --json");
    assert_eq!((code, &said["complete"]), (3, &Value::Bool(false)));
    assert!(
        said["steps"][0]["blocked"]
            .as_str()
            .is_some_and(|why| why.contains("in use"))
    );
}

#[test]
fn figures_are_drawn_and_repeat() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let draw = |svg: &str, png: &str| {
        let line = format!("fit --gpu a100-sxm4-40gb 3g,1g+me --svg {svg} --png {png}");
        let (code, _, err) = mig(&line);
        assert_eq!((code, err.as_str()), (0, ""));
    };
    let (svg, png) = (path("a.svg"), path("a.png"));
    draw(&svg, &png);
    draw(&path("b.svg"), &path("b.png"));
    let text = std::fs::read_to_string(&svg).expect("it was written");
    assert!(text.starts_with("<svg"), "{text}");
    for word in ["3g.20gb", "3g, 1g+me fit", "NVIDIA A100-SXM4-40GB"] {
        assert!(text.contains(word), "{word}");
    }
    let bytes = std::fs::read(&png).expect("it was written");
    assert!(bytes.starts_with(b"\x89PNG"));
    assert_eq!(Some(text), std::fs::read_to_string(path("b.svg")).ok());
    assert_eq!(Some(bytes), std::fs::read(path("b.png")).ok());

    let (code, _, err) = mig(&format!("layouts --gpu a30 --svg {}", path("no/a.svg")));
    assert_eq!(code, 1);
    assert!(err.starts_with("error: cannot write "), "{err}");
}

/// The figure of docs/mig.md; its caption says how to make it.
#[test]
fn the_documented_figure_is_what_the_program_draws() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("layouts.svg");
    let svg = file.display();
    let (code, _, err) = mig(&format!("layouts --gpu a100-sxm4-40gb --svg {svg}"));
    assert_eq!((code, err.as_str()), (0, ""));
    let drawn = std::fs::read_to_string(&file).expect("it was written");
    assert!(drawn == include_str!("../../docs/img/mig-a100-layouts.svg"));
}

#[test]
fn boards_of_a_users_own_can_be_divided() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("lab.toml");
    std::fs::write(&file, "[boards.lab]\nlike = \"a30\"\n").expect("a writable folder");
    let boards = file.display().to_string();
    let (code, out, _) = mig(&format!("fit --gpu lab --boards {boards} 2g,1g,1g"));
    assert_eq!(code, 0);
    assert!(out.contains("yes: all 3 fit"), "{out}");
}
