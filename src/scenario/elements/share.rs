//! `[gpus.NAME.share]`: which scheduler, with which knobs, in the vendor's ranges.
//!
//! Ranges, defaults and clamps are those of the vGPU 17 user guide, section 8.6.4
//! (<https://docs.nvidia.com/grid/17.0/grid-vgpu-user-guide/index.html>), and of the registry header
//! of NVIDIA's open kernel modules 595.45.04 (`nvrm_registry.h`). Under the neutral preset nothing
//! is clamped. How long a slice is: [`crate::scenario::elements::slice`].

use crate::engine::time::{NEVER, Nanos, round_nanos};
use crate::policy::registry::Use;
use crate::policy::{OnCompletion, OnIdle, Rotation, Ties, TimeSlice, Turns};
use crate::scenario::elements::gpu::Share;
use crate::scenario::elements::legal::{legal, modes, replicas};
use crate::scenario::elements::sharing::{Place, Tenancy, clamped, no_turns};
use crate::scenario::elements::slice::slice;
use crate::scenario::elements::spatial;
use crate::scenario::key::checker::{Checker, Reported};
use crate::scenario::key::field::Key;
use crate::scenario::read::parameters;
use crate::scenario::read::raw::{
    RawMode, RawOnCompletion, RawOnIdle, RawRotation, RawShare, RawTies, RawTurns,
};
use crate::scenario::read::scheduler::{Kind, RawScheduler};

/// Largest averaging factor, and the one that stands for "not given".
const FACTOR: (u32, u32) = (60, 33);
/// Largest elastic cap.
const LARGEST_CAP: f64 = 32.0;

pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    place: &Place<'_>,
    tenancy: &Tenancy,
) -> Option<Share> {
    let path = format!("{path}.share");
    let none = RawShare::default();
    let raw = place.share.as_ref().map_or(&none, |field| &field.value);
    let span = place.span();
    let mode = match &raw.mode {
        Some(field) => {
            c.file_value(&format!("{path}.mode"), field.value.word(), &field.span);
            field.value
        }
        None => {
            c.by_default(&format!("{path}.mode"), RawMode::TimeSlice.word());
            RawMode::TimeSlice
        }
    };
    let row = modes(tenancy.part, tenancy.vgpus);
    if !row.modes.contains(&mode) {
        let span = raw.mode.as_ref().map_or(&span, |field| &field.span).clone();
        let who = if tenancy.vgpus { "vGPUs" } else { "contexts" };
        let title = format!(
            "no {} sharing of a {} by {who}",
            mode.word(),
            tenancy.part.words()
        );
        let words: Vec<String> = row
            .modes
            .iter()
            .map(|mode| format!("`{}`", mode.word()))
            .collect();
        let help = match words.as_slice() {
            [] => "put the guest on a GPU instance".to_owned(),
            words => format!("use mode {}", words.join(" or ")),
        };
        c.error(&span, title, row.why, help);
        return None;
    }
    replicas(c, &path, raw, tenancy)?;
    if mode == RawMode::Spatial {
        return spatial::resolve(c, &path, raw, &span, tenancy);
    }
    let why = "only MPS clients interfere in this sense";
    c.no_effect(
        &raw.interference,
        "interference",
        why,
        "remove it, or use mode = \"spatial\"",
    );
    let why = "only MPS clients divide the SMs";
    let instead = "remove it, or use mode = \"spatial\"";
    c.no_effect(&raw.division, "division", why, instead);
    if mode == RawMode::Exclusive {
        no_turns(
            c,
            raw,
            "an exclusive GPU has no scheduler",
            "remove it, or use mode = \"time-slice\"",
        );
        if tenancy.tenants > 1 {
            let span = raw.mode.as_ref().map_or(span, |field| field.span.clone());
            let title = format!("{} tenants on an exclusive GPU", tenancy.tenants);
            let help = "use mode = \"time-slice\", or leave one guest on this GPU";
            c.error(&span, title, "serves a single tenant", help);
            return None;
        }
        return Some(Share::Exclusive);
    }
    time_slice(c, &path, raw, place, tenancy).map(Share::TimeSlice)
}

