//! Views of a [`ComparisonResult`](crate::result::ComparisonResult): terminal text and tables.

mod tables;
mod text;
mod verdict;

pub use tables::tables;
pub use text::to_text;

/// A metric's name as people read it: `jain_progress` is `Jain of progress`.
fn words(metric: &str) -> String {
    match metric {
        "antt" => "ANTT".to_owned(),
        "stp" => "STP".to_owned(),
        "jain_progress" => "Jain of progress".to_owned(),
        "jain_gpu_time" => "Jain of GPU time".to_owned(),
        // Of the response where nothing else is said.
        other => {
            let other = other.strip_prefix("response.").unwrap_or(other);
            other.replace(['_', '.'], " ")
        }
    }
}
