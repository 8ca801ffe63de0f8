//! `queue` of a guest: how many jobs may wait. Those beyond are lost, whoever asked for them.

use crate::scenario::elements::guest::Guest;
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::Key;
use crate::scenario::read::raw::RawGuest;
use crate::workload::Arrivals;
use crate::workload::dist::Dist;

/// The bound: `Some(None)` without one, `None` after an error.
pub(crate) fn resolve(c: &mut Checker, path: &str, guest: &RawGuest) -> Option<Option<u32>> {
    let path = format!("{path}.queue");
    if guest.queue.is_none() {
        c.by_default(&path, "unbounded");
        return Some(None);
    }
    c.count(&path, &guest.queue, 0, u32::MAX, None).map(Some)
}

/// Refuses queues that are shorter than a batch, which would never fill, and users who would ask again at
/// once, for ever.
pub(crate) fn check(c: &mut Checker, key: &Key<u64>, guest: &Guest) {
    let (Some(field), Some(bound)) = (key, guest.queue) else {
        return;
    };
    if let Some(batching) = guest.workload.discipline.batching()
        && bound < batching.max
    {
        let title = format!("a batch of {} can never fill", batching.max);
        let label = format!("no more than {bound} requests can wait");
        let help = format!(
            "a queue of at least {}, or a smaller `batching.max`",
            batching.max
        );
        c.error(&field.span, title, label, help);
        return;
    }
    if let (Arrivals::Closed { users, think }, Some(room)) =
        (&guest.workload.arrivals, guest.room())
        && *think == Dist::Constant(0.0)
        && u64::from(*users) > room
    {
        let title = "a job that finds the queue full would be tried again at once, for ever";
        let label = format!("room for {room} jobs, and {users} users who do not think");
        let more = u64::from(bound) + u64::from(*users) - room;
        let help = format!(
            "give arrivals a `think` time, such as think = \"100ms\", or room for all: queue = {more}"
        );
        c.error(&field.span, title, label, help);
    }
}
