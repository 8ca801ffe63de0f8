//! Results that no simulator made: plausible, consistent in themselves, and the same every time.

use warpshare::result::*;

/// A group of a synthetic result.
pub struct Group {
    pub name: &'static str,
    pub count: u32,
    pub gpu: &'static str,
    /// Mean response, milliseconds.
    pub mean_ms: f64,
    /// How far the slow jobs are from the fast ones.
    pub spread: f64,
    pub overloaded: bool,
}

pub fn group(name: &'static str, count: u32, mean_ms: f64) -> Group {
    Group {
        name,
        count,
        gpu: "a",
        mean_ms,
        spread: 3.0,
        overloaded: false,
    }
}

pub fn estimate(value: f64, half_width: f64) -> Estimate {
    Estimate {
        value: Some(value),
        half_width: Some(half_width),
        n: 10,
        method: Method::T,
        note: None,
        each: Vec::new(),
    }
}

pub fn missing(note: Reason) -> Estimate {
    Estimate {
        value: None,
        half_width: None,
        n: 0,
        method: Method::T,
        note: Some(note),
        each: Vec::new(),
    }
}

/// A right-skewed histogram of `jobs` jobs around `mean_ns`: sums of uniform draws of a fixed
/// linear congruential sequence, raised in the tail.
fn histogram(jobs: u64, mean_ns: f64, spread: f64, mut state: u64) -> LatencyHistogram {
    let mut values: Vec<u64> = (0..jobs)
        .map(|_| {
            let mut draw = || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1u64 << 53) as f64
            };
            let (a, b) = (draw(), draw());
            let tail = a * a * a * a;
            (mean_ns * (0.4 + 0.5 * b + 0.9 * spread * tail * (0.5 + b))) as u64
        })
        .collect();
    values.sort_unstable();
    let mut buckets: Vec<(u64, u64)> = Vec::new();
    let sum_ns = values.iter().map(|&v| u128::from(v)).sum();
    for value in values {
        // Buckets of about a thousandth, as the simulator's have.
        let width = (value.max(1).ilog2().saturating_sub(9)) as u64;
        let largest = (value >> width << width) + (1 << width) - 1;
        match buckets.last_mut() {
            Some(last) if last.0 == largest => last.1 += 1,
            _ => buckets.push((largest, 1)),
        }
    }
    LatencyHistogram {
        count: jobs,
        sum_ns,
        buckets,
    }
}

fn at(histogram: &LatencyHistogram, p: f64) -> u64 {
    let rank = (histogram.count as f64 * p).ceil() as u64;
    let mut sum = 0;
    for &(largest, count) in &histogram.buckets {
        sum += count;
        if sum >= rank {
            return largest;
        }
    }
    0
}

fn latency(jobs: u64, mean_ns: f64, spread: f64, seed: u64) -> Latency {
    let histogram = histogram(jobs, mean_ns, spread, seed);
    let quantiles = [0.5, 0.9, 0.95, 0.99, 0.999]
        .into_iter()
        .map(|p| {
            let enough = jobs as f64 * (1.0 - p) >= 10.0;
            QuantileEstimate {
                p,
                value_ns: Some(at(&histogram, p)),
                half_width_ns: enough
                    .then(|| at(&histogram, p) as f64 * 0.02 / (1.0 - p).sqrt() * 0.3),
                method: if enough {
                    Method::Sectioning
                } else {
                    Method::None
                },
                note: (!enough).then_some(Reason::TooLittleData),
                each: Vec::new(),
                resolution_ns: 0.0,
            }
        })
        .collect();
    let mean = histogram.sum_ns as f64 / jobs as f64;
    Latency {
        mean_ns: estimate(mean, mean * 0.017),
        quantiles,
        largest_ns: histogram.buckets.last().map(|b| b.0),
        histogram,
    }
}

