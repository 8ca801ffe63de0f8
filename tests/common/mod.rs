//! Scenarios put together in code, on a neutral device: every real effect is off, so that a test
//! states all that matters to it.
#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::Arc;
use warpshare::engine::time::{NEVER, Nanos};
use warpshare::gpu::{
    Accounts, Board, Charge, CopyEngines, Link, MediaEngines, Preemption, SwitchCost,
};
use warpshare::policy::{OnCompletion, OnIdle, Rotation, Ties, TimeSlice, Turns};
use warpshare::scenario::{Division, Gpu, Guest, Holds, Horizon, RunPlan, Scenario, Share};
use warpshare::sim::{
    Instance, JobEnd, Layout, Observer, Probe, Speed, Variant, build, instances, partition,
};
use warpshare::workload::dist::Dist;
use warpshare::workload::trace::Trace;
use warpshare::workload::{
    Arrivals, Discipline, FirstArrival, GpuWork, Needs, Operation, OperationKind, Replay, Size,
    Stage, Workload,
};

pub const SMS: u32 = 10;

pub fn free_switch() -> SwitchCost {
    SwitchCost {
        preemption: Preemption::Delay(0),
        save: 0,
        restore: 0,
        scheduler_call: 0,
        charge: Charge::PerTenantChange,
    }
}

/// A switch that costs `tau` in all.
pub fn switch(tau: Nanos, charge: Charge) -> SwitchCost {
    SwitchCost {
        restore: tau,
        charge,
        ..free_switch()
    }
}

pub fn board() -> Board {
    Board {
        id: "neutral".into(),
        name: "neutral device".into(),
        architecture: "none".into(),
        sms: SMS,
        frame_buffer_mib: 1 << 20,
        vfs: None,
        media_engines: MediaEngines::default(),
        copy_engines: CopyEngines {
            host_to_device: 1,
            device_to_host: 1,
        },
        link: Link {
            bytes_per_second: f64::INFINITY,
            latency: 0,
        },
        switch: free_switch(),
    }
}

pub fn time_slice(scheduler: &str, slice: Nanos) -> TimeSlice {
    TimeSlice {
        scheduler: scheduler.into(),
        slice,
        arr_factor: None,
        reserved_turns: None,
        extra: 0,
        turns: Turns::PerTenant,
        rotation: Rotation::Queue,
        on_completion: OnCompletion::Keep,
        on_idle: OnIdle::Hold,
        ties: Ties::PreemptedFirst,
        parameters: Vec::new(),
    }
}

pub fn gpu(share: TimeSlice) -> Gpu {
    Gpu {
        name: "a".into(),
        board: board(),
        clock: None,
        division: Division::Whole(Share::TimeSlice(share)),
        encoders: None,
    }
}

/// GPU work that fills the device.
pub fn work(time: Dist) -> GpuWork {
    GpuWork {
        time: Size::Drawn(time),
        sms: None,
        memory_bound: 0.0,
        reach: None,
        grid: None,
        arithmetic: None,
        speed: 1.0,
        kernel: None,
    }
}

pub fn constant(value: f64) -> Dist {
    Dist::constant(value).expect("a constant")
}

pub fn stage(name: &str, kinds: Vec<OperationKind>) -> Stage {
    Stage {
        every: 1,
        repeat: 1,
        name: name.into(),
        operations: kinds
            .into_iter()
            .enumerate()
            .map(|(index, kind)| Operation {
                name: format!("op{index}"),
                kind,
            })
            .collect(),
    }
}

pub fn workload(arrivals: Arrivals, stages: Vec<Stage>) -> Workload {
    Workload {
        name: "w".into(),
        needs: Needs::default(),
        arrivals,
        jobs: None,
        batch: None,
        timeout: None,
        classes: Vec::new(),
        discipline: Discipline::Streams,
        memory: None,
        stages,
    }
}

