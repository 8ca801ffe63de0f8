//! Numbers in the cells of measured points.

/// What a number must be.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Positive,
    Count,
    Share,
    Percent,
    Ratio,
}

/// What is wrong, and what would be right.
pub(super) type Refused = (String, Option<&'static str>);

/// A number such as `12.5`, a share also as `50 %` or `1/7`.
pub(super) fn number(text: &str, kind: Kind) -> Result<f64, Refused> {
    let refuse = |what: &str, help| Err((what.to_owned(), help));
    let plain = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    if text.is_empty() {
        return refuse("the cell is empty", None);
    }
    let value = match (kind, text.strip_suffix('%'), text.split_once('/')) {
        (Kind::Share | Kind::Percent, Some(percent), _) => {
            let scale = if kind == Kind::Share { 100.0 } else { 1.0 };
            plain(percent).map(|value| value / scale)
        }
        (Kind::Share, None, Some((over, under))) => {
            plain(over).zip(plain(under)).map(|(a, b)| a / b)
        }
        _ => plain(text),
    };
    let Some(value) = value.filter(|value| value.is_finite()) else {
        let help = match kind {
            Kind::Share => "a share is written `0.5`, `50 %` or `1/7`",
            Kind::Percent => "per cent of the SMs, such as `50`",
            Kind::Ratio => "the whole board over the slice, such as `7`",
            Kind::Count => "a whole number from 1 on",
            Kind::Positive => "a number without its unit: the column's name has the unit",
        };
        return refuse(&format!("`{text}` is not a number"), Some(help));
    };
    match kind {
        _ if value <= 0.0 => refuse(&format!("`{text}` is not above 0"), None),
        Kind::Share if value > 1.0 => refuse(
            &format!("`{text}` is more than the whole board"),
            Some("a share is at most 1; per cent are written with their sign, `50 %`"),
        ),
        Kind::Percent if value > 100.0 => {
            refuse(&format!("`{text}` is more than the whole board"), None)
        }
        Kind::Ratio if value < 1.0 => refuse(
            &format!("`{text}` is below 1"),
            Some(
                "a ratio is the whole board over the slice; for the inverse use `sm_share` and `memory_share`",
            ),
        ),
        Kind::Count if value.fract() != 0.0 || value > 1e9 => {
            refuse(&format!("`{text}` is not a whole number up to 10⁹"), None)
        }
        _ => Ok(value),
    }
}
