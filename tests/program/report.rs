//! Views of a result: what they say, and that they say it in the same bytes each time.

mod bounded;
mod compared;
mod comparisons;

use crate::synthetic::{group, result};
use warpshare::report::plot::{self, Figure};
use warpshare::report::{ReadError, from_json, tables, to_json, to_text};
use warpshare::result::{Reason, RunResult};

#[test]
fn text_of_a_calm_run() {
    insta::assert_snapshot!(to_text(&crate::synthetic::calm()));
}

#[test]
fn text_of_a_troubled_run() {
    insta::assert_snapshot!(to_text(&crate::synthetic::troubled()));
}

#[test]
fn text_stays_within_100_columns() {
    for result in inputs() {
        for line in to_text(&result.1).lines() {
            assert!(line.chars().count() <= 100, "too wide: {line}");
        }
    }
}

#[test]
fn a_number_without_an_interval_says_why() {
    let mut result = crate::synthetic::calm();
    result.guests[0].throughput_per_s.half_width = None;
    result.guests[0].throughput_per_s.note = Some(Reason::OneReplication);
    let text = to_text(&result);
    assert!(text.contains("50.00 [1]"), "{text}");
    assert!(text.contains("[1] one replication: no interval"), "{text}");
}

#[test]
fn json_reads_back_bit_for_bit() {
    for (_, result) in inputs() {
        let text = to_json(&result).unwrap();
        let back = from_json(&text).unwrap();
        assert_eq!(back, result);
        assert_eq!(to_json(&back).unwrap(), text);
    }
}

#[test]
fn json_of_a_small_run() {
    let mut result = crate::synthetic::calm();
    shorten(&mut result);
    insta::assert_snapshot!(to_json(&result).unwrap());
}

#[test]
fn json_of_another_format_is_refused() {
    let text = to_json(&crate::synthetic::calm()).unwrap();
    let own = format!("\"format\": {}", warpshare::result::FORMAT);
    let newer = text.replacen(&own, "\"format\": 999", 1);
    assert!(matches!(
        from_json(&newer),
        Err(ReadError::OtherFormat { found: 999 })
    ));
    assert!(matches!(from_json("{}"), Err(ReadError::Malformed(_))));
    let cut = &text[..text.len() / 2];
    assert!(matches!(from_json(cut), Err(ReadError::Malformed(_))));
}

/// Leaves a few bins and buckets, so that snapshots can be read.
fn shorten(result: &mut RunResult) {
    for group in &mut result.guests {
        group.response.histogram.buckets.truncate(3);
        group.service.histogram.buckets.truncate(3);
    }
    for gpu in &mut result.gpus {
        let line = &mut gpu.timeline;
        for part in [
            &mut line.useful,
            &mut line.switching,
            &mut line.reserved_idle,
            &mut line.idle,
        ] {
            part.truncate(2);
        }
        for engine in &mut gpu.engines {
            engine.timeline.truncate(2);
        }
    }
    if let Some(host) = &mut result.host {
        host.timeline.truncate(2);
    }
}

#[test]
fn tables_of_a_calm_run() {
    let mut result = crate::synthetic::calm();
    shorten(&mut result);
    for (name, text) in tables(&result).unwrap() {
        insta::assert_snapshot!(format!("calm_{name}"), text);
    }
}

#[test]
fn tables_of_a_troubled_run() {
    let mut result = crate::synthetic::troubled();
    shorten(&mut result);
    for (name, text) in tables(&result).unwrap() {
        insta::assert_snapshot!(format!("troubled_{name}"), text);
    }
}

#[test]
fn every_row_of_a_table_has_as_many_cells_as_its_heading() {
    for (_, result) in inputs() {
        for (name, text) in tables(&result).unwrap() {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let width = reader.headers().unwrap().len();
            let mut rows = 0;
            for row in reader.records() {
                assert_eq!(row.unwrap().len(), width, "{name}");
                rows += 1;
            }
            let asked = name != "objectives.csv" || !result.objectives.is_empty();
            assert!(rows > 0 || !asked, "{name} is empty");
        }
    }
}

