//! Open arrivals, first come first served: one server, engine pools, bounded queues, tandems.

use super::harness::Case;
use super::measure::Measure::*;
use super::measure::UNIT;
use super::models::*;
use crate::common::*;
use warpshare::gpu::Link;
use warpshare::sim::Part;
use warpshare::workload::dist::Dist;
use warpshare::workload::{
    Arrivals, Batching, Direction, Discipline, FirstArrival, OperationKind, Phase, Size, Spacing,
};

const FIFO: &str = "one guest, one stream, `fifo`";

pub fn cases() -> Vec<Case> {
    let mut cases = vec![mm1()];
    cases.extend(mg1());
    cases.extend(dm1());
    cases.extend(frame_paced());
    cases.push(on_off());
    cases.extend(batches());
    cases.extend(batching());
    cases.extend(pools());
    cases.extend(bounded());
    cases.push(tandem());
    cases.extend(fork_join());
    cases
}

fn one_server(arrivals: Arrivals, time: Dist, window: f64) -> warpshare::scenario::Scenario {
    let guest = streams(gpu_workload(arrivals, time), 1);
    steady(fifo(), vec![guest], 2_000.0, window)
}

fn mm1() -> Case {
    let scenario = one_server(poisson(0.7), exp(1.0), 1_200_000.0);
    Case::new("V01", "lambda=0.7", FIFO, scenario)
        .is("utilisation", Useful)
        .is("mean_number_in_system", MeanNumber)
        .is("mean_response", Response)
        .is("mean_wait", Wait)
        .variance("variance_response", "mean_response", ResponseVariance)
        .tail("response_p50", 0.5, ResponseAbove)
        .tail("response_p95", 0.05, ResponseAbove)
        .tail("response_p99", 0.01, ResponseAbove)
        .is("prob_wait_positive", Waits)
        .is("prob_number_ge_5", NumberAtLeast(5))
        .is("mean_busy_period", MeanBusyPeriod)
}

fn mg1() -> Vec<Case> {
    let case = |parameters, time, window| {
        let scenario = one_server(poisson(0.7), time, window);
        Case::new("V02", parameters, FIFO, scenario)
            .is("mean_wait", Wait)
            .is("mean_number_in_system", MeanNumber)
            .variance("variance_wait", "mean_wait", WaitVariance)
    };
    let erlang = Dist::erlang(1e6, 4).expect("an Erlang distribution");
    let lognormal = lognormal(-0.346_573_590_3, 0.832_554_611_2);
    vec![
        case("service=det(1)", det(1.0), 400_000.0)
            .tail("wait_p90", 0.1, WaitAbove)
            .tail("wait_p99", 0.01, WaitAbove),
        case("service=erlang", erlang, 400_000.0),
        case("service=lognormal", lognormal, 400_000.0),
        case("service=hyperexp2", h2(), 800_000.0)
            .tail("wait_p90", 0.1, WaitAbove)
            .tail("wait_p99", 0.01, WaitAbove),
    ]
}

fn dm1() -> Vec<Case> {
    let case = |parameters, period| {
        let scenario = one_server(open(constant(period)), exp(1.0), 400_000.0);
        Case::new("V03", parameters, FIFO, scenario)
            .is("mean_wait", Wait)
            .is("mean_response", Response)
            .tail("response_p95", 0.05, ResponseAbove)
    };
    vec![
        case("periodic(1.25)", 1.25e6),
        case("periodic(1.666666667)", 1_666_666.667),
    ]
}

/// Whole periods after the second one, when the path repeats; new phases in each run.
fn frame_paced() -> Vec<Case> {
    let case = |parameters, vms: u32, period: f64| {
        let arrivals = Arrivals::Open {
            gap: det(period),
            first: FirstArrival::RandomPhase,
        };
        let guests = (0..vms)
            .map(|vm| guest(&format!("vm{vm}"), gpu_workload(arrivals.clone(), det(1.0))))
            .collect();
        let scenario = steady(fifo(), guests, 2.0 * period, period);
        let mut case = Case::new(
            "V04",
            parameters,
            "guests with random phases, `fifo`",
            scenario,
        );
        case.runs = 12_000;
        case.is("mean_wait", Wait)
            .is("prob_wait_positive", Waits)
            .is("prob_wait_gt_1", WaitAbove(1.0))
            .is("prob_wait_gt_2", WaitAbove(2.0))
    };
    vec![
        case("vms=8", 8, 10.0).is("prob_wait_gt_3", WaitAbove(3.0)),
        case("vms=4", 4, 5.0),
    ]
}

