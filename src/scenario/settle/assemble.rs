//! From raw types to a checked [`Scenario`]: every element in turn, then what needs several.

use crate::catalog::Catalog;
use crate::diagnostics::{Diagnostic, Severity};
use crate::scenario::elements::board::Facts;
use crate::scenario::elements::gpu::{Gpu, GpuInstance};
use crate::scenario::elements::placed::Placed;
use crate::scenario::elements::run::{Overrides, RunPlan};
use crate::scenario::elements::{
    arrivals, board as gpus, frames, instances, llm, objectives, run, spatial, terms, workloads,
};
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::Field;
use crate::scenario::key::units;
use crate::scenario::read::preset;
use crate::scenario::read::raw::{RawPreset, RawScenario};
use crate::scenario::settle::cards::{Cards, Said, written};
use crate::scenario::settle::configuration::Configured;
use crate::scenario::settle::inside::Machine;
use crate::scenario::settle::scenario::Scenario;
use crate::scenario::settle::site::Site;
use crate::scenario::settle::{
    cards, configuration, guests, inside, memory, placement, recordings,
};
use std::collections::{BTreeMap, BTreeSet};

/// The checked scenario, without its hash; `None` after an error.
pub(crate) fn scenario(
    c: &mut Checker,
    name: &str,
    mut raw: RawScenario,
    overrides: &Overrides,
) -> Option<Scenario> {
    c.neutral = raw
        .preset
        .as_ref()
        .is_some_and(|p| p.value == RawPreset::Neutral);
    if let Some(preset) = &raw.preset {
        c.file_value("preset", "neutral", &preset.span);
    }
    c.overridden = raw.assumptions.clone();
    c.check_overridden();
    names(c, &raw);
    let catalog = catalog(c, &raw, overrides);
    if let Some(catalog) = &catalog {
        identify(&mut raw, catalog);
    }
    let cards = match &catalog {
        Some(catalog) => cards::expand(c, &mut raw, catalog),
        None => Cards::default(),
    };
    let configured = match &catalog {
        Some(catalog) => configuration::apply(c, &mut raw, catalog),
        None => Configured::default(),
    };
    if let Some(alternative) = &overrides.alternative
        && alternative.apply(&mut raw) == 0
    {
        let title = match alternative.is_spatial() {
            true => "no GPU of this scenario is shared in space: nobody divides SMs",
            false => "no GPU of this scenario is shared in turns: there is no scheduler to replace",
        };
        c.findings.push(Diagnostic::file_error(name, title));
    }
    let raw = &raw;
    let plan = run::plan(c, raw, overrides);
    let host_cores = run::host_cores(c, raw);
    let workloads = workloads::resolve(c, raw);
    let catalog = catalog?;
    references(c, raw, &catalog);

    let mut boards: BTreeMap<String, Facts> = BTreeMap::new();
    let mut instances: BTreeMap<String, Vec<GpuInstance>> = BTreeMap::new();
    for (gpu, field) in &raw.gpus {
        let path = format!("gpus.{}", written(gpu));
        // What is known of one GPU of a card is known of all.
        if let Some((_, card)) = cards.of(gpu)
            && let Some(first) = card.gpus.first().filter(|first| *first != gpu)
        {
            if let Some(facts) = boards.get(first).cloned()
                && !configured.failed.contains(gpu)
            {
                boards.insert(gpu.clone(), facts);
                instances.insert(gpu.clone(), Vec::new());
            }
            continue;
        }
        if let Some(board) = gpus::board_id(c, &path, field, &catalog)
            && let Some(facts) = gpus::facts(c, &path, field, board, &catalog)
            && !configured.failed.contains(gpu)
            && let Some(divided) = instances::resolve(c, &path, field, &facts, &catalog)
        {
            boards.insert(gpu.clone(), facts);
            instances.insert(gpu.clone(), divided);
        }
    }
    if raw.gpus.is_empty() && !c.refused.iter().any(|path| path.starts_with("gpus")) {
        c.missing(
            &(0..0),
            "",
            "gpus.NAME",
            "add [gpus.a] with board = \"a40\", for example",
        );
    }
    if raw.guests.is_empty() && !c.refused.iter().any(|path| path.starts_with("guests")) {
        let help = "add [guests.desktop] with `vgpu` or `context`, and `workload`";
        c.missing(&(0..0), "", "guests.NAME", help);
    }

    let mut placed: Vec<Placed> = Vec::new();
    let (processes, tenants): (Vec<_>, Vec<_>) = raw
        .guests
        .iter()
        .partition(|(_, field)| field.value.inside.is_some());
    for (guest, field) in tenants {
        let site = (&boards, &cards);
        let found = guests::place(c, raw, guest, field, site, &instances, &catalog);
        placed.extend(found);
    }
    placed = placement::spread(c, &cards, placed, raw, &boards, &catalog);
    for (guest, field) in processes {
        let found = inside::place(c, raw, (guest, field), &placed, &boards, &instances);
        placed.extend(found.into_iter().flatten());
    }
    placed.sort_by(|a, b| a.name.cmp(&b.name));
    let within = inside::shares(c, raw, &placed, &boards, &instances, &catalog);
    let needs: BTreeMap<&str, &workloads::Resolved> = raw
        .guests
        .iter()
        .filter_map(|(guest, field)| {
            let workload = field.value.workload.as_ref()?;
            Some((guest.as_str(), workloads.get(&workload.value)?))
        })
        .collect();

    let mut gpus: Vec<Gpu> = Vec::new();
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    let mut speeds: BTreeMap<String, Facts> = BTreeMap::new();
    let mut said = Said::default();
    for (name, facts) in boards {
        let Some(field) = raw.gpus.get(&name) else {
            continue;
        };
        let before = (c.resolved.len(), c.findings.0.len());
        let here: Vec<&Placed> = placed.iter().filter(|p| p.gpu == name).collect();
        let kin = placed.iter().filter(|p| written(&p.gpu) == written(&name));
        configured.check_guests(c, &name, &here);
        let site = Site {
            name: &name,
            field,
            facts: facts.clone(),
            instances: instances.remove(&name).unwrap_or_default(),
            kin: kin.collect(),
            complete: complete(raw, &name, &placed),
        };
        if let Some(gpu) = site.resolve(c, &here, &needs, &catalog) {
            index.insert(name.clone(), gpus.len());
            gpus.push(gpu);
        }
        said.of_gpu(c, &name, before);
        speeds.insert(name, facts);
    }
    said.together(c);

    let machine = |guest: &Placed| {
        let name = guest.inside.as_ref().unwrap_or(&guest.name);
        Some(Machine {
            placed: placed.iter().find(|p| p.name == *name)?,
            field: raw.guests.get(name)?,
            within: within.get(name),
        })
    };
    let known: BTreeSet<String> = raw.workloads.keys().cloned().collect();
    let mut guests = Vec::new();
    for (name, field) in &raw.guests {
        let path = format!("guests.{name}");
        match &field.value.workload {
            Some(workload) if known.contains(&workload.value) => {
                c.file_value(
                    &format!("{path}.workload"),
                    &*workload.value,
                    &workload.span,
                );
            }
            Some(workload) if preset::names().any(|name| name == workload.value) => {
                built_in(c, raw, workload);
            }
            Some(workload) => {
                c.unknown_name(
                    &workload.span,
                    "workload",
                    &workload.value,
                    "workloads",
                    &known,
                );
            }
            None => c.missing(
                &field.span,
                &path,
                "workload",
                "the name of a table of [workloads]",
            ),
        }
        let parts: Vec<&Placed> = placed.iter().filter(|p| p.name == *name).collect();
        let Some(placed) = parts.first().copied() else {
            continue;
        };
        let Some(facts) = speeds.get(&placed.gpu) else {
            continue;
        };
        let gpu = index.get(&placed.gpu).copied();
        let domain = gpu.and_then(|gpu| {
            let domains = gpus[gpu].domains();
            domains
                .iter()
                .position(|domain| domain.path() == placed.domain)
        });
        let place = (gpu.unwrap_or(0), domain.unwrap_or(0));
        let workload = needs.get(name.as_str()).copied();
        let Some(machine) = machine(placed) else {
            continue;
        };
        let guest = (field, placed);
        let finished = guests::finish(c, guest, &machine, place, facts, workload, &catalog);
        guests.extend(finished.map(|mut guest| {
            cards::seat(&mut guest, &parts, &index);
            guest
        }));
    }
    if gpus.len() == raw.gpus.len() {
        frames::settle(c, raw, &gpus, &mut guests, &catalog);
        spatial::fixed_parts(c, raw, &gpus, &mut guests);
        llm::fit(c, raw, &gpus, &mut guests);
        memory::check(c, raw, &gpus, &guests);
        inside::check_turns(c, raw, &gpus, &guests);
        terms::settle(c, raw, &gpus, &guests);
    }
    recordings::settle(c, raw, &workloads, plan.as_ref(), &mut guests);
    let objectives = objectives::resolve(c, raw, &guests, &gpus);
    if let Some(plan) = &plan {
        late(c, raw, plan);
        let length = plan.warmup + plan.window + plan.drain; // checked by the plan
        for (name, workload) in &workloads {
            let written = raw.workloads.get(name);
            if let Some(arrivals) = written.and_then(|field| field.value.arrivals.as_ref()) {
                let path = format!("workloads.{name}.arrivals");
                let process = &workload.workload.arrivals;
                arrivals::check_changes(c, &path, &arrivals.span, process, length);
            }
        }
    }
    unused(c, raw);
    c.check_unused();

    if c.findings.has_errors() {
        return None;
    }
    let mut resolved = std::mem::take(&mut c.resolved);
    resolved.sort_by(|a, b| {
        section(&a.path)
            .cmp(&section(&b.path))
            .then(a.path.cmp(&b.path))
    });
    Some(Scenario {
        name: name.to_string(),
        title: raw.title.as_ref().map(|t| t.value.clone()),
        hash: String::new(),
        run: plan?,
        gpus,
        host_cores: host_cores?,
        guests,
        objectives,
        resolved,
        notices: std::mem::take(&mut c.notices),
    })
}