/// One stage of GPU work.
pub fn gpu_workload(arrivals: Arrivals, time: Dist) -> Workload {
    workload(
        arrivals,
        vec![stage("s", vec![OperationKind::Gpu(work(time))])],
    )
}

/// Always busy: one user without think time.
pub fn closed(users: u32, think: Dist) -> Arrivals {
    Arrivals::Closed { users, think }
}

pub fn open(gap: Dist) -> Arrivals {
    Arrivals::Open {
        gap,
        first: FirstArrival::AfterGap,
    }
}

/// Requests (arrival, size).
pub fn requests(rows: &[(Nanos, Nanos)]) -> Workload {
    let trace = Trace {
        arrivals: rows.iter().map(|row| row.0).collect(),
        columns: vec!["size".into()],
        values: rows.iter().map(|row| row.1 as f64).collect(),
        ..Trace::default()
    };
    let last = trace.arrivals.last().copied().unwrap_or(0);
    let time = Size::Sum {
        base: 0.0,
        per_item: 0.0,
        terms: vec![(0, 1.0)],
    };
    let operation = OperationKind::Gpu(GpuWork {
        time,
        ..work(constant(1.0))
    });
    workload(
        Arrivals::Trace {
            trace: Arc::new(trace),
            replay: Replay::once(last + 1),
        },
        vec![stage("s", vec![operation])],
    )
}

pub fn guest(name: &str, workload: Workload) -> Guest {
    Guest {
        name: name.into(),
        count: 1,
        gpu: 0,
        spread: Vec::new(),
        domain: 0,
        holds: Holds::Context,
        within: None,
        start: 0,
        order: 0,
        streams: 1,
        queue: None,
        deadline: None,
        terms: warpshare::policy::Terms::default(),
        memory: None,
        workload,
    }
}

pub fn scenario(gpus: Vec<Gpu>, mut guests: Vec<Guest>, window: Nanos) -> Scenario {
    guests.sort_by(|a, b| a.name.cmp(&b.name));
    Scenario {
        name: "test".into(),
        title: None,
        hash: String::new(),
        run: RunPlan {
            horizon: Horizon::Terminating,
            warmup: 0,
            window,
            drain: window,
            replications: 1,
            seed: 1,
            confidence: 0.95,
            baselines: false,
            timeline_bins: 10,
        },
        gpus,
        host_cores: None,
        guests,
        objectives: Vec::new(),
        resolved: Vec::new(),
        notices: Vec::new(),
    }
}

/// (time, accounts by domain, running time by entry of domain 0, busy by station)
pub type Edge = (Nanos, Vec<Accounts>, Vec<Nanos>, Vec<u128>);

/// Keeps everything: for small runs.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Log {
    pub layout: Layout,
    /// (local guest, job)
    pub jobs: Vec<(usize, JobEnd)>,
    pub arrived: Vec<u64>,
    pub dropped: Vec<u64>,
    /// Jobs without memory or whose patience ended, jobs that commands ended, and jobs in flight at the end.
    pub left: Vec<u64>,
    pub lost: Vec<u64>,
    pub in_flight: Vec<u64>,
    pub edges: Vec<Edge>,
    pub longest_waits: Vec<Nanos>,
    pub backlog: Vec<u64>,
}

