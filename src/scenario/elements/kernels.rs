//! An operation `kernels`: a profile of kernels that run one after another.

use crate::scenario::elements::amounts::{form, present};
use crate::scenario::elements::operations::Scaling;
use crate::scenario::elements::speed::Timed;
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::Field;
use crate::scenario::key::units::write_nanos;
use crate::scenario::read::raw_workload::RawOperation;
use crate::workload::data_file;
use crate::workload::dist::Dist;
use crate::workload::kernels::nsight::Sm;
use crate::workload::kernels::{self, Kernel, KernelClass, Profile};
use crate::workload::{GpuWork, Grid, Operation, OperationKind, Size};

/// Whether an operation is a profile.
pub(crate) fn is_profile(name: &str, field: &Field<RawOperation>) -> bool {
    name == "kernels" || field.value.file.is_some()
}

/// The kernels of a profile in launch order, each for a stage of its own. They are named after their
/// class, which is all that they have in common with their neighbours.
pub(crate) fn expand(
    c: &mut Checker,
    path: &str,
    field: &Field<RawOperation>,
) -> Option<Vec<(Operation, Scaling)>> {
    let raw = &field.value;
    let keys = present!(raw; kind, time, bytes, flops, precision, flop_efficiency, byte_efficiency, sms,
                        memory_bound, blocks, blocks_per_sm, kernel, file);
    form(
        c,
        "a profile of kernels",
        &field.span,
        &keys,
        &[&["file"]],
        &[],
    )?;
    let file = raw.file.as_ref()?;
    let bytes = match data_file::read(&c.base.join(&file.value)) {
        Ok(bytes) => bytes,
        Err(error) => {
            let title = format!("cannot read profile `{}`: {error}", file.value);
            let help = "file names are relative to the folder of the scenario";
            c.error(&file.span, title, "this file", help);
            return None;
        }
    };
    let profile = match kernels::read(&file.value, &bytes) {
        Ok(profile) => profile,
        Err(errors) => {
            for error in errors {
                let line = error
                    .line
                    .map_or(String::new(), |line| format!(", line {line}"));
                let title = format!("profile `{}`{line}: {}", error.file, error.problem);
                c.error(
                    &file.span,
                    title,
                    "asked for here",
                    error.remedy.unwrap_or_default(),
                );
            }
            return None;
        }
    };
    let profile = kernels_of(c, path, file, profile)?;
    let total: u64 = profile
        .iter()
        .map(|kernel| kernel.time)
        .fold(0, u64::saturating_add);
    let text = format!(
        "{} ({} kernels, {} alone)",
        file.value,
        profile.len(),
        write_nanos(total as f64)
    );
    c.file_value(&format!("{path}.file"), text, &file.span);
    let mut bounds = [0.0; 3];
    for (bound, class) in bounds.iter_mut().zip(CLASSES) {
        if !c.neutral && profile.iter().any(|kernel| kernel.class == class) {
            let text = c.assume(&format!("{path}.{}", word(class)), assumption(class), None);
            // Checked where it was read.
            *bound = text.parse().unwrap_or(0.0);
        }
    }
    let operations = profile.into_iter().map(|kernel| {
        let class = CLASSES.iter().position(|&class| class == kernel.class);
        operation(kernel, class.map_or(0.0, |class| bounds[class]))
    });
    Some(operations.collect())
}

/// The kernels of a profile, with what is assumed about the SMs that they ran on.
fn kernels_of(
    c: &mut Checker,
    path: &str,
    file: &Field<String>,
    profile: Profile,
) -> Option<Vec<Kernel>> {
    let (launches, remarks) = match profile {
        Profile::Orion(kernels) => return Some(kernels),
        Profile::Nsight { launches, remarks } => (launches, remarks),
    };
    if c.neutral {
        let title = "a GPU trace does not say how many SMs its kernels need";
        let label = "that takes assumptions, and preset = \"neutral\" makes none";
        let help = "leave `preset` out, or write the columns Name, Profile, Memory_footprint, SM_usage, Duration";
        c.error(&file.span, title, label, help);
        return None;
    }
    for remark in remarks {
        c.notices.push(format!("{path}: {remark}"));
    }
    let mut number = |key: &'static str| -> Option<f64> {
        let what = key.rsplit('.').next().unwrap_or(key);
        // Checked where it was read.
        c.assume(&format!("{path}.{what}"), key, None).parse().ok()
    };
    let sm = Sm {
        threads: number("kernels.threads_per_sm")? as u32,
        shared: number("kernels.shared_kib_per_sm")? * 1024.0,
    };
    Some(launches.iter().map(|launch| launch.kernel(sm)).collect())
}

const CLASSES: [KernelClass; 3] = [
    KernelClass::ComputeBound,
    KernelClass::MemoryBound,
    KernelClass::Unclassified,
];

fn word(class: KernelClass) -> &'static str {
    match class {
        KernelClass::ComputeBound => "compute-bound",
        KernelClass::MemoryBound => "memory-bound",
        KernelClass::Unclassified => "unclassified",
    }
}

fn assumption(class: KernelClass) -> &'static str {
    match class {
        KernelClass::ComputeBound => "kernels.compute_bound",
        KernelClass::MemoryBound => "kernels.memory_bound",
        KernelClass::Unclassified => "kernels.unclassified",
    }
}

/// A kernel has a grid in units of what an SM holds at once: waves and SM need are then those of its
/// blocks, ceil(ceil(blocks / per SM) / SMs) = ceil(blocks / (per SM · SMs)).
fn operation(kernel: Kernel, memory_bound: f64) -> (Operation, Scaling) {
    let work = GpuWork {
        time: Size::Drawn(Dist::Constant(kernel.time as f64)),
        sms: Some(kernel.sms),
        memory_bound,
        reach: None,
        grid: Some(Grid {
            blocks: u64::from(kernel.sms),
            blocks_per_sm: 1,
        }),
        arithmetic: None,
        speed: 1.0,
        kernel: Some(kernel.time),
    };
    let operation = Operation {
        name: word(kernel.class).to_owned(),
        kind: OperationKind::Gpu(work),
    };
    let timed = Timed {
        memory_bound,
        precision: None,
    };
    (operation, Scaling::Timed(timed))
}
