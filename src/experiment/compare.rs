//! Schedulers side by side: the same draws under each, paired differences, and how sure they are.
//!
//! The rules are those of docs/statistics.md: replications are the unit of evidence, differences are
//! paired. The primary metrics are one family: their intervals hold at once (Bonferroni), their p values are
//! adjusted by Holm. All others are exploratory: each by itself.

mod metrics;
mod primary;
mod test;

use super::findings::findings;
use super::turns::first_turns;
use super::{Options, Progress, RunError, Store, run};
use crate::engine::time::{LONGEST, Nanos};
use crate::policy::registry;
use crate::result::{
    COMPARISON_FORMAT, ComparisonResult, GroupLatency, MeanOf, MemberSlowdown, MetricComparison,
    Overloaded, PlanInfo, PolicyResult, PolicyValue, Reason, RunResult, Sequential, Slice,
};
use crate::scenario::{Scenario, Share};
use crate::stats::interval::next_look;
use crate::stats::quantile::sectioning_interval;
use metrics::Row;
pub use primary::Primary;
use std::sync::Arc;

/// How much of a run is shown turn by turn.
const SHOWN: Nanos = 100_000_000;

/// A scenario under one policy.
pub struct Candidate {
    /// As it was asked for.
    pub name: String,
    /// Name of the scheduler in the registry.
    pub scheduler: String,
    pub scenario: Scenario,
}

/// How a comparison is carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The metrics that the comparison is about: they alone are tested together. All others are exploratory.
    pub primary: Primary,
    /// Relative half-width of the metrics' means at which to stop; `None` = the scenario's replications.
    pub precision: Option<f64>,
    /// Replications at most, where a precision is asked for.
    pub most: u32,
}

/// Progress of one candidate of several.
struct PartOf<'a> {
    index: usize,
    candidates: usize,
    whole: &'a dyn Progress,
}

impl Progress for PartOf<'_> {
    fn advanced(&self, done: f64) {
        self.whole
            .advanced((self.index as f64 + done) / self.candidates as f64);
    }
}

/// Runs every candidate and compares the others with the first. All need the same seed; the first one's
/// number of replications is that of all.
///
/// # Errors
///
/// As [`run`](super::run()).
pub fn compare(
    candidates: &mut [Candidate],
    plan: Plan,
    options: &Options,
    progress: &dyn Progress,
) -> Result<ComparisonResult, RunError> {
    let Some(first) = candidates.first() else {
        return Err(RunError::NothingToCompare);
    };
    let mut replications = first.scenario.run.replications;
    // Policies have the baselines on undivided boards in common, and looks all replications of earlier ones.
    let own = || match plan.precision {
        Some(_) => Store::in_memory(),
        None => Store::of_baselines(),
    };
    let store = options.store.clone().unwrap_or_else(|| Arc::new(own()));
    let options = &Options {
        store: Some(store),
        ..options.clone()
    };
    let mut looks = Vec::new();
    loop {
        looks.push(replications);
        let mut results = Vec::new();
        for index in 0..candidates.len() {
            let part = PartOf {
                index,
                candidates: candidates.len(),
                whole: progress,
            };
            let scenario = &mut candidates[index].scenario;
            scenario.run.replications = replications;
            results.push(run(scenario, options, &part)?);
        }
        let rows = metrics::rows(&results);
        let sequential = plan.precision.map(|precision| {
            let primary = rows.iter().filter(|row| plan.primary.holds(row));
            let (worst, worst_of) = widest(primary, candidates);
            Sequential {
                precision,
                // The correction makes it a bound relative to the true mean (docs/statistics.md).
                reached: worst <= precision / (1.0 + precision),
                worst,
                worst_of,
                looks: looks.clone(),
            }
        });
        let again = sequential.as_ref().is_some_and(|found| !found.reached);
        if again && replications < plan.most {
            replications = next_look(replications).min(plan.most);
            continue;
        }
        return finish(candidates, &results, &rows, (&plan.primary, sequential));
    }
}

/// Confidence inside a sequential procedure that claims 95 %: looking several times costs coverage
/// (docs/statistics.md, section 8).
const INSIDE: f64 = 0.97;

/// Largest relative half-width, and whose it is.
fn widest<'a>(
    rows: impl Iterator<Item = &'a Row>,
    candidates: &[Candidate],
) -> (f64, Option<MeanOf>) {
    let mut worst = (0.0, None);
    for row in rows {
        for (candidate, cell) in candidates.iter().zip(&row.cells) {
            let Some(value) = cell.value.filter(|_| cell.chance) else {
                continue;
            };
            let width = match sectioning_interval(value, &cell.each, INSIDE) {
                Some(found) if found.half_width == 0.0 => 0.0,
                Some(found) => found.relative().unwrap_or(f64::MAX),
                None => continue,
            };
            if width > worst.0 {
                worst = (
                    width,
                    Some(MeanOf {
                        metric: row.metric.clone(),
                        of: row.of.clone(),
                        policy: candidate.name.clone(),
                    }),
                );
            }
        }
    }
    worst
}