/// Width and height from a PNG's first chunk.
fn png_size(bytes: &[u8]) -> (u32, u32) {
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn figures_are_the_same_bytes_twice_and_png_is_twice_the_size_of_svg() {
    for (name, result) in inputs() {
        for figure in Figure::ALL {
            let svg = plot::svg(figure, &result).unwrap();
            assert_eq!(
                svg,
                plot::svg(figure, &result).unwrap(),
                "{name} {figure:?}"
            );
            let png = plot::png(figure, &result).unwrap();
            assert_eq!(
                png,
                plot::png(figure, &result).unwrap(),
                "{name} {figure:?}"
            );
            let (width, height) = png_size(&png);
            let size = format!(r#"<svg width="{}" height="{}" "#, width / 2, height / 2);
            assert!(svg.starts_with(&size), "{name} {figure:?}: {}", &svg[..120]);
            assert_eq!(width, 1600);
            assert!((400..4000).contains(&height), "{name} {figure:?}: {height}");
        }
    }
}

/// Texts of an SVG; fails where tags are not closed in order or a text is not escaped.
fn texts(svg: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut texts = Vec::new();
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        let text = rest[..start].trim();
        assert!(!text.contains('>'), "unescaped: {text}");
        if !text.is_empty() {
            assert_eq!(open.last().map(String::as_str), Some("text"));
            texts.push(text.to_owned());
        }
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        let name = |t: &str| t.split_whitespace().next().unwrap_or("").to_owned();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed.trim().to_owned()));
        } else if !tag.ends_with('/') {
            open.push(name(tag));
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "left open: {open:?}");
    texts
}

#[test]
fn figures_name_what_they_show() {
    let expected: [(Figure, &[&str]); 4] = [
        (
            Figure::LatencyCdf,
            &[
                "response time (logarithmic)",
                "desktop",
                "flood",
                "137 jobs unfinished",
            ],
        ),
        (
            Figure::ResponseTimes,
            &[
                "response time (s)",
                "4 x desktop",
                "2 x flood",
                "mean, with its 95 % interval",
            ],
        ),
        (
            Figure::GpuSplit,
            &["useful work", "A40", "58.20 ± 0.41 %", "64.20 ± 0.43 %"],
        ),
        (
            Figure::Utilisation,
            &[
                "simulated time (s)",
                "window starts",
                "copy host to device",
                "host cores",
            ],
        ),
    ];
    let result = crate::synthetic::troubled();
    for (figure, labels) in expected {
        let texts = texts(&plot::svg(figure, &result).unwrap());
        for label in labels {
            assert!(
                texts.iter().any(|t| t == label),
                "{figure:?} lacks {label}: {texts:?}"
            );
        }
    }
}

#[test]
fn figures_of_a_run_without_jobs_say_so() {
    let mut result = crate::synthetic::calm();
    for group in &mut result.guests {
        group.response.histogram = warpshare::result::LatencyHistogram::default();
        group.response.mean_ns = crate::synthetic::missing(Reason::NoJobsEnded);
        for quantile in &mut group.response.quantiles {
            quantile.value_ns = None;
            quantile.half_width_ns = None;
        }
    }
    for figure in [Figure::LatencyCdf, Figure::ResponseTimes] {
        let texts = texts(&plot::svg(figure, &result).unwrap());
        assert!(
            texts.iter().any(|t| t.starts_with("No job that arrived")),
            "{texts:?}"
        );
        assert!(!plot::png(figure, &result).unwrap().is_empty());
    }
}

/// The inputs that figures were judged on by eye.
fn inputs() -> Vec<(&'static str, RunResult)> {
    let mut far = group("render-farm-with-a-long-name", 3, 95.0);
    far.gpu = "b";
    vec![
        ("one", result(&[group("desktop", 1, 31.0)], &["a"])),
        ("calm", crate::synthetic::calm()),
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
        ("troubled", crate::synthetic::troubled()),
    ]
}

/// Writes every figure of every input to the folder in `WARPSHARE_FIGURES`, for looking at them.
#[test]
#[ignore = "a tool, not a check: draws for a person to look at"]
fn figures_for_the_eye() {
    let folder = std::env::var_os("WARPSHARE_FIGURES").expect("WARPSHARE_FIGURES names a folder");
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