fn time_slice(
    c: &mut Checker,
    path: &str,
    raw: &RawShare,
    place: &Place<'_>,
    tenancy: &Tenancy,
) -> Option<TimeSlice> {
    let scheduler = match &raw.scheduler {
        Some(field) => {
            c.file_value(
                &format!("{path}.scheduler"),
                field.value.word(),
                &field.span,
            );
            field.value
        }
        None if c.refused.contains(&format!("{path}.scheduler")) => return None,
        None => {
            let default = RawScheduler::usual(tenancy.vgpus);
            c.by_default(&format!("{path}.scheduler"), default.word());
            default
        }
    };
    if !legal(c, raw, scheduler, tenancy) {
        return None;
    }
    if tenancy.mixed_sizes
        && let Some(field) = raw
            .scheduler
            .as_ref()
            .filter(|_| scheduler.word() == "fixed-share")
    {
        let title = "fixed share is not available in mixed-size mode";
        let label = "a share is one of the type's maximum, and here the types differ \
                     (vGPU user guide 17)";
        let help = "use best-effort or equal-share, or vgpu_sizes = \"equal\"";
        c.error(&field.span, title, label, help);
        return None;
    }
    let reserving = scheduler.reserving();
    let arr_factor = arr(c, path, raw, reserving, scheduler);
    let slice = match arr_factor {
        Ok(factor) => slice(c, path, raw, place, tenancy, scheduler, factor.is_some()),
        Err(Reported) => None,
    };
    let reserved_turns = reserved_turns(c, path, raw, place, tenancy, scheduler);
    let extra = elastic(c, path, raw, scheduler, slice);
    let knobs = knobs(c, path, raw, scheduler, reserving);
    let parameters = parameters::resolve(c, path, &raw.parameters, scheduler);
    let (turns, rotation, on_completion, on_idle, ties) = knobs?;
    Some(TimeSlice {
        scheduler: scheduler.word().to_string(),
        slice: slice?,
        arr_factor: arr_factor.ok()?,
        reserved_turns: reserved_turns.ok()?,
        extra: extra?,
        turns,
        rotation,
        on_completion,
        on_idle,
        ties,
        parameters: parameters?,
    })
}

/// The averaging factor, `None` with ARR off or without meaning.
fn arr(
    c: &mut Checker,
    path: &str,
    raw: &RawShare,
    reserving: bool,
    scheduler: RawScheduler,
) -> Result<Option<u32>, Reported> {
    let count = c.findings.0.len();
    if !reserving {
        let why = format!("{} has no adaptive round robin", scheduler.word());
        c.no_effect(
            &raw.arr,
            "arr",
            &why,
            "remove it, or use equal-share, weighted-share or fixed-share",
        );
        let instead = "set `slice` instead";
        c.no_effect(&raw.frequency, "frequency", &why, instead);
        c.no_effect(&raw.averaging_factor, "averaging_factor", &why, "remove it");
        return if c.findings.0.len() == count {
            Ok(None)
        } else {
            Err(Reported)
        };
    }
    let on = match &raw.arr {
        Some(field) => {
            c.file_value(&format!("{path}.arr"), field.value.to_string(), &field.span);
            field.value
        }
        None => {
            c.by_default(&format!("{path}.arr"), (!c.neutral).to_string());
            !c.neutral
        }
    };
    if !on {
        let why = "adaptive round robin is off";
        c.no_effect(
            &raw.frequency,
            "frequency",
            why,
            "set `slice` instead, or arr = true",
        );
        let instead = "remove it, or set arr = true";
        c.no_effect(&raw.averaging_factor, "averaging_factor", why, instead);
        return if c.findings.0.len() == count {
            Ok(None)
        } else {
            Err(Reported)
        };
    }
    let path = format!("{path}.averaging_factor");
    let (largest, default) = FACTOR;
    let Some(field) = &raw.averaging_factor else {
        c.by_default(&path, default.to_string());
        return Ok(Some(default));
    };
    let factor = match u32::try_from(field.value).unwrap_or(u32::MAX) {
        0 => default,
        given if given > largest && !c.neutral => {
            clamped(
                c,
                &path,
                &field.value.to_string(),
                &largest.to_string(),
                "1 to 60",
            );
            largest
        }
        given => given,
    };
    c.file_value(&path, factor.to_string(), &field.span);
    Ok(Some(factor))
}

