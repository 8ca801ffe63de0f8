//! The building blocks of the theory cases, on the neutral device of `common`.

use super::measure::UNIT;
use crate::common::*;
use warpshare::engine::time::Nanos;
use warpshare::gpu::Charge;
use warpshare::policy::{TimeSlice, Turns};
use warpshare::scenario::{Gpu, Guest, Horizon, Scenario};
use warpshare::workload::dist::Dist;
use warpshare::workload::{Arrivals, OperationKind, Size, Workload};

/// Streams that stand for "as many as there are requests": 128 requests at once have a probability
/// below 1e-15 in every case that uses this.
pub const MANY: u32 = 128;

pub fn nanos(units: f64) -> Nanos {
    (units * UNIT).round() as Nanos
}

pub fn exp(mean: f64) -> Dist {
    Dist::exponential(mean * UNIT).expect("a mean")
}

pub fn det(value: f64) -> Dist {
    constant(value * UNIT)
}

/// Mean 1, squared coefficient of variation 4, balanced means.
pub fn h2() -> Dist {
    let (p, rate1, rate2) = (0.887_298_334_6, 1.774_596_669_2, 0.225_403_330_8);
    Dist::hyperexponential_phases(p, UNIT / rate1, UNIT / rate2).expect("phases")
}

/// Mean 1; squared coefficient of variation e^σ² − 1.
pub fn lognormal(mu: f64, sigma: f64) -> Dist {
    Dist::lognormal_log(mu + libm::log(UNIT), sigma).expect("a lognormal distribution")
}

pub fn poisson(rate: f64) -> Arrivals {
    open(exp(1.0 / rate))
}

pub fn users(count: u32, think: f64) -> Arrivals {
    closed(count, exp(think))
}

pub fn host(time: Dist) -> OperationKind {
    OperationKind::Host {
        time: Size::Drawn(time),
    }
}

/// Jobs of one host operation.
pub fn host_workload(arrivals: Arrivals, time: Dist) -> Workload {
    workload(arrivals, vec![stage("s", vec![host(time)])])
}

pub fn streams(workload: Workload, streams: u32) -> Guest {
    Guest {
        streams,
        ..guest("g", workload)
    }
}

pub fn fifo() -> Gpu {
    gpu(time_slice("fifo", FOREVER))
}

/// One turn for each stream.
pub fn per_stream(scheduler: &str, quantum: f64) -> TimeSlice {
    let slice = if quantum.is_finite() {
        nanos(quantum)
    } else {
        FOREVER
    };
    TimeSlice {
        turns: Turns::PerChannel,
        ..time_slice(scheduler, slice)
    }
}

pub fn with_switch(share: TimeSlice, tau: f64, charge: Charge) -> Gpu {
    let mut device = gpu(share);
    device.board.switch = switch(nanos(tau), charge);
    device
}

/// A long-run scenario: warm-up and window in units.
pub fn steady(device: Gpu, guests: Vec<Guest>, warmup: f64, window: f64) -> Scenario {
    let mut scenario = scenario(vec![device], guests, nanos(window));
    scenario.run.horizon = Horizon::Steady;
    scenario.run.warmup = nanos(warmup);
    scenario
}

pub fn with_cores(mut scenario: Scenario, cores: u32) -> Scenario {
    scenario.host_cores = Some(cores);
    scenario
}
