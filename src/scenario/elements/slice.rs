//! How long a slice is: `frequency` and `slice` of a `share` table, and what holds where none is given.
//!
//! Sources: those of [`crate::scenario::elements::share`].

use crate::engine::time::{LONGEST, MILLISECOND, Nanos, round_nanos};
use crate::policy::registry::Use;
use crate::scenario::elements::sharing::{Place, Tenancy, clamped};
use crate::scenario::key::checker::Checker;
use crate::scenario::key::units::{Quantity, RawFrequency, write_nanos};
use crate::scenario::read::raw::RawShare;
use crate::scenario::read::scheduler::{Kind, RawScheduler};

/// Lowest and highest frequency with ARR, in hertz.
const FREQUENCY: (f64, f64) = (63.0, 960.0);
/// Shortest and longest slice without ARR.
const SLICE: (Nanos, Nanos) = (MILLISECOND, 30 * MILLISECOND);
/// Up to this type maximum the longer of the two default slices holds.
const FEW: u32 = 8;

/// The nominal slice; `None` after an error.
pub(crate) fn slice(
    c: &mut Checker,
    path: &str,
    raw: &RawShare,
    place: &Place<'_>,
    tenancy: &Tenancy,
    scheduler: RawScheduler,
    arr: bool,
) -> Option<Nanos> {
    let path = &format!("{path}.slice");
    match scheduler.kind() {
        _ if !scheduler.uses(Use::Slice) => {
            let usual = scheduler.usual_slice();
            let why = match usual {
                Some(nanos) => format!(
                    "a slice of {} is {}",
                    scheduler.word(),
                    write_nanos(nanos as f64)
                ),
                None => format!("{} runs each piece of work to its end", scheduler.word()),
            };
            if raw.slice.is_some() {
                c.no_effect(&raw.slice, "slice", &why, "remove it");
                return None;
            }
            Some(usual.unwrap_or(LONGEST))
        }
        kind @ (Kind::BestEffort | Kind::RoundRobin | Kind::Fifo | Kind::Other) => {
            if let Some(field) = &raw.slice {
                return c.positive(path, field);
            }
            if c.neutral {
                return no_slice(c, place, path);
            }
            if let Some(usual) = scheduler.usual_slice() {
                c.by_default(path, write_nanos(usual as f64));
                return Some(usual);
            }
            let key = match (kind, tenancy.a100) {
                (Kind::BestEffort, _) => "best_effort.slice",
                (Kind::Other, _) => "policy.slice",
                (_, true) => "context.slice.a100",
                (_, false) => "context.slice",
            };
            Some(c.assume_duration(path, key)).filter(|&slice| slice > 0)
        }
        Kind::EqualShare | Kind::WeightedShare | Kind::FixedShare => {
            if arr {
                arr_slice(c, path, raw, place, tenancy)
            } else {
                plain_slice(c, path, raw, place, tenancy)
            }
        }
    }
}

fn no_slice(c: &mut Checker, place: &Place<'_>, path: &str) -> Option<Nanos> {
    let table = path.strip_suffix(".slice").unwrap_or(path);
    let span = place.span();
    let help = "the neutral preset has no default; such as slice = \"2ms\"";
    c.missing(&span, table, "slice", help);
    None
}

/// Whether the few-vGPUs default holds. `None` = neither a vGPU type's maximum nor a preset decides.
fn few(tenancy: &Tenancy) -> Option<bool> {
    tenancy
        .type_maximum
        .as_ref()
        .map(|(maximum, _)| *maximum <= FEW)
}

fn arr_slice(
    c: &mut Checker,
    path: &str,
    raw: &RawShare,
    place: &Place<'_>,
    tenancy: &Tenancy,
) -> Option<Nanos> {
    if let Some(field) = &raw.slice {
        // Theory may name the slice itself; the product takes a frequency.
        if c.neutral && raw.frequency.is_none() {
            return c.positive(path, field);
        }
        let (why, instead) = (
            "with ARR the slice is 1 / frequency",
            "set `frequency`, or arr = false",
        );
        c.no_effect(&raw.slice, "slice", why, instead);
        return None;
    }
    let frequency_path = &path.replace(".slice", ".frequency");
    let given = raw
        .frequency
        .as_ref()
        .filter(|field| field.value.hertz > 0.0);
    let hertz = match (given, few(tenancy)) {
        (Some(field), _) => {
            let (low, high) = FREQUENCY;
            let hertz = field.value.hertz;
            let used = if c.neutral {
                hertz
            } else {
                hertz.clamp(low, high)
            };
            if used != hertz {
                let (given, used) = (RawFrequency::write(hertz), RawFrequency::write(used));
                clamped(c, frequency_path, &given, &used, "63Hz to 960Hz");
            }
            c.file_value(frequency_path, RawFrequency::write(used), &field.span);
            used
        }
        (None, Some(few)) => {
            let hertz = if few { 480.0 } else { 960.0 };
            c.by_default(frequency_path, RawFrequency::write(hertz));
            hertz
        }
        (None, None) => return no_slice(c, place, path),
    };
    let nanos = round_nanos(1e9 / hertz).filter(|&n| n > 0)?;
    c.by_default(
        path,
        format!("{} (1 / frequency)", write_nanos(nanos as f64)),
    );
    Some(nanos)
}

fn plain_slice(
    c: &mut Checker,
    path: &str,
    raw: &RawShare,
    place: &Place<'_>,
    tenancy: &Tenancy,
) -> Option<Nanos> {
    let given = raw.slice.as_ref();
    if let (Some(field), true) = (given, c.neutral) {
        return c.positive(path, field);
    }
    if let Some(field) = given.filter(|field| field.value.nanos > 0) {
        let nanos = field.value.nanos;
        let used = nanos.clamp(SLICE.0, SLICE.1);
        if used != nanos {
            let text = |n: Nanos| write_nanos(n as f64);
            clamped(c, path, &text(nanos), &text(used), "1ms to 30ms");
        }
        c.file_value(path, write_nanos(used as f64), &field.span);
        return Some(used);
    }
    let Some(few) = few(tenancy) else {
        return no_slice(c, place, path);
    };
    let nanos = if few { 2 * MILLISECOND } else { MILLISECOND };
    c.by_default(path, write_nanos(nanos as f64));
    Some(nanos)
}
