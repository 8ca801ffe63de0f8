//! Closed loops: machine repairman, networks of stations.

use super::harness::Case;
use super::measure::Measure::*;
use super::models::*;
use super::open::{COMPUTE, COPY, HOST, byte_a_nanosecond, copy};
use crate::common::*;
use warpshare::workload::OperationKind;

pub fn cases() -> Vec<Case> {
    let mut cases = repairman();
    cases.extend(network());
    cases.extend(two_encoders());
    cases
}

fn repairman() -> Vec<Case> {
    let one = streams(gpu_workload(users(10, 9.0), exp(1.0)), 1);
    let one = steady(fifo(), vec![one], 1_000.0, 200_000.0);
    let two = streams(host_workload(users(10, 4.0), exp(1.0)), 10);
    let two = with_cores(steady(fifo(), vec![two], 1_000.0, 80_000.0), 2);
    let shared = streams(gpu_workload(users(10, 9.0), h2()), 10);
    let shared = steady(fifo(), vec![shared], 1_000.0, 100_000.0);
    let mapping = "ten streams of one tenant, sizes H2 with scv 4";
    let common = |case: Case| {
        case.is("throughput", Throughput)
            .is("mean_response", Response)
            .is("mean_number_at_gpu", MeanNumber)
            .is("prob_arrival_must_wait", Waits)
    };
    let fifo_1 = "think=exp(9);service=exp(1);servers=1;policy=fifo";
    let fifo_2 = "think=exp(4);service=exp(1);servers=2;policy=fifo";
    vec![
        common(Case::new(
            "V12",
            fifo_1,
            "ten users, one stream, `fifo`",
            one,
        ))
        .is("utilisation_per_server", Useful),
        common(Case::new("V12", fifo_2, "ten streams, two host cores", two)).is(
            "utilisation_per_server",
            StationBusy {
                station: 2,
                servers: 2.0,
            },
        ),
        Case::new("V12", "policy=ps", mapping, shared).is("throughput", Throughput),
    ]
}

fn network() -> Vec<Case> {
    let case = |parameters, population: u32, window| {
        let stages = vec![
            stage("copy", vec![copy(0.8)]),
            stage("decode1", vec![host(exp(0.5))]),
            stage("compute", vec![OperationKind::Gpu(work(exp(2.0)))]),
            stage("decode2", vec![host(exp(0.5))]),
        ];
        let guest = streams(workload(users(population, 10.0), stages), population);
        // Exponential sizes: the product form is the same for both ways to share the SMs.
        let device = byte_a_nanosecond(gpu(if population > 5 {
            per_stream("fifo", f64::INFINITY)
        } else {
            time_slice("fifo", FOREVER)
        }));
        let scenario = with_cores(steady(device, vec![guest], 2_000.0, window), 1);
        let mapping = if population > 5 {
            "copy engine, SMs under `fifo`, one host core"
        } else {
            "copy engine, SMs shared by streams, one host core"
        };
        Case::new("V13", parameters, mapping, scenario)
            .is("throughput", Throughput)
            .is("mean_response_total", Response)
            .is("mean_number_copy", NumberIn(COPY))
            .is("mean_number_compute", NumberIn(COMPUTE))
            .is("mean_number_decode", NumberIn(HOST))
            .is("utilisation_compute", Useful)
    };
    vec![
        case("users=5;", 5, 200_000.0),
        case("users=20;", 20, 200_000.0),
    ]
}

fn two_encoders() -> Vec<Case> {
    let case = |parameters, population: u32, window| {
        let stages = vec![
            stage("copy", vec![copy(0.6)]),
            stage("compute", vec![OperationKind::Gpu(work(exp(2.0)))]),
            stage("encode", vec![host(exp(3.0))]),
        ];
        let guest = streams(workload(users(population, 5.0), stages), population);
        let device = byte_a_nanosecond(gpu(per_stream("fifo", f64::INFINITY)));
        let scenario = with_cores(steady(device, vec![guest], 2_000.0, window), 2);
        let mapping = "copy engine, SMs under `fifo`, two host cores";
        Case::new("V14", parameters, mapping, scenario)
            .is("throughput", Throughput)
            .is("mean_response_total", Response)
            .is("mean_number_encode", NumberIn(HOST))
    };
    vec![
        case("users=3;", 3, 200_000.0),
        case("users=12;", 12, 200_000.0),
    ]
}
