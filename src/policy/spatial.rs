//! Policies in space: how clients that run side by side divide the SMs of their domain.
//!
//! A policy says how many SMs each client has while it has work; which operation of a client uses them,
//! and how fast, is for the rates. It is asked whenever an operation comes or goes, and it has no memory:
//! what it grants is a function of who wants what.

use super::registry::{self, ExtendError};
use std::fmt;
use std::sync::OnceLock;

/// A client as a policy sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// SMs that its operations could fill, under its cap; 0 while it has none.
    pub wanted: f64,
    /// `weight` of its guest.
    pub weight: f64,
    /// `priority` of its guest; larger goes first.
    pub priority: i32,
    /// Operations on the SMs.
    pub operations: u32,
}

/// How SMs are divided.
pub trait Division: fmt::Debug + Send + Sync {
    /// Appends the SMs of each client to `granted`: no more than it wants, and no more than `sms` in all.
    fn divide(&self, sms: f64, clients: &[Demand], granted: &mut Vec<f64>);

    /// How many times as long a client takes as alone where all who have work want all SMs: its turns in a
    /// round of turns. At least 1.
    fn slowdown(&self, client: usize, clients: &[Demand]) -> f64;
}

/// A policy in space by name.
#[derive(Clone, Copy)]
pub struct Spatial {
    /// As written in scenarios.
    pub name: &'static str,
    /// One sentence for help and documentation.
    pub about: &'static str,
    /// Where it is described.
    pub source: &'static str,
    /// Whether clients have [`fixed_part`]s, beyond which none may fill SMs that others leave unused.
    pub fixed_parts: bool,
    /// Whether it goes by the weights of guests, and by their priorities.
    pub weighted: bool,
    pub prioritized: bool,
    pub division: &'static dyn Division,
}

impl fmt::Debug for Spatial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)
    }
}

impl PartialEq for Spatial {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const GUIDE: &str = "NVIDIA Multi-Process Service guide, execution resource provisioning";

/// The policies in space of the program; the first is the default.
const BUILT_IN: &[Spatial] = &[
    MPS_DEFAULT,
    Spatial {
        name: "mps-percentage",
        about: "each client may fill a fixed part of the SMs, by weight, whether others have work or not",
        source: GUIDE,
        fixed_parts: true,
        weighted: true,
        prioritized: false,
        division: &MaxMin,
    },
    Spatial {
        name: "mps-proportional",
        about: "clients with work divide the SMs by weight; what one cannot fill goes to the others",
        source: "weighted max-min fairness (Bertsekas and Gallager, Data Networks, 6.5.2)",
        fixed_parts: false,
        weighted: true,
        prioritized: false,
        division: &Proportional,
    },
    Spatial {
        name: "mps-per-stream",
        about: "all operations divide the SMs, each with the weight of its client",
        source: "discriminatory processor sharing (Fayolle, Mitrani and Iasnogorodski 1980)",
        fixed_parts: false,
        weighted: true,
        prioritized: false,
        division: &PerStream,
    },
    Spatial {
        name: "mps-priority",
        about: "clients of a higher priority fill SMs first; those of equal priority divide them max-min fairly",
        source: "after the client priority of MPS, taken strictly",
        fixed_parts: false,
        weighted: false,
        prioritized: true,
        division: &ByPriority,
    },
];

static ALL: OnceLock<Vec<Spatial>> = OnceLock::new();
static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();

/// Adds policies in space to those of the program. Only once, before any scenario is read, and behind
/// [schedulers](registry::extend) of your own.
///
/// # Errors
///
/// If a name is taken, by a scheduler too, or it is too late.
pub fn extend(own: &[Spatial]) -> Result<(), ExtendError> {
    let all: Vec<Spatial> = BUILT_IN.iter().chain(own).copied().collect();
    for (index, one) in all.iter().enumerate() {
        let taken = all[..index].iter().any(|other| other.name == one.name);
        if taken || registry::find(one.name).is_some() {
            return Err(ExtendError::Twice(one.name));
        }
    }
    ALL.set(all).map_err(|_| ExtendError::TooLate)
}

/// All policies in space, in the order in which help lists them; the first is the default.
pub fn all() -> &'static [Spatial] {
    ALL.get_or_init(|| BUILT_IN.to_vec())
}

/// Their names.
pub fn names() -> &'static [&'static str] {
    NAMES.get_or_init(|| all().iter().map(|policy| policy.name).collect())
}

/// What MPS does by itself: every client may fill all SMs, and they have equal chances.
pub const MPS_DEFAULT: Spatial = Spatial {
    name: "mps-default",
    about: "clients with work divide the SMs max-min fairly, whatever their weights",
    source: GUIDE,
    fixed_parts: false,
    weighted: false,
    prioritized: false,
    division: &MaxMin,
};

