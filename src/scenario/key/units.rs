//! Numbers with units: `2ms`, `16GiB`, `480Hz`, `30/s`.
//!
//! Decimals are read exactly; a number without its unit is refused, because a guess about units is
//! a wrong result that looks right.

use crate::engine::time::{LONGEST, Nanos};
pub use crate::metrics::{trimmed, write_nanos};
use crate::scenario::key::field::Field;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Separates title, label and help inside the message that serde carries.
pub(crate) const PART: char = '\u{1f}';

/// A kind of quantity: its name and its units.
pub trait Quantity: Clone + fmt::Debug + Sized + 'static {
    /// With its article, such as `a duration`.
    const WHAT: &'static str;
    const SCHEMA_NAME: &'static str;
    const ABOUT: &'static str;
    /// Suffix and what it multiplies by; the first fitting suffix of the full remainder wins.
    const UNITS: &'static [(&'static str, u64)];
    /// Shown in messages.
    const EXAMPLES: &'static str;

    /// `number` is the decimal in front of the unit.
    fn build(number: Decimal, unit: u64) -> Result<Self, String>;

    /// The value in base units (nanoseconds, bytes).
    fn amount(&self) -> f64;

    /// A value in base units as the scenario language writes it.
    fn write(amount: f64) -> String;
}

/// `digits / 10^scale`, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    digits: u128,
    scale: u32,
}

impl Decimal {
    fn parse(text: &str) -> Option<Decimal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits_only = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits_only(whole) || !digits_only(fraction) {
            return None;
        }
        if text.ends_with('.') || fraction.len() > 18 || whole.len() > 20 {
            return None;
        }
        let digits = format!("{whole}{fraction}").parse().ok()?;
        let scale = u32::try_from(fraction.len()).ok()?;
        Some(Decimal { digits, scale })
    }

    fn power(self) -> u128 {
        10u128.pow(self.scale) // at most 10^18
    }

    /// The product with `unit`, to the nearest whole number, ties to even; `None` if out of range.
    fn whole(self, unit: u64) -> Option<u64> {
        let product = self.digits.checked_mul(u128::from(unit))?;
        let (floor, rest) = (product / self.power(), product % self.power());
        let up = 2 * rest > self.power() || (2 * rest == self.power() && floor % 2 == 1);
        u64::try_from(floor + u128::from(up)).ok()
    }

    /// The product with `unit` as the nearest floating-point number (for products below 2^53,
    /// else within one unit in the last place).
    fn times(self, unit: u64) -> f64 {
        match self.digits.checked_mul(u128::from(unit)) {
            Some(product) => product as f64 / self.power() as f64,
            None => self.digits as f64 * unit as f64 / self.power() as f64,
        }
    }

    fn is_zero(self) -> bool {
        self.digits == 0
    }
}

/// Reads `text` as a quantity; the error is title, label and help joined by `PART`.
pub fn parse<Q: Quantity>(text: &str) -> Result<Q, String> {
    let refuse = |title: String, label: String| -> String {
        let help = format!("write {} such as {}", Q::WHAT, Q::EXAMPLES);
        format!("{title}{PART}{label}{PART}{help}")
    };
    let trimmed = text.trim();
    if trimmed.starts_with('-') {
        return Err(refuse(
            format!("{} cannot be negative: \"{text}\"", Q::WHAT),
            "negative".into(),
        ));
    }
    let end = trimmed
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(trimmed.len());
    let (number, suffix) = trimmed.split_at(end);
    let suffix = suffix.trim();
    let Some(number) = Decimal::parse(number) else {
        return Err(refuse(
            format!("\"{text}\" is not {}", Q::WHAT),
            "not a decimal number with a unit".into(),
        ));
    };
    // `us` and `µs` are one unit; keyboards have the first.
    let names = Q::UNITS.iter().map(|u| u.0).filter(|name| name.is_ascii());
    let units: Vec<&str> = names.collect();
    let Some((_, unit)) = Q::UNITS.iter().find(|(name, _)| *name == suffix) else {
        let label = if suffix.is_empty() {
            "the unit is missing".to_string()
        } else {
            format!("`{suffix}` is not a unit here")
        };
        let title = format!("{} needs one of the units {}", Q::WHAT, units.join(", "));
        return Err(refuse(title, label));
    };
    Q::build(number, *unit).map_err(|why| refuse(format!("\"{text}\": {why}"), why))
}

/// Implements reading and schema of a quantity that is written as one string.
macro_rules! quantity_text {
    ($name:ident) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(TextVisitor(PhantomData))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                Self::SCHEMA_NAME.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                text_schema::<$name>()
            }
        }
    };
}

