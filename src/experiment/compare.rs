//! Schedulers side by side: the same draws under each, paired differences, and how sure they are.
//!
//! The rules are those of docs/statistics.md: replications are the unit of evidence, differences are
//! paired, all intervals of a comparison hold at once (Bonferroni), p values are adjusted by Holm.

mod metrics;
mod verdict;

use super::turns::first_turns;
use super::{Options, Progress, RunError, run};
use crate::engine::time::Nanos;
use crate::policy::registry;
use crate::result::{
    Best, Better, COMPARISON_FORMAT, ComparisonResult, Difference, GroupLatency, MemberSlowdown,
    MetricComparison, PolicyResult, PolicyValue, RunResult, Sequential, Verdict,
};
use crate::scenario::Scenario;
use crate::stats::compare::{bonferroni, holm, paired};
use crate::stats::interval::{next_look, t_interval};
use crate::stats::moments::{mean, variance};
use crate::stats::select::{best_of, nelson_matejcik_g};
use metrics::Row;

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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
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
            let (worst, worst_of) = widest(&rows, candidates);
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
        return finish(candidates, &results, &rows, sequential);
    }
}

/// Confidence inside a sequential procedure that claims 95 %: looking several times costs coverage
/// (docs/statistics.md, section 8).
const INSIDE: f64 = 0.97;

