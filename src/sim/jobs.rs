//! The life of a job in a cell: arrival, queue, memory, stages and their operations, end.

use super::cell::Cell;
use super::encoders;
use super::guest::{Job, PlannedKind, StreamState};
use super::observer::{JobEnd, Observer, PARTS, Part};
use super::source::{Source, later};
use crate::engine::time::{LONGEST, NEVER, Nanos, round_nanos};
use crate::engine::work::FULL_SPEED;
use crate::gpu::law::{Compute, Shape};
use crate::gpu::{OperationId, SmOperation, sm_work};
use crate::workload::Size;

impl<O: Observer> Cell<O> {
    /// A job is in the system from now on: the cell runs until those of the window have left it.
    pub(super) fn enters(&mut self, job: &Job) {
        self.state.pending += u64::from(self.schedule.in_window(job.arrival));
    }

    /// A job has left the system, whatever became of it.
    pub(super) fn leaves(&mut self, job: &Job) {
        self.state.pending -= u64::from(self.schedule.in_window(job.arrival));
    }

    /// A stream takes a job; if that one is out of memory, the next in the queue.
    pub(super) fn take_job(&mut self, guest: usize, stream: usize, mut job: Job, now: Nanos) {
        if self.guests[guest].memory.is_some() {
            while !self.allocate(guest, stream, &job) {
                self.observer.out_of_memory(guest, job.arrival);
                self.leaves(&job);
                let next = self.guests[guest].queue.pop();
                if next.is_none() {
                    self.guests[guest].free.push_back(stream as u32);
                }
                self.answer(guest, &job, now);
                match next {
                    Some(next) => job = next,
                    None => return,
                }
            }
        }
        self.start_job(guest, stream, job, now);
    }

    /// Allocates the memory of a job; whether there was enough.
    pub(super) fn allocate(&mut self, guest: usize, stream: usize, job: &Job) -> bool {
        let state = &mut self.guests[guest];
        let Some(memory) = &state.memory else {
            return true;
        };
        let rest = &state.streams[stream].rest;
        let bytes = state
            .size(&memory.size, (&memory.draws, job.index), job, rest)
            .max(0.0) as u64;
        let pool = &mut self.pools[state.streams[stream].pool as usize];
        let Some(memory) = &mut state.memory else {
            return true;
        };
        let within = bytes <= memory.limit - memory.used;
        if !within || !pool.allocate(bytes) {
            return false;
        }
        memory.used += bytes;
        state.streams[stream].bytes = bytes;
        true
    }

    pub(super) fn free(&mut self, guest: usize, stream: usize) {
        let state = &mut self.guests[guest];
        if let Some(memory) = &mut state.memory {
            let stream = &mut state.streams[stream];
            memory.used -= stream.bytes;
            self.pools[stream.pool as usize].free(stream.bytes);
        }
    }

    pub(super) fn start_job(&mut self, guest: usize, stream: usize, job: Job, now: Nanos) {
        let state = &mut self.guests[guest];
        // Every job passes one stage at least, or the cell is not built.
        let first = state.stage_from(0, &job).unwrap_or(0);
        let state = &mut state.streams[stream];
        state.job = job;
        state.started = now;
        state.stage = first;
        state.round = 0;
        state.parts = [0; PARTS];
        self.start_stage(guest, stream, now);
    }

    fn start_stage(&mut self, guest: usize, stream: usize, now: Nanos) {
        let state = &mut self.guests[guest];
        let stage = state.streams[stream].stage as usize;
        let (first, last) = (state.stages[stage], state.stages[stage + 1]);
        state.streams[stream].pending = last - first;
        for operation in first..last {
            self.start_operation(guest, stream, operation, now);
        }
    }

