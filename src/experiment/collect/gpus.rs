//! Results of GPUs and host cores.

use super::guests::progress;
use super::{Baselines, Shared, window_seconds};
use crate::experiment::estimate::{mean, mean_of};
use crate::gpu::Accounts;
use crate::policy::registry;
use crate::result::{EngineResult, Fairness, GpuResult, Split, Timeline};
use crate::scenario::{Scenario, Share};
use crate::sim::Schedule;
use crate::stats::fairness::{antt, jain_index, max_min_ratio, stp};

/// Accounts of the window.
pub(super) fn window(
    scenario: &Scenario,
    shared: &Shared,
    replication: usize,
    gpu: usize,
) -> Accounts {
    let schedule = Schedule::new(&scenario.run);
    let edges = shared.edges(replication, gpu);
    let at = |time| {
        edges
            .iter()
            .find(|edge| edge.time == time)
            .map(|edge| edge.accounts)
            .unwrap_or_default()
    };
    difference(&at(schedule.end), &at(schedule.warmup))
}

fn difference(later: &Accounts, earlier: &Accounts) -> Accounts {
    Accounts {
        useful: later.useful - earlier.useful,
        switching: later.switching - earlier.switching,
        reserved_idle: later.reserved_idle - earlier.reserved_idle,
        idle: later.idle - earlier.idle,
        gpu_time: later.gpu_time - earlier.gpu_time,
        turns: later.turns - earlier.turns,
        switches: later.switches - earlier.switches,
    }
}

pub(super) fn gpu(
    scenario: &Scenario,
    shared: &Shared,
    baselines: &Baselines,
    gpu: usize,
) -> GpuResult {
    let configured = &scenario.gpus[gpu];
    let confidence = scenario.run.confidence;
    let windows: Vec<Accounts> = shared
        .each_replication()
        .map(|r| window(scenario, shared, r, gpu))
        .collect();
    let fraction = |part: fn(&Accounts) -> u128| {
        mean_of(
            windows
                .iter()
                .map(|window| part(window) as f64 / window.total().max(1) as f64),
            confidence,
        )
    };
    let seconds = window_seconds(scenario);
    let rate = |count: fn(&Accounts) -> u64| {
        mean_of(
            windows.iter().map(|w| count(w) as f64 / seconds),
            confidence,
        )
    };
    GpuResult {
        name: configured.name.clone(),
        board: configured.board.id.clone(),
        board_name: configured.board.name.clone(),
        sms: configured.board.sms,
        sharing: sharing(&configured.share),
        split: Split {
            useful: fraction(|w| w.useful),
            switching: fraction(|w| w.switching),
            reserved_idle: fraction(|w| w.reserved_idle),
            idle: fraction(|w| w.idle),
        },
        gpu_time: mean_of(
            windows
                .iter()
                .map(|w| w.gpu_time as f64 / scenario.run.window as f64),
            confidence,
        ),
        turns_per_s: rate(|w| w.turns),
        switches_per_s: rate(|w| w.switches),
        timeline: timeline(scenario, shared, gpu),
        engines: engines(scenario, shared, gpu),
        fairness: fairness(scenario, shared, baselines, gpu),
    }
}

/// How the GPU is shared, in a line.
fn sharing(share: &Share) -> String {
    let Share::TimeSlice(config) = share else {
        return "exclusive".to_owned();
    };
    let reserves = registry::find(&config.scheduler).is_some_and(|scheduler| scheduler.reserves);
    let mut text = format!("time-slice: {}", config.scheduler);
    if reserves {
        match config.arr_factor {
            Some(factor) => text.push_str(&format!(", ARR factor {factor}")),
            None => text.push_str(", without ARR"),
        }
    }
    if config.slice < crate::engine::time::LONGEST {
        text.push_str(&format!(", slice {} ms", config.slice as f64 / 1e6));
    }
    text
}

/// Borders of the timeline's bins: multiples of the bin width, and the end of the window.
fn borders(schedule: &Schedule) -> Vec<u64> {
    schedule
        .edges
        .iter()
        .copied()
        .filter(|time| time % schedule.bin == 0 || *time == schedule.end)
        .collect()
}

fn timeline(scenario: &Scenario, shared: &Shared, gpu: usize) -> Timeline {
    let schedule = Schedule::new(&scenario.run);
    let borders = borders(&schedule);
    // Sums over replications of what each bin received.
    let mut bins = vec![Accounts::default(); borders.len().saturating_sub(1)];
    for replication in shared.each_replication() {
        let mut edges = shared
            .edges(replication, gpu)
            .iter()
            .filter(|edge| borders.contains(&edge.time));
        let mut before = edges.next().map(|edge| edge.accounts).unwrap_or_default();
        for (bin, edge) in bins.iter_mut().zip(edges) {
            let part = difference(&edge.accounts, &before);
            bin.useful += part.useful;
            bin.switching += part.switching;
            bin.reserved_idle += part.reserved_idle;
            bin.idle += part.idle;
            before = edge.accounts;
        }
    }
    let fractions = |part: fn(&Accounts) -> u128| {
        bins.iter()
            .map(|bin| part(bin) as f64 / bin.total().max(1) as f64)
            .collect()
    };
    Timeline {
        bin_ns: schedule.bin,
        useful: fractions(|bin| bin.useful),
        switching: fractions(|bin| bin.switching),
        reserved_idle: fractions(|bin| bin.reserved_idle),
        idle: fractions(|bin| bin.idle),
    }
}

