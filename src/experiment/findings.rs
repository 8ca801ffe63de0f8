//! What a reader must know before using the numbers of a run: everything that it found to be wrong or in doubt.

use crate::result::{Finding, FindingKind, RunResult};
use crate::scenario::write_nanos;

/// Quantiles whose missing interval is worth a word; those beyond are reported only with many jobs.
const SHOWN: f64 = 0.99;

/// All checks of a run: invariants, overload, chance, warm-up, data, and its notices.
pub(super) fn findings(result: &RunResult) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut put = |kind, of: &str, text: String| {
        found.push(Finding {
            kind,
            of: of.to_owned(),
            text,
        });
    };
    for check in result.checks.iter().filter(|check| !check.holds) {
        let text = format!("{}: {}: {}", check.id, check.what, check.detail);
        put(FindingKind::Invariant, "", text);
    }
    for notice in &result.notices {
        put(FindingKind::Notice, "", notice.clone());
    }
    for group in &result.guests {
        if let Some(why) = &group.overload {
            put(FindingKind::Overload, &group.name, why.clone());
        }
        let check = &group.warmup_check;
        if check.verdict != "adequate" && !check.verdict.starts_with("none") {
            let hint = match check.suggested_ns {
                Some(ns) => format!(" (MSER-5 would remove {})", write_nanos(ns as f64)),
                None => String::new(),
            };
            let text = format!("warm-up of {}: {}{hint}", group.name, check.verdict);
            put(FindingKind::WarmUp, &group.name, text);
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
            let names: Vec<String> = short.iter().map(|q| format!("p{}", q.p * 100.0)).collect();
            let text = format!(
                "{} of {}: {}",
                names.join(", "),
                group.name,
                last.note.as_deref().unwrap_or("no interval")
            );
            put(FindingKind::Data, &group.name, text);
        }
    }
    found
}
