//! The knobs of time-slice policies, resolved.

use super::Setting;
use crate::engine::time::Nanos;

/// The knobs that time-slice policies understand, resolved and clamped.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeSlice {
    /// Name in the registry.
    pub scheduler: String,
    /// Nominal slice.
    pub slice: Nanos,
    /// Averaging factor of adaptive round robin; `None` = ARR off. Meaningless for policies that
    /// reserve nothing.
    pub arr_factor: Option<u32>,
    /// Number of reserved turns of a fixed-share round (the vGPU type's maximum per GPU).
    pub reserved_turns: Option<u32>,
    /// What an elastic cap adds to a fixed-share turn at most; 0 = no such cap.
    pub extra: Nanos,
    pub turns: Turns,
    pub rotation: Rotation,
    pub on_completion: OnCompletion,
    pub on_idle: OnIdle,
    pub ties: Ties,
    /// What the policy's own parameters are; those that are not here have their defaults.
    pub parameters: Vec<(&'static str, Setting)>,
}

/// What takes a turn in the rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turns {
    /// One turn per tenant (vGPU or CUDA context), however many streams it has.
    PerTenant,
    /// One turn per stream (channel group): the reading in which a hardware run list holds the
    /// channels of all tenants.
    PerChannel,
}

/// In which order runnable entries of a work-conserving policy come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// A queue: an entry that becomes runnable, or whose slice ends, goes to the end.
    Queue,
    /// A fixed list scanned in rank order; entries without work are skipped.
    List,
}

/// What happens to the rest of a slice when a piece of GPU work completes and the entry has more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCompletion {
    Keep,
    End,
}

/// What happens to the rest of a reserved slice when its tenant runs out of work in it. A turn whose
/// tenant has no work from its start passes unused either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnIdle {
    Hold,
    End,
}

/// Who goes first when a slice ends at the very instant of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ties {
    /// The preempted entry is queued before the arrival (the calendar's class order).
    PreemptedFirst,
    /// The arrival is queued before the preempted entry.
    ArrivalFirst,
}
