//! `config` of a GPU: how it is configured, from a file that an operator already has.
//!
//! What the file says is put where the scenario would have said it, at the place of the `config` key.
//! So the checks, the resolution and the hash are those of the written-out form.

use crate::catalog::Catalog;
use crate::diagnostics::{Diagnostic, nearest};
use crate::import::{
    self, Capture, Config, ConfigFile, Content, ImportedGpu, Missing, Refusal, Source, apply_to,
    devices,
};
use crate::scenario::elements::board::NEUTRAL;
use crate::scenario::elements::guest::Holds;
use crate::scenario::elements::placed::Placed;
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::{Field, at};
use crate::scenario::read::raw::{
    RawComputeInstance, RawGpu, RawInstance, RawPcie, RawScenario, RawSizes,
};
use crate::scenario::settle::cards::written;
use crate::scenario::settle::replicas;
use std::collections::{BTreeMap, BTreeSet};

/// Names of a list in a message; a file may have hundreds.
const LISTED: usize = 16;

/// What the `config` keys of a scenario came to.
#[derive(Default)]
pub(crate) struct Configured {
    /// GPUs whose config was refused: nothing more is said about them and their guests.
    pub failed: BTreeSet<String>,
    /// GPUs whose config says which vGPUs they hold.
    vgpus: BTreeMap<String, Vgpus>,
}

/// The vGPUs that a config makes on a GPU.
struct Vgpus {
    /// As the scenario writes the config.
    config: String,
    /// Domain (empty for the whole GPU) and type: how many.
    held: BTreeMap<(String, String), u32>,
    /// Profile of each GPU instance.
    profiles: BTreeMap<String, String>,
    /// MIG profile of each type of the board.
    types: BTreeMap<String, Option<String>>,
}

/// What a file makes of one GPU.
struct Made {
    gpu: ImportedGpu,
    fixes_vgpus: bool,
    /// It says how the GPU is shared, and not how it is divided.
    shares: bool,
}

/// Reads the files that `config` keys name and puts what they say into `raw`.
pub(crate) fn apply(c: &mut Checker, raw: &mut RawScenario, catalog: &Catalog) -> Configured {
    let mut configured = Configured::default();
    let mut files: BTreeMap<String, Option<Source>> = BTreeMap::new();
    let mut clients = BTreeMap::new();
    for (name, field) in &mut raw.gpus {
        let path = format!("gpus.{}", written(name));
        if c.refused.contains(&format!("{path}.config")) {
            configured.failed.insert(name.clone());
        }
        let Some(config) = field.value.config.clone() else {
            continue;
        };
        let made = made(c, name, &field.value, &config, catalog, &mut files)
            .filter(|made| made.shares || !divides_too(c, name, &field.value));
        let Some(made) = made else {
            let (file, _) = split(c, &config.value);
            if !matches!(files.get(file), Some(Some(Source::Configs(_)))) {
                // A board that a capture would have named is not missing.
                c.refused.insert(format!("{path}.board"));
            }
            configured.failed.insert(name.clone());
            continue;
        };
        c.file_value(&format!("{path}.config"), &*config.value, &config.span);
        c.configure(&config);
        for note in &made.gpu.notes {
            c.notices.push(format!("{path}: {note}"));
        }
        if made.fixes_vgpus {
            let vgpus = Vgpus::of(&made.gpu, &config.value, catalog);
            configured.vgpus.insert(name.clone(), vgpus);
        }
        if !made.shares && unknown_instances(c, name, &field.value, &made.gpu) {
            configured.failed.insert(name.clone());
            continue;
        }
        if let Some(shared) = &made.gpu.shared {
            if !replicas::put(c, name, &mut field.value, shared, &config) {
                configured.failed.insert(name.clone());
                continue;
            }
            if let Some(limits) = shared.clients {
                clients.insert(name.clone(), (limits, config.span.clone()));
            }
        }
        put(c, &mut field.value, &made.gpu, &config.span);
    }
    replicas::limit(raw, &clients);
    configured
}

