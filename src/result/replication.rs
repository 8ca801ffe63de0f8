//! What each replication found by itself: counts and sums of whole numbers, from which every metric of the
//! replication follows.

use super::JobCounts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One replication's summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replication {
    /// From 0.
    pub index: u32,
    /// One entry for each guest group.
    pub guests: Vec<ReplicationGuest>,
    /// One entry for each GPU.
    pub gpus: Vec<ReplicationGpu>,
    /// Host cores, where the scenario limits them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<ReplicationEngine>,
}

/// A guest group in one replication, all its members together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationGuest {
    /// Name of the group in the scenario.
    pub name: String,
    /// By arrival in the window.
    pub jobs: JobCounts,
    /// Jobs that ended in the window, whenever they arrived.
    pub ended_in_window: u64,
    /// From arrival to end.
    pub response: ReplicationLatency,
    /// The response of each class of jobs, in the order of [`GroupResult::classes`](super::GroupResult).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ReplicationLatency>,
    /// From the moment that a stream takes the job to its end.
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
    /// Against the undivided board; `None` without that run.
    pub slowdown: Option<f64>,
    /// Against its own share; `None` without that run.
    pub interference: Option<f64>,
    /// Longest time in which a member had work ready and none of the SMs.
    pub longest_starvation_ns: u64,
    /// Jobs in the system at the middle and at the end of the window.
    pub backlog_middle: u64,
    /// Jobs in the system at the end of the window.
    pub backlog_end: u64,
}

/// A latency in one replication. Quantiles are of type 1, as in the whole result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationLatency {
    /// How many were observed.
    pub count: u64,
    /// Their sum.
    pub sum_ns: u128,
    /// Median.
    pub p50_ns: Option<u64>,
    /// 90th percentile.
    pub p90_ns: Option<u64>,
    /// 95th percentile.
    pub p95_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
    /// 99.9th percentile.
    #[serde(rename = "p99.9_ns")]
    pub p999_ns: Option<u64>,
    /// Largest that was observed.
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationParts {
    /// Waiting for a stream of the guest.
    pub queue_ns: u128,
    /// Work ready, another tenant (or nobody) on the SMs.
    pub slice_wait_ns: u128,
    /// Context switches towards the job's tenant.
    pub switch_ns: u128,
    /// On the SMs.
    pub gpu_ns: u128,
    /// Copying, with the wait for a copy engine.
    pub copy_ns: u128,
    /// On host cores, with the wait for one.
    pub host_ns: u128,
    /// On a media engine, with the wait for one.
    pub engine_ns: u128,
    /// In the network and at the client.
    pub outside_ns: u128,
}

/// Tokens of one replication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationTokens {
    /// From arrival to the first token of a request.
    pub first_token: ReplicationLatency,
    /// Between consecutive tokens of a request.
    pub between_tokens: ReplicationLatency,
    /// Of the requests that ended.
    pub prompt_tokens: u64,
    /// Tokens of answers, of requests that ended.
    pub output_tokens: u64,
    /// In the window.
    pub generated: u64,
    /// Requests that ended and met their objectives, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<u64>,
    /// Requests that lost their cache for lack of memory, in the window.
    pub preemptions: u64,
}

/// Integer accounts of the window: the four parts add up to `total_sm_ns`, exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationGpu {
    /// Name of the GPU in the scenario.
    pub name: String,
    /// SMs x window.
    pub total_sm_ns: u128,
    /// Work of guests.
    pub useful_sm_ns: u128,
    /// Context switches and the scheduler's own calls.
    pub switching_sm_ns: u128,
    /// Turns kept for guests that had no work.
    pub reserved_idle_sm_ns: u128,
    /// Nothing to do.
    pub idle_sm_ns: u128,
    /// Wall time with anything running.
    pub gpu_time_ns: u64,
    /// Turns that started in the window.
    pub turns: u64,
    /// Context switches in the window.
    pub switches: u64,
    /// Fairness over its guests, as in [`Fairness`](super::Fairness); `None` where it is undefined.
    pub jain_gpu_time: Option<f64>,
    /// Jain index of progress.
    pub jain_progress: Option<f64>,
    /// Largest over smallest progress.
    pub max_min_ratio: Option<f64>,
    /// Mean slowdown over guests.
    pub antt: Option<f64>,
    /// Sum of progress over guests.
    pub stp: Option<f64>,
    /// Longest time that a guest had work ready and none of the SMs.
    pub longest_starvation_ns: u64,
    /// In the order of [`GpuResult::engines`](super::GpuResult).
    pub engines: Vec<ReplicationEngine>,
    /// In the order of [`GpuResult::instances`](super::GpuResult).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<ReplicationInstance>,
}

/// Accounts of an instance in the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationInstance {
    /// Name of the instance in the scenario.
    pub name: String,
    /// Its streaming multiprocessors.
    pub sms: u32,
    /// Work of guests.
    pub useful_sm_ns: u128,
    /// Context switches and the scheduler's own calls.
    pub switching_sm_ns: u128,
    /// Turns kept for guests that had no work.
    pub reserved_idle_sm_ns: u128,
    /// Nothing to do.
    pub idle_sm_ns: u128,
    /// Wall time with anything running.
    pub gpu_time_ns: u64,
    /// Turns that started in the window.
    pub turns: u64,
    /// Context switches in the window.
    pub switches: u64,
}

impl ReplicationInstance {
    /// SMs x wall of the window.
    pub fn total_sm_ns(&self) -> u128 {
        self.useful_sm_ns + self.switching_sm_ns + self.reserved_idle_sm_ns + self.idle_sm_ns
    }
}

/// A station beside the SMs, or the host cores, in the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationEngine {
    /// Its name, as in the whole result.
    pub name: String,
    /// Pieces of work that it serves at once.
    pub servers: u32,
    /// Server·ns.
    pub busy_ns: u128,
}
