//! The rate of every operation that runs in a compute domain.
//!
//! SMs are divided among the clients under their caps, max-min fairly or as their
//! [policy](crate::policy::spatial) says, and within a client max-min fairly among its operations under
//! what each can fill. An operation that gets fewer than it can fill takes turns on
//! them: it runs as it would on all that it can fill, for the part of the time that it gets. It holds its
//! SMs while it waits for memory, so that neighbours who want them all gain nothing from its waiting.
//! Bandwidth is divided max-min fairly by demand. Side by side, clients interfere, but never so much
//! that they would do better to run one after the other. Rates follow from the [laws](super::law) and
//! change only when operations come or go.
//!
//! Source: one to five processes of seven models under MPS in instances of an A100 (ParvaGPU,
//! <https://github.com/MunQ-Lee/ParvaGPU_SC24>): n processes that each fill the instance do 1.03 to 1.07
//! times the work of one. With waiting that neighbours could use, work that the slices show to be 0.34
//! memory-bound would do 1.3 times as much. `docs/ways-to-share.md` has the rows.

use super::entry::Active;
use super::law::{ClockCurve, max_min_level};
use crate::engine::work::Rate;
use crate::policy::spatial::{self, Demand, Division};

/// What the rates in a compute domain depend on, apart from its operations.
#[derive(Debug, Clone, PartialEq)]
pub struct RateRules {
    /// SMs of the domain.
    pub sms: u32,
    /// SMs of the whole board: the measure of the clock curve.
    pub board_sms: u32,
    /// Part of the board's memory bandwidth that the memory domain has, above 0 and at most 1.
    pub bandwidth: f64,
    /// SM clock by busy part of the board; `None` = the same at any load.
    pub clock: Option<ClockCurve>,
}

impl RateRules {
    /// A whole board of `sms` SMs without clock curve.
    pub fn whole(sms: u32) -> Self {
        RateRules {
            sms,
            board_sms: sms,
            bandwidth: 1.0,
            clock: None,
        }
    }
}

/// What the other compute domains of the memory domain do at the moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pressure {
    /// Bandwidth that one operation may draw at most, as a part of the board's; `None` = this domain
    /// divides the bandwidth alone.
    pub bandwidth_level: Option<f64>,
    /// SMs that are busy elsewhere on what shares the clock.
    pub busy_elsewhere: u32,
}

impl Pressure {
    /// Nothing else runs.
    pub const NONE: Pressure = Pressure {
        bandwidth_level: None,
        busy_elsewhere: 0,
    };
}

/// A client of an entry: a process, under MPS or in a virtual machine. Other entries have one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    /// SMs that it may fill at most.
    pub cap: u32,
    /// `weight` of its guest.
    pub weight: f64,
    /// `priority` of its guest.
    pub priority: i32,
    /// Its operations on the SMs.
    pub active: u32,
    /// Running time with an operation of it, up to the last change.
    pub busy: u64,
    /// Whether its operations are kept from the SMs.
    pub aside: bool,
}

/// How the clients of an entry run side by side.
#[derive(Debug, Clone, Copy)]
pub struct Beside {
    /// How they divide the SMs.
    pub division: &'static dyn Division,
    /// By how much work of one client takes longer while work of another runs beside it, beyond what SMs
    /// and bandwidth explain; 0 = nothing. Never longer than in turns with the others.
    pub interference: f64,
}

impl Beside {
    /// Max-min fairly and without interference.
    pub const PLAIN: Beside = Beside {
        division: spatial::MPS_DEFAULT.division,
        interference: 0.0,
    };
}

/// Room for intermediate results, so that rating does not allocate.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    clients: Vec<Demand>,
    granted: Vec<f64>,
    operations: Vec<f64>,
}

/// The rate of an operation that runs by itself and meets nothing that would slow it: the commonest
/// case. `None` where [`rate`] has to decide.
#[inline(always)]
pub(super) fn lone_rate(
    only: &Active,
    clients: &[Client],
    rules: &RateRules,
    pressure: &Pressure,
) -> Option<Rate> {
    let shape = &only.operation.shape;
    let [client] = clients else {
        return None;
    };
    let plain = shape.is_plain()
        && rules.clock.is_none()
        && *pressure == Pressure::NONE
        && shape.need <= rules.sms.min(client.cap);
    plain.then_some(only.operation.speed)
}

/// Sets the rate of every operation; returns the SMs in use.
pub(super) fn rate(
    operations: &mut [Active],
    clients: &[Client],
    beside: Beside,
    rules: &RateRules,
    pressure: Pressure,
    scratch: &mut Scratch,
) -> u32 {
    let simple = rules.clock.is_none()
        && pressure == Pressure::NONE
        && clients.len() == 1
        && operations
            .iter()
            .all(|active| active.operation.shape.is_plain());
    if simple {
        share_sms(operations, rules.sms.min(clients[0].cap))
    } else {
        let Beside {
            division,
            interference,
        } = beside;
        let elsewhere = pressure.busy_elsewhere;
        let in_use = unhindered(operations, clients, division, rules, elsewhere, scratch);
        let level = pressure
            .bandwidth_level
            .unwrap_or_else(|| level(operations, rules.bandwidth, scratch));
        let together = clients.iter().filter(|client| client.active > 0).count();
        let slower = if together > 1 {
            1.0 + interference
        } else {
            1.0
        };
        for active in operations {
            let supplied = match active.operation.shape.memory_bound {
                0.0 => f64::INFINITY,
                memory_bound => level / memory_bound,
            };
            let beside = active.unhindered.min(supplied) / slower;
            let client = active.operation.client as usize;
            let turns = division.slowdown(client, &scratch.clients);
            // Interference alone is bounded by turns, not what the policy grants.
            let in_turns = (active.alone / turns).min(active.unhindered);
            let speed = beside.max(in_turns.min(supplied));
            let rate = (active.operation.speed as f64 * speed).round();
            active.rate = (rate as Rate).max(1);
        }
        in_use
    }
}