    fn start_operation(&mut self, guest: usize, stream: usize, operation: u32, now: Nanos) {
        let id = OperationId {
            guest: guest as u32,
            stream: stream as u32,
            operation,
        };
        let state = &self.guests[guest];
        let StreamState {
            entry,
            client,
            job,
            rest,
            ..
        } = &state.streams[stream];
        let (entry, client) = (*entry, *client);
        let plan = &state.operations[operation as usize];
        // Every pass of a stage that repeats has draws of its own.
        let (stage, round) = (state.streams[stream].stage, state.streams[stream].round);
        let repeat = state.workload.stages[stage as usize].repeat;
        let index = match repeat {
            1 => job.index,
            repeat => (job.index.wrapping_mul(u64::from(repeat))).wrapping_add(u64::from(round)),
        };
        let draw = (&plan.draws, index);
        let nanos = |size: &Size| {
            let value = state.size(size, draw, job, rest);
            round_nanos(value).unwrap_or(if value < 0.0 { 0 } else { LONGEST })
        };
        match &plan.kind {
            PlannedKind::Gpu { work, speed, shape } => {
                let operation = SmOperation {
                    id,
                    work: sm_work(nanos(&work.time)),
                    speed: *speed,
                    shape: *shape,
                    client,
                    kernel: work.kernel,
                    deadline: job.arrival.saturating_add(state.deadline),
                };
                self.submit_to_sms(state.domain, entry, operation, now);
            }
            PlannedKind::Iteration {
                reach,
                bandwidth,
                need,
            } => {
                let (time, memory_bound) = state.serving.iteration_work();
                let operation = SmOperation {
                    id,
                    work: sm_work(time),
                    speed: FULL_SPEED,
                    shape: Shape {
                        need: *need,
                        memory_bound: if *bandwidth { memory_bound } else { 0.0 },
                        reach: *reach,
                        compute: Compute::Proportional,
                    },
                    client,
                    kernel: None,
                    deadline: NEVER,
                };
                self.submit_to_sms(state.domain, entry, operation, now);
            }
            PlannedKind::Copy {
                bytes,
                station,
                group,
                nanos_per_byte,
                latency,
            } => {
                let bytes = state.size(bytes, draw, job, rest).max(0.0);
                let transfer = round_nanos(bytes * nanos_per_byte).unwrap_or(LONGEST);
                let duration = transfer.saturating_add(*latency).min(LONGEST);
                let (station, group) = (*station, *group);
                self.stations[station].submit(id, group, duration, now);
                self.schedule_station(station);
            }
            PlannedKind::Host { time, station } => {
                let (station, duration) = (*station, nanos(time));
                self.stations[station].submit(id, 0, duration, now);
                self.schedule_station(station);
            }
            PlannedKind::Media {
                time,
                factor,
                station,
                group,
                listed,
            } => {
                let whole = nanos(time);
                let duration = match *factor {
                    1.0 => whole,
                    factor => round_nanos(whole as f64 * factor).unwrap_or(LONGEST),
                };
                let encoder = state.streams[stream].encoder;
                if let (true, Some(seat)) = (*listed, encoder) {
                    let frame = encoders::frame(id, duration, seat.client);
                    return self.submit_to_sms(seat.domain, seat.entry, frame, now);
                }
                let (station, group) = (*station, *group);
                self.stations[station].submit(id, group, duration, now);
                self.schedule_station(station);
            }
        }
    }

    fn submit_to_sms(&mut self, domain: usize, entry: u32, operation: SmOperation, now: Nanos) {
        if self.state.completing == Some(domain) {
            self.domains[domain].submit(entry, operation, now);
        } else {
            self.catch_up(domain);
            self.domains[domain].submit(entry, operation, now);
            self.schedule_domain(domain);
        }
    }

    /// An operation ended; `account` adds to the parts of the job where its time went. The operation
    /// of a stage that ends last decides where the stage's time went.
    #[inline(always)]
    pub(super) fn operation_ended(
        &mut self,
        id: OperationId,
        now: Nanos,
        account: impl FnOnce(&mut [Nanos; PARTS]),
    ) {
        let (guest, index) = (id.guest as usize, id.stream as usize);
        let stream = &mut self.guests[guest].streams[index];
        stream.pending -= 1;
        if stream.pending > 0 {
            return;
        }
        account(&mut stream.parts);
        stream.round += 1;
        let (stage, round, job) = (stream.stage as usize, stream.round, stream.job);
        let state = &mut self.guests[guest];
        if round < state.workload.stages[stage].repeat {
            return self.start_stage(guest, index, now);
        }
        match state.stage_from(stage + 1, &job) {
            Some(next) => {
                state.streams[index].stage = next;
                state.streams[index].round = 0;
                self.start_stage(guest, index, now);
            }
            None => self.stream_ended(guest, index, now),
        }
    }

    /// The job of a stream, or the first of its batch, ended; its memory is free.
    pub(super) fn job_ended(&mut self, guest: usize, stream: usize, now: Nanos) -> Job {
        let job = self.guests[guest].streams[stream].job;
        self.request_ended(guest, stream, &job, now);
        self.free(guest, stream);
        job
    }

    /// A job, or a request of a batch, ended.
    pub(super) fn request_ended(&mut self, guest: usize, stream: usize, job: &Job, now: Nanos) {
        let state = &self.guests[guest];
        let stream = &state.streams[stream];
        let outside = state.outside;
        let mut parts = stream.parts;
        parts[Part::Queue as usize] = stream.started - job.arrival;
        parts[Part::Outside as usize] = outside;
        let end = JobEnd {
            index: job.index,
            class: job.class,
            arrival: job.arrival,
            started: stream.started,
            ended: later(now, outside),
            parts,
        };
        self.observer.ended(guest, &end);
        self.leaves(job);
    }

    /// The user of a closed loop has its answer, or hears that the job failed or found no room.
    pub(super) fn answer(&mut self, guest: usize, job: &Job, now: Nanos) {
        let goes_on = self.schedule.load_goes_on || now < self.schedule.end;
        if goes_on && matches!(self.guests[guest].source, Source::Closed { .. }) {
            match self.guests[guest].answer(job.user, now) {
                Some(next) => self.job_arrived(guest, next),
                None => self.schedule_arrivals(guest),
            }
        }
    }
}
