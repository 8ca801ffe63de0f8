//! What cannot differ between replications.

use crate::experiment::estimate::Confidence;
use crate::result::NoChance;
use crate::scenario::Scenario;

/// Guests and GPUs whose replications are all the same.
pub(super) fn missing(scenario: &Scenario) -> NoChance {
    let guests = scenario.guests.iter().enumerate();
    let guests = guests.filter(|(group, _)| !scenario.chance_reaches(*group));
    let gpus = scenario.gpus.iter().enumerate();
    let gpus = gpus.filter(|(gpu, _)| !Confidence::of_gpu(scenario, *gpu).chance);
    NoChance {
        everything: !scenario.has_chance(),
        guests: guests.map(|(_, guest)| guest.name.clone()).collect(),
        gpus: gpus.map(|(_, gpu)| gpu.name.clone()).collect(),
    }
}

/// The same in words.
pub(super) fn notice(found: &NoChance) -> Option<String> {
    let what = match (found.everything, found.guests.as_slice()) {
        (true, _) => "this scenario".to_owned(),
        (false, []) => return None,
        (false, guests) => format!("what {} meet", guests.join(", ")),
    };
    Some(format!(
        "nothing in {what} is drawn: all replications are the same, so there is no interval and no test; drawn \
         arrivals, sizes or think times, or a part of a trace drawn anew in each replication, bring chance \
         (docs/statistics.md)"
    ))
}
