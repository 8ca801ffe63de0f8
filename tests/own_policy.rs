//! What a crate with a policy of its own has as its test: the recipe of docs/policies.md quotes it. A program of its
//! own, for the registry is extended once for the process.

#[allow(dead_code, reason = "its `main` is for the example")]
#[path = "../examples/own_policy.rs"]
mod own_policy;

use own_policy::TWO_LEVELS;

#[test]
fn it_keeps_what_it_declares() {
    let result = warpshare::conformance::check(&[TWO_LEVELS]);
    result.unwrap_or_else(|broken| panic!("{broken}"));
}
