//! Invariants that every run checks, also in release builds: see `docs/invariants.md`.

use super::collect::Shared;
use crate::engine::time::Nanos;
use crate::result::{Check, FrameBuffer, Invariant, Witness};
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
    Check {
        id: Invariant::I1,
        holds: wrong == 0,
        witness: Witness::Edges { wrong, of: edges },
    }
}

/// I2: the clocks of the entries of a GPU add up to the time in which its domains let one run.
fn nobody_runs_while_another_holds(scenario: &Scenario, shared: &Shared) -> Check {
    let schedule = Schedule::new(&scenario.run);
    let mut off: Nanos = 0;
    for replication in shared.each_replication() {
        for gpu in 0..scenario.gpus.len() {
            let edges = shared.edges(replication, gpu);
            let at = |time| {
                let edge = edges.iter().find(|edge| edge.time == time);
                edge.map_or(0, |edge| edge.accounts.let_run)
            };
            let let_run = at(schedule.end) - at(schedule.warmup);
            off += let_run.abs_diff(shared.entries_ran(replication, gpu));
        }
    }
    Check {
        id: Invariant::I2,
        holds: off == 0,
        witness: Witness::Clocks { apart_ns: off },
    }
}

/// I3: what has come and not gone is in the guest's queue or on its streams, at the end of every run; and what
/// came in the window is what ended, was lost or is still in flight.
fn jobs_are_conserved(shared: &Shared) -> Check {
    let (mut arrived, mut wrong) = (0, 0);
    for replication in shared.each_replication() {
        for member in 0..shared.instances.len() {
            let record = shared.member(replication, member);
            arrived += record.arrived;
            let left = record.dropped + record.out_of_memory + record.timed_out + record.lost;
            let accounted = record.completed + left;
            // Of the window at most as many are in flight as of all time; and a histogram that lost or
            // invented a job would disagree with the count.
            let holds = record.in_system == i64::try_from(record.in_flight).unwrap_or(i64::MAX)
                && accounted <= record.arrived
                && record.arrived - accounted <= record.in_flight
                && record.response.count() == record.completed;
            wrong += u64::from(!holds);
        }
    }
    Check {
        id: Invariant::I3,
        holds: wrong == 0,
        witness: Witness::Guests {
            wrong,
            jobs: arrived,
        },
    }
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
    Check {
        id: Invariant::I4,
        holds: wrong == 0,
        witness: Witness::Jobs { wrong, of: jobs },
    }
}

/// I5: the frame buffer of the vGPUs on a board fits into the board.
fn frame_buffer_is_not_oversubscribed(scenario: &Scenario) -> Check {
    let mut gpus = Vec::new();
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
        gpus.push(FrameBuffer {
            gpu: gpu.name.clone(),
            reserved_mib: reserved,
            of_mib: gpu.board.frame_buffer_mib,
        });
    }
    Check {
        id: Invariant::I5,
        holds: gpus.iter().all(|gpu| gpu.reserved_mib <= gpu.of_mib),
        witness: Witness::FrameBuffer { gpus },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::recorder::{self, CellRecord};
    use crate::scenario::{Overrides, parse};
    use crate::sim::{Layout, Speed, Variant, build};

    /// Two guests share a GPU in turns that cost something; the work of one is too much, so that some is left at
    /// the end; the other takes its requests in batches.
    const TEXT: &str = r#"
preset = "neutral"
[run]
horizon = "terminating"
duration = "1s"
drain = "0s"
replications = 1
baselines = false
[gpus.a]
board = "neutral"
switch = { save = "50us" }
share = { scheduler = "best-effort", slice = "2ms" }
[guests.many]
context = true
workload = "many"
[guests.together]
context = true
workload = "together"
[workloads.many]
arrivals = { process = "poisson", rate = "300/s" }
stages.s.gpu.time = "5ms"
[workloads.together]
arrivals = { process = "poisson", rate = "300/s" }
batching = { max = 4, delay = "5ms" }
stages.s.gpu.time = "8ms"
"#;

    /// Which checks fail of a run whose recorder was changed so.
    fn red(change: impl FnOnce(&mut CellRecord)) -> Vec<Invariant> {
        let loaded = parse("mutants", TEXT, ".".as_ref(), &Overrides::default());
        let scenario = loaded.expect("a scenario").scenario;
        let mut layout = Layout::default();
        let cell = build(
            &scenario,
            &[0],
            0,
            Variant::Shared,
            Speed::RoundJump,
            |found| {
                layout = found.clone();
                recorder::recorder(&scenario, found, None)
            },
        );
        let observers = cell.expect("a cell").run();
        let mut record = recorder::finish(observers).expect("no rows that fail");
        change(&mut record);
        let shared = Shared::new(&scenario, vec![layout], vec![record]);
        let failed = checks(&scenario, &shared).into_iter();
        failed
            .filter(|check| !check.holds)
            .map(|check| check.id)
            .collect()
    }

    #[test]
    fn a_run_as_it_is_breaks_nothing() {
        assert!(red(|_| ()).is_empty());
        let left = red(|recorder| {
            assert!(recorder.members[0].in_flight > 10, "work is left");
            assert!(recorder.members[1].in_flight > 1, "batches are under way");
        });
        assert!(left.is_empty());
    }

    #[test]
    fn each_invariant_can_fail() {
        // A turn was paid twice.
        let paid_twice = red(|recorder| {
            let last = recorder.gpus[0].last_mut().expect("an edge");
            last.accounts.switching += 50_000;
        });
        assert_eq!(paid_twice, [Invariant::I1]);
        // Two entries ran at once for a microsecond.
        assert_eq!(
            red(|record| record.entries_ran[0] += 1_000),
            [Invariant::I2]
        );
        // A job is neither in the queue nor on a stream, nor did it end.
        assert_eq!(
            red(|record| record.members[0].in_flight -= 1),
            [Invariant::I3]
        );
        // A job of a batch ended twice.
        assert_eq!(
            red(|record| record.members[1].in_system -= 1),
            [Invariant::I3]
        );
        assert_eq!(
            red(|record| record.members[1].contradictions += 1),
            [Invariant::I4]
        );
    }
}
