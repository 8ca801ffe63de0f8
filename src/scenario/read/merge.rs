//! How the keys of a workload's `preset` and those of the scenario become one workload.
//!
//! A preset is put into the text's own tree before it is read. Tables merge key by key: what the scenario
//! gives itself stays, the rest comes from the preset with the place of the `preset` key. So what is wrong
//! with the combination is said there, and a preset means what it would mean written out. Three things are
//! taken as a whole, since half of each makes no sense:
//!
//! - a table whose kind the scenario names otherwise: another `process`, `dist` or `kind`;
//! - the keys that say the same in another way, such as `flops` in place of `time`;
//! - the parts that `replace` lists: of these the preset gives nothing.

use crate::scenario::key::origin::Merged;
use serde_spanned::Spanned;
use std::ops::Range;
use toml::de::{DeArray, DeTable, DeValue};

/// The workload tables' own key with the parts of the preset that are not taken.
const REPLACE: &str = "replace";

/// Keys that say of what kind a table is: its other keys belong to this kind.
const KINDS: &[&str] = &["process", "dist", "kind"];

/// What a job consists of: `stages` or `llm`, and all that belongs to either.
const WORK: &[&str] = &[
    "stages",
    "llm",
    "sequence",
    "every",
    "repeat",
    "frames",
    "batching",
    "reference",
];

/// Keys that name stages.
const ORDER: &[&str] = &["sequence", "every", "repeat"];

/// Ways to say the same. The first key of one is what it goes by, and replaces all keys of the others.
const WAYS: &[&[&[&str]]] = &[
    // How often jobs arrive.
    &[&["rate"], &["period"], &["gap"]],
    &[&["batch"], &["batch_mean"]],
    &[&["requests"], &["requests_mean"], &["lasts"]],
    &[&["time", "time_format"], &["format"]],
    // How much an operation does.
    &[
        &["time", "memory_bound"],
        &["flops", "bytes", "flop_efficiency", "byte_efficiency"],
    ],
    &[&["sms"], &["blocks", "blocks_per_sm"]],
];

/// Parameters of a distribution belong together: one that the preset does not have replaces all it has.
const PARAMETERS: &[&str] = &[
    "value", "mean", "cv", "low", "high", "k", "shape", "scale", "mu", "sigma", "p", "mean1",
    "mean2", "alpha", "beta", "mode", "n", "s", "unit", "values", "weights", "file", "column",
    "base", "per", "by_batch",
];

/// Completes a workload with what its preset gives.
pub(crate) fn complete(
    workload: &mut DeTable<'_>,
    given: DeTable<'static>,
    (preset, span): (&str, Range<usize>),
    merged: &mut Merged,
) {
    let mut given = given;
    for (place, part) in replaced(workload) {
        if !remove(&mut given, &part) {
            let mut known = Vec::new();
            parts(&given, "", &mut known);
            merged.unknown.push((place, part.clone(), known));
        }
        if part == "stages" {
            for &key in ORDER {
                given.remove(key);
            }
        }
    }
    let other = |own: &str, its: &str| workload.contains_key(own) && given.contains_key(its);
    if other("llm", "stages") || other("stages", "llm") {
        for &key in WORK {
            given.remove(key);
        }
    }
    let mut merge = Merge {
        preset,
        span: span.clone(),
        completed: &mut merged.completed,
    };
    merge.tables(workload, given);
    merged.presets.push((span, preset.to_owned()));
}

struct Merge<'a> {
    preset: &'a str,
    span: Range<usize>,
    completed: &'a mut Vec<(Range<usize>, String)>,
}

