//! What `run --explain` prints: every resolved value and where it came from.

use crate::scenario::key::origin::Origin;
use crate::scenario::out::on_host;
use crate::scenario::settle::scenario::Scenario;

/// An aligned table of path, value and origin; then the assumptions with their evidence.
pub fn explain(scenario: &Scenario) -> String {
    let origin = |origin: &Origin| match origin {
        Origin::File { line } => format!("line {line}"),
        Origin::Preset { preset, line: None } => format!("preset {preset}"),
        Origin::Preset {
            preset,
            line: Some(line),
        } => format!("line {line}, the rest from preset {preset}"),
        Origin::CommandLine => "command line".into(),
        Origin::Configuration { source } => source.clone(),
        Origin::Catalogue { source } => format!("catalogue: {source}"),
        Origin::Default => "default".into(),
        Origin::Assumption { key, .. } => format!("assumption {key}"),
    };
    let width = |text: &str| text.chars().count();
    let rows = &scenario.resolved;
    // One very long path or value must not push the whole table off the screen.
    let path_width = rows
        .iter()
        .map(|r| width(&r.path))
        .max()
        .unwrap_or(0)
        .min(48);
    let value_width = rows
        .iter()
        .map(|r| width(&r.value))
        .max()
        .unwrap_or(0)
        .min(40);
    let mut text = format!("scenario {} (hash {})\n\n", scenario.name, scenario.hash);
    for row in rows {
        let line = format!(
            "{:path_width$}  {:value_width$}  {}",
            row.path,
            row.value,
            origin(&row.origin)
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let mut keys: Vec<(&str, &str, &str)> = rows
        .iter()
        .filter_map(|row| match &row.origin {
            Origin::Assumption { key, evidence } => Some((&**key, &*row.value, &**evidence)),
            _ => None,
        })
        .collect();
    keys.sort_unstable();
    keys.dedup();
    if !keys.is_empty() {
        text.push_str("\nAssumptions (to change one: [assumptions] \"KEY\" = VALUE)\n");
        for (key, value, evidence) in keys {
            text.push_str(&format!("\n  {key} = {value}\n"));
            for line in wrapped(evidence, 92) {
                text.push_str(&format!("    {line}\n"));
            }
        }
    }
    let host = on_host::lines(scenario);
    if !host.is_empty() {
        text.push_str("\nOn a real host (NVIDIA virtual GPU user guide, 8.3 and 8.6.4; nvrm_registry.h; nvml.h)\n\n");
        for line in host {
            text.push_str(&format!("  {line}\n"));
        }
    }
    if !scenario.notices.is_empty() {
        text.push_str("\nNotices\n\n");
        for notice in &scenario.notices {
            text.push_str(&format!("  {notice}\n"));
        }
    }
    text
}

/// Lines of at most `width` characters, broken at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}
