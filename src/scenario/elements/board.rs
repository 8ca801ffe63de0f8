//! `[gpus]`: facts of the board, its link, and the cost of switching.

use crate::catalog::{self, Catalog};
use crate::engine::time::Nanos;
use crate::gpu::law::ClockCurve;
use crate::gpu::{Board, Charge, CopyEngines, Link, MediaEngines, Preemption, SwitchCost};
use crate::scenario::elements::speed::Speed;
use crate::scenario::key::checker::{Checker, Reported};
use crate::scenario::key::field::{Field, Key};
use crate::scenario::key::units::{
    Quantity, RawBandwidth, RawDuration, RawPreemption, write_bytes, write_nanos,
};
use crate::scenario::read::raw::RawEngines;
use crate::scenario::read::raw::{RawCharge, RawGpu, RawSwitch};
use crate::vgpu::{VfOrigin, vf_total};

/// Id of the board that stands for no hardware, and its SMs.
pub(crate) const NEUTRAL: &str = "neutral";
const NEUTRAL_SMS: u32 = 100;

/// Facts of a board; the link and the cost of switching come when its guests are known.
#[derive(Clone)]
pub(crate) struct Facts {
    pub id: String,
    pub name: String,
    pub architecture: String,
    pub sms: u32,
    pub frame_buffer_mib: u64,
    pub vfs: Option<u32>,
    /// NVENC engines; `None` = unknown.
    pub nvenc: Option<u32>,
    pub speed: Speed,
}

impl Facts {
    pub fn is_neutral(&self) -> bool {
        self.id == NEUTRAL
    }
}

/// The number of encoders that the file gives. Whether it may be that number is asked where the engines
/// are resolved.
pub(crate) fn nvenc(engines: &Key<RawEngines>) -> Option<u32> {
    let given = engines.as_ref()?.value.nvenc.as_ref()?;
    u32::try_from(given.value).ok()
}

/// Catalogue id of the board, if it exists.
pub(crate) fn board_id<'a>(
    c: &mut Checker,
    path: &str,
    field: &'a Field<RawGpu>,
    catalog: &Catalog,
) -> Option<&'a Field<String>> {
    let Some(board) = &field.value.board else {
        let help = "a catalogue id such as board = \"a40\"; `warpshare gpus` lists them";
        c.missing(&field.span, path, "board", help);
        return None;
    };
    let id = &board.value;
    if id == NEUTRAL {
        if !c.neutral {
            let title = "board `neutral` is not hardware";
            let help = "write preset = \"neutral\" at the top of the file, or name a real board";
            c.error(
                &board.span,
                title,
                "exists only under the neutral preset",
                help,
            );
            return None;
        }
    } else if catalog.gpu(id).is_none() {
        let lists = "`warpshare gpus` lists the catalogue; `boards = \"FILE\"` adds to it";
        let help = catalog.suggest_gpu(id).unwrap_or_else(|| lists.into());
        c.error(
            &board.span,
            format!("there is no board `{id}`"),
            "not in the catalogue",
            help,
        );
        return None;
    }
    Some(board)
}

