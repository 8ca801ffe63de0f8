//! A column of measured numbers, for empirical distributions.

use super::table::Table;
use super::trace::{Errors, TraceError, missing, number};

/// Reads the numbers of a column of a CSV file with a line of column names, or of JSON lines.
///
/// ```
/// use warpshare_model::workload::column;
/// assert_eq!(column::read("t.csv", b"ms,who\n1.5,a\n2,b\n", "ms"), Ok(vec![1.5, 2.0]));
/// ```
///
/// # Errors
///
/// All that is wrong with the file, or else with its rows; numbers are finite, 0 or more.
pub fn read(path: &str, bytes: &[u8], name: &str) -> Result<Vec<f64>, Vec<TraceError>> {
    let mut errors = Errors::new(path);
    let first = "a file of numbers starts with a line of column names";
    let Some(mut table) = Table::open(bytes, first, &mut errors) else {
        return Err(errors.finish());
    };
    let wanted = [name];
    let Some(place) = table.find(&wanted)[0] else {
        let problem = format!("there is no column `{name}`");
        let remedy = Some(missing(name, &table.names));
        errors.push(Some(table.line), None, problem, remedy);
        return Err(errors.finish());
    };
    let mut values = Vec::new();
    let mut record = csv::ByteRecord::new();
    while let Some(line) = table.next(&wanted, &mut record, &mut errors) {
        let bytes = record.get(place).unwrap_or_default();
        match number(String::from_utf8_lossy(bytes).trim()) {
            Ok(value) => values.push(value),
            Err(problem) => {
                let remedy = "every row of this column must be a number, 0 or more".to_owned();
                errors.push(Some(line), Some(name), problem, Some(remedy));
            }
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(errors.finish())
    }
}
