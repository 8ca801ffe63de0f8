//! The file that is committed: tolerances and values, one a line, in the order of their paths.

use super::{Limits, Tolerances, Values};
use serde::{Deserialize, Serialize};

/// Version of the file; a reader refuses other versions.
pub const FORMAT: u32 = 1;

/// What a scenario gave when it was last agreed on, and how far from it is still the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// [`FORMAT`]. Its name also marks the file as ours.
    warpshare_baseline: u32,
    /// The scenario's name.
    pub scenario: String,
    pub tolerances: Tolerances,
    /// What metrics must be, whatever they were.
    #[serde(default, skip_serializing_if = "no_limits")]
    pub limits: Limits,
    pub metrics: Values,
}

fn no_limits(limits: &Limits) -> bool {
    limits.0.is_empty()
}

/// Why a file is not a baseline that this program can use.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// Nothing in it says that it ever was one: it must not be written over.
    #[error("not a baseline of warpshare")]
    Foreign,
    /// Says that it is one, but cannot be read.
    #[error("damaged: {0}")]
    Damaged(String),
    /// Written in another version of the format.
    #[error("a baseline of format {found}, but this program reads format {FORMAT}")]
    OtherFormat { found: u32 },
}

impl Baseline {
    pub fn new(
        scenario: &str,
        tolerances: Tolerances,
        limits: Limits,
        metrics: Values,
    ) -> Baseline {
        Baseline {
            warpshare_baseline: FORMAT,
            scenario: scenario.to_owned(),
            tolerances,
            limits,
            metrics,
        }
    }

    /// Reads what [`to_text`](Self::to_text) wrote, bit for bit.
    ///
    /// # Errors
    ///
    /// See [`ReadError`].
    pub fn from_text(text: &str) -> Result<Baseline, ReadError> {
        /// The version is read first: another version may have any other structure.
        #[derive(Deserialize)]
        struct Version {
            warpshare_baseline: u32,
        }
        // Looked for in the text, since marks of a merge make a damaged file and not a foreign one.
        if !text.contains("\"warpshare_baseline\"") {
            return Err(ReadError::Foreign);
        }
        let damaged = |error: serde_json::Error| ReadError::Damaged(error.to_string());
        let version: Version = serde_json::from_str(text).map_err(damaged)?;
        if version.warpshare_baseline != FORMAT {
            return Err(ReadError::OtherFormat {
                found: version.warpshare_baseline,
            });
        }
        serde_json::from_str(text).map_err(damaged)
    }

    /// The file: JSON, a metric a line, and a final line end.
    ///
    /// # Errors
    ///
    /// Only if a number cannot be written as JSON, which no finished run contains.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Limit, Tolerance, Value};

    fn baseline() -> Baseline {
        let values = [
            ("guests.a.response.p95_ns", Value::Whole(u64::MAX)),
            ("guests.a.response.p99_ns", Value::Undefined),
            ("guests.a.slowdown", Value::Real(0.1 + 0.2)),
            ("guests.a.late_fraction", Value::Real(0.0)),
            ("checks.I1", Value::Truth(true)),
            ("result.sha256", Value::Text("0a".to_owned())),
        ];
        let tolerances = [("*".to_owned(), Tolerance::percent(0.5))];
        Baseline::new(
            "small",
            Tolerances(tolerances.into()),
            Limits::default(),
            values.map(|(path, value)| (path.to_owned(), value)).into(),
        )
    }

    #[test]
    fn the_file_has_a_metric_a_line_and_reads_back() {
        let text = baseline().to_text().unwrap();
        assert_eq!(
            text,
            r#"{
  "warpshare_baseline": 1,
  "scenario": "small",
  "tolerances": {
    "*": "0.5%"
  },
  "metrics": {
    "checks.I1": true,
    "guests.a.late_fraction": 0.0,
    "guests.a.response.p95_ns": 18446744073709551615,
    "guests.a.response.p99_ns": null,
    "guests.a.slowdown": 0.30000000000000004,
    "result.sha256": "0a"
  }
}
"#
        );
        assert_eq!(Baseline::from_text(&text), Ok(baseline()));
    }

    #[test]
    fn limits_stand_between_tolerances_and_metrics() {
        let mut limited = baseline();
        let limit: Limit = "<= 50ms".parse().unwrap();
        limited.limits.0.insert("*.p95_ns".to_owned(), limit);
        let text = limited.to_text().unwrap();
        let place = r#"  },
  "limits": {
    "*.p95_ns": "<= 50ms"
  },
  "metrics": {"#;
        assert!(text.contains(place), "{text}");
        assert_eq!(Baseline::from_text(&text), Ok(limited));
    }

    #[test]
    fn other_files_are_told_apart() {
        let text = baseline().to_text().unwrap();
        assert_eq!(Baseline::from_text("{}"), Err(ReadError::Foreign));
        assert_eq!(Baseline::from_text(""), Err(ReadError::Foreign));
        let other = text.replace("_baseline\": 1", "_baseline\": 9");
        let found = Baseline::from_text(&other);
        assert_eq!(found, Err(ReadError::OtherFormat { found: 9 }));
        for damaged in [
            text.replace("0.5%", "some"),
            text.replace("null", "[]"),
            text.replace("{\n  \"w", "<<<<<<< ours\n{\n  \"w"),
        ] {
            let found = Baseline::from_text(&damaged);
            assert!(matches!(found, Err(ReadError::Damaged(_))), "{found:?}");
        }
    }
}
