//! Results of guest groups.

use super::batches::with_batches;
use super::{Baselines, Shared, window_seconds};
use crate::engine::time::Nanos;
use crate::experiment::estimate::{Confidence, mean_of, nothing, of_sums, quantile, ratio};
use crate::experiment::recorder::{MemberRecord, SERIES_BINS, series_bin};
use crate::metrics::Statistic;
use crate::result::{
    ClassResult, Estimate, GroupResult, Holding, JobCounts, Latency, LatencyHistogram, Load,
    Member, Overload, Parts, Reason, WarmupCheck, WarmupVerdict,
};
use crate::scenario::{Domain, Guest, Holds, Horizon, Scenario, Share};
use crate::sim::{Part, Schedule};
use crate::stats::coarse::CoarseHistogram;
use crate::stats::histogram::LatencyHistogram as Histogram;
use crate::stats::interval::t_interval;
use crate::stats::warmup::{Mser5, mser5};
use crate::workload::{Arrivals, OperationKind, Workload};

/// Growth of the backlog over the last half of the window, relative to the arrivals in it, beyond
/// which a guest counts as overloaded if the growth is also beyond chance.
const GROWTH: f64 = 0.01;
/// The same with a single replication, where chance cannot be judged.
const GROWTH_UNREPLICATED: f64 = 0.05;

/// A baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// Alone on the undivided board: slowdown.
    Board,
    /// Alone on its own share: interference.
    Share,
}

pub(super) fn is_closed(scenario: &Scenario, group: usize) -> bool {
    matches!(
        scenario.guests[group].workload.arrivals,
        Arrivals::Closed { .. }
    )
}

pub(super) fn counts(
    shared: &Shared,
    members: &[usize],
    replications: impl IntoIterator<Item = usize>,
) -> JobCounts {
    let mut counts = JobCounts::default();
    for replication in replications {
        for &member in members {
            let record = shared.member(replication, member);
            counts.arrived += record.arrived;
            counts.completed += record.completed;
            counts.dropped += record.dropped;
            counts.out_of_memory += record.out_of_memory;
            counts.timed_out += record.timed_out;
            counts.batches += record.batches;
        }
    }
    counts.unfinished = counts.arrived.saturating_sub(
        counts.completed + counts.dropped + counts.out_of_memory + counts.timed_out,
    );
    counts
}

/// The sums behind a slowdown: shared response, jobs and throughput, then the same alone.
pub(super) fn slowdown_sums(
    shared: &Shared,
    baselines: &Baselines,
    members: &[usize],
    replication: usize,
    against: Against,
) -> Option<[f64; 6]> {
    let mut sums = [0.0; 6];
    for &member in members {
        let alone = match against {
            Against::Board => baselines.on_board(replication, member),
            Against::Share => baselines.on_share(replication, member),
        }?;
        let record = shared.member(replication, member);
        let moments = record.response.moments();
        sums[0] += moments.sum() as f64;
        sums[1] += record.completed as f64;
        sums[2] += record.ended_in_window as f64;
        sums[3] += alone.response_ns as f64;
        sums[4] += alone.completed as f64;
        sums[5] += alone.ended_in_window as f64;
    }
    Some(sums)
}

/// Open guests: ratio of mean responses. Closed guests: ratio of throughputs, alone over shared.
pub(super) fn slowdown(closed: bool, sums: [f64; 6]) -> Option<f64> {
    let [
        response,
        jobs,
        ended,
        alone_response,
        alone_jobs,
        alone_ended,
    ] = sums;
    if closed {
        (ended > 0.0 && alone_ended > 0.0).then(|| alone_ended / ended)
    } else if jobs > 0.0 && alone_jobs > 0.0 && alone_response > 0.0 {
        Some(response / jobs / (alone_response / alone_jobs))
    } else {
        None
    }
}