fn guest(index: usize, group: &Group) -> GroupResult {
    let jobs = 1000 + 400 * u64::from(group.count);
    let response = latency(jobs, group.mean_ms * 1e6, group.spread, 7 + index as u64);
    let service = latency(
        jobs,
        group.mean_ms * 0.8e6,
        group.spread * 0.7,
        99 + index as u64,
    );
    let mean = response.mean_ns.value.unwrap();
    let part = |fraction: f64| estimate(mean * fraction, mean * fraction * 0.02);
    let counts = JobCounts {
        arrived: jobs + if group.overloaded { 137 } else { 0 },
        completed: jobs,
        dropped: 0,
        out_of_memory: 0,
        timed_out: 0,
        batches: 0,
        unfinished: if group.overloaded { 137 } else { 0 },
    };
    let members = (0..group.count)
        .map(|i| {
            let scale = 0.8 + 0.5 * f64::from(i * 7 % 11) / 11.0;
            Member {
                gpu: None,
                name: if group.count == 1 {
                    group.name.to_owned()
                } else {
                    format!("{}#{i}", group.name)
                },
                jobs: JobCounts {
                    arrived: jobs / u64::from(group.count),
                    completed: jobs / u64::from(group.count),
                    ..JobCounts::default()
                },
                throughput_per_s: estimate(12.5 * scale, 0.4),
                mean_response_ns: estimate(mean * scale, mean * 0.05),
                p95_response_ns: Some((mean * scale * 2.1) as u64),
                largest_response_ns: Some((mean * scale * 4.0) as u64),
                slowdown: estimate(1.9 * scale, 0.06),
                interference: estimate(1.4 * scale, 0.05),
                gpu_time_share: estimate(0.6 / f64::from(group.count), 0.004),
                longest_starvation_ns: 12_000_000 + u64::from(i) * 100_000,
            }
        })
        .collect();
    GroupResult {
        gpus: Vec::new(),
        name: group.name.to_owned(),
        count: group.count,
        gpu: group.gpu.to_owned(),
        instance: None,
        holds: Holding::Vgpu {
            vgpu_type: "A40-4Q".to_owned(),
            number: 1,
        },
        workload: "designer".to_owned(),
        load: Load::Open,
        jobs: counts,
        overload: group
            .overloaded
            .then_some(Overload::Unfinished { jobs: 137 }),
        throughput_per_s: estimate(12.5 * f64::from(group.count), 0.31),
        response,
        classes: Vec::new(),
        service,
        parts: Parts {
            queue_ns: part(0.2),
            slice_wait_ns: part(0.31),
            switch_ns: part(0.0123),
            gpu_ns: part(0.4),
            copy_ns: part(0.0777),
            host_ns: estimate(0.0, 0.0),
            engine_ns: None,
            outside_ns: None,
        },
        deadline_ns: (index == 0).then_some(100_000_000),
        late_fraction: (index == 0).then(|| estimate(0.0123, 0.0021)),
        dropped_fraction: estimate(0.0, 0.0),
        timed_out_fraction: None,
        out_of_memory_fraction: None,
        frames_per_s: None,
        batch_size: None,
        slowdown: estimate(1.93, 0.041),
        interference: if index == 0 {
            estimate(1.42, 0.022)
        } else {
            missing(Reason::NoBaselines)
        },
        gpu_time_share: estimate(0.6 / f64::from(group.count), 0.004),
        members,
        warmup_check: WarmupCheck {
            suggested_ns: Some(310_000_000),
            verdict: if group.overloaded {
                WarmupVerdict::TooShort
            } else {
                WarmupVerdict::Adequate
            },
        },
        completion_ns: None,
        tokens: None,
    }
}

fn wave(bins: usize, base: f64, swing: f64, period: usize) -> Vec<f64> {
    (0..bins)
        .map(|bin| {
            let phase = (bin % period) as f64 / period as f64;
            let ramp = (bin as f64 / 12.0).min(1.0);
            ramp * (base + swing * (0.5 - (phase - 0.5).abs()) * 2.0)
        })
        .collect()
}

