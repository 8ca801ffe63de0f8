//! What the tables of a scenario mean, one file an element.

pub(crate) mod amounts;
pub(crate) mod arrivals;
pub(crate) mod batching;
pub(crate) mod board;
pub(crate) mod classes;
pub(crate) mod encoders;
pub(crate) mod frames;
pub(crate) mod instances;
pub(crate) mod kernels;
pub mod legal;
pub(crate) mod llm;
pub(crate) mod objectives;
pub(crate) mod operations;
pub(crate) mod queue;
pub(crate) mod roofline;
pub(crate) mod run;
pub(crate) mod share;
pub(crate) mod slice;
pub(crate) mod spatial;
pub(crate) mod terms;
pub(crate) mod traces;
pub(crate) mod workloads;
