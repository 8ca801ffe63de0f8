//! Profiles of GPU kernels in launch order: as Orion publishes them (github.com/eth-easl/orion,
//! `benchmarking/model_kernels`), or as Nsight Systems exports them.

pub mod nsight;

use super::table::Table;
use super::trace::{Errors, TraceError};
use crate::engine::time::{LONGEST, Nanos};
use nsight::Launch;

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
    /// Neither limit is near, or nobody has looked.
    Unclassified,
}

/// A profile as it is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Profile {
    /// Kernels with SM need and class.
    Orion(Vec<Kernel>),
    /// Launches with their grids; what an SM holds of them depends on the SM.
    Nsight {
        launches: Vec<Launch>,
        /// What the file has beside kernels, and what is not used of it.
        remarks: Vec<String>,
    },
}

/// Columns that are read; `Name` and `Memory_footprint` (always zero) are not.
const COLUMNS: [&str; 3] = ["Profile", "SM_usage", "Duration"];

const HEADER: &str = "a profile starts with the line `Name,Profile,Memory_footprint,SM_usage,Duration`, or is \
                      what `nsys stats --report cuda_gpu_trace --format csv` writes";

/// Reads a profile.
///
/// # Errors
///
/// All that is wrong with the header, or else with the rows.
pub fn read(path: &str, bytes: &[u8]) -> Result<Profile, Vec<TraceError>> {
    let mut errors = Errors::new(path);
    let Some(table) = Table::open(bytes, HEADER, &mut errors) else {
        return Err(errors.finish());
    };
    let profile = if nsight::is_trace(&table.names) {
        nsight::read(table, &mut errors)
    } else {
        orion(table, &mut errors).map(Profile::Orion)
    };
    match profile {
        Some(profile) if errors.is_empty() => Ok(profile),
        _ => Err(errors.finish()),
    }
}

fn orion(mut table: Table<'_>, errors: &mut Errors<'_>) -> Option<Vec<Kernel>> {
    let found = table.find(&COLUMNS);
    for (name, place) in COLUMNS.iter().zip(&found) {
        if place.is_none() {
            let problem = format!("there is no column `{name}`");
            errors.push(Some(table.line), None, problem, Some(HEADER.to_owned()));
        }
    }
    let &[Some(class), Some(sms), Some(time)] = found.as_slice() else {
        return None;
    };
    let mut kernels = Vec::new();
    let mut record = csv::ByteRecord::new();
    while let Some(line) = table.next(&COLUMNS, &mut record, errors) {
        match kernel(&record, [class, sms, time]) {
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
    Some(kernels)
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