/// Whether all guests that are on this GPU or its card were placed.
fn complete(raw: &RawScenario, gpu: &str, placed: &[Placed]) -> bool {
    let mut here = raw.guests.iter().filter(|(_, guest)| {
        let on = inside::on(raw, &guest.value);
        on.is_none_or(|on| written(&on.value) == written(gpu))
    });
    !raw.guests.is_empty() && here.all(|(guest, _)| placed.iter().any(|p| p.name == *guest))
}

/// The order of sections in `run --explain`.
fn section(path: &str) -> usize {
    let first = path.split('.').next().unwrap_or("");
    let order = ["preset", "run", "host", "gpus", "guests", "workloads"];
    order
        .iter()
        .position(|&s| s == first)
        .unwrap_or(order.len())
}

/// Names must work in paths, result rows and file names.
fn names(c: &mut Checker, raw: &RawScenario) {
    let gpus = raw
        .gpus
        .iter()
        .map(|(name, f)| ("GPU", name, f.span.clone()));
    let guests = raw
        .guests
        .iter()
        .map(|(name, f)| ("guest", name, f.span.clone()));
    let workloads = raw
        .workloads
        .iter()
        .map(|(name, f)| ("workload", name, f.span.clone()));
    let instances = raw.gpus.values().flat_map(|gpu| &gpu.value.instances);
    let cis = instances
        .clone()
        .flat_map(|(_, instance)| &instance.value.cis);
    let instances = instances.map(|(name, f)| ("GPU instance", name, f.span.clone()));
    let cis = cis.map(|(name, f)| ("compute instance", name, f.span.clone()));
    let stages = raw.workloads.values().flat_map(|w| &w.value.stages);
    let stages = stages.map(|(name, f)| ("stage", name, f.span.clone()));
    let all: Vec<_> = gpus
        .chain(instances)
        .chain(cis)
        .chain(guests)
        .chain(workloads)
        .chain(stages)
        .collect();
    for (what, name, span) in all {
        let fits = |ch: char| ch.is_ascii_alphanumeric() || ch == '-' || ch == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            let title = format!("\"{name}\" cannot be the name of a {what}");
            let label = "letters, digits, `-` and `_`, at most 64 of them";
            c.error(&span, title, label, "");
        }
    }
}

