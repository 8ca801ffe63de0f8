//! Whether policies keep what they declare: random scenarios, and some made for the purpose.
//!
//! A crate with a policy of its own has the whole suite in a test of two lines:
//!
//! ```no_run
//! # use warpshare_simulation::policy::registry::{self, Registered};
//! # fn mine() -> Registered { registry::all()[0] }
//! let result = warpshare_simulation::conformance::check(&[mine()]);
//! result.unwrap_or_else(|broken| panic!("{broken}"));
//! ```
//!
//! What is checked:
//!
//! - no work is lost or invented, all SM time is accounted for, and the same is run twice and at all three
//!   speeds, with one stream and with several;
//! - work-conserving policies are busy at exactly the same times as `fifo`, and others leave SMs unused;
//! - beside tenants that always have work, nobody waits for longer than declared, and running times in any
//!   interval, or on average, differ by no more than declared; who declares no bound starves somebody;
//! - reservations are honoured in every period;
//! - urgent work takes the SMs at once, in some cases only, or waits, as declared;
//! - neither the numbering of tenants nor the order of a file matters beyond that;
//! - entries may come and go at any time, and their numbers come again: turns are for those who are there, and once a
//!   few rounds have passed what is declared of waits and shares holds for them.
//!
//! Seeds are fixed: what holds once holds always.

mod bounds;
mod checks;
mod choice;
mod membership;
mod world;

use crate::policy::registry::{self, ExtendError, Registered};
use std::fmt;
use thiserror::Error;

/// Slices of a policy that takes one.
const SLICE: crate::engine::time::Nanos = crate::engine::time::MILLISECOND;
/// Turns of a round of policies that reserve them: more than there are tenants here.
const TURNS: u32 = 7;

/// Something that a policy does and does not declare, or declares and does not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Name of the policy.
    pub policy: &'static str,
    /// What was checked.
    pub check: &'static str,
    /// What happened.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: {}", self.policy, self.check, self.detail)
    }
}

/// Why a check of policies did not pass.
#[derive(Debug, Error)]
pub enum Refusal {
    /// They could not be added to the registry.
    #[error(transparent)]
    NotRegistered(#[from] ExtendError),
    /// They do not keep what they declare: the first violation of each check and policy.
    #[error("{}", .0.iter().map(Violation::to_string).collect::<Vec<_>>().join("\n"))]
    Violated(Vec<Violation>),
}

/// A check of one policy: what it is called, and what is wrong.
type Check = (&'static str, fn(&Registered) -> Result<(), String>);

const CHECKS: &[Check] = &[
    ("no work is lost or invented", checks::conserves),
    (
        "several streams lose no work either",
        checks::conserves_streams,
    ),
    ("it is busy as declared", checks::busy),
    ("it leaves SMs unused as declared", checks::leaves_unused),
    ("nobody waits for longer than declared", bounds::waits),
    ("running times follow weights as declared", bounds::shares),
    ("average shares follow weights", bounds::average_shares),
    ("shares do not depend on the numbering", bounds::numbering),
    ("reservations are honoured", bounds::reservations),
    ("without a bound somebody starves", bounds::starves),
    ("it preempts as declared", checks::preempts),
    ("the order of a file does not matter", checks::file_order),
    ("turns are for those who are there", membership::come_and_go),
    (
        "it keeps its word as entries come and go",
        membership::settle,
    ),
];

/// Checks these policies. They are added to the [registry] if they are not in it yet, so nothing may have looked
/// at it before.
///
/// # Errors
///
/// If they cannot be added, or with all that they do not keep.
pub fn check(policies: &[Registered]) -> Result<(), Refusal> {
    if !policies.iter().all(registered) {
        registry::extend(policies)?;
    }
    let mut violations = Vec::new();
    for policy in policies {
        for &(check, holds) in CHECKS {
            if let Err(detail) = holds(policy) {
                violations.push(Violation {
                    policy: policy.name,
                    check,
                    detail,
                });
            }
        }
    }
    match violations.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Violated(violations)),
    }
}

/// Whether the registry has the policy; one that nobody has looked at is left so.
fn registered(policy: &Registered) -> bool {
    let mut all = registry::settled().iter();
    all.any(|other| other.name == policy.name)
}

/// `Err` with a message, unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($message:tt)*) => {
        // A comparison with a number that is none does not hold.
        let holds: bool = $holds;
        if !holds {
            return Err(format!($($message)*));
        }
    };
}
use ensure;
