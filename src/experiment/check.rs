//! Invariants that every run checks, also in release builds: see `docs/invariants.md`.

use super::collect::Shared;
use crate::engine::time::Nanos;
use crate::result::Check;
use crate::scenario::{Holds, Scenario};
use crate::sim::Schedule;

pub(super) fn checks(scenario: &Scenario, shared: &Shared) -> Vec<Check> {
    vec![
        sm_time_is_conserved(scenario, shared),
        nobody_runs_while_another_holds(scenario, shared),
        jobs_are_conserved(shared),
        causes_precede_effects(shared),
        frame_buffer_is_not_oversubscribed(scenario),
    ]
}

fn check(id: &str, what: &str, holds: bool, detail: String) -> Check {
    Check {
        id: id.to_owned(),
        what: what.to_owned(),
        holds,
        detail,
    }
}

/// I1: at every sampling edge the four accounts add up to SMs × wall.
fn sm_time_is_conserved(scenario: &Scenario, shared: &Shared) -> Check {
    let (mut edges, mut wrong) = (0u64, 0u64);
    for replication in shared.each_replication() {
        for (index, gpu) in scenario.gpus.iter().enumerate() {
            for edge in shared.edges(replication, index) {
                edges += 1;
                let wall = u128::from(edge.time) * u128::from(gpu.board.sms);
                wrong += u64::from(edge.accounts.total() != wall);
            }
        }
    }
    check(
        "I1",
        "SM time is conserved: useful + switching + reserved-idle + idle = SMs x wall",
        wrong == 0,
        format!("{wrong} of {edges} sampling edges disagree"),
    )
}

/// I2: the running times of the entries of a GPU add up to its GPU time.
fn nobody_runs_while_another_holds(scenario: &Scenario, shared: &Shared) -> Check {
    let schedule = Schedule::new(&scenario.run);
    let mut off: Nanos = 0;
    for replication in shared.each_replication() {
        for gpu in 0..scenario.gpus.len() {
            let edges = shared.edges(replication, gpu);
            let at = |time| {
                let edge = edges.iter().find(|edge| edge.time == time);
                edge.map_or(0, |edge| edge.accounts.gpu_time)
            };
            let gpu_time = at(schedule.end) - at(schedule.warmup);
            off += gpu_time.abs_diff(shared.entries_ran(replication, gpu));
        }
    }
    check(
        "I2",
        "nobody runs while another holds the SMs: running times add up to the GPU time",
        off == 0,
        format!("{off} ns of difference"),
    )
}

/// I3: arrived = completed + dropped + out of memory + timed out + in flight, for every guest.
fn jobs_are_conserved(shared: &Shared) -> Check {
    let (mut arrived, mut wrong) = (0, 0);
    for replication in shared.each_replication() {
        for member in 0..shared.instances.len() {
            let record = shared.member(replication, member);
            arrived += record.arrived;
            // What is left is in flight, so it cannot be negative; and a histogram that lost or
            // invented a job would disagree with the count.
            let left = record.dropped + record.out_of_memory + record.timed_out;
            let accounted = record.completed + left;
            let recorded = record.response.count() == record.completed;
            wrong += u64::from(accounted > record.arrived || !recorded);
        }
    }
    check(
        "I3",
        "jobs are neither lost nor invented: arrived = completed + dropped + in flight",
        wrong == 0,
        format!("{arrived} jobs; {wrong} guests disagree"),
    )
}

/// I4: arrival ≤ start ≤ end, and the parts of a job's life add up to its response.
fn causes_precede_effects(shared: &Shared) -> Check {
    let (mut jobs, mut wrong) = (0, 0);
    for replication in shared.each_replication() {
        for member in 0..shared.instances.len() {
            let record = shared.member(replication, member);
            jobs += record.completed;
            wrong += record.contradictions;
        }
    }
    check(
        "I4",
        "a cause precedes its effect, and the parts of a response add up to it",
        wrong == 0,
        format!("{wrong} of {jobs} jobs disagree"),
    )
}

/// I5: the frame buffer of the vGPUs on a board fits into the board.
fn frame_buffer_is_not_oversubscribed(scenario: &Scenario) -> Check {
    let mut worst = Vec::new();
    let mut holds = true;
    for (index, gpu) in scenario.gpus.iter().enumerate() {
        let reserved: u64 = scenario
            .guests
            .iter()
            .map(|guest| match guest.holds {
                Holds::Context | Holds::Client { .. } | Holds::Process { .. } => 0,
                Holds::Vgpu {
                    number,
                    frame_buffer_mib,
                    ..
                } => u64::from(guest.count_on(index)) * u64::from(number) * frame_buffer_mib,
            })
            .sum();
        holds &= reserved <= gpu.board.frame_buffer_mib;
        worst.push(format!(
            "{}: {reserved} of {} MiB",
            gpu.name, gpu.board.frame_buffer_mib
        ));
    }
    check(
        "I5",
        "frame buffer is never oversubscribed",
        holds,
        worst.join("; "),
    )
}
