//! Operations of an entry that go without being done, are set aside, or begin anew.

use super::entry::{Active, EntryState, OperationId};
use super::rates::RateRules;
use crate::engine::time::Nanos;
use crate::policy::Terms;

impl EntryState {
    /// It no longer waits for the SMs, since it has left the rotation or has nothing left to run.
    pub(super) fn stops_waiting(&mut self, now: Nanos) {
        let wait = now.saturating_sub(self.waiting_since);
        self.longest_wait = self.longest_wait.max(wait);
    }

    /// A client has the weight and the priority of other terms.
    pub(super) fn set_client_terms(&mut self, client: u32, terms: &Terms, rules: &RateRules) {
        self.progress();
        let client = &mut self.clients[client as usize];
        client.weight = f64::from(terms.weight.max(1));
        client.priority = terms.priority;
        self.rerate(rules);
    }

    /// The operations of a client that `lost` names are gone.
    pub(super) fn abandon(
        &mut self,
        client: u32,
        lost: impl Fn(&OperationId) -> bool,
        now: Nanos,
        rules: &RateRules,
    ) {
        let mut goes =
            |active: &Active| active.operation.client == client && lost(&active.operation.id);
        self.aside.retain(|active| !goes(active));
        self.take_out(client, &mut goes, now, rules);
    }

    /// Whether a client is set aside.
    #[inline]
    pub(super) fn is_aside(&self, client: u32) -> bool {
        self.clients[client as usize].aside
    }

    /// Keeps an operation of a client that is set aside.
    pub(super) fn set_aside(&mut self, active: Active) {
        self.aside.push(active);
    }

    /// Sets a client aside; whether it was not.
    pub(super) fn suspend(&mut self, client: u32, now: Nanos, rules: &RateRules) -> bool {
        if std::mem::replace(&mut self.clients[client as usize].aside, true) {
            return false;
        }
        let mut aside = std::mem::take(&mut self.aside);
        let mut goes = |active: &Active| {
            let goes = active.operation.client == client;
            if goes {
                aside.push(*active);
            }
            goes
        };
        self.take_out(client, &mut goes, now, rules);
        self.aside = aside;
        true
    }

    /// The operations of a client that was set aside, in the order in which they came; `None` if it was not.
    pub(super) fn resume(&mut self, client: u32) -> Option<Vec<Active>> {
        if !std::mem::take(&mut self.clients[client as usize].aside) {
            return None;
        }
        let of_client = |active: &mut Active| active.operation.client == client;
        let mut own: Vec<Active> = self.aside.extract_if(.., of_client).collect();
        own.sort_unstable_by_key(|active| active.number);
        Some(own)
    }

    /// All operations begin anew.
    pub(super) fn restart(&mut self, rules: &RateRules) {
        self.progress();
        let waiting = self
            .contexts
            .iter_mut()
            .flat_map(|contexts| contexts.waiting_mut());
        let others = self
            .active
            .iter_mut()
            .chain(&mut self.parked)
            .chain(&mut self.aside);
        for active in others.chain(waiting) {
            active.left = active.operation.work;
        }
        self.rerate(rules);
    }

    /// All operations that are here.
    pub(super) fn operations(&self) -> impl Iterator<Item = OperationId> {
        let waiting = self.contexts.iter().flat_map(|contexts| contexts.waiting());
        let others = self.active.iter().chain(&self.parked).chain(&self.aside);
        others.chain(waiting).map(|active| active.operation.id)
    }

    /// Takes the operations of a client out that `goes` names.
    fn take_out(
        &mut self,
        client: u32,
        goes: &mut impl FnMut(&Active) -> bool,
        now: Nanos,
        rules: &RateRules,
    ) {
        self.progress();
        self.parked.retain(|active| !goes(active));
        let before = self.active.len();
        self.active.retain(|active| !goes(active));
        let gone = (before - self.active.len()) as u32;
        self.clients[client as usize].active -= gone;
        if let Some(contexts) = &mut self.contexts {
            let running = (&mut self.active, self.clients.as_mut_slice());
            contexts.take_out(client, gone, goes, (self.ran, now), running);
        }
        self.rerate(rules);
    }
}
