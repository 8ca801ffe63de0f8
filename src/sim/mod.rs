//! The world: builds cells from a [`Scenario`](crate::scenario::Scenario) and runs them.
//!
//! This is the only place where engine, boards, policies and workloads meet. What happens is told to
//! an [`Observer`]; nothing here computes a statistic.

mod build;
pub mod cell;
pub mod commands;
mod control;
mod coupling;
mod encoders;
mod endings;
mod guest;
mod guests;
mod jobs;
mod layout;
mod memory;
mod observer;
mod operations;
mod queue;
mod replay;
mod schedule;
mod serving;
mod sessions;
mod source;
mod tenants;

pub use build::{BuildError, build};
pub use cell::{Cell, Speed};
pub use commands::{AtEnd, AtReset, Command, CommandError};
pub use layout::{Instance, Layout, StationRole, Tenant, Variant, instances, partition};
pub use memory::{Pool, PoolRole};
pub use observer::{JobEnd, Nobody, Observer, PARTS, Part, Probe, Token, Tokens};
pub use schedule::Schedule;
