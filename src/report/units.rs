//! Numbers for people: a unit that fits, three to four significant digits, and the interval beside
//! the value with the same number of decimals.

use super::words;
use crate::result::{self, Estimate, PlanInfo};

/// Unit of time that fits `ns`, with the nanoseconds that it holds.
pub(super) fn time_unit(ns: f64) -> (f64, &'static str) {
    match ns.abs() {
        x if x < 1e3 => (1.0, "ns"),
        x if x < 1e6 => (1e3, "µs"),
        x if x < 1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    }
}

/// Decimals that show `digits` significant digits of `value`, at most 6.
fn decimals(value: f64, digits: usize) -> usize {
    let mut rest = value.abs();
    if rest == 0.0 || !rest.is_finite() {
        return 0;
    }
    let mut decimals = digits.saturating_sub(1);
    while rest >= 10.0 && decimals > 0 {
        rest /= 10.0;
        decimals -= 1;
    }
    while rest < 1.0 && decimals < 6 {
        rest *= 10.0;
        decimals += 1;
    }
    decimals
}

/// A plain number with four significant digits.
pub(super) fn number(value: f64) -> String {
    format!("{value:.*}", decimals(value, 4))
}

/// A number without trailing zeros, for lengths that people chose themselves: `2 s`, `2.5 s`.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `12.34 ms`.
pub(super) fn time(ns: f64) -> String {
    let (factor, unit) = time_unit(ns);
    format!("{} {unit}", number(ns / factor))
}

/// A length of the plan: `2 s`, `150 ms`.
pub(super) fn length(ns: u64) -> String {
    let ns = ns as f64;
    let (factor, unit) = time_unit(ns);
    format!("{} {unit}", short(ns / factor))
}

/// `1 replication`, `10 replications`.
pub(super) fn replications(plan: &PlanInfo) -> String {
    match (plan.replications, plan.no_chance) {
        (1, _) => "1 replication".to_owned(),
        (n, false) => format!("{n} replications"),
        (n, true) => format!("{n} replications, all the same: nothing is drawn, no intervals"),
    }
}

/// An amount of memory: `3.5 GiB`, `512 MiB`.
pub(super) fn bytes(value: u64) -> String {
    let value = value as f64;
    let (factor, unit) = match value {
        x if x < 1024.0 * 1024.0 => (1024.0, "KiB"),
        x if x < 1024.0 * 1024.0 * 1024.0 => (1024.0 * 1024.0, "MiB"),
        _ => (1024.0 * 1024.0 * 1024.0, "GiB"),
    };
    let shown = format!("{:.2}", value / factor);
    let shown = shown.trim_end_matches('0').trim_end_matches('.');
    format!("{shown} {unit}")
}

/// A count with separators: `1,234,567`.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What a value is measured in, and how it is therefore shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nanoseconds, shown in the unit that fits.
    Time,
    /// A fraction, shown in percent.
    Percent,
    /// A bare number: rates with their unit in the heading, ratios, indices.
    Plain,
}

impl Shown {
    /// How values of a metric are shown.
    pub(super) fn of(unit: result::Unit) -> Shown {
        match unit {
            result::Unit::Time => Shown::Time,
            result::Unit::Fraction => Shown::Percent,
            _ => Shown::Plain,
        }
    }

    /// What a value of this size is divided by, and what stands behind it.
    fn scale(self, size: f64) -> (f64, String) {
        match self {
            Shown::Time => {
                let (factor, name) = time_unit(size);
                (factor, format!(" {name}"))
            }
            Shown::Percent => (0.01, " %".to_owned()),
            Shown::Plain => (1.0, String::new()),
        }
    }
}

/// `12.34 ± 0.21 ms`, `83.21 ± 0.12 %`, `1.234 ± 0.012`, or without `±` when there is no interval.
pub(super) fn with_interval(value: f64, half_width: Option<f64>, unit: Shown) -> String {
    let (factor, suffix) = unit.scale(value);
    let mut places = decimals(value / factor, 4);
    if unit == Shown::Percent {
        places = places.min(2);
    }
    match half_width {
        None => format!("{:.places$}{suffix}", value / factor),
        Some(width) => {
            let (places, width) = half_width_text(width / factor, places);
            format!("{:.places$} ± {width}{suffix}", value / factor)
        }
    }
}