/// Facts of the board with the scenario's own values in place of the catalogue's.
pub(crate) fn facts(
    c: &mut Checker,
    path: &str,
    field: &Field<RawGpu>,
    board: &Field<String>,
    catalog: &Catalog,
) -> Option<Facts> {
    let raw = &field.value;
    let known = catalog.gpu(&board.value);
    c.file_value(&format!("{path}.board"), &*board.value, &board.span);
    let sm_path = format!("{path}.sm_count");
    let sms = match (&raw.sm_count, known) {
        (Some(_), _) => c.count(&sm_path, &raw.sm_count, 1, 100_000, None),
        (None, None) => {
            c.by_default(&sm_path, NEUTRAL_SMS.to_string());
            Some(NEUTRAL_SMS)
        }
        (None, Some(gpu)) => {
            if let Some(sms) = gpu.sm_count {
                catalogued(c, &sm_path, sms.to_string(), gpu, "sm_count");
            } else {
                unknown(c, board, "number of SMs", &sm_path, "sm_count = 84");
            }
            gpu.sm_count
        }
    };
    let memory_path = format!("{path}.memory");
    let memory = match (&raw.memory, known) {
        (Some(memory), _) => {
            c.file_value(&memory_path, write_bytes(memory.value.exact), &memory.span);
            Some(memory.value.bytes >> 20)
        }
        (None, None) => Some(0),
        (None, Some(gpu)) => {
            let mib = catalog.frame_buffer_mib(&gpu.id);
            match mib {
                Some(mib) => {
                    let text = write_bytes(mib as f64 * 1048576.0);
                    catalogued(c, &memory_path, text, gpu, "memory_gib");
                }
                None => unknown(c, board, "memory", &memory_path, "memory = \"48GiB\""),
            }
            mib
        }
    };
    let vfs = match &raw.max_vfs {
        Some(_) => c.count(&format!("{path}.max_vfs"), &raw.max_vfs, 1, 100_000, None),
        None => None,
    };
    let own_fp32 = peak(c, path, "fp32_tflops", &raw.fp32_tflops)?;
    let own_fp16 = peak(c, path, "fp16_tensor_tflops", &raw.fp16_tensor_tflops)?;
    if let Some(bandwidth) = &raw.memory_bandwidth {
        let text = RawBandwidth::write(bandwidth.value.bytes_per_second);
        c.file_value(&format!("{path}.memory_bandwidth"), text, &bandwidth.span);
    }
    let own_memory = raw.memory_bandwidth.as_ref();
    let own_memory = own_memory.map(|f| f.value.bytes_per_second / 1e9);
    Some(Facts {
        id: board.value.clone(),
        name: known.map_or("neutral device".into(), |gpu| gpu.name.clone()),
        architecture: known.map_or(NEUTRAL.into(), |gpu| gpu.architecture.clone()),
        sms: sms?,
        frame_buffer_mib: memory?,
        vfs,
        nvenc: nvenc(&raw.engines).or(known.and_then(|gpu| gpu.nvenc)),
        speed: Speed {
            fp32_tflops: own_fp32.or(known.and_then(|gpu| gpu.fp32_tflops)),
            fp16_tensor_tflops: own_fp16.or(known.and_then(|gpu| gpu.fp16_tensor_tflops_dense)),
            memory_gb_s: own_memory.or(known.and_then(|gpu| gpu.memory_bandwidth_gb_s)),
        },
    })
}

/// A peak of arithmetic, if the file gives one; `None` after an error.
fn peak(c: &mut Checker, path: &str, name: &str, key: &Key<f64>) -> Option<Option<f64>> {
    let Some(field) = key else {
        return Some(None);
    };
    if field.value.is_finite() && field.value > 0.0 {
        c.file_value(
            &format!("{path}.{name}"),
            field.value.to_string(),
            &field.span,
        );
        return Some(Some(field.value));
    }
    let title = format!("`{name}` is out of range");
    c.error(&field.span, title, "must be above zero", "");
    None
}

fn catalogued(c: &mut Checker, path: &str, value: String, gpu: &catalog::Gpu, field: &str) {
    let source = gpu.source_of(field).unwrap_or("gpus.csv").to_string();
    c.catalogue_value(path, value, source);
}

fn unknown(c: &mut Checker, board: &Field<String>, what: &str, path: &str, example: &str) {
    let title = format!(
        "the catalogue does not know the {what} of `{}`",
        board.value
    );
    let help = format!("no public source is known; give `{path}`, such as {example}");
    c.error(&board.span, title, "needed for this scenario", help);
}

