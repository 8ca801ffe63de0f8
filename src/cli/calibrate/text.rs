//! What `warpshare calibrate` prints.

use super::super::gpus::{render as lines, table, wrap};
use super::Report;
use crate::calibrate::{Calibration, Points, Work};

/// Four significant digits, at most six decimals.
fn number(value: f64) -> String {
    let mut places = 3;
    let mut rest = value.abs();
    // From here on it would be rounded to five digits.
    while rest >= 9.9995 && places > 0 {
        rest /= 10.0;
        places -= 1;
    }
    while rest > 0.0 && rest < 1.0 && places < 6 {
        rest *= 10.0;
        places += 1;
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    format!("{value:.places$}")
}

fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

/// Per cent with a sign; nothing has none that means something.
fn signed(percent: f64) -> String {
    let text = format!("{percent:+.1} %");
    if text == "-0.0 %" {
        "+0.0 %".to_owned()
    } else {
        text
    }
}

/// The report in a hundred columns.
pub(super) fn render(report: &Report<'_>, calibration: &Calibration, points: &Points) -> String {
    let held_back = points.rows.iter().filter(|row| row.held_out).count();
    let mut out = format!(
        "{}: {} rows of {}, {} to calibrate on, {held_back} held back\n\nParameters\n",
        report.workload,
        points.rows.len(),
        report.file,
        calibration.rows,
    );
    let mut rows = table(
        &["Parameter", "Value", "As good from", "to", "Verdict"],
        &["Parameter", "Verdict"],
    );
    for parameter in &report.parameters {
        let end = |value: Option<f64>| value.map_or_else(String::new, number);
        rows.add_row([
            parameter.name.clone(),
            number(parameter.value),
            end(parameter.low),
            end(parameter.high),
            parameter.verdict.to_owned(),
        ]);
    }
    out.push_str(&lines(&rows));
    for parameter in report.parameters.iter().filter(|p| !p.remark.is_empty()) {
        let lead = format!("{} {}: ", parameter.name, parameter.verdict);
        wrap(&mut out, &lead, 2, &parameter.remark);
    }
    out.push('\n');
    let form = match calibration.model.work {
        Work::Linear { .. } => "(gpu_fixed_ms + gpu_per_item_ms × batch)",
        Work::Each(_) => "gpu_ms of the batch",
    };
    let reach = calibration.model.reach.unwrap_or(f64::INFINITY);
    let law = format!(
        "serial_ms + max(beside_ms, GPU), where GPU is {form} alone on the whole board, stretched by \
         (1 − memory_bound) × max(1, sm_need / SM share) + memory_bound / memory share, of which a \
         part of the SMs draws at most {reach} times its size. Tenants who are all busy divide the SMs."
    );
    wrap(&mut out, "Latency: ", 2, &law);
    let scatter = match report.scatter {
        Some(scatter) => format!(
            "the rows scatter about this by {}; in the ranges the fit is worse by less than that \
             (95 %, at least 1 % of scatter).",
            percent(scatter)
        ),
        None => "there are as many parameters as rows: the fit says nothing about the scatter."
            .to_owned(),
    };
    wrap(&mut out, "Scatter: ", 2, &scatter);

    out.push_str("\nErrors, predicted over measured\n");
    let mut rows = table(
        &["Rows", "Model", "n", "Mean", "Median", "Largest", "Bias"],
        &["Rows", "Model"],
    );
    for errors in &report.errors {
        rows.add_row([
            errors.rows.to_owned(),
            errors.model.to_owned(),
            errors.n.to_string(),
            percent(errors.mean),
            percent(errors.median),
            percent(errors.largest),
            signed(100.0 * errors.bias),
        ]);
    }
    out.push_str(&lines(&rows));

    out.push_str("\nRows\n");
    let mut rows = table(
        &[
            "Line",
            "SMs",
            "Memory",
            "Tenants",
            "Batch",
            "Measured ms",
            "Predicted ms",
            "Error",
            "",
        ],
        &[""],
    );
    for row in &report.rows {
        let predicted = row.predicted_ms;
        let error = predicted.map(|p| 100.0 * (p / row.measured_ms - 1.0));
        rows.add_row([
            row.line.to_string(),
            percent(row.sm_share),
            percent(row.memory_share),
            row.tenants.to_string(),
            row.batch.to_string(),
            number(row.measured_ms),
            predicted.map_or_else(|| "unknown".to_owned(), number),
            error.map_or_else(String::new, signed),
            if row.held_out { "held back" } else { "" }.to_owned(),
        ]);
    }
    out.push_str(&lines(&rows));
    out
}
