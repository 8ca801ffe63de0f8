//! `[gpus.NAME.encoders]`: run lists of NVENC, one turn for each vGPU.
//!
//! NVENC is best effort unless a registry setting of the vGPU manager says otherwise: `RmNvencPVMRL`
//! of NVIDIA's open kernel modules 590.44.01 and later (`nvrm_registry.h`), bit 0 per-VM run lists,
//! bit 4 equal (0) or fixed share (1). The header says neither how long a slice is nor how sessions get
//! to engines: assumptions `nvenc.slice` and `nvenc.sessions`.

use crate::engine::time::Nanos;
use crate::policy::{OnCompletion, OnIdle, Rotation, Ties, TimeSlice, Turns};
use crate::scenario::elements::gpu::{Division, EncoderLists, Share};
use crate::scenario::elements::placed::Placed;
use crate::scenario::key::checker::{Checker, Reported};
use crate::scenario::key::field::Key;
use crate::scenario::key::units::RawDuration;
use crate::scenario::read::raw::{RawEncoderScheduler, RawEncoders, RawOnIdle};

/// The run lists of a GPU's encoders; `Ok(None)` under best effort, `Err` where an error was reported.
///
/// `type_maximum`: the largest of the vGPU types in use, with the type's name.
pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    raw: &Key<RawEncoders>,
    here: &[&Placed],
    division: Option<&Division>,
    type_maximum: Option<&(u32, String)>,
) -> Result<Option<EncoderLists>, Reported> {
    let Some(field) = raw else {
        return Ok(None);
    };
    let path = format!("{path}.encoders");
    let raw = &field.value;
    let Some(scheduler) = &raw.scheduler else {
        let help = "such as scheduler = \"equal-share\"";
        c.missing(&field.span, &path, "scheduler", help);
        return Err(Reported);
    };
    let word = scheduler.value.word();
    c.file_value(&format!("{path}.scheduler"), word, &scheduler.span);
    let found = c.findings.0.len();
    if scheduler.value == RawEncoderScheduler::BestEffort {
        let why = "under best effort each engine takes what comes first";
        let instead = "remove it, or use equal-share or fixed-share";
        c.no_effect(&raw.slice, "slice", why, instead);
        c.no_effect(&raw.reserved_turns, "reserved_turns", why, instead);
        return if c.findings.0.len() == found {
            Ok(None)
        } else {
            Err(Reported)
        };
    }
    let mut tenants = here.iter().filter(|placed| placed.inside.is_none());
    if !c.neutral && tenants.any(|placed| !placed.holds.is_vgpu()) {
        let title = format!("scheduler `{word}` of the encoders does not serve CUDA contexts");
        let help = "remove `encoders`, or give the guests vGPUs";
        let label = "each turn is that of a virtual machine";
        c.error(&scheduler.span, title, label, help);
        return Err(Reported);
    }
    if division.is_some_and(undivided) {
        let title = "nobody shares the encoders of this GPU";
        c.error(&field.span, title, "one owner has them", "remove it");
        return Err(Reported);
    }
    let fixed = scheduler.value == RawEncoderScheduler::FixedShare;
    let reserved_turns = match (fixed, &raw.reserved_turns, type_maximum) {
        (false, _, _) => {
            let why = "only fixed-share reserves a fixed number of turns";
            let instead = "remove it, or use fixed-share";
            c.no_effect(&raw.reserved_turns, "reserved_turns", why, instead);
            None
        }
        (true, None, Some((maximum, name))) => {
            let source = format!("max_per_gpu of {name}");
            c.catalogue_value(
                &format!("{path}.reserved_turns"),
                maximum.to_string(),
                source,
            );
            Some(*maximum)
        }
        (true, None, None) => {
            let help = "say how many turns a round has";
            c.missing(&field.span, &path, "reserved_turns", help);
            None
        }
        (true, given @ Some(field), _) => {
            let tenants: u64 = here.iter().map(|placed| placed.tenants()).sum();
            let path = format!("{path}.reserved_turns");
            let turns = c.count(&path, given, 1, 100_000, None);
            if turns.is_some_and(|turns| u64::from(turns) < tenants) {
                let title = format!("{tenants} vGPUs but only {} turns", field.value);
                c.error(&field.span, title, "each needs a turn of its own", "");
            }
            turns
        }
    };
    let slice = slice(c, &format!("{path}.slice"), &raw.slice, field);
    let idle = match c.neutral {
        true => false,
        false => {
            let path = format!("{path}.on_idle");
            c.assume(&path, "reserved.on_idle", None) == RawOnIdle::End.word()
        }
    };
    c.assume(&format!("{path}.sessions"), "nvenc.sessions", None);
    let change = match c.neutral {
        true => 0,
        false => c.assume_duration(&format!("{path}.change"), "nvenc.change"),
    };
    let Some(slice) = slice.filter(|_| c.findings.0.len() == found) else {
        return Err(Reported);
    };
    let turns = TimeSlice {
        scheduler: word.to_owned(),
        slice,
        arr_factor: None,
        extra: 0,
        reserved_turns,
        turns: Turns::PerTenant,
        rotation: Rotation::Queue,
        on_completion: OnCompletion::Keep,
        on_idle: if idle { OnIdle::End } else { OnIdle::Hold },
        ties: Ties::PreemptedFirst,
        parameters: Vec::new(),
    };
    Ok(Some(EncoderLists { turns, change }))
}

/// Whether no memory domain is shared in turns.
fn undivided(division: &Division) -> bool {
    let shares: Vec<&Share> = match division {
        Division::Whole(share) => vec![share],
        Division::Mig(instances) => instances
            .iter()
            .flat_map(|instance| &instance.compute_instances)
            .map(|compute| &compute.share)
            .collect(),
    };
    !shares
        .iter()
        .any(|share| matches!(share, Share::TimeSlice(_)))
}

fn slice(
    c: &mut Checker,
    path: &str,
    given: &Key<RawDuration>,
    holder: &crate::scenario::key::field::Field<RawEncoders>,
) -> Option<Nanos> {
    match given {
        Some(field) => c.positive(path, field),
        None if c.neutral => {
            let table = path.strip_suffix(".slice").unwrap_or(path);
            let help = "the neutral preset has no default; such as slice = \"2ms\"";
            c.missing(&holder.span, table, "slice", help);
            None
        }
        None => Some(c.assume_duration(path, "nvenc.slice")),
    }
}
