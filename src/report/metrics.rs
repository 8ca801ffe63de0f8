//! Every figure of a result as a named row: what the tables write and what a regression gate compares.
//!
//! Names are those of `docs/metrics.md`. They have one word or two: `throughput`, `response` + `p95`.

use crate::result::{
    EngineResult, Estimate, GpuResult, GroupResult, InstanceResult, JobCounts, Latency, Member,
    Split, TokenResult,
};
use std::borrow::Cow;

/// A number of a result; `None` where it has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Whole(Option<u64>),
    Real(Option<f64>),
}

/// One figure of an entity: of a guest group, a member, a GPU, an instance or an engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric<'a> {
    /// First word of a name of two, such as `response`.
    pub family: Option<&'static str>,
    /// Such as `p95`.
    pub name: Cow<'static, str>,
    /// `ns`, `1/s`, `fraction`, `jobs` …
    pub unit: &'static str,
    pub value: Number,
    /// Half-width of the interval, in the unit of the value.
    pub half_width: Option<f64>,
    /// Replications that contributed; `None` for counts, observations and quantiles.
    pub n: Option<u32>,
    pub method: &'a str,
    /// Whether the value is "at least": latencies of overloaded guests.
    pub lower_bound: bool,
    /// Why there is no value or no interval.
    pub note: &'a str,
}

impl<'a> Metric<'a> {
    fn estimate(name: &'static str, unit: &'static str, estimate: &'a Estimate) -> Metric<'a> {
        Metric {
            family: None,
            name: name.into(),
            unit,
            value: Number::Real(estimate.value),
            half_width: estimate.half_width,
            n: Some(estimate.n),
            method: &estimate.method,
            lower_bound: false,
            note: estimate.note.as_deref().unwrap_or(""),
        }
    }

    /// A number that was counted or observed, with nothing to estimate.
    fn observed(
        name: &'static str,
        unit: &'static str,
        value: Option<u64>,
        method: &'static str,
    ) -> Metric<'a> {
        Metric {
            family: None,
            name: name.into(),
            unit,
            value: Number::Whole(value),
            half_width: None,
            n: None,
            method,
            lower_bound: false,
            note: "",
        }
    }

    fn of(self, family: &'static str) -> Metric<'a> {
        Metric {
            family: Some(family),
            ..self
        }
    }

    fn bound(self, lower_bound: bool) -> Metric<'a> {
        Metric {
            lower_bound,
            ..self
        }
    }

    /// Family and name, joined by `separator`.
    pub fn full_name(&self, separator: &str) -> String {
        match self.family {
            Some(family) => format!("{family}{separator}{}", self.name),
            None => self.name.to_string(),
        }
    }
}

/// The figures of a guest group.
pub fn of_group(group: &GroupResult) -> Vec<Metric<'_>> {
    let bound = group.overload.is_some();
    let mut rows = jobs(&group.jobs);
    rows.push(Metric::estimate(
        "throughput",
        "1/s",
        &group.throughput_per_s,
    ));
    rows.extend(latency("response", &group.response, bound));
    for class in &group.classes {
        let of_class = latency("response", &class.response, bound);
        rows.extend(of_class.into_iter().map(|row| Metric {
            name: format!("{}_{}", class.name, row.name).into(),
            ..row
        }));
    }
    rows.extend(latency("service", &group.service, bound));
    let parts = &group.parts;
    for (name, estimate) in [
        ("queue", Some(&parts.queue_ns)),
        ("slice_wait", Some(&parts.slice_wait_ns)),
        ("switch", Some(&parts.switch_ns)),
        ("gpu", Some(&parts.gpu_ns)),
        ("copy", Some(&parts.copy_ns)),
        ("host", Some(&parts.host_ns)),
        ("engine", parts.engine_ns.as_ref()),
        ("outside", parts.outside_ns.as_ref()),
    ] {
        rows.extend(estimate.map(|estimate| Metric::estimate(name, "ns", estimate).of("part")));
    }
    if let Some(late) = &group.late_fraction {
        rows.push(Metric::estimate("late_fraction", "fraction", late).bound(bound));
    }
    if let Some(completion) = &group.completion_ns {
        rows.push(Metric::estimate("completion", "ns", completion));
    }
    if let Some(tokens) = &group.tokens {
        rows.extend(token_rows(tokens, bound));
    }
    rows.push(Metric::estimate("slowdown", "ratio", &group.slowdown).bound(bound));
    rows.push(Metric::estimate("interference", "ratio", &group.interference).bound(bound));
    rows.push(Metric::estimate(
        "gpu_time_share",
        "fraction",
        &group.gpu_time_share,
    ));
    rows.push(Metric::observed(
        "warmup_suggested",
        "ns",
        group.warmup_check.suggested_ns,
        "MSER-5",
    ));
    rows
}

/// The figures of one guest of a group; `overloaded` as the group is.
pub fn of_member(member: &Member, overloaded: bool) -> Vec<Metric<'_>> {
    let largest = "largest observed";
    let p95 = member.p95_response_ns;
    let mut rows = jobs(&member.jobs);
    rows.extend([
        Metric::estimate("throughput", "1/s", &member.throughput_per_s),
        Metric::estimate("mean", "ns", &member.mean_response_ns)
            .of("response")
            .bound(overloaded),
        Metric::observed("p95", "ns", p95, "pooled, no interval")
            .of("response")
            .bound(overloaded),
        Metric::observed("largest", "ns", member.largest_response_ns, largest)
            .of("response")
            .bound(overloaded),
        Metric::estimate("slowdown", "ratio", &member.slowdown).bound(overloaded),
        Metric::estimate("interference", "ratio", &member.interference).bound(overloaded),
        Metric::estimate("gpu_time_share", "fraction", &member.gpu_time_share),
        starvation(member.longest_starvation_ns),
    ]);
    rows
}