fn engines(scenario: &Scenario, shared: &Shared, gpu: usize) -> Vec<EngineResult> {
    let engines = scenario.gpus[gpu].board.copy_engines;
    [
        ("copy host to device", engines.host_to_device),
        ("copy device to host", engines.device_to_host),
    ]
    .into_iter()
    .enumerate()
    .map(|(index, (name, servers))| {
        let busy = |replication: usize| -> Vec<(u64, u128)> {
            shared
                .edges(replication, gpu)
                .iter()
                .map(|edge| (edge.time, edge.copies[index]))
                .collect()
        };
        station(scenario, name, servers, shared, &busy)
    })
    .collect()
}

pub(super) fn host(scenario: &Scenario, shared: &Shared) -> Option<EngineResult> {
    let cores = scenario.host_cores?;
    let times = Schedule::new(&scenario.run).edges;
    let busy = |replication: usize| -> Vec<(u64, u128)> {
        let host = &shared.recorder(replication, 0).host;
        times.iter().copied().zip(host.iter().copied()).collect()
    };
    Some(station(scenario, "host cores", cores, shared, &busy))
}

/// Utilisation of a station from its busy server·ns at sampling edges.
fn station(
    scenario: &Scenario,
    name: &str,
    servers: u32,
    shared: &Shared,
    busy: &dyn Fn(usize) -> Vec<(u64, u128)>,
) -> EngineResult {
    let schedule = Schedule::new(&scenario.run);
    let borders = borders(&schedule);
    let mut bins = vec![0u128; borders.len().saturating_sub(1)];
    let mut utilisations = Vec::new();
    let capacity = |wall: u64| f64::from(servers.max(1)) * wall as f64;
    for replication in shared.each_replication() {
        let busy = busy(replication);
        let at = |time| {
            busy.iter()
                .find(|(edge, _)| *edge == time)
                .map_or(0, |(_, busy)| *busy)
        };
        let in_window = at(schedule.end) - at(schedule.warmup);
        utilisations.push(in_window as f64 / capacity(scenario.run.window));
        for (bin, pair) in bins.iter_mut().zip(borders.windows(2)) {
            *bin += at(pair[1]) - at(pair[0]);
        }
    }
    let replications = shared.replications as f64;
    EngineResult {
        name: name.to_owned(),
        servers,
        utilisation: mean_of(utilisations, scenario.run.confidence),
        timeline: bins
            .iter()
            .zip(borders.windows(2))
            .map(|(&busy, pair)| busy as f64 / (capacity(pair[1] - pair[0]) * replications))
            .collect(),
    }
}

fn fairness(scenario: &Scenario, shared: &Shared, baselines: &Baselines, gpu: usize) -> Fairness {
    let confidence = scenario.run.confidence;
    let members: Vec<usize> = (0..shared.instances.len())
        .filter(|&member| scenario.guests[shared.instances[member].group].gpu == gpu)
        .collect();
    let several = members.len() > 1;
    let gpu_times = |replication: usize| -> Vec<f64> {
        members
            .iter()
            .map(|&member| shared.member(replication, member).ran as f64)
            .collect()
    };
    let jain_gpu_time: Vec<_> = shared
        .each_replication()
        .map(|r| several.then(|| jain_index(&gpu_times(r))).flatten())
        .collect();
    let of_progress = |figure: &dyn Fn(&[f64]) -> Option<f64>, least: usize| {
        let values: Vec<_> = shared
            .each_replication()
            .map(|r| {
                let progress = progress(scenario, shared, baselines, &members, r)?;
                (progress.len() >= least).then(|| figure(&progress))?
            })
            .collect();
        let empty = if members.len() < least {
            "fewer than two guests"
        } else {
            "baselines were not run, or a guest completed nothing"
        };
        mean(&values, confidence, empty)
    };
    let slowdowns = |progress: &[f64]| -> Vec<f64> { progress.iter().map(|p| 1.0 / p).collect() };
    Fairness {
        jain_gpu_time: mean(&jain_gpu_time, confidence, "fewer than two guests"),
        jain_progress: of_progress(&|p| jain_index(p), 2),
        max_min_ratio: of_progress(&|p| max_min_ratio(p), 2),
        antt: of_progress(&|p| antt(&slowdowns(p)), 1),
        stp: of_progress(&|p| stp(&slowdowns(p)), 1),
        longest_starvation_ns: shared
            .each_replication()
            .flat_map(|r| {
                members
                    .iter()
                    .map(move |&m| shared.member(r, m).longest_wait)
            })
            .max()
            .unwrap_or(0),
    }
}
