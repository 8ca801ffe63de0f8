//! The JSON Schema of scenario files, for editors and other programs.

use crate::scenario::read::raw::RawScenario;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema (draft 2020-12) as indented JSON with a final line break.
///
/// It says which keys exist and how values are written; what goes together is checked by
/// `warpshare validate` only.
pub fn schema() -> String {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut value = generator.into_root_schema_for::<RawScenario>().to_value();
    without_null(&mut value);
    let mut text = format!("{value:#}");
    text.push('\n');
    text
}

/// TOML has no null: an absent key is absent.
fn without_null(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|t| t != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|choice| choice != &serde_json::json!({ "type": "null" }));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    for (key, inner) in only {
                        map.entry(key).or_insert(inner);
                    }
                }
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(list) => list.iter_mut().for_each(without_null),
        _ => {}
    }
}