/// Whether the scenario itself says how a GPU with a `config` is divided; it may only add to what the
/// config makes.
fn divides_too(c: &mut Checker, name: &str, raw: &RawGpu) -> bool {
    let mut found = false;
    for (instance, field) in &raw.instances {
        let path = format!("gpus.{name}.instances.{instance}");
        let profile = field.value.profile.as_ref().map(|key| &key.span);
        let start = field.value.start.as_ref().map(|key| &key.span);
        let Some(span) = profile.or(start) else {
            continue;
        };
        found = true;
        let title = format!("`config` and `{path}` both say how GPU `{name}` is divided");
        let help = "remove `profile` and `start` of an instance that the config makes, or `config`";
        c.error(&span.clone(), title, "one of them is too many", help);
    }
    found
}

/// Whether the scenario adds to instances that the config does not make, which is refused.
fn unknown_instances(c: &mut Checker, name: &str, raw: &RawGpu, made: &ImportedGpu) -> bool {
    let known: BTreeSet<&str> = made.instances.iter().map(|i| i.name.as_str()).collect();
    let mut found = false;
    for (instance, field) in &raw.instances {
        if !known.contains(instance.as_str()) {
            found = true;
            let list: Vec<&str> = known.iter().copied().collect();
            let help = match nearest(instance, list.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if list.is_empty() => "it divides the GPU into no instances".to_owned(),
                None => format!("it makes: {}", list.join(", ")),
            };
            let title = format!("the config of GPU `{name}` makes no instance `{instance}`");
            c.error(&field.span, title, "not there", help);
        }
    }
    found
}

/// Writes what was imported into the GPU's table, at the place of the `config` key.
fn put(c: &Checker, raw: &mut RawGpu, made: &ImportedGpu, span: &Span) {
    if raw.board.is_none() {
        raw.board = Some(at(made.gpu_id.clone(), span));
    }
    if made.mixed_sizes && raw.vgpu_sizes.is_none() {
        raw.vgpu_sizes = Some(at(RawSizes::Mixed, span));
    }
    // The neutral preset has no link but one that the scenario itself gives.
    if let Some((generation, lanes)) = made.pcie
        && raw.pcie_bandwidth.is_none()
        && !c.neutral
    {
        let pcie = raw.pcie.get_or_insert_with(|| at(RawPcie::default(), span));
        let slot = &mut pcie.value;
        slot.r#gen
            .get_or_insert_with(|| at(u64::from(generation), span));
        slot.lanes.get_or_insert_with(|| at(u64::from(lanes), span));
    }
    for instance in &made.instances {
        let entry = raw.instances.entry(instance.name.clone());
        let written = &mut entry
            .or_insert_with(|| at(RawInstance::default(), span))
            .value;
        written.profile = Some(at(instance.placed.profile.clone(), span));
        written.start = Some(at(u64::from(instance.placed.start), span));
        for part in &instance.parts {
            let entry = written.cis.entry(part.name.clone());
            let ci = &mut entry
                .or_insert_with(|| at(RawComputeInstance::default(), span))
                .value;
            ci.profile
                .get_or_insert_with(|| at(part.profile.clone(), span));
            if let Some(sms) = part.sm_count {
                ci.sm_count.get_or_insert_with(|| at(u64::from(sms), span));
            }
        }
    }
}

/// What the file makes of the GPU; `None` after an error, or while its board is not known.
fn made(
    c: &mut Checker,
    name: &str,
    raw: &RawGpu,
    config: &Field<String>,
    catalog: &Catalog,
    files: &mut BTreeMap<String, Option<Source>>,
) -> Option<Made> {
    let (file, part) = split(c, &config.value);
    if !files.contains_key(file) {
        let source = open(c, file, &config.span)?;
        files.insert(file.to_owned(), source);
    }
    let made = match files.get(file)?.as_ref()? {
        Source::Configs(source) => partition(c, raw, config, source, part, catalog),
        Source::Capture(source) => captured(c, raw, config, source, part, catalog),
    }?;
    if made.gpu.mig && made.gpu.instances.is_empty() {
        let title = format!("`{}` divides GPU `{name}` into no instance", config.value);
        let label = "MIG is on without a GPU instance: no work can run here";
        c.error(
            &config.span,
            title,
            label,
            "choose a config with instances, or with MIG off",
        );
        return None;
    }
    Some(made)
}

fn split<'a>(c: &Checker, given: &'a str) -> (&'a str, Option<&'a str>) {
    import::split(given, |name| c.base.join(name).is_file())
}