fn text_schema<Q: Quantity>() -> Schema {
    let units: Vec<&str> = Q::UNITS.iter().map(|u| u.0).collect();
    let pattern = format!(r"^\s*[0-9]+(\.[0-9]+)?\s*({})\s*$", units.join("|"));
    json_schema!({ "type": "string", "description": Q::ABOUT, "pattern": pattern })
}

struct TextVisitor<Q>(PhantomData<Q>);

impl<Q: Quantity> TextVisitor<Q> {
    fn number<E: Error>(text: impl fmt::Display) -> Result<Q, E> {
        Err(E::custom(format!(
            "{} needs a unit{PART}a number without a unit{PART}write {} in quotes, such as {} \
             (here: {text} of what?)",
            Q::WHAT,
            Q::WHAT,
            Q::EXAMPLES
        )))
    }
}

impl<Q: Quantity> Visitor<'_> for TextVisitor<Q> {
    type Value = Q;
    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{} such as {}", Q::WHAT, Q::EXAMPLES)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Q, E> {
        parse(text).map_err(E::custom)
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Q, E> {
        Self::number(value)
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Q, E> {
        Self::number(value)
    }
}

/// A duration, kept both as whole nanoseconds (rounded to the nearest) and as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawDuration {
    pub nanos: Nanos,
    pub exact: f64,
}

impl Quantity for RawDuration {
    const WHAT: &'static str = "a duration";
    const SCHEMA_NAME: &'static str = "Duration";
    const ABOUT: &'static str =
        "A duration: a decimal number with one of the units ns, us, ms, s, min, h.";
    const UNITS: &'static [(&'static str, u64)] = &[
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    const EXAMPLES: &'static str = "\"2ms\", \"1.5s\" or \"10min\"";

    fn build(number: Decimal, unit: u64) -> Result<Self, String> {
        let nanos = number.whole(unit).filter(|&n| n <= LONGEST);
        let nanos = nanos.ok_or("longer than 292 years")?;
        Ok(RawDuration {
            nanos,
            exact: number.times(unit),
        })
    }
    fn amount(&self) -> f64 {
        self.exact
    }
    fn write(amount: f64) -> String {
        write_nanos(amount)
    }
}
quantity_text!(RawDuration);

/// An amount of memory or of data, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawSize {
    pub bytes: u64,
    pub exact: f64,
}

impl Quantity for RawSize {
    const WHAT: &'static str = "a size";
    const SCHEMA_NAME: &'static str = "Size";
    const ABOUT: &'static str =
        "A size: a decimal number with one of the units B, KiB, MiB, GiB, TiB, kB, MB, GB, TB.";
    const UNITS: &'static [(&'static str, u64)] = &[
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
    ];
    const EXAMPLES: &'static str = "\"8MiB\" or \"100MB\"";

    fn build(number: Decimal, unit: u64) -> Result<Self, String> {
        let bytes = number
            .whole(unit)
            .filter(|&n| n <= 1_000_000_000_000_000_000);
        Ok(RawSize {
            bytes: bytes.ok_or("more than an exabyte")?,
            exact: number.times(unit),
        })
    }
    fn amount(&self) -> f64 {
        self.exact
    }
    fn write(amount: f64) -> String {
        write_bytes(amount)
    }
}
quantity_text!(RawSize);

/// Floating-point operations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawFlops {
    pub operations: f64,
}

impl Quantity for RawFlops {
    const WHAT: &'static str = "a number of operations";
    const SCHEMA_NAME: &'static str = "Flops";
    const ABOUT: &'static str = "Floating-point operations: a decimal number with one of the units MFLOP, GFLOP, TFLOP, PFLOP.";
    const UNITS: &'static [(&'static str, u64)] = &[
        ("MFLOP", 1_000_000),
        ("GFLOP", 1_000_000_000),
        ("TFLOP", 1_000_000_000_000),
        ("PFLOP", 1_000_000_000_000_000),
    ];
    const EXAMPLES: &'static str = "\"8.2GFLOP\" or \"1.5TFLOP\"";

    fn build(number: Decimal, unit: u64) -> Result<Self, String> {
        let operations = number.times(unit);
        if operations > 1e24 {
            return Err("more than a billion PFLOP".into());
        }
        Ok(RawFlops { operations })
    }
    fn amount(&self) -> f64 {
        self.operations
    }
    fn write(amount: f64) -> String {
        format!("{}GFLOP", trimmed(amount / 1e9, 9))
    }
}
quantity_text!(RawFlops);

