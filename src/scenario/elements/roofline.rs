//! GPU work that is given by its operations and bytes: what the file says, and what that means on the
//! board of a guest.

use crate::scenario::elements::board::Facts;
use crate::scenario::elements::placed::Placed;
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::{Field, Key};
use crate::scenario::key::units::{Quantity, RawProbability, trimmed, write_nanos};
use crate::scenario::read::raw_amount::RawAmount;
use crate::scenario::read::raw_workload::{RawOperation, RawPrecision};
use crate::workload::dist::Dist;
use crate::workload::{GpuWork, Size};

/// Work as the file describes it, before the board is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Roofline {
    pub flops: f64,
    pub bytes: f64,
    pub precision: RawPrecision,
    /// Achieved parts of the peaks; `None` = the assumption.
    pub flop_efficiency: Option<f64>,
    pub byte_efficiency: Option<f64>,
    /// Of `flops`.
    pub span: Span,
}

/// Refuses keys that have no meaning beside `flops` and `bytes`, or without them; false after an error.
pub(crate) fn unmixed(c: &mut Checker, raw: &RawOperation) -> bool {
    if raw.flops.is_some() {
        let why = "`flops` and `bytes` say how memory-bound the work is";
        c.no_effect(&raw.memory_bound, "memory_bound", why, "remove it");
        let why = "a grid counts time in waves, `flops` and `bytes` in parts of the peak";
        for (key, name) in [
            (&raw.blocks, "blocks"),
            (&raw.blocks_per_sm, "blocks_per_sm"),
        ] {
            c.no_effect(key, name, why, "remove it, or give the work as a `time`");
        }
        raw.memory_bound.is_none() && raw.blocks.is_none() && raw.blocks_per_sm.is_none()
    } else {
        let why = "this work is given by its time";
        let instead = "remove it, or give `flops`, `bytes` and `precision` in place of `time`";
        c.no_effect(&raw.flop_efficiency, "flop_efficiency", why, instead);
        c.no_effect(&raw.byte_efficiency, "byte_efficiency", why, instead);
        raw.flop_efficiency.is_none() && raw.byte_efficiency.is_none()
    }
}

/// The roofline of an operation that has `flops`, `bytes` and `precision`.
pub(crate) fn read(c: &mut Checker, path: &str, raw: &RawOperation) -> Option<Roofline> {
    let flops = constant(c, path, "flops", raw.flops.as_ref()?);
    let bytes = constant(c, path, "bytes", raw.bytes.as_ref()?);
    let precision = raw.precision.as_ref()?;
    let word = precision.value.word();
    c.file_value(&format!("{path}.precision"), word, &precision.span);
    let flop_efficiency = efficiency(c, path, "flop_efficiency", &raw.flop_efficiency);
    let byte_efficiency = efficiency(c, path, "byte_efficiency", &raw.byte_efficiency);
    Some(Roofline {
        flops: flops?,
        bytes: bytes?,
        precision: precision.value,
        flop_efficiency: flop_efficiency?,
        byte_efficiency: byte_efficiency?,
        span: raw.flops.as_ref()?.span.clone(),
    })
}

/// A constant above zero: operations and bytes belong together, so neither is drawn by itself.
fn constant<Q: Quantity>(
    c: &mut Checker,
    path: &str,
    name: &str,
    field: &Field<RawAmount<Q>>,
) -> Option<f64> {
    let RawAmount::Constant(value) = &field.value else {
        let title = format!("`{name}` of GPU work must be a constant");
        let label = "operations and bytes belong together, and cannot be drawn one by one";
        let help = "work of random size has a `time` with a distribution";
        c.error(&field.span, title, label, help);
        return None;
    };
    let amount = value.amount();
    if amount <= 0.0 {
        let title = format!("`{name}` must be above zero");
        c.error(&field.span, title, "nothing to do", "");
        return None;
    }
    c.file_value(&format!("{path}.{name}"), Q::write(amount), &field.span);
    Some(amount)
}

/// `Some(None)` if it is not given, `None` after an error.
pub(crate) fn efficiency(
    c: &mut Checker,
    path: &str,
    name: &str,
    key: &Key<RawProbability>,
) -> Option<Option<f64>> {
    let Some(field) = key else {
        return Some(None);
    };
    let value = field.value.0;
    if value < LEAST {
        let title = format!("`{name}` is out of range");
        let label = format!("must be from {LEAST} to 1");
        c.error(&field.span, title, label, "");
        return None;
    }
    c.file_value(&format!("{path}.{name}"), value.to_string(), &field.span);
    Some(Some(value))
}

