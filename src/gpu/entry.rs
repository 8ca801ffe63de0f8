//! One entry of a compute domain: operations that share a grant of the SMs.
//!
//! While the entry runs, its operations run side by side: SMs are divided max-min fairly under what
//! each operation can fill, and an operation on part of its need progresses in proportion. While it
//! does not run, nothing progresses. All bookkeeping is therefore in the entry's *own running time*
//! (`ran`): slices only move that clock, and rates change only when operations come or go.

use crate::engine::time::{NEVER, Nanos};
use crate::engine::work::{FULL_SPEED, Rate, Work, done_in, time_for};

/// The owner of an operation, as the caller numbers guests, streams and operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OperationId {
    pub guest: u32,
    pub stream: u32,
    pub operation: u32,
}

/// An operation to be run on the SMs.
#[derive(Debug, Clone, Copy)]
pub struct SmOperation {
    pub id: OperationId,
    /// Alone on the reference board, in 2⁻³² ns; at least one nanosecond.
    pub work: Work,
    /// Speed on this board when its SM need is met.
    pub speed: Rate,
    /// SMs that it can fill, at most the domain's.
    pub need: u32,
    /// Work of one kernel where preemption waits for kernel boundaries.
    pub kernel: Option<Work>,
}

/// A completed operation and where its time went; the rest was waiting for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    pub id: OperationId,
    pub submitted: Nanos,
    /// While the entry was on the SMs.
    pub on_sms: Nanos,
    /// While the SMs switched to the entry.
    pub switching: Nanos,
}

#[derive(Debug, Clone, Copy)]
struct Active {
    operation: SmOperation,
    left: Work,
    rate: Rate,
    submitted: Nanos,
    /// `ran` and `switched` of the entry when the operation was submitted.
    ran: Nanos,
    switched: Nanos,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct EntryState {
    /// The tenant whose context the entry needs.
    pub tenant: u32,
    pub admitted: bool,
    /// Own running time so far.
    pub ran: Nanos,
    /// Value of `ran` at the first completion at present rates; [`NEVER`] without operations.
    finish: Nanos,
    /// SMs in use while it runs.
    sms_in_use: u32,
    /// SM·ns in use up to `rated_at`.
    used: u128,
    /// Switching time towards this entry so far, while it had work.
    pub switched: Nanos,
    /// Since when it has had work without being on the SMs.
    pub waiting_since: Nanos,
    /// Longest such wait that has ended.
    pub longest_wait: Nanos,
    active: Vec<Active>,
    /// Submitted while the entry was being preempted: they join with its next turn.
    parked: Vec<Active>,
    /// Value of `ran` up to which `left` of the active operations and `used` are exact.
    rated_at: Nanos,
}

impl EntryState {
    pub fn new(tenant: u32, streams: usize) -> Self {
        EntryState {
            tenant,
            admitted: false,
            ran: 0,
            finish: NEVER,
            sms_in_use: 0,
            used: 0,
            switched: 0,
            waiting_since: 0,
            longest_wait: 0,
            active: Vec::with_capacity(streams),
            parked: Vec::with_capacity(streams),
            rated_at: 0,
        }
    }

    #[inline]
    pub fn has_work(&self) -> bool {
        self.runs() || !self.parked.is_empty()
    }

    /// Whether it would run if it held the SMs.
    #[inline(always)]
    pub fn runs(&self) -> bool {
        self.finish != NEVER
    }

    /// Running time until the first completion at present rates; beyond any time without operations.
    #[inline(always)]
    pub fn left(&self) -> Nanos {
        self.finish - self.ran
    }

    /// Runs for `wall`, at most up to the first completion.
    #[inline(always)]
    pub fn run(&mut self, wall: Nanos) {
        debug_assert!(wall <= self.left(), "ran past a completion");
        self.ran += wall;
    }

    /// SM·ns in use so far.
    pub fn used(&self) -> u128 {
        self.used + u128::from(self.ran - self.rated_at) * u128::from(self.sms_in_use)
    }

    /// Time passes without anything of note: whole rounds of turns in which the entry runs for `ran`
    /// and the SMs switch to it for `switched`; it goes on waiting as before, `shift` later.
    pub fn skip(&mut self, ran: Nanos, switched: Nanos, shift: Nanos) {
        debug_assert!(ran < self.left(), "skipped a completion");
        self.ran += ran;
        self.switched += switched;
        if self.admitted && self.has_work() {
            self.waiting_since += shift;
        }
    }

    /// The entry is on the SMs again at `time`.
    #[inline]
    pub fn waited_until(&mut self, time: Nanos) {
        let wait = time.saturating_sub(self.waiting_since);
        self.longest_wait = self.longest_wait.max(wait);
    }