fn gpu(name: &str, index: usize) -> GpuResult {
    let bins = 120;
    let useful = wave(bins, 0.45 - 0.1 * index as f64, 0.25, 17);
    let switching = wave(bins, 0.03, 0.02, 11);
    let reserved_idle = wave(bins, 0.08, 0.05, 23);
    let idle = (0..bins)
        .map(|bin| 1.0 - useful[bin] - switching[bin] - reserved_idle[bin])
        .collect();
    let (u, s, r) = (0.582 - 0.1 * index as f64, 0.0412, 0.1034);
    GpuResult {
        instances: Vec::new(),
        name: name.to_owned(),
        board: "a40".to_owned(),
        board_name: "NVIDIA A40".to_owned(),
        sms: 84,
        sharing: Sharing::TimeSlice(TimeSlice {
            scheduler: "equal-share".to_owned(),
            reserves: true,
            arr_factor: Some(33),
            slice_ns: Some(2_083_333),
            elastic_cap: None,
        }),
        split: Split {
            useful: estimate(u, 0.0041),
            switching: estimate(s, 0.0006),
            reserved_idle: estimate(r, 0.0012),
            idle: estimate(1.0 - u - s - r, 0.0044),
        },
        gpu_time: estimate(u + 0.06, 0.0043),
        turns_per_s: estimate(478.2, 1.3),
        switches_per_s: estimate(320.4, 1.1),
        timeline: Timeline {
            bin_ns: 100_000_000,
            useful,
            switching,
            reserved_idle,
            idle,
        },
        engines: ["copy host to device", "copy device to host"]
            .into_iter()
            .enumerate()
            .map(|(i, name)| EngineResult {
                name: name.to_owned(),
                servers: 1,
                utilisation: estimate(0.12 - 0.08 * i as f64, 0.002),
                timeline: wave(bins, 0.1 - 0.07 * i as f64, 0.06, 13),
            })
            .collect(),
        fairness: Fairness {
            jain_gpu_time: estimate(0.9912, 0.0011),
            jain_progress: estimate(0.9714, 0.0021),
            max_min_ratio: estimate(1.213, 0.018),
            antt: estimate(1.93, 0.041),
            stp: estimate(2.11, 0.036),
            longest_starvation_ns: 14_583_331,
        },
    }
}

/// A latency of one replication that is half of a whole one.
fn once(latency: &Latency) -> ReplicationLatency {
    let quantile = |place: usize| latency.quantiles[place].value_ns;
    ReplicationLatency {
        count: latency.histogram.count / 2,
        sum_ns: latency.histogram.sum_ns / 2,
        p50_ns: quantile(0),
        p90_ns: quantile(1),
        p95_ns: quantile(2),
        p99_ns: quantile(3),
        p999_ns: quantile(4),
        largest_ns: latency.largest_ns,
    }
}

