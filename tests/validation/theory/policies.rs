//! What schedulers of research promise: priorities, sizes, weights.

use super::harness::Case;
use super::measure::Measure::*;
use super::models::*;
use crate::common::*;
use warpshare::policy::{OnCompletion, Terms, TimeSlice};
use warpshare::scenario::{Guest, Scenario};
use warpshare::workload::dist::Dist;

pub fn cases() -> Vec<Case> {
    let mut cases = two_priorities();
    cases.extend(three_priorities());
    cases.push(shortest_remaining());
    cases.push(least_attained());
    cases.extend(discriminatory());
    cases.extend(weighted());
    cases.extend(beside_a_busy_tenant());
    cases
}

/// First come, first served within a guest. A piece of work ends its turn: the next may be another's.
fn one_at_a_time(scheduler: &str) -> TimeSlice {
    TimeSlice {
        on_completion: OnCompletion::End,
        ..time_slice(scheduler, FOREVER)
    }
}

/// Guests of falling priority, or of these weights.
fn classes(of: Vec<(f64, Dist)>, terms: impl Fn(usize) -> Terms) -> Vec<Guest> {
    let guests = of.into_iter().enumerate().map(|(index, (rate, size))| {
        let mut guest = guest(&format!("vm{index}"), gpu_workload(poisson(rate), size));
        guest.terms = terms(index);
        guest
    });
    guests.collect()
}

fn priority(index: usize) -> Terms {
    Terms {
        priority: 3 - index as i32,
        ..Terms::default()
    }
}

fn two_priorities() -> Vec<Case> {
    let scenario = |scheduler| -> Scenario {
        let guests = classes(vec![(0.3, exp(1.0)), (0.4, exp(1.0))], priority);
        steady(gpu(one_at_a_time(scheduler)), guests, 2_000.0, 300_000.0)
    };
    vec![
        Case::new(
            "V33",
            "lambda=(0.3, 0.4);service=exp(1),exp(1);class 1 highest;policy=non",
            "a guest for each class, `priority-non-preemptive`, a completion ends the turn",
            scenario("priority-non-preemptive"),
        )
        .is("mean_wait_class1", WaitFrom(0))
        .is("mean_wait_class2", WaitFrom(1)),
        Case::new(
            "V33",
            "lambda=(0.3, 0.4);service=exp(1),exp(1);class 1 highest;policy=preemptive",
            "a guest for each class, `priority`",
            scenario("priority"),
        )
        .is("mean_response_class1", ResponseFrom(0))
        .is("mean_response_class2", ResponseFrom(1)),
    ]
}

fn three_priorities() -> Vec<Case> {
    const MEANS: &[f64] = &[0.5, 2.0, 4.0];
    // Four times the size of mean 1 with scv 4.
    let (p, rate1, rate2) = (0.887_298_334_6, 1.774_596_669_2, 0.225_403_330_8);
    let long = Dist::hyperexponential_phases(p, 4e6 / rate1, 4e6 / rate2).expect("phases");
    let scenario = |scheduler, window| -> Scenario {
        let of = vec![(0.2, det(0.5)), (0.1, exp(2.0)), (0.05, long.clone())];
        let guests = classes(of, priority);
        steady(gpu(one_at_a_time(scheduler)), guests, 2_000.0, window)
    };
    let mapping = "three guests, `priority-non-preemptive`, a completion ends the turn";
    vec![
        Case::new(
            "V33",
            "lambda=(0.2, 0.1, 0.05);service=det(0.5),exp(2),hyperexp(mean 4, E[S^2]=80);class 1 highest;policy=non",
            mapping,
            scenario("priority-non-preemptive", 3_800_000.0),
        )
        .is("mean_wait_class1", WaitFrom(0))
        .is("mean_wait_class2", WaitFrom(1))
        .is("mean_wait_class3", WaitFrom(2)),
        Case::new(
            "V33",
            "lambda=(0.2, 0.1, 0.05);service=det(0.5),exp(2),hyperexp(mean 4, E[S^2]=80);class 1 highest;policy=preemptive",
            "three guests, `priority`",
            scenario("priority", 1_000_000.0),
        )
        .is("mean_response_class1", ResponseFrom(0))
        .is("mean_response_class2", ResponseFrom(1))
        .is("mean_response_class3", ResponseFrom(2)),
        Case::new(
            "V38",
            "mean=(0.5, 2.0, 4.0)",
            mapping,
            scenario("priority-non-preemptive", 800_000.0),
        )
        .is("sum_rho_wait", WorkTimesWait(MEANS)),
    ]
}

/// Every request has turns of its own, in slices of this length.
fn by_request(scheduler: &str, slice: f64, window: f64) -> Scenario {
    let guest = streams(gpu_workload(poisson(0.7), exp(1.0)), MANY);
    steady(
        gpu(per_stream(scheduler, slice)),
        vec![guest],
        2_000.0,
        window,
    )
}