/// Tokens of a language model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawTokens {
    pub tokens: f64,
}

impl Quantity for RawTokens {
    const WHAT: &'static str = "a number of tokens";
    const SCHEMA_NAME: &'static str = "Tokens";
    const ABOUT: &'static str = "Tokens: a decimal number and `tokens` or `token`.";
    const UNITS: &'static [(&'static str, u64)] = &[("tokens", 1), ("token", 1)];
    const EXAMPLES: &'static str = "\"512 tokens\" or \"1 token\"";

    fn build(number: Decimal, unit: u64) -> Result<Self, String> {
        Ok(RawTokens {
            tokens: number.times(unit),
        })
    }
    fn amount(&self) -> f64 {
        self.tokens
    }
    fn write(amount: f64) -> String {
        format!("{} tokens", trimmed(amount, 3))
    }
}
quantity_text!(RawTokens);

/// A frequency in hertz; zero is allowed, it asks for the default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawFrequency {
    pub hertz: f64,
}

impl Quantity for RawFrequency {
    const WHAT: &'static str = "a frequency";
    const SCHEMA_NAME: &'static str = "Frequency";
    const ABOUT: &'static str = "A frequency: a decimal number with one of the units Hz, kHz.";
    const UNITS: &'static [(&'static str, u64)] = &[("Hz", 1), ("kHz", 1_000)];
    const EXAMPLES: &'static str = "\"480Hz\"";

    fn build(number: Decimal, unit: u64) -> Result<Self, String> {
        let hertz = number.times(unit);
        if hertz > 1e9 {
            return Err("more than one slice a nanosecond".into());
        }
        if hertz != 0.0 && hertz < 1e-6 {
            return Err("slower than once in eleven days".into());
        }
        Ok(RawFrequency { hertz })
    }
    fn amount(&self) -> f64 {
        self.hertz
    }
    fn write(amount: f64) -> String {
        format!("{amount}Hz")
    }
}
quantity_text!(RawFrequency);

/// Events per time, kept as the mean gap in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawRate {
    pub gap: f64,
}

impl Quantity for RawRate {
    const WHAT: &'static str = "a rate";
    const SCHEMA_NAME: &'static str = "Rate";
    const ABOUT: &'static str =
        "A rate above zero: a decimal number with one of the units /s, /min, /h, /ms.";
    const UNITS: &'static [(&'static str, u64)] = &[
        ("/ms", 1_000_000),
        ("/s", 1_000_000_000),
        ("/min", 60_000_000_000),
        ("/h", 3_600_000_000_000),
    ];
    const EXAMPLES: &'static str = "\"30/s\" or \"2/min\"";

    fn build(number: Decimal, unit: u64) -> Result<Self, String> {
        if number.is_zero() {
            return Err("a rate must be above zero".into());
        }
        let gap = unit as f64 * number.power() as f64 / number.digits as f64;
        Ok(RawRate { gap })
    }
    fn amount(&self) -> f64 {
        self.gap
    }
    fn write(amount: f64) -> String {
        format!("one in {}", write_nanos(amount))
    }
}
quantity_text!(RawRate);

/// Bytes per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawBandwidth {
    pub bytes_per_second: f64,
}

impl Quantity for RawBandwidth {
    const WHAT: &'static str = "a bandwidth";
    const SCHEMA_NAME: &'static str = "Bandwidth";
    const ABOUT: &'static str = "A bandwidth above zero: a decimal number with one of the units B/s, kB/s, MB/s, GB/s, MiB/s, GiB/s.";
    const UNITS: &'static [(&'static str, u64)] = &[
        ("B/s", 1),
        ("kB/s", 1_000),
        ("MB/s", 1_000_000),
        ("GB/s", 1_000_000_000),
        ("MiB/s", 1 << 20),
        ("GiB/s", 1 << 30),
    ];
    const EXAMPLES: &'static str = "\"25GB/s\"";

    fn build(number: Decimal, unit: u64) -> Result<Self, String> {
        if number.is_zero() {
            return Err("a bandwidth must be above zero".into());
        }
        Ok(RawBandwidth {
            bytes_per_second: number.times(unit),
        })
    }
    fn amount(&self) -> f64 {
        self.bytes_per_second
    }
    fn write(amount: f64) -> String {
        format!("{}GB/s", trimmed(amount / 1e9, 6))
    }
}
quantity_text!(RawBandwidth);

/// A number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawProbability(pub f64);