fn reserved_turns(
    c: &mut Checker,
    path: &str,
    raw: &RawShare,
    place: &Place<'_>,
    tenancy: &Tenancy,
    scheduler: RawScheduler,
) -> Result<Option<u32>, Reported> {
    if !scheduler.uses(Use::ReservedTurns) {
        if raw.reserved_turns.is_some() {
            let why = "only fixed-share reserves a fixed number of turns";
            c.no_effect(
                &raw.reserved_turns,
                "reserved_turns",
                why,
                "remove it, or use fixed-share",
            );
            return Err(Reported);
        }
        return Ok(None);
    }
    let path = &format!("{path}.reserved_turns");
    if let Some(field) = &raw.reserved_turns {
        let turns = c
            .count(path, &raw.reserved_turns, 1, 100_000, None)
            .ok_or(Reported)?;
        if u64::from(turns) < tenancy.tenants {
            let title = format!("{} tenants but only {turns} turns", tenancy.tenants);
            c.error(
                &field.span,
                title,
                "each tenant needs a turn of its own",
                "",
            );
            return Err(Reported);
        }
        return Ok(Some(turns));
    }
    match &tenancy.type_maximum {
        Some((maximum, name)) => {
            c.catalogue_value(path, maximum.to_string(), format!("max_per_gpu of {name}"));
            Ok(Some(*maximum))
        }
        None => {
            let span = place.span();
            let table = path.strip_suffix(".reserved_turns").unwrap_or(path);
            let help = "contexts have no type maximum; say how many turns a round has";
            c.missing(&span, table, "reserved_turns", help);
            Err(Reported)
        }
    }
}

/// What an elastic cap adds to a turn of fixed share at most; `None` after an error.
///
/// After `RmPVMRLElasticSchedulingCap`: a cap of 0.3 is the registry's 0x0003000A.
fn elastic(
    c: &mut Checker,
    path: &str,
    raw: &RawShare,
    scheduler: RawScheduler,
    slice: Option<Nanos>,
) -> Option<Nanos> {
    let Some(field) = &raw.elastic_cap else {
        return Some(0);
    };
    if scheduler.kind() != Kind::FixedShare {
        let why = "only fixed-share has vacant turns to give away";
        let instead = "remove it, or use fixed-share";
        c.no_effect(&raw.elastic_cap, "elastic_cap", why, instead);
        return None;
    }
    let given = field.value;
    if !(given >= 0.0 && given.is_finite()) {
        let label = "must be 0 or more: the part of its own share that a vGPU may have on top";
        let title = "`elastic_cap` is out of range";
        c.error(&field.span, title, label, "such as 0.3 for 30 %");
        return None;
    }
    let path = &format!("{path}.elastic_cap");
    let used = if c.neutral {
        given
    } else {
        given.min(LARGEST_CAP)
    };
    if used != given {
        let range = format!("0 to {LARGEST_CAP}");
        clamped(c, path, &given.to_string(), &used.to_string(), &range);
    }
    c.file_value(path, used.to_string(), &field.span);
    // More than all other turns together is never there to be had.
    Some(round_nanos(used * slice? as f64).unwrap_or(NEVER))
}

type Knobs = (Turns, Rotation, OnCompletion, OnIdle, Ties);