/// Reads a file: `None` if it cannot be opened, `Some(None)` if it is malformed, which is said once.
fn open(c: &mut Checker, file: &str, span: &Span) -> Option<Option<Source>> {
    let bytes = match std::fs::read(c.base.join(file)) {
        Ok(bytes) => bytes,
        Err(error) => {
            let title = format!("cannot read `{file}`: {error}");
            let help = "file names are relative to the folder of the scenario; a config of the file \
                        follows after `#`";
            c.error(span, title, "this file", help);
            return None;
        }
    };
    let read = import::decode(file, bytes).and_then(|text| import::read(file, &text));
    Some(match read {
        Ok(source) => {
            if let Source::Configs(read) = &source {
                c.findings.0.extend(read.warnings.iter().cloned());
            }
            Some(source)
        }
        Err(wrong) => {
            c.findings.0.extend(wrong);
            None
        }
    })
}

fn partition(
    c: &mut Checker,
    raw: &RawGpu,
    given: &Field<String>,
    file: &ConfigFile,
    part: Option<&str>,
    catalog: &Catalog,
) -> Option<Made> {
    let (config, device) = config(c, given, file, part)?;
    let Some(board) = &raw.board else {
        return None; // missing: said where boards are read
    };
    if board.value == NEUTRAL {
        let title = "the neutral board is not configured by a file";
        c.error(
            &given.span,
            title,
            "not here",
            "remove `config`, or name a real board",
        );
        return None;
    }
    catalog.gpu(&board.value)?; // no such board: said where boards are read
    let made = match device {
        Some(device) => apply_to(catalog, &board.value, config, device),
        None => match devices(catalog, &board.value, config) {
            Err(refusal) => Err(vec![refusal]),
            Ok(list) => {
                let counted: Vec<String> = list.iter().flatten().map(u32::to_string).collect();
                if let Some(first) = counted.first() {
                    let title = format!("`{}` counts GPUs: which one is this?", given.value);
                    let label = format!("it has an entry each for GPUs {}", counted.join(", "));
                    let help = format!("add the index, such as \"{}@{first}\"", given.value);
                    c.error(&given.span, title, label, help);
                    return None;
                }
                // For all GPUs alike: any index does.
                apply_to(catalog, &board.value, config, 0)
            }
        },
    };
    match made {
        Ok(gpu) => {
            let any = |test: fn(&Content) -> bool| {
                config.entries.iter().any(|entry| test(&entry.content))
            };
            let shares = any(|content| matches!(content, Content::Replicas(_)));
            if shares
                && gpu.shared.is_none()
                && any(|content| matches!(content, Content::Replicas(list) if !list.is_empty()))
            {
                let title = format!("`{}` does not share the GPU as a whole", given.value);
                let help = gpu.notes.join(" ");
                c.error(&given.span, title, "it shares MIG devices", help);
                return None;
            }
            Some(Made {
                gpu,
                fixes_vgpus: any(|content| matches!(content, Content::Vgpus(_))),
                shares,
            })
        }
        Err(reasons) => {
            refuse(c, given, &board.value, file, config, &reasons);
            None
        }
    }
}

fn refuse(
    c: &mut Checker,
    given: &Field<String>,
    board: &str,
    file: &ConfigFile,
    config: &Config,
    reasons: &[Refusal],
) {
    for reason in reasons {
        let title = format!("`{}` does not fit `{board}`", config.name);
        let help = format!(
            "`warpshare import {} --gpu {board} --list` shows what does",
            file.name
        );
        c.error(&given.span, title, reason.to_string(), help);
    }
}

