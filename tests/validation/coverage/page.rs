//! The part of `docs/validation.md` about coverage.

use super::experiments::{EXPERIMENTS, OUTCOME, REPLICATIONS};
use super::null::NULL;
use std::fmt::Write;

const TEXT: &str = include_str!("text.md");

pub fn section() -> String {
    let mut page = TEXT
        .replace("{experiments}", "1,000")
        .replace("{replications}", &REPLICATIONS.to_string());
    assert_eq!(EXPERIMENTS, 1_000, "as the text says");
    page += "\n| case | figure | exact | warm-up + window | half-width | bias | without | coverage |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for found in OUTCOME.iter() {
        let target = &found.target;
        let _ = writeln!(
            page,
            "| {} | {} | {:.5} | {} + {} | {:.1} % | {:+.2} | {} | {:.1} % |",
            found.case,
            target.name,
            target.exact,
            found.warmup,
            found.window,
            100.0 * found.half_width() / target.exact,
            found.bias(),
            found.without,
            100.0 * found.coverage(),
        );
    }
    page += include_str!("null.md");
    page += "\n| metric | trials | no difference found |\n| --- | --- | --- |\n";
    for row in NULL.iter() {
        let rate = 100.0 * row.undecided();
        let _ = writeln!(page, "| {} | {} | {rate:.1} % |", row.metric, row.trials);
    }
    page
}
