//! Durations as scenarios and objectives write them.

/// `value` with at most `places` decimals, without trailing zeros.
pub fn trimmed(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text
    }
}

/// Nanoseconds in the largest unit that leaves at least one, to the picosecond: `1min`, `2.083333ms`.
pub fn write_nanos(nanos: f64) -> String {
    if nanos == 0.0 {
        return "0s".into();
    }
    let (unit, size, places) = match nanos {
        n if n >= 3_600e9 && n % 3_600e9 == 0.0 => ("h", 3_600e9, 0),
        n if n >= 60e9 && n % 60e9 == 0.0 => ("min", 60e9, 0),
        n if n >= 1e9 => ("s", 1e9, 9),
        n if n >= 1e6 => ("ms", 1e6, 6),
        n if n >= 1e3 => ("us", 1e3, 3),
        _ => ("ns", 1.0, 3),
    };
    format!("{}{unit}", trimmed(nanos / size, places))
}
