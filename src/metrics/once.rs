//! Metrics in one replication.

use super::{Chosen, Reader, Statistic};
use crate::result::{
    GroupResult, ReplicationEngine, ReplicationGpu, ReplicationGuest, ReplicationInstance,
    ReplicationLatency,
};

/// What counts and sums of a replication are divided by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Nanoseconds.
    pub length: f64,
    /// Guests of the group; 1 for all else.
    pub members: f64,
}

impl Window {
    pub(super) fn per_second(&self, count: u64) -> f64 {
        count as f64 / (self.length / 1e9)
    }
}

/// Something in one replication.
#[derive(Clone, Copy)]
pub enum Once<'a> {
    /// A guest group, and what the result says of it.
    Guest(&'a ReplicationGuest, &'a GroupResult),
    Gpu(&'a ReplicationGpu),
    Instance(&'a ReplicationInstance),
    Engine(&'a ReplicationEngine),
}

impl Statistic {
    fn once(self, latency: &ReplicationLatency) -> Option<f64> {
        let quantile = match self {
            Statistic::Mean => return latency.mean_ns(),
            Statistic::Largest => latency.largest_ns,
            Statistic::Quantile(p) => {
                let known = [
                    (0.5, latency.p50_ns),
                    (0.9, latency.p90_ns),
                    (0.95, latency.p95_ns),
                    (0.99, latency.p99_ns),
                    (0.999, latency.p999_ns),
                ];
                let mut known = known.into_iter();
                known.find(|(of, _)| (of - p).abs() < 1e-9)?.1
            }
        };
        quantile.map(|ns| ns as f64)
    }
}

impl Chosen {
    /// The metric in one replication whose window is `window_ns` long; `None` where it has no value there.
    pub fn once(&self, of: Once, window_ns: u64) -> Option<f64> {
        let window = Window {
            length: window_ns as f64,
            members: match of {
                Once::Guest(_, group) => f64::from(group.count),
                Once::Gpu(_) | Once::Instance(_) | Once::Engine(_) => 1.0,
            },
        };
        let mut readers = self.metric.readers.iter();
        readers.find_map(|reader| match (reader, of) {
            (Reader::Group(_, read), Once::Guest(guest, _)) => read(guest, &window),
            (Reader::Latency(_, read), Once::Guest(guest, _)) => self.statistic?.once(read(guest)?),
            (Reader::Classes, Once::Guest(guest, group)) => {
                let name = self.class.as_deref()?;
                let place = group.classes.iter().position(|class| class.name == name)?;
                self.statistic?.once(guest.classes.get(place)?)
            }
            (Reader::Gpu(_, read), Once::Gpu(gpu)) => read(gpu, &window),
            (Reader::Instance(_, read), Once::Instance(instance)) => read(instance, &window),
            (Reader::Engine(_, read), Once::Engine(engine)) => read(engine, &window),
            _ => None,
        })
    }
}
