//! Results of GPUs and host cores.

use super::guests::progress;
use super::{Baselines, Shared, window_seconds};
use crate::experiment::estimate::{Confidence, mean, mean_of};
use crate::experiment::recorder::GpuEdge;
use crate::gpu::{Accounts, CopyEngines};
use crate::policy::{registry, spatial};
use crate::result::{
    EngineResult, Estimate, Fairness, GpuResult, InstanceResult, PlacedInstance, Reason,
    ReplicationEngine, ReplicationInstance, Sharing, Split, TimeSlice, Timeline,
};
use crate::scenario::{Division, Domain, Gpu, Scenario, Share};
use crate::sim::Schedule;
use crate::stats::fairness::{antt, jain_index, max_min_ratio, stp};
use crate::workload::MediaEngine;

/// What was read at a sampling edge; edges are in the order of time.
fn edge_at(edges: &[GpuEdge], time: u64) -> Option<&GpuEdge> {
    let place = edges.binary_search_by_key(&time, |edge| edge.time);
    edges.get(place.ok()?)
}

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
        edge_at(edges, time)
            .map(|edge| edge.accounts)
            .unwrap_or_default()
    };
    at(schedule.end).since(&at(schedule.warmup))
}

/// Accounts of the window of a compute domain of a divided GPU.
fn domain_window(
    scenario: &Scenario,
    shared: &Shared,
    replication: usize,
    gpu: usize,
    domain: usize,
) -> Accounts {
    let schedule = Schedule::new(&scenario.run);
    let at = |time| {
        edge_at(shared.edges(replication, gpu), time)
            .and_then(|edge| edge.domains.get(domain).copied())
            .unwrap_or_default()
    };
    at(schedule.end).since(&at(schedule.warmup))
}

pub(super) fn gpu(
    scenario: &Scenario,
    shared: &Shared,
    baselines: &Baselines,
    gpu: usize,
) -> GpuResult {
    let configured = &scenario.gpus[gpu];
    let confidence = Confidence::of_gpu(scenario, gpu);
    let seconds = window_seconds(scenario);
    let windows: Vec<Accounts> = shared
        .each_replication()
        .map(|r| window(scenario, shared, r, gpu))
        .collect();
    let divided = matches!(configured.division, Division::Mig(_));
    let instances = if divided {
        instances(scenario, shared, gpu)
    } else {
        Vec::new()
    };
    let gpu_time = |replication: usize, window: &Accounts| {
        let wall = scenario.run.window as f64;
        if !divided {
            return window.gpu_time as f64 / wall;
        }
        let weighted = configured
            .domains()
            .into_iter()
            .enumerate()
            .map(|(index, domain)| {
                let own = domain_window(scenario, shared, replication, gpu, index);
                own.gpu_time as f64 * f64::from(domain.sms)
            });
        weighted.sum::<f64>() / (wall * f64::from(configured.board.sms))
    };
    GpuResult {
        name: configured.name.clone(),
        board: configured.board.id.clone(),
        board_name: configured.board.name.clone(),
        sms: configured.board.sms,
        sharing: match &configured.division {
            Division::Whole(share) => sharing(share),
            Division::Mig(_) => layout(configured),
        },
        split: split(&windows, confidence),
        gpu_time: mean_of(
            windows
                .iter()
                .enumerate()
                .map(|(replication, window)| gpu_time(replication, window)),
            confidence,
        ),
        turns_per_s: rate(&windows, |w| w.turns, seconds, confidence),
        switches_per_s: rate(&windows, |w| w.switches, seconds, confidence),
        timeline: timeline(scenario, shared, gpu),
        engines: engines(scenario, shared, gpu),
        fairness: fairness(scenario, shared, baselines, gpu),
        instances,
    }
}

/// Fractions of SM time over replications.
fn split(windows: &[Accounts], confidence: Confidence) -> Split {
    let fraction = |part: fn(&Accounts) -> u128| {
        mean_of(
            windows
                .iter()
                .map(|window| part(window) as f64 / window.total().max(1) as f64),
            confidence,
        )
    };
    Split {
        useful: fraction(|w| w.useful),
        switching: fraction(|w| w.switching),
        reserved_idle: fraction(|w| w.reserved_idle),
        idle: fraction(|w| w.idle),
    }
}