fn slowdown_estimate(
    scenario: &Scenario,
    shared: &Shared,
    baselines: &Baselines,
    group: usize,
    members: &[usize],
    against: Against,
) -> Estimate {
    let rows: Option<Vec<_>> = shared
        .each_replication()
        .map(|r| slowdown_sums(shared, baselines, members, r, against))
        .collect();
    let closed = is_closed(scenario, group);
    match rows {
        Some(rows) => of_sums(
            &rows,
            Confidence::of_group(scenario, group),
            Reason::NoJobsEnded,
            |sums| slowdown(closed, sums),
        ),
        None => nothing(Reason::NoBaselines),
    }
}

/// A latency with its quantiles, from one histogram a replication.
pub(super) fn latency(
    replications: Vec<&Histogram>,
    mean_ns: Estimate,
    confidence: Confidence,
) -> Latency {
    let mut merged = Histogram::new();
    replications.iter().for_each(|h| merged.merge(h));
    Latency {
        mean_ns,
        quantiles: Statistic::quantiles()
            .map(|p| quantile(p, &replications, &merged, confidence))
            .collect(),
        largest_ns: merged.max(),
        histogram: LatencyHistogram {
            count: merged.count(),
            sum_ns: merged.sum(),
            buckets: merged.buckets(),
        },
    }
}

