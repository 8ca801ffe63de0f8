//! Every procedure of the reference values is tested against them, or is said to be missing.

use serde_json::Value;

/// Where reference values are read.
const TESTS: [&str; 4] = [
    include_str!("stats.rs"),
    include_str!("histograms.rs"),
    include_str!("random.rs"),
    include_str!("../../src/engine/random.rs"),
];
const PAGE: &str = include_str!("../../docs/statistics.md");

#[test]
fn every_reference_value_is_tested_or_said_to_be_missing() {
    let vectors: Value = serde_json::from_str(include_str!("../data/stats_vectors.json")).unwrap();
    let vectors = vectors.as_object().unwrap();
    assert!(vectors.len() > 15);
    let missing = PAGE.split_once("## Reference values").unwrap().1;
    let missing = missing.split("\n## ").next().unwrap();
    for name in vectors.keys() {
        let tested = TESTS
            .iter()
            .any(|test| test.contains(&format!("[\"{name}\"]")));
        let said = missing.contains(&format!("`{name}`"));
        assert!(
            tested != said,
            "{name}: tested {tested}, said to be missing {said}"
        );
    }
}
