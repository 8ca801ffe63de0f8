//! How a cell obeys commands: who takes part in which domain. What ends is in `endings.rs` beside this file.

use super::cell::Cell;
use super::commands::{Action, Command, CommandError, are_terms};
use super::guest::DrawKey;
use super::layout::Tenant;
use super::observer::Observer;
use super::source::Source;
use crate::engine::calendar::Class;
use crate::engine::time::{NEVER, Nanos};
use crate::policy::Terms;

/// What commands change of a cell, and need to know of it.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// Of each guest.
    pub lives: Vec<Life>,
    /// Of each entry of each domain.
    seats: Vec<Vec<Seat>>,
    /// Outages under way in each domain.
    pub outages: Vec<u32>,
    /// What guests that are admitted draw from.
    seed: u64,
    replication: u32,
    /// Retired guests whose work is still to be done.
    pub leaving: Vec<usize>,
    /// Domains in which commands of the present instant have changed something, and whether each is among them.
    touched: Vec<usize>,
    is_touched: Vec<bool>,
}

impl Control {
    /// Nothing has been ordered yet of domains with so many entries.
    pub fn new(lives: Vec<Life>, entries: impl Iterator<Item = usize>, draws: (u64, u32)) -> Self {
        let seats: Vec<Vec<Seat>> = entries
            .map(|number| vec![Seat::default(); number])
            .collect();
        Control {
            lives,
            outages: vec![0; seats.len()],
            is_touched: vec![false; seats.len()],
            seats,
            seed: draws.0,
            replication: draws.1,
            leaving: Vec::new(),
            touched: Vec::new(),
        }
    }
}

/// The life of a guest.
#[derive(Debug)]
pub(super) struct Life {
    pub name: String,
    pub ordinal: u32,
    /// Entries that are its own: they start and end with it.
    pub entries: Vec<(usize, u32)>,
    /// Its clients in entries: its own, or those of its machine or domain.
    pub clients: Vec<Tenant>,
    /// Guests that are processes in it.
    pub inside: Vec<usize>,
    /// Whether it has a start: by the scenario, or by command.
    pub starts: bool,
    pub stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Present,
    /// Retired, with work that is still to be done.
    Leaving,
    Gone,
}

/// Whether an entry takes part in the rotation of its domain.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seat {
    started: bool,
    suspended: bool,
    pub gone: bool,
}

fn refuse_if(wrong: bool, error: CommandError) -> Result<(), CommandError> {
    if wrong { Err(error) } else { Ok(()) }
}

impl<O: Observer> Cell<O> {
    /// Gives a command to be obeyed at `time`, among others of that instant by `rank`.
    ///
    /// # Errors
    ///
    /// If the cell has come further already, or the command fits nothing that is there.
    pub fn command(
        &mut self,
        time: Nanos,
        rank: u32,
        command: Command,
    ) -> Result<(), CommandError> {
        let reached = self.state.cut.time();
        if time < reached {
            return Err(CommandError::Past { time, reached });
        }
        if time == NEVER {
            return Err(CommandError::Never);
        }
        self.fits(&command)?;
        if let Command::Admit { guest } = command {
            self.open_source(guest, time);
        }
        self.plan.add(time, rank, Action::Command(command));
        if self.state.begun {
            self.schedule_commands();
        }
        Ok(())
    }

    fn fits(&self, command: &Command) -> Result<(), CommandError> {
        let guest = match *command {
            Command::Reset { domain, .. } => {
                return refuse_if(
                    domain >= self.domains.len(),
                    CommandError::UnknownDomain(domain),
                );
            }
            Command::Admit { guest }
            | Command::Retire { guest, .. }
            | Command::Suspend { guest }
            | Command::Resume { guest }
            | Command::SetTerms { guest, .. }
            | Command::LimitFrames { guest, .. } => guest,
        };
        refuse_if(
            guest >= self.guests.len(),
            CommandError::UnknownGuest(guest),
        )?;
        match command {
            Command::Admit { .. } => refuse_if(
                self.control.lives[guest].starts,
                CommandError::HasStart(guest),
            ),
            Command::SetTerms { terms, .. } => refuse_if(!are_terms(terms), CommandError::Terms),
            Command::LimitFrames { .. } => refuse_if(
                !self.guests[guest].serving.paced(),
                CommandError::NoFrames(guest),
            ),
            _ => Ok(()),
        }
    }

    /// The arrivals of a guest that will start at `time` are known from now on; those of that instant come
    /// before it is admitted, as they do where the scenario says when it starts.
    fn open_source(&mut self, guest: usize, time: Nanos) {
        let life = &mut self.control.lives[guest];
        life.starts = true;
        let key = DrawKey {
            seed: self.control.seed,
            replication: self.control.replication,
            guest: &life.name,
            ordinal: life.ordinal,
        };
        let state = &mut self.guests[guest];
        if life.stage == Stage::Present {
            (state.source, state.next_arrival) = Source::new(&state.workload, key, time);
            self.schedule_arrivals(guest);
        }
    }

