//! What a policy promises beside tenants that always have work: waits, shares, reservations.

use super::choice::Choice;
use super::world::{Busy, busy, simulate};
use super::{SLICE, TURNS, ensure};
use crate::engine::time::{MILLISECOND as MS, Nanos};
use crate::policy::registry::{Registered, Use};
use crate::policy::{Reservation, Starvation, Terms, Weights};

const ROUNDS: u32 = 40;
const WINDOW: Nanos = 300 * MS;
const EDGES: u32 = 371;

fn all_busy(weights: &[u32]) -> Vec<Busy> {
    weights
        .iter()
        .map(|&weight| Busy::weighted(weight))
        .collect()
}

/// Nobody waits for longer than declared.
pub(super) fn waits(policy: &Registered) -> Result<(), String> {
    for round in 0..ROUNDS {
        let weights = Choice::new("waits", round).weights();
        let bound = |own: usize| match policy.properties.starvation {
            Starvation::Slices(slices) => Some(slices(&weights, own)),
            Starvation::ReservedTurns => Some(f64::from(TURNS) - 1.0),
            Starvation::Before
            | Starvation::Visits
            | Starvation::Chance
            | Starvation::Unbounded => None,
        };
        if bound(0).is_none() {
            return Ok(());
        }
        let log = simulate(&busy(policy, &all_busy(&weights), WINDOW, EDGES)?)?;
        for own in 0..weights.len() {
            let Some(slices) = bound(own) else { continue };
            let wait = log.longest_waits[log.layout.tenants[log.place(own)][0].entry as usize];
            // Turns end at whole nanoseconds.
            let limit = (slices * SLICE as f64 + slices).ceil() as Nanos;
            ensure!(
                wait <= limit,
                "{wait} ns is more than {slices} slices, tenant {own} of {weights:?}"
            );
        }
    }
    Ok(())
}

/// In every interval, running times differ by no more than declared.
pub(super) fn shares(policy: &Registered) -> Result<(), String> {
    let (slices, count) = match policy.properties.weights {
        Weights::Equal { slices } => (slices, false),
        Weights::Proportional { slices } => (slices, true),
        Weights::OnAverage | Weights::Other => return Ok(()),
    };
    for round in 0..ROUNDS {
        let weights = Choice::new("shares", round).weights();
        let log = simulate(&busy(policy, &all_busy(&weights), WINDOW, EDGES)?)?;
        let times = log.running_times();
        let weight = |of: usize| if count { f64::from(weights[of]) } else { 1.0 };
        for one in 0..weights.len() {
            for other in 0..one {
                // How far the one is ahead, at each edge: the difference in an interval is that of its ends.
                let ahead = |ran: &Vec<Nanos>| {
                    ran[one] as f64 / weight(one) - ran[other] as f64 / weight(other)
                };
                let most = times.iter().map(ahead).fold(f64::MIN, f64::max);
                let least = times.iter().map(ahead).fold(f64::MAX, f64::min);
                let apart = (most - least) / SLICE as f64;
                ensure!(
                    apart <= slices + 1e-5,
                    "{apart} slices between tenants {one} and {other} of {weights:?}"
                );
            }
        }
    }
    Ok(())
}

/// Error probability: by Bernstein's inequality below 1e-6 for each tenant, 1e-4 in all.
pub(super) fn average_shares(policy: &Registered) -> Result<(), String> {
    if policy.properties.weights != Weights::OnAverage {
        return Ok(());
    }
    for round in 0..10 {
        let weights = Choice::new("average shares", round).weights();
        let turns = 4_000.0;
        let log = simulate(&busy(policy, &all_busy(&weights), 4_000 * SLICE, EDGES)?)?;
        let times = log.running_times();
        let all: u32 = weights.iter().sum();
        let last = times.last().cloned().unwrap_or_default();
        for (&ran, &weight) in last.iter().zip(&weights) {
            let share = f64::from(weight) / f64::from(all);
            let apart = (ran as f64 / SLICE as f64 - turns * share).abs();
            let (spread, log_odds) = (turns * share * (1.0 - share), libm::log(2e6));
            let third = log_odds / 3.0;
            let limit = third + (third * third + 2.0 * log_odds * spread).sqrt();
            ensure!(
                apart <= limit,
                "{apart} turns off for {weight} of {weights:?}"
            );
        }
    }
    Ok(())
}

