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
