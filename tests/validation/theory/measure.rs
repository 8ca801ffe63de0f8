//! What the theory tests measure in one run: averages over time and over jobs, as numerator and
//! denominator.

use warpshare::engine::random::Stream;
use warpshare::engine::time::Nanos;
use warpshare::gpu::Accounts;
use warpshare::scenario::Scenario;
use warpshare::sim::{JobEnd, Layout, Observer, PARTS, Part, Probe};
use warpshare::workload::dist::Dist;
use warpshare::workload::{OperationKind, Size};

/// The unit of time of the catalogue, in nanoseconds.
pub const UNIT: f64 = 1e6;

/// A quantity of the catalogue. Times are in units of [`UNIT`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    // Averages over the time of the window.
    MeanNumber,
    NumberIs(usize),
    NumberAtLeast(usize),
    /// Number at the instants `offset`, `offset + period`, …
    NumberAt {
        offset: f64,
        period: f64,
    },
    /// Useful part of the SM time.
    Useful,
    Switching,
    /// Busy servers of a station, as a part of `servers`.
    StationBusy {
        station: usize,
        servers: f64,
    },
    /// Arrived work that is not done, on a grid of sampling edges.
    UnfinishedWork,
    /// Jobs ended in the window, for each unit of time.
    Throughput,
    /// Mean number in some parts of a job's life, by Little's law.
    NumberIn(&'static [Part]),
    MeanBusyPeriod,
    Loss,
    // Averages over the jobs that arrive in the window.
    Response,
    /// Response less size.
    Wait,
    Waits,
    WaitAbove(f64),
    ResponseAbove(f64),
    /// Mean square of the distance from the known mean.
    ResponseVariance(f64),
    WaitVariance(f64),
    /// Response over size.
    Slowdown,
    /// `scale` times the mean slowdown of the jobs whose size is within 10 % of `size`: exact where
    /// the expected response is proportional to the size.
    SlowdownNear {
        size: f64,
        scale: f64,
    },
    /// Mean response of the jobs of exactly this size.
    ResponseOf(f64),
    /// Mean response of the jobs whose size is within 2 % of this one: where the expected response is smooth in the
    /// size, its curvature over so little is far below any error.
    ResponseNear(f64),
    // Of one guest, by its place.
    ResponseFrom(usize),
    WaitFrom(usize),
    /// Part of the window in which the guest ran.
    Ran(usize),
    /// Σ (arrival rate · mean size · mean wait) over guests whose mean sizes these are.
    WorkTimesWait(&'static [f64]),
}

impl Measure {
    /// The value of a job that counts, for averages over jobs.
    #[inline]
    fn of_job(self, guest: usize, response: f64, size: f64) -> Option<f64> {
        let wait = response - size;
        match self {
            Measure::Response => Some(response),
            Measure::Wait => Some(wait),
            Measure::Waits => Some(f64::from(wait > 0.0)),
            Measure::WaitAbove(limit) => Some(f64::from(wait > limit)),
            Measure::ResponseAbove(limit) => Some(f64::from(response > limit)),
            Measure::ResponseVariance(mean) => Some((response - mean) * (response - mean)),
            Measure::WaitVariance(mean) => Some((wait - mean) * (wait - mean)),
            Measure::Slowdown => Some(response / size),
            Measure::SlowdownNear { size: near, scale } => {
                ((size - near).abs() <= 0.1 * near).then(|| scale * response / size)
            }
            Measure::ResponseOf(exactly) => (size == exactly).then_some(response),
            Measure::ResponseNear(near) => ((size - near).abs() <= 0.02 * near).then_some(response),
            Measure::ResponseFrom(of) => (guest == of).then_some(response),
            Measure::WaitFrom(of) => (guest == of).then_some(wait),
            Measure::WorkTimesWait(means) => Some(means[guest] * wait),
            _ => None,
        }
    }

    /// In nanoseconds instead of units: exact comparisons with a job's integer times.
    fn in_nanos(self) -> Self {
        match self {
            Measure::WaitAbove(limit) => Measure::WaitAbove(limit * UNIT),
            Measure::ResponseAbove(limit) => Measure::ResponseAbove(limit * UNIT),
            Measure::ResponseVariance(mean) => Measure::ResponseVariance(mean * UNIT),
            Measure::WaitVariance(mean) => Measure::WaitVariance(mean * UNIT),
            Measure::SlowdownNear { size, scale } => Measure::SlowdownNear {
                size: size * UNIT,
                scale,
            },
            Measure::ResponseOf(size) => Measure::ResponseOf(size * UNIT),
            Measure::ResponseNear(size) => Measure::ResponseNear(size * UNIT),
            other => other,
        }
    }

    /// What a nanosecond (or its square) is in the measure's own unit.
    fn scale(self) -> f64 {
        match self {
            Measure::Response
            | Measure::Wait
            | Measure::ResponseOf(_)
            | Measure::ResponseNear(_)
            | Measure::ResponseFrom(_)
            | Measure::WaitFrom(_) => 1.0 / UNIT,
            Measure::ResponseVariance(_) | Measure::WaitVariance(_) => 1.0 / (UNIT * UNIT),
            _ => 1.0,
        }
    }
}

/// Samples the number in the system at regular instants.
struct Sampler {
    measure: Measure,
    next: Nanos,
    period: Nanos,
    sum: u64,
    count: u64,
}

/// The observer of one run.
pub struct Meter {
    measures: Vec<(Measure, f64, u64)>,
    warmup: Nanos,
    end: Nanos,
    /// Where the sizes of each guest's jobs come from, if a job is one operation.
    sizes: Vec<Option<(Dist, Stream)>>,
    arrivals: Vec<u64>,
    number: u64,
    last: Nanos,
    area: u128,
    time_at: [Nanos; 64],
    samplers: Vec<Sampler>,
    busy_starts: u64,
    arrived: u64,
    dropped: u64,
    ended: u64,
    parts: [u128; PARTS],
    arrived_work: u128,
    unfinished: (f64, u64),
    /// Arrived work less useful time when nobody was there: every completion takes up to a nanosecond more
    /// than the job's size.
    rounded: i128,
    accounts: [Accounts; 2],
    stations: [Vec<u128>; 2],
    /// Running time of each entry of the first domain.
    ran: [Vec<Nanos>; 2],
}

impl Meter {
    pub fn new(
        scenario: &Scenario,
        layout: &Layout,
        replication: u32,
        measures: &[Measure],
    ) -> Self {
        let sizes = layout
            .guests
            .iter()
            .map(|instance| {
                let guest = &scenario.guests[instance.group];
                let [stage] = guest.workload.stages.as_slice() else {
                    return None;
                };
                let [operation] = stage.operations.as_slice() else {
                    return None;
                };
                let (OperationKind::Gpu(warpshare::workload::GpuWork { time, .. })
                | OperationKind::Host { time }) = &operation.kind
                else {
                    return None;
                };
                let Size::Drawn(dist) = time else {
                    return None;
                };
                let purpose = format!("{}.{}", stage.name, operation.name);
                let seed = scenario.run.seed;
                let draws = Stream::new(seed, replication, &guest.name, instance.ordinal, &purpose);
                Some((dist.clone(), draws))
            })
            .collect();
        let samplers = measures
            .iter()
            .filter_map(|&measure| match measure {
                Measure::NumberAt { offset, period } => Some(Sampler {
                    measure,
                    next: (offset * UNIT) as Nanos,
                    period: (period * UNIT) as Nanos,
                    sum: 0,
                    count: 0,
                }),
                _ => None,
            })
            .collect();
        Meter {
            measures: measures.iter().map(|m| (m.in_nanos(), 0.0, 0)).collect(),
            warmup: scenario.run.warmup,
            end: scenario.run.warmup + scenario.run.window,
            sizes,
            arrivals: vec![0; layout.guests.len()],
            number: 0,
            last: 0,
            area: 0,
            time_at: [0; 64],
            samplers,
            busy_starts: 0,
            arrived: 0,
            dropped: 0,
            ended: 0,
            parts: [0; PARTS],
            arrived_work: 0,
            unfinished: (0.0, 0),
            rounded: 0,
            accounts: [Accounts::default(); 2],
            stations: [Vec::new(), Vec::new()],
            ran: [Vec::new(), Vec::new()],
        }
    }

    #[inline]
    fn in_window(&self, time: Nanos) -> bool {
        self.warmup <= time && time < self.end
    }

    #[inline]
    fn advance(&mut self, now: Nanos) {
        let window = self.warmup..self.end;
        for sampler in &mut self.samplers {
            while sampler.next < now {
                if window.contains(&sampler.next) {
                    sampler.sum += self.number;
                    sampler.count += 1;
                }
                sampler.next += sampler.period;
            }
        }
        let (from, to) = (self.last.max(self.warmup), now.min(self.end));
        if from < to {
            self.area += u128::from(self.number) * u128::from(to - from);
            self.time_at[(self.number as usize).min(63)] += to - from;
        }
        self.last = now;
    }

    fn size(&self, guest: usize, index: u64) -> Option<Nanos> {
        let (dist, draws) = self.sizes[guest].as_ref()?;
        // No work takes less than a nanosecond.
        Some(dist.sample_nanos(draws, index).max(1))
    }

    /// The measures as (numerator, denominator), in their own units.
    pub fn values(&self) -> Vec<(f64, f64)> {
        let window = (self.end - self.warmup) as f64;
        let [before, after] = &self.accounts;
        let sm_time = (after.total() - before.total()) as f64;
        self.measures
            .iter()
            .map(|&(measure, sum, count)| match measure {
                Measure::MeanNumber => (self.area as f64, window),
                Measure::NumberIs(k) => (self.time_at[k] as f64, window),
                Measure::NumberAtLeast(k) => {
                    (self.time_at[k..].iter().sum::<Nanos>() as f64, window)
                }
                Measure::NumberAt { .. } => self
                    .samplers
                    .iter()
                    .find(|sampler| sampler.measure == measure)
                    .map_or((0.0, 0.0), |s| (s.sum as f64, s.count as f64)),
                Measure::Useful => ((after.useful - before.useful) as f64, sm_time),
                Measure::Switching => ((after.switching - before.switching) as f64, sm_time),
                Measure::StationBusy { station, servers } => {
                    let busy = self.stations[1][station] - self.stations[0][station];
                    (busy as f64, window * servers)
                }
                Measure::UnfinishedWork => (self.unfinished.0 / UNIT, self.unfinished.1 as f64),
                Measure::Throughput => (self.ended as f64, window / UNIT),
                Measure::NumberIn(parts) => {
                    let time: u128 = parts.iter().map(|&part| self.parts[part as usize]).sum();
                    (time as f64, window)
                }
                Measure::MeanBusyPeriod => (
                    (window - self.time_at[0] as f64) / UNIT,
                    self.busy_starts as f64,
                ),
                Measure::Ran(entry) => {
                    let ran = self.ran[1][entry] - self.ran[0][entry];
                    (ran as f64, window)
                }
                Measure::WorkTimesWait(_) => (sum / UNIT, window / UNIT),
                Measure::Loss => (self.dropped as f64, self.arrived as f64),
                job => (sum * job.scale(), count as f64),
            })
            .collect()
    }

    /// Jobs that arrived in the window.
    pub fn jobs(&self) -> u64 {
        self.arrived
    }
}

impl Observer for Meter {
    #[inline]
    fn arrived(&mut self, guest: usize, now: Nanos) {
        self.advance(now);
        if self.in_window(now) {
            self.busy_starts += u64::from(self.number == 0);
            self.arrived += 1;
        }
        self.number += 1;
        if self.unfinished_wanted() {
            let work = self.size(guest, self.arrivals[guest]).unwrap_or(0);
            self.arrived_work += u128::from(work);
        }
        self.arrivals[guest] += 1;
    }

    #[inline]
    fn dropped(&mut self, _guest: usize, arrival: Nanos) {
        self.number -= 1;
        self.dropped += u64::from(self.in_window(arrival));
    }

    fn timed_out(&mut self, _guest: usize, arrival: Nanos, now: Nanos) {
        self.advance(now);
        self.number -= 1;
        self.dropped += u64::from(self.in_window(arrival));
    }

    #[inline]
    fn ended(&mut self, guest: usize, job: &JobEnd) {
        self.advance(job.ended);
        self.number -= 1;
        self.ended += u64::from(self.in_window(job.ended));
        if !self.in_window(job.arrival) {
            return;
        }
        let response = job.ended - job.arrival;
        let size = self.size(guest, job.index).unwrap_or(0);
        for (measure, sum, count) in &mut self.measures {
            if let Some(value) = measure.of_job(guest, response as f64, size as f64) {
                *sum += value;
                *count += 1;
            }
        }
        for (sum, part) in self.parts.iter_mut().zip(job.parts) {
            *sum += u128::from(part);
        }
    }

    fn edge(&mut self, _edge: usize, probe: &Probe<'_>) {
        self.advance(probe.now);
        let accounts = probe.domains[0].accounts();
        for (place, time) in [self.warmup, self.end].into_iter().enumerate() {
            if probe.now == time {
                self.accounts[place] = accounts;
                let entries = probe.domains[0].entries().iter();
                self.ran[place] = entries.map(|entry| entry.gpu_time()).collect();
                self.stations[place] = probe.stations.iter().map(|s| s.busy()).collect();
            }
        }
        if self.unfinished_wanted() && self.in_window(probe.now) {
            let done = (accounts.useful / u128::from(probe.domains[0].sms())) as i128;
            let left = self.arrived_work as i128 - done;
            if self.number == 0 {
                self.rounded = left;
            }
            self.unfinished.0 += (left - self.rounded) as f64;
            self.unfinished.1 += 1;
        }
    }
}

impl Meter {
    #[inline]
    fn unfinished_wanted(&self) -> bool {
        matches!(self.measures.first(), Some((Measure::UnfinishedWork, _, _)))
    }
}
