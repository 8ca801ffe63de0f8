//! The registry: the schedulers that a scenario can name.
//!
//! A program that depends on this crate adds its own with [`extend`] before it reads scenarios; they
//! then have every command that the built-in ones have (`examples/own_policy.rs`).

use super::run_list::RunList;
use super::{
    Parameter, Policy, Preempts, Properties, Setting, Starvation, TimeSlice, Weights,
    deficit_round_robin, earliest_deadline, eevdf, equal_share, first_come, fixed_share, gpreempt,
    gvt_g, least_attained, lottery, periodic_server, priority, properties, shortest_remaining,
    start_time_fair, stride, weighted_share, work_conserving_fixed, xe_sriov,
};
use crate::engine::random::Stream;
use crate::engine::time::{MILLISECOND, Nanos};
use std::sync::OnceLock;
use thiserror::Error;

/// A scheduler by name.
#[derive(Clone, Copy)]
pub struct Registered {
    /// As written in scenarios.
    pub name: &'static str,
    /// One sentence for help and documentation.
    pub about: &'static str,
    /// Where it is described.
    pub source: &'static str,
    /// Nominal slice where the scenario names none, or may name none since it is no [`Use::Slice`]; `None` =
    /// assumption `policy.slice`, or work that runs to its end.
    pub slice: Option<Nanos>,
    /// Whether it reserves turns ([`Policy::reserves`]).
    pub reserves: bool,
    /// What it promises.
    pub properties: Properties,
    /// What it takes from the `share` of a GPU and from guests, beside what every policy has.
    pub uses: &'static [Use],
    /// Keys of a `share` table that it brings itself, beside those of the program.
    pub parameters: &'static [Parameter],
    /// Builds the policy.
    pub build: fn(&Setup<'_>) -> Box<dyn Policy>,
}

/// A property of GPUs or guests that a policy goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The nominal slice.
    Slice,
    /// `weight` of guests.
    Weight,
    /// `priority` of guests.
    Priority,
    /// `reservation` of guests.
    Reservation,
    /// `deadline` of guests.
    Deadline,
    /// The number of turns of a round.
    ReservedTurns,
    /// [`Setup::draws`]: replications differ by the turns that it draws.
    Draws,
}

/// What a policy is built from.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    pub config: &'a TimeSlice,
    /// For policies that draw: a stream of this domain alone, the same in every variant of a scenario.
    pub draws: Stream,
}

impl Setup<'_> {
    /// The value of a parameter that the policy declares: what the scenario says, or its default.
    pub fn setting(&self, parameter: &Parameter) -> Setting {
        let mut given = self.config.parameters.iter();
        let found = given.find(|(name, _)| *name == parameter.name);
        found.map_or(parameter.default(), |&(_, setting)| setting)
    }
}

const NVIDIA: &str = "NVIDIA virtual GPU user guide 17.0, section 8.6";
const EVERYONE_IN_TURN: Properties = Properties {
    work_conserving: true,
    weights: Weights::Equal { slices: 1.0 },
    starvation: properties::ONE_TURN_EACH,
    preempts: Preempts::Never,
};
const RESERVED: Properties = Properties {
    work_conserving: false,
    ..EVERYONE_IN_TURN
};

