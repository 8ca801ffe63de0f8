//! Device memory: what guests hold, what their jobs allocate, and whether it can ever fit.
//!
//! A vGPU brings its own frame buffer, less what its guest does not see; contexts and MPS clients
//! allocate from the board or the GPU instance.

use crate::catalog::Catalog;
use crate::scenario::elements::board::Facts;
use crate::scenario::elements::gpu::Gpu;
use crate::scenario::elements::guest::{Guest, GuestMemory, Holds};
use crate::scenario::elements::placed::Placed;
use crate::scenario::elements::workloads::Resolved;
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::Field;
use crate::scenario::key::units::write_bytes;
use crate::scenario::read::raw::{RawGuest, RawScenario};
use crate::scenario::settle::inside::Machine;
use crate::workload::dist::Dist;
use crate::workload::{Arrivals, Size};

/// What a guest may allocate: `Some(None)` if nothing is said of memory, `None` after an error.
pub(crate) fn of_guest(
    c: &mut Checker,
    field: &Field<RawGuest>,
    placed: &Placed,
    machine: &Machine<'_>,
    board: &Facts,
    workload: Option<&Resolved>,
    catalog: &Catalog,
) -> Option<Option<GuestMemory>> {
    let path = format!("guests.{}", placed.name);
    let guest = &field.value;
    let jobs = workload
        .is_some_and(|resolved| resolved.workload.memory.is_some() || resolved.engine.is_some());
    let before = c.findings.0.len();
    if !matches!(placed.holds, Holds::Client { .. }) && !machine.is_spatial() {
        let why = "only MPS limits the memory of a client";
        let instead = "remove it, or share with mode = \"spatial\"";
        c.no_effect(&guest.memory_limit, "memory_limit", why, instead);
    }
    if guest.memory.is_none() && guest.memory_limit.is_none() && !jobs {
        return Some(None);
    }
    let mut memory = GuestMemory::default();
    if let Some(held) = &guest.memory {
        memory.held = held.value.bytes;
        let text = write_bytes(held.value.exact);
        c.file_value(&format!("{path}.memory"), text, &held.span);
    }
    if let Some(limit) = &guest.memory_limit {
        memory.limit = Some(limit.value.bytes);
        let text = write_bytes(limit.value.exact);
        c.file_value(&format!("{path}.memory_limit"), text, &limit.span);
        if limit.value.bytes < memory.held {
            let title = format!("guest `{}` holds more than it may allocate", placed.name);
            let label = format!("and `memory` is {}", write_bytes(memory.held as f64));
            c.error(&limit.span, title, label, "raise the limit, or hold less");
        }
    }
    if let Holds::Vgpu {
        type_name,
        frame_buffer_mib,
        ..
    } = &machine.placed.holds
    {
        memory.vgpu = Some(visible(c, &path, board, type_name, *frame_buffer_mib, catalog)? << 20);
    }
    (c.findings.0.len() == before).then_some(Some(memory))
}

/// Frame buffer that the guest of a vGPU sees, MiB.
fn visible(
    c: &mut Checker,
    path: &str,
    board: &Facts,
    type_name: &str,
    nominal: u64,
    catalog: &Catalog,
) -> Option<u64> {
    let path = format!("{path}.visible_memory");
    let found = catalog.vgpu_type(&board.id, type_name)?;
    if let Some(visible) = found.guest_visible_fb_mib {
        let source = format!("vgpu_types.csv, {type_name}");
        c.catalogue_value(&path, format!("{visible}MiB"), source);
        return Some(visible);
    }
    let part: f64 = c.assume(&path, "vgpu.visible_memory", None).parse().ok()?;
    Some((nominal as f64 * part) as u64)
}

