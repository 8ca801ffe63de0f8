//! The registry: the schedulers that a scenario can name.
//!
//! A program that depends on this crate adds its own with [`extend`] before it reads scenarios; they
//! then have every command that the built-in ones have (`examples/own_policy.rs`).

pub use super::registered::{Registered, Setup, Use};
use super::{
    deficit_round_robin, earliest_deadline, eevdf, equal_share, first_come, fixed_share, gpreempt,
    gvt_g, least_attained, lottery, periodic_server, polling, priority, run_list,
    shortest_remaining, start_time_fair, stride, weighted_share, work_conserving_fixed, xe_sriov,
};
use std::sync::OnceLock;
use thiserror::Error;

/// The schedulers of the program, in the order in which help lists them.
const BUILT_IN: &[Registered] = &[
    run_list::BEST_EFFORT,
    equal_share::EQUAL_SHARE,
    weighted_share::WEIGHTED_SHARE,
    fixed_share::FIXED_SHARE,
    run_list::ROUND_ROBIN,
    first_come::FIFO,
    deficit_round_robin::DEFICIT_ROUND_ROBIN,
    stride::STRIDE,
    start_time_fair::START_TIME_FAIR,
    eevdf::EEVDF,
    lottery::LOTTERY,
    priority::PRIORITY,
    priority::PRIORITY_NON_PREEMPTIVE,
    earliest_deadline::EARLIEST_DEADLINE,
    periodic_server::PERIODIC_SERVER,
    least_attained::LEAST_ATTAINED,
    shortest_remaining::SHORTEST_REMAINING,
    work_conserving_fixed::FIXED_SHARE_WORK_CONSERVING,
    xe_sriov::XE_SRIOV,
    gvt_g::GVT_G,
    gpreempt::GPREEMPT,
    polling::POLLING,
];

static ALL: OnceLock<Vec<Registered>> = OnceLock::new();
static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();

/// Why policies cannot be added.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum ExtendError {
    #[error("there are two schedulers `{0}`")]
    Twice(&'static str),
    #[error("schedulers have been in use already: add yours at the start of the program")]
    TooLate,
    #[error("parameter `{parameter}` of scheduler `{scheduler}`: {why}")]
    Parameter {
        scheduler: &'static str,
        parameter: &'static str,
        why: &'static str,
    },
}

/// Keys of a `share` table that are the program's own.
pub const SHARE_KEYS: &[&str] = &[
    "mode",
    "interference",
    "division",
    "replicas",
    "scheduler",
    "arr",
    "frequency",
    "averaging_factor",
    "slice",
    "turns",
    "rotation",
    "on_completion",
    "on_idle",
    "ties",
    "reserved_turns",
    "elastic_cap",
];

/// Whether a scenario can name every parameter, and each default is one of its values.
fn check_parameters(scheduler: &Registered) -> Result<(), ExtendError> {
    for (index, one) in scheduler.parameters.iter().enumerate() {
        let before = &scheduler.parameters[..index];
        let why = if SHARE_KEYS.contains(&one.name) {
            "it is a key of every `share`"
        } else if before.iter().any(|other| other.name == one.name) {
            "there are two of this name"
        } else if !one.allows(one.default()) {
            "its default is out of its range"
        } else {
            continue;
        };
        return Err(ExtendError::Parameter {
            scheduler: scheduler.name,
            parameter: one.name,
            why,
        });
    }
    Ok(())
}

/// Adds schedulers to those of the program. Only once, and before any scenario is read.
///
/// # Errors
///
/// If a name is taken, a parameter cannot be named, or it is too late.
pub fn extend(own: &[Registered]) -> Result<(), ExtendError> {
    let all: Vec<Registered> = BUILT_IN.iter().chain(own).copied().collect();
    for (index, one) in all.iter().enumerate() {
        if all[..index].iter().any(|other| other.name == one.name) {
            return Err(ExtendError::Twice(one.name));
        }
        check_parameters(one)?;
    }
    ALL.set(all).map_err(|_| ExtendError::TooLate)
}

/// The schedulers as they are now, without settling who belongs to them.
pub fn settled() -> &'static [Registered] {
    ALL.get().map_or(BUILT_IN, Vec::as_slice)
}

/// All schedulers, in the order in which help lists them.
pub fn all() -> &'static [Registered] {
    ALL.get_or_init(|| BUILT_IN.to_vec())
}

/// Their names.
pub fn names() -> &'static [&'static str] {
    NAMES.get_or_init(|| all().iter().map(|scheduler| scheduler.name).collect())
}

/// The scheduler of this name.
pub fn find(name: &str) -> Option<&'static Registered> {
    all().iter().find(|scheduler| scheduler.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Parameter;

    #[test]
    fn a_name_is_given_once_and_in_time() {
        let twice = Err(ExtendError::Twice("stride"));
        assert_eq!(extend(&[*find("stride").unwrap()]), twice);
        let own = Registered {
            name: "own",
            ..all()[0]
        };
        assert_eq!(extend(&[own, own]), Err(ExtendError::Twice("own")));
        const SLICE: Parameter = Parameter {
            name: "slice",
            about: "",
            values: super::super::Values::Count {
                low: 1,
                high: 2,
                default: 1,
            },
        };
        let with = |parameters| Registered { parameters, ..own };
        let refused = |own| match extend(&[own]) {
            Err(ExtendError::Parameter { why, .. }) => why,
            other => panic!("{other:?}"),
        };
        assert!(refused(with(&[SLICE])).contains("every `share`"));
        const A: Parameter = Parameter { name: "a", ..SLICE };
        assert!(refused(with(&[A, A])).contains("two"));
        assert_eq!(extend(&[own]), Err(ExtendError::TooLate));
        assert!(find("own").is_none());
    }
}
