//! The world: builds cells from a [`Scenario`](crate::scenario::Scenario) and runs them.
//!
//! This is the only place where engine, boards, policies and workloads meet. What happens is told to
//! an [`Observer`]; nothing here computes a statistic.

mod build;
pub mod cell;
mod guest;
mod observer;
mod schedule;

pub use build::{BuildError, Instance, Layout, StationRole, Variant, build, instances, partition};
pub use cell::{Cell, Speed};
pub use observer::{JobEnd, Nobody, Observer, PARTS, Part, Probe};
pub use schedule::Schedule;