fn knobs(
    c: &mut Checker,
    path: &str,
    raw: &RawShare,
    scheduler: RawScheduler,
    reserving: bool,
) -> Option<Knobs> {
    let count = c.findings.0.len();
    let turning = matches!(scheduler.kind(), Kind::BestEffort | Kind::RoundRobin);
    let sliced = scheduler.sliced();
    if !turning {
        let why = format!("{} has no such choice", scheduler.word());
        let instead = "only best-effort and round-robin have it";
        c.no_effect(&raw.turns, "turns", &why, instead);
        c.no_effect(&raw.rotation, "rotation", &why, instead);
        c.no_effect(&raw.ties, "ties", &why, instead);
    }
    if !reserving {
        let why = "nothing is reserved here";
        c.no_effect(
            &raw.on_idle,
            "on_idle",
            why,
            "only equal-share, weighted-share and fixed-share have it",
        );
    }
    if !sliced {
        let why = format!("{} has no slices", scheduler.word());
        c.no_effect(&raw.on_completion, "on_completion", &why, "remove it");
    }
    if c.findings.0.len() > count {
        return None;
    }
    let turns = match (&raw.turns, scheduler.kind()) {
        (Some(field), _) => {
            c.file_value(&format!("{path}.turns"), field.value.word(), &field.span);
            field.value == RawTurns::PerChannel
        }
        (None, Kind::BestEffort) if !c.neutral => {
            c.assume(&format!("{path}.turns"), "best_effort.turns", None) == "per-channel"
        }
        (None, Kind::BestEffort | Kind::RoundRobin) => {
            c.by_default(&format!("{path}.turns"), RawTurns::PerTenant.word());
            false
        }
        (None, _) => false,
    };
    let on_idle = match &raw.on_idle {
        Some(field) => {
            c.file_value(&format!("{path}.on_idle"), field.value.word(), &field.span);
            field.value == RawOnIdle::End
        }
        None if reserving && c.neutral => {
            c.by_default(&format!("{path}.on_idle"), RawOnIdle::Hold.word());
            false
        }
        None if reserving => {
            c.assume(&format!("{path}.on_idle"), "reserved.on_idle", None) == "end"
        }
        None => false,
    };
    let mut word = |name: &str,
                    given: Option<(&'static str, &crate::scenario::key::checker::Span)>,
                    default,
                    show| {
        let path = format!("{path}.{name}");
        match given {
            Some((word, span)) => c.file_value(&path, word, span),
            None if show => c.by_default(&path, default),
            None => {}
        }
    };
    let rotation = given(&raw.rotation);
    let ties = given(&raw.ties);
    let on_completion = given(&raw.on_completion);
    word(
        "rotation",
        rotation.map(|(r, s)| (r.word(), s)),
        "queue",
        turning,
    );
    word(
        "ties",
        ties.map(|(t, s)| (t.word(), s)),
        "preempted-first",
        turning,
    );
    word(
        "on_completion",
        on_completion.map(|(o, s)| (o.word(), s)),
        "keep",
        sliced,
    );
    Some((
        if turns {
            Turns::PerChannel
        } else {
            Turns::PerTenant
        },
        match rotation {
            Some((RawRotation::List, _)) => Rotation::List,
            _ => Rotation::Queue,
        },
        match on_completion {
            Some((RawOnCompletion::End, _)) => OnCompletion::End,
            // Who goes next is chosen anew for each piece of work.
            _ if !sliced => OnCompletion::End,
            _ => OnCompletion::Keep,
        },
        if on_idle { OnIdle::End } else { OnIdle::Hold },
        match ties {
            Some((RawTies::ArrivalFirst, _)) => Ties::ArrivalFirst,
            _ => Ties::PreemptedFirst,
        },
    ))
}

fn given<T: Copy>(key: &Key<T>) -> Option<(T, &crate::scenario::key::checker::Span)> {
    key.as_ref().map(|field| (field.value, &field.span))
}
