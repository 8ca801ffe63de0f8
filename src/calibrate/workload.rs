//! A fitted model as the `[workloads]` table of a scenario.

use super::fit::Calibration;
use super::model::Model;
use std::fmt::Write;

/// How the table is written.
pub struct Fragment<'a> {
    /// Name of the workload: letters, digits, `-` and `_`.
    pub name: &'a str,
    /// Items of one job.
    pub batch: u32,
    /// Catalogue id and SMs of the board that was measured.
    pub board: Option<(&'a str, u32)>,
    /// The file that was calibrated on, as the user named it.
    pub file: &'a str,
}

/// Milliseconds as the scenario language writes them, to the nanosecond.
fn duration(ms: f64) -> String {
    let text = format!("{ms:.6}");
    format!("{}ms", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Times below a nanosecond are nothing to a scenario.
fn is_something(ms: f64) -> bool {
    ms >= 0.5e-6
}

/// The `sms` key's value: SMs that the work can fill, `None` if it fills the board.
pub fn sms(model: &Model, board_sms: u32) -> Option<u32> {
    let need = (model.need * f64::from(board_sms)).round().max(1.0) as u32;
    (need < board_sms).then_some(need)
}

/// The table, ending in a line break. `None` if the model knows nothing of the batch.
///
/// A scenario cannot say "a part of the SMs" without a board: without one, a need below 1 is left to a
/// comment.
pub fn table(calibration: &Calibration, how: &Fragment<'_>) -> Option<String> {
    let model = &calibration.model;
    let work = model.work.of(how.batch)?;
    let mut out = String::new();
    // Writing to a string cannot fail.
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    let rows = match calibration.rows {
        1 => "1 row".to_owned(),
        n => format!("{n} rows"),
    };
    line(format!(
        "# Written by `warpshare calibrate` from {rows} of {}, for a batch of {}.",
        how.file.replace(['\n', '\r'], " "),
        how.batch
    ));
    if let Some(scatter) = calibration.scatter {
        line(format!(
            "# Those rows scatter about it by {:.1} %.",
            100.0 * scatter
        ));
    }
    line(format!("[workloads.{}]", how.name));
    if let Some((id, _)) = how.board {
        line(format!("reference = \"{id}\""));
    }
    line("# One step after the other, as measured: replace this by your own arrivals.".to_owned());
    line("arrivals = { process = \"closed\", users = 1 }".to_owned());
    if is_something(model.serial_ms) {
        line("sequence = [\"prepare\", \"step\"]".to_owned());
        let time = duration(model.serial_ms);
        line(format!("stages.prepare.host.time = \"{time}\""));
    }
    if is_something(model.beside_ms) {
        let time = duration(model.beside_ms);
        line(format!("stages.step.host.time = \"{time}\""));
    }
    let mut keys = vec![format!("time = \"{}\"", duration(work))];
    match how.board {
        Some((_, board_sms)) => {
            keys.extend(sms(model, board_sms).map(|sms| format!("sms = {sms}")));
        }
        None if model.need < 1.0 => line(format!(
            "# The work fills {:.1} % of the board's SMs: add `sms` for the board at hand.",
            100.0 * model.need
        )),
        None => {}
    }
    if model.memory_bound > 0.0 {
        let text = format!("{:.4}", model.memory_bound);
        keys.push(format!("memory_bound = {}", text.trim_end_matches('0')));
    }
    line(format!("stages.step.gpu = {{ {} }}", keys.join(", ")));
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::model::Work;
    use super::*;

    fn calibration() -> Calibration {
        Calibration {
            model: Model {
                serial_ms: 1.25,
                beside_ms: 3.5,
                work: Work::Linear {
                    fixed_ms: 0.5,
                    per_item_ms: 0.25,
                },
                need: 0.5,
                memory_bound: 0.3,
                clock: None,
                reach: None,
            },
            parameters: Vec::new(),
            rows: 12,
            scatter: Some(0.021),
        }
    }

    #[test]
    fn a_table_has_every_number() {
        let how = Fragment {
            name: "resnet",
            batch: 8,
            board: Some(("a100-sxm4-80gb", 108)),
            file: "points.csv",
        };
        let text = table(&calibration(), &how).expect("a known batch");
        for wanted in [
            "[workloads.resnet]",
            "reference = \"a100-sxm4-80gb\"",
            "stages.prepare.host.time = \"1.25ms\"",
            "stages.step.host.time = \"3.5ms\"",
            "stages.step.gpu = { time = \"2.5ms\", sms = 54, memory_bound = 0.3 }",
        ] {
            assert!(text.contains(wanted), "{text}");
        }
        let parsed: toml::Table = text.parse().expect("TOML");
        assert!(parsed.contains_key("workloads"));
    }

    #[test]
    fn nothing_is_written_of_parts_that_are_nothing() {
        let mut calibration = calibration();
        calibration.model = Model::gpu_only(Work::Each(vec![(4, 2.0)]));
        let mut how = Fragment {
            name: "w",
            batch: 4,
            board: None,
            file: "points.csv",
        };
        let text = table(&calibration, &how).expect("a known batch");
        assert!(
            !text.contains("host") && !text.contains("sequence"),
            "{text}"
        );
        assert!(
            text.contains("stages.step.gpu = { time = \"2ms\" }"),
            "{text}"
        );
        calibration.model.need = 0.25;
        let text = table(&calibration, &how).expect("a known batch");
        assert!(text.contains("25.0 % of the board's SMs"), "{text}");
        how.batch = 5;
        assert_eq!(table(&calibration, &how), None);
    }
}