impl<'de> Deserialize<'de> for RawProbability {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(from)?;
        if (0.0..=1.0).contains(&value) {
            Ok(RawProbability(value + 0.0))
        } else {
            Err(D::Error::custom(format!(
                "{value} is not between 0 and 1{PART}must be a fraction{PART}write a number such \
                 as 0.25"
            )))
        }
    }
}

impl JsonSchema for RawProbability {
    fn schema_name() -> Cow<'static, str> {
        "Fraction".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1,
                       "description": "A number from 0 to 1." })
    }
}

/// How running work gives way: a delay, or the words `kernel-boundary`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RawPreemption {
    Delay(RawDuration),
    KernelBoundary,
}

impl<'de> Deserialize<'de> for RawPreemption {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Field::<String>::deserialize(from)?.value;
        if text == "kernel-boundary" {
            return Ok(RawPreemption::KernelBoundary);
        }
        match parse(&text) {
            Ok(delay) => Ok(RawPreemption::Delay(delay)),
            Err(_) => Err(D::Error::custom(format!(
                "\"{text}\" says nothing about preemption{PART}neither a delay nor \
                 `kernel-boundary`{PART}write a duration such as \"40us\", or \"kernel-boundary\""
            ))),
        }
    }
}

impl JsonSchema for RawPreemption {
    fn schema_name() -> Cow<'static, str> {
        "Preemption".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let delay = generator.subschema_for::<RawDuration>();
        json_schema!({ "anyOf": [{ "const": "kernel-boundary" }, delay],
                       "description": "A delay, or `kernel-boundary`." })
    }
}

/// Bytes in the largest binary unit that divides them, else in a decimal one.
pub(crate) fn write_bytes(bytes: f64) -> String {
    let binary = [("GiB", 1073741824.0), ("MiB", 1048576.0), ("KiB", 1024.0)];
    for (unit, size) in binary {
        if (size..size * 1024.0).contains(&bytes) && bytes % (size / 4.0) == 0.0 {
            return format!("{}{unit}", trimmed(bytes / size, 2));
        }
    }
    match bytes {
        b if b >= 1e9 => format!("{}GB", trimmed(b / 1e9, 3)),
        b if b >= 1e6 => format!("{}MB", trimmed(b / 1e6, 3)),
        b if b >= 1e4 => format!("{}kB", trimmed(b / 1e3, 3)),
        b => format!("{}B", trimmed(b, 3)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> Option<u64> {
        parse::<RawDuration>(text).ok().map(|d| d.nanos)
    }

    #[test]
    fn durations_are_exact() {
        assert_eq!(nanos("2ms"), Some(2_000_000));
        assert_eq!(nanos("1.5s"), Some(1_500_000_000));
        assert_eq!(nanos("16.67ms"), Some(16_670_000));
        assert_eq!(nanos("3us"), Some(3_000));
        assert_eq!(nanos("10min"), Some(600_000_000_000));
        assert_eq!(nanos("1h"), Some(3_600_000_000_000));
        assert_eq!(nanos("0.1 s"), Some(100_000_000));
        assert_eq!(nanos("2.5ns"), Some(2));
        assert_eq!(nanos("16.6666666667ms"), Some(16_666_667));
        assert_eq!(nanos("2"), None);
        assert_eq!(nanos("-2ms"), None);
        assert_eq!(nanos(".5ms"), None);
        assert_eq!(nanos("5.ms"), None);
        assert_eq!(nanos("1e3ms"), None);
        assert_eq!(nanos("300000000h"), None);
        assert_eq!(nanos("99999999999999999999h"), None);
    }

    #[test]
    fn other_quantities() {
        assert_eq!(parse::<RawSize>("16GiB").unwrap().bytes, 16 << 30);
        assert_eq!(parse::<RawSize>("100MB").unwrap().bytes, 100_000_000);
        assert_eq!(parse::<RawRate>("30/s").unwrap().gap, 1e9 / 30.0);
        assert_eq!(parse::<RawRate>("2/min").unwrap().gap, 30e9);
        assert!(parse::<RawRate>("0/s").is_err());
        assert_eq!(parse::<RawFrequency>("480Hz").unwrap().hertz, 480.0);
        assert!(parse::<RawSize>("16G").unwrap_err().contains("GiB"));
    }

    #[test]
    fn written_durations_read_back() {
        for value in [
            1u64,
            999,
            1_024_000,
            2_083_333,
            1_500_000_000,
            60_000_000_000,
        ] {
            assert_eq!(nanos(&write_nanos(value as f64)), Some(value));
        }
        assert_eq!(write_bytes(48.0 * 1073741824.0), "48GiB");
        assert_eq!(write_bytes(100e6), "100MB");
    }
}