pub(super) fn group(
    scenario: &Scenario,
    shared: &Shared,
    baselines: &Baselines,
    group: usize,
) -> GroupResult {
    let guest = &scenario.guests[group];
    let confidence = Confidence::of_group(scenario, group);
    let members = shared.members_of(group);
    let seconds = window_seconds(scenario);
    // One row a replication: the sum over members of a field.
    let sum = |replication: usize, field: &dyn Fn(&MemberRecord) -> f64| -> f64 {
        let each = members
            .iter()
            .map(|&member| field(shared.member(replication, member)));
        each.sum()
    };
    let per_job = |field: &dyn Fn(&MemberRecord) -> f64| -> Estimate {
        let rows: Vec<_> = shared
            .each_replication()
            .map(|r| [sum(r, field), sum(r, &|m| m.completed as f64)])
            .collect();
        ratio(&rows, confidence, Reason::NoJobsEnded)
    };
    let of_arrived = |field: &dyn Fn(&MemberRecord) -> f64| -> Estimate {
        let rows: Vec<_> = shared
            .each_replication()
            .map(|r| [sum(r, field), sum(r, &|m| m.arrived as f64)])
            .collect();
        ratio(&rows, confidence, Reason::NoJobsArrived)
    };
    let part = |part: Part| per_job(&move |m| m.parts_ns[part as usize] as f64);
    let histograms = |of: fn(&crate::experiment::recorder::GroupRecord) -> &Histogram| {
        shared
            .each_replication()
            .map(|r| of(shared.group(r, group)))
            .collect::<Vec<_>>()
    };
    let mut response = latency(
        histograms(|record| &record.response),
        per_job(&|m| m.response.moments().sum() as f64),
        confidence,
    );
    if shared.replications == 1 && scenario.run.horizon == Horizon::Steady {
        let series = &shared.group(0, group).series;
        let schedule = Schedule::new(&scenario.run);
        response.mean_ns = with_batches(response.mean_ns, series, &schedule, confidence.level);
    }
    GroupResult {
        name: guest.name.clone(),
        count: guest.count,
        gpu: place(scenario, guest),
        gpus: match guest.gpus().as_slice() {
            [_] => Vec::new(),
            several => several
                .iter()
                .map(|gpu| scenario.gpus[*gpu].name.clone())
                .collect(),
        },
        instance: scenario.gpus[guest.gpu]
            .domains()
            .get(guest.domain)
            .map(Domain::path)
            .filter(|path| !path.is_empty()),
        holds: holds(scenario, guest),
        workload: guest.workload.name.clone(),
        load: if is_closed(scenario, group) {
            Load::Closed
        } else {
            Load::Open
        },
        jobs: counts(shared, &members, shared.each_replication()),
        overload: overload(scenario, shared, group, &members),
        throughput_per_s: mean_of(
            shared
                .each_replication()
                .map(|r| sum(r, &|m| m.ended_in_window as f64) / seconds),
            confidence,
        ),
        response,
        classes: classes(guest, shared, group, confidence),
        service: latency(
            histograms(|record| &record.service),
            per_job(&|m| m.service_ns as f64),
            confidence,
        ),
        parts: Parts {
            queue_ns: part(Part::Queue),
            slice_wait_ns: part(Part::SliceWait),
            switch_ns: part(Part::Switch),
            gpu_ns: part(Part::Gpu),
            copy_ns: part(Part::Copy),
            host_ns: part(Part::Host),
            engine_ns: uses_engines(&guest.workload).then(|| part(Part::Engine)),
            outside_ns: (guest.workload.discipline.outside() > 0).then(|| part(Part::Outside)),
        },
        deadline_ns: guest.deadline,
        late_fraction: guest.deadline.map(|_| per_job(&|m| m.late as f64)),
        dropped_fraction: of_arrived(&|m| m.dropped as f64),
        timed_out_fraction: guest
            .workload
            .timeout
            .is_some()
            .then(|| of_arrived(&|m| m.timed_out as f64)),
        out_of_memory_fraction: guest
            .workload
            .memory
            .is_some()
            .then(|| of_arrived(&|m| m.out_of_memory as f64)),
        frames_per_s: guest.workload.discipline.frames().is_some().then(|| {
            let each = members.len() as f64;
            mean_of(
                shared
                    .each_replication()
                    .map(|r| sum(r, &|m| m.ended_in_window as f64) / seconds / each),
                confidence,
            )
        }),
        batch_size: guest.workload.discipline.batching().is_some().then(|| {
            let rows: Vec<_> = shared
                .each_replication()
                .map(|r| {
                    [
                        sum(r, &|m| m.completed as f64),
                        sum(r, &|m| m.batches as f64),
                    ]
                })
                .collect();
            ratio(&rows, confidence, Reason::NoJobsEnded)
        }),
        slowdown: slowdown_estimate(scenario, shared, baselines, group, &members, Against::Board),
        interference: slowdown_estimate(
            scenario,
            shared,
            baselines,
            group,
            &members,
            Against::Share,
        ),
        gpu_time_share: mean_of(
            shared.each_replication().map(|r| {
                sum(r, &|m| m.ran as f64) / members.len() as f64 / scenario.run.window as f64
            }),
            confidence,
        ),
        members: members
            .iter()
            .map(|&m| member(scenario, shared, baselines, group, m))
            .collect(),
        warmup_check: warmup_check(scenario, shared, group),
        completion_ns: guest
            .workload
            .jobs
            .map(|_| completion(guest, shared, &members, confidence)),
        tokens: super::tokens::tokens(scenario, shared, group),
    }
}

/// The GPU of a group, or the card whose GPUs it spans.
fn place(scenario: &Scenario, guest: &Guest) -> String {
    let gpu = &scenario.gpus[guest.gpu];
    match (guest.gpus().len(), gpu.card()) {
        (2.., Some(card)) => card.to_owned(),
        _ => gpu.name.clone(),
    }
}

/// The response of each class of a guest's jobs.
fn classes(
    guest: &Guest,
    shared: &Shared,
    group: usize,
    confidence: Confidence,
) -> Vec<ClassResult> {
    let each = guest.workload.classes.iter().enumerate();
    each.map(|(place, class)| {
        let replications = shared.each_replication();
        let histograms: Vec<&Histogram> = replications
            .map(|replication| &shared.group(replication, group).classes[place])
            .collect();
        let rows = histograms
            .iter()
            .map(|h| [h.sum() as f64, h.count() as f64]);
        let mean = ratio(&rows.collect::<Vec<_>>(), confidence, Reason::NoJobsEnded);
        ClassResult {
            name: class.name.clone(),
            part: class.part,
            response: latency(histograms, mean, confidence),
        }
    })
    .collect()
}