fn on_off() -> Case {
    let arrivals = Arrivals::Modulated {
        phases: vec![
            Phase {
                gap: Some(UNIT / 2.0),
                stay: exp(5.0),
            },
            Phase {
                gap: None,
                stay: exp(10.0),
            },
        ],
        spacing: Spacing::Random,
    };
    let scenario = one_server(arrivals, exp(1.0), 1_200_000.0);
    Case::new("V10", "on-off", FIFO, scenario)
        .is("utilisation", Useful)
        .is("mean_number_in_system", MeanNumber)
        .is("mean_response", Response)
        .is("prob_wait_positive", Waits)
}

fn batches() -> Vec<Case> {
    let case = |parameters, size| {
        let mut scenario = one_server(poisson(0.2), exp(1.0), 800_000.0);
        scenario.guests[0].workload.batch = Some(size);
        Case::new("V35", parameters, FIFO, scenario)
            .is("mean_number_in_system", MeanNumber)
            .is("mean_response", Response)
    };
    let geometric = Dist::geometric(3.0, 1.0).expect("a geometric distribution");
    vec![
        case("geometric mean 3", geometric),
        case("fixed 4", constant(4.0)),
    ]
}

/// Requests that are served together: whoever waits when the server is idle, up to a limit.
fn batching() -> Vec<Case> {
    const TOGETHER: &str = "one guest, one stream, `batching` without delay, `fifo`";
    let case = |parameters, rate, max, time: Size, window| {
        let mut scenario = one_server(poisson(rate), det(1.0), window);
        let workload = &mut scenario.guests[0].workload;
        workload.discipline = Discipline::Batches(Batching { max, delay: 0 });
        let OperationKind::Gpu(work) = &mut workload.stages[0].operations[0].kind else {
            unreachable!("GPU work");
        };
        work.time = time;
        Case::new("V34", parameters, TOGETHER, scenario).is("mean_response", Response)
    };
    let affine = || Size::Sum {
        base: nanos(1.0) as f64,
        per_item: nanos(0.2) as f64,
        terms: Vec::new(),
    };
    vec![
        case(
            "lambda=3;batch service=exp",
            3.0,
            4,
            Size::Drawn(exp(1.0)),
            120_000.0,
        )
        .is("mean_wait", Wait),
        case(
            "lambda=3;batch service=det",
            3.0,
            4,
            Size::Drawn(det(1.0)),
            60_000.0,
        )
        .is("mean_wait", Wait),
        case(
            "lambda=6;batch service=det",
            6.0,
            8,
            Size::Drawn(det(1.0)),
            60_000.0,
        )
        .is("mean_wait", Wait),
        case("lambda=2;batch of b", 2.0, 65_536, affine(), 60_000.0),
        case("lambda=4;batch of b", 4.0, 65_536, affine(), 60_000.0),
    ]
}

/// An engine pool: host operations of a guest with as many streams as the pool has servers, or on
/// as many host cores.
fn pools() -> Vec<Case> {
    let by_cores = |time| {
        let guest = streams(host_workload(poisson(2.4), time), MANY);
        with_cores(steady(fifo(), vec![guest], 2_000.0, 300_000.0), 3)
    };
    let by_streams = |time| {
        let guest = streams(host_workload(poisson(2.4), time), 3);
        steady(fifo(), vec![guest], 2_000.0, 300_000.0)
    };
    vec![
        Case::new("V05", "servers=3", "three host cores", by_cores(exp(1.0)))
            .is("prob_wait_positive", Waits)
            .is("mean_wait", Wait)
            .is("mean_response", Response)
            .is("mean_number_in_system", MeanNumber)
            .tail("wait_p95", 0.05, WaitAbove),
        Case::new("V06", "servers=3", "three streams", by_streams(det(1.0)))
            .is("prob_wait_positive", Waits)
            .is("mean_wait", Wait)
            .is("mean_number_in_system", MeanNumber),
    ]
}

