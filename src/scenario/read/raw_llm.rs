//! `llm` of a workload as it is written.

use crate::scenario::key::field::Key;
use crate::scenario::key::units::{RawDuration, RawProbability, RawSize, RawTokens};
use crate::scenario::read::raw_amount::RawAmount;
use schemars::JsonSchema;
use serde::Deserialize;

/// A language model behind a serving engine: jobs are requests.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Llm")]
pub struct RawLlm {
    /// A built-in model, such as `llama-2-7b`; or give its `shape`.
    pub model: Key<String>,
    /// The shape of another model.
    pub shape: Key<RawShape>,
    /// Tokens of a prompt. Required.
    pub prompt: Key<RawAmount<RawTokens>>,
    /// Tokens of an answer. Required.
    pub output: Key<RawAmount<RawTokens>>,
    /// Tokens of a prompt and its answer together at most; longer ones are cut. Default: the model's.
    #[schemars(range(min = 2, max = 16777216))]
    pub context: Key<u64>,
    /// Requests that run at once at most; default 256 (assumption `llm.max_requests`).
    #[schemars(range(min = 1, max = 65536))]
    pub max_requests: Key<u64>,
    /// Tokens of an iteration at most: what is left beside the requests that decode goes to chunks of
    /// prompts; default 2048 (assumption `llm.max_tokens`).
    #[schemars(range(min = 1, max = 16777216))]
    pub max_tokens: Key<u64>,
    /// Device memory of the cache of keys and values; default: 0.9 of the memory, less the weights
    /// (assumption `llm.memory`).
    pub cache: Key<RawSize>,
    /// Tokens of a block of the cache, default 16 (assumption `llm.block`).
    #[schemars(range(min = 1, max = 1024))]
    pub block: Key<u64>,
    /// Host time before each iteration, in which the GPU waits; default 0s.
    pub host: Key<RawDuration>,
    /// Objective for the time to the first token.
    pub first_token: Key<RawDuration>,
    /// Objective for the mean time between the tokens of a request.
    pub between_tokens: Key<RawDuration>,
    /// Achieved part of the peak arithmetic, above 0 (assumption `roofline.flops`).
    pub flop_efficiency: Key<RawProbability>,
    /// Achieved part of the peak memory bandwidth, above 0 (assumption `roofline.bytes`).
    pub byte_efficiency: Key<RawProbability>,
    /// Boards that share the model: 1, since models that span boards are not simulated.
    pub tensor_parallel: Key<u64>,
}

/// The shape of a decoder-only transformer in half precision.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LlmShape")]
pub struct RawShape {
    #[schemars(range(min = 1, max = 10000))]
    pub layers: Key<u64>,
    /// Width of the residual stream.
    #[schemars(range(min = 1, max = 1000000))]
    pub hidden: Key<u64>,
    /// Width inside the feed-forward part.
    #[schemars(range(min = 1, max = 10000000))]
    pub intermediate: Key<u64>,
    #[schemars(range(min = 1, max = 10000))]
    pub heads: Key<u64>,
    /// Heads of keys and values; default: `heads`.
    #[schemars(range(min = 1, max = 10000))]
    pub kv_heads: Key<u64>,
    /// Width of a head; default: `hidden` over `heads`.
    #[schemars(range(min = 1, max = 100000))]
    pub head_dim: Key<u64>,
    #[schemars(range(min = 1, max = 10000000))]
    pub vocabulary: Key<u64>,
    /// Tokens of a prompt and its answer at most.
    #[schemars(range(min = 2, max = 16777216))]
    pub context: Key<u64>,
    /// Whether the feed-forward part has a gate; default true.
    pub gated: Key<bool>,
    /// Whether one matrix serves as embedding and as output; default false.
    pub tied: Key<bool>,
}