    pub(super) fn schedule_commands(&mut self) {
        let slot = self.slots.commands;
        match self.plan.next() {
            Some(time) => self.calendar.set(slot, time, Class::Control),
            None => self.calendar.clear(slot),
        }
    }

    pub(super) fn commands_event(&mut self, now: Nanos) {
        self.obey(now);
        self.schedule_touched();
        self.schedule_commands();
    }

    /// Does all that is planned for `now`. Domains that change are still to be scheduled.
    pub(super) fn obey(&mut self, now: Nanos) {
        while let Some(action) = self.plan.take(now) {
            match action {
                Action::Start { domain, entry } => {
                    self.change_seat(domain, entry, now, |seat| seat.started = true);
                }
                Action::Up { domain } => {
                    self.control.outages[domain] -= 1;
                    self.align_all(domain, now);
                }
                Action::Command(command) => self.obey_one(command, now),
            }
        }
        self.let_leave(now);
        self.choose_anew(now);
    }

    /// Domains that have changed choose whom the SMs go to, if nobody has them.
    pub(super) fn choose_anew(&mut self, now: Nanos) {
        self.control.touched.sort_unstable();
        for &domain in &self.control.touched {
            self.domains[domain].start(now);
        }
    }

    pub(super) fn schedule_touched(&mut self) {
        let mut touched = std::mem::take(&mut self.control.touched);
        for domain in touched.drain(..) {
            self.control.is_touched[domain] = false;
            self.schedule_domain(domain);
        }
        self.control.touched = touched;
    }

    fn obey_one(&mut self, command: Command, now: Nanos) {
        match command {
            Command::Reset {
                domain,
                work,
                outage,
            } => self.reset(domain, work, outage, now),
            Command::Admit { guest } => {
                for (domain, entry) in self.entries_of(guest) {
                    self.change_seat(domain, entry, now, |seat| seat.started = true);
                }
            }
            Command::Retire { guest, work } => self.retire(guest, work, now),
            Command::Suspend { guest } => self.set_suspended(guest, true, now),
            Command::Resume { guest } => self.set_suspended(guest, false, now),
            Command::SetTerms { guest, terms } => self.set_terms(guest, terms, now),
            Command::LimitFrames { guest, gap } => self.limit_pace(guest, gap, now),
        }
    }

    // --- taking part ------------------------------------------------------------------------------

    /// Brings a domain up to the present before it is changed; it is scheduled at the end.
    pub(super) fn touch(&mut self, domain: usize) {
        if !std::mem::replace(&mut self.control.is_touched[domain], true) {
            self.catch_up(domain);
            self.control.touched.push(domain);
        }
    }

    pub(super) fn entries_of(&self, guest: usize) -> Vec<(usize, u32)> {
        self.control.lives[guest].entries.clone()
    }

    pub(super) fn change_seat(
        &mut self,
        domain: usize,
        entry: u32,
        now: Nanos,
        change: impl FnOnce(&mut Seat),
    ) {
        change(&mut self.control.seats[domain][entry as usize]);
        self.align(domain, entry, now);
    }

    pub(super) fn align_all(&mut self, domain: usize, now: Nanos) {
        for entry in 0..self.control.seats[domain].len() {
            self.align(domain, entry as u32, now);
        }
    }

    /// Lets an entry join its rotation or leave it, as its seat and its domain are now.
    fn align(&mut self, domain: usize, entry: u32, now: Nanos) {
        self.touch(domain);
        let seat = self.control.seats[domain][entry as usize];
        let up = self.control.outages[domain] == 0;
        let takes_part = seat.started && !seat.suspended && !seat.gone && up;
        let target = &mut self.domains[domain];
        match (target.entries()[entry as usize].admitted, takes_part) {
            (false, true) => target.admit(entry, now),
            (true, false) => target.leave(entry, now),
            (false, false) | (true, true) => {}
        }
    }

    fn set_suspended(&mut self, guest: usize, suspended: bool, now: Nanos) {
        if self.control.lives[guest].stage == Stage::Gone {
            return;
        }
        for (domain, entry) in self.entries_of(guest) {
            self.change_seat(domain, entry, now, |seat| seat.suspended = suspended);
        }
        // Where entries belong to others: its clients in them.
        for at in self.clients_elsewhere(guest) {
            self.touch(at.domain);
            match suspended {
                true => self.domains[at.domain].suspend(at.entry, at.client, now),
                false => self.domains[at.domain].resume(at.entry, at.client, now),
            }
        }
    }

    fn clients_elsewhere(&self, guest: usize) -> Vec<Tenant> {
        let life = &self.control.lives[guest];
        let own = |at: &Tenant| life.entries.contains(&(at.domain, at.entry));
        let clients = life.clients.iter().filter(|at| !own(at));
        clients.copied().collect()
    }

    fn set_terms(&mut self, guest: usize, terms: Terms, now: Nanos) {
        for at in self.control.lives[guest].clients.clone() {
            self.touch(at.domain);
            self.domains[at.domain].set_client_terms(at.entry, at.client, &terms, now);
        }
        for (domain, entry) in self.entries_of(guest) {
            self.touch(domain);
            self.domains[domain].set_terms(entry, terms, now);
        }
    }
}
