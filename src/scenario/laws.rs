//! Laws of rates that hold on a whole board: the clock curve, and whether bandwidth is felt.

use super::checker::Checker;
use super::raw::{Field, RawGpu};
use super::{Laws, Share};
use crate::gpu::law::ClockCurve;

/// The laws of a GPU whose domains are shared as in `shares`.
pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    field: &Field<RawGpu>,
    spatial: bool,
) -> Option<Laws> {
    let clock = match &field.value.clock_curve {
        None => None,
        Some(points) => {
            let pairs = points.value.iter().map(|[part, clock]| (*part, *clock));
            let Some(curve) = ClockCurve::new(pairs.collect()) else {
                let label = "parts of the SMs must increase within 0 to 1, clocks be above zero";
                let help = "such as clock_curve = [[0.3, 1.27], [0.5, 1.22], [1.0, 1.0]]";
                c.error(
                    &points.span,
                    "no clock curve goes through these points",
                    label,
                    help,
                );
                return None;
            };
            let text: Vec<String> = curve
                .points()
                .iter()
                .map(|(part, clock)| format!("{part}: {clock}"))
                .collect();
            c.file_value(
                &format!("{path}.clock_curve"),
                text.join(", "),
                &points.span,
            );
            Some(curve)
        }
    };
    let interference = if spatial {
        interference(c, path, field)?
    } else {
        0.0
    };
    Some(Laws {
        interference,
        clock,
    })
}

fn interference(c: &mut Checker, path: &str, field: &Field<RawGpu>) -> Option<f64> {
    let path = format!("{path}.share.interference");
    let given = field
        .value
        .share
        .as_ref()
        .and_then(|share| share.value.interference.as_ref());
    match given {
        Some(given) if (0.0..=10.0).contains(&given.value) => {
            c.file_value(&path, given.value.to_string(), &given.span);
            Some(given.value)
        }
        Some(given) => {
            let label = "must be from 0 (none) to 10";
            c.error(
                &given.span,
                "`interference` is out of range",
                label,
                "0.1 = ten percent longer",
            );
            None
        }
        None if c.neutral => {
            c.by_default(&path, "0");
            Some(0.0)
        }
        None => c.assume(&path, "mps.interference", None).parse().ok(),
    }
}

/// Whether any of the domains is shared in space.
pub(crate) fn spatial(share: &Share) -> bool {
    *share == Share::Spatial
}
