//! The tables of `docs/measurements.md`: made from the predictions, and compared with the file.

use super::tally::{
    BURST_MS, Figures, Row, Variant, beside_a_busy_neighbour, equal_parts, no_interference, off,
    predict, predictions, rows,
};
use super::{law_tables, read, repository};
use std::fmt::Write;

const PAGE: &str = "docs/measurements.md";

/// What a model says of a row, given warpshare's own prediction.
type Model = fn(&Row, &Figures) -> Figures;

fn percent(error: f64) -> String {
    format!("{:+.1} %", 100.0 * error)
}

/// Measured and predicted, row by row.
fn rows_table() -> String {
    let mut out = String::from(
        "| Neighbour | GPU-util alone | | BERT mean | BERT p99 | neighbour keeps | BERT served |\n\
         |---|---:|---|---:|---:|---:|---:|\n",
    );
    for (place, (row, predicted)) in predictions().iter().enumerate() {
        let Row {
            name,
            utilisation,
            measured,
            ..
        } = row;
        let role = if place == 0 {
            "calibration"
        } else {
            "held back"
        };
        let mut line = |name: &str, util: &str, what: &str, f: [String; 4]| {
            let [mean, p99, kept, served] = f;
            writeln!(
                out,
                "| {name} | {util} | {what} | {mean} | {p99} | {kept} | {served} |"
            )
            .expect("writing to a string");
        };
        let util = format!("{:.1} %", 100.0 * utilisation);
        let name = format!("{name} ({role})");
        line(&name, &util, "measured", plain(measured));
        line("", "", "predicted", plain(predicted));
        line("", "", "error", errors(predicted, measured));
    }
    out
}

fn plain(f: &Figures) -> [String; 4] {
    let half = f.mean_half_ms.map(|half| format!(" ± {half:.3}"));
    [
        format!("{:.3}{} ms", f.mean_ms, half.unwrap_or_default()),
        format!("{:.3} ms", f.p99_ms),
        format!("{:.2}", f.kept),
        format!("{:.2}", f.served),
    ]
}

fn errors(predicted: &Figures, measured: &Figures) -> [String; 4] {
    [
        percent(off(predicted.mean_ms, measured.mean_ms)),
        percent(off(predicted.p99_ms, measured.p99_ms)),
        format!("{:+.3}", predicted.kept - measured.kept),
        format!("{:+.3}", predicted.served - measured.served),
    ]
}

/// Mean absolute errors of the model and of two models in one line.
fn baselines_table() -> String {
    let mut out = String::from(
        "| Rows | Model | BERT mean | BERT p99 | neighbour keeps | BERT served |\n\
         |---|---|---:|---:|---:|---:|\n",
    );
    let all: Vec<_> = predictions().iter().collect();
    let sets = [
        ("BERT, PointNet, Whisper", &all[1..4]),
        ("Pegasus, GPT-2 large", &all[4..]),
        ("all five held back", &all[1..]),
    ];
    for (name, set) in sets {
        let models: [(&str, Model); 3] = [
            ("warpshare", |_, predicted| *predicted),
            ("no interference", |row, _| no_interference(row)),
            ("1/n", |row, _| equal_parts(row)),
        ];
        for (model, figures) in models {
            let mean = |error: fn(&Figures, &Figures) -> f64| {
                let of = |(row, predicted): &&(Row, Figures)| {
                    error(&figures(row, predicted), &row.measured).abs()
                };
                set.iter().map(of).sum::<f64>() / set.len() as f64
            };
            writeln!(
                out,
                "| {name} | {model} | {:.1} % | {:.1} % | {:.3} | {:.3} |",
                100.0 * mean(|p, m| off(p.mean_ms, m.mean_ms)),
                100.0 * mean(|p, m| off(p.p99_ms, m.p99_ms)),
                mean(|p, m| p.kept - m.kept),
                mean(|p, m| p.served - m.served),
            )
            .expect("writing to a string");
        }
    }
    out
}

