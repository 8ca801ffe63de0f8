//! `[guests]`: where they live, what they hold, what they do.

use crate::catalog::Catalog;
use crate::diagnostics::nearest;
use crate::scenario::elements::board::Facts;
use crate::scenario::elements::gpu::GpuInstance;
use crate::scenario::elements::guest::{Guest, Holds};
use crate::scenario::elements::placed::{Placed, domain_paths, domain_sms};
use crate::scenario::elements::speed::{self, Speed};
use crate::scenario::elements::workloads::Resolved;
use crate::scenario::elements::{frames, queue, spatial, terms};
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::Field;
use crate::scenario::read::raw::{RawGpu, RawGuest, RawMode, RawScenario, RawShare};
use crate::scenario::settle::cards::{Card, Cards, written};
use crate::scenario::settle::inside::Machine;
use crate::scenario::settle::{inside, memory, mixed};
use crate::workload::{Discipline, OperationKind, Workload};
use std::collections::{BTreeMap, BTreeSet};

/// Where a guest that is inside nobody lives, and what it holds. `boards` are the GPUs whose board is known; GPUs with a
/// mistake in them are named but not known, and nothing more is said about their guests.
pub(crate) fn place(
    c: &mut Checker,
    raw: &RawScenario,
    name: &str,
    field: &Field<RawGuest>,
    (boards, cards): (&BTreeMap<String, Facts>, &Cards),
    instances: &BTreeMap<String, Vec<GpuInstance>>,
    catalog: &Catalog,
) -> Option<Placed> {
    let path = format!("guests.{name}");
    let guest = &field.value;
    let count = c.count(&format!("{path}.count"), &guest.count, 1, 100_000, Some(1));
    let Location { gpu, domain, card } = locate(c, (raw, cards), &path, field, instances)?;
    let spatial = raw
        .gpus
        .get(&gpu)
        .and_then(|field| share_of(&field.value, &domain))
        .is_some_and(|share| {
            let mode = share.value.mode.as_ref();
            mode.is_some_and(|mode| mode.value == RawMode::Spatial)
        });
    let holds = holds(c, &path, field, boards.get(&gpu), catalog);
    let holds_span = [
        guest.vgpu.as_ref().map(|f| &f.span),
        guest.context.as_ref().map(|f| &f.span),
    ]
    .into_iter()
    .flatten()
    .next()
    .unwrap_or(&field.span)
    .clone();
    let client = spatial && holds == Some(Holds::Context);
    if !client && !inside::side_by_side(raw, name, guest) {
        spatial::refuse_cap(c, &guest.active_thread_percentage);
    }
    let vgpus = count.zip(holds.as_ref()).map(|(count, holds)| match holds {
        Holds::Vgpu { number, .. } => u64::from(count) * u64::from(*number),
        _ => 0,
    });
    let placement_ids = mixed::given(c, &path, guest, vgpus?);
    let mut placed = Placed {
        name: name.to_string(),
        gpu,
        domain,
        count: count?,
        ordinals: Vec::new(),
        card,
        placement_ids: placement_ids?,
        holds: holds?,
        inside: None,
        holds_span,
    };
    if client {
        let sms = domain_sms(boards, instances, &placed)?;
        let sms = spatial::guest_cap(c, &path, guest, sms).ok()?;
        placed.holds = Holds::Client { sms };
    }
    Some(placed)
}

/// Where a guest is.
struct Location {
    gpu: String,
    domain: String,
    /// The card that it names as a whole; `gpu` is the first of it.
    card: Option<String>,
}

