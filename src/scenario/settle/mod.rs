//! What needs several elements: where guests are, what fits, who may be admitted.

pub(crate) mod admit;
pub(crate) mod assemble;
pub(crate) mod cards;
pub(crate) mod chance;
pub(crate) mod configuration;
pub(crate) mod guests;
pub(crate) mod inside;
pub(crate) mod media;
pub(crate) mod memory;
pub(crate) mod mixed;
pub(crate) mod placement;
pub(crate) mod recordings;
pub(crate) mod replicas;
pub mod scenario;
pub(crate) mod site;
