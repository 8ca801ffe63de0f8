//! Views of a comparison.

use super::{compared, png_size, texts};
use warpshare::report::comparison::{tables, to_text};
use warpshare::report::figures::{Figures, Forms};
use warpshare::report::folder::Staging;
use warpshare::report::plot::{ComparisonFigure, comparison_png, comparison_svg};
use warpshare::report::to_json;
use warpshare::result::ComparisonResult;

fn inputs() -> Vec<(&'static str, ComparisonResult)> {
    let mut nobody = compared::calm();
    nobody.metrics.clear();
    for policy in &mut nobody.policies {
        policy.response.clear();
        policy.members.clear();
        policy.turns.clear();
    }
    vec![
        ("compared-calm", compared::calm()),
        ("compared-troubled", compared::troubled()),
        ("compared-bare", compared::bare()),
        ("compared-alone", compared::comparison(&["best-effort"])),
        ("compared-nobody", nobody),
        ("compared-crowd", compared::crowd()),
    ]
}

#[test]
fn text_of_a_calm_comparison() {
    insta::assert_snapshot!(to_text(&compared::calm()));
}

#[test]
fn text_of_a_troubled_comparison() {
    insta::assert_snapshot!(to_text(&compared::troubled()));
}

#[test]
fn text_of_a_comparison_without_values() {
    let text = to_text(&compared::bare());
    assert!(text.contains("– [1]"), "{text}");
    assert!(text.contains("[1] undefined here"), "{text}");
    assert!(!text.contains("Best on each metric"), "{text}");
}

#[test]
fn comparisons_stay_within_100_columns() {
    for (name, result) in inputs() {
        for line in to_text(&result).lines() {
            assert!(line.chars().count() <= 100, "{name}: too wide: {line}");
        }
    }
}

#[test]
fn comparisons_read_back_from_json() {
    for (_, result) in inputs() {
        let text = to_json(&result).unwrap();
        let back: ComparisonResult = serde_json::from_str(&text).unwrap();
        assert_eq!(back, result);
    }
}

#[test]
fn tables_of_a_comparison() {
    let mut result = compared::troubled();
    result
        .metrics
        .retain(|row| ["stp", "response.p95"].contains(&row.metric.as_str()));
    for policy in &mut result.policies {
        for row in &mut policy.turns {
            row.turns.truncate(2);
        }
    }
    for (name, text) in tables(&result).unwrap() {
        insta::assert_snapshot!(format!("compared_{name}"), text);
    }
}

#[test]
fn every_row_of_a_comparison_has_as_many_cells_as_its_heading() {
    for (_, result) in inputs() {
        for (name, text) in tables(&result).unwrap() {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let width = reader.headers().unwrap().len();
            for row in reader.records() {
                assert_eq!(row.unwrap().len(), width, "{name}");
            }
        }
    }
}