/// The SMs of a client with `weight` among clients of `all`: rounded down, at least one.
///
/// Source: the guide recommends 100 % / n for each of n clients (`CUDA_MPS_ACTIVE_THREAD_PERCENTAGE`).
pub fn fixed_part(sms: u32, weight: u32, all: u64) -> u32 {
    let part = u64::from(sms) * u64::from(weight) / all.max(1);
    (part as u32).clamp(1, sms.max(1))
}

/// The policy of this name.
pub fn find(name: &str) -> Option<Spatial> {
    all().iter().copied().find(|policy| policy.name == name)
}

#[derive(Debug)]
struct MaxMin;

impl Division for MaxMin {
    fn divide(&self, sms: f64, clients: &[Demand], granted: &mut Vec<f64>) {
        let first = granted.len();
        granted.extend(clients.iter().map(|client| client.wanted));
        let level = max_min_level(sms, &granted[first..]);
        for part in &mut granted[first..] {
            *part = part.min(level);
        }
    }

    fn slowdown(&self, _: usize, clients: &[Demand]) -> f64 {
        let together = clients.iter().filter(|client| client.operations > 0);
        together.count() as f64
    }
}

#[derive(Debug)]
struct Proportional;

impl Division for Proportional {
    fn divide(&self, sms: f64, clients: &[Demand], granted: &mut Vec<f64>) {
        by_weight(sms, clients, |client| client.weight, granted);
    }

    fn slowdown(&self, client: usize, clients: &[Demand]) -> f64 {
        let weight = |client: &Demand| client.weight;
        in_turns(client, clients, weight)
    }
}

#[derive(Debug)]
struct PerStream;

fn of_operations(client: &Demand) -> f64 {
    client.weight * f64::from(client.operations)
}

impl Division for PerStream {
    fn divide(&self, sms: f64, clients: &[Demand], granted: &mut Vec<f64>) {
        by_weight(sms, clients, of_operations, granted);
    }

    fn slowdown(&self, client: usize, clients: &[Demand]) -> f64 {
        in_turns(client, clients, of_operations)
    }
}

#[derive(Debug)]
struct ByPriority;

impl Division for ByPriority {
    fn divide(&self, sms: f64, clients: &[Demand], granted: &mut Vec<f64>) {
        let first = granted.len();
        granted.extend(clients.iter().map(|_| 0.0));
        let mut free = sms;
        let mut present = highest(clients, None);
        while let Some(priority) = present {
            let equal = |client: &Demand| {
                f64::from(u8::from(
                    client.priority == priority && client.operations > 0,
                ))
            };
            let level = weighted_level(free, clients, equal);
            for (part, client) in granted[first..].iter_mut().zip(clients) {
                let share = client.wanted.min(level * equal(client));
                *part += share;
                free -= share;
            }
            free = free.max(0.0);
            present = highest(clients, Some(priority));
        }
    }

    fn slowdown(&self, client: usize, clients: &[Demand]) -> f64 {
        let own = clients[client].priority;
        if highest(clients, None) > Some(own) {
            return f64::INFINITY;
        }
        let equals = clients
            .iter()
            .filter(|other| other.operations > 0 && other.priority == own);
        equals.count() as f64
    }
}

/// The highest priority of a client with work, below `below`.
fn highest(clients: &[Demand], below: Option<i32>) -> Option<i32> {
    let with_work = clients.iter().filter(|client| client.operations > 0);
    let priorities = with_work.map(|client| client.priority);
    priorities
        .filter(|&priority| below.is_none_or(|below| priority < below))
        .max()
}

/// The weights of all who have work over that of one of them.
fn in_turns(client: usize, clients: &[Demand], weight: fn(&Demand) -> f64) -> f64 {
    let with_work = clients.iter().filter(|client| client.operations > 0);
    with_work.map(weight).sum::<f64>() / weight(&clients[client])
}

/// Weighted max-min fairness.
fn by_weight(sms: f64, clients: &[Demand], weight: fn(&Demand) -> f64, granted: &mut Vec<f64>) {
    let level = weighted_level(sms, clients, weight);
    let part = |client: &Demand| client.wanted.min(level * weight(client));
    granted.extend(clients.iter().map(part));
}

/// The level that is raised until the SMs are used up, or all have what they want: everybody has the smaller
/// of that and the level times its weight. Those of weight 0 take no part.
fn weighted_level(sms: f64, clients: &[Demand], weight: impl Fn(&Demand) -> f64) -> f64 {
    let mut level = 0.0;
    loop {
        let (mut free, mut open) = (sms, 0.0);
        for client in clients {
            let weight = weight(client);
            if client.wanted > level * weight {
                open += weight;
            } else {
                free -= client.wanted;
            }
        }
        let next = if open > 0.0 { free / open } else { level };
        // Levels only rise, up to rounding; each step settles at least one client.
        if next <= level {
            return level;
        }
        level = next;
    }
}