impl Observer for Log {
    fn arrived(&mut self, guest: usize, _now: Nanos) {
        self.arrived[guest] += 1;
    }
    fn dropped(&mut self, guest: usize, _arrival: Nanos) {
        self.dropped[guest] += 1;
    }
    fn out_of_memory(&mut self, guest: usize, _arrival: Nanos) {
        self.left[guest] += 1;
    }
    fn timed_out(&mut self, guest: usize, _arrival: Nanos, _now: Nanos) {
        self.left[guest] += 1;
    }
    fn lost(&mut self, guest: usize, _arrival: Nanos, _now: Nanos) {
        self.lost[guest] += 1;
    }
    fn closed(&mut self, in_flight: &[u64]) {
        self.in_flight = in_flight.to_vec();
    }
    fn ended(&mut self, guest: usize, job: &JobEnd) {
        self.jobs.push((guest, *job));
    }
    fn edge(&mut self, _edge: usize, probe: &Probe<'_>) {
        // Nobody runs while another holds the SMs: invariant I2.
        for domain in probe.domains {
            let entries = domain.entries().iter();
            let ran: Nanos = entries
                .map(|entry| entry.gpu_time() + entry.changing())
                .sum();
            assert_eq!(ran, domain.accounts().let_run);
        }
        let domain = &probe.domains[0];
        self.edges.push((
            probe.now,
            probe.domains.iter().map(|d| d.accounts()).collect(),
            domain
                .entries()
                .iter()
                .map(|entry| entry.gpu_time())
                .collect(),
            probe.stations.iter().map(|s| s.busy()).collect(),
        ));
        self.longest_waits = (0..domain.entries().len())
            .map(|entry| domain.longest_wait(entry as u32, 0))
            .collect();
        self.backlog = probe.backlog.to_vec();
    }
}

impl Log {
    pub fn new(layout: &Layout) -> Log {
        let none = || vec![0; layout.guests.len()];
        Log {
            layout: layout.clone(),
            arrived: none(),
            dropped: none(),
            left: none(),
            lost: none(),
            ..Log::default()
        }
    }

    /// Completion times of a guest's jobs by job index.
    pub fn ends(&self, scenario: &Scenario, name: &str) -> Vec<Nanos> {
        let group = scenario
            .guests
            .iter()
            .position(|guest| guest.name == name)
            .expect("the guest");
        let local = self
            .layout
            .guests
            .iter()
            .position(|&guest| guest == Instance { group, ordinal: 0 })
            .expect("the guest's place");
        let mut ends: Vec<_> = self
            .jobs
            .iter()
            .filter(|(guest, _)| *guest == local)
            .map(|(_, job)| (job.index, job.ended))
            .collect();
        ends.sort_unstable();
        ends.into_iter().map(|(_, end)| end).collect()
    }

    pub fn last_accounts(&self) -> Accounts {
        self.edges.last().expect("an edge").1[0]
    }
}

pub fn simulate_variant(
    scenario: &Scenario,
    replication: u32,
    variant: Variant,
    speed: Speed,
) -> Vec<Log> {
    partition(scenario)
        .iter()
        .map(|gpus| {
            build(scenario, gpus, replication, variant, speed, Log::new)
                .expect("a scenario that can be built")
                .run()
        })
        .collect()
}

/// Runs a scenario of one cell at every speed, checks that they agree, and returns what happened.
pub fn simulate(scenario: &Scenario) -> Log {
    let plain = simulate_variant(scenario, 0, Variant::Shared, Speed::Plain);
    for speed in [Speed::RunAhead, Speed::RoundJump] {
        let faster = simulate_variant(scenario, 0, Variant::Shared, speed);
        assert_eq!(plain, faster, "the plain path and {speed:?} differ");
    }
    plain.into_iter().next().expect("one cell")
}

/// The jobs of all cells with their guests; every speed gives the same.
pub fn jobs(scenario: &Scenario) -> Vec<(Instance, JobEnd)> {
    let plain = simulate_variant(scenario, 0, Variant::Shared, Speed::Plain);
    for speed in [Speed::RunAhead, Speed::RoundJump] {
        let faster = simulate_variant(scenario, 0, Variant::Shared, speed);
        assert_eq!(plain, faster, "the plain path and {speed:?} differ");
    }
    let cells = plain.iter();
    let jobs = cells.flat_map(|log| {
        let of = |(who, job): &(usize, JobEnd)| (log.layout.guests[*who], *job);
        log.jobs.iter().map(of)
    });
    jobs.collect()
}

pub fn member_count(scenario: &Scenario) -> usize {
    instances(scenario).len()
}

pub const FOREVER: Nanos = NEVER;
