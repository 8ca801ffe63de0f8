//! What a guest may claim of its GPU: `weight`, `priority` and `reservation`, for the schedulers that go
//! by them.
//!
//! A scenario may name all of them whatever the scheduler is, so that schedulers can be compared; keys
//! that the present one does not look at are noted.

use crate::policy::registry::{self, Use};
use crate::policy::{Reservation, Terms};
use crate::scenario::elements::gpu::{Gpu, Share};
use crate::scenario::elements::guest::{Guest, Holds};
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::Field;
use crate::scenario::key::units::write_nanos;
use crate::scenario::read::raw::{RawGuest, RawScenario};

/// Largest weight.
const HEAVIEST: u32 = 10_000;

/// The terms of a guest; `None` after an error.
pub(crate) fn resolve(c: &mut Checker, path: &str, guest: &RawGuest) -> Option<Terms> {
    let usual = Terms::default();
    let weight = match &guest.weight {
        Some(_) => c.count(&format!("{path}.weight"), &guest.weight, 1, HEAVIEST, None)?,
        None => usual.weight,
    };
    let priority = match &guest.priority {
        Some(field) => {
            let Ok(priority) = i32::try_from(field.value) else {
                let title = format!("priority {} is out of range", field.value);
                c.error(&field.span, title, "a whole number of 32 bits", "");
                return None;
            };
            let path = format!("{path}.priority");
            c.file_value(&path, priority.to_string(), &field.span);
            priority
        }
        None => usual.priority,
    };
    let reservation = match &guest.reservation {
        Some(field) => {
            let path = format!("{path}.reservation");
            let mut get = |name: &str,
                           key: &crate::scenario::key::field::Key<
                crate::scenario::key::units::RawDuration,
            >| match key {
                Some(duration) => c.positive(&format!("{path}.{name}"), duration),
                None => {
                    let help = "such as reservation = { time = \"2ms\", every = \"10ms\" }";
                    c.missing(&field.span, &path, name, help);
                    None
                }
            };
            let (time, period) = (
                get("time", &field.value.time),
                get("every", &field.value.every),
            );
            let (time, period) = (time?, period?);
            if time > period {
                let (time, period) = (write_nanos(time as f64), write_nanos(period as f64));
                let title = format!("{time} do not fit into every {period}");
                c.error(
                    &field.span,
                    title,
                    "more than the whole GPU",
                    "a shorter `time`",
                );
                return None;
            }
            Some(Reservation { time, period })
        }
        None => None,
    };
    Some(Terms {
        weight,
        priority,
        reservation,
    })
}

/// Refuses terms of those who take no turns, and reservations that do not fit together; notes what the
/// scheduler does not look at.
pub(crate) fn settle(c: &mut Checker, raw: &RawScenario, gpus: &[Gpu], guests: &[Guest]) {
    for guest in guests {
        let Some(field) = raw.guests.get(&guest.name) else {
            continue;
        };
        let share = gpus[guest.gpu].domains()[guest.domain].share;
        let keys = [
            ("weight", Use::Weight, field.value.weight.is_some()),
            ("priority", Use::Priority, field.value.priority.is_some()),
            (
                "reservation",
                Use::Reservation,
                field.value.reservation.is_some(),
            ),
        ];
        let given = keys.iter().filter(|(_, _, given)| *given);
        match share {
            Share::TimeSlice(config) if !matches!(guest.holds, Holds::Process { .. }) => {
                let scheduler = registry::find(&config.scheduler);
                let ignored = given.filter(|(_, what, _)| {
                    scheduler.is_some_and(|found| !found.uses.contains(what))
                });
                for (key, ..) in ignored {
                    c.notices.push(format!(
                        "guests.{}.{key}: {} does not look at it",
                        guest.name, config.scheduler
                    ));
                }
            }
            Share::Spatial(beside)
                if matches!(guest.holds, Holds::Client { .. })
                    && field.value.reservation.is_none() =>
            {
                let looks = |what: &Use| match what {
                    Use::Weight => beside.policy.weighted,
                    _ => beside.policy.prioritized,
                };
                for (key, ..) in given.filter(|(_, what, _)| !looks(what)) {
                    c.notices.push(format!(
                        "guests.{}.{key}: {} does not look at it",
                        guest.name, beside.policy.name
                    ));
                }
            }
            _ => {
                let why = "this guest takes no turns of its own";
                no_terms(c, &field.value, why);
            }
        }
    }
    for (index, gpu) in gpus.iter().enumerate() {
        for (number, domain) in gpu.domains().iter().enumerate() {
            if let Share::TimeSlice(config) = domain.share
                && registry::find(&config.scheduler)
                    .is_some_and(|found| found.uses.contains(&Use::Reservation))
            {
                let here = guests.iter().filter(|guest| guest.domain == number);
                fits(c, raw, here.map(|guest| (guest, guest.count_on(index))));
            }
        }
    }
}

fn no_terms(c: &mut Checker, guest: &RawGuest, why: &str) {
    c.no_effect(&guest.weight, "weight", why, "remove it");
    c.no_effect(&guest.priority, "priority", why, "remove it");
    c.no_effect(&guest.reservation, "reservation", why, "remove it");
}

/// Reservations of one domain take the whole of it at most.
fn fits<'a>(c: &mut Checker, raw: &RawScenario, guests: impl Iterator<Item = (&'a Guest, u32)>) {
    let mut all = 0.0;
    let mut last: Option<&Field<RawGuest>> = None;
    for (guest, count) in guests.filter(|(_, count)| *count > 0) {
        if let Some(Reservation { time, period }) = guest.terms.reservation {
            let tenants = f64::from(count) * f64::from(guest.holds.tenants().max(1));
            all += tenants * time as f64 / period as f64;
            last = raw.guests.get(&guest.name);
        }
    }
    if let Some(key) = last.and_then(|field| field.value.reservation.as_ref())
        && all > 1.0 + 1e-9
    {
        let title = "the reservations do not fit together";
        let label = format!("with this, {:.1} % of the GPU are reserved", all * 100.0);
        c.error(&key.span, title, label, "shorter times, or longer periods");
    }
}