/// The level up to which every demand is met when `capacity` is divided max-min fairly: a demand
/// gets the smaller of itself and the level. Infinite when the capacity meets all of them.
///
/// Water filling after Bertsekas & Gallager, *Data Networks*, 6.5.2.
pub fn max_min_level(capacity: f64, demands: &[f64]) -> f64 {
    let total: f64 = demands.iter().sum();
    if total <= capacity {
        return f64::INFINITY;
    }
    let mut level = capacity / demands.len() as f64;
    loop {
        let (mut free, mut open) = (capacity, 0u32);
        for &demand in demands {
            if demand <= level {
                free -= demand;
            } else {
                open += 1;
            }
        }
        if open == 0 {
            return level;
        }
        let next = free / f64::from(open);
        // Levels only rise, up to rounding; each step settles at least one demand.
        if next <= level {
            return level;
        }
        level = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divide(name: &str, sms: f64, clients: &[(f64, f64, u32)]) -> Vec<f64> {
        let demands: Vec<Demand> = clients
            .iter()
            .map(|&(wanted, weight, operations)| Demand {
                wanted,
                weight,
                priority: weight as i32 % 3,
                operations,
            })
            .collect();
        let mut granted = Vec::new();
        let policy = find(name).expect("a policy");
        policy.division.divide(sms, &demands, &mut granted);
        granted
    }

    /// 100 SMs; clients that want 100, 100 and 20, with weights 3, 1 and 1, and four operations of the
    /// second.
    #[test]
    fn each_policy_divides_in_its_way() {
        let clients = [(100.0, 3.0, 1), (100.0, 1.0, 4), (20.0, 1.0, 1)];
        assert_eq!(divide("mps-default", 100.0, &clients), [40.0, 40.0, 20.0]);
        // The third takes its fifth; 80 are left for 3 to 1.
        assert_eq!(
            divide("mps-proportional", 100.0, &clients),
            [60.0, 20.0, 20.0]
        );
        // Priorities 0, 1 and 1: the third has what it wants, the second the rest.
        assert_eq!(divide("mps-priority", 100.0, &clients), [0.0, 80.0, 20.0]);
        // 3 to 4 to 1: the third has an eighth.
        assert_eq!(
            divide("mps-per-stream", 100.0, &clients),
            [37.5, 50.0, 12.5]
        );
    }

    #[test]
    fn a_name_is_given_once_and_in_time() {
        let own = |name| Spatial {
            name,
            ..MPS_DEFAULT
        };
        let twice = |name| Err(ExtendError::Twice(name));
        assert_eq!(extend(&[own("mps-default")]), twice("mps-default"));
        assert_eq!(extend(&[own("stride")]), twice("stride"));
        assert_eq!(all()[0], MPS_DEFAULT);
        assert_eq!(extend(&[own("own")]), Err(ExtendError::TooLate));
    }

    #[test]
    fn fixed_parts_are_whole_sms() {
        assert_eq!(
            [1, 2, 1].map(|weight| fixed_part(108, weight, 4)),
            [27, 54, 27]
        );
        assert_eq!(
            [1, 1, 1].map(|weight| fixed_part(80, weight, 3)),
            [26, 26, 26]
        );
        assert_eq!(fixed_part(10, 1, 48), 1);
    }

    /// The first client is idle: the others divide what it leaves.
    #[test]
    fn what_one_leaves_the_others_have() {
        let clients = [(0.0, 2.0, 0), (100.0, 1.0, 1), (100.0, 1.0, 1)];
        for policy in [
            "mps-default",
            "mps-proportional",
            "mps-per-stream",
            "mps-priority",
        ] {
            assert_eq!(
                divide(policy, 100.0, &clients),
                [0.0, 50.0, 50.0],
                "{policy}"
            );
        }
    }

    /// Nobody has more than it wants, nor all together more than there is, and nothing that somebody wants is
    /// left.
    #[test]
    fn grants_stay_within_demand_and_supply() {
        let wants = [0.0, 1.0, 7.0, 30.0, 80.0, 200.0];
        for policy in all() {
            for a in wants {
                for b in wants {
                    for c in wants {
                        let clients = [a, b, c].map(|wanted| Demand {
                            wanted,
                            weight: 1.0 + (wanted % 5.0),
                            priority: wanted as i32 % 3,
                            operations: u32::from(wanted > 0.0) * 2,
                        });
                        let mut granted = Vec::new();
                        policy.division.divide(100.0, &clients, &mut granted);
                        let sum: f64 = granted.iter().sum();
                        let wanted = a + b + c;
                        for (part, client) in granted.iter().zip(&clients) {
                            assert!(*part <= client.wanted && *part >= 0.0);
                        }
                        assert!((sum - wanted.min(100.0)).abs() < 1e-9, "{policy:?}");
                    }
                }
            }
        }
    }
}
