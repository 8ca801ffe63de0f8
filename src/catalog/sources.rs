//! Where figures come from: the list of sources, and the keys that a row gives for its figures.

use super::cells;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One public source, a row of `data/sources.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Key that rows of the catalogue refer to.
    #[serde(deserialize_with = "cells::text")]
    pub key: String,
    /// What kind of evidence it is: vendor document, listing of real hardware, copy of a data sheet.
    #[serde(deserialize_with = "cells::text")]
    pub kind: String,
    #[serde(deserialize_with = "cells::text")]
    pub title: String,
    /// Where it can be read.
    #[serde(deserialize_with = "cells::text")]
    pub locator: String,
    pub commit_or_version: Option<String>,
    pub licence: Option<String>,
}

/// The `source` cell of a row: which source keys stand behind which columns.
///
/// Written as `column,column=KEY,KEY (remark); column=KEY`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSources {
    entries: Vec<(String, String)>,
}

impl FieldSources {
    /// Keys of one column as written, remark included.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|(name, _)| name == column)
            .map(|(_, keys)| keys.as_str())
    }

    /// Columns and their keys, in the order of the cell.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|(column, keys)| (column.as_str(), keys.as_str()))
    }

    /// Replaces what is known about a column.
    pub(super) fn set(&mut self, column: &str, keys: String) {
        match self.entries.iter_mut().find(|(name, _)| name == column) {
            Some(entry) => entry.1 = keys,
            None => self.entries.push((column.to_owned(), keys)),
        }
    }

    fn parse(cell: &str) -> Result<FieldSources, String> {
        let mut entries = Vec::new();
        for group in cell.split("; ").filter(|group| !group.is_empty()) {
            let (columns, keys) = group
                .split_once('=')
                .ok_or_else(|| format!("`{group}` is not of the form `column,column=KEY`"))?;
            for column in columns.split(',') {
                if entries.iter().any(|(name, _)| name == column) {
                    return Err(format!("column `{column}` has its sources given twice"));
                }
                entries.push((column.to_owned(), keys.to_owned()));
            }
        }
        Ok(FieldSources { entries })
    }
}

impl<'de> Deserialize<'de> for FieldSources {
    fn deserialize<D: Deserializer<'de>>(cell: D) -> Result<Self, D::Error> {
        let text = String::deserialize(cell)?;
        FieldSources::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// As an object: column → keys.
impl Serialize for FieldSources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// The keys in a list such as `TPU,UPB` or `RTXSE (4g row)`, without remarks.
///
/// ```
/// use warpshare_input::catalog::source_keys;
/// assert_eq!(source_keys("JBARROW,SCW (7g row)").collect::<Vec<_>>(), ["JBARROW", "SCW"]);
/// ```
pub fn source_keys(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(|part| match part.split_once(" (") {
        Some((key, _)) => key.trim(),
        None => part.trim(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_cell_gives_each_column_its_keys() {
        let sources = FieldSources::parse("a,b=K1,K2 (7g row); c=K3").expect("well formed");
        assert_eq!(sources.get("b"), Some("K1,K2 (7g row)"));
        assert_eq!(sources.get("c"), Some("K3"));
        assert_eq!(sources.get("K3"), None);
    }

    #[test]
    fn malformed_source_cells_are_refused() {
        assert!(FieldSources::parse("a,b").unwrap_err().contains("`a,b`"));
        assert!(
            FieldSources::parse("a=K; a=L")
                .unwrap_err()
                .contains("twice")
        );
    }
}