/// The schedulers of the program, in the order in which help lists them.
const BUILT_IN: &[Registered] = &[
    Registered {
        name: "best-effort",
        about: "vGPUs with work take turns; idle ones are skipped (the vendor's default)",
        source: NVIDIA,
        slice: None,
        reserves: false,
        properties: EVERYONE_IN_TURN,
        uses: &[Use::Slice],
        parameters: &[],
        build: |setup| Box::new(RunList::new(setup.config.slice, setup.config.rotation)),
    },
    Registered {
        name: "equal-share",
        about: "running vGPUs have equal reserved shares, busy or idle",
        source: NVIDIA,
        slice: None,
        reserves: true,
        properties: RESERVED,
        uses: &[Use::Slice],
        parameters: &[],
        build: |setup| Box::new(equal_share::build(setup.config)),
    },
    Registered {
        name: "weighted-share",
        about: "running vGPUs have reserved shares by weight, busy or idle",
        source: "after NVIDIA open kernel modules 590.44.01, RmPVMRL bit 3",
        slice: None,
        reserves: true,
        properties: weighted_share::PROPERTIES,
        uses: &[Use::Slice, Use::Weight],
        parameters: &[],
        build: |setup| Box::new(weighted_share::build(setup.config)),
    },
    Registered {
        name: "fixed-share",
        about: "every vGPU has 1 / (maximum of its type per GPU), however many run",
        source: NVIDIA,
        slice: None,
        reserves: true,
        properties: Properties {
            starvation: Starvation::ReservedTurns,
            ..RESERVED
        },
        uses: &[Use::Slice, Use::ReservedTurns],
        parameters: &[],
        build: |setup| Box::new(fixed_share::build(setup.config)),
    },
    Registered {
        name: "round-robin",
        about: "CUDA contexts with work take turns on a bare GPU",
        source: "time-sliced channel groups of NVIDIA's open kernel modules (kernel_fifo)",
        slice: None,
        reserves: false,
        properties: EVERYONE_IN_TURN,
        uses: &[Use::Slice],
        parameters: &[],
        build: |setup| Box::new(RunList::new(setup.config.slice, setup.config.rotation)),
    },
    Registered {
        name: "fifo",
        about: "each piece of work runs to its end in order of arrival (for comparison with theory)",
        source: "queueing theory: first come, first served",
        slice: None,
        reserves: false,
        properties: first_come::PROPERTIES,
        uses: &[],
        parameters: &[],
        build: |_| Box::new(first_come::build()),
    },
    Registered {
        name: "deficit-round-robin",
        about: "turns as long as weights say, less what was taken too much",
        source: "Shreedhar and Varghese, SIGCOMM 1995",
        slice: None,
        reserves: false,
        properties: deficit_round_robin::PROPERTIES,
        uses: &[Use::Slice, Use::Weight],
        parameters: &[],
        build: |setup| {
            let policy = deficit_round_robin::DeficitRoundRobin::new(setup.config.slice);
            Box::new(policy)
        },
    },
    Registered {
        name: "stride",
        about: "the least running time per weight goes first",
        source: "Waldspurger and Weihl, MIT/LCS/TM-528, 1995",
        slice: None,
        reserves: false,
        properties: stride::PROPERTIES,
        uses: &[Use::Slice, Use::Weight],
        parameters: &[],
        build: |setup| Box::new(stride::build(setup.config.slice)),
    },
    Registered {
        name: "start-time-fair",
        about: "the least virtual start tag goes first",
        source: "Goyal, Vin and Cheng, SIGCOMM 1996",
        slice: None,
        reserves: false,
        properties: start_time_fair::PROPERTIES,
        uses: &[Use::Slice, Use::Weight],
        parameters: &[],
        build: |setup| Box::new(start_time_fair::build(setup.config.slice)),
    },
    Registered {
        name: "eevdf",
        about: "the earliest virtual deadline of those that have had no more than their share goes first",
        source: "Stoica et al., RTSS 1996",
        slice: None,
        reserves: false,
        properties: eevdf::PROPERTIES,
        uses: &[Use::Slice, Use::Weight],
        parameters: &[],
        build: |setup| Box::new(eevdf::Eevdf::new(setup.config.slice)),
    },
    Registered {
        name: "lottery",
        about: "every turn is drawn by weight",
        source: "Waldspurger and Weihl, OSDI 1994",
        slice: None,
        reserves: false,
        properties: lottery::PROPERTIES,
        uses: &[Use::Slice, Use::Weight, Use::Draws],
        parameters: &[],
        build: |setup| Box::new(lottery::Lottery::new(setup.config.slice, setup.draws)),
    },
    Registered {
        name: "priority",
        about: "the largest priority goes first and takes the SMs; equals take turns",
        source: "Cobham, Operations Research 2, 1954; Kleinrock 1976, section 3.6",
        slice: None,
        reserves: false,
        properties: priority::PREEMPTIVE,
        uses: &[Use::Slice, Use::Priority],
        parameters: &[],
        build: |setup| Box::new(priority::preemptive(setup.config.slice)),
    },
    Registered {
        name: "priority-non-preemptive",
        about: "the largest priority goes first when the SMs are free; work runs to its end",
        source: "Cobham, Operations Research 2, 1954; Kleinrock 1976, section 3.6",
        slice: None,
        reserves: false,
        properties: priority::NON_PREEMPTIVE,
        uses: &[Use::Priority],
        parameters: &[],
        build: |_| Box::new(priority::non_preemptive()),
    },
    Registered {
        name: "earliest-deadline",
        about: "the job with the earliest deadline goes first and takes the SMs",
        source: "Liu and Layland, Journal of the ACM 20, 1973",
        slice: None,
        reserves: false,
        properties: earliest_deadline::PROPERTIES,
        uses: &[Use::Deadline],
        parameters: &[],
        build: |_| Box::new(earliest_deadline::build()),
    },
    Registered {
        name: "periodic-server",
        about: "every tenant has its budget in each period and no more",
        source: "Strosnider, Lehoczky and Sha 1995; Shin and Lee, RTSS 2003",
        slice: None,
        reserves: false,
        properties: periodic_server::PROPERTIES,
        uses: &[Use::Slice, Use::Weight, Use::Reservation],
        parameters: &[],
        build: |setup| Box::new(periodic_server::PeriodicServer::new(setup.config.slice)),
    },
    Registered {
        name: "least-attained",
        about: "the work that has had least of the SMs goes first and takes them",
        source: "Kleinrock 1976, section 4.6; Gu et al. (Tiresias), NSDI 2019",
        slice: None,
        reserves: false,
        properties: least_attained::PROPERTIES,
        uses: &[Use::Slice],
        parameters: &[],
        build: |setup| Box::new(least_attained::build(setup.config.slice)),
    },
    Registered {
        name: "shortest-remaining",
        about: "the work that is done first goes first: an oracle",
        source: "Schrage and Miller, Operations Research 14, 1966",
        slice: None,
        reserves: false,
        properties: shortest_remaining::PROPERTIES,
        uses: &[],
        parameters: &[],
        build: |_| Box::new(shortest_remaining::build()),
    },
    Registered {
        name: "fixed-share-work-conserving",
        about: "fixed share whose unused turns go to others: what the vendor's leaves on the table",
        source: "slots of fixed share; Kleinrock 1976, section 3.4",
        slice: None,
        reserves: false,
        properties: work_conserving_fixed::PROPERTIES,
        uses: &[Use::Slice, Use::ReservedTurns],
        parameters: &[],
        build: |setup| {
            let turns = setup.config.reserved_turns.unwrap_or(0);
            let slice = setup.config.slice;
            Box::new(work_conserving_fixed::WorkConservingFixed::new(
                slice, turns,
            ))
        },
    },
    Registered {
        name: "xe-sriov",
        about: "virtual functions take turns of their execution quantum; by priority also without work",
        source: "Linux, xe driver: guc_klvs_abi.h, sysfs-driver-intel-xe-sriov",
        slice: None,
        reserves: false,
        properties: xe_sriov::PROPERTIES,
        uses: &[Use::Slice, Use::Weight, Use::Priority],
        parameters: &[xe_sriov::LONGEST_QUANTUM],
        build: |setup| {
            let longest = setup.setting(&xe_sriov::LONGEST_QUANTUM).whole();
            Box::new(xe_sriov::XeSriov::new(setup.config.slice, longest))
        },
    },
    Registered {
        name: "gvt-g",
        about: "vGPUs have time by weight in each period of 100 slices, and no more",
        source: "Linux, i915 driver: gvt/sched_policy.c",
        slice: Some(MILLISECOND),
        reserves: false,
        properties: gvt_g::PROPERTIES,
        uses: &[Use::Slice, Use::Weight],
        parameters: &[gvt_g::PERIOD, gvt_g::STAGES],
        build: |setup| {
            let whole = |parameter| setup.setting(parameter).whole();
            let (slices, stages) = (whole(&gvt_g::PERIOD), whole(&gvt_g::STAGES));
            Box::new(gvt_g::GvtG::new(setup.config.slice, slices, stages))
        },
    },
    Registered {
        name: "gpreempt",
        about: "contexts take turns of 1 s if urgent (priority above 0), of 1 µs if not",
        source: "Fan et al., USENIX ATC 2025, and its code",
        slice: Some(gpreempt::SLICE),
        reserves: false,
        properties: gpreempt::PROPERTIES,
        uses: &[Use::Priority],
        parameters: &[gpreempt::URGENT],
        build: |setup| {
            let urgent = setup.setting(&gpreempt::URGENT).whole();
            Box::new(gpreempt::Gpreempt::new(setup.config.slice, urgent))
        },
    },
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