fn finish(
    candidates: &[Candidate],
    results: &[RunResult],
    rows: &[Row],
    (primary, sequential): (&Primary, Option<Sequential>),
) -> Result<ComparisonResult, RunError> {
    let first = &results[0];
    let confidence = first.plan.confidence;
    let mut policies = Vec::new();
    for (candidate, result) in candidates.iter().zip(results) {
        policies.push(policy(candidate, result)?);
    }
    let mut metrics: Vec<MetricComparison> = rows
        .iter()
        .map(|row| of_row(row, primary.holds(row)))
        .collect();
    let names: Vec<&str> = candidates.iter().map(|c| c.name.as_str()).collect();
    let (tested, explored) = test::settle(&mut metrics, rows, confidence);
    test::best(&mut metrics, rows, &names, confidence);
    Ok(ComparisonResult {
        format: COMPARISON_FORMAT,
        meta: first.meta.clone(),
        scenario: first.scenario.clone(),
        plan: PlanInfo {
            no_chance: results.iter().all(|result| result.plan.no_chance),
            ..first.plan.clone()
        },
        against: candidates[0].name.clone(),
        primary: primary.names(),
        tested,
        explored,
        sequential,
        slices: slices(candidates),
        policies,
        metrics,
    })
}

/// Who takes turns of what length, if policies take turns of different lengths.
fn slices(candidates: &[Candidate]) -> Vec<Slice> {
    let mut lengths: Vec<Slice> = Vec::new();
    for candidate in candidates {
        let domains = candidate.scenario.gpus.iter().flat_map(|gpu| gpu.domains());
        for domain in domains {
            let Share::TimeSlice(config) = domain.share else {
                continue;
            };
            if config.slice >= LONGEST {
                continue;
            }
            let name = &candidate.name;
            let mut known = lengths.iter_mut();
            match known.find(|known| known.length_ns == config.slice) {
                Some(known) if known.policies.contains(name) => {}
                Some(known) => known.policies.push(name.clone()),
                None => lengths.push(Slice {
                    length_ns: config.slice,
                    policies: vec![name.clone()],
                }),
            }
        }
    }
    if lengths.len() < 2 {
        return Vec::new();
    }
    lengths.sort_by_key(|slice| slice.length_ns);
    lengths
}

fn policy(candidate: &Candidate, result: &RunResult) -> Result<PolicyResult, RunError> {
    let registered = registry::find(&candidate.scheduler);
    let overloaded = result.guests.iter();
    let overloaded = overloaded
        .filter_map(|group| {
            Some(Overloaded {
                guest: group.name.clone(),
                why: group.overload.clone()?,
            })
        })
        .collect();
    let broken = result.checks.iter().filter(|check| !check.holds);
    Ok(PolicyResult {
        name: candidate.name.clone(),
        about: registered.map_or("", |found| found.about).to_owned(),
        source: registered.map_or("", |found| found.source).to_owned(),
        sharing: result.gpus.iter().map(|gpu| gpu.sharing.clone()).collect(),
        hash: result.scenario.hash.clone(),
        overloaded,
        findings: findings(result),
        broken: broken.map(|check| check.id).collect(),
        response: result
            .guests
            .iter()
            .map(|group| GroupLatency {
                guest: group.name.clone(),
                histogram: group.response.histogram.clone(),
                unfinished: group.jobs.unfinished,
            })
            .collect(),
        members: result
            .guests
            .iter()
            .flat_map(|group| &group.members)
            .map(|member| MemberSlowdown {
                name: member.name.clone(),
                slowdown: member.slowdown.value,
            })
            .collect(),
        turns: first_turns(&candidate.scenario, SHOWN)?,
    })
}

/// The values of a metric under each policy, as `run` reports them; differences come later.
fn of_row(row: &Row, primary: bool) -> MetricComparison {
    let values = row.cells.iter().map(|cell| PolicyValue {
        value: cell.value,
        half_width: cell.half_width,
        note: match (&cell.note, cell.value) {
            (None, None) => Some(Reason::NoValue),
            (note, _) => note.clone(),
        },
        difference: None,
    });
    MetricComparison {
        of: row.of.clone(),
        kind: row.kind,
        metric: row.metric.clone(),
        unit: row.unit,
        better: row.better,
        primary,
        values: values.collect(),
        best: None,
    }
}
