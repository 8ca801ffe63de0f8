//! The tidy tables of a results folder: one observation a row, one heading a file, full precision.

use crate::result::{
    EngineResult, Estimate, JobCounts, Latency, QuantileEstimate, RunResult, TokenResult,
};
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
    ])
}

/// A table in memory.
struct Sheet(Writer<Vec<u8>>);

impl Sheet {
    fn new(head: &[&str]) -> Result<Sheet, csv::Error> {
        let mut writer = WriterBuilder::new()
            .terminator(Terminator::Any(b'\n'))
            .from_writer(Vec::new());
        writer.write_record(head)?;
        Ok(Sheet(writer))
    }

    fn row(&mut self, cells: &[&str]) -> Result<(), csv::Error> {
        self.0.write_record(cells)
    }

    fn text(self) -> Result<String, csv::Error> {
        let bytes = self
            .0
            .into_inner()
            .map_err(|error| csv::Error::from(error.into_error()))?;
        String::from_utf8(bytes).map_err(|error| csv::Error::from(std::io::Error::other(error)))
    }
}

/// Shortest text that reads back as the same number; empty for none.
fn float(value: Option<f64>) -> String {
    value.map_or_else(String::new, |v| v.to_string())
}

/// Rows of one entity (a guest group, a member, a GPU): the key columns, then one row a metric.
struct Metrics<'a> {
    sheet: &'a mut Sheet,
    key: Vec<&'a str>,
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

impl Metrics<'_> {
    fn put(
        &mut self,
        metric: &str,
        unit: &str,
        estimate: &Estimate,
        lower_bound: bool,
    ) -> Result<(), csv::Error> {
        let value = float(estimate.value);
        let half_width = float(estimate.half_width);
        let n = estimate.n.to_string();
        self.write(&[
            metric,
            unit,
            &value,
            &half_width,
            &n,
            &estimate.method,
            flag(lower_bound),
            estimate.note.as_deref().unwrap_or(""),
        ])
    }

    fn quantile(
        &mut self,
        metric: &str,
        quantile: &QuantileEstimate,
        lower_bound: bool,
    ) -> Result<(), csv::Error> {
        let value = quantile
            .value_ns
            .map_or_else(String::new, |v| v.to_string());
        let half_width = float(quantile.half_width_ns);
        self.write(&[
            metric,
            "ns",
            &value,
            &half_width,
            "",
            "sectioning",
            flag(lower_bound),
            quantile.note.as_deref().unwrap_or(""),
        ])
    }

    /// A number that was counted or observed, with nothing to estimate.
    fn observed(
        &mut self,
        metric: &str,
        unit: &str,
        value: Option<u64>,
        method: &str,
        lower_bound: bool,
    ) -> Result<(), csv::Error> {
        let value = value.map_or_else(String::new, |v| v.to_string());
        self.write(&[metric, unit, &value, "", "", method, flag(lower_bound), ""])
    }

    fn jobs(&mut self, jobs: &JobCounts) -> Result<(), csv::Error> {
        for (metric, value) in [
            ("jobs_arrived", jobs.arrived),
            ("jobs_completed", jobs.completed),
            ("jobs_dropped", jobs.dropped),
            ("jobs_unfinished", jobs.unfinished),
        ] {
            self.observed(metric, "jobs", Some(value), "count", false)?;
        }
        if jobs.out_of_memory > 0 {
            let failed = Some(jobs.out_of_memory);
            self.observed("jobs_out_of_memory", "jobs", failed, "count", false)?;
        }
        if jobs.batches > 0 {
            self.observed("batches", "batches", Some(jobs.batches), "count", false)?;
        }
        Ok(())
    }

    fn latency(
        &mut self,
        name: &str,
        latency: &Latency,
        lower_bound: bool,
    ) -> Result<(), csv::Error> {
        self.put(&format!("{name}_mean"), "ns", &latency.mean_ns, lower_bound)?;
        for quantile in &latency.quantiles {
            // 0.999 becomes p99.9; six decimals are finer than any quantile that is asked for.
            let percent = format!("{:.6}", quantile.p * 100.0);
            let percent = percent.trim_end_matches('0').trim_end_matches('.');
            self.quantile(&format!("{name}_p{percent}"), quantile, lower_bound)?;
        }
        self.observed(
            &format!("{name}_largest"),
            "ns",
            latency.largest_ns,
            "largest observed",
            lower_bound,
        )
    }

    fn tokens(&mut self, tokens: &TokenResult, lower_bound: bool) -> Result<(), csv::Error> {
        self.latency("first_token", &tokens.first_token, lower_bound)?;
        self.latency("between_tokens", &tokens.between_tokens, lower_bound)?;
        self.put("prompt_tokens", "tokens", &tokens.prompt_tokens, false)?;
        self.put("output_tokens", "tokens", &tokens.output_tokens, false)?;
        self.put("generated", "tokens/s", &tokens.generated_per_s, false)?;
        if let Some(goodput) = &tokens.goodput_per_s {
            self.put("goodput", "1/s", goodput, false)?;
        }
        let preemptions = Some(tokens.preemptions);
        self.observed("preemptions", "requests", preemptions, "count", false)
    }

    fn engine(&mut self, engine: &EngineResult) -> Result<(), csv::Error> {
        self.put("utilisation", "fraction", &engine.utilisation, false)?;
        let servers = u64::from(engine.servers);
        self.observed("servers", "servers", Some(servers), "scenario", false)
    }

    fn write(&mut self, cells: &[&str]) -> Result<(), csv::Error> {
        let row: Vec<&str> = self.key.iter().chain(cells).copied().collect();
        self.sheet.row(&row)
    }
}