/// GPU and domain that a guest names.
fn locate(
    c: &mut Checker,
    (raw, cards): (&RawScenario, &Cards),
    path: &str,
    field: &Field<RawGuest>,
    instances: &BTreeMap<String, Vec<GpuInstance>>,
) -> Option<Location> {
    let names: BTreeSet<String> = raw.gpus.keys().map(|gpu| written(gpu).to_owned()).collect();
    let (gpu, domain, span) = match &field.value.on {
        Some(on) => {
            let (gpu, domain) = on.value.split_once('.').unwrap_or((&on.value, ""));
            if !names.contains(gpu) {
                c.unknown_name(&on.span, "GPU", gpu, "gpus", &names);
                return None;
            }
            c.file_value(&format!("{path}.on"), &*on.value, &on.span);
            (gpu.to_owned(), domain.to_owned(), on.span.clone())
        }
        None if c.refused.contains(&format!("{path}.on")) => return None,
        None => match names.iter().collect::<Vec<_>>().as_slice() {
            [only] => {
                c.by_default(&format!("{path}.on"), format!("{only} (the only GPU)"));
                ((*only).clone(), String::new(), field.span.clone())
            }
            [] => return None, // said once for the file
            several => {
                let list: Vec<&str> = several.iter().map(|n| n.as_str()).collect();
                let help = format!("this file has the GPUs {}", list.join(", "));
                c.missing(&field.span, path, "on", help);
                return None;
            }
        },
    };
    if let Some(card) = cards.get(&gpu) {
        return on_card(c, (gpu, card), domain, &span);
    }
    // A GPU with a mistake in it is named but not known: nothing is said about its instances.
    let whole = |gpu, domain| Location {
        gpu,
        domain,
        card: None,
    };
    let Some(divided) = instances.get(&gpu) else {
        return Some(whole(gpu, domain));
    };
    let paths: Vec<String> = domain_paths(divided)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    if paths.is_empty() && !domain.is_empty() {
        let title = format!("GPU `{gpu}` has no instances");
        let help = format!("write on = \"{gpu}\", or add [gpus.{gpu}.instances.{domain}]");
        c.error(&span, title, "not divided", help);
        return None;
    }
    if !paths.is_empty() && !paths.contains(&domain) {
        let full: Vec<String> = paths.iter().map(|path| format!("{gpu}.{path}")).collect();
        let title = if domain.is_empty() {
            format!("GPU `{gpu}` is divided into instances")
        } else {
            format!("there is no `{gpu}.{domain}`")
        };
        let wanted = format!("{gpu}.{domain}");
        let help = match nearest(&wanted, full.iter().map(String::as_str)) {
            Some(near) if !domain.is_empty() => format!("did you mean on = \"{near}\"?"),
            _ => format!("guests live on one of {}", full.join(", ")),
        };
        c.error(
            &span,
            title,
            "name the instance that the guest lives on",
            help,
        );
        return None;
    }
    Some(whole(gpu, domain))
}

/// A card as a whole, or the GPU of it that `number` names.
fn on_card(
    c: &mut Checker,
    (name, card): (String, &Card),
    number: String,
    span: &Span,
) -> Option<Location> {
    if number.is_empty() {
        return Some(Location {
            gpu: card.gpus.first()?.clone(),
            domain: number,
            card: Some(name),
        });
    }
    let wanted = format!("{name}.{number}");
    if card.gpus.contains(&wanted) {
        return Some(Location {
            gpu: wanted,
            domain: String::new(),
            card: None,
        });
    }
    let title = format!("card `{name}` has no GPU `{wanted}`");
    let help = format!("its GPUs are {}", card.gpus.join(", "));
    c.error(span, title, "not on the card", help);
    None
}

/// The share table of a domain.
fn share_of<'a>(gpu: &'a RawGpu, domain: &str) -> Option<&'a Field<RawShare>> {
    let (instance, ci) = domain.split_once('.').unwrap_or((domain, ""));
    match (instance, ci) {
        ("", _) => gpu.share.as_ref(),
        (_, "") => gpu.instances.get(instance)?.value.share.as_ref(),
        _ => {
            let instance = &gpu.instances.get(instance)?.value;
            instance.cis.get(ci)?.value.share.as_ref()
        }
    }
}

