//! By what method a number was found, and why it is missing or has no interval.

use crate::metrics::{Found, Observation, write_nanos};
use crate::report::units::short;
use crate::result::{Grounds, Method, Reason, Remedy};

/// How a figure was found, as the tables write it.
pub fn found(how: Found) -> String {
    let text = match how {
        Found::Estimated(estimated) => return method(estimated),
        Found::Observed(Observation::Counted) => "count",
        Found::Observed(Observation::Largest) => "largest observed",
        Found::Observed(Observation::Pooled) => "pooled, no interval",
        Found::Observed(Observation::Given) => "scenario",
        Found::Observed(Observation::Mser5) => "MSER-5",
    };
    text.to_owned()
}

/// What an interval rests on.
pub fn method(method: Method) -> String {
    let text = match method {
        Method::None => "none",
        Method::NoChance => "no chance",
        Method::T => "t over replications",
        Method::Jackknife => "jackknife over replications",
        Method::BatchMeans { batches: None } => "batch means in one run",
        Method::BatchMeans {
            batches: Some(batches),
        } => return format!("{batches} batch means in one run"),
        Method::Sectioning => "sectioning",
        Method::Inversion => "inversion",
    };
    text.to_owned()
}

/// Why a number is missing or has no interval.
pub fn reason(reason: &Reason) -> String {
    let text = match reason {
        Reason::NoReplications => "no replications",
        Reason::NoJobsEnded => "no jobs completed",
        Reason::NoJobsArrived => "no jobs arrived",
        Reason::NoRequestsEnded => "no requests ended",
        Reason::NoTokens => "no tokens",
        Reason::JobsLeft => "not all jobs ended within the run",
        Reason::NoBaselines => "baselines were not run",
        Reason::NoProgress => "baselines were not run, or a guest completed nothing",
        Reason::OneGuest => "fewer than two guests",
        Reason::NoValue => "no value",
        Reason::Overloaded => "overloaded: at least",
        Reason::GuestOverloaded { guest } => return format!("{guest} is overloaded"),
        Reason::OneReplication => "one replication: no interval",
        Reason::NothingDrawn => "no interval: nothing is drawn, so all replications are the same",
        Reason::ReplicationsWithout { replications } => {
            return format!("{replications} replications without a value");
        }
        Reason::TooFewReplications => "too few replications with a value for an interval",
        Reason::TooFewForBatches => {
            "one replication, and too few jobs for batch means: no interval"
        }
        Reason::DependentBatches => {
            "one replication, whose batch means depend on each other: too short for an interval"
        }
        Reason::WideInOneRun { limit } => {
            let limit = short(limit * 100.0);
            return format!(
                "from one run, and wider than {limit} % of the value: not to be relied on"
            );
        }
        Reason::NotReported {
            jobs,
            least,
            remedy,
        } => {
            let remedy = keys(remedy);
            return format!("not reported: {jobs} jobs, fewer than {least}{remedy}");
        }
        Reason::TooLittleData => TOO_LITTLE,
        Reason::AlikeJobs { replications } => {
            return format!(
                "{TOO_LITTLE}: the jobs of a replication are alike, and it takes about {replications} \
                 replications (replications = {replications})"
            );
        }
        Reason::TooFewJobs {
            jobs,
            needed,
            remedy,
        } => {
            let remedy = keys(remedy);
            return format!(
                "{TOO_LITTLE}: about {needed} jobs are needed, {jobs} there are{remedy}"
            );
        }
    };
    text.to_owned()
}

const TOO_LITTLE: &str = "not enough data for an interval";

/// The keys of `[run]` that supply more data, in brackets.
fn keys(remedy: &Remedy) -> String {
    let number = remedy.replications.map(|n| format!("replications = {n}"));
    let length = remedy.duration_ns;
    let length = length.map(|ns| format!("duration = \"{}\"", write_nanos(ns as f64)));
    match (number, length) {
        (Some(number), Some(length)) => format!(" ({number} or {length})"),
        (Some(one), None) | (None, Some(one)) => format!(" ({one})"),
        (None, None) => String::new(),
    }
}

/// Why an objective is undecided, or decided without an interval.
pub fn grounds(grounds: &Grounds) -> String {
    let text = match grounds {
        Grounds::Overloaded => "the guest is overloaded",
        Grounds::AtLeast => "the guest is overloaded: the value is at least this, and grows",
        Grounds::NoValue => "no value",
        Grounds::NoInterval => "no interval",
        Grounds::Missing(why) => return reason(why),
        Grounds::NothingDrawn => "nothing in it is left to chance: decided by the value itself",
        Grounds::Same => "every replication has this value: decided by the value itself",
        Grounds::Largest => {
            "the largest that was observed: decided by it, and no bound on longer runs"
        }
        Grounds::Covers => "the interval covers the bound: more replications decide",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_the_keys_that_supply_it() {
        let remedy = |replications, duration_ns| Remedy {
            replications,
            duration_ns,
        };
        let short = |remedy| {
            reason(&Reason::TooFewJobs {
                jobs: 100,
                needed: 200,
                remedy,
            })
        };
        let start = "not enough data for an interval: about 200 jobs are needed, 100 there are";
        assert_eq!(
            short(remedy(Some(10), Some(60_000_000_000))),
            format!("{start} (replications = 10 or duration = \"1min\")")
        );
        assert_eq!(
            short(remedy(Some(10), None)),
            format!("{start} (replications = 10)")
        );
        assert_eq!(short(remedy(None, None)), start);
        assert_eq!(
            reason(&Reason::WideInOneRun { limit: 0.15 }),
            "from one run, and wider than 15 % of the value: not to be relied on"
        );
    }
}