    /// Adds an operation at `now`; the entry's clock is settled.
    pub fn submit(&mut self, operation: SmOperation, now: Nanos, park: bool, sms: u32) {
        let active = Active {
            operation,
            left: operation.work,
            rate: 0,
            submitted: now,
            ran: self.ran,
            switched: self.switched,
        };
        if park {
            self.parked.push(active);
        } else {
            self.progress();
            self.active.push(active);
            self.rerate(sms);
        }
    }

    /// Lets operations join that were submitted while the entry was being preempted.
    #[inline(always)]
    pub fn unpark(&mut self, sms: u32) {
        if !self.parked.is_empty() {
            self.join_parked(sms);
        }
    }

    #[inline(never)]
    fn join_parked(&mut self, sms: u32) {
        self.progress();
        self.active.append(&mut self.parked);
        self.rerate(sms);
    }

    /// Moves the finished operations to `finished`; [`left`](Self::left) has just reached zero.
    pub fn complete(&mut self, sms: u32, finished: &mut Vec<Finished>) {
        self.progress();
        let (ran, switched) = (self.ran, self.switched);
        self.active.retain(|active| {
            if active.left > 0 {
                return true;
            }
            finished.push(Finished {
                id: active.operation.id,
                submitted: active.submitted,
                on_sms: ran - active.ran,
                switching: switched - active.switched,
            });
            false
        });
        self.rerate(sms);
    }

    /// Running time until every active operation is at a kernel boundary (at most until the first
    /// completion).
    pub fn to_kernel_boundary(&self) -> Nanos {
        let elapsed = self.ran - self.rated_at;
        self.active
            .iter()
            .map(|active| match active.operation.kernel {
                None => 0,
                Some(kernel) => {
                    let left = active.left.saturating_sub(done_in(elapsed, active.rate));
                    let into = (active.operation.work - left) % kernel;
                    let rest = if into == 0 { 0 } else { kernel - into };
                    time_for(rest.min(left), active.rate)
                }
            })
            .max()
            .unwrap_or(0)
            .min(self.left())
    }

    /// Brings the remaining work of the active operations up to the entry's clock.
    fn progress(&mut self) {
        let elapsed = self.ran - self.rated_at;
        self.used = self.used();
        self.rated_at = self.ran;
        for active in &mut self.active {
            active.left = active.left.saturating_sub(done_in(elapsed, active.rate));
        }
    }

    /// Divides the SMs anew and finds the next completion.
    fn rerate(&mut self, sms: u32) {
        match self.active.as_mut_slice() {
            [] => {
                self.finish = NEVER;
                self.sms_in_use = 0;
            }
            [only] => {
                only.rate = only.operation.speed;
                self.finish = self.ran.saturating_add(time_for(only.left, only.rate));
                self.sms_in_use = only.operation.need;
            }
            several => {
                self.sms_in_use = share(several, sms);
                let left = several
                    .iter()
                    .map(|active| time_for(active.left, active.rate))
                    .min()
                    .unwrap_or(NEVER);
                self.finish = self.ran.saturating_add(left);
            }
        }
    }
}

/// Max-min fair division of `sms` under the needs of the operations; returns the SMs in use.
fn share(operations: &mut [Active], sms: u32) -> u32 {
    let wanted: u64 = operations
        .iter()
        .map(|active| u64::from(active.operation.need))
        .sum();
    if wanted <= u64::from(sms) {
        for active in operations.iter_mut() {
            active.rate = active.operation.speed;
        }
        return wanted as u32;
    }
    // Raise a common level until the SMs are used up: whoever needs less than the level gets its
    // need. The level is the rational `free / open`.
    let mut free = u64::from(sms);
    let mut open = operations.len() as u64;
    loop {
        let (mut next_free, mut next_open) = (u64::from(sms), 0);
        for active in operations.iter() {
            let need = u64::from(active.operation.need);
            if need * open <= free {
                next_free -= need;
            } else {
                next_open += 1;
            }
        }
        if next_open == open {
            break;
        }
        (free, open) = (next_free, next_open);
    }
    for active in operations.iter_mut() {
        let need = u64::from(active.operation.need);
        active.rate = if need * open <= free {
            active.operation.speed
        } else {
            let share = u128::from(active.operation.speed) * u128::from(free)
                / (u128::from(open) * u128::from(need));
            share as Rate
        };
    }
    sms
}

/// The work of a whole number of nanoseconds at full speed; zero-length work counts as one.
pub fn sm_work(duration: Nanos) -> Work {
    Work::from(duration.max(1)) * Work::from(FULL_SPEED)
}
