//! `frames` of a workload: displays, and the frame-rate limiter of the vGPU that shows them.
//!
//! The limiter is a default of the vGPU type, 45 frames a second for B series and 60 for Q and A, and
//! acts under best effort only (vGPU user guide,
//! <https://docs.nvidia.com/grid/17.0/grid-vgpu-user-guide/index.html>).

use crate::catalog::Catalog;
use crate::scenario::elements::gpu::{Gpu, Share};
use crate::scenario::elements::guest::{Guest, Holds};
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::{Field, Key};
use crate::scenario::key::units::{RawDuration, write_nanos};
use crate::scenario::read::raw::RawScenario;
use crate::scenario::read::raw_workload::RawWorkload;
use crate::workload::{Arrivals, Discipline, Frames, MediaEngine, OperationKind, Workload};

/// Pixels that the times of a frame are for.
const REFERENCE: f64 = 1920.0 * 1080.0;

/// The displays, without a limiter; `None` after an error.
pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    workload: &Field<RawWorkload>,
) -> Option<Option<Frames>> {
    let Some(field) = &workload.value.frames else {
        return Some(None);
    };
    let path = format!("{path}.frames");
    let why = "a frame is a job of its own";
    let instead = "remove it, or remove `frames`";
    c.no_effect(&workload.value.batching, "batching", why, instead);
    let why = "the newest frame takes the place of one that waits";
    c.no_effect(&workload.value.timeout, "timeout", why, instead);
    c.no_effect(&workload.value.classes, "classes", why, instead);
    let raw = &field.value;
    let displays = c.count(&format!("{path}.displays"), &raw.displays, 1, 16, Some(1));
    let resolution = match &raw.resolution {
        Some(text) => {
            let parsed = text.value.split_once('x').and_then(|(width, height)| {
                let side = |text: &str| {
                    let side: u32 = text.trim().parse().ok()?;
                    (1..=65_536).contains(&side).then_some(side)
                };
                Some((side(width)?, side(height)?))
            });
            match parsed {
                Some(_) => c.file_value(&format!("{path}.resolution"), &*text.value, &text.span),
                None => {
                    let title = format!("`{}` is no resolution", text.value);
                    let label = "width and height in pixels, up to 65536 each";
                    c.error(
                        &text.span,
                        title,
                        label,
                        "such as resolution = \"1920x1080\"",
                    );
                }
            }
            parsed
        }
        None => {
            c.by_default(&format!("{path}.resolution"), "1920x1080");
            Some((1920, 1080))
        }
    };
    let mut constant = |name: &str, given: &Key<RawDuration>, key| {
        let path = format!("{path}.{name}");
        match given {
            Some(field) => {
                let nanos = field.value.nanos;
                c.file_value(&path, write_nanos(nanos as f64), &field.span);
                nanos
            }
            None => c.assume_duration(&path, key),
        }
    };
    let network = constant("network", &raw.network, "frames.network");
    let client = constant("client", &raw.client, "frames.client");
    if workload.value.batching.is_some() {
        return None;
    }
    Some(Some(Frames {
        displays: displays?,
        resolution: resolution?,
        gap: 0,
        outside: network.saturating_add(client),
    }))
}

/// More pixels take longer to render and to encode.
pub(crate) fn scaled(mut workload: Workload) -> Workload {
    let Some(frames) = workload.discipline.frames() else {
        return workload;
    };
    let pixels = frames.pixels() as f64 / REFERENCE;
    let stages = workload.stages.iter_mut();
    for operation in stages.flat_map(|stage| &mut stage.operations) {
        match &mut operation.kind {
            OperationKind::Gpu(work) => work.speed /= pixels,
            OperationKind::Media {
                engine: MediaEngine::Nvenc,
                factor,
                ..
            } => *factor *= pixels,
            _ => {}
        }
    }
    workload
}

/// Gives every guest that shows frames its limiter, and refuses displays that its vGPU type lacks.
pub(crate) fn settle(
    c: &mut Checker,
    raw: &RawScenario,
    gpus: &[Gpu],
    guests: &mut [Guest],
    catalog: &Catalog,
) {
    for guest in guests {
        let Some(field) = raw.guests.get(&guest.name) else {
            continue;
        };
        let switch = &field.value.frame_rate_limiter;
        let Discipline::Frames(frames) = &mut guest.workload.discipline else {
            let why = "the workload has no `frames`";
            c.no_effect(switch, "frame_rate_limiter", why, "remove it");
            continue;
        };
        let why = "of the frames that wait only the newest is kept";
        c.no_effect(&field.value.queue, "queue", why, "remove it");
        if let Arrivals::Closed { users: 2.., .. } = guest.workload.arrivals {
            let title = "only one user can wait for a frame";
            let label = format!("workload `{}` has several", guest.workload.name);
            c.error(
                &field.span,
                title,
                label,
                "users = 1; more displays are `frames.displays`",
            );
            continue;
        }
        let path = format!("guests.{}.frame_rate_limit", guest.name);
        let Holds::Vgpu { type_name, .. } = &guest.holds else {
            let why = "only a vGPU has a limiter";
            c.no_effect(switch, "frame_rate_limiter", why, "remove it");
            continue;
        };
        let found = catalog.vgpu_type(&gpus[guest.gpu].board.id, type_name);
        if let Some(found) = found {
            let facts = (
                found.max_displays,
                &found.max_resolution,
                found.max_total_pixels,
            );
            displays(c, &field.span, type_name, frames, facts);
        }
        let domains = gpus[guest.gpu].domains();
        let best_effort = matches!(domains[guest.domain].share,
            Share::TimeSlice(slice) if slice.scheduler == "best-effort");
        let on = switch.as_ref().is_none_or(|switch| switch.value);
        match found.and_then(|found| found.frame_rate_limit_fps) {
            Some(fps) if best_effort && on => {
                frames.gap = (1e9 / f64::from(fps)).round() as u64;
                let source = format!("vgpu_types.csv, {type_name}");
                c.catalogue_value(&path, format!("{fps} frames/s"), source);
            }
            _ if !on => c.by_default(&path, "off"),
            Some(_) => c.by_default(&path, "off: it acts under best effort only"),
            None => c.by_default(&path, "off: the type has none"),
        }
    }
}

type DisplayFacts<'a> = (Option<u32>, &'a Option<String>, Option<u64>);

fn displays(
    c: &mut Checker,
    span: &Span,
    type_name: &str,
    frames: &Frames,
    (most, largest, total): DisplayFacts<'_>,
) {
    let (width, height) = frames.resolution;
    let side = |text: &str| -> Option<(u32, u32)> {
        let (width, height) = text.split_once('x')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    };
    let mut refuse = |fact: String| {
        let title = format!("vGPU type `{type_name}` cannot drive these displays");
        let label = format!(
            "{} of {width}x{height} asked for, and {fact}",
            frames.displays
        );
        c.error(
            span,
            title,
            label,
            "fewer or smaller displays, or a Q-series type",
        );
    };
    if most.is_some_and(|most| frames.displays > most) {
        refuse(format!("it has {}", most.unwrap_or_default()));
    } else if let Some((widest, highest)) = largest.as_deref().and_then(side)
        && (width > widest || height > highest)
    {
        refuse(format!("{widest}x{highest} is the largest"));
    } else if total.is_some_and(|total| frames.pixels() > total) {
        refuse(format!(
            "it has {} pixels in all",
            total.unwrap_or_default()
        ));
    }
}
