//! Whether a result meets what its scenario asks for.

use crate::metrics::objective::{Evidence, Objective};
use crate::metrics::{Number, Once, Subject};
use crate::result::{ObjectiveResult, RunResult, SubjectKind};
use crate::scenario::{Asked, AskedOf, Scenario};

/// Every objective of the scenario, in its order.
pub(super) fn judged(scenario: &Scenario, result: &RunResult) -> Vec<ObjectiveResult> {
    let each = scenario.objectives.iter();
    each.map(|asked| judge(scenario, asked, result)).collect()
}

fn judge(scenario: &Scenario, asked: &Asked, result: &RunResult) -> ObjectiveResult {
    let objective = &asked.objective;
    let (kind, of, figure, lower_bound) = match asked.of {
        AskedOf::Guest(index) => {
            let group = &result.guests[index];
            let figure = objective.metric.figure(Subject::Group(group));
            let bounded = objective.metric.metric.bounded && group.overload.is_some();
            (SubjectKind::Guest, group.name.clone(), figure, bounded)
        }
        AskedOf::Gpu(index) => {
            let gpu = &result.gpus[index];
            let figure = objective.metric.figure(Subject::Gpu(gpu));
            let mut here = result.guests.iter().filter(|group| group.is_on(&gpu.name));
            let overloaded = here.any(|group| group.overload.is_some());
            let bounded = objective.metric.metric.bounded && overloaded;
            (SubjectKind::Gpu, gpu.name.clone(), figure, bounded)
        }
    };
    let evidence = Evidence {
        lower_bound,
        chance: chance(scenario, asked.of),
        same: same(asked, result),
    };
    let judgement = objective.judge(figure.as_ref(), evidence);
    ObjectiveResult {
        kind,
        of,
        text: objective.text.clone(),
        metric: objective.metric.name("."),
        unit: objective.metric.metric.unit,
        relation: objective.relation,
        bound: objective.bound,
        verdict: judgement.verdict,
        value: figure
            .as_ref()
            .map(|figure| figure.value)
            .and_then(Number::value),
        margin: judgement.margin,
        half_width: figure.as_ref().and_then(|figure| figure.half_width),
        note: judgement.note,
    }
}

/// Whether what is asked can differ between replications.
fn chance(scenario: &Scenario, of: AskedOf) -> bool {
    match of {
        AskedOf::Guest(guest) => scenario.chance_reaches(guest),
        AskedOf::Gpu(gpu) => {
            let mut guests = scenario.guests.iter().enumerate();
            guests.any(|(index, guest)| guest.gpu == gpu && scenario.chance_reaches(index))
        }
    }
}

/// Whether all of several replications have the same value.
fn same(asked: &Asked, result: &RunResult) -> bool {
    let Objective { metric, .. } = &asked.objective;
    let values: Vec<Option<f64>> = result
        .replications
        .iter()
        .map(|replication| {
            let once = match asked.of {
                AskedOf::Guest(index) => {
                    Once::Guest(&replication.guests[index], &result.guests[index])
                }
                AskedOf::Gpu(index) => Once::Gpu(&replication.gpus[index]),
            };
            metric.once(once, result.plan.window_ns)
        })
        .collect();
    let first = values.first().copied().flatten();
    values.len() > 1 && first.is_some() && values.iter().all(|value| *value == first)
}
