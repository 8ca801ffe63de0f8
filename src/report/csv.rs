//! The tidy tables of a results folder: one observation a row, one heading a file, full precision.

use crate::metrics::{Figure, Number, Once, Scope, Subject, figures, of_scope};
use crate::report::words;
use crate::result::{ReplicationGpu, RunResult};
use csv::{Terminator, Writer, WriterBuilder};

/// One file: its name and its text.
pub type File = (&'static str, String);

/// All tables, in the order in which the folder's README lists them.
///
/// # Errors
///
/// None that a finished run can cause; the writer's own errors are passed on.
pub fn tables(result: &RunResult) -> Result<Vec<File>, csv::Error> {
    Ok(vec![
        ("guests.csv", guests(result)?),
        ("members.csv", members(result)?),
        ("gpus.csv", gpus(result)?),
        ("timeline.csv", timeline(result)?),
        ("latency_histogram.csv", histogram(result)?),
        ("replications.csv", replications(result)?),
        ("objectives.csv", objectives(result)?),
    ])
}

/// A table in memory.
pub(super) struct Sheet(Writer<Vec<u8>>);

impl Sheet {
    pub(super) fn new(head: &[&str]) -> Result<Sheet, csv::Error> {
        let mut writer = WriterBuilder::new()
            .terminator(Terminator::Any(b'\n'))
            .from_writer(Vec::new());
        writer.write_record(head)?;
        Ok(Sheet(writer))
    }

    pub(super) fn row(&mut self, cells: &[&str]) -> Result<(), csv::Error> {
        self.0.write_record(cells)
    }

    pub(super) fn text(self) -> Result<String, csv::Error> {
        let bytes = self
            .0
            .into_inner()
            .map_err(|error| csv::Error::from(error.into_error()))?;
        String::from_utf8(bytes).map_err(|error| csv::Error::from(std::io::Error::other(error)))
    }
}

/// Shortest text that reads back as the same number; empty for none.
pub(super) fn float(value: Option<f64>) -> String {
    value.map_or_else(String::new, |v| v.to_string())
}

/// Columns after the key in every table of metrics.
const METRIC_COLUMNS: [&str; 8] = [
    "metric",
    "unit",
    "estimate",
    "half_width",
    "n",
    "method",
    "lower_bound",
    "note",
];

fn head<'a>(key: &[&'a str]) -> Vec<&'a str> {
    key.iter().chain(&METRIC_COLUMNS).copied().collect()
}

/// Rows of one entity (a guest group, a member, a GPU): the key columns, then one row a metric.
fn write(sheet: &mut Sheet, key: &[&str], metrics: &[Figure]) -> Result<(), csv::Error> {
    for metric in metrics {
        let name = metric.metric.name("_");
        let value = match metric.value {
            Number::Whole(value) => value.map_or_else(String::new, |v| v.to_string()),
            Number::Real(value) => float(value),
        };
        let half_width = float(metric.half_width);
        let n = metric.n.map_or_else(String::new, |n| n.to_string());
        let cells = [
            name.as_str(),
            metric.unit(),
            &value,
            &half_width,
            &n,
            &words::found(metric.method),
            if metric.lower_bound { "yes" } else { "no" },
            &metric.note.map_or_else(String::new, words::reason),
        ];
        let row: Vec<&str> = key.iter().chain(&cells).copied().collect();
        sheet.row(&row)?;
    }
    Ok(())
}

fn guests(result: &RunResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&head(&["guest"]))?;
    for group in &result.guests {
        write(&mut sheet, &[&group.name], &figures(group))?;
    }
    sheet.text()
}

fn members(result: &RunResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&head(&["guest", "member"]))?;
    for group in &result.guests {
        for member in &group.members {
            let rows = figures(Subject::Member(member, group.overload.is_some()));
            write(&mut sheet, &[&group.name, &member.name], &rows)?;
        }
    }
    sheet.text()
}

fn gpus(result: &RunResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&head(&["gpu", "station"]))?;
    for gpu in &result.gpus {
        write(&mut sheet, &[&gpu.name, "SMs"], &figures(gpu))?;
        for instance in &gpu.instances {
            let station = format!("SMs of {}", instance.name);
            let rows = figures(instance);
            write(&mut sheet, &[&gpu.name, &station], &rows)?;
        }
        for engine in &gpu.engines {
            let rows = figures(engine);
            write(&mut sheet, &[&gpu.name, &engine.name], &rows)?;
        }
    }
    if let Some(host) = &result.host {
        write(&mut sheet, &["", &host.name], &figures(host))?;
    }
    sheet.text()
}

/// Start of a bin in seconds, written from whole nanoseconds so that no digit is lost.
fn seconds(ns: u128) -> String {
    let whole = ns / 1_000_000_000;
    let rest = format!("{:09}", ns % 1_000_000_000);
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() {
        whole.to_string()
    } else {
        format!("{whole}.{rest}")
    }
}