/// A result with these groups on these GPUs.
pub fn result(groups: &[Group], gpus: &[&str]) -> RunResult {
    let guests: Vec<GroupResult> = groups
        .iter()
        .enumerate()
        .map(|(i, g)| guest(i, g))
        .collect();
    let gpus: Vec<GpuResult> = gpus
        .iter()
        .enumerate()
        .map(|(i, name)| gpu(name, i))
        .collect();
    let replications = (0..2)
        .map(|index| Replication {
            index,
            guests: guests
                .iter()
                .map(|g| ReplicationGuest {
                    name: g.name.clone(),
                    jobs: JobCounts {
                        arrived: g.jobs.arrived / 2,
                        completed: g.jobs.completed / 2,
                        dropped: 0,
                        out_of_memory: 0,
                        timed_out: 0,
                        batches: 0,
                        unfinished: g.jobs.unfinished / 2,
                    },
                    ended_in_window: 122 + u64::from(index),
                    response: once(&g.response),
                    classes: g.classes.iter().map(|c| once(&c.response)).collect(),
                    service: once(&g.service),
                    parts: ReplicationParts {
                        gpu_ns: g.response.histogram.sum_ns / 2,
                        ..ReplicationParts::default()
                    },
                    late: g.deadline_ns.map(|_| 3),
                    ran_ns: 2_000_000_000,
                    completion_ns: None,
                    tokens: None,
                    slowdown: Some(1.9),
                    interference: None,
                    longest_starvation_ns: 14_583_331,
                    backlog_middle: 2,
                    backlog_end: 3,
                })
                .collect(),
            gpus: gpus
                .iter()
                .map(|g| ReplicationGpu {
                    name: g.name.clone(),
                    total_sm_ns: 840_000_000_000,
                    useful_sm_ns: 488_880_000_000,
                    switching_sm_ns: 34_608_000_000,
                    reserved_idle_sm_ns: 86_856_000_000,
                    idle_sm_ns: 229_656_000_000,
                    gpu_time_ns: 6_420_000_000,
                    turns: 4782,
                    switches: 3204,
                    jain_gpu_time: Some(0.99),
                    jain_progress: Some(0.97),
                    max_min_ratio: Some(1.2),
                    antt: Some(1.93),
                    stp: Some(2.11),
                    longest_starvation_ns: 14_583_331,
                    engines: Vec::new(),
                    instances: Vec::new(),
                })
                .collect(),
            host: None,
        })
        .collect();
    RunResult {
        format: FORMAT,
        memory: Vec::new(),
        objectives: Vec::new(),
        meta: Meta {
            program: "warpshare".to_owned(),
            version: "0.1.0".to_owned(),
        },
        scenario: ScenarioInfo {
            name: "synthetic".to_owned(),
            title: Some("Designers and a batch job on shared boards".to_owned()),
            hash: "5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592".to_owned(),
        },
        plan: PlanInfo {
            horizon: Horizon::Steady,
            warmup_ns: 2_000_000_000,
            window_ns: 10_000_000_000,
            drain_ns: 10_000_000_000,
            replications: 10,
            seed: 1,
            confidence: 0.95,
            no_chance: false,
        },
        assumptions: vec![AssumptionInfo {
            key: "switch-cost-ampere".to_owned(),
            value: "save 100us, restore 100us".to_owned(),
            evidence: "no published measurement for this board".to_owned(),
        }],
        notices: vec![
            "frequency 480 of gpus.a.share gives a slice of 2.083333 ms, within the limits of 1 to 30 ms \
             that the scheduler allows"
                .to_owned(),
        ],
        growth: Vec::new(),
        no_chance: None,
        guests,
        gpus,
        host: None,
        checks: vec![
            Check {
                id: Invariant::I1,
                holds: true,
                witness: Witness::Edges { wrong: 0, of: 1_220 },
            },
            Check {
                id: Invariant::I3,
                holds: true,
                witness: Witness::Guests {
                    wrong: 0,
                    jobs: 4_000,
                },
            },
        ],
        replications,
    }
}

/// Two groups, nothing wrong.
pub fn calm() -> RunResult {
    result(
        &[group("desktop", 4, 31.0), group("batch", 1, 180.0)],
        &["a"],
    )
}

/// A group in overload, a failed check, cores that are limited.
pub fn troubled() -> RunResult {
    let mut flood = group("flood", 2, 2400.0);
    flood.overloaded = true;
    let mut result = result(&[group("desktop", 4, 31.0), flood], &["a"]);
    result.checks[0].holds = false;
    result.checks[0].witness = Witness::Edges {
        wrong: 1,
        of: 1_220,
    };
    result.host = Some(EngineResult {
        name: "host cores".to_owned(),
        servers: 8,
        utilisation: estimate(0.41, 0.01),
        timeline: wave(120, 0.35, 0.1, 19),
    });
    result
}
