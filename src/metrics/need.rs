//! What a guest must have for a metric to mean something of it.

/// What some metrics need of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Deadline,
    Frames,
    Batching,
    Timeout,
    Memory,
    Jobs,
    LanguageModel,
    TokenObjectives,
    MediaEngine,
    Outside,
}

impl Need {
    /// What is not there.
    pub fn missing(self) -> &'static str {
        match self {
            Need::Deadline => "it has no `deadline`",
            Need::Frames => "its workload has no `frames`",
            Need::Batching => "its workload has no `batching`",
            Need::Timeout => "its workload has no `timeout`",
            Need::Memory => "its jobs allocate no memory",
            Need::Jobs => "its workload has no number of `jobs`",
            Need::LanguageModel => "its workload is no language model",
            Need::TokenObjectives => {
                "its language model has neither `first_token` nor `between_tokens`"
            }
            Need::MediaEngine => "its workload uses no media engine",
            Need::Outside => "its frames have neither `network` nor `client`",
        }
    }

    /// What would be right.
    pub fn remedy(self) -> &'static str {
        match self {
            Need::Deadline => {
                "add deadline = \"50ms\" to the guest, or ask for a quantile: p95 < 50ms"
            }
            Need::Frames => "ask for throughput, or add `frames` to its workload",
            Need::Batching => "add `batching` to its workload, or ask for throughput",
            Need::Timeout => "add `timeout` to its workload, or ask for a quantile: p95 < 50ms",
            Need::Memory => "add `memory` to its workload, or remove the objective",
            Need::Jobs => "add `jobs` to its workload, or ask for throughput",
            Need::LanguageModel => "ask for a quantile of the response: p95 < 50ms",
            Need::TokenObjectives => {
                "give the model `first_token` or `between_tokens`, or ask for first_token.p99 < 1s"
            }
            Need::MediaEngine => "ask for another part, such as part.gpu < 20ms",
            Need::Outside => "give its `frames` a `network` or `client` time",
        }
    }
}
