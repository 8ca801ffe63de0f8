//! Processes in virtual machines: `inside` of a guest, and the `share` of the guest that holds their
//! vGPUs.

use crate::catalog::Catalog;
use crate::policy::Turns;
use crate::scenario::elements::board::Facts;
use crate::scenario::elements::gpu::{Gpu, GpuInstance, Share};
use crate::scenario::elements::guest::{Guest, Holds, Within};
use crate::scenario::elements::placed::{Placed, domain_sms};
use crate::scenario::elements::sharing::{Part, Place, Tenancy};
use crate::scenario::elements::{share, spatial};
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::Field;
use crate::scenario::read::raw::{RawGuest, RawMode, RawScenario, RawShare};
use crate::vgpu::Rule;
use std::collections::{BTreeMap, BTreeSet};

/// Guests of one group, processes included.
const MOST: u64 = 100_000;

/// The virtual machine of a guest: its own, or the one that it is a process in. Guests without a vGPU are
/// theirs too, with nobody inside.
#[derive(Clone, Copy)]
pub(crate) struct Machine<'a> {
    pub placed: &'a Placed,
    pub field: &'a Field<RawGuest>,
    pub within: Option<&'a Within>,
}

impl Machine<'_> {
    /// Whether processes run side by side in it.
    pub fn is_spatial(&self) -> bool {
        let share = self.within.map(|within| &within.share);
        matches!(share, Some(Share::Spatial(_)))
    }
}

/// The `on` of a guest, or of the virtual machine that it is inside.
pub(crate) fn on<'a>(raw: &'a RawScenario, guest: &'a RawGuest) -> Option<&'a Field<String>> {
    let machine = guest.inside.as_ref().and_then(|inside| {
        let machine = raw.guests.get(&inside.value)?;
        Some(&machine.value)
    });
    machine.unwrap_or(guest).on.as_ref()
}

/// Whether guests say that they are inside this one.
fn anybody(raw: &RawScenario, name: &str) -> bool {
    let mut guests = raw.guests.values();
    guests.any(|guest| {
        let inside = guest.value.inside.as_ref();
        inside.is_some_and(|inside| inside.value == name)
    })
}

/// Whether those inside this guest run side by side with it.
pub(crate) fn side_by_side(raw: &RawScenario, name: &str, guest: &RawGuest) -> bool {
    let mode = guest.share.as_ref().and_then(|s| s.value.mode.as_ref());
    anybody(raw, name) && mode.is_some_and(|mode| mode.value == RawMode::Spatial)
}

/// Where a process is; `placed` are the guests that are inside nobody.
pub(crate) fn place(
    c: &mut Checker,
    raw: &RawScenario,
    (name, field): (&str, &Field<RawGuest>),
    placed: &[Placed],
    boards: &BTreeMap<String, Facts>,
    instances: &BTreeMap<String, Vec<GpuInstance>>,
) -> Option<Vec<Placed>> {
    let path = format!("guests.{name}");
    let guest = &field.value;
    let inside = guest.inside.as_ref()?;
    let before = c.findings.0.len();
    let why = "a process is where its virtual machine is, and starts with it";
    c.no_effect(&guest.on, "on", why, "remove it, or `inside`");
    c.no_effect(&guest.vgpu, "vgpu", why, "remove it, or `inside`");
    c.no_effect(&guest.vgpus, "vgpus", why, "remove it");
    c.no_effect(&guest.context, "context", why, "remove it, or `inside`");
    c.no_effect(&guest.start, "start", why, "remove it");
    let why = "nobody can be inside a process";
    let instead = "write it at the guest that holds the vGPU";
    c.no_effect(&guest.share, "share", why, instead);
    let each = c.count(&format!("{path}.count"), &guest.count, 1, 100_000, Some(1));
    let names: BTreeSet<String> = raw.guests.keys().cloned().collect();
    let Some(index) = names.iter().position(|known| *known == inside.value) else {
        c.unknown_name(&inside.span, "guest", &inside.value, "guests", &names);
        return None;
    };
    c.file_value(&format!("{path}.inside"), &*inside.value, &inside.span);
    let theirs = &raw.guests[&inside.value].value;
    let parts = placed.iter().filter(|other| other.name == inside.value);
    let parts: Vec<&Placed> = parts.collect();
    let machine = parts.first().copied();
    let no_vgpu = match machine {
        Some(machine) => !machine.holds.is_vgpu(),
        None => theirs.inside.is_some(), // else said of that guest
    };
    if no_vgpu {
        let title = format!("guest `{}` holds no vGPU", inside.value);
        let label = "processes are inside virtual machines";
        let help =
            "name a guest with `vgpu`; contexts on a bare GPU are guests with `context = true`";
        c.error(&inside.span, title, label, help);
    }
    let machine = machine?;
    let sms = domain_sms(boards, instances, machine)?;
    let cap = if side_by_side(raw, &inside.value, theirs) {
        spatial::guest_cap(c, &path, guest, sms).ok()?
    } else {
        spatial::refuse_cap(c, &guest.active_thread_percentage);
        None
    };
    let each = each?;
    let machines: u64 = parts.iter().map(|part| u64::from(part.count)).sum();
    let count = u64::from(each) * machines;
    if count > MOST {
        let title = format!(
            "{count} processes in the machines of guest `{}`",
            machine.name
        );
        let span = guest.count.as_ref().map_or(&inside.span, |f| &f.span);
        let label = format!("at most {MOST}, and there are {machines} machines");
        c.error(span, title, label, "");
    }
    let part = |machine: &&Placed| Placed {
        name: name.to_owned(),
        gpu: machine.gpu.clone(),
        domain: machine.domain.clone(),
        count: machine.count * each, // checked above
        ordinals: machine
            .ordinals
            .iter()
            .flat_map(|ordinal| ordinal * each..(ordinal + 1) * each)
            .collect(),
        card: None,
        placement_ids: Vec::new(),
        holds: Holds::Process {
            machine: index,
            each,
            sms: cap,
        },
        inside: Some(machine.name.clone()),
        holds_span: inside.span.clone(),
    };
    (c.findings.0.len() == before).then(|| parts.iter().map(part).collect())
}

