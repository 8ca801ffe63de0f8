//! A comparison in the JUnit format, which CI systems show: a suite for each scenario, a case for each
//! metric. It holds no times and no identifiers of a run, so that equal outcomes give equal bytes.

use super::{Comparison, Judged, Movement, RESULT_HASH, SCENARIO_HASH, Value, Verdict};
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

/// What came of a scenario.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    Compared(&'a Comparison),
    /// There is nothing to compare: a baseline or a scenario is missing or cannot be used. The reason.
    NotCompared(&'a str),
}

/// The report on these scenarios, each with its name.
///
/// # Errors
///
/// Those of the XML writer, which writes to memory.
pub fn to_junit(scenarios: &[(&str, Outcome<'_>)]) -> Result<String, SerializeError> {
    let mut report = Report::new("warpshare check");
    for (name, outcome) in scenarios {
        let mut suite = TestSuite::new(*name);
        let mut add = |title: &str, status: TestCaseStatus| {
            let mut case = TestCase::new(title, status);
            case.set_classname(format!("warpshare.check.{name}"));
            suite.add_test_case(case);
        };
        match outcome {
            Outcome::Compared(comparison) => {
                for path in &comparison.compared {
                    add(path, status(comparison.movement(path)));
                }
                for judged in &comparison.limits {
                    let title = format!("{} {}", judged.path, judged.limit);
                    add(&title, limit(judged));
                }
                for pattern in &comparison.unused_limits {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status
                        .set_type("limit")
                        .set_message("the limit matches no metric");
                    add(pattern, status);
                }
            }
            Outcome::NotCompared(reason) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let first = reason.lines().next().unwrap_or_default();
                status
                    .set_type("not compared")
                    .set_message(first.trim_start_matches("error: "))
                    .set_description(*reason);
                add("baseline", status);
            }
        }
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn limit(judged: &Judged) -> TestCaseStatus {
    if judged.kept {
        return TestCaseStatus::success();
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type("limit").set_message(judged.to_string());
    status
}

fn status(movement: Option<&Movement>) -> TestCaseStatus {
    let Some(movement) = movement else {
        return TestCaseStatus::success();
    };
    let mut status = match movement.verdict {
        Verdict::Within => return TestCaseStatus::success(),
        Verdict::Ignored => TestCaseStatus::skipped(),
        Verdict::Drifted => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    status.set_type("drift").set_message(message(movement));
    status
}

/// Such as `response.p95_ns was 1000 and is 1020 (+2 %), tolerance 0.5%`.
fn message(movement: &Movement) -> String {
    let shown = |value: &Option<Value>| match value {
        Some(value) => value.to_string(),
        None => "not there".to_owned(),
    };
    let percent = match movement.percent() {
        Some(percent) => format!(" ({percent:+} %)"),
        None => String::new(),
    };
    let reason = match movement.path.as_str() {
        SCENARIO_HASH => "the scenario has changed, not only the program: ",
        RESULT_HASH => {
            "every metric listed here is the same; something else in summary.json moved: "
        }
        _ => "",
    };
    format!(
        "{reason}{} was {} and is {}{percent}, tolerance {}",
        movement.path,
        shown(&movement.before),
        shown(&movement.now),
        movement.tolerance
    )
}