fn holds(
    c: &mut Checker,
    path: &str,
    field: &Field<RawGuest>,
    board: Option<&Facts>,
    catalog: &Catalog,
) -> Option<Holds> {
    let guest = &field.value;
    let refused = |c: &Checker, key: &str| c.refused.contains(&format!("{path}.{key}"));
    if ["vgpu", "context", "vgpus", "inside"]
        .iter()
        .any(|key| refused(c, key))
    {
        return None;
    }
    let context = guest.context.as_ref().is_some_and(|f| f.value);
    match (&guest.vgpu, context) {
        (Some(vgpu), true) => {
            let help = "remove `context`, or remove `vgpu`";
            let title = "a guest holds either vGPUs or a CUDA context";
            c.error(&vgpu.span, title, "`context = true` says otherwise", help);
            None
        }
        (None, false) => {
            let help = "vgpu = \"A40-4Q\", or context = true for a CUDA context on the bare GPU";
            c.missing(&field.span, path, "vgpu", help);
            None
        }
        (None, true) => {
            if guest.vgpus.is_some() {
                let why = "a context is no vGPU";
                c.no_effect(&guest.vgpus, "vgpus", why, "for more contexts use `count`");
                return None;
            }
            let span = guest
                .context
                .as_ref()
                .map_or(&field.span, |f| &f.span)
                .clone();
            c.file_value(&format!("{path}.context"), "true", &span);
            Some(Holds::Context)
        }
        (Some(vgpu), false) => {
            let board = board?;
            if board.is_neutral() {
                let title = "the neutral board has no vGPU types";
                c.error(&vgpu.span, title, "not here", "use context = true");
                return None;
            }
            let number = c.count(&format!("{path}.vgpus"), &guest.vgpus, 1, 1000, Some(1))?;
            let Some(found) = catalog.vgpu_type_named(&board.id, &vgpu.value) else {
                unknown_type(c, vgpu, board, catalog);
                return None;
            };
            let text = format!("{} ({} MiB)", found.type_name, found.frame_buffer_mib);
            c.file_value(&format!("{path}.vgpu"), text, &vgpu.span);
            Some(Holds::Vgpu {
                type_name: found.type_name.clone(),
                number,
                frame_buffer_mib: found.frame_buffer_mib,
            })
        }
    }
}

fn unknown_type(c: &mut Checker, vgpu: &Field<String>, board: &Facts, catalog: &Catalog) {
    let help = catalog.suggest_vgpu_type(&board.id, &vgpu.value);
    let title = format!("`{}` has no vGPU type `{}`", board.id, vgpu.value);
    c.error(&vgpu.span, title, "not a type of this board", help);
}

/// The rest of a guest: start, streams, queue, and its workload with the speed of its board.
pub(crate) fn finish(
    c: &mut Checker,
    (field, placed): (&Field<RawGuest>, &Placed),
    machine: &Machine<'_>,
    (gpu, domain): (usize, usize),
    board: &Facts,
    workload: Option<&Resolved>,
    catalog: &Catalog,
) -> Option<Guest> {
    let path = format!("guests.{}", placed.name);
    let guest = &field.value;
    let order = match &guest.order {
        Some(order) => {
            c.file_value(
                &format!("{path}.order"),
                order.value.to_string(),
                &order.span,
            );
            order.value
        }
        None => {
            c.by_default(&format!("{path}.order"), "0");
            0
        }
    };
    let start = match &machine.field.value.start {
        Some(start) => {
            let nanos = start.value.nanos;
            c.file_value(
                &format!("{path}.start"),
                crate::scenario::key::units::write_nanos(nanos as f64),
                &start.span,
            );
            nanos
        }
        None => {
            c.by_default(&format!("{path}.start"), "0s");
            0
        }
    };
    let streams = c.count(
        &format!("{path}.streams"),
        &guest.streams,
        1,
        10_000,
        Some(1),
    );
    let queue = queue::resolve(c, &path, guest);
    if workload.is_some_and(|resolved| resolved.engine.is_some()) && streams != Some(1) {
        let why = "an engine runs its iterations one after the other";
        let instead = "remove it; more engines are more guests (`count`), each with an llm.cache";
        c.no_effect(&guest.streams, "streams", why, instead);
    }
    let deadline = match &guest.deadline {
        Some(deadline) => c.positive(&format!("{path}.deadline"), deadline).map(Some),
        None => {
            c.by_default(&format!("{path}.deadline"), "none");
            Some(None)
        }
    };
    let terms = terms::resolve(c, &path, guest);
    let memory = memory::of_guest(c, field, placed, machine, board, workload, catalog);
    let workload = attach(
        c,
        &path,
        placed,
        machine.is_spatial() || streams.is_some_and(|streams| streams > 1),
        board,
        workload?,
        catalog,
    )
    .map(frames::scaled);
    let found = Guest {
        name: placed.name.clone(),
        count: placed.count,
        gpu,
        spread: Vec::new(),
        domain,
        holds: placed.holds.clone(),
        within: machine.within.filter(|_| placed.inside.is_none()).cloned(),
        start,
        order,
        streams: streams?,
        queue: queue?,
        deadline: deadline?,
        terms: terms?,
        memory: memory?,
        workload: workload?,
    };
    queue::check(c, &guest.queue, &found);
    Some(found)
}