/// One table with a column pair (BERT mean, what the neighbour keeps) for each variant.
fn variants_table(variants: &[(String, Variant)]) -> String {
    let mut out = String::from("| Neighbour | measured |");
    for (name, _) in variants {
        write!(out, " {name} |").expect("writing to a string");
    }
    out.push_str("\n|---|---:|");
    out.push_str(&"---:|".repeat(variants.len()));
    out.push('\n');
    for row in rows() {
        let cell = |f: &Figures| format!(" {:.2} ms · {:.2} |", f.mean_ms, f.kept);
        write!(out, "| {} |{}", row.name, cell(&row.measured)).expect("writing to a string");
        for (_, variant) in variants {
            out.push_str(&cell(&predict(row.utilisation, variant)));
        }
        out.push('\n');
    }
    out
}

fn short() -> Variant {
    Variant {
        short: true,
        ..Variant::default()
    }
}

fn slices_table() -> String {
    let slice = |slice: &'static str, ms: f64| {
        let limit = beside_a_busy_neighbour(ms);
        let turns = (super::tally::BERT_WORK_MS / ms).ceil();
        let name = format!("{ms} ms: {turns} turns, {limit:.2} ms");
        let variant = Variant { slice, ..short() };
        (name, variant)
    };
    let mut variants = vec![
        slice("1.024ms", 1.024),
        slice("2ms", 2.0),
        slice("2.1ms", 2.1),
    ];
    let keep = Variant {
        on_completion: "keep",
        ..short()
    };
    variants.push(("2 ms, `keep`".into(), keep));
    variants_table(&variants)
}

fn calibrations_table() -> String {
    let calibration = |name: &str, slice: &'static str, half_change: &'static str| {
        let variant = Variant {
            slice,
            half_change,
            ..Variant::default()
        };
        (name.to_owned(), variant)
    };
    variants_table(&[
        calibration("3 turns: 2 ms, 0.311 ms", "2ms", "77.75us"),
        calibration("2 turns: 3.075 ms, 0.392 ms", "3.075ms", "97.92us"),
        calibration("1 turn: 6.15 ms, 0.783 ms", "6.15ms", "195.75us"),
    ])
}

fn bursts_table() -> String {
    let burst = |burst_ms: f64| {
        let variant = Variant {
            burst_ms,
            ..short()
        };
        (format!("{burst_ms} ms"), variant)
    };
    variants_table(&[3.0, 5.0, 20.0, BURST_MS, 100.0, 200.0].map(burst))
}

/// The page with its generated parts as they should be.
fn page_as_it_should_be(page: &str) -> String {
    let mut page = page.to_owned();
    for (name, make) in [
        ("rows", rows_table as fn() -> String),
        ("baselines", baselines_table),
        ("slices", slices_table),
        ("calibrations", calibrations_table),
        ("bursts", bursts_table),
        ("law", law_tables::sets_table),
        ("fitted", law_tables::fitted_table),
        ("scaling", law_tables::scaling_table),
        ("mps", law_tables::mps_table),
    ] {
        let begin = format!("<!-- table {name}: generated -->\n");
        let end = format!("<!-- end of table {name} -->");
        let (head, rest) = page.split_once(&begin).expect("the start of a table");
        let (_, tail) = rest.split_once(&end).expect("the end of a table");
        page = format!("{head}{begin}\n{}\n{end}{tail}", make());
    }
    page
}

#[test]
fn the_tables_are_current() {
    let page = read(PAGE);
    assert!(
        page == page_as_it_should_be(&page),
        "{PAGE} is out of date; rewrite it with\n\
         cargo test --test validation measurements -- --ignored rewrite_the_tables"
    );
}

#[test]
#[ignore = "rewrites docs/measurements.md"]
fn rewrite_the_tables() {
    let page = page_as_it_should_be(&read(PAGE));
    std::fs::write(repository(PAGE), page).expect("the page can be written");
}