/// The config that is named, and the index of the GPU behind `@`.
fn config<'a>(
    c: &mut Checker,
    given: &Field<String>,
    file: &'a ConfigFile,
    part: Option<&str>,
) -> Option<(&'a Config, Option<u32>)> {
    let names = file.names();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some(wanted) = part else {
        if let [only] = file.configs.as_slice() {
            return Some((only, None));
        }
        let title = format!("`{}` has {} configs: which one?", file.name, names.len());
        let help = format!("add `#` and one of {}", list(&names));
        c.error(&given.span, title, "names no config", help);
        return None;
    };
    if let Ok(found) = file.find(wanted) {
        return Some((found, None));
    }
    let (name, device) = match wanted.rsplit_once('@') {
        Some((name, device)) => (name, Some(device)),
        None => (wanted, None),
    };
    let found = match file.find(name) {
        Ok(found) => found,
        Err(Missing::Several(full)) => {
            let title = format!("`{name}` stands under several keys of `{}`", file.name);
            let help = format!("after `#`, write {}", full.join(" or "));
            c.error(&given.span, title, "which one?", help);
            return None;
        }
        Err(Missing::None(near)) => {
            let title = format!("`{}` has no config `{name}`", file.name);
            let help = match near {
                Some(near) => format!("did you mean `{near}`? it has {}", list(&names)),
                None => format!("it has {}", list(&names)),
            };
            c.error(&given.span, title, "not in the file", help);
            return None;
        }
    };
    match device.map(str::parse::<u32>).transpose() {
        Ok(device) => Some((found, device)),
        Err(_) => {
            let title = format!("`@{}` is no GPU index", device.unwrap_or_default());
            let help = format!("such as \"{}#{name}@0\"", file.name);
            c.error(&given.span, title, "not a whole number", help);
            None
        }
    }
}

/// The first names, and whether there are more.
fn list(names: &[&str]) -> String {
    let shown = names[..names.len().min(LISTED)].join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn captured(
    c: &mut Checker,
    raw: &RawGpu,
    given: &Field<String>,
    file: &Capture,
    part: Option<&str>,
    catalog: &Catalog,
) -> Option<Made> {
    let number = file.gpus.len();
    let one = match part {
        None if number == 1 => Some(file.clone()),
        None => {
            let title = format!("`{}` has {number} GPUs: which one?", file.name);
            let help = format!("add `#` and an index: {}", captured_gpus(file));
            c.error(&given.span, title, "names no GPU", help);
            return None;
        }
        Some(which) => file.only(which),
    };
    let Some(one) = one else {
        let which = part.unwrap_or_default();
        let title = format!("`{}` has no GPU `{which}`", file.name);
        let help = format!("an index or a PCI bus id: {}", captured_gpus(file));
        c.error(&given.span, title, "not in the capture", help);
        return None;
    };
    let board = raw.board.as_ref().map(|board| board.value.as_str());
    let gpu = match one.boards(catalog, board) {
        Ok(gpus) => gpus.into_iter().next()?,
        Err(wrong) => {
            let text = |finding: Diagnostic| Diagnostic {
                help: finding
                    .help
                    .map(|help| help.replace("`--boards` adds", "`boards = \"FILE\"` adds"))
                    .map(|help| help.replace("give it with `--gpu ID`", "give `board`")),
                ..finding
            };
            c.findings.0.extend(wrong.into_iter().map(text));
            return None;
        }
    };
    if let Some(board) = &raw.board
        && board.value != gpu.gpu_id
    {
        // Of a board that does not exist more is said where boards are read.
        if catalog.gpu(&board.value).is_some() || (board.value == NEUTRAL && c.neutral) {
            let title = format!("`{}` is not the board of the capture", board.value);
            let name = one.gpus.first().and_then(|gpu| gpu.product_name.as_deref());
            let name = name.unwrap_or_default();
            let label = format!("`{}` has `{}` ({name})", given.value, gpu.gpu_id);
            c.error(
                &board.span,
                title,
                label,
                "remove `board`, or name another capture",
            );
        }
        return None;
    }
    Some(Made {
        gpu,
        fixes_vgpus: false,
        shares: false,
    })
}

/// Such as `0 (00000000:53:00.0), 1 (00000000:64:00.0)`.
fn captured_gpus(file: &Capture) -> String {
    let gpus = file.gpus.iter();
    let words: Vec<String> = gpus
        .map(|gpu| match &gpu.bus_id {
            Some(id) => format!("{} ({id})", gpu.index),
            None => gpu.index.to_string(),
        })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    list(&words)
}

impl Vgpus {
    fn of(made: &ImportedGpu, config: &str, catalog: &Catalog) -> Vgpus {
        let mut held: BTreeMap<(String, String), u32> = BTreeMap::new();
        for guests in &made.guests {
            let instance = guests.instance.and_then(|at| made.instances.get(at));
            let domain = instance.map_or(String::new(), |instance| instance.name.clone());
            let count = held.entry((domain, guests.type_name.clone())).or_default();
            *count = count.saturating_add(guests.count);
        }
        let instances = made.instances.iter();
        Vgpus {
            config: config.to_owned(),
            held,
            profiles: instances
                .map(|instance| (instance.name.clone(), instance.placed.profile.clone()))
                .collect(),
            types: catalog
                .vgpu_types(&made.gpu_id)
                .map(|held| (held.type_name.clone(), held.mig_profile.clone()))
                .collect(),
        }
    }

    /// Types and counts in this place.
    fn in_place<'a>(&'a self, domain: &'a str) -> impl Iterator<Item = (&'a str, u32)> {
        let here = self.held.iter().filter(move |((at, _), _)| at == domain);
        here.map(|((_, type_name), count)| (type_name.as_str(), *count))
    }
}

