//! What ends before its time: guests that retire, and the work of domains that are reset.

use super::cell::Cell;
use super::commands::{Action, AtEnd, AtReset};
use super::control::Stage;
use super::guest::{Job, PlannedKind, StreamState};
use super::observer::Observer;
use super::source::later;
use crate::engine::time::{NEVER, Nanos};
use crate::gpu::OperationId;

impl<O: Observer> Cell<O> {
    /// A guest ends, now or when its work is done.
    pub(super) fn retire(&mut self, guest: usize, work: AtEnd, now: Nanos) {
        for place in 0..self.control.lives[guest].inside.len() {
            self.retire(self.control.lives[guest].inside[place], work, now);
        }
        if self.control.lives[guest].stage == Stage::Gone {
            return;
        }
        let state = &mut self.guests[guest];
        state.to_come = 0;
        state.next_arrival = NEVER;
        state.serving.closes();
        self.schedule_arrivals(guest);
        if work == AtEnd::Lost {
            self.lose_all(guest, now);
        }
        if self.control.lives[guest].stage == Stage::Present {
            self.control.lives[guest].stage = Stage::Leaving;
            self.control.leaving.push(guest);
        }
    }

    /// Lets retired guests go whose work is done.
    pub(super) fn let_leave(&mut self, now: Nanos) {
        for place in (0..self.control.leaving.len()).rev() {
            let guest = self.control.leaving[place];
            let empty = |guest: usize| self.guests[guest].backlog() == 0;
            let life = &self.control.lives[guest];
            if !empty(guest) || !life.inside.iter().all(|&inside| empty(inside)) {
                continue;
            }
            self.control.leaving.remove(place);
            self.control.lives[guest].stage = Stage::Gone;
            for (domain, entry) in self.entries_of(guest) {
                self.change_seat(domain, entry, now, |seat| seat.gone = true);
            }
        }
    }

    /// Something may have ended the last work of a retired guest.
    #[inline(always)]
    pub(super) fn after_work(&mut self, now: Nanos) {
        if !self.control.leaving.is_empty() {
            self.end_lives(now);
        }
    }

    #[inline(never)]
    fn end_lives(&mut self, now: Nanos) {
        self.let_leave(now);
        self.choose_anew(now);
        self.schedule_touched();
    }

    /// All jobs of a guest are lost, and nobody hears of it.
    fn lose_all(&mut self, guest: usize, now: Nanos) {
        let state = &self.guests[guest];
        let idle: Vec<u32> = state.free.iter().copied().collect();
        for stream in 0..state.streams.len() {
            if !idle.contains(&(stream as u32)) {
                self.lose_job(guest, stream, now);
                self.guests[guest].free.push_back(stream as u32);
            }
        }
        let state = &mut self.guests[guest];
        let waiting = state.serving.lose_waiting();
        let waiting = waiting.unwrap_or_else(|| state.queue.take(usize::MAX).collect());
        for job in waiting {
            self.lost(guest, &job, now);
        }
    }

    fn lost(&mut self, guest: usize, job: &Job, now: Nanos) {
        self.observer.lost(guest, job.arrival, now);
        self.leaves(job);
    }

    /// The job of a stream is lost with its operations, or all requests of its batch or iteration.
    fn lose_job(&mut self, guest: usize, stream: usize, now: Nanos) -> Vec<Job> {
        self.abandon_operations(guest, stream, now);
        let state = &mut self.guests[guest];
        let StreamState { job, rest, .. } = &state.streams[stream];
        let taken = || std::iter::once(job).chain(rest).copied().collect();
        let jobs = state.serving.lose_running().unwrap_or_else(taken);
        self.free(guest, stream);
        for job in &jobs {
            self.lost(guest, job, now);
        }
        jobs
    }

    fn abandon_operations(&mut self, guest: usize, stream: usize, now: Nanos) {
        let of_stream =
            |id: &OperationId| (id.guest as usize, id.stream as usize) == (guest, stream);
        for at in self.control.lives[guest].clients.clone() {
            self.touch(at.domain);
            self.domains[at.domain].abandon(at.entry, at.client, of_stream, now);
        }
        for station in self.stations_of(guest) {
            self.stations[station].abandon(now, of_stream);
            self.schedule_station(station);
        }
    }

    /// Stations at which operations of a guest can be.
    fn stations_of(&self, guest: usize) -> Vec<usize> {
        let plans = self.guests[guest].operations.iter();
        let stations = plans.filter_map(|plan| match plan.kind {
            PlannedKind::Copy { station, .. }
            | PlannedKind::Host { station, .. }
            | PlannedKind::Media { station, .. } => Some(station),
            PlannedKind::Gpu { .. } | PlannedKind::Iteration { .. } => None,
        });
        let mut stations: Vec<usize> = stations.collect();
        stations.sort_unstable();
        stations.dedup();
        stations
    }

    /// A domain is reset.
    pub(super) fn reset(&mut self, domain: usize, work: AtReset, outage: Nanos, now: Nanos) {
        self.control.outages[domain] += 1;
        self.align_all(domain, now);
        self.plan
            .add(later(now, outage), u32::MAX, Action::Up { domain });
        match work {
            AtReset::Restarted => self.domains[domain].restart(now),
            AtReset::Lost => {
                let operations = self.domains[domain].operations();
                let mut concerned: Vec<(usize, usize)> = operations
                    .map(|id| (id.guest as usize, id.stream as usize))
                    .collect();
                concerned.sort_unstable();
                concerned.dedup();
                let lost: Vec<_> = concerned
                    .iter()
                    .map(|&(guest, stream)| self.lose_job(guest, stream, now))
                    .collect();
                for (&(guest, stream), jobs) in concerned.iter().zip(&lost) {
                    self.stream_goes_on(guest, stream, jobs, now);
                }
            }
        }
    }
}
