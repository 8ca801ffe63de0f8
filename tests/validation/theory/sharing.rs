//! Sharing the SMs: processor sharing, rate caps, round robin, reserved slots, conservation of work.

use super::harness::Case;
use super::measure::Measure::*;
use super::models::*;
use crate::common::*;
use warpshare::gpu::Charge;
use warpshare::workload::OperationKind;
use warpshare::workload::dist::Dist;

pub fn cases() -> Vec<Case> {
    let mut cases = processor_sharing();
    cases.push(rate_cap());
    cases.extend(round_robin());
    cases.extend(geometric_quanta());
    cases.extend(closed_round_robin());
    cases.extend(reserved_slots());
    cases.extend(unfinished_work());
    cases
}

fn processor_sharing() -> Vec<Case> {
    let shared = |rate, time: Dist, window| {
        let guest = streams(gpu_workload(poisson(rate), time), MANY);
        steady(fifo(), vec![guest], 2_000.0, window)
    };
    let mapping = "128 streams of one tenant share the SMs";
    let exponential = Case::new(
        "V16",
        "lambda=0.7",
        mapping,
        shared(0.7, exp(1.0), 400_000.0),
    );
    let near = |size: f64| SlowdownNear { size, scale: size };
    let exponential = exponential
        .is("mean_response", Response)
        .variance("variance_response", "mean_response", ResponseVariance)
        .is("mean_slowdown", Slowdown)
        .is("mean_response_given_size_0.5", near(0.5))
        .is("mean_response_given_size_2", near(2.0))
        .is("mean_response_given_size_5", near(5.0))
        .is("prob_number_eq_0", NumberIs(0))
        .is("prob_number_eq_2", NumberIs(2));
    let any = |parameters, time, window| {
        Case::new("V17", parameters, mapping, shared(0.7, time, window))
            .is("mean_response", Response)
            .is("mean_number_in_system", MeanNumber)
            .is("prob_number_eq_3", NumberIs(3))
            .is("mean_slowdown", Slowdown)
    };
    // Sizes 1 and 4 in the proportion of the arrival rates 0.3 and 0.1.
    let two_sizes = Dist::empirical(&[1e6, 4e6], Some(&[3, 1])).expect("two sizes");
    vec![
        exponential,
        any("service=det(1)", det(1.0), 200_000.0).variance(
            "variance_response",
            "mean_response",
            ResponseVariance,
        ),
        any("service=hyperexp2", h2(), 400_000.0),
        any(
            "service=lognormal",
            lognormal(-0.804_718_956_2, 1.268_636_241_2),
            400_000.0,
        ),
        Case::new(
            "V17",
            "classes=2",
            mapping,
            shared(0.4, two_sizes, 200_000.0),
        )
        .is("mean_response_class1", ResponseOf(1.0))
        .is("mean_response_class2", ResponseOf(4.0)),
    ]
}

/// Eight SMs of which a request can fill two: alone, work of one device unit takes four.
fn rate_cap() -> Case {
    let mut capped = work(exp(4.0));
    capped.sms = Some(2);
    let stages = vec![stage("s", vec![OperationKind::Gpu(capped)])];
    let guest = streams(workload(poisson(0.7), stages), MANY);
    let mut device = fifo();
    device.board.sms = 8;
    let scenario = steady(device, vec![guest], 2_000.0, 300_000.0);
    Case::new(
        "V18",
        "rate_cap_per_job=1/4",
        "requests that can fill a quarter of the SMs",
        scenario,
    )
    .is("mean_number_in_system", MeanNumber)
    .is("mean_response", Response)
    .is("prob_rate_below_cap", NumberAtLeast(5))
}

fn round_robin() -> Vec<Case> {
    let case = |parameters, quantum, window| {
        let guest = streams(gpu_workload(poisson(0.7), exp(1.0)), MANY);
        let device = gpu(per_stream("best-effort", quantum));
        let scenario = steady(device, vec![guest], 2_000.0, window);
        let mapping = "turns by stream, `best-effort`";
        Case::new("V21", parameters, mapping, scenario)
            .is("mean_response", Response)
            .is("mean_number_in_system", MeanNumber)
            .is("prob_number_eq_3", NumberIs(3))
    };
    vec![
        case("quantum=0.1;", 0.1, 200_000.0),
        case("quantum=1;", 1.0, 300_000.0),
        case("quantum=10;", 10.0, 300_000.0),
    ]
}

fn geometric_quanta() -> Vec<Case> {
    let case = |parameters, tau, window| {
        let quanta = Dist::geometric(2.5e6, 1e6).expect("a geometric distribution");
        let guest = streams(gpu_workload(poisson(0.28), quanta), MANY);
        let share = per_stream("best-effort", 1.0);
        let device = with_switch(share, tau, Charge::PerDispatch);
        let scenario = steady(device, vec![guest], 4_000.0, window);
        let mapping = "turns by stream, charged at each dispatch";
        Case::new("V22", parameters, mapping, scenario)
            .is("mean_response", Response)
            .is("mean_number_in_system", MeanNumber)
            .is("mean_response_given_1_quanta", ResponseOf(1.0))
            .is("mean_response_given_2_quanta", ResponseOf(2.0))
            .is("mean_response_given_5_quanta", ResponseOf(5.0))
            .is("mean_response_given_10_quanta", ResponseOf(10.0))
    };
    vec![
        case("overhead_per_dispatch=0.0", 0.0, 800_000.0),
        case("overhead_per_dispatch=0.1", 0.1, 800_000.0),
    ]
}