/// Lowest part of a peak that can be asked for.
const LEAST: f64 = 0.001;

/// What a board achieves for a guest: TFLOPS and GB/s.
pub(crate) struct Asked<'a> {
    pub precision: RawPrecision,
    /// Achieved parts of the peaks; `None` = the assumption.
    pub flop_efficiency: Option<f64>,
    pub byte_efficiency: Option<f64>,
    /// What asks for it.
    pub span: &'a Span,
}

impl Asked<'_> {
    /// Arithmetic in TFLOPS and memory bandwidth in GB/s; an error where the catalogue does not know
    /// the peaks.
    pub(crate) fn of_board(
        &self,
        c: &mut Checker,
        path: &str,
        placed: &Placed,
        board: &Facts,
    ) -> Option<(f64, f64)> {
        let (fact, peak) = match self.precision {
            RawPrecision::Fp32 => ("fp32_tflops", board.speed.fp32_tflops),
            RawPrecision::Fp16Tensor => ("fp16_tensor_tflops", board.speed.fp16_tensor_tflops),
        };
        let bandwidth = board.speed.memory_gb_s;
        for (fact, value, example) in [
            (fact, peak, "125.0"),
            ("memory_bandwidth", bandwidth, "\"900GB/s\""),
        ] {
            if value.is_none() {
                let title = format!("the catalogue does not know `{fact}` of `{}`", board.id);
                let label = format!("needed for the GPU work of guest `{}`", placed.name);
                let help = format!(
                    "give gpus.{}.{fact}, such as {fact} = {example}",
                    placed.gpu
                );
                c.error(self.span, title, label, help);
            }
        }
        let (peak, bandwidth) = (peak?, bandwidth?);
        let mut part = |given: Option<f64>, key: &'static str, name: &str| match given {
            Some(part) => part,
            None if c.neutral => 1.0,
            None => {
                let text = c.assume(&format!("{path}.{name}"), key, None);
                // Checked where it was read.
                text.parse().unwrap_or(1.0)
            }
        };
        let flop = part(self.flop_efficiency, "roofline.flops", "flop_efficiency");
        let byte = part(self.byte_efficiency, "roofline.bytes", "byte_efficiency");
        Some((flop * peak, byte * bandwidth))
    }
}

impl Roofline {
    /// Time on the board in nanoseconds: of the arithmetic at this many TFLOPS, and of the traffic at
    /// this many GB/s, both achieved.
    fn times(&self, tflops: f64, gb_s: f64) -> (f64, f64) {
        (self.flops / tflops / 1e3, self.bytes / gb_s)
    }

    /// Fills in what this means on the guest's board.
    pub(crate) fn settle(
        &self,
        c: &mut Checker,
        path: &str,
        placed: &Placed,
        board: &Facts,
        work: &mut GpuWork,
    ) -> Option<()> {
        let asked = Asked {
            precision: self.precision,
            flop_efficiency: self.flop_efficiency,
            byte_efficiency: self.byte_efficiency,
            span: &self.span,
        };
        let (tflops, gb_s) = asked.of_board(c, path, placed, board)?;
        // Work that cannot fill the board has the peak of the SMs that it fills.
        let filled = work.sms.map_or(1.0, |sms| {
            f64::from(sms.min(board.sms)) / f64::from(board.sms)
        });
        let (arithmetic, traffic) = self.times(tflops * filled, gb_s);
        let time = arithmetic.max(traffic);
        let Ok(dist) = Dist::constant(time) else {
            let title = format!("this work takes {} on `{}`", write_nanos(time), board.id);
            let label = "longer or shorter than can be simulated";
            c.error(&self.span, title, label, "");
            return None;
        };
        work.time = Size::Drawn(dist);
        work.memory_bound = traffic / time;
        work.arithmetic = Some(arithmetic / time);
        c.by_default(
            &format!("{path}.time"),
            format!(
                "{} (arithmetic {}, memory traffic {} of it)",
                write_nanos(time),
                trimmed(arithmetic / time, 4),
                trimmed(traffic / time, 4)
            ),
        );
        Some(())
    }
}
