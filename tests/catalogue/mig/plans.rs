//! Reconfiguration: what stays, what goes, what is blocked.

use super::{A100, list, names, with};
use warpshare::mig::{Action, Durations, Plan, Refusal, plan};

/// From `existing`, each with its default compute instance, those at `busy` with a client.
fn made(existing: &str, busy: &[u32], wanted: &str) -> Plan {
    let mut gpu = with(A100, existing);
    for placed in gpu.placed() {
        gpu.create_compute(placed.start, None).expect("empty");
    }
    for &start in busy {
        gpu.attach(start, 0).expect("it exists");
    }
    plan(&gpu, &list(wanted), Durations::default()).expect("known profiles")
}

fn actions(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|s| s.action.to_string()).collect()
}

#[test]
fn plans_keep_what_is_wanted_and_touch_idle_instances_only() {
    let found = made("3g@4,1g@0,1g@1", &[4], "3g,2g,2g");
    assert!(found.complete());
    assert_eq!(names(&found.kept), ["3g.20gb@4"]);
    assert_eq!(
        actions(&found),
        [
            "destroy compute instance 0 of 1g.5gb@0",
            "destroy 1g.5gb@0",
            "destroy compute instance 0 of 1g.5gb@1",
            "destroy 1g.5gb@1",
            "create 2g.10gb@0",
            "create the compute instance of 2g.10gb@0",
            "create 2g.10gb@2",
            "create the compute instance of 2g.10gb@2",
        ]
    );
    assert_eq!(found.takes_ns, 800_000_000);
    assert_eq!(found.steps[7].at_ns, 700_000_000);
    assert_eq!(
        names(&found.after.placed()),
        ["2g.10gb@0", "2g.10gb@2", "3g.20gb@4"]
    );
    // Clients of what stays are still there.
    assert!(found.after.at(4).is_some_and(|gi| gi.in_use()));
}

#[test]
fn plans_mark_what_is_in_use_as_blocked() {
    let found = made("3g@4,3g@0", &[0], "7g");
    assert!(!found.complete());
    let blocked: Vec<(String, String)> = found
        .steps
        .iter()
        .filter_map(|s| Some((s.action.to_string(), s.blocked.as_ref()?.to_string())))
        .collect();
    assert_eq!(blocked[0].0, "destroy compute instance 0 of 3g.20gb@0");
    assert!(blocked[0].1.contains("in use by 1 client"), "{blocked:?}");
    assert_eq!(blocked[1].0, "destroy 3g.20gb@0");
    assert_eq!(blocked[2].0, "create 7g");
    assert!(
        blocked[2].1.contains("`3g.20gb@0` holds the rest"),
        "{blocked:?}"
    );
    assert_eq!(blocked.len(), 3);
    assert_eq!(names(&found.kept), ["3g.20gb@0"]);
    assert_eq!(found.takes_ns, 200_000_000, "blocked steps take no time");
}

#[test]
fn plans_choose_what_to_keep_so_that_the_rest_fits() {
    // Keeping the 1g at 0 would leave no half for the 4g; the one at 6 can stay.
    let found = made("1g@0,1g@6", &[], "4g,1g");
    assert!(found.complete());
    assert_eq!(names(&found.kept), ["1g.5gb@6"]);
    // An order that fails by the driver's choice gets starts.
    let found = made("", &[], "1g,1g,2g,3g");
    assert!(found.complete());
    assert_eq!(
        names(&found.after.placed()),
        ["1g.5gb@0", "1g.5gb@1", "2g.10gb@2", "3g.20gb@4"]
    );
    // All else equal, the lowest starts stay.
    let found = made("1g@0,1g@3,1g@6", &[], "1g,1g");
    assert_eq!(names(&found.kept), ["1g.5gb@0", "1g.5gb@3"]);
    // What is in use stays before what is idle.
    let found = made("1g@0,1g@3,1g@6", &[6], "1g");
    assert_eq!(names(&found.kept), ["1g.5gb@6"]);
    // Starts in the wish bind.
    let found = made("1g@0,1g@1", &[], "1g@1,2g@2");
    assert_eq!(names(&found.kept), ["1g.5gb@1"]);
    let nothing = made("3g@4", &[4], "3g");
    assert!(nothing.steps.is_empty());
    let unknown = plan(&with(A100, ""), &list("5g"), Durations::default());
    assert!(matches!(unknown, Err(Refusal::NoSuchProfile { .. })));
    let destroys = |a: &Action| matches!(a, Action::DestroyInstance(_));
    let all = made("3g@4,3g@0", &[], "");
    assert_eq!(all.steps.iter().filter(|s| destroys(&s.action)).count(), 2);
}