fn timeline(result: &RunResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&["gpu", "bin_start_s", "part", "fraction"])?;
    let mut series = |gpu: &str, bin_ns: u64, part: &str, values: &[f64]| {
        for (bin, value) in values.iter().enumerate() {
            let start = seconds(bin as u128 * u128::from(bin_ns));
            sheet.row(&[gpu, &start, part, &value.to_string()])?;
        }
        Ok::<(), csv::Error>(())
    };
    for gpu in &result.gpus {
        let line = &gpu.timeline;
        series(&gpu.name, line.bin_ns, "useful", &line.useful)?;
        series(&gpu.name, line.bin_ns, "switching", &line.switching)?;
        series(&gpu.name, line.bin_ns, "reserved_idle", &line.reserved_idle)?;
        series(&gpu.name, line.bin_ns, "idle", &line.idle)?;
        for engine in &gpu.engines {
            series(&gpu.name, line.bin_ns, &engine.name, &engine.timeline)?;
        }
    }
    // All timelines of a run have the same bins.
    if let (Some(host), Some(gpu)) = (&result.host, result.gpus.first()) {
        series("", gpu.timeline.bin_ns, &host.name, &host.timeline)?;
    }
    sheet.text()
}

fn histogram(result: &RunResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&[
        "guest",
        "latency",
        "bucket_largest_ns",
        "jobs",
        "cumulative_fraction",
    ])?;
    for group in &result.guests {
        for (name, latency) in [("response", &group.response), ("service", &group.service)] {
            let mut sum = 0;
            for &(largest, jobs) in &latency.histogram.buckets {
                sum += jobs;
                let fraction = sum as f64 / latency.histogram.count as f64;
                sheet.row(&[
                    &group.name,
                    name,
                    &largest.to_string(),
                    &jobs.to_string(),
                    &fraction.to_string(),
                ])?;
            }
        }
    }
    sheet.text()
}

/// Whole SM·ns, ns and counts of a GPU, from which its fractions and rates follow.
fn accounts(gpu: &ReplicationGpu) -> [(&'static str, &'static str, u128); 8] {
    [
        ("total", "SM·ns", gpu.total_sm_ns),
        ("useful", "SM·ns", gpu.useful_sm_ns),
        ("switching", "SM·ns", gpu.switching_sm_ns),
        ("reserved_idle", "SM·ns", gpu.reserved_idle_sm_ns),
        ("idle", "SM·ns", gpu.idle_sm_ns),
        ("gpu_time", "ns", u128::from(gpu.gpu_time_ns)),
        ("turns", "turns", u128::from(gpu.turns)),
        ("switches", "switches", u128::from(gpu.switches)),
    ]
}

fn replications(result: &RunResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&["replication", "kind", "name", "metric", "unit", "value"])?;
    for replication in &result.replications {
        let index = replication.index.to_string();
        let window = result.plan.window_ns;
        let write =
            |sheet: &mut Sheet, kind: &str, name: &str, scope, classes: &[&str], once: Once| {
                for metric in of_scope(scope, classes) {
                    let (metric_name, unit) = (metric.name("_"), metric.metric.unit.name());
                    let account = match once {
                        Once::Gpu(gpu) => accounts(gpu).iter().any(|row| row.0 == metric_name),
                        _ => false,
                    };
                    if let Some(value) = metric.once(once, window).filter(|_| !account) {
                        let value = value.to_string();
                        sheet.row(&[&index, kind, name, &metric_name, unit, &value])?;
                    }
                }
                Ok::<(), csv::Error>(())
            };
        for (guest, group) in replication.guests.iter().zip(&result.guests) {
            let classes: Vec<&str> = group.classes.iter().map(|c| c.name.as_str()).collect();
            let once = Once::Guest(guest, group);
            write(
                &mut sheet,
                "guest",
                &guest.name,
                Scope::Group,
                &classes,
                once,
            )?;
        }
        for gpu in &replication.gpus {
            for (metric, unit, value) in accounts(gpu) {
                sheet.row(&[&index, "gpu", &gpu.name, metric, unit, &value.to_string()])?;
            }
            write(
                &mut sheet,
                "gpu",
                &gpu.name,
                Scope::Gpu,
                &[],
                Once::Gpu(gpu),
            )?;
            for instance in &gpu.instances {
                let name = format!("{}.{}", gpu.name, instance.name);
                let once = Once::Instance(instance);
                write(&mut sheet, "instance", &name, Scope::Instance, &[], once)?;
            }
            for engine in &gpu.engines {
                let name = format!("{}: {}", gpu.name, engine.name);
                write(
                    &mut sheet,
                    "engine",
                    &name,
                    Scope::Engine,
                    &[],
                    Once::Engine(engine),
                )?;
            }
        }
        if let Some(host) = &replication.host {
            write(
                &mut sheet,
                "engine",
                &host.name,
                Scope::Engine,
                &[],
                Once::Engine(host),
            )?;
        }
    }
    sheet.text()
}

fn objectives(result: &RunResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&[
        "kind",
        "of",
        "objective",
        "metric",
        "unit",
        "relation",
        "bound",
        "value",
        "half_width",
        "margin",
        "verdict",
        "note",
    ])?;
    for objective in &result.objectives {
        sheet.row(&[
            objective.kind.name(),
            &objective.of,
            &objective.text,
            &objective.metric,
            objective.unit.name(),
            objective.relation.sign(),
            &objective.bound.to_string(),
            &float(objective.value),
            &float(objective.half_width),
            &float(objective.margin),
            words::objective_verdict(objective.verdict),
            &objective
                .note
                .as_ref()
                .map_or_else(String::new, words::grounds),
        ])?;
    }
    sheet.text()
}
