//! Every scheduler keeps what its `Properties` declare: those of the registry, and the examples of ones outside of
//! it; and the suite finds what is declared and not kept. A program of its own: it extends the registry, once for
//! the process.

#[allow(dead_code, reason = "its `main` is for the example")]
#[path = "../examples/own_policy.rs"]
mod own_policy;

use own_policy::{LONGEST_IDLE_FIRST, TWO_LEVELS};
use std::sync::Once;
use warpshare::conformance::{Refusal, check};
use warpshare::policy::registry::{self, Registered};
use warpshare::policy::{Preempts, Properties, Starvation, Weights};

/// The first example's policy under declarations that are not true, and the check that finds each of them out.
const LIES: [(Registered, &str); 7] = [
    (
        lie(
            "idle",
            Properties {
                work_conserving: false,
                ..HONEST
            },
        ),
        "it leaves SMs unused as declared",
    ),
    (
        lie(
            "fairer",
            Properties {
                weights: Weights::Equal { slices: 0.5 },
                ..HONEST
            },
        ),
        "running times follow weights as declared",
    ),
    (
        lie(
            "by-weight",
            Properties {
                weights: Weights::Proportional { slices: 2.0 },
                ..HONEST
            },
        ),
        "running times follow weights as declared",
    ),
    (
        lie(
            "on-average",
            Properties {
                weights: Weights::OnAverage,
                ..HONEST
            },
        ),
        "average shares follow weights",
    ),
    (
        lie(
            "prompt",
            Properties {
                starvation: Starvation::Slices(|_, _| 1.0),
                ..HONEST
            },
        ),
        "nobody waits for longer than declared",
    ),
    (
        lie(
            "starving",
            Properties {
                starvation: Starvation::Unbounded,
                ..HONEST
            },
        ),
        "without a bound somebody starves",
    ),
    (
        lie(
            "urgent",
            Properties {
                preempts: Preempts::Urgent,
                ..HONEST
            },
        ),
        "it preempts as declared",
    ),
];

const HONEST: Properties = LONGEST_IDLE_FIRST.properties;

const fn lie(name: &'static str, properties: Properties) -> Registered {
    Registered {
        name,
        properties,
        ..LONGEST_IDLE_FIRST
    }
}

/// Every scheduler that says the truth. To be called before anything else that looks at the registry.
fn policies() -> Vec<Registered> {
    static EXTENDED: Once = Once::new();
    EXTENDED.call_once(|| {
        let mut own = vec![LONGEST_IDLE_FIRST, TWO_LEVELS];
        own.extend(LIES.map(|(lie, _)| lie));
        registry::extend(&own).expect("nobody has looked yet");
    });
    let all = registry::all().iter().copied();
    let lies = |policy: &Registered| LIES.iter().any(|(lie, _)| lie.name == policy.name);
    all.filter(|policy| !lies(policy)).collect()
}

#[test]
fn every_scheduler_keeps_what_it_declares() {
    let policies = policies();
    assert!(policies.len() > 20);
    check(&policies).unwrap_or_else(|broken| panic!("{broken}"));
}

#[test]
fn what_is_declared_and_not_kept_is_found() {
    policies();
    for (lie, finds) in LIES {
        match check(&[lie]) {
            Err(Refusal::Violated(violations)) => {
                let found: Vec<&str> = violations.iter().map(|violation| violation.check).collect();
                assert!(found.contains(&finds), "{}: {violations:?}", lie.name);
            }
            other => panic!("{}: {other:?}", lie.name),
        }
    }
}

/// A policy that preempts some work may say neither that it never does, nor that it always does.
#[test]
fn preemption_of_some_work_is_a_word_of_its_own() {
    policies();
    for preempts in [Preempts::Never, Preempts::Urgent] {
        // Known under its name; what it declares here is what is checked.
        let properties = Properties {
            preempts,
            ..TWO_LEVELS.properties
        };
        let lie = Registered {
            properties,
            ..TWO_LEVELS
        };
        match check(&[lie]) {
            Err(Refusal::Violated(violations)) => {
                assert_eq!(violations[0].check, "it preempts as declared");
            }
            other => panic!("{preempts:?}: {other:?}"),
        }
    }
}