fn rate(
    windows: &[Accounts],
    count: fn(&Accounts) -> u64,
    seconds: f64,
    confidence: Confidence,
) -> Estimate {
    let rates = windows.iter().map(|w| count(w) as f64 / seconds);
    mean_of(rates, confidence)
}

/// Results of the compute domains of a divided GPU.
fn instances(scenario: &Scenario, shared: &Shared, gpu: usize) -> Vec<InstanceResult> {
    let confidence = Confidence::of_gpu(scenario, gpu);
    let seconds = window_seconds(scenario);
    let domains = scenario.gpus[gpu].domains();
    let result = |(index, domain): (usize, Domain<'_>)| {
        let instance = domain.instance?;
        let windows: Vec<Accounts> = shared
            .each_replication()
            .map(|replication| domain_window(scenario, shared, replication, gpu, index))
            .collect();
        let wall = scenario.run.window as f64;
        Some(InstanceResult {
            name: domain.path(),
            profile: instance.profile.clone(),
            start: instance.start,
            sms: domain.sms,
            sharing: sharing(domain.share),
            split: split(&windows, confidence),
            gpu_time: mean_of(windows.iter().map(|w| w.gpu_time as f64 / wall), confidence),
            turns_per_s: rate(&windows, |w| w.turns, seconds, confidence),
            switches_per_s: rate(&windows, |w| w.switches, seconds, confidence),
        })
    };
    domains.into_iter().enumerate().filter_map(result).collect()
}

/// The instances of a divided GPU.
fn layout(gpu: &Gpu) -> Sharing {
    let Division::Mig(instances) = &gpu.division else {
        return Sharing::Exclusive;
    };
    let mut placed: Vec<PlacedInstance> = instances
        .iter()
        .map(|instance| PlacedInstance {
            profile: instance.profile.clone(),
            start: instance.start,
        })
        .collect();
    placed.sort_unstable_by(|a, b| (a.start, &a.profile).cmp(&(b.start, &b.profile)));
    Sharing::Mig { instances: placed }
}