fn catalog(c: &mut Checker, raw: &RawScenario, overrides: &Overrides) -> Option<Catalog> {
    let mut catalog = match Catalog::builtin() {
        Ok(catalog) => catalog,
        Err(error) => {
            let title = format!("the built-in catalogue is damaged: {error}");
            c.findings.push(Diagnostic::file_error(&c.file, title));
            return None;
        }
    };
    let mut fine = true;
    if let Some(boards) = &raw.boards {
        match std::fs::read_to_string(c.base.join(&boards.value)) {
            Ok(text) => fine &= add(c, &mut catalog, &boards.value, &text),
            Err(error) => {
                fine = false;
                let title = format!("cannot read boards file `{}`: {error}", boards.value);
                let help = "file names are relative to the folder of the scenario";
                c.error(&boards.span, title, "this file", help);
            }
        }
    }
    if let Some(path) = &overrides.boards {
        let shown = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => fine &= add(c, &mut catalog, &shown, &text),
            Err(error) => {
                fine = false;
                let title = format!("cannot read boards file `{shown}`: {error}");
                c.findings.push(Diagnostic::file_error(shown, title));
            }
        }
    }
    fine.then_some(catalog)
}

fn add(c: &mut Checker, catalog: &mut Catalog, path: &str, text: &str) -> bool {
    match catalog.add_user_file(path, text) {
        Ok(()) => true,
        Err(findings) => {
            c.findings.0.extend(findings);
            false
        }
    }
}