/// How each virtual machine shares its vGPUs with the processes inside it, by its name.
pub(crate) fn shares(
    c: &mut Checker,
    raw: &RawScenario,
    placed: &[Placed],
    boards: &BTreeMap<String, Facts>,
    instances: &BTreeMap<String, Vec<GpuInstance>>,
    catalog: &Catalog,
) -> BTreeMap<String, Within> {
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for machine in placed.iter().filter(|placed| placed.inside.is_none()) {
        if !seen.insert(&machine.name) {
            continue; // another part of it
        }
        let Some(field) = raw.guests.get(&machine.name) else {
            continue;
        };
        let key = &field.value.share;
        if !machine.holds.is_vgpu() {
            let why = "this guest holds no vGPU that processes could share";
            c.no_effect(key, "share", why, "share the GPU itself: [gpus.NAME.share]");
            continue;
        }
        if !anybody(raw, &machine.name) {
            let why = "nobody else is inside this virtual machine";
            let instead = format!(
                "remove it, or add a guest with inside = \"{}\"",
                machine.name
            );
            c.no_effect(key, "share", why, &instead);
            continue;
        }
        let path = format!("guests.{}", machine.name);
        let none = RawShare::default();
        let raw_share = key.as_ref().map_or(&none, |field| &field.value);
        let why = "within a vGPU each context takes turns as one";
        c.no_effect(&raw_share.turns, "turns", why, "remove it");
        let why = "within a vGPU a slice that ends at an arrival has ended before it";
        c.no_effect(&raw_share.ties, "ties", why, "remove it");
        let inside = placed.iter().filter_map(|other| match other.holds {
            Holds::Process { each, .. } if other.inside.as_ref() == Some(&machine.name) => {
                Some(u64::from(each))
            }
            _ => None,
        });
        let facts = boards.get(&machine.gpu);
        let tenancy = Tenancy {
            vgpus: false,
            tenants: 1 + inside.sum::<u64>(),
            type_maximum: None,
            a100: facts.is_some_and(|facts| facts.name.contains("A100")),
            part: Part::Vgpu,
            slices: None,
            mixed_sizes: false,
        };
        let place = Place {
            share: key,
            holder: &field.span,
        };
        let share = share::resolve(c, &path, &place, &tenancy);
        if let (Some(Share::Spatial(_)), Some(mode)) = (&share, &raw_share.mode)
            && let (Holds::Vgpu { type_name, .. }, Some(facts)) = (&machine.holds, facts)
            && catalog
                .vgpu_type(&facts.id, type_name)
                .is_some_and(|found| !found.cuda)
        {
            let title = format!("MPS needs CUDA, which `{type_name}` does not offer");
            let help = "use mode = \"time-slice\", or another vGPU type";
            c.error(&mode.span, title, Rule::Cuda.fact(), help);
        }
        let cap = match (&share, domain_sms(boards, instances, machine)) {
            (Some(Share::Spatial(_)), Some(sms)) => spatial::guest_cap(c, &path, &field.value, sms),
            _ => Ok(None), // a cap without effect was refused where the guest was placed
        };
        if let (Some(share), Ok(sms)) = (share, cap) {
            found.insert(machine.name.clone(), Within { share, sms });
        }
    }
    found
}

/// Refuses processes in vGPUs that have no turn of their own.
pub(crate) fn check_turns(c: &mut Checker, raw: &RawScenario, gpus: &[Gpu], guests: &[Guest]) {
    for guest in guests.iter().filter(|guest| guest.within.is_some()) {
        let domains = gpus[guest.gpu].domains();
        let Share::TimeSlice(config) = domains[guest.domain].share else {
            continue;
        };
        if config.turns == Turns::PerChannel
            && let Some(field) = raw.guests.get(&guest.name)
        {
            let span = field.value.share.as_ref().map_or(&field.span, |f| &f.span);
            let title = format!("a vGPU of guest `{}` takes no turn of its own", guest.name);
            let label = "with turns = \"per-channel\" the board gives turns to streams";
            let help = "share the board with turns = \"per-tenant\", or put nobody inside";
            c.error(span, title, label, help);
        }
    }
}