/// SR-IOV virtual functions, where the GPU has vGPUs.
pub(crate) fn virtual_functions(
    c: &mut Checker,
    path: &str,
    facts: &Facts,
    catalog: &Catalog,
) -> Option<u32> {
    if facts.vfs.is_some() {
        return facts.vfs;
    }
    let path = format!("{path}.max_vfs");
    let total = vf_total(catalog, &facts.id);
    match total.origin {
        VfOrigin::Catalogue { source } => {
            c.catalogue_value(&path, total.value?.to_string(), source);
            total.value
        }
        VfOrigin::MediatedDevices { source } => {
            c.catalogue_value(&path, "none (mediated devices, no limit)", source);
            None
        }
        VfOrigin::Assumption { .. } if c.neutral => {
            c.by_default(&path, total.value?.to_string());
            total.value
        }
        VfOrigin::Assumption { .. } => {
            let text = c.assume(&path, "vf.total", Some(total.value?.to_string()));
            text.parse().ok()
        }
        VfOrigin::NoTypes => None,
    }
}

/// Board with link, engines and switching; `copies` tells whether anything is copied on it.
pub(crate) fn finish(
    c: &mut Checker,
    path: &str,
    field: &Field<RawGpu>,
    facts: Facts,
    vfs: Option<u32>,
    (copies, media_engines): (bool, Option<MediaEngines>),
    catalog: &Catalog,
) -> Option<Board> {
    let board = field.value.board.as_ref()?;
    let copy_engines = copy_engines(c, path, &field.value);
    let link = link(c, path, field, board, copies, catalog.gpu(&facts.id));
    let switch = switch(c, &format!("{path}.switch"), field.value.switch.as_ref());
    Some(Board {
        id: facts.id,
        name: facts.name,
        architecture: facts.architecture,
        sms: facts.sms,
        frame_buffer_mib: facts.frame_buffer_mib,
        vfs,
        copy_engines: copy_engines?,
        media_engines: media_engines?,
        link: link?,
        switch,
    })
}

/// The clock curve of a board: `Some(None)` = one clock, `None` after an error.
pub(crate) fn clock_curve(
    c: &mut Checker,
    path: &str,
    field: &Field<RawGpu>,
) -> Option<Option<ClockCurve>> {
    let Some(points) = &field.value.clock_curve else {
        return Some(None);
    };
    let pairs = points.value.iter().map(|[part, clock]| (*part, *clock));
    let Some(curve) = ClockCurve::new(pairs.collect()) else {
        let title = "no clock curve goes through these points";
        let label = "parts of the SMs must increase within 0 to 1, clocks be above zero";
        let help = "such as clock_curve = [[0.3, 1.27], [0.5, 1.22], [1.0, 1.0]]";
        c.error(&points.span, title, label, help);
        return None;
    };
    let text: Vec<String> = curve
        .points()
        .iter()
        .map(|(part, clock)| format!("{part}: {clock}"))
        .collect();
    c.file_value(
        &format!("{path}.clock_curve"),
        text.join(", "),
        &points.span,
    );
    Some(Some(curve))
}

fn copy_engines(c: &mut Checker, path: &str, raw: &RawGpu) -> Option<CopyEngines> {
    let path = format!("{path}.copy_engines");
    let given = raw.copy_engines.as_ref().map(|field| &field.value);
    let mut one =
        |name: &str, key: Option<&crate::scenario::key::field::Key<u64>>| -> Option<u32> {
            let path = format!("{path}.{name}");
            match key {
                Some(key @ Some(_)) => c.count(&path, key, 1, 1000, None),
                _ if c.neutral => {
                    c.by_default(&path, "1");
                    Some(1)
                }
                _ => c.assume(&path, "copy.engines", None).parse().ok(),
            }
        };
    let host_to_device = one("host_to_device", given.map(|g| &g.host_to_device));
    let device_to_host = one("device_to_host", given.map(|g| &g.device_to_host));
    Some(CopyEngines {
        host_to_device: host_to_device?,
        device_to_host: device_to_host?,
    })
}