/// Largest relative half-width of a mean, and whose it is.
fn widest(rows: &[Row], candidates: &[Candidate]) -> (f64, String) {
    let mut worst = (0.0, String::new());
    for row in rows {
        for (candidate, values) in candidates.iter().zip(&row.values) {
            let present: Option<Vec<f64>> = values.iter().copied().collect();
            let interval = present.and_then(|values| t_interval(&values, INSIDE));
            let width = match interval {
                Some(found) if found.half_width == 0.0 => 0.0,
                Some(found) => found.relative().unwrap_or(f64::MAX),
                None => continue,
            };
            if width > worst.0 {
                worst = (
                    width,
                    format!("{} of {} under {}", row.metric, row.of, candidate.name),
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
    sequential: Option<Sequential>,
) -> Result<ComparisonResult, RunError> {
    let first = &results[0];
    let confidence = first.plan.confidence;
    let mut policies = Vec::new();
    for (candidate, result) in candidates.iter().zip(results) {
        policies.push(policy(candidate, result)?);
    }
    let g = nelson_matejcik_g(results.len() as u32, first.plan.replications, confidence);
    let mut metrics: Vec<MetricComparison> = rows
        .iter()
        .map(|row| of_row(row, candidates, confidence, g))
        .collect();
    let tested = settle(&mut metrics, rows, confidence);
    let mut comparison = ComparisonResult {
        format: COMPARISON_FORMAT,
        meta: first.meta.clone(),
        scenario: first.scenario.clone(),
        plan: first.plan.clone(),
        against: candidates[0].name.clone(),
        tested,
        sequential,
        policies,
        metrics,
        verdict: String::new(),
    };
    comparison.verdict = verdict::words(&comparison);
    Ok(comparison)
}

fn policy(candidate: &Candidate, result: &RunResult) -> Result<PolicyResult, RunError> {
    let registered = registry::find(&candidate.scheduler);
    let overloaded = result.guests.iter();
    let overloaded = overloaded
        .filter_map(|group| Some((group.name.clone(), group.overload.clone()?)))
        .collect();
    let broken = result.checks.iter().filter(|check| !check.holds);
    Ok(PolicyResult {
        name: candidate.name.clone(),
        about: registered.map_or("", |found| found.about).to_owned(),
        source: registered.map_or("", |found| found.source).to_owned(),
        sharing: result.gpus.iter().map(|gpu| gpu.sharing.clone()).collect(),
        hash: result.scenario.hash.clone(),
        overloaded,
        broken: broken.map(|check| check.id.clone()).collect(),
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

/// The values of a metric under each policy, and the best of them; differences come later.
fn of_row(
    row: &Row,
    candidates: &[Candidate],
    confidence: f64,
    g: Option<f64>,
) -> MetricComparison {
    let values = row.values.iter().zip(&row.notes).map(|(values, note)| {
        let present: Vec<f64> = values.iter().copied().flatten().collect();
        let missing = values.len() - present.len();
        // A bound, or a quantile of too few jobs, has no interval.
        let interval = t_interval(&present, confidence).filter(|_| missing == 0 && note.is_none());
        let note = note.clone().or_else(|| match (present.len(), missing) {
            (0, _) => Some("no value".to_owned()),
            (1, 0) => Some("one replication: no interval".to_owned()),
            (_, 0) => None,
            _ => Some(format!("{missing} replications without a value")),
        });
        PolicyValue {
            mean: (!present.is_empty()).then(|| mean(&present)),
            half_width: interval.map(|interval| interval.half_width),
            note,
            difference: None,
        }
    });
    MetricComparison {
        of: row.of.clone(),
        kind: row.kind.to_owned(),
        metric: row.metric.clone(),
        unit: row.unit.to_owned(),
        better: row.better,
        values: values.collect(),
        best: g.and_then(|g| best(row, candidates, g)),
    }
}

/// Which policy is best; only where every policy has a value in every replication that is more than a
/// bound. `g` is the constant of Nelson and Matejcik for all.
fn best(row: &Row, candidates: &[Candidate], g: f64) -> Option<Best> {
    let sign = match row.better {
        Better::Higher => 1.0,
        Better::Lower => -1.0,
    };
    let rows: Option<Vec<Vec<f64>>> = (0..row.values.len())
        .map(|policy| {
            Some(
                row.whole(policy)?
                    .iter()
                    .map(|value| sign * value)
                    .collect(),
            )
        })
        .collect();
    let found = best_of(&rows?, g)?;
    let may_be = candidates.iter().zip(&found.candidates);
    Some(Best {
        policy: candidates[found.best].name.clone(),
        within: found.within,
        candidates: may_be
            .filter(|(_, is)| **is)
            .map(|(candidate, _)| candidate.name.clone())
            .collect(),
    })
}

/// Fills in the differences to the first policy, all tested together; how many there are.
fn settle(metrics: &mut [MetricComparison], rows: &[Row], confidence: f64) -> u32 {
    let mut places = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if row.whole(0).is_none_or(|values| values.len() < 2) {
            continue;
        }
        let others = 1..row.values.len();
        let tested = others.filter(|&policy| row.whole(policy).is_some());
        places.extend(tested.map(|policy| (index, policy)));
    }
    let each = bonferroni(confidence, places.len());
    let found: Vec<_> = places
        .iter()
        .map(|&(index, policy)| {
            let row = &rows[index];
            let (a, b) = (row.whole(policy)?, row.whole(0)?);
            let compared = paired(&a, &b, each)?;
            let apart = variance(&a) + variance(&b);
            let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
            let ratio = (apart > 0.0).then(|| variance(&differences) / apart);
            Some((compared, ratio, differences.iter().all(|d| *d == 0.0)))
        })
        .collect();
    let p: Vec<f64> = found
        .iter()
        .map(|f| f.as_ref().map_or(1.0, |f| f.0.p))
        .collect();
    let adjusted = holm(&p);
    for ((&(index, policy), found), adjusted_p) in places.iter().zip(&found).zip(adjusted) {
        let Some((compared, variance_ratio, same)) = found else {
            continue;
        };
        let change = compared.difference.mean;
        let improves = match metrics[index].better {
            Better::Lower => change < 0.0,
            Better::Higher => change > 0.0,
        };
        metrics[index].values[policy].difference = Some(Difference {
            mean: change,
            low: compared.difference.low(),
            high: compared.difference.high(),
            p: compared.p,
            adjusted_p,
            verdict: match (same, adjusted_p <= 1.0 - confidence, improves) {
                (true, ..) => Verdict::Same,
                (_, false, _) => Verdict::Undecided,
                (_, true, true) => Verdict::Better,
                (_, true, false) => Verdict::Worse,
            },
            variance_ratio: *variance_ratio,
        });
    }
    places.len() as u32
}
