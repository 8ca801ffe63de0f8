//! The JSON Schemas of `summary.json` and `comparison.json`, for programs that read them.

use crate::result::{COMPARISON_FORMAT, ComparisonResult, FORMAT, RunResult};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema (draft 2020-12) of a run's `summary.json`, indented, with a final line break.
pub fn run_schema() -> String {
    schema::<RunResult>(FORMAT)
}

/// The schema (draft 2020-12) of a comparison's `comparison.json`, indented, with a final line break.
pub fn comparison_schema() -> String {
    schema::<ComparisonResult>(COMPARISON_FORMAT)
}

/// What is always written is required; `format` can only be the version that the schema is of.
fn schema<T: JsonSchema>(format: u32) -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut value: Value = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    if let Some(held) = value.pointer_mut("/properties/format") {
        *held = json!({ "const": format, "description": "Version of this structure." });
    }
    let mut text = format!("{value:#}");
    text.push('\n');
    text
}
