//! A guest that serves a language model: its one stream runs the engine's iterations one after the
//! other, and requests live in the engine.

use super::cell::Cell;
use super::guest::Job;
use super::observer::{JobEnd, Observer, Part, Token};
use crate::engine::time::{LONGEST, NEVER, Nanos, round_nanos};
use crate::workload::Size;

impl<O: Observer> Cell<O> {
    /// A request comes to the engine.
    pub(super) fn prompt_arrived(&mut self, guest: usize, job: Job, measured: bool) {
        let state = &self.guests[guest];
        let Some(engine) = &state.engine else {
            return;
        };
        let (prompts, outputs) = engine.draws();
        let tokens = |size: &Size, draws| {
            let drawn = state.size(size, (draws, job.index), &job, &[]);
            libm::rint(drawn).clamp(1.0, f64::from(u32::MAX)) as u32
        };
        let prompt = tokens(&engine.llm().prompt, prompts);
        let output = tokens(&engine.llm().output, outputs);
        let state = &mut self.guests[guest];
        let Some(engine) = &mut state.engine else {
            return;
        };
        engine.enqueue(job, prompt, output);
        self.state.pending += u64::from(measured);
        if state.free.pop_front().is_some() {
            self.begin_iteration(guest, job.arrival);
        }
    }

    /// Starts the engine's next iteration, or leaves it idle. Requests that are not in it wait; those that are
    /// too many for the queue are lost.
    pub(super) fn begin_iteration(&mut self, guest: usize, now: Nanos) {
        let state = &mut self.guests[guest];
        let Some(engine) = &mut state.engine else {
            return;
        };
        let begun = engine.begin(now);
        self.observer.preempted(guest, now, engine.preemptions());
        let Some(cost) = begun else {
            state.free.push_back(0);
            return;
        };
        state.iteration = cost;
        let away = engine.turn_away(state.queue_bound);
        let iteration = Job {
            index: engine.iterations,
            arrival: now,
            user: 0,
            class: 0,
        };
        self.start_job(guest, 0, iteration, now);
        for job in away {
            self.observer.dropped(guest, job.arrival);
            self.state.pending -= u64::from(self.schedule.in_window(job.arrival));
            self.answer(guest, &job, now);
        }
    }

    /// Duration of the present iteration's GPU work alone on the whole board, and its memory-bound part.
    pub(super) fn iteration_work(&self, guest: usize) -> (Nanos, f64) {
        let cost = self.guests[guest].iteration;
        let nanos = round_nanos(cost.total()).unwrap_or(LONGEST);
        (nanos, cost.memory / cost.total())
    }

    /// An iteration ended: every request that took part has its tokens.
    pub(super) fn iteration_ended(&mut self, guest: usize, now: Nanos) {
        let parts = self.guests[guest].streams[0].parts;
        let mut index = 0;
        while let Some(engine) = &mut self.guests[guest].engine
            && index < engine.running.len()
        {
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
                self.observer.token(guest, &token);
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
            self.observer.served(guest, &request.tokens());
            let end = JobEnd {
                index: request.job.index,
                class: 0,
                arrival: request.job.arrival,
                started: request.started,
                ended: now,
                parts,
            };
            self.observer.ended(guest, &end);
            self.state.pending -= u64::from(self.schedule.in_window(request.job.arrival));
            self.answer(guest, &request.job, now);
        }
        self.begin_iteration(guest, now);
    }
}
