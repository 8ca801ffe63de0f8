//! Replicas of the Kubernetes device plugin, from a file that `config` names.

use crate::import::{Clients, Shared, SharedBy};
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::{Field, at};
use crate::scenario::key::units::RawSize;
use crate::scenario::read::raw::{RawGpu, RawMode, RawScenario, RawShare};
use std::collections::BTreeMap;

/// Writes mode and replicas into the `share` of the GPU, which may say more but nothing else; false
/// after an error.
pub(crate) fn put(
    c: &mut Checker,
    name: &str,
    raw: &mut RawGpu,
    shared: &Shared,
    config: &Field<String>,
) -> bool {
    let share = raw
        .share
        .get_or_insert_with(|| at(RawShare::default(), &config.span));
    let share = &mut share.value;
    let said = share.mode.as_ref().map(|mode| mode.span.clone());
    let said = said.or_else(|| {
        share
            .replicas
            .as_ref()
            .map(|replicas| replicas.span.clone())
    });
    if let Some(span) = said {
        let title = format!("`config` and `share` both say how GPU `{name}` is shared");
        let help = "remove `mode` and `replicas` of `share`, or `config`";
        c.error(&span, title, "one of them is too many", help);
        return false;
    }
    let mode = match shared.by {
        SharedBy::TimeSlicing => RawMode::TimeSlice,
        SharedBy::Mps => RawMode::Spatial,
    };
    share.mode = Some(at(mode, &config.span));
    share.replicas = Some(at(u64::from(shared.replicas), &config.span));
    true
}

/// Gives the contexts on each of these GPUs the limits of a client, where they have none of their own.
pub(crate) fn limit(raw: &mut RawScenario, gpus: &BTreeMap<String, (Clients, Span)>) {
    let only = match raw.gpus.keys().collect::<Vec<_>>().as_slice() {
        [only] => Some((*only).clone()),
        _ => None,
    };
    for field in raw.guests.values_mut() {
        let guest = &mut field.value;
        let on = guest
            .on
            .as_ref()
            .map(|on| on.value.clone())
            .or_else(|| only.clone());
        let context = guest.context.as_ref().is_some_and(|context| context.value);
        if let Some((limits, span)) = on.and_then(|on| gpus.get(&on))
            && context
        {
            let bytes = limits.memory_limit_mib << 20;
            let percentage = f64::from(limits.percentage);
            guest
                .active_thread_percentage
                .get_or_insert_with(|| at(percentage, span));
            guest.memory_limit.get_or_insert_with(|| {
                at(
                    RawSize {
                        bytes,
                        exact: bytes as f64,
                    },
                    span,
                )
            });
        }
    }
}
