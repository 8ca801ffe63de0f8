//! What a metric is counted in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a metric is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Unit {
    /// Nanoseconds; people read and write them with a unit.
    #[serde(rename = "ns")]
    Time,
    /// Events in a second.
    #[serde(rename = "1/s")]
    PerSecond,
    /// Tokens in a second.
    #[serde(rename = "tokens/s")]
    TokensPerSecond,
    /// 0 to 1; people read and write percent.
    #[serde(rename = "fraction")]
    Fraction,
    /// Of two of a kind.
    #[serde(rename = "ratio")]
    Ratio,
    /// A number between bounds of its own.
    #[serde(rename = "index")]
    Index,
    /// Jobs.
    #[serde(rename = "jobs")]
    Jobs,
    /// Batches of requests.
    #[serde(rename = "batches")]
    Batches,
    /// Requests.
    #[serde(rename = "requests")]
    Requests,
    /// Tokens.
    #[serde(rename = "tokens")]
    Tokens,
    /// Guests.
    #[serde(rename = "guests")]
    Guests,
    /// Servers of a station.
    #[serde(rename = "servers")]
    Servers,
}

impl Unit {
    /// As tables and files write it.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Time => "ns",
            Unit::PerSecond => "1/s",
            Unit::TokensPerSecond => "tokens/s",
            Unit::Fraction => "fraction",
            Unit::Ratio => "ratio",
            Unit::Index => "index",
            Unit::Jobs => "jobs",
            Unit::Batches => "batches",
            Unit::Requests => "requests",
            Unit::Tokens => "tokens",
            Unit::Guests => "guests",
            Unit::Servers => "servers",
        }
    }
}
