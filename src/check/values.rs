//! A result as named values, one a line of a baseline.

use crate::metrics::{Figure, Number, Unit, figures};
use crate::report::{to_json, words};
use crate::result::{Meta, RunResult, ScenarioInfo};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// SHA-256 of the whole result without what only describes it (`meta`, and the title of the scenario): moves with
/// any other byte of `summary.json`.
pub const RESULT_HASH: &str = "result.sha256";

/// The hash of the resolved scenario: moves when the question changed and not only the answer.
pub const SCENARIO_HASH: &str = "scenario.hash";

/// What a metric was found to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// There is no value, such as a quantile of too few jobs.
    Undefined,
    Truth(bool),
    Whole(u64),
    Real(f64),
    Text(String),
}

impl Value {
    /// As a float, where it is a number.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Value::Whole(value) => Some(*value as f64),
            Value::Real(value) => Some(*value),
            Value::Undefined | Value::Truth(_) | Value::Text(_) => None,
        }
    }
}

/// In full: whole numbers as they are, floats in the shortest form that reads back exactly.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::Undefined => f.write_str("none"),
            Value::Truth(value) => value.fmt(f),
            Value::Whole(value) => value.fmt(f),
            Value::Real(value) => value.fmt(f),
            Value::Text(value) => value.fmt(f),
        }
    }
}

/// Values by their paths, such as `guests.desktop.response.p95_ns`, in the order of the paths.
pub type Values = BTreeMap<String, Value>;

/// The values of a result: estimates and half-widths of its guest groups, GPUs, instances, engines and
/// memory, the verdicts of its invariant checks, and the hashes of the scenario and of the whole.
///
/// # Errors
///
/// Only if a number cannot be written as JSON, which no finished run contains.
pub fn values(result: &RunResult) -> Result<Values, serde_json::Error> {
    let mut values = Flat(Values::new());
    for group in &result.guests {
        let path = format!("guests.{}", group.name);
        values.metrics(&path, &figures(group));
        let overloaded = Value::Truth(group.overload.is_some());
        values.put(format!("{path}.overloaded"), overloaded);
    }
    for gpu in &result.gpus {
        let path = format!("gpus.{}", gpu.name);
        values.metrics(&path, &figures(gpu));
        for instance in &gpu.instances {
            let path = format!("{path}.instances.{}", instance.name);
            values.metrics(&path, &figures(instance));
        }
        for engine in &gpu.engines {
            let path = format!("{path}.engines.{}", word(&engine.name));
            values.metrics(&path, &figures(engine));
        }
    }
    if let Some(host) = &result.host {
        values.metrics("host", &figures(host));
    }
    for memory in &result.memory {
        // A guest may have the name of a GPU: what it is keeps their memory apart.
        let path = format!(
            "memory.{}.{}",
            word(words::memory_of(&memory.what)),
            memory.name
        );
        if let Some(capacity) = memory.capacity_bytes {
            values.put(format!("{path}.capacity_bytes"), Value::Whole(capacity));
        }
        let held = Value::Whole(memory.held_bytes);
        values.put(format!("{path}.held_bytes"), held);
        let largest = Value::Whole(memory.largest_bytes);
        values.put(format!("{path}.largest_bytes"), largest);
    }
    for objective in &result.objectives {
        // Without blanks, as all paths.
        let text: String = objective.text.split_whitespace().collect();
        let path = format!(
            "{}s.{}.objectives.{text}",
            objective.kind.name(),
            objective.of
        );
        let verdict = words::objective_verdict(objective.verdict);
        values.put(path, Value::Text(verdict.to_owned()));
    }
    for check in &result.checks {
        let id = words::invariant(check.id).0;
        values.put(format!("checks.{id}"), Value::Truth(check.holds));
    }
    let hash = Value::Text(result.scenario.hash.clone());
    values.put(SCENARIO_HASH.to_owned(), hash);
    values.put(RESULT_HASH.to_owned(), Value::Text(digest(result)?));
    Ok(values.0)
}

struct Flat(Values);

impl Flat {
    fn put(&mut self, path: String, value: Value) {
        let before = self.0.insert(path, value);
        debug_assert!(before.is_none(), "two metrics have one path");
    }

    fn metrics(&mut self, entity: &str, metrics: &[Figure]) {
        for metric in metrics {
            // The suffixes of `summary.json`.
            let suffix = match metric.metric.metric.unit {
                Unit::Time => "_ns",
                // The name says it already.
                Unit::PerSecond if metric.metric.metric.name.ends_with("_per_second") => "",
                Unit::PerSecond | Unit::TokensPerSecond => "_per_s",
                _ => "",
            };
            let path = format!("{entity}.{}{suffix}", metric.metric.name("."));
            if let Some(half_width) = metric.half_width {
                self.put(format!("{path}.half_width"), Value::Real(half_width));
            }
            let value = match metric.value {
                Number::Whole(value) => value.map(Value::Whole),
                Number::Real(value) => value.map(Value::Real),
            };
            self.put(path, value.unwrap_or(Value::Undefined));
        }
    }
}

/// A name of words as one, so that a path has no blanks: `copy-host-to-device`.
fn word(name: &str) -> String {
    name.replace(' ', "-")
}

fn digest(result: &RunResult) -> Result<String, serde_json::Error> {
    let bare = RunResult {
        meta: Meta {
            program: String::new(),
            version: String::new(),
        },
        scenario: ScenarioInfo {
            title: None,
            ..result.scenario.clone()
        },
        ..result.clone()
    };
    let digest = Sha256::digest(to_json(&bare)?.as_bytes());
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
