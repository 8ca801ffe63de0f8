//! The model by hand and by property: draws, arrivals, turns, sharing in space, memory, engines, policies,
//! statistics.

#[path = "../common/mod.rs"]
mod common;

mod arrivals;
mod chance;
mod classes;
mod commands;
mod cuts;
mod dist_draws;
mod dist_parameters;
mod divisions;
mod draws;
mod encoders;
mod engines;
mod histograms;
mod identities;
mod inside;
mod invariants;
mod memory;
mod naive;
mod paths;
mod pieces;
mod polling;
mod random;
mod roofline;
mod schedules;
mod sharing_in_space;
mod stats;
mod timeouts;
mod traces;
mod vectors;
