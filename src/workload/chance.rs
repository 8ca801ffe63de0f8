//! What of a workload is drawn anew in each replication.

use super::{Arrivals, FirstArrival, OperationKind, Size, Workload};

impl Workload {
    /// Whether anything that a group of so many guests does with the workload differs by chance between
    /// replications: when jobs come, how large they are, how long they wait.
    ///
    /// `false` is a promise: under every seed and in every replication the workload does the same.
    /// `true` says that something is drawn, not that the draws reach any result.
    ///
    /// ```
    /// use warpshare::scenario::{Overrides, parse};
    /// let of = |period: &str| {
    ///     let text = format!(
    ///         "preset = \"neutral\"\n[run]\nduration = \"1s\"\n[gpus.a]\nboard = \"neutral\"\n\
    ///          share.slice = \"1ms\"\n[guests.g]\ncontext = true\nworkload = \"w\"\n[workloads.w]\n\
    ///          arrivals = {{ process = \"deterministic\", {period} }}\nstages.work.gpu.time = \"1ms\"\n"
    ///     );
    ///     let loaded = parse("x", &text, ".".as_ref(), &Overrides::default()).unwrap();
    ///     loaded.scenario.guests[0].workload.has_chance(1)
    /// };
    /// assert!(!of("period = \"4ms\""));
    /// assert!(of("period = \"4ms\", first = \"random-phase\""));
    /// ```
    pub fn has_chance(&self, guests: u32) -> bool {
        let operations = self.stages.iter().flat_map(|stage| &stage.operations);
        let llm = self.discipline.llm();
        let llm = llm.into_iter().flat_map(|llm| [&llm.prompt, &llm.output]);
        let mut sizes = operations
            .filter_map(|operation| size(&operation.kind))
            .chain(llm)
            .chain(&self.memory);
        self.arrivals.has_chance(guests)
            || self.classes.len() > 1
            || [&self.batch, &self.timeout]
                .into_iter()
                .flatten()
                .any(|drawn| !drawn.is_constant())
            || sizes.any(|size| matches!(size, Size::Drawn(drawn) if !drawn.is_constant()))
    }
}

/// How large an operation is; `None` where the engine of a language model says it.
fn size(kind: &OperationKind) -> Option<&Size> {
    match kind {
        OperationKind::Host { time } | OperationKind::Media { time, .. } => Some(time),
        OperationKind::Gpu(work) => Some(&work.time),
        OperationKind::Copy { bytes, .. } => Some(bytes),
        OperationKind::Iteration { .. } => None,
    }
}

impl Arrivals {
    /// Whether the times of arrivals of a group of so many guests differ by chance between replications.
    pub fn has_chance(&self, guests: u32) -> bool {
        match self {
            Arrivals::Open { gap, first } => {
                *first == FirstArrival::RandomPhase || !gap.is_constant()
            }
            Arrivals::Paced { jitter, first, .. } => {
                *first == FirstArrival::RandomPhase || !jitter.is_constant()
            }
            // Requests of a phase are Poisson, or begin after a random part of a gap; the rest of a gap is drawn
            // in each window.
            Arrivals::Modulated { .. } | Arrivals::Windowed { .. } => true,
            Arrivals::Closed { think, .. } => !think.is_constant(),
            Arrivals::Sessions { gap, think, length } => {
                use super::SessionLength as L;
                let (L::Requests(length) | L::Time(length)) = length;
                [gap, think, length]
                    .iter()
                    .any(|drawn| !drawn.is_constant())
            }
            Arrivals::Trace { replay, .. } => replay.has_chance(guests),
        }
    }
}