/// `+1.21 ± 0.32 ms`, `-3.10 ± 0.45 pp` (percentage points): a signed difference, in the unit that fits
/// the larger of the two, since its interval may be much wider than it is large.
pub(super) fn difference(value: f64, half_width: f64, unit: Shown) -> String {
    let (factor, suffix) = unit.scale(value.abs().max(half_width));
    let suffix = if unit == Shown::Percent {
        " pp"
    } else {
        &suffix
    };
    let shown = value / factor;
    let (places, width) = half_width_text(half_width / factor, decimals(shown, 4));
    let shown = format!("{shown:+.places$}");
    // A zero has no sign.
    let shown = if shown.contains(|c: char| c.is_ascii_digit() && c != '0') {
        shown
    } else {
        shown.trim_start_matches(['+', '-']).to_owned()
    };
    format!("{shown} ± {width}{suffix}")
}

/// The half-width as text, and the decimals that it and its value are shown with, at most `places`.
fn half_width_text(half_width: f64, places: usize) -> (usize, String) {
    if half_width == 0.0 {
        return (places, "0".to_owned());
    }
    // Two digits of the half-width are all that the value can be trusted to.
    let places = places.min(decimals(half_width, 2));
    let rounded = format!("{half_width:.places$}");
    if rounded.trim_matches(['0', '.']).is_empty() {
        let least = format!("{}1", "0".repeat(places.saturating_sub(1)));
        let least = if places == 0 {
            "1".to_owned()
        } else {
            format!("0.{least}")
        };
        (places, format!("<{least}"))
    } else {
        (places, rounded)
    }
}

/// Why an estimate has no interval, where it has none.
pub(super) fn reason(estimate: &Estimate) -> Option<String> {
    match (&estimate.note, estimate.value, estimate.half_width) {
        (_, Some(_), Some(_)) => None,
        (Some(note), _, _) => Some(words::reason(note)),
        (None, Some(_), None) => {
            let method = words::method(estimate.method);
            Some(format!("no interval (method: {method})"))
        }
        (None, None, _) => Some("undefined here".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_choose_their_unit() {
        assert_eq!(time(0.0), "0 ns");
        assert_eq!(time(999.0), "999.0 ns");
        assert_eq!(time(12_345.6), "12.35 µs");
        assert_eq!(time(2_083_333.0), "2.083 ms");
        assert_eq!(time(61e9), "61.00 s");
        assert_eq!(length(2_000_000_000), "2 s");
        assert_eq!(length(1_500_000), "1.5 ms");
    }

    #[test]
    fn intervals_limit_the_decimals_of_their_value() {
        let ms = 1e6;
        assert_eq!(
            with_interval(12.3456 * ms, Some(0.21 * ms), Shown::Time),
            "12.35 ± 0.21 ms"
        );
        assert_eq!(
            with_interval(1.23456 * ms, Some(0.21 * ms), Shown::Time),
            "1.23 ± 0.21 ms"
        );
        assert_eq!(
            with_interval(1.23456 * ms, Some(1.0), Shown::Time),
            "1.235 ± <0.001 ms"
        );
        assert_eq!(with_interval(1.5, Some(15.2), Shown::Plain), "2 ± 15");
        assert_eq!(with_interval(7.0, Some(0.0), Shown::Plain), "7.000 ± 0");
        assert_eq!(
            with_interval(0.83214, Some(0.00123), Shown::Percent),
            "83.21 ± 0.12 %"
        );
        assert_eq!(
            with_interval(12_345.6, Some(0.1), Shown::Plain),
            "12346 ± <1"
        );
    }

    #[test]
    fn differences_have_a_sign_and_the_unit_of_the_larger_part() {
        let ms = 1e6;
        assert_eq!(
            difference(1.2 * ms, 0.3 * ms, Shown::Time),
            "+1.20 ± 0.30 ms"
        );
        assert_eq!(difference(-120.0, 3.0 * ms, Shown::Time), "0.0 ± 3.0 ms");
        assert_eq!(
            difference(-0.031, 0.0045, Shown::Percent),
            "-3.10 ± 0.45 pp"
        );
        assert_eq!(difference(0.0, 0.0, Shown::Plain), "0 ± 0");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
    }
}