/// Time to the end of the last of a guest's jobs.
fn completion(
    guest: &Guest,
    shared: &Shared,
    members: &[usize],
    confidence: Confidence,
) -> Estimate {
    let each = |replication: usize| -> Option<f64> {
        let total = completed_all(guest, shared, members, replication)?;
        Some(total as f64 / members.len() as f64)
    };
    match shared
        .each_replication()
        .map(each)
        .collect::<Option<Vec<_>>>()
    {
        Some(times) => mean_of(times, confidence),
        None => nothing(Reason::JobsLeft),
    }
}

/// Time from the start of each member to the end of its last job, in sum; where the number of jobs is given
/// and all of them ended.
pub(super) fn completed_all(
    guest: &Guest,
    shared: &Shared,
    members: &[usize],
    replication: usize,
) -> Option<u128> {
    let jobs = guest.workload.jobs?;
    let each = members.iter().map(|&member| {
        let record = shared.member(replication, member);
        (record.ended == jobs).then(|| u128::from(record.last_end - guest.start))
    });
    each.sum()
}

fn member(
    scenario: &Scenario,
    shared: &Shared,
    baselines: &Baselines,
    group: usize,
    member: usize,
) -> Member {
    let confidence = Confidence::of_group(scenario, group);
    let guest = &scenario.guests[group];
    let records: Vec<&MemberRecord> = shared
        .each_replication()
        .map(|r| shared.member(r, member))
        .collect();
    let mut response = CoarseHistogram::new();
    records.iter().for_each(|r| response.merge(&r.response));
    let responses: Vec<_> = records
        .iter()
        .map(|r| [r.response.moments().sum() as f64, r.completed as f64])
        .collect();
    let against =
        |against| slowdown_estimate(scenario, shared, baselines, group, &[member], against);
    let window = scenario.run.window as f64;
    Member {
        name: guest.member_name(shared.instances[member].ordinal),
        gpu: (!guest.spread.is_empty()).then(|| {
            let gpu = guest.gpu_of(shared.instances[member].ordinal);
            scenario.gpus[gpu].name.clone()
        }),
        jobs: counts(shared, &[member], shared.each_replication()),
        throughput_per_s: mean_of(
            records
                .iter()
                .map(|r| r.ended_in_window as f64 / window_seconds(scenario)),
            confidence,
        ),
        mean_response_ns: ratio(&responses, confidence, Reason::NoJobsEnded),
        p95_response_ns: response.quantile(0.95).map(|q| q.value),
        largest_response_ns: response.moments().max(),
        slowdown: against(Against::Board),
        interference: against(Against::Share),
        gpu_time_share: mean_of(records.iter().map(|r| r.ran as f64 / window), confidence),
        longest_starvation_ns: records.iter().map(|r| r.longest_wait).max().unwrap_or(0),
    }
}

fn uses_engines(workload: &Workload) -> bool {
    let mut operations = workload.stages.iter().flat_map(|stage| &stage.operations);
    operations.any(|operation| matches!(operation.kind, OperationKind::Media { .. }))
}

fn holds(scenario: &Scenario, guest: &Guest) -> Holding {
    match &guest.holds {
        Holds::Context => Holding::Context { inside: None },
        Holds::Client { sms } => Holding::Client {
            sms: *sms,
            inside: None,
        },
        Holds::Process { machine, sms, .. } => {
            let machine = &scenario.guests[*machine];
            let inside = Some(machine.name.clone());
            match machine.within.as_ref().map(|within| &within.share) {
                Some(Share::Spatial(_)) => Holding::Client { sms: *sms, inside },
                _ => Holding::Context { inside },
            }
        }
        Holds::Vgpu {
            type_name, number, ..
        } => Holding::Vgpu {
            vgpu_type: type_name.clone(),
            number: *number,
        },
    }
}