/// The workload as it runs on this board; `several` of its operations may run at once.
fn attach(
    c: &mut Checker,
    path: &str,
    placed: &Placed,
    several: bool,
    board: &Facts,
    resolved: &Resolved,
    catalog: &Catalog,
) -> Option<Workload> {
    let mut workload = resolved.workload.clone();
    for (stage, operation, roofline) in &resolved.rooflines {
        let stage = workload.stages.get_mut(*stage)?;
        let operation = stage.operations.get_mut(*operation)?;
        if let OperationKind::Gpu(work) = &mut operation.kind {
            let path = format!("{path}.roofline.{}.{}", stage.name, operation.name);
            roofline.settle(c, &path, placed, board, work)?;
        }
    }
    if let (Some(engine), Discipline::LanguageModel(llm)) =
        (&resolved.engine, &mut workload.discipline)
    {
        engine.settle(c, path, placed, board, llm)?;
    }
    let timed = &resolved.timed;
    let bound = timed.iter().any(|(_, _, work)| work.memory_bound > 0.0)
        || !resolved.rooflines.is_empty()
        || resolved.engine.is_some();
    let shares = several || matches!(placed.holds, Holds::Client { .. });
    if bound && (shares || !placed.domain.is_empty()) && !c.neutral {
        let limited = c.assume(&format!("{path}.bandwidth"), "rates.bandwidth", None) != "off";
        let reach = limited.then(|| c.assume(&format!("{path}.reach"), "rates.reach", None));
        // Checked where it was read.
        let reach: Option<f64> = reach.and_then(|text| text.parse().ok());
        let stages = workload.stages.iter_mut();
        for operation in stages.flat_map(|stage| &mut stage.operations) {
            match &mut operation.kind {
                OperationKind::Gpu(work) if !limited => {
                    work.memory_bound = 0.0;
                    work.arithmetic = None;
                }
                OperationKind::Gpu(work) if work.memory_bound > 0.0 => work.reach = reach,
                OperationKind::Iteration {
                    reach: of_engine,
                    bandwidth,
                } => (*of_engine, *bandwidth) = (reach, limited),
                _ => {}
            }
        }
    }
    let Some(reference) = &resolved.reference else {
        return Some(workload);
    };
    if resolved.timed.is_empty() || reference.value == board.id {
        return Some(workload);
    }
    let Some(gpu) = catalog.gpu(&reference.value) else {
        return None; // said once, at the workload
    };
    if board.is_neutral() {
        let help = "leave `reference` out: times then hold on the guest's own board";
        let title = "no board can be compared with the neutral one";
        c.error(
            &reference.span,
            title,
            format!("used by guest `{}`", placed.name),
            help,
        );
        return None;
    }
    if !c.neutral {
        let rule = c.assume(
            &format!("{path}.reference_scaling"),
            "reference.scaling",
            None,
        );
        if rule == "none" {
            return Some(workload);
        }
    }
    let theirs = Speed {
        fp32_tflops: gpu.fp32_tflops,
        fp16_tensor_tflops: gpu.fp16_tensor_tflops_dense,
        memory_gb_s: gpu.memory_bandwidth_gb_s,
    };
    let mut said = BTreeSet::new();
    for &(stage, operation, ref work) in &resolved.timed {
        let speed = match speed::relative_speed(board.speed, theirs, work) {
            Ok(speed) => speed,
            Err(fact) => {
                let own = match fact {
                    "fp32_tflops" => board.speed.fp32_tflops.is_none(),
                    "fp16_tensor_tflops" => board.speed.fp16_tensor_tflops.is_none(),
                    _ => board.speed.memory_gb_s.is_none(),
                };
                let who = if own { &board.id } else { &gpu.id };
                let key = if own {
                    format!("give gpus.{}.{fact}", placed.gpu)
                } else {
                    format!(
                        "give it in a `boards` file, or measure on another reference than `{who}`"
                    )
                };
                let title = format!("the catalogue does not know `{fact}` of `{who}`");
                let label = format!("needed to carry GPU time over to guest `{}`", placed.name);
                c.error(&reference.span, title, label, key);
                return None;
            }
        };
        let stage = workload.stages.get_mut(stage)?;
        let operation = stage.operations.get_mut(operation)?;
        if let OperationKind::Gpu(work) = &mut operation.kind {
            work.speed = speed;
        }
        // Kernels of a profile share names, and with them their speed.
        let key = format!("{path}.speed.{}.{}", stage.name, operation.name);
        if said.insert(key.clone()) {
            let text = format!("{} x {}", speed::write_speed(speed), reference.value);
            c.by_default(&key, text);
        }
    }
    Some(workload)
}
