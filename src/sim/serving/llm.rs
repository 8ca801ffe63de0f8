//! A guest that serves a language model: its one stream runs the engine's iterations one after the
//! other, and requests live in the engine.

mod engine;

use super::{New, Serve, Serving, State};
use crate::engine::time::{LONGEST, NEVER, Nanos, round_nanos};
use crate::sim::build::BuildError;
use crate::sim::cell::Cell;
use crate::sim::guest::Job;
use crate::sim::observer::{JobEnd, Observer, Part, Token};
use crate::workload::Size;
use crate::workload::llm::{Cost, Llm};
use engine::Engine;

/// See the [module documentation](self).
#[derive(Debug)]
pub struct LanguageModel {
    engine: Engine,
    /// What the present iteration costs.
    iteration: Cost,
}

impl LanguageModel {
    pub(super) fn new(rule: &Llm, new: &New<'_>) -> Result<Self, BuildError> {
        if new.streams != 1 {
            return Err(BuildError::EngineStreams {
                guest: new.guest.name.clone(),
            });
        }
        Ok(LanguageModel {
            engine: Engine::new(rule, new.key),
            iteration: Cost::default(),
        })
    }
}

impl Serve for LanguageModel {
    /// A request comes to the engine.
    fn arrived<O: Observer>(cell: &mut Cell<O>, guest: usize, job: Job) {
        cell.observer.arrived(guest, job.arrival);
        let state = &cell.guests[guest];
        let Serving::LanguageModel(LanguageModel { engine, .. }) = &state.serving else {
            unreachable!("a guest of another kind");
        };
        let (prompts, outputs) = engine.draws();
        let tokens = |size: &Size, draws| {
            let drawn = state.size(size, (draws, job.index), &job, &[]);
            libm::rint(drawn).clamp(1.0, f64::from(u32::MAX)) as u32
        };
        let prompt = tokens(&engine.llm().prompt, prompts);
        let output = tokens(&engine.llm().output, outputs);
        let state = &mut cell.guests[guest];
        let LanguageModel { engine, .. } = LanguageModel::of(&mut state.serving);
        engine.enqueue(job, prompt, output);
        cell.enters(&job);
        Self::start(cell, guest, job.arrival);
    }

    /// The engine begins an iteration, if it is idle.
    fn start<O: Observer>(cell: &mut Cell<O>, guest: usize, now: Nanos) {
        if cell.guests[guest].free.pop_front().is_some() {
            begin_iteration(cell, guest, now);
        }
    }

    /// An iteration ended: every request that took part has its tokens.
    fn ended<O: Observer>(cell: &mut Cell<O>, guest: usize, stream: usize, now: Nanos) {
        let parts = cell.guests[guest].streams[stream].parts;
        let mut index = 0;
        loop {
            let LanguageModel { engine, .. } = LanguageModel::of(&mut cell.guests[guest].serving);
            if index >= engine.running.len() {
                break;
            }
            let whole = engine.advance(index);
            let request = &mut engine.running[index];
            for (sum, part) in request.parts.iter_mut().zip(parts) {
                *sum += part;
            }
            if whole {
                let token = Token {
                    arrival: request.job.arrival,
                    since_arrival: now - request.job.arrival,
                    since_last: (request.first != NEVER).then(|| now - request.last),
                };
                if request.first == NEVER {
                    request.first = now;
                }
                request.last = now;
                cell.observer.token(guest, &token);
            }
            if request.generated < request.output {
                index += 1;
                continue;
            }
            let request = engine.finish(index);
            let mut parts = request.parts;
            let response = now - request.job.arrival;
            let ran: Nanos = parts.iter().sum();
            parts[Part::Queue as usize] += response - ran;
            cell.observer.served(guest, &request.tokens());
            let end = JobEnd {
                index: request.job.index,
                class: 0,
                arrival: request.job.arrival,
                started: request.started,
                ended: now,
                parts,
            };
            cell.observer.ended(guest, &end);
            cell.leaves(&request.job);
            cell.answer(guest, &request.job, now);
        }
        begin_iteration(cell, guest, now);
    }

    fn lose_running(&mut self) -> Option<Vec<Job>> {
        Some(self.engine.lose_running())
    }

    fn lose_waiting(&mut self) -> Option<Vec<Job>> {
        Some(self.engine.lose_waiting())
    }

    fn kept(&self) -> Option<u64> {
        Some((self.engine.waiting.len() + self.engine.running.len()) as u64)
    }
}

/// Starts the engine's next iteration, or leaves it idle. Requests that are not in it wait; those that are
/// too many for the queue are lost.
fn begin_iteration<O: Observer>(cell: &mut Cell<O>, guest: usize, now: Nanos) {
    let state = &mut cell.guests[guest];
    let LanguageModel { engine, iteration } = LanguageModel::of(&mut state.serving);
    let begun = engine.begin(now);
    cell.observer.preempted(guest, now, engine.preemptions());
    let Some(cost) = begun else {
        state.free.push_back(0);
        return;
    };
    *iteration = cost;
    let away = engine.turn_away(state.queue.bound());
    let iteration = Job {
        index: engine.iterations,
        arrival: now,
        user: 0,
        class: 0,
    };
    cell.start_job(guest, 0, iteration, now);
    for job in away {
        cell.observer.dropped(guest, job.arrival);
        cell.leaves(&job);
        cell.answer(guest, &job, now);
    }
}

impl Serving {
    /// Duration of the present iteration's GPU work alone on the whole board, and its memory-bound part;
    /// nothing where no engine is.
    pub fn iteration_work(&self) -> (Nanos, f64) {
        let Serving::LanguageModel(LanguageModel { iteration, .. }) = self else {
            return (0, 0.0);
        };
        let nanos = round_nanos(iteration.total()).unwrap_or(LONGEST);
        (nanos, iteration.memory / iteration.total())
    }
}
