//! Readers for the cells of the catalogue's CSV files. An empty cell is `None`, always.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// `yes`, `no` or unknown.
pub(super) fn yes_no<'de, D: Deserializer<'de>>(cell: D) -> Result<Option<bool>, D::Error> {
    flag(cell, "yes", "no")
}

/// `1`, `0` or unknown.
pub(super) fn one_zero<'de, D: Deserializer<'de>>(cell: D) -> Result<Option<bool>, D::Error> {
    flag(cell, "1", "0")
}

fn flag<'de, D: Deserializer<'de>>(
    cell: D,
    yes: &'static str,
    no: &'static str,
) -> Result<Option<bool>, D::Error> {
    let text = String::deserialize(cell)?;
    match text.as_str() {
        "" => Ok(None),
        t if t == yes => Ok(Some(true)),
        t if t == no => Ok(Some(false)),
        t => Err(D::Error::custom(format!(
            "`{t}` is neither `{yes}` nor `{no}`"
        ))),
    }
}

/// A list of names separated by semicolons.
pub(super) fn names<'de, D: Deserializer<'de>>(cell: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(cell)?;
    Ok(text
        .split(';')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

/// A list of numbers separated by spaces, or unknown.
pub(super) fn numbers<'de, D: Deserializer<'de>>(cell: D) -> Result<Option<Vec<u32>>, D::Error> {
    let text = String::deserialize(cell)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.split(' ')
        .map(|word| {
            word.parse()
                .map_err(|_| D::Error::custom(format!("`{word}` is not a whole number")))
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

/// A list of numbers separated by semicolons, or unknown.
pub(super) fn list<'de, D: Deserializer<'de>>(cell: D) -> Result<Option<Vec<u32>>, D::Error> {
    let words = names(cell)?;
    let numbers: Vec<u32> = words
        .iter()
        .map(|word| {
            word.parse()
                .map_err(|_| D::Error::custom(format!("`{word}` is not a whole number")))
        })
        .collect::<Result<_, _>>()?;
    Ok((!numbers.is_empty()).then_some(numbers))
}

/// `yes` or `no`; the column has no unknown cells.
pub(super) fn yes_or_no<'de, D: Deserializer<'de>>(cell: D) -> Result<bool, D::Error> {
    yes_no(cell)?.ok_or_else(|| D::Error::custom("an empty cell where `yes` or `no` is needed"))
}

/// Text that must be there.
pub(super) fn text<'de, D: Deserializer<'de>>(cell: D) -> Result<String, D::Error> {
    let text = String::deserialize(cell)?;
    if text.trim().is_empty() {
        return Err(D::Error::custom("an empty cell where a name is needed"));
    }
    Ok(text)
}
