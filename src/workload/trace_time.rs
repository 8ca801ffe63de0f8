//! Times of traces: decimal numbers and timestamps, read exactly into whole nanoseconds.

use super::trace::TimeFormat;

/// What is wrong, and a remedy if there is one to name.
type Problem = (String, Option<String>);

/// Decimal digits of a unit's fraction that make a nanosecond.
const SECOND_DIGITS: i64 = 9;

/// Nanoseconds on the trace's own clock.
pub(super) fn parse(text: &str, format: TimeFormat) -> Result<i128, Problem> {
    if text.is_empty() {
        return Err(("the cell is empty".to_owned(), None));
    }
    let (unit, digits) = match format {
        TimeFormat::Nanoseconds => ("nanoseconds", 0),
        TimeFormat::Microseconds => ("microseconds", 3),
        TimeFormat::Milliseconds => ("milliseconds", 6),
        TimeFormat::Seconds => ("seconds", SECOND_DIGITS),
        TimeFormat::Timestamp => return timestamp(text),
    };
    let remedy = |text: &str| Some(text.to_owned());
    match decimal(text, digits) {
        Ok(time) => Ok(time),
        Err(Bad::Negative) => Err((
            format!("`{text}` is negative"),
            remedy("times count up from 0 or from any later origin"),
        )),
        Err(Bad::Large) => Err((
            format!("`{text}` {unit} is more than a trace can hold"),
            remedy("check `time_format`, the unit of the times"),
        )),
        Err(Bad::Syntax) if timestamp(text).is_ok() => Err((
            format!("`{text}` is a timestamp, not a number of {unit}"),
            remedy("set `time_format = \"timestamp\"`"),
        )),
        Err(Bad::Syntax) => Err((
            format!("`{text}` is not a number of {unit}"),
            remedy("write a decimal number such as 12.5"),
        )),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Bad {
    Syntax,
    Negative,
    Large,
}

/// Largest number that is accepted, far beyond any clock: keeps sums and differences in range.
const LIMIT: u128 = 1 << 100;

/// `text` × 10^`shift`, rounded to a whole number, ties to even. Exact: works on the digits.
fn decimal(text: &str, shift: i64) -> Result<i128, Bad> {
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            // Beyond four digits nothing fits in any case.
            let exponent: i16 = exponent.parse().map_err(|_| Bad::Syntax)?;
            (mantissa, i64::from(exponent))
        }
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(Bad::Syntax);
    }
    let mut digits = Vec::with_capacity(whole.len() + fraction.len());
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return Err(Bad::Syntax);
        }
        digits.push(byte - b'0');
    }
    if digits.iter().all(|&digit| digit == 0) {
        return Ok(0);
    }
    if negative {
        return Err(Bad::Negative);
    }
    // Digits in front of the decimal point after the shift; zero or less when all stand behind it.
    let point = whole.len() as i64 + exponent + shift;
    let digit = |place: i64| {
        let index = usize::try_from(place).ok();
        index.and_then(|i| digits.get(i)).copied().unwrap_or(0)
    };
    let mut value: u128 = 0;
    for place in 0..point {
        value = value * 10 + u128::from(digit(place));
        if value > LIMIT {
            return Err(Bad::Large);
        }
    }
    let next = if point < 0 { 0 } else { digit(point) };
    let beyond = usize::try_from(point + 1).unwrap_or(0);
    let rest = digits.iter().skip(beyond).any(|&digit| digit != 0);
    let up = next > 5 || (next == 5 && (rest || value % 2 == 1));
    i128::try_from(value + u128::from(up)).map_err(|_| Bad::Large)
}

/// Nanoseconds since 1970-01-01 00:00:00 UTC, not counting leap seconds.
fn timestamp(text: &str) -> Result<i128, Problem> {
    let shape = || {
        (
            format!("`{text}` is not a timestamp"),
            Some("write `2023-11-16 18:15:46.6805900`".to_owned()),
        )
    };
    let range = |what: &str| (format!("`{text}` has no valid {what}"), None);
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.len() < 19 {
        return Err(shape());
    }
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if separators.iter().any(|&(at, byte)| bytes[at] != byte)
        || !matches!(bytes[10], b' ' | b'T' | b't')
    {
        return Err(shape());
    }
    let field = |from: usize, to: usize| whole_number(&text[from..to]).ok_or_else(shape);
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    if !(1..=12).contains(&month) {
        return Err(range("month"));
    }
    if day < 1 || day > days_in_month(year, month) {
        return Err(range("day of the month"));
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(range("time of day"));
    }
    let tail = &text[19..];
    let (fraction, zone) =
        tail.split_at(tail.find(['Z', 'z', '+', '-', ' ']).unwrap_or(tail.len()));
    let nanos = match fraction {
        "" => 0,
        _ => match fraction.strip_prefix('.') {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                decimal(fraction, SECOND_DIGITS).map_err(|_| shape())?
            }
            _ => return Err(shape()),
        },
    };
    let offset = zone_seconds(zone).ok_or_else(shape)?;
    let seconds =
        days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    Ok(i128::from(seconds) * 1_000_000_000 + nanos)
}