#[test]
fn figures_of_comparisons_are_the_same_bytes_twice_and_grow_with_their_content() {
    for (name, result) in inputs() {
        for figure in ComparisonFigure::ALL {
            let svg = comparison_svg(figure, &result).unwrap();
            assert_eq!(svg, comparison_svg(figure, &result).unwrap(), "{name}");
            assert!(!texts(&svg).is_empty());
            // Big pages are slow to paint; the small ones show that both backends get the same page.
            if name == "compared-crowd" {
                continue;
            }
            let png = comparison_png(figure, &result).unwrap();
            let (width, height) = png_size(&png);
            let size = format!(r#"<svg width="{}" height="{}" "#, width / 2, height / 2);
            assert!(svg.starts_with(&size), "{name} {figure:?}: {}", &svg[..120]);
            assert_eq!(width, 1600);
            assert!((400..2400).contains(&height), "{name} {figure:?}: {height}");
        }
    }
}

#[test]
fn figures_of_comparisons_name_what_they_show() {
    let result = compared::troubled();
    let expected: [(ComparisonFigure, &[&str]); 4] = [
        (
            ComparisonFigure::ResponseCdf,
            &[
                "equal-share",
                "desktop",
                "render",
                "overloaded under fixed-share",
            ],
        ),
        (
            ComparisonFigure::TradeOff,
            &[
                "GPU a",
                "best-effort",
                "equal-share",
                "Pareto front",
                "Not shown: fixed-share (render is overloaded)",
            ],
        ),
        (
            ComparisonFigure::Slowdowns,
            &[
                "fixed-share",
                "median",
                "median 1.975 · worst 3.400",
                "overloaded: at least",
            ],
        ),
        (
            ComparisonFigure::Turns,
            &[
                "best-effort",
                "desktop#1",
                "simulated time (ms)",
                "no turns: tenants share the SMs, or none had work",
            ],
        ),
    ];
    for (figure, labels) in expected {
        let texts = texts(&comparison_svg(figure, &result).unwrap());
        for label in labels {
            assert!(
                texts.iter().any(|t| t == label),
                "{figure:?} lacks {label}: {texts:?}"
            );
        }
    }
    // A policy without throughput has no point.
    let texts = texts(&comparison_svg(ComparisonFigure::TradeOff, &result).unwrap());
    assert!(!texts.iter().any(|t| t == "fixed-share"));
}

#[test]
fn figures_of_a_comparison_without_values_say_so() {
    let result = compared::bare();
    for (figure, sentence) in [
        (
            ComparisonFigure::ResponseCdf,
            "No job that arrived in the window has ended.",
        ),
        (
            ComparisonFigure::TradeOff,
            "No policy has both throughput and fairness here.",
        ),
        (
            ComparisonFigure::Slowdowns,
            "The slowdown of no guest is known.",
        ),
        (ComparisonFigure::Turns, "No tenant held the SMs alone."),
    ] {
        let texts = texts(&comparison_svg(figure, &result).unwrap());
        assert!(texts.iter().any(|t| t == sentence), "{figure:?}: {texts:?}");
    }
}

#[test]
fn a_comparison_has_a_results_folder_whose_readme_names_each_file() {
    let place = tempfile::TempDir::new().unwrap();
    let target = place.path().join("compared");
    let staging = Staging::new(&target).unwrap();
    let result = compared::calm();
    let figures = Figures::of_comparison(&result, Forms::All);
    staging.write_comparison(&result, &figures).unwrap();
    staging.publish().unwrap();
    assert!(figures.draw_into(&target, |step| step()).is_empty());
    let mut names: Vec<String> = std::fs::read_dir(&target)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            ".warpshare-results",
            "README.txt",
            "comparison.csv",
            "comparison.json",
            "fairness_throughput.png",
            "fairness_throughput.svg",
            "findings.csv",
            "members.csv",
            "response_cdf.png",
            "response_cdf.svg",
            "slowdowns.png",
            "slowdowns.svg",
            "summary.txt",
            "turns.csv",
            "turns.png",
            "turns.svg",
        ]
    );
    let readme = std::fs::read_to_string(target.join("README.txt")).unwrap();
    assert!(readme.starts_with("Comparison of policies on the scenario office (hash a3a3"));
    for name in names.iter().skip(2) {
        let stem = name.split('.').next().unwrap();
        assert!(readme.contains(stem), "README.txt lacks {name}");
    }
}

/// Writes every figure of every input to the folder in `WARPSHARE_FIGURES`, for looking at them.
#[test]
#[ignore = "a tool, not a check: draws for a person to look at"]
fn figures_of_comparisons_for_the_eye() {
    let folder = std::env::var_os("WARPSHARE_FIGURES").expect("WARPSHARE_FIGURES names a folder");
    let folder = std::path::PathBuf::from(folder);
    for (name, result) in inputs() {
        for figure in ComparisonFigure::ALL {
            let stem = format!("{name}-{}", figure.file_stem());
            let svg = comparison_svg(figure, &result).unwrap();
            let png = comparison_png(figure, &result).unwrap();
            std::fs::write(folder.join(format!("{stem}.svg")), svg).unwrap();
            std::fs::write(folder.join(format!("{stem}.png")), png).unwrap();
        }
    }
}
