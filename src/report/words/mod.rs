//! The words of what a result holds as kinds, names and numbers: the one place where its text is made.

mod findings;
mod reasons;
mod sharing;

pub use findings::{broken, finding, invariant, notices, overload, warm_up, witness};
pub use reasons::{found, grounds, method, reason};
pub use sharing::{holding, horizon, load, memory_of, sharing, slices};

use crate::result::{MeanOf, ObjectiveVerdict};

/// `response.p99 of render under fixed-share`; nothing of nobody.
pub fn mean_of(of: Option<&MeanOf>) -> String {
    of.map_or(String::new(), |found| {
        format!("{} of {} under {}", found.metric, found.of, found.policy)
    })
}

/// `pass`, `fail` or `undecided`, as tables and baselines write it.
pub fn objective_verdict(verdict: ObjectiveVerdict) -> &'static str {
    match verdict {
        ObjectiveVerdict::Pass => "pass",
        ObjectiveVerdict::Fail => "fail",
        ObjectiveVerdict::Undecided => "undecided",
    }
}
