//! The event engine: integer time, exact work, the calendar, random streams.
//!
//! Architecture invariant: nothing here knows what a GPU, a guest or a policy is.

pub mod calendar;
pub mod random;
pub mod time;
pub mod work;
