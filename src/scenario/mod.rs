//! The file that a user writes, checked and resolved to plain data.
//!
//! [`Scenario`] is the checked form: every unit converted, every default resolved, every name
//! found. Nothing after this module looks at text.
//!
//! The folders are the way of a value, each using those before it (`tests/program/architecture.rs`):
//!
//! 1. [`key`]: what a key is. A value with its place in the text ([`key::field`]), its units, the assumption that
//!    stands in for it, and where it came from ([`key::origin`]). The `Checker` notes findings and values.
//! 2. [`read`]: from text to the raw types, in which every key is optional. Presets and the values of the command
//!    line are put into the text's own tree, so that every check and message is that of the file.
//! 3. [`elements`]: what each table means by itself, one file an element, and the checked structures.
//! 4. [`settle`]: what needs several elements: where guests are, what fits, who may be admitted.
//! 5. [`out`]: what is told of a checked scenario: its hash, where its values come from, its schema.
//!
//! [`load`] and [`parse`] go this way from its begin to its end, and so does a [`Draft`] that a program has built.

mod draft;
pub mod elements;
pub mod key;
mod load;
pub mod out;
pub mod read;
pub mod settle;

pub use draft::Draft;
pub use elements::gpu::{
    ComputeInstance, Division, Domain, EncoderLists, Gpu, GpuInstance, Share, SideBySide,
};
pub use elements::guest::{Guest, GuestMemory, Holds, Within};
pub use elements::legal;
pub use elements::objectives::{Asked, AskedOf};
pub use elements::run::{Horizon, Overrides, RunPlan};
pub use key::origin::{Origin, Resolved};
pub use key::units::write_nanos;
pub use key::{assumptions, units};
pub use load::{Loaded, load, parse};
pub use out::{explain, schema};
pub use read::alternative::Alternative;
pub use read::{parameters, preset, raw, raw_llm, raw_workload, scheduler};
pub use settle::scenario::Scenario;

#[cfg(test)]
mod tests;
