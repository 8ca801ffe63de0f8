//! What the vGPU manager admits: which vGPUs and contexts may stand on one GPU together.
//!
//! Admission looks at plain facts and requests and never at a running simulation; see
//! [`admission::admit`].

pub mod admission;
pub mod placement;
mod request;
mod rules;
mod vf;

pub use rules::{Rule, rules_as_markdown};
pub use vf::{VF_ASSUMPTION, VfOrigin, VfTotal, vf_total};