fn closed_round_robin() -> Vec<Case> {
    struct Model {
        parameters: &'static str,
        vms: u32,
        think: f64,
        quantum: f64,
        go_on: f64,
        tau: f64,
    }
    let case = |model: Model| {
        let mean = model.quantum / (1.0 - model.go_on);
        let sizes = Dist::geometric(mean * 1e6, model.quantum * 1e6).expect("geometric");
        let guests = (0..model.vms)
            .map(|vm| {
                let workload = gpu_workload(users(1, model.think), sizes.clone());
                guest(&format!("vm{vm}"), workload)
            })
            .collect();
        let share = time_slice("best-effort", nanos(model.quantum));
        let device = with_switch(share, model.tau, Charge::PerTenantChange);
        let scenario = steady(device, guests, 2_000.0, 100_000.0);
        let mapping = "guests of one user, `best-effort`, charged on a change of guest";
        let case = Case::new("V23", model.parameters, mapping, scenario)
            .is("throughput", Throughput)
            .is("mean_response", Response)
            .is("useful_utilisation", Useful);
        if model.tau > 0.0 {
            case.is("overhead_fraction", Switching)
        } else {
            case
        }
    };
    vec![
        case(Model {
            parameters: "vms=4;one request per VM at a time;think=exp(10);service=geometric quanta(continue prob 0.5);quantum=2;switch_cost=0.2 ",
            vms: 4,
            think: 10.0,
            quantum: 2.0,
            go_on: 0.5,
            tau: 0.2,
        }),
        case(Model {
            parameters: "vms=4;one request per VM at a time;think=exp(10);service=geometric quanta(continue prob 0.5);quantum=2;switch_cost=0 ",
            vms: 4,
            think: 10.0,
            quantum: 2.0,
            go_on: 0.5,
            tau: 0.0,
        }),
        case(Model {
            parameters: "vms=8",
            vms: 8,
            think: 20.0,
            quantum: 1.0,
            go_on: 0.75,
            tau: 0.1,
        }),
        case(Model {
            parameters: "vms=2",
            vms: 2,
            think: 1.0,
            quantum: 1.0,
            go_on: 0.8,
            tau: 0.5,
        }),
    ]
}

fn reserved_slots() -> Vec<Case> {
    let case = |parameters, mapping, rate, turns, tau, slice, period, window| {
        let mut share = time_slice("fixed-share", nanos(slice));
        share.reserved_turns = Some(turns);
        let device = with_switch(share, tau, Charge::PerSlot);
        let guest = streams(gpu_workload(poisson(rate), exp(1.0)), 1);
        let scenario = steady(device, vec![guest], 4_000.0, window);
        let at = |offset| NumberAt { offset, period };
        Case::new("V29", parameters, mapping, scenario)
            .is("mean_number_in_system", MeanNumber)
            .is("mean_response", Response)
            .is("mean_number_at_slot_start", at(tau))
            .is("mean_number_at_slot_end", at(slice))
    };
    vec![
        // Two turns of five, the first unit of each lost to its switch: four of ten.
        case(
            "lambda=0.2",
            "`fixed-share`, two turns of 5, of which a switch takes 1",
            0.2,
            2,
            1.0,
            5.0,
            10.0,
            400_000.0,
        ),
        case(
            "lambda=0.15",
            "`fixed-share`, four turns of 1",
            0.15,
            4,
            0.0,
            1.0,
            4.0,
            800_000.0,
        ),
    ]
}

fn unfinished_work() -> Vec<Case> {
    let case = |parameters, mapping, share, streams_: u32, time, window: f64| {
        let guest = streams(gpu_workload(poisson(0.7), time), streams_);
        let mut scenario = steady(gpu(share), vec![guest], 2_000.0, window);
        scenario.run.timeline_bins = ((window + 2_000.0) / 5.0) as u32;
        Case::new("V38", parameters, mapping, scenario)
            .is("time_average_unfinished_work", UnfinishedWork)
            .is("utilisation", Useful)
    };
    vec![
        case(
            "service=det(1)",
            "`best-effort`, turns by stream, quantum 0.3",
            per_stream("best-effort", 0.3),
            MANY,
            det(1.0),
            200_000.0,
        ),
        case(
            "service=exp(1)",
            "128 streams of one tenant share the SMs",
            time_slice("fifo", FOREVER),
            MANY,
            exp(1.0),
            400_000.0,
        ),
        case(
            "service=hyperexp2",
            "one stream, `fifo`",
            time_slice("fifo", FOREVER),
            1,
            h2(),
            800_000.0,
        ),
    ]
}
