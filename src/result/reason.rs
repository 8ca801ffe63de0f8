//! By what method a number was found, and why there is none, or none with an interval.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an estimate and its interval rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// There is nothing to estimate, or no interval.
    None,
    /// All replications are the same.
    NoChance,
    /// Student's t over replications.
    T,
    /// The jackknife over replications, for ratios.
    Jackknife,
    /// Batch means in one run.
    BatchMeans {
        /// Batches of the interval; `None` where they make none.
        batches: Option<u32>,
    },
    /// A quantile of each replication.
    Sectioning,
    /// The pooled distribution function, where replications are long enough only together.
    Inversion,
}

/// Why a number is missing, or has no interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Nothing was run.
    NoReplications,
    /// No job of the window ended.
    NoJobsEnded,
    /// No job arrived in the window.
    NoJobsArrived,
    /// No request of the window ended.
    NoRequestsEnded,
    /// No token was generated.
    NoTokens,
    /// Of a given number of jobs, some did not end within the run.
    JobsLeft,
    /// Guests were not run alone.
    NoBaselines,
    /// Guests were not run alone, or one of them completed nothing.
    NoProgress,
    /// Fairness takes two guests.
    OneGuest,
    /// The metric has no value here.
    NoValue,
    /// The guest is overloaded: the value is at least this.
    Overloaded,
    /// A guest of the GPU is overloaded.
    GuestOverloaded {
        /// Its name.
        guest: String,
    },
    /// Chance shows between replications only.
    OneReplication,
    /// Nothing is drawn, so all replications are the same.
    NothingDrawn,
    /// Some replications have no value.
    ReplicationsWithout {
        /// How many, from 1.
        replications: u32,
    },
    /// Fewer than two replications have a value.
    TooFewReplications,
    /// One replication with too few jobs for batch means.
    TooFewForBatches,
    /// One replication whose batch means depend on each other.
    DependentBatches,
    /// The interval is of one run, and too wide to be relied on.
    WideInOneRun {
        /// Half-width over value beyond which it is, such as 0.15.
        limit: f64,
    },
    /// A quantile so far out is not reported of so few jobs.
    NotReported {
        /// Jobs that ended.
        jobs: u64,
        /// Jobs that it takes.
        least: u64,
        /// What supplies them.
        remedy: Remedy,
    },
    /// Too few jobs for the interval of a quantile, and nothing tells how many it takes.
    TooLittleData,
    /// The jobs of a replication are alike: only more replications bring more data.
    AlikeJobs {
        /// Replications that it takes, about.
        replications: u64,
    },
    /// Too few jobs for the interval of a quantile.
    TooFewJobs {
        /// Jobs that ended.
        jobs: u64,
        /// Jobs that it takes, about.
        needed: u64,
        /// What supplies them.
        remedy: Remedy,
    },
}

/// Keys of `[run]` that supply more data; either is enough. None of both: nothing reasonable does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    /// So many replications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replications: Option<u64>,
    /// So long a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
}