fn flag(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn head<'a>(key: &[&'a str]) -> Vec<&'a str> {
    key.iter().chain(&METRIC_COLUMNS).copied().collect()
}

fn guests(result: &RunResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&head(&["guest"]))?;
    for group in &result.guests {
        let bound = group.overload.is_some();
        let mut rows = Metrics {
            sheet: &mut sheet,
            key: vec![&group.name],
        };
        rows.jobs(&group.jobs)?;
        rows.put("throughput", "1/s", &group.throughput_per_s, false)?;
        rows.latency("response", &group.response, bound)?;
        rows.latency("service", &group.service, bound)?;
        let parts = &group.parts;
        rows.put("part_queue", "ns", &parts.queue_ns, false)?;
        rows.put("part_slice_wait", "ns", &parts.slice_wait_ns, false)?;
        rows.put("part_switch", "ns", &parts.switch_ns, false)?;
        rows.put("part_gpu", "ns", &parts.gpu_ns, false)?;
        rows.put("part_copy", "ns", &parts.copy_ns, false)?;
        rows.put("part_host", "ns", &parts.host_ns, false)?;
        if let Some(engine) = &parts.engine_ns {
            rows.put("part_engine", "ns", engine, false)?;
        }
        if let Some(late) = &group.late_fraction {
            rows.put("late_fraction", "fraction", late, bound)?;
        }
        if let Some(completion) = &group.completion_ns {
            rows.put("completion", "ns", completion, false)?;
        }
        if let Some(tokens) = &group.tokens {
            rows.tokens(tokens, bound)?;
        }
        rows.put("slowdown", "ratio", &group.slowdown, bound)?;
        rows.put("interference", "ratio", &group.interference, bound)?;
        rows.put("gpu_time_share", "fraction", &group.gpu_time_share, false)?;
        rows.observed(
            "warmup_suggested",
            "ns",
            group.warmup_check.suggested_ns,
            "MSER-5",
            false,
        )?;
    }
    sheet.text()
}

fn members(result: &RunResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&head(&["guest", "member"]))?;
    for group in &result.guests {
        let bound = group.overload.is_some();
        for member in &group.members {
            let mut rows = Metrics {
                sheet: &mut sheet,
                key: vec![&group.name, &member.name],
            };
            rows.jobs(&member.jobs)?;
            rows.put("throughput", "1/s", &member.throughput_per_s, false)?;
            rows.put("response_mean", "ns", &member.mean_response_ns, bound)?;
            let p95 = member.p95_response_ns;
            rows.observed("response_p95", "ns", p95, "pooled, no interval", bound)?;
            let largest = member.largest_response_ns;
            rows.observed("response_largest", "ns", largest, "largest observed", bound)?;
            rows.put("slowdown", "ratio", &member.slowdown, bound)?;
            rows.put("interference", "ratio", &member.interference, bound)?;
            rows.put("gpu_time_share", "fraction", &member.gpu_time_share, false)?;
            rows.observed(
                "longest_starvation",
                "ns",
                Some(member.longest_starvation_ns),
                "largest observed",
                false,
            )?;
        }
    }
    sheet.text()
}

