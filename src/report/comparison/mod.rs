//! Views of a [`ComparisonResult`](crate::result::ComparisonResult): terminal text and tables.

mod tables;
mod text;
mod verdict;

use crate::metrics::{PLAIN, known};
pub use tables::tables;
pub use text::to_text;

/// A metric's name as people read it: `jain_progress` is `Jain of progress`; of the response where nothing else is
/// said.
fn words(metric: &str) -> String {
    if let Some(heading) = known(metric).and_then(|found| found.metric.heading) {
        return heading.to_owned();
    }
    let plain = metric
        .strip_prefix(PLAIN)
        .and_then(|rest| rest.strip_prefix('.'));
    plain.unwrap_or(metric).replace(['_', '.'], " ")
}
