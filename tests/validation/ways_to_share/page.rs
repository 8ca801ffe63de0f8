//! The tables and figures of the page, from its numbers.

use super::check::{VARIANTS, errors, measured_at_batch_4};
use super::points::{Load, Point, SETS, Set, WAYS, scenario};
use super::{of, repository};
use std::fmt::Write;
use warpshare::report::plot::{LinePoint, LineSeries, Lines, Marks, lines_png, lines_svg};

/// A table of one set: a row for each number of tenants, a column for each way.
fn table(all: &[Point], set: &Set) -> String {
    let mut out = String::from("| tenants |");
    for way in &WAYS {
        write!(out, " {} |", way.name).expect("text");
    }
    out.push_str("\n|---:|---:|---:|---:|---:|\n");
    for tenants in 1..=7 {
        write!(out, "| {tenants} |").expect("text");
        for way in &WAYS {
            write!(out, " {} |", cell(of(all, set, way, tenants), set.load)).expect("text");
        }
        out.push('\n');
    }
    out
}

/// A number with its interval to so many decimals.
fn with_half(value: f64, half_width: f64, decimals: usize) -> String {
    let half = format!("{half_width:.decimals$}");
    let least = libm::pow(10.0, -(decimals as f64));
    if half_width < least / 2.0 {
        return format!("{value:.decimals$} ± <{least:.decimals$}");
    }
    format!("{value:.decimals$} ± {half}")
}

fn cell(point: &Point, load: Load) -> String {
    match load {
        Load::Busy if point.value >= 100.0 => with_half(point.value, point.half_width, 1),
        Load::Busy => with_half(point.value, point.half_width, 2),
        Load::Poisson(_) if point.overloaded => "overloaded".to_owned(),
        Load::Poisson(_) => {
            let mean = with_half(point.value, point.half_width, 1);
            format!("{mean} · {:.1}", point.p95_ms)
        }
    }
}

/// How the simulated rates of MPS compare with the measured ones.
fn check_table(all: &[Point]) -> String {
    let mut out = String::from(
        "| Model of neighbours | n | mean error | largest | bias |\n|---|---:|---:|---:|---:|\n",
    );
    for variant in &VARIANTS {
        let errors = errors(all, variant);
        let n = errors.len() as f64;
        let sizes = errors.iter().map(|e| e.abs());
        writeln!(
            out,
            "| {} | {n} | {:.1} % | {:.1} % | {:+.1} % |",
            variant.name,
            100.0 * sizes.clone().sum::<f64>() / n,
            100.0 * sizes.fold(0.0, f64::max),
            100.0 * errors.iter().sum::<f64>() / n,
        )
        .expect("text");
    }
    out
}

/// The page with its generated parts as they should be.
pub fn with_tables(page: &str, all: &[Point]) -> String {
    let mut parts: Vec<(String, String)> = Vec::new();
    for set in &SETS {
        parts.push((set.name.to_owned(), table(all, set)));
    }
    parts.push(("check".to_owned(), check_table(all)));
    let text = scenario(&SETS[1], &WAYS[3], 7);
    parts.push(("scenario".to_owned(), format!("```toml\n{text}```\n")));
    let mut page = page.to_owned();
    for (name, text) in parts {
        let begin = format!("<!-- {name}: generated -->\n");
        let end = format!("<!-- end of {name} -->");
        let (head, rest) = page.split_once(&begin).expect("the start of a part");
        let (_, tail) = rest.split_once(&end).expect("the end of a part");
        page = format!("{head}{begin}\n{text}\n{end}{tail}");
    }
    page
}

fn series(all: &[Point], set: &Set) -> Vec<LineSeries> {
    let line = |way| {
        let points = (1..=7).map(|tenants| {
            let point = of(all, set, way, tenants);
            LinePoint {
                x: f64::from(tenants),
                y: point.value,
                half_width: Some(point.half_width),
                at_least: point.overloaded,
            }
        });
        points.collect()
    };
    WAYS.iter()
        .map(|way| LineSeries {
            name: way.name.to_owned(),
            points: line(way),
            marks: Marks::Joined,
        })
        .collect()
}

fn rings(name: &str, of: usize, rates: Vec<(u32, f64)>) -> LineSeries {
    let point = |(tenants, rate): (u32, f64)| LinePoint {
        x: f64::from(tenants),
        y: rate,
        half_width: None,
        at_least: false,
    };
    LineSeries {
        name: name.to_owned(),
        points: rates.into_iter().map(point).collect(),
        marks: Marks::RingsOf(of),
    }
}

/// Paths and texts of the figures.
pub fn figures(all: &[Point]) -> [(&'static str, String); 2] {
    let paths = ["docs/img/ways-throughput.svg", "docs/img/ways-latency.svg"];
    let [first, second] = drawings(all).map(|what| lines_svg(&what).expect("it can be drawn"));
    [(paths[0], first), (paths[1], second)]
}

/// Writes the figures as PNG to the folder in `WARPSHARE_FIGURES`, for looking at them.
#[test]
#[ignore = "a tool, not a check: draws for a person to look at"]
fn figures_for_the_eye() {
    let folder = std::env::var_os("WARPSHARE_FIGURES").expect("WARPSHARE_FIGURES names a folder");
    for (n, what) in drawings(&super::committed()).iter().enumerate() {
        let png = lines_png(what).expect("it can be drawn");
        let file = std::path::Path::new(&folder).join(format!("ways-{n}.png"));
        std::fs::write(file, png).expect("written");
    }
}

fn drawings(all: &[Point]) -> [Lines; 2] {
    let [mps, mig] = measured_at_batch_4();
    let mut rates = series(all, &SETS[0]);
    rates.push(rings("measured: MPS in a 7g instance", 1, mps));
    rates.push(rings("measured: one process × instances", 3, mig));
    let busy = Lines {
        title: "ResNet-50, batch 4: throughput of busy tenants on one A100".to_owned(),
        subtitle: "A100-SXM4-80GB · closed loops · 5 replications of 10 s".to_owned(),
        x: "tenants".to_owned(),
        y: "batches/s, all tenants".to_owned(),
        logarithmic: false,
        series: rates,
    };
    let open = Lines {
        title: "ResNet-50, batch 4: mean response time at 75 requests/s a tenant".to_owned(),
        subtitle: "A100-SXM4-80GB · Poisson arrivals · 5 replications of 60 s".to_owned(),
        x: "tenants".to_owned(),
        y: "mean response time (ms), logarithmic".to_owned(),
        logarithmic: true,
        series: series(all, &SETS[1]),
    };
    [busy, open]
}

#[test]
fn the_page_shows_its_figures() {
    let page = super::read(super::PAGE);
    for (path, _) in figures(&super::committed()) {
        let shown = path.strip_prefix("docs/").expect("beside the page");
        assert!(page.contains(&format!("]({shown})")), "{path}");
        assert!(repository(path).exists());
    }
}
