//! What each replication found by itself: counts and sums of whole numbers, from which every metric of the
//! replication follows.

use super::JobCounts;
use serde::{Deserialize, Serialize};

/// One replication's summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replication {
    pub index: u32,
    pub guests: Vec<ReplicationGuest>,
    pub gpus: Vec<ReplicationGpu>,
    /// Host cores, where the scenario limits them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<ReplicationEngine>,
}

/// A guest group in one replication, all its members together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicationGuest {
    pub name: String,
    /// By arrival in the window.
    pub jobs: JobCounts,
    /// Jobs that ended in the window, whenever they arrived.
    pub ended_in_window: u64,
    pub response: ReplicationLatency,
    /// The response of each class of jobs, in the order of [`GroupResult::classes`](super::GroupResult).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ReplicationLatency>,
    pub service: ReplicationLatency,
    /// Time of the jobs that ended in each part of their life.
    pub parts: ReplicationParts,
    /// Jobs of those that ended that were later than the deadline, where the guest has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<u64>,
    /// Time in which a member ran, sum over the members.
    pub ran_ns: u64,
    /// From the start of a guest to the end of its last job, sum over the members; where the number of its
    /// jobs is given and all of them ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_ns: Option<u128>,
    /// Of a group that serves a language model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<ReplicationTokens>,
    pub slowdown: Option<f64>,
    pub interference: Option<f64>,
    /// Longest time in which a member had work ready and none of the SMs.
    pub longest_starvation_ns: u64,
    /// Jobs in the system at the middle and at the end of the window.
    pub backlog_middle: u64,
    pub backlog_end: u64,
}

/// A latency in one replication. Quantiles are of type 1, as in the whole result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationLatency {
    pub count: u64,
    pub sum_ns: u128,
    pub p50_ns: Option<u64>,
    pub p90_ns: Option<u64>,
    pub p95_ns: Option<u64>,
    pub p99_ns: Option<u64>,
    #[serde(rename = "p99.9_ns")]
    pub p999_ns: Option<u64>,
    pub largest_ns: Option<u64>,
}

impl ReplicationLatency {
    /// `None` where nothing was observed.
    pub fn mean_ns(&self) -> Option<f64> {
        (self.count > 0).then(|| {
            // The whole part by itself: a long sum loses no digit of it.
            let n = u128::from(self.count);
            (self.sum_ns / n) as f64 + (self.sum_ns % n) as f64 / self.count as f64
        })
    }
}

/// Sums over the jobs that ended; they add up to the sum of the responses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationParts {
    pub queue_ns: u128,
    pub slice_wait_ns: u128,
    pub switch_ns: u128,
    pub gpu_ns: u128,
    pub copy_ns: u128,
    pub host_ns: u128,
    pub engine_ns: u128,
    pub outside_ns: u128,
}

/// Tokens of one replication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicationTokens {
    pub first_token: ReplicationLatency,
    pub between_tokens: ReplicationLatency,
    /// Of the requests that ended.
    pub prompt_tokens: u64,
    pub output_tokens: u64,
    /// In the window.
    pub generated: u64,
    /// Requests that ended and met their objectives, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<u64>,
    pub preemptions: u64,
}

/// Integer accounts of the window: the four parts add up to `total_sm_ns`, exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicationGpu {
    pub name: String,
    pub total_sm_ns: u128,
    pub useful_sm_ns: u128,
    pub switching_sm_ns: u128,
    pub reserved_idle_sm_ns: u128,
    pub idle_sm_ns: u128,
    /// Wall time with anything running.
    pub gpu_time_ns: u64,
    pub turns: u64,
    pub switches: u64,
    /// Fairness over its guests, as in [`Fairness`](super::Fairness); `None` where it is undefined.
    pub jain_gpu_time: Option<f64>,
    pub jain_progress: Option<f64>,
    pub max_min_ratio: Option<f64>,
    pub antt: Option<f64>,
    pub stp: Option<f64>,
    pub longest_starvation_ns: u64,
    /// In the order of [`GpuResult::engines`](super::GpuResult).
    pub engines: Vec<ReplicationEngine>,
    /// In the order of [`GpuResult::instances`](super::GpuResult).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<ReplicationInstance>,
}

/// Accounts of an instance in the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicationInstance {
    pub name: String,
    pub sms: u32,
    pub useful_sm_ns: u128,
    pub switching_sm_ns: u128,
    pub reserved_idle_sm_ns: u128,
    pub idle_sm_ns: u128,
    pub gpu_time_ns: u64,
    pub turns: u64,
    pub switches: u64,
}

impl ReplicationInstance {
    /// SMs x wall of the window.
    pub fn total_sm_ns(&self) -> u128 {
        self.useful_sm_ns + self.switching_sm_ns + self.reserved_idle_sm_ns + self.idle_sm_ns
    }
}

/// A station beside the SMs, or the host cores, in the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationEngine {
    pub name: String,
    pub servers: u32,
    /// Server·ns.
    pub busy_ns: u128,
}