/// Why latencies are lower bounds, if they are. An open guest is overloaded if jobs of the window
/// were still there when the drain bound was reached. In a steady run it is so as well if its backlog
/// grew over the last half of the window: it would go on growing. A terminating run has an end, so
/// that a backlog that is worked off is a busy time and no overload.
fn overload(
    scenario: &Scenario,
    shared: &Shared,
    group: usize,
    members: &[usize],
) -> Option<Overload> {
    if is_closed(scenario, group) {
        return None;
    }
    let unfinished = counts(shared, members, shared.each_replication()).unfinished;
    if unfinished > 0 {
        return Some(Overload::Unfinished { jobs: unfinished });
    }
    if scenario.run.horizon == Horizon::Terminating {
        return None;
    }
    let (mut growths, mut arrivals) = (Vec::new(), 0.0);
    for replication in shared.each_replication() {
        let mut growth = 0.0;
        for &member in members {
            let record = shared.member(replication, member);
            growth += record.backlog_end as f64 - record.backlog_middle as f64;
            arrivals += record.arrived as f64 / 2.0;
        }
        growths.push(growth);
    }
    let total: f64 = growths.iter().sum();
    if arrivals <= 0.0 {
        return None;
    }
    let beyond_chance = match t_interval(&growths, scenario.run.confidence) {
        Some(interval) => total / arrivals > GROWTH && interval.low() > 0.0,
        None => total / arrivals > GROWTH_UNREPLICATED,
    };
    // A handful of jobs more is no trend in a short run.
    (beyond_chance && total >= 10.0 * growths.len() as f64).then(|| Overload::Growing {
        jobs: total / growths.len() as f64,
    })
}

fn warmup_check(scenario: &Scenario, shared: &Shared, group: usize) -> WarmupCheck {
    let verdict = |suggested_ns, verdict| WarmupCheck {
        suggested_ns,
        verdict,
    };
    if scenario.run.horizon == Horizon::Terminating {
        return verdict(None, WarmupVerdict::Terminating);
    }
    let schedule = Schedule::new(&scenario.run);
    let mut bins = vec![(0u128, 0u64); SERIES_BINS];
    for replication in shared.each_replication() {
        let series = &shared.group(replication, group).series;
        for (bin, (sum, jobs)) in bins.iter_mut().zip(series) {
            bin.0 += sum;
            bin.1 += jobs;
        }
    }
    // Wider bins until none is empty.
    let mut width: Nanos = series_bin(&schedule);
    while bins.len() > 1 && bins.iter().any(|bin| bin.1 == 0) {
        bins = bins
            .chunks(2)
            .map(|pair| pair.iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)))
            .collect();
        width *= 2;
    }
    let series: Vec<f64> = bins
        .iter()
        .filter(|bin| bin.1 > 0)
        .map(|&(sum, jobs)| sum as f64 / jobs as f64)
        .collect();
    match mser5(&series) {
        Mser5::NotEnoughData => verdict(None, WarmupVerdict::NotEnoughData),
        Mser5::TooShort => verdict(None, WarmupVerdict::RunTooShort),
        Mser5::Truncate { observations, .. } => {
            let suggested = observations as Nanos * width;
            let adequate = suggested <= schedule.warmup;
            verdict(
                Some(suggested),
                if adequate {
                    WarmupVerdict::Adequate
                } else {
                    WarmupVerdict::TooShort
                },
            )
        }
    }
}

/// Progress (1 / slowdown) of each member on a GPU in one replication.
pub(super) fn progress(
    scenario: &Scenario,
    shared: &Shared,
    baselines: &Baselines,
    members: &[usize],
    replication: usize,
) -> Option<Vec<f64>> {
    members
        .iter()
        .map(|&member| {
            let sums = slowdown_sums(shared, baselines, &[member], replication, Against::Board)?;
            let closed = is_closed(scenario, shared.instances[member].group);
            slowdown(closed, sums).map(|slowdown| 1.0 / slowdown)
        })
        .collect()
}