/// Bytes a second that `lanes` of a generation carry after line encoding, in each direction.
///
/// PCI Express Base Specification: 2.5, 5, 8, 16, 32 and 64 GT/s a lane; 8b/10b encoding up to
/// generation 2, 128b/130b from 3 to 5; generation 6 sends flits of 256 bytes of which 242 are
/// payload and header.
fn encoded_rate(generation: u64, lanes: u64) -> Option<f64> {
    let (giga_transfers, encoding) = match generation {
        1 => (2.5, 8.0 / 10.0),
        2 => (5.0, 8.0 / 10.0),
        3 => (8.0, 128.0 / 130.0),
        4 => (16.0, 128.0 / 130.0),
        5 => (32.0, 128.0 / 130.0),
        6 => (64.0, 242.0 / 256.0),
        _ => return None,
    };
    let usual = [1, 2, 4, 8, 16].contains(&lanes);
    usual.then(|| giga_transfers * 1e9 / 8.0 * encoding * lanes as f64)
}

fn link(
    c: &mut Checker,
    path: &str,
    field: &Field<RawGpu>,
    board: &Field<String>,
    copies: bool,
    known: Option<&catalog::Gpu>,
) -> Option<Link> {
    let raw = &field.value;
    let bandwidth_path = format!("{path}.pcie_bandwidth");
    if let (Some(pcie), Some(_)) = (&raw.pcie, &raw.pcie_bandwidth) {
        let label = "`pcie_bandwidth` already says what is achieved";
        c.error(
            &pcie.span,
            "`pcie` and `pcie_bandwidth` are both given",
            label,
            "remove one",
        );
        return None;
    }
    // The slot is checked even where nothing is copied: a mistake in it is a mistake.
    let slot = slot(c, path, raw, known);
    let latency = match &raw.pcie_latency {
        Some(latency) => {
            let nanos = latency.value.nanos;
            c.file_value(
                &format!("{path}.pcie_latency"),
                write_nanos(nanos as f64),
                &latency.span,
            );
            Some(nanos)
        }
        None => None,
    };
    if !copies {
        slot.ok()?;
        return Some(Link {
            bytes_per_second: f64::INFINITY,
            latency: latency.unwrap_or(0),
        });
    }
    let bytes_per_second = if let Some(given) = &raw.pcie_bandwidth {
        let rate = given.value.bytes_per_second;
        c.file_value(&bandwidth_path, RawBandwidth::write(rate), &given.span);
        rate
    } else if c.neutral && raw.pcie.is_none() {
        c.by_default(&bandwidth_path, "unlimited");
        f64::INFINITY
    } else {
        let Some(rate) = slot.ok()? else {
            let example = "pcie = { gen = 4, lanes = 16 }";
            unknown(c, board, "PCIe slot", &format!("{path}.pcie"), example);
            return None;
        };
        if c.neutral {
            rate
        } else {
            let efficiency = c.assume(&format!("{path}.pcie_efficiency"), "pcie.efficiency", None);
            let efficiency: f64 = efficiency.parse().ok()?;
            c.by_default(
                &bandwidth_path,
                format!(
                    "{} (rate x efficiency)",
                    RawBandwidth::write(rate * efficiency)
                ),
            );
            rate * efficiency
        }
    };
    let latency_path = format!("{path}.pcie_latency");
    let latency = match latency {
        Some(latency) => latency,
        None if c.neutral => {
            c.by_default(&latency_path, "0s");
            0
        }
        None => c.assume_duration(&latency_path, "pcie.latency"),
    };
    Some(Link {
        bytes_per_second,
        latency,
    })
}

