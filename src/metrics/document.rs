//! The tables of `docs/metrics.md`.

use super::terms::TERMS;
use super::{Metric, Reader, Scope, Section, table};
use crate::diagnostics::nearest;
use crate::result::Better;

/// Each table under the name of its mark in the page.
pub fn tables() -> Vec<(&'static str, String)> {
    vec![
        ("guests", metrics(Section::Guests)),
        ("parts", parts(Section::Parts, "the job is")),
        ("sm-time", parts(Section::SmTime, "SMs are")),
        ("gpus", metrics(Section::Gpus)),
        ("fairness", metrics(Section::Fairness)),
        ("terms", terms()),
    ]
}

/// The name as the tables of a results folder have it, with what stands for others.
pub fn name(metric: &Metric) -> String {
    let classes = |reader: &Reader| matches!(reader, Reader::Classes);
    match (metric.family, metric.is_latency()) {
        (Some(family), true) if metric.readers.iter().any(classes) => format!("{family}_NAME_…"),
        (Some(family), true) => format!("{family}_…"),
        (Some(family), false) => format!("{family}_{}", metric.name),
        (None, _) => metric.name.to_owned(),
    }
}

fn terms() -> String {
    let rows = TERMS.iter();
    let rows = rows.map(|term| format!("| {} | {} |\n", term.name, term.meaning));
    format!(
        "| term | what it means |\n| --- | --- |\n{}",
        rows.collect::<String>()
    )
}

fn of_section(section: Section) -> impl Iterator<Item = &'static Metric> {
    table().filter(move |metric| metric.section == section)
}

fn parts(section: Section, head: &str) -> String {
    let rows = of_section(section);
    let rows = rows.map(|metric| format!("| `{}` | {} |\n", name(metric), metric.meaning));
    format!(
        "| part | {head} |\n| --- | --- |\n{}",
        rows.collect::<String>()
    )
}

fn metrics(section: Section) -> String {
    let rows = of_section(section).map(|metric| {
        let better = match metric.better {
            Some(Better::Lower) => "lower",
            Some(Better::Higher) => "higher",
            None => "–",
        };
        format!(
            "| `{}` | {} | {} | {better} | {} |\n",
            name(metric),
            applies(metric),
            metric.unit.name(),
            metric.meaning
        )
    });
    format!(
        "| metric | of | unit | better | definition |\n| --- | --- | --- | --- | --- |\n{}",
        rows.collect::<String>()
    )
}

/// Where a metric applies, in words.
pub fn applies(metric: &Metric) -> String {
    let words = [
        (Scope::Group, "group"),
        (Scope::Member, "guest"),
        (Scope::Gpu, "GPU"),
        (Scope::Instance, "instance"),
        (Scope::Engine, "engine"),
    ];
    let applied = words.iter().filter(|(scope, _)| metric.applies_to(*scope));
    let applied: Vec<&str> = applied.map(|(_, word)| *word).collect();
    applied.join(", ")
}

/// What a term of a summary means: a word of the glossary, or a metric.
pub struct Explained {
    pub name: String,
    /// What it is of and counted in, for a metric.
    pub about: String,
    pub meaning: &'static str,
}

/// Everything of this name: metrics before words. Capitals, blanks and hyphens make no difference.
pub fn explained(name: &str) -> Vec<Explained> {
    let wanted = plain(name);
    let mut found = Vec::new();
    for metric in table() {
        let full = self::name(metric);
        let family = metric.family.filter(|_| metric.is_latency());
        let short = [
            Some(metric.name).filter(|name| !name.is_empty()),
            family,
            Some(full.as_str()),
        ];
        let jain = metric.name.starts_with("jain") && wanted == "jain";
        if jain
            || short
                .into_iter()
                .flatten()
                .any(|name| plain(name) == wanted)
        {
            found.push(Explained {
                about: match metric.section {
                    Section::Parts => "mean time in which a job is".to_owned(),
                    Section::SmTime => "fraction of SM time in which SMs are".to_owned(),
                    _ => format!("{} of: {}", metric.unit.name(), applies(metric)),
                },
                name: full,
                meaning: metric.meaning,
            });
        }
    }
    for term in TERMS {
        if plain(term.name) == wanted || term.also.iter().any(|name| plain(name) == wanted) {
            found.push(Explained {
                name: term.name.to_owned(),
                about: String::new(),
                meaning: term.meaning,
            });
        }
    }
    found
}

/// All names that can be explained: words of the glossary, then metrics.
pub fn names() -> Vec<String> {
    let words = TERMS.iter().map(|term| term.name.to_owned());
    let metrics = table().map(name);
    let mut names: Vec<String> = words.chain(metrics).collect();
    names.dedup();
    names
}

/// The nearest name that can be explained.
pub fn nearest_name(name: &str) -> Option<String> {
    let mut known: Vec<&str> = Vec::new();
    for term in TERMS {
        known.push(term.name);
        known.extend(term.also);
    }
    for metric in table() {
        known.extend(metric.family);
        known.extend(Some(metric.name).filter(|name| !name.is_empty()));
    }
    nearest(&name.to_lowercase(), known).map(str::to_owned)
}

/// Without what people write in several ways.
fn plain(name: &str) -> String {
    let kept = name
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '_' | '.' | '…'));
    kept.flat_map(char::to_lowercase).collect()
}
