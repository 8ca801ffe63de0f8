//! Against the world outside: theory, published measurements, the guest kinds built on them.

#[path = "../common/mod.rs"]
mod common;

mod calibrate;
mod coverage;
mod guest_kinds;
mod measurements;
mod theory;
mod ways_to_share;