/// Bandwidth level of operations whose unhindered speeds are known.
fn level(operations: &[Active], bandwidth: f64, scratch: &mut Scratch) -> f64 {
    scratch.operations.clear();
    demands(operations, &mut scratch.operations);
    max_min_level(bandwidth, &scratch.operations)
}

/// Appends the bandwidth that each operation would draw, as a part of the board's.
pub(super) fn demands(operations: &[Active], out: &mut Vec<f64>) {
    let demand = |active: &Active| active.unhindered * active.operation.shape.memory_bound;
    out.extend(operations.iter().map(demand));
}

/// SMs that a client could use.
fn wanted(operations: &[Active], clients: &[Client], client: usize, sms: u32) -> u64 {
    let cap = u64::from(clients[client].cap.min(sms));
    let need: u64 = operations
        .iter()
        .filter(|active| active.operation.client as usize == client)
        .map(|active| u64::from(active.operation.shape.need))
        .sum();
    need.min(cap)
}

/// Sets the speed that each operation would have if nobody else drew on the memory and nothing
/// interfered, and that without other clients, both relative to alone on the whole board; returns the
/// SMs in use.
pub(super) fn unhindered(
    operations: &mut [Active],
    clients: &[Client],
    division: &dyn Division,
    rules: &RateRules,
    busy_elsewhere: u32,
    scratch: &mut Scratch,
) -> u32 {
    scratch.clients.clear();
    scratch.granted.clear();
    let demand = |(client, state): (usize, &Client)| Demand {
        wanted: wanted(operations, clients, client, rules.sms) as f64,
        weight: state.weight,
        priority: state.priority,
        operations: state.active,
    };
    scratch
        .clients
        .extend(clients.iter().enumerate().map(demand));
    let sms = f64::from(rules.sms);
    division.divide(sms, &scratch.clients, &mut scratch.granted);
    let granted: f64 = scratch.granted.iter().sum();
    let in_use = (granted.round() as u32).min(rules.sms);
    let clock = rules.clock.as_ref().map_or(1.0, |curve| {
        let busy = in_use.saturating_add(busy_elsewhere).min(rules.board_sms);
        curve.at(f64::from(busy) / f64::from(rules.board_sms))
    });
    for (client, state) in clients.iter().enumerate() {
        if state.active == 0 {
            continue;
        }
        let wanted = scratch.clients[client].wanted;
        let granted = scratch.granted[client];
        let cap = state.cap.min(rules.sms);
        let need = |active: &Active| f64::from(active.operation.shape.need.min(cap));
        scratch.operations.clear();
        let own = operations
            .iter()
            .filter(|active| active.operation.client as usize == client);
        scratch.operations.extend(own.map(need));
        let level = max_min_level(wanted, &scratch.operations);
        for active in operations
            .iter_mut()
            .filter(|active| active.operation.client as usize == client)
        {
            let fills = need(active);
            let stretch = active
                .operation
                .shape
                .stretch(fills, rules.bandwidth, clock);
            active.alone = fills.min(level) / fills / stretch;
            active.unhindered = granted / wanted * active.alone;
        }
    }
    in_use
}

/// Max-min fair division of `sms` under the needs of operations that compute alone limits, in
/// integers; returns the SMs in use.
fn share_sms(operations: &mut [Active], sms: u32) -> u32 {
    let wanted: u64 = operations
        .iter()
        .map(|active| u64::from(active.operation.shape.need))
        .sum();
    if wanted <= u64::from(sms) {
        for active in operations.iter_mut() {
            active.rate = active.operation.speed;
        }
        return wanted as u32;
    }
    // Raise a common level until the SMs are used up: whoever needs less than the level gets its
    // need. The level is the rational `free / open`.
    let mut free = u64::from(sms);
    let mut open = operations.len() as u64;
    loop {
        let (mut next_free, mut next_open) = (u64::from(sms), 0);
        for active in operations.iter() {
            let need = u64::from(active.operation.shape.need);
            if need * open <= free {
                next_free -= need;
            } else {
                next_open += 1;
            }
        }
        if next_open == open {
            break;
        }
        (free, open) = (next_free, next_open);
    }
    for active in operations.iter_mut() {
        let need = u64::from(active.operation.shape.need);
        active.rate = if need * open <= free {
            active.operation.speed
        } else {
            let share = u128::from(active.operation.speed) * u128::from(free)
                / (u128::from(open) * u128::from(need));
            (share as Rate).max(1)
        };
    }
    sms
}