/// Rate of the slot; `Ok(None)` if it is not known, `Err` where an error was reported.
fn slot(
    c: &mut Checker,
    path: &str,
    raw: &RawGpu,
    known: Option<&catalog::Gpu>,
) -> Result<Option<f64>, Reported> {
    let given = raw.pcie.as_ref().map(|field| &field.value);
    let mut part = |name: &str, own: Option<&Field<u64>>, theirs: Option<u32>| -> Option<u64> {
        let path = format!("{path}.pcie.{name}");
        if let Some(own) = own {
            c.file_value(&path, own.value.to_string(), &own.span);
            return Some(own.value);
        }
        let (gpu, value) = (known?, theirs?);
        catalogued(c, &path, value.to_string(), gpu, &format!("pcie_{name}"));
        Some(u64::from(value))
    };
    let own_generation = given.and_then(|g| g.r#gen.as_ref());
    let own_lanes = given.and_then(|g| g.lanes.as_ref());
    let generation = part("gen", own_generation, known.and_then(|g| g.pcie_gen));
    let lanes = part("lanes", own_lanes, known.and_then(|g| g.pcie_lanes));
    let (Some(generation), Some(lanes)) = (generation, lanes) else {
        return Ok(None);
    };
    let rate = encoded_rate(generation, lanes);
    if let (None, Some(pcie)) = (rate, &raw.pcie) {
        let label = "there are generations 1 to 6 with 1, 2, 4, 8 or 16 lanes";
        let title = format!("no PCIe slot has generation {generation} and {lanes} lanes");
        c.error(&pcie.span, title, label, "");
        return Err(Reported);
    }
    Ok(rate)
}

fn switch(c: &mut Checker, path: &str, field: Option<&Field<RawSwitch>>) -> SwitchCost {
    let none = RawSwitch::default();
    let raw = field.map_or(&none, |field| &field.value);
    let preemption_path = format!("{path}.preemption");
    let preemption = match &raw.preemption {
        Some(field) => match field.value {
            RawPreemption::KernelBoundary => {
                c.file_value(&preemption_path, "kernel-boundary", &field.span);
                Preemption::KernelBoundary
            }
            RawPreemption::Delay(delay) => {
                c.file_value(
                    &preemption_path,
                    write_nanos(delay.nanos as f64),
                    &field.span,
                );
                Preemption::Delay(delay.nanos)
            }
        },
        None => Preemption::Delay(cost(c, path, "preemption", &None, "switch.preemption")),
    };
    let charge = match &raw.charge {
        Some(field) => {
            c.file_value(&format!("{path}.charge"), field.value.word(), &field.span);
            field.value
        }
        None => {
            c.by_default(&format!("{path}.charge"), RawCharge::PerTenantChange.word());
            RawCharge::PerTenantChange
        }
    };
    SwitchCost {
        preemption,
        save: cost(c, path, "save", &raw.save, "switch.save"),
        restore: cost(c, path, "restore", &raw.restore, "switch.restore"),
        scheduler_call: cost(
            c,
            path,
            "scheduler_call",
            &raw.scheduler_call,
            "switch.scheduler_call",
        ),
        charge: match charge {
            RawCharge::PerTenantChange => Charge::PerTenantChange,
            RawCharge::PerEntryChange => Charge::PerEntryChange,
            RawCharge::PerDispatch => Charge::PerDispatch,
            RawCharge::PerSlot => Charge::PerSlot,
        },
    }
}

fn cost(
    c: &mut Checker,
    path: &str,
    name: &str,
    key: &crate::scenario::key::field::Key<RawDuration>,
    assumption: &'static str,
) -> Nanos {
    let path = format!("{path}.{name}");
    match key {
        Some(field) => {
            c.file_value(&path, write_nanos(field.value.nanos as f64), &field.span);
            field.value.nanos
        }
        None if c.neutral => {
            c.by_default(&path, "0s");
            0
        }
        None => c.assume_duration(&path, assumption),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_the_specification() {
        let rate = |generation, lanes| encoded_rate(generation, lanes).unwrap();
        assert_eq!(rate(1, 1), 250e6);
        assert_eq!(rate(2, 16), 8e9);
        assert!((rate(3, 16) - 15.753_846e9).abs() < 1e4);
        assert!((rate(4, 16) - 31.507_692e9).abs() < 1e4);
        assert_eq!(encoded_rate(7, 16), None);
        assert_eq!(encoded_rate(4, 3), None);
    }
}
