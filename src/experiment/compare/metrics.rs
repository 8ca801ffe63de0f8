//! The metrics of a comparison: what a run reports of each, with the values of replications behind it.

use crate::experiment::estimate::{Confidence, mean_of};
use crate::metrics::{Chosen, Once, Reading, Scope, Statistic, Subject, of_scope};
use crate::result::{
    Better, Estimate, QuantileEstimate, Reason, Replication, RunResult, SubjectKind, Unit,
};

/// A metric of one GPU or guest group.
pub(super) struct Row {
    pub of: String,
    pub kind: SubjectKind,
    /// Such as `antt` or `response.p95`.
    pub metric: String,
    pub unit: Unit,
    pub better: Better,
    /// By policy.
    pub cells: Vec<Cell>,
}

/// A metric under one policy: the value and the interval are those that `run` reports.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub value: Option<f64>,
    pub half_width: Option<f64>,
    /// One value a replication ([`Estimate::each`]); empty where there is nothing to compare.
    pub each: Vec<f64>,
    /// How well the value is known at best: half a bucket of a histogram.
    pub resolution: f64,
    /// Whether replications differ by chance.
    pub chance: bool,
    /// Why there is no value or no interval.
    pub note: Option<Reason>,
}

impl Cell {
    fn estimate(estimate: &Estimate, chance: bool) -> Cell {
        Cell {
            value: estimate.value,
            half_width: estimate.half_width,
            each: estimate.each.clone(),
            resolution: 0.0,
            chance,
            note: estimate.note.clone(),
        }
    }

    fn quantile(quantile: &QuantileEstimate, chance: bool) -> Cell {
        Cell {
            value: quantile.value_ns.map(|ns| ns as f64),
            half_width: quantile.half_width_ns,
            each: quantile.each.clone(),
            resolution: quantile.resolution_ns,
            chance,
            note: quantile.note.clone(),
        }
    }

    /// What rests on the latency of an overloaded guest is only a bound, which is not compared.
    fn bound(self, why: Option<Reason>) -> Cell {
        match why {
            None => self,
            Some(why) => Cell {
                half_width: None,
                each: Vec::new(),
                note: Some(why),
                ..self
            },
        }
    }

    /// Whether a difference to it means something.
    pub fn comparable(&self) -> bool {
        self.value.is_some() && !self.each.is_empty()
    }
}

/// What can be compared of all that a result has: what has a better and a worse, and does not grow with the run. The
/// usual metrics come first.
pub(super) fn comparable(scope: Scope, classes: &[&str]) -> Vec<(Chosen, Better)> {
    let all = of_scope(scope, classes).into_iter();
    let mut found: Vec<(Chosen, Better)> = all
        .filter(|chosen| chosen.metric.asked && chosen.statistic != Some(Statistic::Largest))
        .filter_map(|chosen| {
            let better = chosen.metric.better?;
            Some((chosen, better))
        })
        .collect();
    found.sort_by_key(|(chosen, _)| chosen.usual().unwrap_or(u8::MAX));
    found
}

/// All metrics of results that differ in their schedulers only: of GPUs, then of guests.
pub(super) fn rows(results: &[RunResult]) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(first) = results.first() else {
        return rows;
    };
    for (index, gpu) in first.gpus.iter().enumerate() {
        for (metric, better) in comparable(Scope::Gpu, &[]) {
            let cells = results.iter().map(|result| of_gpu(result, index, &metric));
            put(
                &mut rows,
                (&gpu.name, SubjectKind::Gpu),
                &metric,
                better,
                cells.collect(),
            );
        }
    }
    for (index, group) in first.guests.iter().enumerate() {
        let classes: Vec<&str> = group.classes.iter().map(|c| c.name.as_str()).collect();
        for (metric, better) in comparable(Scope::Group, &classes) {
            let cells = results
                .iter()
                .map(|result| of_group(result, index, &metric));
            put(
                &mut rows,
                (&group.name, SubjectKind::Guest),
                &metric,
                better,
                cells.collect(),
            );
        }
    }
    rows
}

/// A row, unless the metric applies under no policy.
fn put(
    rows: &mut Vec<Row>,
    (of, kind): (&str, SubjectKind),
    metric: &Chosen,
    better: Better,
    cells: Vec<Option<Cell>>,
) {
    if cells.iter().any(Option::is_some) {
        rows.push(Row {
            of: of.to_owned(),
            kind,
            metric: metric.name("."),
            unit: metric.metric.unit,
            better,
            cells: cells.into_iter().map(Option::unwrap_or_default).collect(),
        });
    }
}

fn of_gpu(result: &RunResult, index: usize, metric: &Chosen) -> Option<Cell> {
    let gpu = &result.gpus[index];
    let without = result.no_chance.as_ref();
    let chance = without.is_none_or(|found| !found.gpus.contains(&gpu.name));
    let mut guests = result.guests.iter().filter(|guest| guest.is_on(&gpu.name));
    let overloaded = guests.find(|guest| metric.metric.bounded && guest.overload.is_some());
    let bound = overloaded.map(|guest| Reason::GuestOverloaded {
        guest: guest.name.clone(),
    });
    let once = |replication: &Replication| {
        metric.once(Once::Gpu(&replication.gpus[index]), result.plan.window_ns)
    };
    Some(cell(metric, Subject::Gpu(gpu), result, (chance, &once))?.bound(bound))
}

fn of_group(result: &RunResult, index: usize, metric: &Chosen) -> Option<Cell> {
    let group = &result.guests[index];
    let without = result.no_chance.as_ref();
    let chance = without.is_none_or(|found| !found.guests.contains(&group.name));
    let bounded = metric.metric.bounded && group.overload.is_some();
    let bound = bounded.then_some(Reason::Overloaded);
    let once = |replication: &Replication| {
        let guest = Once::Guest(&replication.guests[index], group);
        metric.once(guest, result.plan.window_ns)
    };
    Some(cell(metric, Subject::Group(group), result, (chance, &once))?.bound(bound))
}

/// Reads the metric from one replication.
type OfReplication<'a> = &'a dyn Fn(&Replication) -> Option<f64>;

/// What a result says of a metric. Of what is only observed, such as the longest starvation, the mean over
/// replications: the largest over all of them would estimate nothing.
fn cell(
    metric: &Chosen,
    subject: Subject<'_>,
    result: &RunResult,
    (chance, once): (bool, OfReplication<'_>),
) -> Option<Cell> {
    Some(match metric.reading(subject)? {
        Reading::Estimate(estimate) => Cell::estimate(estimate, chance),
        Reading::Quantile(quantile) => Cell::quantile(quantile, chance),
        Reading::Observed(..) => {
            let each: Option<Vec<f64>> = result.replications.iter().map(once).collect();
            let confidence = Confidence {
                level: result.plan.confidence,
                chance,
                window: result.plan.window_ns,
            };
            Cell::estimate(&mean_of(each?, confidence), chance)
        }
    })
}
