//! What a reader must know before using the numbers of a run: everything that it found to be wrong or in doubt.

use crate::result::{Finding, Overloaded, RunResult};

/// Quantiles whose missing interval is worth a word; those beyond are reported only with many jobs.
const SHOWN: f64 = 0.99;

/// All checks of a run: invariants, overload, chance, warm-up, data, and its notices.
pub(super) fn findings(result: &RunResult) -> Vec<Finding> {
    let mut found = Vec::new();
    let broken = result.checks.iter().filter(|check| !check.holds);
    found.extend(broken.cloned().map(Finding::Invariant));
    found.extend(result.notices.iter().cloned().map(Finding::Remark));
    found.extend(result.growth.iter().cloned().map(Finding::Growth));
    found.extend(result.no_chance.iter().cloned().map(Finding::NoChance));
    for group in &result.guests {
        if let Some(why) = &group.overload {
            found.push(Finding::Overload(Overloaded {
                guest: group.name.clone(),
                why: why.clone(),
            }));
        }
        let check = &group.warmup_check;
        if check.verdict.in_doubt() {
            found.push(Finding::WarmUp {
                guest: group.name.clone(),
                check: check.clone(),
            });
        }
        let without = result.no_chance.as_ref();
        if group.overload.is_some()
            || without.is_some_and(|found| found.guests.contains(&group.name))
        {
            continue;
        }
        let quantiles = group.response.quantiles.iter();
        let short: Vec<_> = quantiles
            .filter(|quantile| quantile.p <= SHOWN && quantile.half_width_ns.is_none())
            .collect();
        // The rarest asks for the most: what gives it an interval gives it to all.
        if let Some(last) = short.last() {
            found.push(Finding::Data {
                guest: group.name.clone(),
                quantiles: short.iter().map(|quantile| quantile.p).collect(),
                why: last.note.clone(),
            });
        }
    }
    found
}
