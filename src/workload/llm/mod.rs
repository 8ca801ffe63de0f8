//! Serving of large language models: continuous batching over a cache of keys and values.
//!
//! Requests bring a prompt and ask for a number of output tokens. An engine works in iterations: each
//! computes one token of every request that decodes, and chunks of prompts up to a budget of tokens.
//! [`mod@cost`] says how long an iteration takes, [`model`] what a model weighs.

pub mod cost;
pub mod model;

use super::Size;
use crate::engine::time::Nanos;
pub use cost::{Cost, Device, Step, cost};
pub use model::{Model, built_in, known};

/// A serving engine and what is asked of it.
#[derive(Debug, Clone)]
pub struct Llm {
    pub model: Model,
    pub device: Device,
    /// Tokens of a prompt, at least one.
    pub prompt: Size,
    /// Tokens of an answer, at least one.
    pub output: Size,
    /// Tokens of a prompt and its answer together at most: longer ones are cut. The cache has room for
    /// one such request at least.
    pub context: u32,
    /// Requests that run at once at most.
    pub max_requests: u32,
    /// Tokens of an iteration at most.
    pub max_tokens: u32,
    /// Blocks of the cache, each for [`Llm::block`] tokens.
    pub blocks: u64,
    /// Tokens of a block.
    pub block: u32,
    /// Objective for the time to the first token.
    pub first_token: Option<Nanos>,
    /// Objective for the mean time between the tokens of a request.
    pub between_tokens: Option<Nanos>,
}
