//! One operation of a stage: host work, GPU work, a copy, work of a media engine.

use crate::diagnostics::nearest;
use crate::scenario::elements::amounts::{form, present};
use crate::scenario::elements::roofline::Roofline;
use crate::scenario::elements::speed::Timed;
use crate::scenario::elements::{amounts, roofline};
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::Field;
use crate::scenario::read::raw_workload::{RawKind, RawOperation, RawPrecision};
use crate::workload::dist::Dist;
use crate::workload::{Direction, GpuWork, Grid, MediaEngine, Operation, OperationKind, Size};

/// An operation with one of these names needs no `kind`.
const KINDS: [RawKind; 8] = [
    RawKind::Host,
    RawKind::Gpu,
    RawKind::CopyIn,
    RawKind::CopyOut,
    RawKind::Nvdec,
    RawKind::Nvenc,
    RawKind::Jpeg,
    RawKind::Ofa,
];

/// Keys that GPU work may have beside its time.
const OF_GPU_WORK: &[&str] = &[
    "kind",
    "sms",
    "memory_bound",
    "kernel",
    "blocks",
    "blocks_per_sm",
    "flop_efficiency",
    "byte_efficiency",
    "precision",
];

/// How work carries over to the board that it runs on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scaling {
    /// By its time on a reference board.
    Timed(Timed),
    /// By its operations and bytes; its time is known with the board.
    Roofline(Roofline),
}

/// The operation, and how its work carries over.
pub(crate) fn operation(
    c: &mut Checker,
    path: &str,
    name: &str,
    field: &Field<RawOperation>,
    columns: Option<&[String]>,
) -> Option<(Operation, Scaling)> {
    let raw = &field.value;
    let kind = match (&raw.kind, KINDS.iter().find(|kind| kind.word() == name)) {
        (Some(kind), _) => kind.value,
        (None, Some(kind)) => *kind,
        (None, None) => {
            let words = KINDS.map(RawKind::word);
            let list = format!(
                "an operation named {} or {} needs no `kind`, others do",
                words[..words.len() - 1].join(", "),
                words[words.len() - 1]
            );
            let help = match nearest(name, words) {
                Some(near) => format!("did you mean to call the operation `{near}`? {list}"),
                None => list,
            };
            c.missing(&field.span, path, "kind", help);
            return None;
        }
    };
    let what = match kind {
        RawKind::Host => "host work",
        RawKind::Gpu => "GPU work",
        RawKind::CopyIn | RawKind::CopyOut => "a copy",
        RawKind::Nvdec | RawKind::Nvenc | RawKind::Jpeg | RawKind::Ofa => "work of a media engine",
    };
    let (forms, optional): (&[&[&str]], &[&str]) = match kind {
        RawKind::Host | RawKind::Nvdec | RawKind::Nvenc | RawKind::Jpeg | RawKind::Ofa => {
            (&[&["time"]], &["kind"])
        }
        RawKind::Gpu => (&[&["time"], &["flops", "bytes", "precision"]], OF_GPU_WORK),
        RawKind::CopyIn | RawKind::CopyOut => (&[&["bytes"]], &["kind"]),
    };
    let keys = present!(raw; kind, time, bytes, flops, precision, sms, memory_bound, kernel, blocks,
        blocks_per_sm, flop_efficiency, byte_efficiency);
    let mut needed = forms.iter().flat_map(|keys| keys.iter());
    if needed.any(|key| c.refused.contains(&format!("{path}.{key}"))) {
        return None;
    }
    let fits = form(c, what, &field.span, &keys, forms, optional);
    let mut scaling = Scaling::Timed(Timed::default());
    let kind = match kind {
        RawKind::Host => OperationKind::Host {
            time: time(c, path, raw, columns)?,
        },
        RawKind::Nvdec | RawKind::Nvenc | RawKind::Jpeg | RawKind::Ofa => OperationKind::Media {
            engine: match kind {
                RawKind::Nvdec => MediaEngine::Nvdec,
                RawKind::Nvenc => MediaEngine::Nvenc,
                RawKind::Jpeg => MediaEngine::Jpeg,
                _ => MediaEngine::Ofa,
            },
            time: time(c, path, raw, columns)?,
            factor: 1.0,
        },
        RawKind::CopyIn | RawKind::CopyOut => OperationKind::Copy {
            direction: match kind {
                RawKind::CopyIn => Direction::HostToDevice,
                _ => Direction::DeviceToHost,
            },
            bytes: amounts::size(c, &format!("{path}.bytes"), raw.bytes.as_ref()?, columns)?,
        },
        RawKind::Gpu => {
            if !roofline::unmixed(c, raw) || fits.is_none() {
                return None;
            }
            let time = if raw.flops.is_some() {
                scaling = Scaling::Roofline(roofline::read(c, path, raw)?);
                Some(Size::Drawn(Dist::Constant(0.0))) // known with the board
            } else {
                time(c, path, raw, columns)
            };
            let grid = grid(c, path, field)?;
            let sms = match (&raw.sms, grid) {
                (Some(_), _) => {
                    let sms = c.count(&format!("{path}.sms"), &raw.sms, 1, 100_000, None);
                    Some(sms?)
                }
                (None, Some(grid)) => {
                    let need = u32::try_from(grid.need()).unwrap_or(u32::MAX);
                    c.by_default(&format!("{path}.sms"), format!("{need} (for all blocks)"));
                    Some(need)
                }
                (None, None) => {
                    c.by_default(&format!("{path}.sms"), "all of the board");
                    None
                }
            };
            let mut bound = 0.0;
            let timed = Timed {
                memory_bound: raw.memory_bound.as_ref().map_or(0.0, |part| part.value.0),
                precision: precision(c, path, raw),
            };
            if raw.flops.is_none() {
                scaling = Scaling::Timed(timed);
            }
            if let Some(part) = &raw.memory_bound {
                bound = part.value.0;
                c.file_value(
                    &format!("{path}.memory_bound"),
                    bound.to_string(),
                    &part.span,
                );
            }
            let kernel = match &raw.kernel {
                Some(kernel) => Some(c.positive(&format!("{path}.kernel"), kernel)?),
                None => None,
            };
            OperationKind::Gpu(GpuWork {
                time: time?,
                sms,
                memory_bound: bound,
                reach: None,
                grid,
                arithmetic: None,
                speed: 1.0,
                kernel,
            })
        }
    };
    fits?;
    let name = name.to_string();
    Some((Operation { name, kind }, scaling))
}

