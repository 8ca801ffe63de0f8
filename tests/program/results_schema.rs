//! What the program writes fits the schema that it prints, and every field of it is described.

use assert_cmd::Command;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use warpshare::experiment::{self, Options, RECORD_COLUMNS, Silent};
use warpshare::report::{comparison_schema, run_schema, to_json};
use warpshare::scenario::{self, Overrides};

/// The schema with every structure closed: a field that it does not know is then an error.
fn closed(schema: &str) -> Value {
    fn close(value: &mut Value) {
        match value {
            Value::Object(map) => {
                if map.contains_key("properties") {
                    map.insert("additionalProperties".to_owned(), json!(false));
                }
                map.values_mut().for_each(close);
            }
            Value::Array(list) => list.iter_mut().for_each(close),
            _ => {}
        }
    }
    let mut schema = serde_json::from_str(schema).unwrap();
    close(&mut schema);
    schema
}

fn check(validator: &jsonschema::Validator, what: &str, text: &str) {
    let value: Value = serde_json::from_str(text).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("{what}: {error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

#[test]
fn results_of_all_examples_fit_the_schema() {
    let validator = jsonschema::validator_for(&closed(&run_schema())).expect("a schema");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut examples: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    examples.sort();
    assert!(!examples.is_empty());
    for path in examples {
        // What is in a result does not depend on how long was simulated.
        let overrides = Overrides {
            replications: Some(2),
            set: vec!["run.duration=1s".to_owned()],
            ..Overrides::default()
        };
        let loaded = scenario::load(&path, &overrides).unwrap_or_else(|errors| {
            let texts: Vec<_> = errors.iter().map(|error| error.render()).collect();
            panic!("{}", texts.join("\n"))
        });
        let mut scenario = loaded.scenario;
        scenario.run.baselines = scenario.gpus.len() == 1;
        let result = experiment::run(&scenario, &Options::default(), &Silent).unwrap();
        check(&validator, &scenario.name, &to_json(&result).unwrap());
    }
    for result in [crate::synthetic::calm(), crate::synthetic::troubled()] {
        check(&validator, "synthetic", &to_json(&result).unwrap());
    }
    // The schema is of one version.
    let mut other = crate::synthetic::calm();
    other.format += 1;
    let value: Value = serde_json::from_str(&to_json(&other).unwrap()).unwrap();
    assert!(!validator.is_valid(&value));
}

#[test]
fn every_field_of_a_result_is_described() {
    fn undescribed(path: &str, value: &Value, found: &mut Vec<String>) {
        let Value::Object(map) = value else { return };
        // A variant with figures is an object of one field, its name, and is described itself.
        let variant = map.contains_key("description")
            && map
                .get("properties")
                .is_some_and(|fields| fields.as_object().is_some_and(|fields| fields.len() == 1));
        if let Some(Value::Object(fields)) = map.get("properties").filter(|_| !variant) {
            for (name, field) in fields {
                if field.get("description").is_none() {
                    found.push(format!("{path}.{name}"));
                }
            }
        }
        for (key, inner) in map {
            undescribed(&format!("{path}/{key}"), inner, found);
        }
    }
    for schema in [run_schema(), comparison_schema()] {
        let mut found = Vec::new();
        undescribed("", &serde_json::from_str(&schema).unwrap(), &mut found);
        assert_eq!(found, Vec::<String>::new());
    }
}

#[test]
fn the_command_line_prints_schemas_that_its_files_fit() {
    let place = TempDir::new().unwrap();
    let warpshare = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("warpshare").unwrap();
        let output = command
            .current_dir(place.path())
            .args(arguments)
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {err}");
        String::from_utf8(output.stdout).unwrap()
    };
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/quickstart.toml");
    let scenario = quickstart.to_str().unwrap();
    let short = [
        "--set",
        "run.duration=1s",
        "--replications",
        "2",
        "--figures",
        "none",
    ];
    let run = ["run", scenario, "--quiet", "--records", "jobs.csv"];
    warpshare(&[&run[..], &short].concat());
    let policies = ["--policies", "best-effort,equal-share"];
    warpshare(&[&["compare", scenario, "--quiet"][..], &policies, &short].concat());
    for (flag, file, committed) in [
        ("--result", "quickstart/summary.json", run_schema()),
        (
            "--comparison",
            "quickstart-compare/comparison.json",
            comparison_schema(),
        ),
    ] {
        let printed = warpshare(&["schema", flag]);
        assert_eq!(printed, committed);
        let validator = jsonschema::validator_for(&closed(&printed)).expect("a schema");
        let text = fs::read_to_string(place.path().join("results").join(file)).unwrap();
        check(&validator, file, &text);
    }
    // The records have the columns that are documented, and parts of a life add up to it.
    let mut records = csv::Reader::from_path(place.path().join("jobs.csv")).unwrap();
    let names: Vec<&str> = RECORD_COLUMNS.iter().map(|column| column.0).collect();
    assert_eq!(records.headers().unwrap(), names);
    let mut rows = 0;
    for row in records.records() {
        let row = row.unwrap();
        let number = |column: &str| -> u64 {
            let at = names.iter().position(|name| *name == column).unwrap();
            row[at].parse().unwrap()
        };
        let parts = names[8..].iter().map(|name| number(name));
        assert_eq!(
            parts.sum::<u64>(),
            number("ended_ns") - number("arrival_ns")
        );
        assert!(number("measured") <= 1);
        rows += 1;
    }
    assert!(rows > 100, "{rows}");
}
