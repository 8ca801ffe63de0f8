//! Profiles of GPU kernels in launch order, as Orion publishes them (github.com/eth-easl/orion,
//! `benchmarking/model_kernels`).

use super::trace::{Errors, Lines, TraceError};
use crate::engine::time::{LONGEST, Nanos};

/// One kernel of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// How long it runs alone on the board of the profile, nanoseconds; at least one.
    pub time: Nanos,
    /// SMs that would hold all its blocks at once; at least one. More than a board has means that
    /// the blocks run in several waves.
    pub sms: u32,
    pub class: KernelClass,
}

/// What limits a kernel by the roofline of Nsight Compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelClass {
    ComputeBound,
    MemoryBound,
    /// Neither limit is near.
    Unclassified,
}

/// Columns that are read; `Name` and `Memory_footprint` (always zero) are not.
const COLUMNS: [&str; 3] = ["Profile", "SM_usage", "Duration"];

const HEADER: &str =
    "a profile starts with the line `Name,Profile,Memory_footprint,SM_usage,Duration`";

/// Reads a profile.
///
/// # Errors
///
/// All that is wrong with the header, or else with the rows.
pub fn read(path: &str, bytes: &[u8]) -> Result<Vec<Kernel>, Vec<TraceError>> {
    let mut errors = Errors::new(path);
    let mut lines = Lines::new(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut record = csv::ByteRecord::new();
    let mut places: Option<[usize; 3]> = None;
    let mut kernels = Vec::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                errors.push(None, None, error.to_string(), None);
                return Err(errors.finish());
            }
        }
        let line = lines.of(&record);
        let Some(places) = places else {
            let place = |name: &str| record.iter().position(|cell| cell == name.as_bytes());
            let found = COLUMNS.map(place);
            for (name, place) in COLUMNS.iter().zip(found) {
                if place.is_none() {
                    let problem = format!("there is no column `{name}`");
                    errors.push(Some(line), None, problem, Some(HEADER.to_owned()));
                }
            }
            let [Some(class), Some(sms), Some(time)] = found else {
                return Err(errors.finish());
            };
            places = Some([class, sms, time]);
            continue;
        };
        match kernel(&record, places) {
            Ok(kernel) => kernels.push(kernel),
            Err((column, problem, remedy)) => {
                errors.push(Some(line), Some(column), problem, Some(remedy.to_owned()));
            }
        }
    }
    if errors.is_empty() && kernels.is_empty() {
        let problem = "there are no kernels".to_owned();
        errors.push(None, None, problem, Some(HEADER.to_owned()));
    }
    if errors.is_empty() {
        Ok(kernels)
    } else {
        Err(errors.finish())
    }
}

/// Column, problem, remedy.
type Refusal = (&'static str, String, &'static str);

fn kernel(record: &csv::ByteRecord, [class, sms, time]: [usize; 3]) -> Result<Kernel, Refusal> {
    let cell = |index: usize| {
        let bytes = record.get(index).unwrap_or_default();
        String::from_utf8_lossy(bytes).trim().to_owned()
    };
    // Whole numbers, some of them written as `98.0`.
    let whole = |index: usize, largest: f64| {
        let value: Option<f64> = cell(index).parse().ok();
        value.filter(|value| (1.0..=largest).contains(value) && *value == libm::trunc(*value))
    };
    let class = match cell(class).as_str() {
        "1" => KernelClass::ComputeBound,
        "0" => KernelClass::MemoryBound,
        "-1" => KernelClass::Unclassified,
        other => {
            let remedy = "1 is compute-bound, 0 memory-bound, -1 unclassified";
            return Err(("Profile", format!("`{other}` is not a class"), remedy));
        }
    };
    let Some(sms) = whole(sms, f64::from(u32::MAX)) else {
        let problem = format!("`{}` is not a number of SMs", cell(sms));
        return Err(("SM_usage", problem, "a whole number, 1 or more"));
    };
    let Some(time) = whole(time, LONGEST as f64) else {
        let problem = format!("`{}` is not a duration", cell(time));
        return Err(("Duration", problem, "whole nanoseconds, 1 or more"));
    };
    Ok(Kernel {
        time: time as Nanos,
        sms: sms as u32,
        class,
    })
}