/// The peak that a time carries over by.
fn precision(c: &mut Checker, path: &str, raw: &RawOperation) -> Option<RawPrecision> {
    let field = raw.precision.as_ref().filter(|_| raw.flops.is_none())?;
    let word = field.value.word();
    c.file_value(&format!("{path}.precision"), word, &field.span);
    Some(field.value)
}

fn time(
    c: &mut Checker,
    path: &str,
    raw: &RawOperation,
    columns: Option<&[String]>,
) -> Option<Size> {
    amounts::size(c, &format!("{path}.time"), raw.time.as_ref()?, columns)
}

/// The grid of GPU work, if it has one; `None` after an error.
fn grid(c: &mut Checker, path: &str, field: &Field<RawOperation>) -> Option<Option<Grid>> {
    let raw = &field.value;
    match (&raw.blocks, &raw.blocks_per_sm) {
        (None, None) => Some(None),
        (Some(_), Some(_)) if raw.sms.is_some() => {
            let why = "the blocks say how many SMs the work fills";
            c.no_effect(
                &raw.sms,
                "sms",
                why,
                "remove `sms`, or the two keys of the grid",
            );
            None
        }
        (Some(_), Some(_)) => {
            let blocks = c.count(&format!("{path}.blocks"), &raw.blocks, 1, u32::MAX, None)?;
            let per_sm = &format!("{path}.blocks_per_sm");
            let blocks_per_sm = c.count(per_sm, &raw.blocks_per_sm, 1, 32, None)?;
            Some(Some(Grid {
                blocks: u64::from(blocks),
                blocks_per_sm,
            }))
        }
        (blocks, _) => {
            let missing = if blocks.is_some() {
                "blocks_per_sm"
            } else {
                "blocks"
            };
            let help = "a grid needs both: blocks = 216 and blocks_per_sm = 2, for example";
            c.missing(&field.span, path, missing, help);
            None
        }
    }
}