impl Configured {
    /// Whether the guests of a GPU hold what its config makes: no other types, and no more.
    pub fn check_guests(&self, c: &mut Checker, gpu: &str, here: &[&Placed]) {
        let Some(vgpus) = self.vgpus.get(gpu) else {
            return;
        };
        let config = &vgpus.config;
        let mut used: BTreeMap<(&str, &str), (u64, &Placed)> = BTreeMap::new();
        for &placed in here {
            let domain = placed.domain.as_str();
            let place = match domain {
                "" => format!("GPU `{gpu}`"),
                domain => format!("`{gpu}.{domain}`"),
            };
            let types: Vec<&str> = vgpus.in_place(domain).map(|(name, _)| name).collect();
            match &placed.holds {
                Holds::Process { .. } => {}
                Holds::Context | Holds::Client { .. } => {
                    // A config without vGPUs leaves the GPU bare.
                    if let Some(first) = types.first() {
                        let title = format!("{place} holds vGPUs, and no CUDA context");
                        let label = format!("`{config}` makes vGPUs");
                        let help = format!("write vgpu = \"{first}\", or remove `config`");
                        c.error(&placed.holds_span, title, label, help);
                    }
                }
                Holds::Vgpu { type_name, .. } if types.contains(&type_name.as_str()) => {
                    let entry = used.entry((domain, type_name)).or_insert((0, placed));
                    entry.0 = entry.0.saturating_add(placed.tenants());
                    if placed.holds_span.start > entry.1.holds_span.start {
                        entry.1 = placed; // the last one in the text is the one too many
                    }
                }
                Holds::Vgpu { type_name, .. } => {
                    // A type that cannot live in such an instance at all is refused by admission.
                    let profile = vgpus.profiles.get(domain);
                    if vgpus.types.get(type_name).and_then(Option::as_ref) != profile {
                        continue;
                    }
                    let title = format!("`{config}` makes no vGPU `{type_name}` on {place}");
                    let help = match nearest(type_name, types.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`? it makes {}", list(&types)),
                        None if types.is_empty() => "it makes no vGPU: remove `config`".to_owned(),
                        None => format!("it makes {}", list(&types)),
                    };
                    c.error(&placed.holds_span, title, "not a type of this config", help);
                }
            }
        }
        let mut unused: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for ((domain, type_name), most) in &vgpus.held {
            let most = u64::from(*most);
            let (number, last) = match used.get(&(domain.as_str(), type_name.as_str())) {
                Some((number, last)) => (*number, Some(*last)),
                None => (0, None),
            };
            let entry = unused.entry(type_name).or_default();
            entry.0 += most.saturating_sub(number);
            entry.1 += most;
            if let Some(last) = last
                && number > most
            {
                let place = match domain.as_str() {
                    "" => format!("GPU `{gpu}`"),
                    domain => format!("`{gpu}.{domain}`"),
                };
                let title = format!("{place} would hold {number} vGPUs `{type_name}`");
                let label = format!("`{config}` makes {most}");
                let help = format!("keep {most} or fewer, or choose another config");
                c.error(&last.holds_span, title, label, help);
            }
        }
        for (type_name, (without, all)) in unused.iter().filter(|(_, (without, _))| *without > 0) {
            c.notices.push(format!(
                "gpus.{gpu}: {without} of {all} vGPUs {type_name} of `{config}` have no guest"
            ));
        }
    }
}