fn gpus(result: &RunResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&head(&["gpu", "station"]))?;
    for gpu in &result.gpus {
        let mut rows = Metrics {
            sheet: &mut sheet,
            key: vec![&gpu.name, "SMs"],
        };
        rows.put("useful", "fraction", &gpu.split.useful, false)?;
        rows.put("switching", "fraction", &gpu.split.switching, false)?;
        rows.put("reserved_idle", "fraction", &gpu.split.reserved_idle, false)?;
        rows.put("idle", "fraction", &gpu.split.idle, false)?;
        rows.put("gpu_time", "fraction", &gpu.gpu_time, false)?;
        rows.put("turns", "1/s", &gpu.turns_per_s, false)?;
        rows.put("switches", "1/s", &gpu.switches_per_s, false)?;
        let fairness = &gpu.fairness;
        rows.put("jain_gpu_time", "index", &fairness.jain_gpu_time, false)?;
        rows.put("jain_progress", "index", &fairness.jain_progress, false)?;
        rows.put("max_min_ratio", "ratio", &fairness.max_min_ratio, false)?;
        rows.put("antt", "ratio", &fairness.antt, false)?;
        rows.put("stp", "guests", &fairness.stp, false)?;
        rows.observed(
            "longest_starvation",
            "ns",
            Some(fairness.longest_starvation_ns),
            "largest observed",
            false,
        )?;
        for instance in &gpu.instances {
            let station = format!("SMs of {}", instance.name);
            let mut rows = Metrics {
                sheet: &mut sheet,
                key: vec![&gpu.name, &station],
            };
            let split = &instance.split;
            rows.put("useful", "fraction", &split.useful, false)?;
            rows.put("switching", "fraction", &split.switching, false)?;
            rows.put("reserved_idle", "fraction", &split.reserved_idle, false)?;
            rows.put("idle", "fraction", &split.idle, false)?;
            rows.put("gpu_time", "fraction", &instance.gpu_time, false)?;
            rows.put("turns", "1/s", &instance.turns_per_s, false)?;
            rows.put("switches", "1/s", &instance.switches_per_s, false)?;
        }
        for engine in &gpu.engines {
            let mut rows = Metrics {
                sheet: &mut sheet,
                key: vec![&gpu.name, &engine.name],
            };
            rows.engine(engine)?;
        }
    }
    if let Some(host) = &result.host {
        let mut rows = Metrics {
            sheet: &mut sheet,
            key: vec!["", &host.name],
        };
        rows.engine(host)?;
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

fn replications(result: &RunResult) -> Result<String, csv::Error> {
    let mut sheet = Sheet::new(&["replication", "kind", "name", "metric", "unit", "value"])?;
    for replication in &result.replications {
        let index = replication.index.to_string();
        let whole = |v: Option<u64>| v.map_or_else(String::new, |v| v.to_string());
        for guest in &replication.guests {
            for (metric, unit, value) in [
                ("jobs_arrived", "jobs", guest.jobs.arrived.to_string()),
                ("jobs_completed", "jobs", guest.jobs.completed.to_string()),
                ("jobs_dropped", "jobs", guest.jobs.dropped.to_string()),
                ("jobs_unfinished", "jobs", guest.jobs.unfinished.to_string()),
                ("throughput", "1/s", guest.throughput_per_s.to_string()),
                ("response_mean", "ns", float(guest.mean_response_ns)),
                ("service_mean", "ns", float(guest.mean_service_ns)),
                ("response_p50", "ns", whole(guest.p50_response_ns)),
                ("response_p95", "ns", whole(guest.p95_response_ns)),
                ("response_p99", "ns", whole(guest.p99_response_ns)),
                ("slowdown", "ratio", float(guest.slowdown)),
                ("interference", "ratio", float(guest.interference)),
                ("backlog_middle", "jobs", guest.backlog_middle.to_string()),
                ("backlog_end", "jobs", guest.backlog_end.to_string()),
            ] {
                sheet.row(&[&index, "guest", &guest.name, metric, unit, &value])?;
            }
        }
        for gpu in &replication.gpus {
            for (metric, unit, value) in [
                ("total", "SM·ns", gpu.total_sm_ns.to_string()),
                ("useful", "SM·ns", gpu.useful_sm_ns.to_string()),
                ("switching", "SM·ns", gpu.switching_sm_ns.to_string()),
                (
                    "reserved_idle",
                    "SM·ns",
                    gpu.reserved_idle_sm_ns.to_string(),
                ),
                ("idle", "SM·ns", gpu.idle_sm_ns.to_string()),
                ("gpu_time", "ns", gpu.gpu_time_ns.to_string()),
                ("turns", "turns", gpu.turns.to_string()),
                ("switches", "switches", gpu.switches.to_string()),
            ] {
                sheet.row(&[&index, "gpu", &gpu.name, metric, unit, &value])?;
            }
        }
    }
    sheet.text()
}
