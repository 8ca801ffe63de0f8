//! `batching` of a workload: requests that are served several at a time.

use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::{Field, Key};
use crate::scenario::read::raw_workload::{RawBatching, RawWorkload};
use crate::workload::{Arrivals, Batching, OperationKind, Size, Stage};

/// The rule, if there is one; `None` after an error.
pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    key: &Key<RawBatching>,
) -> Option<Option<Batching>> {
    let Some(field) = key else {
        return Some(None);
    };
    let path = format!("{path}.batching");
    if field.value.max.is_none() {
        let help = "such as batching = { max = 8, delay = \"2ms\" }";
        c.missing(&field.span, &path, "max", help);
        return None;
    }
    let max = c.count(&format!("{path}.max"), &field.value.max, 1, 65_536, None)?;
    let delay = match &field.value.delay {
        Some(delay) => {
            let nanos = delay.value.nanos;
            c.file_value(
                &format!("{path}.delay"),
                crate::scenario::key::units::write_nanos(nanos as f64),
                &delay.span,
            );
            nanos
        }
        None => {
            c.by_default(&format!("{path}.delay"), "0s");
            0
        }
    };
    Some(Some(Batching { max, delay }))
}

/// Whether batches can fill and every operation knows how large a full one is.
pub(crate) fn check(
    c: &mut Checker,
    field: &Field<RawWorkload>,
    batching: Option<Batching>,
    arrivals: &Arrivals,
    stages: &[Stage],
) -> bool {
    let (Some(batching), Some(raw)) = (batching, &field.value.batching) else {
        return true;
    };
    let mut fine = true;
    if let Arrivals::Closed { users, .. } = arrivals
        && *users < batching.max
    {
        let title = format!("a batch of {} can never fill", batching.max);
        let label = format!("{users} users have no more than {users} requests at once");
        let help = format!("at most max = {users}, or more users");
        c.error(&raw.span, title, label, help);
        fine = false;
    }
    for stage in stages {
        for operation in &stage.operations {
            let size = match &operation.kind {
                OperationKind::Host { time } | OperationKind::Media { time, .. } => time,
                OperationKind::Gpu(work) => &work.time,
                OperationKind::Copy { bytes, .. } => bytes,
                OperationKind::Iteration { .. } => continue,
            };
            if let Size::ByBatch(table) = size
                && let Some(&(largest, _)) = table.last()
                && largest < batching.max
            {
                let title = format!(
                    "nobody knows how large `{}` of stage `{}` is for a batch of {}",
                    operation.name, stage.name, batching.max
                );
                let label = format!("its `by_batch` ends at {largest}");
                let help = format!("add {} to it, or at most max = {largest}", batching.max);
                c.error(&raw.span, title, label, help);
                fine = false;
            }
        }
    }
    fine
}