fn bounded() -> Vec<Case> {
    let pool = |rate, time, servers, queue, window| {
        let mut guest = streams(host_workload(poisson(rate), time), servers);
        guest.queue = Some(queue);
        steady(fifo(), vec![guest], 2_000.0, window)
    };
    let mut one = streams(gpu_workload(poisson(0.9), det(1.0)), 1);
    one.queue = Some(4);
    let one = steady(fifo(), vec![one], 2_000.0, 400_000.0);
    vec![
        Case::new(
            "V07",
            "lambda=2.4",
            "two streams, queue of four",
            pool(2.4, exp(1.0), 2, 4, 100_000.0),
        )
        .is("prob_loss", Loss)
        .is("throughput", Throughput)
        .is("mean_number_in_system", MeanNumber)
        .is("mean_response_accepted", Response),
        Case::new(
            "V07",
            "lambda=3.0",
            "four streams, no queue; det(1)",
            pool(3.0, det(1.0), 4, 0, 40_000.0),
        )
        .is("prob_loss", Loss),
        Case::new(
            "V07",
            "lambda=5.0",
            "seven streams, no queue; H2 with scv 4",
            pool(5.0, h2(), 7, 0, 100_000.0),
        )
        .is("prob_loss", Loss),
        Case::new(
            "V09",
            "lambda=0.9",
            "one stream, queue of four, `fifo`",
            one,
        )
        .is("prob_loss", Loss)
        .is("mean_response_accepted", Response)
        .is("utilisation", Useful),
    ]
}

/// Requests that leave the queue.
pub fn impatient() -> Case {
    let mut impatient = guest("a", gpu_workload(poisson(1.2), exp(1.0)));
    impatient.workload.timeout = Some(exp(4.0));
    Case::new(
        "V08",
        "lambda=1.2",
        "one stream, `timeout` exponential, `fifo`",
        steady(fifo(), vec![impatient], 2_000.0, 200_000.0),
    )
    .is("prob_timeout", Loss)
    .is("throughput_served", Throughput)
    .is("utilisation", Useful)
}

/// Copies of exponential size, in bytes of one nanosecond each.
pub fn copy(mean: f64) -> OperationKind {
    OperationKind::Copy {
        direction: Direction::HostToDevice,
        bytes: Size::Drawn(exp(mean)),
    }
}

/// One byte a nanosecond, so that a copy engine serves a copy of k bytes in k nanoseconds.
pub fn byte_a_nanosecond(mut device: warpshare::scenario::Gpu) -> warpshare::scenario::Gpu {
    device.board.link = Link {
        bytes_per_second: 1e9,
        latency: 0,
    };
    device
}

pub const COPY: &[Part] = &[Part::Copy];
pub const COMPUTE: &[Part] = &[Part::Gpu, Part::SliceWait];
pub const HOST: &[Part] = &[Part::Host];

fn tandem() -> Case {
    let stages = vec![
        stage("copy", vec![copy(1.0)]),
        stage("compute", vec![OperationKind::Gpu(work(exp(1.0 / 0.8)))]),
        stage("encode", vec![host(exp(1.0 / 0.7))]),
    ];
    let guest = streams(workload(poisson(0.5), stages), MANY);
    let device = byte_a_nanosecond(gpu(per_stream("fifo", f64::INFINITY)));
    let scenario = with_cores(steady(device, vec![guest], 2_000.0, 500_000.0), 1);
    Case::new(
        "V15",
        "lambda=0.5",
        "copy engine, SMs under `fifo`, one host core",
        scenario,
    )
    .is("mean_response_total", Response)
    .variance(
        "variance_response_total",
        "mean_response_total",
        ResponseVariance,
    )
    .tail("response_total_p50", 0.5, ResponseAbove)
    .tail("response_total_p95", 0.05, ResponseAbove)
    .tail("response_total_p99", 0.01, ResponseAbove)
    .is("mean_number_copy", NumberIn(COPY))
    .is("mean_number_compute", NumberIn(COMPUTE))
    .is("mean_number_encode", NumberIn(HOST))
}

/// A stage of two operations that start together.
fn fork_join() -> Vec<Case> {
    let case = |parameters, rate, window| {
        let stages = vec![stage("both", vec![copy(1.0), host(exp(1.0))])];
        let guest = streams(workload(poisson(rate), stages), MANY);
        let device = byte_a_nanosecond(fifo());
        let scenario = with_cores(steady(device, vec![guest], 2_000.0, window), 1);
        let mapping = "one stage: a copy beside host work on one core";
        Case::new("V37", parameters, mapping, scenario).is("mean_response", Response)
    };
    vec![
        case("lambda=0.3", 0.3, 200_000.0),
        case("lambda=0.7", 0.7, 500_000.0),
    ]
}
