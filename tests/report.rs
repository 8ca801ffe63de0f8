//! Views of a result: what they say, and that they say it in the same bytes each time.

mod common;

use common::synthetic::{self, group, result};
use warpshare::report::plot::{self, Figure};
use warpshare::report::{from_json, tables, to_json, to_text};
use warpshare::result::RunResult;

#[test]
fn text_of_a_calm_run() {
    insta::assert_snapshot!(to_text(&synthetic::calm()));
}

#[test]
fn text_of_a_troubled_run() {
    insta::assert_snapshot!(to_text(&synthetic::troubled()));
}

#[test]
fn text_stays_within_100_columns() {
    for result in inputs() {
        for line in to_text(&result.1).lines() {
            assert!(line.chars().count() <= 100, "too wide: {line}");
        }
    }
}

/// The inputs that figures were judged on by eye.
fn inputs() -> Vec<(&'static str, RunResult)> {
    let mut far = group("render-farm-with-a-long-name", 3, 95.0);
    far.gpu = "b";
    vec![
        ("one", result(&[group("desktop", 1, 31.0)], &["a"])),
        ("calm", synthetic::calm()),
        (
            "four",
            result(
                &[
                    group("desktop", 4, 31.0),
                    group("inference", 2, 3.2),
                    group("batch", 1, 180.0),
                    group("encode", 2, 14.0),
                ],
                &["a"],
            ),
        ),
        ("members", result(&[group("desktop", 16, 31.0)], &["a"])),
        (
            "boards",
            result(&[group("desktop", 4, 31.0), far], &["a", "b"]),
        ),
        ("troubled", synthetic::troubled()),
    ]
}

/// Writes every figure of every input to the folder in `WARPSHARE_FIGURES`, for looking at them.
#[test]
fn figures_for_the_eye() {
    let Some(folder) = std::env::var_os("WARPSHARE_FIGURES") else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    for (name, result) in inputs() {
        for figure in Figure::ALL {
            let stem = format!("{name}-{}", figure.file_stem());
            let svg = plot::svg(figure, &result).unwrap();
            let png = plot::png(figure, &result).unwrap();
            std::fs::write(folder.join(format!("{stem}.svg")), svg).unwrap();
            std::fs::write(folder.join(format!("{stem}.png")), png).unwrap();
        }
    }
}