fn shortest_remaining() -> Case {
    Case::new(
        "V39",
        "policy=srpt",
        "turns by stream, `shortest-remaining`",
        by_request("shortest-remaining", f64::INFINITY, 300_000.0),
    )
    .is("mean_response", Response)
}

/// Theory has no slices; here equals take turns of 0.01.
fn least_attained() -> Case {
    Case::new(
        "V39",
        "policy=least attained service",
        "turns by stream, `least-attained`, slices of 0.01",
        by_request("least-attained", 0.01, 20_000.0),
    )
    .is("mean_response_given_size_0.5", ResponseNear(0.5))
    .is("mean_response_given_size_1", ResponseNear(1.0))
    .is("mean_response_given_size_2", ResponseNear(2.0))
}

fn weights(of: &'static [u32]) -> impl Fn(usize) -> Terms {
    |index| Terms {
        weight: of[index],
        ..Terms::default()
    }
}

/// Shares for each request: turns by stream, as long as the weight says.
fn discriminatory() -> Vec<Case> {
    let case = |parameters, of, weighted: &'static [u32], window| {
        let mut guests = classes(of, weights(weighted));
        guests.iter_mut().for_each(|guest| guest.streams = MANY);
        let device = gpu(per_stream("deficit-round-robin", 0.005));
        let mapping = "turns by stream, `deficit-round-robin`, slices of 0.005 times the weight";
        Case::new(
            "V19",
            parameters,
            mapping,
            steady(device, guests, 1_000.0, window),
        )
        .is("mean_response_class1", ResponseFrom(0))
        .is("mean_response_class2", ResponseFrom(1))
    };
    vec![
        case(
            "lambda=(0.4, 0.6)",
            vec![(0.4, exp(1.0)), (0.6, exp(0.5))],
            &[3, 1],
            200_000.0,
        ),
        case(
            "lambda=(0.3, 0.3)",
            vec![(0.3, exp(1.0)), (0.3, exp(1.0))],
            &[4, 1],
            100_000.0,
        ),
    ]
}

/// Shares for each guest, first come, first served within it.
fn weighted() -> Vec<Case> {
    let case = |parameters, mapping, scheduler, slice, weighted, window| {
        let guests = classes(vec![(0.25, exp(1.0)), (0.4, exp(1.0))], weights(weighted));
        let device = gpu(time_slice(scheduler, nanos(slice)));
        Case::new(
            "V20",
            parameters,
            mapping,
            steady(device, guests, 1_000.0, window),
        )
        .is("mean_number_total", MeanNumber)
        .is("mean_response_vm1", ResponseFrom(0))
        .is("mean_response_vm2", ResponseFrom(1))
    };
    vec![
        case(
            "(0.5,0.5) per VM",
            "two guests, `best-effort`, slices of 0.005",
            "best-effort",
            0.005,
            &[1, 1],
            100_000.0,
        ),
        case(
            "(0.75,0.25) per VM",
            "two guests of weights 3 and 1, `deficit-round-robin`, slices of 0.005 times the weight",
            "deficit-round-robin",
            0.005,
            &[3, 1],
            100_000.0,
        ),
    ]
}

/// A guest beside one that always has work: what the first leaves is lent.
fn beside_a_busy_tenant() -> Vec<Case> {
    let scenario = |scheduler, slice, rate, weighted, window| {
        let mut guests = classes(vec![(rate, exp(1.0))], weights(weighted));
        let mut busy = guest("vm9", gpu_workload(closed(1, det(0.0)), det(1_000.0)));
        busy.terms = weights(weighted)(1);
        guests.push(busy);
        let share = time_slice(scheduler, nanos(slice));
        steady(gpu(share), guests, 2_000.0, window)
    };
    let half = "vm1 lambda=0.25;service=exp(1);share vm1=0.5;vm2=always backlogged;policy=weighted";
    let quarter =
        "vm1 lambda=0.2;service=exp(1);share vm1=0.25;vm2=always backlogged;policy=weighted";
    vec![
        Case::new(
            "V20",
            half,
            "`best-effort`, slices of 0.005",
            scenario("best-effort", 0.005, 0.25, &[1, 1], 100_000.0),
        )
        .is("mean_response_vm1", ResponseFrom(0))
        .is("throughput_share_vm2", Ran(1)),
        Case::new(
            "V20",
            quarter,
            "weights 1 and 3, `deficit-round-robin`, slices of 0.02 times the weight",
            scenario("deficit-round-robin", 0.02, 0.2, &[1, 3], 100_000.0),
        )
        .is("throughput_share_vm2", Ran(1)),
    ]
}
