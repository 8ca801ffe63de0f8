//! What moved, for people: only what moved, with enough digits to see by how much.

use super::super::gpus::{render, table};
use crate::check::{Comparison, Movement, RESULT_HASH, SCENARIO_HASH, Value, Verdict};

/// Lines about a comparison, below the line that names the scenario; nothing if nothing moved.
pub(super) fn movements(comparison: &Comparison) -> String {
    let mut text = String::new();
    if let Some(hash) = comparison.scenario_changed() {
        let (before, now) = (head(hash.before.as_ref()), head(hash.now.as_ref()));
        text.push_str(&format!(
            "  The scenario has changed, not only the program: its hash was {before} and is {now} ({}).\n",
            word(hash.verdict)
        ));
    }
    if comparison.only_unlisted() {
        let verdict = comparison.moved.first().map_or("", |m| word(m.verdict));
        text.push_str(&format!(
            "  Every metric listed in the baseline is the same; something else in summary.json moved \
             ({RESULT_HASH}: {verdict}).\n"
        ));
    }
    let mut rows = table(
        &[
            "metric",
            "baseline",
            "now",
            "change",
            "relative",
            "tolerance",
            "verdict",
        ],
        &["metric", "verdict"],
    );
    let hashes = [SCENARIO_HASH, RESULT_HASH];
    let figures = comparison.moved.iter();
    for movement in figures.filter(|movement| !hashes.contains(&movement.path.as_str())) {
        let (before, now) = both(movement);
        rows.add_row([
            movement.path.clone(),
            before,
            now,
            change(movement),
            movement.percent().map_or_else(dash, |p| signed(p) + " %"),
            movement.tolerance.to_string(),
            word(movement.verdict).to_owned(),
        ]);
    }
    if !rows.is_empty() {
        text.push('\n');
        for line in render(&rows).lines() {
            text.push_str(&format!("  {line}\n"));
        }
        text.push('\n');
    }
    if !comparison.moved.is_empty() {
        text.push_str(&format!("  {}\n", counts(comparison)));
    }
    text
}

/// Limits, each on a line of its own; nothing if there are none.
pub(super) fn limits(comparison: &Comparison) -> String {
    let lines = comparison.limits.iter().map(|judged| {
        let verdict = if judged.kept { "kept" } else { "MISSED" };
        format!("  {verdict}: {judged}\n")
    });
    lines.collect()
}

/// Such as `5 of 134 metrics moved: 3 drifted, 2 within tolerance`.
pub(super) fn counts(comparison: &Comparison) -> String {
    let parts: Vec<String> = [Verdict::Drifted, Verdict::Within, Verdict::Ignored]
        .into_iter()
        .filter_map(|verdict| {
            let moved = comparison.moved.iter();
            let count = moved.filter(|m| m.verdict == verdict).count();
            (count > 0).then(|| format!("{count} {}", word(verdict)))
        })
        .collect();
    format!(
        "{} of {} metrics moved: {}",
        comparison.moved.len(),
        comparison.compared.len(),
        parts.join(", ")
    )
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Drifted => "drifted",
        Verdict::Within => "within tolerance",
        Verdict::Ignored => "ignored",
    }
}

fn dash() -> String {
    "–".to_owned()
}

/// The first digits of a hash.
fn head(value: Option<&Value>) -> String {
    value.map_or_else(dash, |value| value.to_string().chars().take(12).collect())
}

/// Both values with seven digits, or in full where these would not show the difference.
fn both(movement: &Movement) -> (String, String) {
    let shown = |value: &Option<Value>| match value {
        Some(Value::Real(value)) => rounded(*value, 7),
        Some(value) => value.to_string(),
        None => dash(),
    };
    let (before, now) = (shown(&movement.before), shown(&movement.now));
    if before != now {
        return (before, now);
    }
    let full = |value: &Option<Value>| value.as_ref().map_or_else(dash, Value::to_string);
    (full(&movement.before), full(&movement.now))
}

fn change(movement: &Movement) -> String {
    match (&movement.before, &movement.now) {
        (None, Some(_)) => "new".to_owned(),
        (Some(_), None) => "gone".to_owned(),
        (Some(Value::Whole(before)), Some(Value::Whole(now))) => {
            format!("{:+}", i128::from(*now) - i128::from(*before))
        }
        (Some(Value::Real(before)), Some(Value::Real(now))) => signed(now - before),
        _ => dash(),
    }
}

/// With its sign and three digits.
fn signed(value: f64) -> String {
    let sign = if value < 0.0 { "" } else { "+" };
    format!("{sign}{}", rounded(value, 3))
}

/// With so many significant digits and no zeros at the end; very small and very large ones as `1.5e-9`.
fn rounded(value: f64, digits: usize) -> String {
    let text = format!("{value:.*e}", digits - 1);
    match text.parse::<f64>() {
        Ok(near) if near == 0.0 || (1e-5..1e15).contains(&near.abs()) => near.to_string(),
        Ok(near) => format!("{near:e}"),
        Err(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_they_must_be() {
        assert_eq!(rounded(1.23456789, 7), "1.234568");
        assert_eq!(rounded(120.0, 7), "120");
        assert_eq!(rounded(0.0, 7), "0");
        assert_eq!(rounded(123_456_789.5, 7), "123456800");
        assert_eq!(signed(-0.012_345), "-0.0123");
        assert_eq!(signed(2.5e-14), "+2.5e-14");
    }
}
