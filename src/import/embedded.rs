//! Files inside files: operators keep configs in ConfigMaps and Helm values, most often as a block of
//! text under a key.

use super::configs::{Config, read_at};
use super::kind::READ;
use super::yaml::{Node, Reader, Value};
use std::sync::Arc;

/// Reads every file of configs in `node`: the node itself, a mapping in it, or a text in it.
pub(super) fn search(
    reader: &mut Reader,
    node: &Node,
    key: Option<&str>,
    configs: &mut Vec<Config>,
) {
    if read_at(reader, node, key, configs) {
        return;
    }
    match &node.value {
        Value::Map(pairs) => {
            for (key, node) in pairs {
                search(reader, node, Some(&key.name), configs);
            }
        }
        Value::List(items) => {
            for item in items {
                search(reader, item, key, configs);
            }
        }
        Value::Text(text) if may_be_one(text) => {
            inside(reader, node, text, key, configs);
        }
        _ => {}
    }
}

/// Whether a text may be a file of configs: its first words say so.
fn may_be_one(text: &str) -> bool {
    let starts = |word: &str| text.lines().any(|line| line.starts_with(word));
    starts("mig-configs:")
        || starts("vgpu-configs:")
        || (starts("version:")
            && ["sharing:", "flags:", "resources:"]
                .iter()
                .any(|word| starts(word)))
}

/// Reads the file that a text holds.
fn inside(
    reader: &mut Reader,
    node: &Node,
    text: &str,
    key: Option<&str>,
    configs: &mut Vec<Config>,
) {
    if let Some(alone) = alone(&reader.source, node, text) {
        for document in reader.documents(&alone).unwrap_or_default() {
            read_at(reader, &document, key, configs);
        }
        return;
    }
    // In quotes or folded, lines are not those of the outer file: places are those of the text.
    let source: Arc<str> = Arc::from(text);
    let name = format!("{}, text in line {}", reader.name, node.line);
    let mut inner = Reader::new(&name, &source);
    for document in inner.documents(text).unwrap_or_default() {
        read_at(&mut inner, &document, key, configs);
    }
    reader.findings.0.extend(inner.findings);
}

/// The outer text with all but the block of `text` blank, so that every place in it is a place of the
/// outer file. `None` if the text does not stand there line by line.
fn alone(outer: &str, node: &Node, text: &str) -> Option<String> {
    let lines: Vec<&str> = outer.split_inclusive('\n').collect();
    let wanted: Vec<&str> = text.trim_end().lines().collect();
    let first = wanted.iter().position(|line| !line.trim().is_empty())?;
    // Markers count only at the start of a line, where the block does not stand.
    if wanted
        .iter()
        .any(|line| line.starts_with("---") || line.starts_with('%'))
    {
        return None;
    }
    let from = usize::try_from(node.line).ok()?.saturating_sub(1);
    // The block begins in the line after its `|`, or in that line if the reader names its text.
    let start = (from..=from + 1).find(|start| {
        let line = lines.get(start + first).map_or("", |line| line.trim());
        line == wanted[first].trim()
    })?;
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let by = indent(lines.get(start + first)?).checked_sub(indent(wanted[first]))?;
    let same = |(at, wanted): (usize, &&str)| {
        let line = lines.get(start + at).map_or("", |line| line.trim_end());
        let wanted = wanted.trim_end();
        line.get(by..).unwrap_or_default() == wanted
            && line.get(..by).is_none_or(|blank| blank.trim().is_empty())
    };
    if !wanted.iter().enumerate().all(same) {
        return None;
    }
    let block = start..start + wanted.len();
    let mut alone = String::with_capacity(outer.len());
    for (at, line) in lines.iter().enumerate() {
        if block.contains(&at) {
            alone.push_str(line);
        } else {
            // Byte by byte, so that offsets stay.
            alone.extend(
                line.bytes()
                    .map(|byte| if byte == b'\n' { '\n' } else { ' ' }),
            );
        }
    }
    Some(alone)
}

/// Title and help of the finding that a file holds nothing of a known kind.
pub(super) fn nothing_in(documents: &[Node]) -> (String, String) {
    let kinds = documents
        .iter()
        .filter(|document| document.get("apiVersion").is_some());
    let mut kinds = kinds.filter_map(|document| document.get("kind")?.text());
    let has = |name: &str| {
        documents
            .iter()
            .any(|document| document.get(name).is_some())
    };
    match kinds.next() {
        Some(kind) => (
            format!("a Kubernetes `{kind}` without a configuration that is read here"),
            format!("bring the ConfigMap that holds it; {READ}"),
        ),
        None if has("gpus") || has("guests") => (
            "this has the keys of a scenario; scenarios are TOML, and this is YAML".to_owned(),
            "write it in TOML, and check it with `warpshare validate FILE`".to_owned(),
        ),
        None => (
            "this YAML holds no configuration that is read here".to_owned(),
            READ.to_owned(),
        ),
    }
}
