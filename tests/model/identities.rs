//! Exact identities and relations between runs, on randomised scenarios in integer time: no expected
//! numbers, no tolerance.

use crate::common::*;
use std::collections::BTreeMap;
use warpshare::engine::random::{Draws, Stream};
use warpshare::engine::time::Nanos;
use warpshare::gpu::{Charge, Link, Preemption, sm_work};
use warpshare::policy::{OnCompletion, OnIdle, Rotation, Ties, TimeSlice, Turns};
use warpshare::scenario::{Gpu, Guest, Horizon, Scenario};
use warpshare::sim::{JobEnd, Observer, Probe, Speed, Variant, build, partition};
use warpshare::workload::dist::Dist;
use warpshare::workload::{Direction, OperationKind, Size, Workload};

const US: Nanos = 1_000;
const WINDOW: Nanos = 20_000_000;
const ROUNDS: u64 = 60;

/// Random choices of a test, repeatable by its number.
struct Choice(Draws);

impl Choice {
    fn new(purpose: &str, round: u64) -> Self {
        Choice(Stream::new(7, 0, "identities", 0, purpose).at(round))
    }
    fn below(&mut self, limit: u64) -> u64 {
        self.0.word() % limit
    }
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }
    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
    fn yes(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// Arrivals and sizes of one tenant, both in nanoseconds.
type Rows = Vec<(Nanos, Nanos)>;

fn rows(choice: &mut Choice, count: u64, gap: Nanos, largest: Nanos) -> Rows {
    let mut now = 0;
    (0..count)
        .map(|_| {
            now += choice.below(2 * gap);
            (now, choice.between(1, largest))
        })
        .collect()
}

fn tenants(choice: &mut Choice, count: u64) -> Vec<(String, Rows)> {
    (0..count)
        .map(|i| {
            let gap = choice.between(100 * US, 2_000 * US);
            let largest = choice.between(50 * US, 900 * US);
            (format!("vm{i}"), rows(choice, 12, gap, largest))
        })
        .collect()
}

fn guests(tenants: &[(String, Rows)], streams: u32) -> Vec<Guest> {
    tenants
        .iter()
        .enumerate()
        .map(|(order, (name, rows))| Guest {
            streams,
            order: order as i64,
            ..guest(name, requests(rows))
        })
        .collect()
}

/// A policy with random knobs, for tenants of `count`.
fn any_share(choice: &mut Choice, count: u32) -> TimeSlice {
    let scheduler = choice.one_of(&[
        "best-effort",
        "equal-share",
        "fixed-share",
        "round-robin",
        "fifo",
    ]);
    let slice = choice.between(20, 700) * US;
    let mut share = time_slice(scheduler, slice);
    share.arr_factor = choice.one_of(&[None, Some(1), Some(33)]);
    share.reserved_turns = Some(count + choice.below(3) as u32);
    share.turns = choice.one_of(&[Turns::PerTenant, Turns::PerChannel]);
    share.rotation = choice.one_of(&[Rotation::Queue, Rotation::List]);
    share.on_completion = choice.one_of(&[OnCompletion::Keep, OnCompletion::End]);
    share.on_idle = choice.one_of(&[OnIdle::Hold, OnIdle::End]);
    share.ties = choice.one_of(&[Ties::PreemptedFirst, Ties::ArrivalFirst]);
    share
}

fn any_switch(choice: &mut Choice, device: &mut Gpu) {
    let charge = choice.one_of(&[
        Charge::PerTenantChange,
        Charge::PerEntryChange,
        Charge::PerDispatch,
        Charge::PerSlot,
    ]);
    device.board.switch = switch(choice.below(15) * US, charge);
    device.board.switch.preemption = Preemption::Delay(choice.below(30) * US);
}

/// Host work, a copy and GPU work on part of the SMs, in one or several stages.
fn any_workload(choice: &mut Choice) -> Workload {
    let exp = |choice: &mut Choice, mean: u64| {
        Dist::exponential((choice.between(mean / 4, mean) * US) as f64).expect("a mean")
    };
    let arrivals = if choice.yes() {
        open(exp(choice, 1_500))
    } else {
        closed(choice.between(1, 4) as u32, exp(choice, 1_000))
    };
    let mut gpu = work(exp(choice, 400));
    gpu.sms = choice.one_of(&[None, Some(1), Some(4), Some(7)]);
    gpu.speed = choice.one_of(&[1.0, 0.37, 1.7]);
    let copy = OperationKind::Copy {
        direction: choice.one_of(&[Direction::HostToDevice, Direction::DeviceToHost]),
        bytes: Size::Drawn(exp(choice, 200)),
    };
    let host = OperationKind::Host {
        time: Size::Drawn(exp(choice, 200)),
    };
    let gpu = OperationKind::Gpu(gpu);
    let stages = match choice.below(3) {
        0 => vec![stage("s", vec![gpu])],
        1 => vec![stage("a", vec![copy]), stage("b", vec![gpu, host])],
        _ => vec![
            stage("a", vec![host]),
            stage("b", vec![gpu.clone(), copy]),
            stage("c", vec![gpu]),
        ],
    };
    workload(arrivals, stages)
}

/// Everything at once: drawn work, several streams, bounded queues, overheads, limited stations.
fn anything(round: u64) -> Scenario {
    let mut choice = Choice::new("anything", round);
    let count = choice.between(1, 4) as u32;
    let mut device = gpu(any_share(&mut choice, count));
    any_switch(&mut choice, &mut device);
    device.board.link = Link {
        bytes_per_second: 1e9,
        latency: choice.below(3) * US,
    };
    let guests = (0..count)
        .map(|i| Guest {
            streams: choice.between(1, 3) as u32,
            queue: choice.one_of(&[None, Some(0), Some(3)]),
            start: choice.one_of(&[0, 0, 3_000 * US]),
            ..guest(&format!("vm{i}"), any_workload(&mut choice))
        })
        .collect();
    let mut scenario = scenario(vec![device], guests, WINDOW);
    scenario.run.seed = round;
    scenario.run.timeline_bins = 97;
    scenario.host_cores = choice.one_of(&[None, Some(1), Some(2)]);
    if choice.yes() {
        scenario.run.horizon = Horizon::Steady;
        scenario.run.warmup = WINDOW / 5;
    }
    scenario
}

/// Keeps arrivals and ends, and checks at each sampling edge what can be checked there.
struct Ledger {
    arrived: BTreeMap<(usize, Nanos), u64>,
    counts: [u64; 3],
    number: u64,
    last: Nanos,
    area: u128,
    jobs: Vec<(usize, JobEnd)>,
    edges: u64,
}

impl Ledger {
    fn advance(&mut self, now: Nanos) {
        assert!(now >= self.last, "time went back");
        self.area += u128::from(self.number) * u128::from(now - self.last);
        self.last = now;
    }

    fn take(&mut self, guest: usize, arrival: Nanos) {
        let waiting = self.arrived.get_mut(&(guest, arrival));
        *waiting.expect("an end without an arrival") -= 1;
        self.number -= 1;
    }
}

impl Observer for Ledger {
    fn arrived(&mut self, guest: usize, now: Nanos) {
        self.advance(now);
        *self.arrived.entry((guest, now)).or_default() += 1;
        self.number += 1;
        self.counts[0] += 1;
    }
    fn dropped(&mut self, guest: usize, arrival: Nanos) {
        self.advance(arrival);
        self.take(guest, arrival);
        self.counts[1] += 1;
    }
    fn ended(&mut self, guest: usize, job: &JobEnd) {
        self.advance(job.ended);
        self.take(guest, job.arrival);
        assert_eq!(job.parts.iter().sum::<Nanos>(), job.ended - job.arrival);
        self.jobs.push((guest, *job));
        self.counts[2] += 1;
    }
    fn edge(&mut self, _edge: usize, probe: &Probe<'_>) {
        self.advance(probe.now);
        self.edges += 1;
        // 1. The simulator's own backlog is what arrived and has not left.
        assert_eq!(probe.backlog.iter().sum::<u64>(), self.number);
        // 4. Arrived = completed + dropped + in the system.
        let [arrived, dropped, ended] = self.counts;
        assert_eq!(arrived, dropped + ended + self.number);
        // 2. The four accounts add up, and the tenants' running times to that of the GPU.
        for domain in probe.domains {
            let accounts = domain.accounts();
            let sm_time = u128::from(probe.now) * u128::from(domain.sms());
            assert_eq!(accounts.total(), sm_time);
            let entries = domain.entries().iter();
            let ran: Nanos = entries
                .map(|entry| entry.gpu_time() + entry.changing())
                .sum();
            assert_eq!(ran, accounts.let_run);
            assert!(accounts.useful <= u128::from(ran) * u128::from(domain.sms()));
        }
    }
}

fn ledger(scenario: &Scenario, speed: Speed) -> Ledger {
    let cells = partition(scenario);
    build(scenario, &cells[0], 0, Variant::Shared, speed, |_| Ledger {
        arrived: BTreeMap::new(),
        counts: [0; 3],
        number: 0,
        last: 0,
        area: 0,
        jobs: Vec::new(),
        edges: 0,
    })
    .expect("a scenario that can be built")
    .run()
}

/// Identities 1, 2 and 4 under every policy, with every effect on.
#[test]
fn i01_i02_i04_little_on_the_path_time_budget_conservation_of_requests() {
    let mut jobs = 0;
    for round in 0..4 * ROUNDS {
        let scenario = anything(round);
        for speed in [Speed::Plain, Speed::RunAhead, Speed::RoundJump] {
            let ledger = ledger(&scenario, speed);
            let horizon = ledger.last;
            let completed: u128 = ledger
                .jobs
                .iter()
                .map(|(_, job)| u128::from(job.ended - job.arrival))
                .sum();
            let unfinished: u128 = ledger
                .arrived
                .iter()
                .map(|(&(_, arrival), &count)| u128::from(horizon - arrival) * u128::from(count))
                .sum();
            assert_eq!(ledger.area, completed + unfinished, "round {round}");
            assert!(ledger.edges > 90);
            jobs += ledger.jobs.len();
        }
    }
    assert!(jobs > 10_000, "hardly anything happened: {jobs}");
}

fn run(share: TimeSlice, guests: Vec<Guest>) -> (Scenario, Log) {
    let mut scenario = scenario(vec![gpu(share)], guests, 4 * WINDOW);
    scenario.run.timeline_bins = 4_001;
    let log = simulate(&scenario);
    (scenario, log)
}

/// Identity 3: without overhead every work-conserving policy is busy at the same time and has the
/// same work left at any time.
#[test]
fn i03_conservation_of_work() {
    for round in 0..ROUNDS {
        let mut choice = Choice::new("conservation", round);
        let count = choice.between(2, 4);
        let tenants = tenants(&mut choice, count);
        let total: u128 = tenants
            .iter()
            .flat_map(|(_, rows)| rows)
            .map(|row| u128::from(row.1))
            .sum();
        let accounts = |share: TimeSlice, guests: Vec<Guest>| {
            let (_, log) = run(share, guests);
            let edges: Vec<_> = log
                .edges
                .iter()
                .map(|(now, a, _, _)| (*now, a[0]))
                .collect();
            edges
        };
        let reference = accounts(time_slice("fifo", FOREVER), guests(&tenants, 1));
        let sms = u128::from(SMS);
        assert_eq!(reference.last().expect("an edge").1.useful, total * sms);
        for scheduler in ["best-effort", "round-robin", "fifo"] {
            for turns in [Turns::PerTenant, Turns::PerChannel] {
                let mut share = time_slice(scheduler, choice.between(20, 700) * US);
                share.turns = turns;
                share.rotation = choice.one_of(&[Rotation::Queue, Rotation::List]);
                share.on_completion = choice.one_of(&[OnCompletion::Keep, OnCompletion::End]);
                // One stream of a tenant at a time: no rate is ever divided, so nothing is rounded.
                let streams = if turns == Turns::PerChannel { 12 } else { 1 };
                for ((now, a), (_, b)) in accounts(share.clone(), guests(&tenants, streams))
                    .iter()
                    .zip(&reference)
                {
                    assert_eq!(
                        (a.useful, a.idle, a.gpu_time),
                        (b.useful, b.idle, b.gpu_time),
                        "{share:?} at {now}"
                    );
                    assert_eq!((a.switching, a.reserved_idle), (0, 0));
                }
            }
        }
        // Processor sharing by streams of one tenant: a completion rounds up to a nanosecond.
        let all: Rows = {
            let mut all: Rows = tenants.iter().flat_map(|(_, rows)| rows.clone()).collect();
            all.sort_unstable();
            all
        };
        let completions = all.len() as u64;
        let one = [("all".to_owned(), all)];
        for ((now, a), (_, b)) in accounts(time_slice("fifo", FOREVER), guests(&one, 64))
            .iter()
            .zip(&reference)
        {
            let late = a.gpu_time.abs_diff(b.gpu_time);
            assert!(late <= completions, "processor sharing at {now}: {late}");
        }
    }
}

/// Identity 5: no response is shorter than the work at full rate; alone it is that, and what the
/// dispatch declares.
#[test]
fn i05_response_is_at_least_the_size() {
    for round in 0..ROUNDS {
        let mut choice = Choice::new("response", round);
        let count = choice.between(1, 4);
        let tenants = tenants(&mut choice, count);
        let share = any_share(&mut choice, count as u32);
        let mut device = gpu(share);
        any_switch(&mut choice, &mut device);
        let scenario = scenario(vec![device], guests(&tenants, 2), 50 * WINDOW);
        let log = simulate(&scenario);
        let sizes: BTreeMap<&str, &Rows> = tenants.iter().map(|(n, r)| (n.as_str(), r)).collect();
        assert_eq!(log.jobs.len() as u64, 12 * count);
        for (guest, job) in &log.jobs {
            let name = &scenario.guests[log.layout.guests[*guest].group].name;
            let (arrival, size) = sizes[name.as_str()][job.index as usize];
            assert_eq!(job.arrival, arrival);
            assert!(job.ended - job.arrival >= size);
        }
    }
    let alone = |charge| {
        let mut device = gpu(time_slice("best-effort", 2_000 * US));
        device.board.switch = switch(30 * US, charge);
        let lone = guest("A", requests(&[(5 * US, 1_234_567)]));
        let scenario = scenario(vec![device], vec![lone], WINDOW);
        simulate(&scenario).ends(&scenario, "A")[0] - 5 * US
    };
    assert_eq!(alone(Charge::PerTenantChange), 1_234_567);
    assert_eq!(alone(Charge::PerDispatch), 1_234_567 + 30 * US);
    assert_eq!(alone(Charge::PerSlot), 1_234_567 + 30 * US);
    assert_eq!(sm_work(1_234_567), 1_234_567 << 32);
}

/// Ends of all jobs, by guest name and job.
fn all_ends(scenario: &Scenario, log: &Log) -> BTreeMap<(String, u64), Nanos> {
    log.jobs
        .iter()
        .map(|(guest, job)| {
            let name = scenario.guests[log.layout.guests[*guest].group]
                .name
                .clone();
            ((name, job.index), job.ended)
        })
        .collect()
}

/// Identity 6: all input times k times as long, all output times exactly k times as long. One stream
/// a tenant: where rates are divided, completions round to the nanosecond.
#[test]
fn i06_scaling_of_time() {
    for round in 0..ROUNDS {
        let scaled = |k: u64| {
            let mut choice = Choice::new("scaling", round);
            let count = choice.between(1, 4);
            let mut tenants = tenants(&mut choice, count);
            for row in tenants.iter_mut().flat_map(|(_, rows)| rows) {
                *row = (k * row.0, k * row.1);
            }
            let mut share = any_share(&mut choice, count as u32);
            share.slice *= k;
            // The repayment of over-run divides by the factor: whole numbers only with factor 1.
            share.arr_factor = share.arr_factor.map(|_| 1);
            let mut device = gpu(share);
            any_switch(&mut choice, &mut device);
            device.board.switch.restore *= k;
            if let Preemption::Delay(delay) = &mut device.board.switch.preemption {
                *delay *= k;
            }
            let scenario = scenario(vec![device], guests(&tenants, 1), k * 50 * WINDOW);
            let log = simulate(&scenario);
            assert_eq!(log.jobs.len() as u64, 12 * count);
            let accounts = log.last_accounts();
            (all_ends(&scenario, &log), accounts)
        };
        let (ends, accounts) = scaled(1);
        for k in [2, 7, 1_000] {
            let (longer, more) = scaled(k);
            for (job, end) in &ends {
                assert_eq!(longer[job], k * end, "round {round}, factor {k}, {job:?}");
            }
            assert_eq!(more.useful, u128::from(k) * accounts.useful);
            assert_eq!(more.switching, u128::from(k) * accounts.switching);
        }
    }
}

/// Identities 7 and 12: names and the order of entries do not matter; the declared order does.
#[test]
fn i07_i12_renaming_and_order_of_entries() {
    for round in 0..ROUNDS {
        let mut choice = Choice::new("renaming", round);
        let count = choice.between(2, 5);
        let tenants = tenants(&mut choice, count);
        let mut device = gpu(any_share(&mut choice, count as u32));
        any_switch(&mut choice, &mut device);
        let original = scenario(vec![device], guests(&tenants, 2), 50 * WINDOW);
        let log = simulate(&original);
        let ends = all_ends(&original, &log);

        let mut renamed = original.clone();
        let new_name = |old: &str| format!("x{}", 9 - old[2..].parse::<u32>().expect("a number"));
        for guest in &mut renamed.guests {
            guest.name = new_name(&guest.name);
        }
        renamed.guests.sort_by(|a, b| a.name.cmp(&b.name));
        let other = all_ends(&renamed, &simulate(&renamed));
        assert_eq!(other.len(), ends.len());
        for ((name, index), end) in &ends {
            assert_eq!(other[&(new_name(name), *index)], *end, "round {round}");
        }

        let mut reordered = original.clone();
        for _ in 0..3 {
            let by = choice.between(1, count - 1) as usize;
            reordered.guests.rotate_left(by);
            reordered.guests.swap(0, 1);
            let log_2 = simulate(&reordered);
            assert_eq!(all_ends(&reordered, &log_2), ends);
            assert_eq!(log_2.edges, log.edges);
        }
    }
}

/// Identity 8: policies without anything to decide are first come, first served.
#[test]
fn i08_degenerate_policies_are_fifo() {
    for round in 0..ROUNDS {
        let mut choice = Choice::new("degenerate", round);
        let count = choice.between(2, 4);
        let tenants = tenants(&mut choice, count);
        let ends = |share, guests| {
            let (scenario, log) = run(share, guests);
            all_ends(&scenario, &log)
        };
        // Turns by request, and a quantum that no request uses up.
        let per_channel = |scheduler, slice| TimeSlice {
            turns: Turns::PerChannel,
            ..time_slice(scheduler, slice)
        };
        let fifo = ends(per_channel("fifo", FOREVER), guests(&tenants, 12));
        for scheduler in ["best-effort", "round-robin"] {
            let long = ends(per_channel(scheduler, 1_000 * US), guests(&tenants, 12));
            assert_eq!(long, fifo, "{scheduler}");
        }
        // One tenant, whatever the policy, whatever the slice.
        let one = &tenants[..1];
        let fifo = ends(time_slice("fifo", FOREVER), guests(one, 1));
        for scheduler in ["best-effort", "round-robin", "equal-share", "fixed-share"] {
            for factor in [None, Some(33)] {
                let mut share = time_slice(scheduler, choice.between(1, 500) * US);
                share.reserved_turns = Some(1);
                share.arr_factor = factor;
                assert_eq!(ends(share, guests(one, 1)), fifo, "{scheduler}");
            }
        }
    }
}

/// Identity 9: under fixed share the load of the others, and whether they exist, changes nothing.
#[test]
fn i09_isolation_under_fixed_share() {
    for round in 0..ROUNDS {
        let mut choice = Choice::new("isolation", round);
        let all = tenants(&mut choice, 4);
        let mut share = time_slice("fixed-share", choice.between(20, 700) * US);
        share.reserved_turns = Some(4);
        share.arr_factor = choice.one_of(&[None, Some(1), Some(33)]);
        // `on_completion = end` and `on_idle = end` give reserved time back, so that the turns of all
        // come earlier: those variants do not isolate. The default holds a turn to its end.
        share.on_completion = OnCompletion::Keep;
        share.on_idle = OnIdle::Hold;
        let tau = choice.below(10) * US;
        let first = |others: &[(String, Rows)]| {
            let mut device = gpu(share.clone());
            // Out of the slot's own time.
            device.board.switch = switch(tau, Charge::PerSlot);
            let mut tenants = vec![all[0].clone()];
            tenants.extend_from_slice(others);
            let scenario = scenario(vec![device], guests(&tenants, 2), 50 * WINDOW);
            let log = simulate(&scenario);
            let jobs: Vec<JobEnd> = log
                .jobs
                .iter()
                .filter(|(guest, _)| *guest == 0)
                .map(|(_, job)| *job)
                .collect();
            assert_eq!(jobs.len(), 12);
            jobs
        };
        let alone = first(&[]);
        assert_eq!(first(&all[1..]), alone, "round {round}");
        assert_eq!(first(&all[1..3]), alone);
        let mut heavier = all[1..].to_vec();
        for row in heavier.iter_mut().flat_map(|(_, rows)| rows) {
            row.1 *= 3;
        }
        assert_eq!(first(&heavier), alone);
    }
}

/// Identity 10: a tenant that never has work changes nothing under a work-conserving policy.
#[test]
fn i10_an_idle_tenant_changes_nothing_under_best_effort() {
    for round in 0..ROUNDS {
        let mut choice = Choice::new("idle", round);
        let count = choice.between(1, 4);
        let busy = tenants(&mut choice, count);
        let mut share = any_share(&mut choice, 4);
        share.scheduler = choice
            .one_of(&["best-effort", "round-robin", "fifo"])
            .to_owned();
        let mut device = gpu(share);
        any_switch(&mut choice, &mut device);
        let original = scenario(vec![device], guests(&busy, 2), 50 * WINDOW);
        let log = simulate(&original);
        // First, in the middle or last in rank.
        for order in [-1, 1, 9] {
            let mut more = original.clone();
            let mut idle = guest("idle", requests(&[(1_000 * WINDOW, US)]));
            idle.order = order;
            more.guests.push(idle);
            let log_2 = simulate(&more);
            assert_eq!(all_ends(&more, &log_2), all_ends(&original, &log));
            let accounts = |log: &Log| log.edges.iter().map(|e| (e.0, e.1[0])).collect::<Vec<_>>();
            assert_eq!(accounts(&log_2), accounts(&log));
        }
    }
}

/// Identity 11: a switch that costs nothing is no switch, however it is charged, and in a saturated
/// rotation useful work does not grow with its cost.
#[test]
fn i11_cost_of_a_switch() {
    for round in 0..ROUNDS {
        let mut choice = Choice::new("switch", round);
        let count = choice.between(2, 4);
        let tenants = tenants(&mut choice, count);
        let share = any_share(&mut choice, count as u32);
        let with = |charge| {
            let mut device = gpu(share.clone());
            device.board.switch = switch(0, charge);
            let scenario = scenario(vec![device], guests(&tenants, 2), 50 * WINDOW);
            let log = simulate(&scenario);
            assert_eq!(log.last_accounts().switching, 0);
            log
        };
        let free = with(Charge::PerTenantChange);
        assert_eq!(with(Charge::PerEntryChange), free);
        assert_eq!(with(Charge::PerDispatch), free);
        assert_eq!(with(Charge::PerSlot).jobs, free.jobs);
    }
    for charge in [
        Charge::PerTenantChange,
        Charge::PerDispatch,
        Charge::PerSlot,
    ] {
        let mut before = u128::MAX;
        for tau in 0..12 {
            let mut device = gpu(time_slice("best-effort", 200 * US));
            device.board.switch = switch(tau * 15 * US, charge);
            let busy =
                |name: &str| guest(name, gpu_workload(closed(1, constant(0.0)), constant(1e9)));
            let busy = vec![busy("A"), busy("B"), busy("C")];
            let mut scenario = scenario(vec![device], busy, WINDOW);
            scenario.run.drain = 0;
            let useful = simulate(&scenario).last_accounts().useful;
            assert!(useful <= before);
            assert!(tau == 0 || useful < before, "the cost has no effect");
            before = useful;
        }
    }
}
