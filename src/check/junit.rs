//! A comparison in the JUnit format, which CI systems show: a suite for each scenario, a case for each
//! metric. It holds no times and no identifiers of a run, so that equal outcomes give equal bytes.

use super::{Comparison, Movement, RESULT_HASH, SCENARIO_HASH, Value, Verdict};
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

/// The report on these scenarios, each with its name.
///
/// # Errors
///
/// Those of the XML writer, which writes to memory.
pub fn to_junit(scenarios: &[(&str, &Comparison)]) -> Result<String, SerializeError> {
    let mut report = Report::new("warpshare check");
    for (name, comparison) in scenarios {
        let mut suite = TestSuite::new(*name);
        let paths = comparison.compared.iter();
        suite.add_test_cases(paths.map(|path| {
            let mut case = TestCase::new(path.as_str(), status(comparison.movement(path)));
            case.set_classname(format!("warpshare.check.{name}"));
            case
        }));
        report.add_test_suite(suite);
    }
    report.to_string()
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