/// The figures of a GPU's SMs, and its fairness.
pub fn of_gpu(gpu: &GpuResult) -> Vec<Metric<'_>> {
    let mut rows = sms(
        &gpu.split,
        &gpu.gpu_time,
        &gpu.turns_per_s,
        &gpu.switches_per_s,
    );
    let fairness = &gpu.fairness;
    rows.extend([
        Metric::estimate("jain_gpu_time", "index", &fairness.jain_gpu_time),
        Metric::estimate("jain_progress", "index", &fairness.jain_progress),
        Metric::estimate("max_min_ratio", "ratio", &fairness.max_min_ratio),
        Metric::estimate("antt", "ratio", &fairness.antt),
        Metric::estimate("stp", "guests", &fairness.stp),
        starvation(fairness.longest_starvation_ns),
    ]);
    rows
}

/// The figures of the SMs of an instance.
pub fn of_instance(instance: &InstanceResult) -> Vec<Metric<'_>> {
    sms(
        &instance.split,
        &instance.gpu_time,
        &instance.turns_per_s,
        &instance.switches_per_s,
    )
}

/// The figures of a copy or media engine, or of the host cores.
pub fn of_engine(engine: &EngineResult) -> Vec<Metric<'_>> {
    let servers = Some(u64::from(engine.servers));
    vec![
        Metric::estimate("utilisation", "fraction", &engine.utilisation),
        Metric::observed("servers", "servers", servers, "scenario"),
    ]
}

fn sms<'a>(
    split: &'a Split,
    gpu_time: &'a Estimate,
    turns: &'a Estimate,
    switches: &'a Estimate,
) -> Vec<Metric<'a>> {
    vec![
        Metric::estimate("useful", "fraction", &split.useful),
        Metric::estimate("switching", "fraction", &split.switching),
        Metric::estimate("reserved_idle", "fraction", &split.reserved_idle),
        Metric::estimate("idle", "fraction", &split.idle),
        Metric::estimate("gpu_time", "fraction", gpu_time),
        Metric::estimate("turns", "1/s", turns),
        Metric::estimate("switches", "1/s", switches),
    ]
}

fn starvation<'a>(longest_ns: u64) -> Metric<'a> {
    let longest = Some(longest_ns);
    Metric::observed("longest_starvation", "ns", longest, "largest observed")
}

fn jobs<'a>(jobs: &JobCounts) -> Vec<Metric<'a>> {
    let count = |name, value| Metric::observed(name, "jobs", Some(value), "count").of("jobs");
    let mut rows = vec![
        count("arrived", jobs.arrived),
        count("completed", jobs.completed),
        count("dropped", jobs.dropped),
        count("unfinished", jobs.unfinished),
    ];
    if jobs.out_of_memory > 0 {
        rows.push(count("out_of_memory", jobs.out_of_memory));
    }
    if jobs.timed_out > 0 {
        rows.push(count("timed_out", jobs.timed_out));
    }
    if jobs.batches > 0 {
        let batches = Some(jobs.batches);
        rows.push(Metric::observed("batches", "batches", batches, "count"));
    }
    rows
}

fn latency<'a>(family: &'static str, latency: &'a Latency, bound: bool) -> Vec<Metric<'a>> {
    let mut rows = vec![Metric::estimate("mean", "ns", &latency.mean_ns)];
    rows.extend(latency.quantiles.iter().map(|quantile| {
        // 0.999 becomes p99.9; six decimals are finer than any quantile that is asked for.
        let percent = format!("{:.6}", quantile.p * 100.0);
        let percent = percent.trim_end_matches('0').trim_end_matches('.');
        Metric {
            name: format!("p{percent}").into(),
            half_width: quantile.half_width_ns,
            note: quantile.note.as_deref().unwrap_or(""),
            ..Metric::observed("", "ns", quantile.value_ns, "sectioning")
        }
    }));
    let largest = latency.largest_ns;
    rows.push(Metric::observed(
        "largest",
        "ns",
        largest,
        "largest observed",
    ));
    let named = rows.into_iter().map(|row| row.of(family).bound(bound));
    named.collect()
}

fn token_rows(tokens: &TokenResult, bound: bool) -> Vec<Metric<'_>> {
    let mut rows = latency("first_token", &tokens.first_token, bound);
    rows.extend(latency("between_tokens", &tokens.between_tokens, bound));
    rows.extend([
        Metric::estimate("prompt_tokens", "tokens", &tokens.prompt_tokens),
        Metric::estimate("output_tokens", "tokens", &tokens.output_tokens),
        Metric::estimate("generated", "tokens/s", &tokens.generated_per_s),
    ]);
    if let Some(goodput) = &tokens.goodput_per_s {
        rows.push(Metric::estimate("goodput", "1/s", goodput));
    }
    let preemptions = Some(tokens.preemptions);
    rows.push(Metric::observed(
        "preemptions",
        "requests",
        preemptions,
        "count",
    ));
    rows
}