impl Merge<'_> {
    /// Puts what the preset gives into a table of the scenario; whether there was anything.
    fn tables(&mut self, own: &mut DeTable<'_>, mut given: DeTable<'static>) -> bool {
        leave_out(own, &mut given);
        let mut some = false;
        for (key, value) in given {
            let Some(mine) = own.get_mut(&**key.get_ref()) else {
                let key = Spanned::new(self.span.clone(), key.into_inner());
                own.insert(key, moved(value, &self.span));
                some = true;
                continue;
            };
            // Values by batch are points of one curve.
            if *key.get_ref() == "by_batch" {
                continue;
            }
            let place = mine.span();
            if let (DeValue::Table(mine), DeValue::Table(its)) =
                (mine.get_mut(), value.into_inner())
                && !of_other_kinds(mine, &its)
                && self.tables(mine, its)
            {
                self.completed.push((place, self.preset.to_owned()));
                some = true;
            }
        }
        some
    }
}

/// Whether a key that says what the table is says something else here. What a file says has no other keys.
fn of_other_kinds(own: &DeTable<'_>, its: &DeTable<'_>) -> bool {
    let word = |table: &DeTable<'_>, key: &str| match table.get(key)?.get_ref() {
        DeValue::String(word) => Some(word.to_string()),
        _ => None,
    };
    let other = |key: &str| own.contains_key(key) && word(own, key) != word(its, key);
    KINDS.iter().any(|key| other(key)) || (own.contains_key("file") && !its.contains_key("file"))
}

/// Takes out of the preset's table what the scenario says in another way.
fn leave_out(own: &DeTable<'_>, given: &mut DeTable<'static>) {
    for ways in WAYS {
        let of = |table: &DeTable<'_>| ways.iter().position(|way| table.contains_key(way[0]));
        if let (Some(mine), Some(its)) = (of(own), of(given))
            && mine != its
        {
            for &key in ways[its] {
                given.remove(key);
            }
        }
    }
    let sums = ["base", "per", "by_batch"];
    let amount =
        given.contains_key("dist") || given.keys().all(|key| sums.contains(&&**key.get_ref()));
    let parameters = own.keys().map(|key| &**key.get_ref());
    let mut parameters = parameters.filter(|key| PARAMETERS.contains(key));
    if amount && parameters.any(|key| !given.contains_key(key)) {
        for &key in PARAMETERS {
            given.remove(key);
        }
    }
}

/// The entries of `replace`, with their places; what is no list of words is left for the checks.
fn replaced(workload: &DeTable<'_>) -> Vec<(Range<usize>, String)> {
    let Some(DeValue::Array(list)) = workload.get(REPLACE).map(Spanned::get_ref) else {
        return Vec::new();
    };
    let entries = list.iter().filter_map(|entry| match entry.get_ref() {
        DeValue::String(part) => Some((entry.span(), part.to_string())),
        _ => None,
    });
    entries.collect()
}

/// Takes the part at this path out of the preset; whether it was there.
fn remove(given: &mut DeTable<'static>, part: &str) -> bool {
    let Some((first, rest)) = part.split_once('.') else {
        return given.remove(part).is_some();
    };
    match given.get_mut(first).map(Spanned::get_mut) {
        Some(DeValue::Table(inner)) => remove(inner, rest),
        _ => false,
    }
}

/// Paths of all that the preset has.
fn parts(given: &DeTable<'_>, within: &str, found: &mut Vec<String>) {
    for (key, value) in given {
        let path = match within {
            "" => key.get_ref().to_string(),
            within => format!("{within}.{}", key.get_ref()),
        };
        if let DeValue::Table(inner) = value.get_ref() {
            parts(inner, &path, found);
        }
        found.push(path);
    }
}

/// The value with all places at `span`.
fn moved(value: Spanned<DeValue<'static>>, span: &Range<usize>) -> Spanned<DeValue<'static>> {
    let value = match value.into_inner() {
        DeValue::Table(table) => {
            let mut all = DeTable::new();
            for (key, value) in table {
                let key = Spanned::new(span.clone(), key.into_inner());
                all.insert(key, moved(value, span));
            }
            DeValue::Table(all)
        }
        DeValue::Array(array) => {
            let mut all = DeArray::new();
            for value in array {
                all.push(moved(value, span));
            }
            DeValue::Array(all)
        }
        plain => plain,
    };
    Spanned::new(span.clone(), value)
}
