//! Whether replications of a scenario can differ at all.

use crate::policy::registry::{self, Use};
use crate::scenario::elements::gpu::{Division, Share};
use crate::scenario::elements::guest::Guest;
use crate::scenario::settle::scenario::Scenario;
use crate::workload::OperationKind;

impl Scenario {
    /// Whether anything differs by chance between replications. Where nothing does they are all the
    /// same, and neither an interval nor a test can be made from them.
    pub fn has_chance(&self) -> bool {
        (0..self.guests.len()).any(|guest| self.chance_reaches(guest))
    }

    /// Whether what guests of this group meet can differ between replications: by chance of their own,
    /// of the scheduler that serves them, or of others that they share a GPU, a GPU instance, a link
    /// or host cores with. `guest` is an index into [`Scenario::guests`].
    ///
    /// `false` is a promise that all replications give these guests the same; beside others, so
    /// does a `false` [`Guest::has_chance`] for a guest alone, with no scheduler that draws.
    pub fn chance_reaches(&self, guest: usize) -> bool {
        let Some(own) = self.guests.get(guest) else {
            return false;
        };
        self.guests
            .iter()
            .any(|other| self.meet(own, other) && (other.has_chance() || self.turns_drawn(other)))
    }

    /// Whether two groups have anything in common.
    fn meet(&self, one: &Guest, other: &Guest) -> bool {
        if self.host_cores.is_some() {
            return true;
        }
        let others = other.gpus();
        let Some(shared) = one.gpus().into_iter().find(|gpu| others.contains(gpu)) else {
            return false;
        };
        let gpu = &self.gpus[shared];
        let Division::Mig(_) = gpu.division else {
            return true;
        };
        let domains = gpu.domains();
        let instance = |guest: &Guest| {
            let domain = domains.get(guest.domain)?;
            domain.instance.map(|instance| instance.name.as_str())
        };
        instance(one) == instance(other) || gpu.clock.is_some() || (one.copies() && other.copies())
    }

    /// Whether a scheduler that serves a guest draws.
    fn turns_drawn(&self, guest: &Guest) -> bool {
        let drawn = |share: &Share| match share {
            Share::TimeSlice(slice) => registry::find(&slice.scheduler)
                .is_some_and(|scheduler| scheduler.uses.contains(&Use::Draws)),
            Share::Exclusive | Share::Spatial(_) => false,
        };
        let gpu_draws = |gpu: usize| {
            let gpu = &self.gpus[gpu];
            let lists = gpu.encoders.iter().map(|lists| &lists.turns);
            gpu.domains()
                .get(guest.domain)
                .is_some_and(|domain| drawn(domain.share))
                || lists
                    .cloned()
                    .map(Share::TimeSlice)
                    .any(|share| drawn(&share))
        };
        guest.gpus().into_iter().any(gpu_draws)
            || guest
                .within
                .as_ref()
                .is_some_and(|within| drawn(&within.share))
    }
}

impl Guest {
    /// Whether what guests of this group ask for differs by chance between replications, whoever else
    /// there is.
    pub fn has_chance(&self) -> bool {
        self.workload.has_chance(self.count)
    }

    fn copies(&self) -> bool {
        let operations = self.workload.stages.iter().flat_map(|s| &s.operations);
        operations
            .map(|operation| &operation.kind)
            .any(|kind| matches!(kind, OperationKind::Copy { .. }))
    }
}
