//! The tables of the product: boards, vGPU types, MIG profiles and layouts, partition files.

mod catalog;
mod configurations;
mod mig;
mod mig_layouts;
mod names;
mod remedies;