/// Refuses what can never fit, and what would fail for ever.
pub(crate) fn check(c: &mut Checker, raw: &RawScenario, gpus: &[Gpu], guests: &[Guest]) {
    for guest in guests {
        let Some(memory) = &guest.memory else {
            continue;
        };
        let Some(field) = raw.guests.get(&guest.name) else {
            continue;
        };
        let (capacity, held, whose) = match memory.vgpu {
            Some(visible) => (Some(visible), held_in_vgpu(guests, guest), "its vGPU"),
            None => shared_memory(gpus, guests, guest),
        };
        let Some(capacity) = capacity else {
            continue;
        };
        if held > capacity {
            // Said at the last guest in the text that holds something there.
            let span = field.value.memory.as_ref().map_or(&field.span, |f| &f.span);
            let title = format!(
                "guest `{}` does not fit into the memory of {whose}",
                guest.name
            );
            let label = format!("{} held there, and it has {}", size(held), size(capacity));
            let help = "fewer guests, less memory each, or a larger board, instance or vGPU type";
            c.error(span, title, label, help);
            continue;
        }
        let limit = memory
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(memory.held));
        let left = (capacity - held).min(limit);
        let workload = raw.workloads.get(&guest.workload.name);
        let asked = workload.and_then(|workload| workload.value.memory.as_ref());
        let (Some(asked), Some(job)) = (asked, &guest.workload.memory) else {
            continue;
        };
        if let Size::Drawn(Dist::Constant(bytes)) = job
            && *bytes > left as f64
        {
            let title = format!("no job of guest `{}` ever fits into {whose}", guest.name);
            let label = format!("{} are left beside what is held", size(left));
            c.error(&asked.span, title, label, "a smaller job, or more memory");
        }
        if let Arrivals::Closed { think, .. } = &guest.workload.arrivals
            && *think == Dist::Constant(0.0)
        {
            let title = "a job that is out of memory would be tried again at once, for ever";
            let label = format!("guest `{}` has users who do not think", guest.name);
            let help = "give arrivals a `think` time, such as think = \"100ms\", or open arrivals";
            c.error(&asked.span, title, label, help);
        }
    }
}

/// In mebibytes where gibibytes do not come out whole.
fn size(bytes: u64) -> String {
    match bytes >> 20 {
        mib if mib % 1024 == 0 => format!("{}GiB", mib >> 10),
        mib => format!("{mib}MiB"),
    }
}

/// What a virtual machine and the processes inside it hold in each of its vGPUs.
fn held_in_vgpu(guests: &[Guest], guest: &Guest) -> u64 {
    let machine = |guest: &Guest| match guest.holds {
        Holds::Process { machine, .. } => guests.get(machine).map(|machine| machine.name.clone()),
        _ => Some(guest.name.clone()),
    };
    let own = machine(guest);
    let held = guests.iter().filter(|other| machine(other) == own);
    held.filter_map(|other| {
        let each = match other.holds {
            Holds::Process { each, .. } => each,
            _ => 1,
        };
        Some(other.memory?.held.saturating_mul(u64::from(each)))
    })
    .fold(0, u64::saturating_add)
}

/// Capacity of the memory domain of a context, what all guests hold there, and its name in words.
fn shared_memory(
    gpus: &[Gpu],
    guests: &[Guest],
    guest: &Guest,
) -> (Option<u64>, u64, &'static str) {
    let domains = gpus[guest.gpu].domains();
    let instance = |domain: usize| domains[domain].instance.map(|instance| &instance.name);
    let held_on = |gpu: usize| {
        guests
            .iter()
            .filter(|other| other.count_on(gpu) > 0)
            .filter(|other| instance(other.domain) == instance(guest.domain))
            .filter_map(|other| {
                let memory = other.memory.filter(|memory| memory.vgpu.is_none())?;
                Some(u64::from(other.count_on(gpu)).saturating_mul(memory.held))
            })
            .fold(0, u64::saturating_add)
    };
    // The fullest of its GPUs.
    let held = guest.gpus().into_iter().map(held_on).max().unwrap_or(0);
    let whose = match instance(guest.domain) {
        Some(_) => "its GPU instance",
        None => "its GPU",
    };
    (domains[guest.domain].memory, held, whose)
}
