//! From one set of GPU instances to another: what must be destroyed and created, and what prevents
//! it.

use super::fit::{Fit, fit};
use super::instances::{GpuInstances, Placed};
use super::refusal::Refusal;
use super::request::Request;
use std::cmp::Reverse;
use std::fmt;

/// How long each step takes, in nanoseconds. The defaults are named assumptions:
/// [`super::INSTANCE_CREATE`] and its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durations {
    pub instance_create_ns: u64,
    pub instance_destroy_ns: u64,
    pub compute_create_ns: u64,
    pub compute_destroy_ns: u64,
}

impl Default for Durations {
    fn default() -> Durations {
        const TENTH: u64 = 100_000_000; // the "100ms" of the assumptions
        Durations {
            instance_create_ns: TENTH,
            instance_destroy_ns: TENTH,
            compute_create_ns: TENTH,
            compute_destroy_ns: TENTH,
        }
    }
}

/// One thing that the driver is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    DestroyCompute {
        instance: Placed,
        ordinal: u32,
    },
    DestroyInstance(Placed),
    /// With the start that it gets; `None` if it gets none, because it is blocked.
    CreateInstance {
        request: Request,
        placed: Option<Placed>,
    },
    /// The default compute instance of a new GPU instance.
    CreateCompute(Placed),
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::DestroyCompute { instance, ordinal } => {
                write!(out, "destroy compute instance {ordinal} of {instance}")
            }
            Action::DestroyInstance(placed) => write!(out, "destroy {placed}"),
            Action::CreateInstance {
                placed: Some(placed),
                ..
            } => write!(out, "create {placed}"),
            Action::CreateInstance { request, .. } => write!(out, "create {request}"),
            Action::CreateCompute(placed) => {
                write!(out, "create the compute instance of {placed}")
            }
        }
    }
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub action: Action,
    /// When it begins, nanoseconds after the plan's beginning.
    pub at_ns: u64,
    /// How long it takes; 0 for a blocked step.
    pub takes_ns: u64,
    /// Why it cannot be done.
    pub blocked: Option<Refusal>,
}

/// How to get from what exists to what is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Instances that stay, because they are wanted or because they are in use.
    pub kept: Vec<Placed>,
    /// In order: compute instances go first, then their GPU instances, then new ones come.
    pub steps: Vec<Step>,
    /// Sum over the steps that are not blocked.
    pub takes_ns: u64,
    /// What exists afterwards.
    pub after: GpuInstances,
}

impl Plan {
    /// Whether everything that is wanted exists afterwards, and nothing else.
    pub fn complete(&self) -> bool {
        self.steps.iter().all(|step| step.blocked.is_none())
    }
}

/// A plan from what exists to the wanted instances.
///
/// Instances that are wanted stay where they are; of several choices the one that lets most requests
/// be met, then the one that keeps most, then lowest starts. Instances with clients are never
/// touched: the steps that would are in the plan, marked as blocked, and what they hold is not
/// available to others. Nothing moves. New instances get their starts by the driver's rule; if the
/// list fits only with chosen starts, it is given those.
///
/// # Errors
///
/// [`Refusal::NoSuchProfile`] for a request that no state of the GPU could meet.
pub fn plan(
    current: &GpuInstances,
    wanted: &[Request],
    durations: Durations,
) -> Result<Plan, Refusal> {
    let profiles: Vec<usize> = wanted
        .iter()
        .map(|request| current.index(&request.profile))
        .collect::<Result<_, _>>()?;
    let count = current.instances().len();
    let mut best: Option<((usize, usize), Plan)> = None;
    // At most eight instances exist: all choices of what to keep can be tried. Keeping much, and
    // low starts first, comes first, so that ties go there.
    let mut masks: Vec<u32> = (0..1_u32 << count.min(16)).collect();
    masks.sort_by_key(|mask| Reverse((mask.count_ones(), mask.reverse_bits())));
    for mask in masks {
        let Some(rest) = unmet(current, wanted, &profiles, mask) else {
            continue;
        };
        let kept = mask.count_ones() as usize;
        let made = make(current, &rest, mask, durations);
        let blocked = made.steps.iter().filter(|s| s.blocked.is_some()).count();
        let score = (blocked, count - kept);
        if best.as_ref().is_none_or(|(least, _)| score < *least) {
            best = Some((score, made));
        }
    }
    // The empty choice is always possible, so there is a best.
    Ok(best.map_or_else(|| make(current, wanted, 0, durations), |(_, plan)| plan))
}

/// The requests that the kept instances do not meet; `None` if a kept one is not wanted.
fn unmet(
    current: &GpuInstances,
    wanted: &[Request],
    profiles: &[usize],
    mask: u32,
) -> Option<Vec<Request>> {
    let mut open: Vec<usize> = (0..wanted.len()).collect();
    for (at, gi) in current.instances().iter().enumerate() {
        if mask & (1 << at) == 0 {
            continue;
        }
        let meets = |start: Option<u32>| {
            move |&&request: &&usize| {
                profiles[request] == gi.profile && wanted[request].start == start
            }
        };
        let met = *open
            .iter()
            .find(meets(Some(gi.start)))
            .or_else(|| open.iter().find(meets(None)))?;
        open.retain(|&request| request != met);
    }
    Some(open.into_iter().map(|at| wanted[at].clone()).collect())
}

fn make(current: &GpuInstances, rest: &[Request], mask: u32, durations: Durations) -> Plan {
    let mut plan = Plan {
        kept: Vec::new(),
        steps: Vec::new(),
        takes_ns: 0,
        after: current.clone(),
    };
    for (at, gi) in current.instances().iter().enumerate() {
        let instance = current.placed_of(gi);
        if mask & (1 << at) != 0 {
            plan.kept.push(instance);
            continue;
        }
        for ci in &gi.compute {
            let done = plan.after.destroy_compute(gi.start, ci.ordinal);
            let action = Action::DestroyCompute {
                instance: instance.clone(),
                ordinal: ci.ordinal,
            };
            plan.step(action, durations.compute_destroy_ns, done.err());
        }
        let done = plan.after.destroy(gi.start);
        if done.is_err() {
            plan.kept.push(instance.clone());
        }
        let action = Action::DestroyInstance(instance);
        plan.step(action, durations.instance_destroy_ns, done.err());
    }
    let starts = match fit(&plan.after, rest) {
        Fit::Fits(placed) => Some(placed),
        Fit::No(why) => why.with_starts,
    };
    for (at, request) in rest.iter().enumerate() {
        let start = starts
            .as_ref()
            .map_or(request.start, |placed| Some(placed[at].start));
        let done = plan.after.create(&request.profile, start);
        let placed = done.as_ref().ok().cloned();
        let action = Action::CreateInstance {
            request: request.clone(),
            placed: placed.clone(),
        };
        plan.step(action, durations.instance_create_ns, done.err());
        if let Some(placed) = placed {
            let done = plan.after.create_compute(placed.start, None);
            let action = Action::CreateCompute(placed);
            plan.step(action, durations.compute_create_ns, done.err());
        }
    }
    plan
}

impl Plan {
    fn step(&mut self, action: Action, takes_ns: u64, blocked: Option<Refusal>) {
        let takes_ns = if blocked.is_some() { 0 } else { takes_ns };
        self.steps.push(Step {
            action,
            at_ns: self.takes_ns,
            takes_ns,
            blocked,
        });
        self.takes_ns = self.takes_ns.saturating_add(takes_ns);
    }
}