fn whole_number(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// Seconds east of UTC. No zone counts as UTC: only distances matter.
fn zone_seconds(zone: &str) -> Option<i64> {
    let zone = zone.trim_start();
    match zone {
        "" | "Z" | "z" => return Some(0),
        _ => {}
    }
    let sign = match zone.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone[1..].split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (whole_number(hours)?, whole_number(minutes)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, years 0 to 9999.
///
/// Years are counted from March, which puts the leap day last: the days before a month are then
/// 153 per five months, starting in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_one_by_one_over_eight_centuries() {
        let mut expected = days_from_civil(1600, 1, 1);
        for year in 1600..2400 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    assert_eq!(days_from_civil(year, month, day), expected);
                    expected += 1;
                }
            }
        }
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 2, 29), 11_016);
        assert_eq!(days_from_civil(2023, 11, 16), 19_677);
    }

    #[test]
    fn timestamps_cross_months_and_leap_days() {
        let second = 1_000_000_000;
        for (before, after) in [
            ("2024-02-28 23:59:59", "2024-02-29 00:00:00"),
            ("2024-02-29 23:59:59", "2024-03-01 00:00:00"),
            ("2023-02-28 23:59:59", "2023-03-01 00:00:00"),
            ("2000-02-29 23:59:59", "2000-03-01 00:00:00"),
            ("2100-02-28 23:59:59", "2100-03-01 00:00:00"),
            ("2023-11-30 23:59:59", "2023-12-01 00:00:00"),
            ("2023-12-31 23:59:59", "2024-01-01 00:00:00"),
            ("1969-12-31 23:59:59", "1970-01-01T00:00:00Z"),
        ] {
            let (before, after) = (timestamp(before).unwrap(), timestamp(after).unwrap());
            assert_eq!(after - before, second);
        }
        assert_eq!(timestamp("1970-01-01 00:00:00.000000001"), Ok(1));
        // Checked with `date -u -d '2023-11-16 18:15:46' +%s`.
        let azure = timestamp("2023-11-16 18:15:46.6805900").unwrap();
        assert_eq!(azure, 1_700_158_546_680_590_000);
        assert_eq!(timestamp("2023-11-16T19:15:46.68059+01:00"), Ok(azure));
        assert_eq!(timestamp("2023-11-16 13:45:46.68059-04:30"), Ok(azure));
    }

    #[test]
    fn impossible_timestamps_are_refused() {
        for text in [
            "2023-02-29 00:00:00",
            "2100-02-29 00:00:00",
            "2023-04-31 00:00:00",
            "2023-00-10 00:00:00",
            "2023-13-10 00:00:00",
            "2023-01-00 00:00:00",
            "2023-01-01 24:00:00",
            "2023-01-01 00:60:00",
            "2023-01-01 00:00:60",
            "2023-01-01",
            "2023-01-01 00:00:00.",
            "2023-01-01 00:00:00.5x",
            "2023-01-01 00:00:00.5e3",
            "2023/01/01 00:00:00",
            "2023-01-01 00:00:00+1:00",
            "2023-01-01 00:00:00 UTC",
            "+023-01-01 00:00:00",
            "２023-01-01 00:00:00",
        ] {
            assert!(timestamp(text).is_err(), "{text}");
        }
    }

    #[test]
    fn decimals_are_exact() {
        // 0.1 + 0.2 in floating point has this many digits; the nearest nanosecond is meant.
        assert_eq!(decimal("0.30000000000000004", 9), Ok(300_000_000));
        assert_eq!(
            decimal("1700158546.680590001", 9),
            Ok(1_700_158_546_680_590_001)
        );
        assert_eq!(decimal("9007199254740993", 0), Ok(9_007_199_254_740_993)); // 2^53 + 1
        assert_eq!(decimal("1.5e-3", 9), Ok(1_500_000));
        assert_eq!(decimal("2E3", 6), Ok(2_000_000_000));
        assert_eq!(decimal(".5", 3), Ok(500));
        assert_eq!(decimal("5.", 3), Ok(5_000));
        assert_eq!(decimal("+7", 0), Ok(7));
        assert_eq!(decimal("-0.0", 9), Ok(0));
    }

    #[test]
    fn parts_of_a_nanosecond_round_to_even() {
        for (text, expected) in [
            ("0.5", 0),
            ("1.5", 2),
            ("2.5", 2),
            ("2.5000001", 3),
            ("2.4999999", 2),
            ("0.05", 0),
            ("9.6", 10),
            ("5e-1", 0),
            ("51e-2", 1),
            ("6e-2", 0),
            ("9e-3", 0),
        ] {
            assert_eq!(decimal(text, 0), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", ".", "abc", "1,5", "0x10", "1e", "1 2", "NaN", "inf", "--1", "1.2.3",
        ] {
            assert_eq!(decimal(text, 9), Err(Bad::Syntax), "{text}");
        }
        assert_eq!(decimal("-1", 9), Err(Bad::Negative));
        assert_eq!(decimal("1e300", 9), Err(Bad::Large));
        assert_eq!(decimal("1e30000", 9), Err(Bad::Large));
    }

    #[test]
    fn a_timestamp_under_a_numeric_format_gets_the_right_remedy() {
        let (problem, remedy) = parse("2023-11-16 18:15:46", TimeFormat::Seconds).unwrap_err();
        assert!(problem.contains("is a timestamp"), "{problem}");
        assert!(remedy.unwrap().contains("timestamp"));
    }
}
