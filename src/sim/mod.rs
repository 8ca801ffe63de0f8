//! The world: builds cells from a [`Scenario`](crate::scenario::Scenario) and runs them.
//!
//! This is the only place where engine, boards, policies and workloads meet. What happens is told to
//! an [`Observer`]; nothing here computes a statistic.

mod build;
pub mod cell;
mod coupling;
mod guest;
mod jobs;
mod layout;
mod memory;
mod observer;
mod operations;
mod schedule;
mod sessions;
mod source;

pub use build::{BuildError, build};
pub use cell::{Cell, Speed};
pub use layout::{Instance, Layout, StationRole, Tenant, Variant, instances, partition};
pub use memory::{Pool, PoolRole};
pub use observer::{JobEnd, Nobody, Observer, PARTS, Part, Probe};
pub use schedule::Schedule;
