//! Compute domains whose rates depend on each other: compute instances of one GPU instance share its
//! memory bandwidth, and with a clock curve all that runs on a board shares its clock.

use crate::engine::time::Nanos;
use crate::gpu::law::max_min_level;
use crate::gpu::{ComputeDomain, Pressure};
use std::ops::Range;

/// Domains of one board that are rated together.
#[derive(Debug, Clone)]
pub(super) struct Coupling {
    /// The compute domains: neighbours by local index.
    pub domains: Range<usize>,
    /// Those of each memory domain.
    memory_domains: Vec<Range<usize>>,
    /// Whether they share a clock.
    shared_clock: bool,
    /// Room for intermediate results.
    demands: Vec<f64>,
}

impl Coupling {
    /// The coupling of a board's domains, if there is one.
    pub fn new(memory_domains: Vec<Range<usize>>, clock: bool) -> Option<Self> {
        let domains = memory_domains.first()?.start..memory_domains.last()?.end;
        let within = memory_domains.iter().any(|members| members.len() > 1);
        (within || (clock && domains.len() > 1)).then_some(Coupling {
            domains,
            memory_domains,
            shared_clock: clock,
            demands: Vec::new(),
        })
    }

    /// Rates everything anew at `now`, after a change in one of the domains.
    pub fn rebalance(&mut self, domains: &mut [ComputeDomain], now: Nanos) {
        let mut busy = 0;
        for domain in &mut domains[self.domains.clone()] {
            domain.settle(now);
            busy += domain.busy_sms();
        }
        for members in &self.memory_domains {
            let elsewhere = |domain: &mut ComputeDomain| {
                if self.shared_clock {
                    busy - domain.busy_sms()
                } else {
                    0
                }
            };
            self.demands.clear();
            let mut running = 0;
            let members = &mut domains[members.clone()];
            for domain in members.iter_mut() {
                let elsewhere = elsewhere(domain);
                running += usize::from(domain.busy_sms() > 0);
                domain.bandwidth_demands(elsewhere, &mut self.demands);
            }
            let bandwidth = members
                .first()
                .map_or(1.0, |domain| domain.rates().bandwidth);
            let level = max_min_level(bandwidth, &self.demands);
            for domain in members {
                let pressure = Pressure {
                    bandwidth_level: Some(level),
                    busy_elsewhere: elsewhere(domain),
                    others: running > usize::from(domain.busy_sms() > 0),
                };
                domain.press(pressure);
            }
        }
    }
}