/// Boards go by many names; from here on they go by their identifiers.
fn identify(raw: &mut RawScenario, catalog: &Catalog) {
    let gpus = raw.gpus.values_mut();
    let boards = gpus.flat_map(|gpu| gpu.value.board.iter_mut().chain(&mut gpu.value.card));
    let workloads = raw.workloads.values_mut();
    let references = workloads.filter_map(|workload| workload.value.reference.as_mut());
    for named in boards.chain(references) {
        if let Some(id) = catalog.board_id(&named.value)
            && id != named.value
        {
            named.value = id.to_owned();
        }
    }
}

/// A guest names a preset where the name of a workload of the file stands.
fn built_in(c: &mut Checker, raw: &RawScenario, workload: &Field<String>) {
    let name = &workload.value;
    let takes = |written: &&String| {
        let held = raw.workloads[*written].value.preset.as_ref();
        held.is_some_and(|preset| preset.value == *name)
    };
    let line = format!("workloads.{name}.preset = \"{name}\"");
    let help = match raw.workloads.keys().find(takes) {
        Some(own) => {
            format!(
                "write `{own}`, which takes it; or add this line at the top of the file: {line}"
            )
        }
        None => format!("add this line at the top of the file: {line}"),
    };
    let title =
        format!("`{name}` is a workload that is built in: the file has to take it by a preset");
    c.error(
        &workload.span,
        title,
        "not a workload of this file yet",
        help,
    );
}

/// Reference boards must exist.
fn references(c: &mut Checker, raw: &RawScenario, catalog: &Catalog) {
    for workload in raw.workloads.values() {
        if let Some(reference) = &workload.value.reference
            && catalog.gpu(&reference.value).is_none()
        {
            let help = catalog.suggest_gpu(&reference.value);
            let help = help.unwrap_or_else(|| "`warpshare gpus` lists the catalogue".into());
            let title = format!("there is no board `{}`", reference.value);
            c.error(&reference.span, title, "not in the catalogue", help);
        }
    }
}

/// Warns of guests that start when nobody measures any more.
fn late(c: &mut Checker, raw: &RawScenario, plan: &RunPlan) {
    let end = plan.warmup + plan.window; // checked by the plan
    for (name, field) in &raw.guests {
        if let Some(start) = &field.value.start
            && start.value.nanos >= end
        {
            let title = format!("guest `{name}` starts after the window has ended");
            let label = format!("the window ends at {}", units::write_nanos(end as f64));
            c.warning(
                &start.span,
                title,
                label,
                "let it start earlier, or remove it",
            );
        }
    }
}

/// Warns of workloads that nobody runs.
fn unused(c: &mut Checker, raw: &RawScenario) {
    let used: BTreeSet<&str> = raw
        .guests
        .values()
        .filter_map(|g| g.value.workload.as_ref().map(|w| w.value.as_str()))
        .collect();
    let idle: Vec<(String, std::ops::Range<usize>)> = raw
        .workloads
        .iter()
        .filter(|(name, _)| !used.contains(name.as_str()))
        .map(|(name, field)| (name.clone(), field.span.clone()))
        .collect();
    // A guest whose workload was refused or misspelt may have meant this one.
    let errors = c.findings.iter().any(|d| d.severity == Severity::Error);
    for (name, span) in idle.into_iter().filter(|_| !errors) {
        let title = format!("no guest runs workload `{name}`");
        c.warning(&span, title, "unused", "give it to a guest, or remove it");
    }
}