/// Who is numbered how makes no difference beyond what two runs may differ by anyhow.
pub(super) fn numbering(policy: &Registered) -> Result<(), String> {
    for round in 0..ROUNDS {
        let weights = Choice::new("numbering", round).weights();
        // A tenant is within the bound of its share in either run.
        let bound = |own: usize| match policy.properties.weights {
            Weights::Equal { slices } => Some(2.0 * slices),
            Weights::Proportional { slices } => Some(2.0 * slices * f64::from(weights[own])),
            Weights::OnAverage | Weights::Other => None,
        };
        if bound(0).is_none() {
            return Ok(());
        }
        let mut tenants = all_busy(&weights);
        let forward = simulate(&busy(policy, &tenants, WINDOW, EDGES)?)?.running_times();
        for (index, tenant) in tenants.iter_mut().enumerate() {
            tenant.order = -(index as i64);
        }
        let backward = simulate(&busy(policy, &tenants, WINDOW, EDGES)?)?.running_times();
        for (one, other) in forward.iter().zip(&backward) {
            for (own, (one, other)) in one.iter().zip(other).enumerate() {
                let apart = one.abs_diff(*other) as f64 / SLICE as f64;
                let allowed = bound(own).unwrap_or(f64::INFINITY);
                ensure!(
                    apart <= allowed + 1e-5,
                    "{apart} slices for tenant {own} of {weights:?}"
                );
            }
        }
    }
    Ok(())
}

/// Whoever reserves has its time in every period, beside others that always have work.
pub(super) fn reservations(policy: &Registered) -> Result<(), String> {
    if !policy.uses.contains(&Use::Reservation) {
        return Ok(());
    }
    for round in 0..ROUNDS {
        let mut choice = Choice::new("reservations", round);
        let count = choice.between(2, 5);
        let reservations: Vec<Reservation> = (0..count)
            .map(|_| {
                let ms = choice.between(2, 29);
                Reservation {
                    time: ms * MS * choice.between(1, 100) / 100 / count,
                    period: ms * MS,
                }
            })
            .collect();
        let tenants: Vec<Busy> = reservations
            .iter()
            .map(|&reservation| {
                Busy::endless(Terms {
                    reservation: Some(reservation),
                    ..Terms::default()
                })
            })
            .collect();
        let log = simulate(&busy(policy, &tenants, WINDOW, 300)?)?;
        let times = log.running_times();
        for (own, Reservation { time, period }) in reservations.into_iter().enumerate() {
            let step = (period / MS) as usize;
            let ends: Vec<_> = times.iter().step_by(step).map(|ran| ran[own]).collect();
            for ends in ends.windows(2) {
                let had = ends[1] - ends[0];
                ensure!(had >= time, "{had} of {time} ns every {period} ns");
            }
            let wait = log.longest_waits[log.layout.tenants[log.place(own)][0].entry as usize];
            ensure!(
                wait <= 2 * (period - time),
                "{wait} ns without its {time} every {period} ns"
            );
        }
    }
    Ok(())
}

/// Short work with every claim, always there, beside long work without any: who may starve does.
pub(super) fn starves(policy: &Registered) -> Result<(), String> {
    let favoured = Busy {
        terms: Terms {
            priority: 2,
            ..Terms::default()
        },
        deadline: Some(MS),
        order: 0,
        piece: 500_000.0,
    };
    let tenants = [favoured, Busy::endless(Terms::default())];
    let log = simulate(&busy(policy, &tenants, WINDOW, EDGES)?)?;
    let wait = log.longest_waits[log.layout.tenants[log.place(1)][0].entry as usize];
    let starves = matches!(policy.properties.starvation, Starvation::Unbounded);
    ensure!(
        (wait >= 290 * MS) == starves,
        "beside short and urgent work, a tenant waits for {wait} ns at most"
    );
    Ok(())
}