/// How the SMs of a domain are shared.
fn sharing(share: &Share) -> Sharing {
    let config = match share {
        Share::Exclusive => return Sharing::Exclusive,
        Share::Spatial(beside) => {
            let policy = beside.policy;
            let own = policy != spatial::MPS_DEFAULT;
            return Sharing::Spatial {
                policy: own.then(|| policy.name.to_owned()),
            };
        }
        Share::TimeSlice(config) => config,
    };
    let extra = config.extra as f64 / config.slice.max(1) as f64;
    Sharing::TimeSlice(TimeSlice {
        scheduler: config.scheduler.clone(),
        reserves: registry::find(&config.scheduler).is_some_and(|scheduler| scheduler.reserves),
        arr_factor: config.arr_factor,
        slice_ns: (config.slice < crate::engine::time::LONGEST).then_some(config.slice),
        elastic_cap: (config.extra > 0).then_some(extra),
    })
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
            .filter(|edge| borders.binary_search(&edge.time).is_ok());
        let mut before = edges.next().map(|edge| edge.accounts).unwrap_or_default();
        for (bin, edge) in bins.iter_mut().zip(edges) {
            let part = edge.accounts.since(&before);
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

/// Name and number of servers of each station of a GPU, in the order of the recorder's.
fn stations(gpu: &Gpu) -> Vec<(&'static str, u32)> {
    let copies = copy_engines(gpu);
    let media = gpu.media_engines();
    let copies = [
        ("copy host to device", copies.host_to_device),
        ("copy device to host", copies.device_to_host),
    ];
    let media = MediaEngine::ALL
        .into_iter()
        .map(|engine| (engine.name(), media.count(engine)))
        .filter(|&(_, servers)| servers > 0);
    copies.into_iter().chain(media).collect()
}

fn engines(scenario: &Scenario, shared: &Shared, gpu: usize) -> Vec<EngineResult> {
    let stations = stations(&scenario.gpus[gpu]).into_iter().enumerate();
    stations
        .map(|(index, (name, servers))| {
            let busy = |replication| busy_engine(shared, replication, gpu, index);
            let confidence = Confidence::of_gpu(scenario, gpu);
            station(scenario, (name, servers), shared, confidence, &busy)
        })
        .collect()
}

/// Busy server·ns of a station at sampling edges.
fn busy_engine(shared: &Shared, replication: usize, gpu: usize, index: usize) -> Vec<(u64, u128)> {
    let edges = shared.edges(replication, gpu).iter();
    edges.map(|edge| (edge.time, edge.engines[index])).collect()
}

pub(super) fn engines_once(
    scenario: &Scenario,
    shared: &Shared,
    replication: usize,
    gpu: usize,
) -> Vec<ReplicationEngine> {
    let stations = stations(&scenario.gpus[gpu]).into_iter().enumerate();
    stations
        .map(|(index, (name, servers))| ReplicationEngine {
            name: name.to_owned(),
            servers,
            busy_ns: busy_in_window(scenario, &busy_engine(shared, replication, gpu, index)),
        })
        .collect()
}

pub(super) fn host_once(
    scenario: &Scenario,
    shared: &Shared,
    replication: usize,
) -> Option<ReplicationEngine> {
    Some(ReplicationEngine {
        name: HOST_CORES.to_owned(),
        servers: scenario.host_cores?,
        busy_ns: busy_in_window(scenario, &busy_host(scenario, shared, replication)),
    })
}

pub(super) fn instances_once(
    scenario: &Scenario,
    shared: &Shared,
    replication: usize,
    gpu: usize,
) -> Vec<ReplicationInstance> {
    let domains = scenario.gpus[gpu].domains().into_iter().enumerate();
    domains
        .filter(|(_, domain)| domain.instance.is_some())
        .map(|(index, domain)| {
            let own = domain_window(scenario, shared, replication, gpu, index);
            ReplicationInstance {
                name: domain.path(),
                sms: domain.sms,
                useful_sm_ns: own.useful,
                switching_sm_ns: own.switching,
                reserved_idle_sm_ns: own.reserved_idle,
                idle_sm_ns: own.idle,
                gpu_time_ns: own.gpu_time,
                turns: own.turns,
                switches: own.switches,
            }
        })
        .collect()
}

/// Copy engines of the whole GPU, or of all its instances together.
fn copy_engines(gpu: &Gpu) -> CopyEngines {
    let Division::Mig(instances) = &gpu.division else {
        return gpu.board.copy_engines;
    };
    let sum = |count: fn(&CopyEngines) -> u32| {
        instances
            .iter()
            .map(|instance| count(&instance.copy_engines))
            .sum()
    };
    CopyEngines {
        host_to_device: sum(|engines| engines.host_to_device),
        device_to_host: sum(|engines| engines.device_to_host),
    }
}

const HOST_CORES: &str = "host cores";

pub(super) fn host(scenario: &Scenario, shared: &Shared) -> Option<EngineResult> {
    let cores = scenario.host_cores?;
    let busy = |replication| busy_host(scenario, shared, replication);
    let confidence = Confidence::of_all(scenario);
    let station = station(scenario, (HOST_CORES, cores), shared, confidence, &busy);
    Some(station)
}

fn busy_host(scenario: &Scenario, shared: &Shared, replication: usize) -> Vec<(u64, u128)> {
    let times = Schedule::new(&scenario.run).edges;
    let host = &shared.record(replication, 0).host;
    times.into_iter().zip(host.iter().copied()).collect()
}

/// Busy server·ns at a sampling edge.
fn busy_at(busy: &[(u64, u128)], time: u64) -> u128 {
    let place = busy.binary_search_by_key(&time, |(edge, _)| *edge);
    place.map_or(0, |place| busy[place].1)
}

fn busy_in_window(scenario: &Scenario, busy: &[(u64, u128)]) -> u128 {
    let schedule = Schedule::new(&scenario.run);
    busy_at(busy, schedule.end) - busy_at(busy, schedule.warmup)
}

/// Utilisation of a station from its busy server·ns at sampling edges.
fn station(
    scenario: &Scenario,
    (name, servers): (&str, u32),
    shared: &Shared,
    confidence: Confidence,
    busy: &dyn Fn(usize) -> Vec<(u64, u128)>,
) -> EngineResult {
    let schedule = Schedule::new(&scenario.run);
    let borders = borders(&schedule);
    let mut bins = vec![0u128; borders.len().saturating_sub(1)];
    let mut utilisations = Vec::new();
    let capacity = |wall: u64| f64::from(servers.max(1)) * wall as f64;
    for replication in shared.each_replication() {
        let busy = busy(replication);
        let in_window = busy_in_window(scenario, &busy);
        utilisations.push(in_window as f64 / capacity(scenario.run.window));
        for (bin, pair) in bins.iter_mut().zip(borders.windows(2)) {
            *bin += busy_at(&busy, pair[1]) - busy_at(&busy, pair[0]);
        }
    }
    let replications = shared.replications as f64;
    EngineResult {
        name: name.to_owned(),
        servers,
        utilisation: mean_of(utilisations, confidence),
        timeline: bins
            .iter()
            .zip(borders.windows(2))
            .map(|(&busy, pair)| busy as f64 / (capacity(pair[1] - pair[0]) * replications))
            .collect(),
    }
}

/// Fairness over the guests of a GPU in one replication.
pub(super) struct FairnessOnce {
    pub jain_gpu_time: Option<f64>,
    pub jain_progress: Option<f64>,
    pub max_min_ratio: Option<f64>,
    pub antt: Option<f64>,
    pub stp: Option<f64>,
    pub longest_starvation_ns: u64,
}

pub(super) fn fairness_once(
    scenario: &Scenario,
    shared: &Shared,
    baselines: &Baselines,
    (replication, gpu): (usize, usize),
) -> FairnessOnce {
    let members = shared.members_on(gpu);
    let record = |&member: &usize| shared.member(replication, member);
    let gpu_times: Vec<f64> = members.iter().map(|m| record(m).ran as f64).collect();
    let known = progress(scenario, shared, baselines, members, replication);
    let of = |figure: &dyn Fn(&[f64]) -> Option<f64>, least: usize| {
        let progress = known.as_ref()?;
        (progress.len() >= least).then(|| figure(progress))?
    };
    let slowdowns = |progress: &[f64]| -> Vec<f64> { progress.iter().map(|p| 1.0 / p).collect() };
    FairnessOnce {
        jain_gpu_time: (members.len() > 1)
            .then(|| jain_index(&gpu_times))
            .flatten(),
        jain_progress: of(&|p| jain_index(p), 2),
        max_min_ratio: of(&|p| max_min_ratio(p), 2),
        antt: of(&|p| antt(&slowdowns(p)), 1),
        stp: of(&|p| stp(&slowdowns(p)), 1),
        longest_starvation_ns: members
            .iter()
            .map(|m| record(m).longest_wait)
            .max()
            .unwrap_or(0),
    }
}

fn fairness(scenario: &Scenario, shared: &Shared, baselines: &Baselines, gpu: usize) -> Fairness {
    let confidence = Confidence::of_gpu(scenario, gpu);
    let members = shared.members_on(gpu).len();
    let each: Vec<FairnessOnce> = shared
        .each_replication()
        .map(|replication| fairness_once(scenario, shared, baselines, (replication, gpu)))
        .collect();
    let of = |figure: fn(&FairnessOnce) -> Option<f64>, least: usize| {
        let values: Vec<_> = each.iter().map(figure).collect();
        let empty = if members < least {
            Reason::OneGuest
        } else {
            Reason::NoProgress
        };
        mean(&values, confidence, empty)
    };
    Fairness {
        jain_gpu_time: of(|once| once.jain_gpu_time, 2),
        jain_progress: of(|once| once.jain_progress, 2),
        max_min_ratio: of(|once| once.max_min_ratio, 2),
        antt: of(|once| once.antt, 1),
        stp: of(|once| once.stp, 1),
        longest_starvation_ns: each
            .iter()
            .map(|once| once.longest_starvation_ns)
            .max()
            .unwrap_or(0),
    }
}
