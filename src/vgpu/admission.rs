//! What the vGPU manager refuses, on plain facts, all refusals at once.
//!
//! The rules are those of a GPU without MIG, in equal-size mode or in mixed-size mode; [`Rule`] gives each with the fact
//! behind it. A capability that the catalogue does not know is refused too, with the key that would
//! supply it.

pub use super::request::{GpuFacts, Holding, MissingFact, Refusal, Request};

use super::placement::{NoPlace, Wanted, place};
use super::rules::{MANAGER_CAP, PER_VM, Rule};
use crate::catalog::{Mode, VgpuType};
use std::collections::BTreeMap;

/// Checks whether the requests can stand on the GPU together.
///
/// `exclusive` says that the GPU is not shared. Requests of no VMs are ignored.
///
/// ```
/// use warpshare_input::catalog::Catalog;
/// use warpshare_input::vgpu::Rule;
/// use warpshare_input::vgpu::admission::{GpuFacts, Holding, Request, admit};
/// use warpshare_input::workload::Needs;
/// let catalog = Catalog::builtin()?;
/// let gpu = GpuFacts::from_catalog(&catalog, "a40", "a").expect("the A40 is known");
/// let mut desktop = Request {
///     guest: "desktop".into(),
///     count: 12,
///     holds: Holding::Vgpus(vec![(catalog.vgpu_type("a40", "A40-4Q").unwrap().clone(), 1)]),
///     placement_ids: Vec::new(),
///     needs: Needs { cuda: true, graphics: true, encode: false },
/// };
/// assert!(admit(&gpu, false, &[desktop.clone()]).is_ok());
/// desktop.count = 13;
/// let refusals = admit(&gpu, false, &[desktop]).unwrap_err();
/// assert_eq!(refusals[0].rule, Rule::MaxPerGpu);
/// # Ok::<(), warpshare_input::catalog::CatalogError>(())
/// ```
///
/// # Errors
///
/// Every refusal, in the order of [`Rule::ALL`] and within a rule in the order of the requests.
pub fn admit(gpu: &GpuFacts, exclusive: bool, requests: &[Request]) -> Result<(), Vec<Refusal>> {
    let requests: Vec<&Request> = requests.iter().filter(|r| r.count > 0).collect();
    let mut admission = Admission {
        gpu,
        requests: &requests,
        refusals: Vec::new(),
    };
    admission.kinds_of_tenants(exclusive);
    if gpu.mixed_sizes {
        admission.mixed_sizes();
    } else {
        admission.sizes();
    }
    admission.totals();
    for request in &requests {
        admission.one_vm(request);
        admission.needs(request);
    }
    let mut refusals = admission.refusals;
    if refusals.is_empty() {
        return Ok(());
    }
    refusals.sort_by_key(|refusal| refusal.rule); // stable: requests keep their order
    Err(refusals)
}

/// What the vGPUs of a request lack for its work, whoever else is on the GPU.
pub fn lacks(gpu: &GpuFacts, request: &Request) -> Vec<Refusal> {
    let mut admission = Admission {
        gpu,
        requests: &[request],
        refusals: Vec::new(),
    };
    admission.needs(request);
    admission.refusals
}

struct Admission<'a> {
    gpu: &'a GpuFacts,
    requests: &'a [&'a Request],
    refusals: Vec<Refusal>,
}

/// vGPUs of one type or size: how many, of which types, for whom.
#[derive(Default)]
struct Group<'a> {
    number: u64,
    types: Vec<&'a VgpuType>,
    requests: Vec<&'a Request>,
}

impl Group<'_> {
    fn guests(&self) -> Vec<String> {
        names(self.requests.iter().copied())
    }

    /// `A40-4Q, A40-4C for desktop, train`.
    fn describe(&self) -> String {
        let types: Vec<&str> = self.types.iter().map(|t| t.type_name.as_str()).collect();
        format!("{} for {}", types.join(", "), self.guests().join(", "))
    }
}

/// The vGPUs of all requests, by type.
fn wanted<'r>(requests: &[&'r Request]) -> Vec<Wanted<'r>> {
    let mut found: Vec<Wanted<'r>> = Vec::new();
    for request in requests {
        for (vgpu_type, number) in request.vgpus() {
            let number = number.saturating_mul(request.count);
            match found.iter_mut().find(|held| held.vgpu_type == vgpu_type) {
                Some(held) => {
                    held.number = held.number.saturating_add(number);
                    held.given.extend(&request.placement_ids);
                }
                None => found.push(Wanted {
                    vgpu_type,
                    number,
                    given: request.placement_ids.clone(),
                }),
            }
        }
    }
    found
}

/// Names of the guests, each once.
fn names<'r>(requests: impl Iterator<Item = &'r Request>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for request in requests {
        if !names.contains(&request.guest) {
            names.push(request.guest.clone());
        }
    }
    names
}

impl<'a> Admission<'a> {
    fn refuse(&mut self, rule: Rule, guests: Vec<String>, problem: String, remedy: String) {
        self.refusals.push(Refusal {
            rule,
            guests,
            problem,
            remedy,
        });
    }

    /// All vGPUs that are asked for, by frame-buffer size.
    fn by_size(&self) -> BTreeMap<u64, Group<'a>> {
        let mut groups: BTreeMap<u64, Group<'a>> = BTreeMap::new();
        for &request in self.requests {
            for (vgpu_type, number) in request.vgpus().iter().filter(|(_, n)| *n > 0) {
                let group = groups.entry(vgpu_type.frame_buffer_mib).or_default();
                group.number += u64::from(*number) * u64::from(request.count);
                if !group
                    .types
                    .iter()
                    .any(|t| t.type_name == vgpu_type.type_name)
                {
                    group.types.push(vgpu_type);
                }
                if !group
                    .requests
                    .iter()
                    .any(|held| std::ptr::eq(*held, request))
                {
                    group.requests.push(request);
                }
            }
        }
        groups
    }

    /// Contexts beside vGPUs, exclusive GPUs, boards without vGPU, types that need MIG.
    fn kinds_of_tenants(&mut self, exclusive: bool) {
        let name = &self.gpu.name;
        let contexts = || self.requests.iter().filter(|r| r.holds == Holding::Context);
        let vms = || self.requests.iter().filter(|r| r.per_vm() > 0);
        let mut refusals = Vec::new();
        if contexts().next().is_some() && vms().next().is_some() {
            let list = |guests: Vec<String>| guests.join(", ");
            refusals.push(Refusal {
                rule: Rule::VgpuOrContext,
                guests: names(self.requests.iter().copied()),
                problem: format!(
                    "GPU `{name}` would hold vGPUs ({}) and contexts ({})",
                    list(names(vms().copied())),
                    list(names(contexts().copied()))
                ),
                remedy: "give all guests of the GPU vGPUs, or move the contexts to another GPU"
                    .to_owned(),
            });
        }
        let tenants: u64 = self
            .requests
            .iter()
            .map(|request| {
                let each = match request.holds {
                    Holding::Context => 1,
                    Holding::Vgpus(_) => request.per_vm(),
                };
                each.saturating_mul(u64::from(request.count))
            })
            .sum();
        if exclusive && tenants > 1 {
            refusals.push(Refusal {
                rule: Rule::Exclusive,
                guests: names(self.requests.iter().copied()),
                problem: format!("GPU `{name}` is exclusive, but {tenants} tenants want it"),
                remedy: "share the GPU by time slices, or leave one tenant on it".to_owned(),
            });
        }
        if self.gpu.vgpu_capable == Some(false) && vms().next().is_some() {
            refusals.push(Refusal {
                rule: Rule::NoVgpu,
                guests: names(vms().copied()),
                problem: format!("board `{}` of GPU `{name}` has no vGPU", self.gpu.board),
                remedy: "use contexts on the bare board, or a board with vGPU".to_owned(),
            });
        }
        for request in vms() {
            for (vgpu_type, _) in request.vgpus() {
                if vgpu_type.mode == Mode::TimeSliced {
                    continue;
                }
                let other = self.gpu.alternative(vgpu_type, |other| {
                    other.frame_buffer_mib == vgpu_type.frame_buffer_mib && request.accepts(other)
                });
                refusals.push(Refusal {
                    rule: Rule::MigType,
                    guests: vec![request.guest.clone()],
                    problem: format!(
                        "`{}` of `{}` needs a GPU instance ({}), and GPU `{name}` has none",
                        vgpu_type.type_name,
                        request.guest,
                        vgpu_type
                            .mig_profile
                            .as_deref()
                            .unwrap_or("profile unknown"),
                    ),
                    remedy: match other {
                        Some(other) => format!(
                            "use the time-sliced type `{}` of the same size",
                            other.type_name
                        ),
                        None => format!(
                            "use a time-sliced type; `warpshare vgpu types --gpu {}` lists them",
                            self.gpu.board
                        ),
                    },
                });
            }
        }
        self.refusals.append(&mut refusals);
    }

    /// Places in mixed-size mode.
    fn mixed_sizes(&mut self) {
        if let Err(refused) = place(&wanted(self.requests)) {
            let guests = names(self.requests.iter().filter(|r| r.per_vm() > 0).copied());
            let remedy = match &refused {
                NoPlace::NoMode { .. } => "leave `vgpu_sizes` out, and use one size".to_owned(),
                NoPlace::Unknown { .. } => "use types whose placement ids are known".to_owned(),
                NoPlace::NotAnId { .. } | NoPlace::Overlap { .. } => {
                    "give other `placement_ids`, or leave them out: they are chosen then".to_owned()
                }
                NoPlace::NoFit {
                    instead: Some(fits),
                    ..
                } => format!("use {fits}, or put each size on a GPU of its own"),
                NoPlace::TooMany { .. } | NoPlace::NoFit { .. } => {
                    "fewer vGPUs, or each size on a GPU of its own".to_owned()
                }
            };
            let problem = format!("GPU `{}`: {refused}", self.gpu.name);
            self.refuse(Rule::MixedSize, guests, problem, remedy);
        }
    }

    /// Equal sizes, and the maximum of each type.
    fn sizes(&mut self) {
        let groups = self.by_size();
        if groups.len() > 1 {
            self.different_sizes(&groups);
        }
        for (size, group) in &groups {
            let mut limit: Option<u32> = None;
            for vgpu_type in &group.types {
                match vgpu_type.max_per_gpu {
                    Some(most) => limit = Some(limit.map_or(most, |held| held.min(most))),
                    None => {
                        let problem = format!(
                            "how many `{}` one GPU can hold is not known",
                            vgpu_type.type_name
                        );
                        let remedy = format!(
                            "give `max_per_gpu` as `[vgpu_types.{}.\"{}\"]` in a boards file",
                            self.gpu.board, vgpu_type.type_name
                        );
                        self.refuse(Rule::MaxPerGpu, group.guests(), problem, remedy);
                    }
                }
            }
            let Some(limit) = limit.filter(|limit| group.number > u64::from(*limit)) else {
                continue;
            };
            let problem = format!(
                "GPU `{}` would hold {} vGPUs of {size} MiB ({}); at most {limit} may exist",
                self.gpu.name,
                group.number,
                group.describe()
            );
            let smaller = self.gpu.types.iter().filter(|other| {
                other.mode == Mode::TimeSliced
                    && other
                        .max_per_gpu
                        .is_some_and(|most| u64::from(most) >= group.number)
                    && group.types.iter().all(|t| t.series == other.series)
            });
            let smaller = smaller.max_by_key(|other| other.frame_buffer_mib);
            let on_card = self
                .gpu
                .gpus_per_board
                .filter(|gpus| *gpus > 1 && group.number <= u64::from(limit) * u64::from(*gpus));
            let remedy = match smaller {
                _ if on_card.is_some() => {
                    // A GPU of a card is named after it.
                    let write = match self.gpu.name.split_once('.') {
                        Some((card, _)) => format!("on = \"{card}\""),
                        None => format!("card = \"{}\"", self.gpu.board),
                    };
                    format!(
                        "write {write}: the card has {} GPUs, and {limit} of `{}` fit on each",
                        on_card.unwrap_or_default(),
                        group.types[0].type_name
                    )
                }
                Some(other) => format!(
                    "ask for {limit} or fewer, or use the smaller type `{}`",
                    other.type_name
                ),
                None => format!("ask for {limit} or fewer, or use more GPUs"),
            };
            self.refuse(Rule::MaxPerGpu, group.guests(), problem, remedy);
        }
    }

    fn different_sizes(&mut self, groups: &BTreeMap<u64, Group<'a>>) {
        // The size that most vGPUs have stays; of equals, the larger.
        let kept = groups
            .iter()
            .max_by_key(|(size, group)| (group.number, **size));
        let Some((&kept, _)) = kept else { return };
        let sizes: Vec<String> = groups
            .iter()
            .map(|(size, group)| format!("{size} MiB ({})", group.describe()))
            .collect();
        let mut changes: Vec<String> = Vec::new();
        for (_, group) in groups.iter().filter(|(size, _)| **size != kept) {
            for request in &group.requests {
                for (vgpu_type, _) in request.vgpus() {
                    let other = self.gpu.alternative(vgpu_type, |other| {
                        other.frame_buffer_mib == kept && request.accepts(other)
                    });
                    if let Some(other) = other.filter(|_| vgpu_type.frame_buffer_mib != kept) {
                        changes.push(format!("`{}` for `{}`", other.type_name, request.guest));
                    }
                }
            }
        }
        let mut remedies = Vec::new();
        if !changes.is_empty() {
            remedies.push(format!("use {} ({kept} MiB)", changes.join(", ")));
        }
        if place(&wanted(self.requests)).is_ok() {
            remedies.push("write vgpu_sizes = \"mixed\" for the GPU".to_owned());
        }
        remedies.push("put each size on a GPU of its own".to_owned());
        let remedy = remedies.join(", or ");
        let guests = names(
            groups
                .values()
                .flat_map(|group| group.requests.iter().copied()),
        );
        let problem = format!(
            "GPU `{}` would hold vGPUs of different sizes: {}",
            self.gpu.name,
            sizes.join(", ")
        );
        self.refuse(Rule::EqualSize, guests, problem, remedy);
    }

    /// Limits on all vGPUs together.
    fn totals(&mut self) {
        let groups = self.by_size();
        let number: u64 = groups.values().map(|group| group.number).sum();
        let guests = || {
            names(
                groups
                    .values()
                    .flat_map(|group| group.requests.iter().copied()),
            )
        };
        let gpu = self.gpu;
        if number > MANAGER_CAP {
            let problem = format!("GPU `{}` would hold {number} vGPUs", gpu.name);
            let remedy = format!("keep {MANAGER_CAP} or fewer on one GPU");
            self.refuse(Rule::ManagerCap, guests(), problem, remedy);
        }
        let reserved: u128 = groups
            .iter()
            .map(|(size, group)| u128::from(*size) * u128::from(group.number))
            .sum();
        if reserved > u128::from(gpu.frame_buffer_mib) {
            let parts: Vec<String> = groups
                .iter()
                .map(|(size, group)| format!("{} × {size}", group.number))
                .collect();
            let problem = format!(
                "GPU `{}` would reserve {reserved} MiB of frame buffer ({}), and has {}",
                gpu.name,
                parts.join(" + "),
                gpu.frame_buffer_mib
            );
            let remedy = "use fewer vGPUs, smaller types or more GPUs".to_owned();
            self.refuse(Rule::FrameBuffer, guests(), problem, remedy);
        }
        if let Some(vfs) = gpu.vfs.filter(|vfs| number > u64::from(*vfs)) {
            let problem = format!(
                "GPU `{}` would hold {number} vGPUs, and has {vfs} virtual functions",
                gpu.name
            );
            let remedy = format!(
                "keep {vfs} or fewer vGPUs on it; if the board has more virtual functions, give \
                 `max_vfs`"
            );
            self.refuse(Rule::VirtualFunctions, guests(), problem, remedy);
        }
    }

    /// Rules about the vGPUs of one VM.
    fn one_vm(&mut self, request: &Request) {
        let vgpus = request.vgpus();
        let number = request.per_vm();
        if number <= 1 {
            return;
        }
        let guest = &request.guest;
        let held = || vgpus.iter().filter(|(_, number)| *number > 0);
        let Some((first, _)) = held().next() else {
            return;
        };
        if held().any(|(vgpu_type, _)| vgpu_type.series != first.series) {
            let list: Vec<String> = held()
                .map(|(t, number)| format!("{number} × {}", t.type_name))
                .collect();
            let problem = format!("`{guest}` would hold several series: {}", list.join(", "));
            let series = first.series;
            let remedy = format!("give the VM types of one series, for example {series}");
            self.refuse(Rule::OneSeriesPerVm, vec![guest.clone()], problem, remedy);
        }
        if number > PER_VM {
            let problem = format!("each VM of `{guest}` would hold {number} vGPUs");
            let remedy = format!("give it {PER_VM} or fewer, of a larger type");
            self.refuse(Rule::VgpusPerVm, vec![guest.clone()], problem, remedy);
        }
        for (vgpu_type, _) in held().filter(|(t, _)| !t.series.several_per_vm()) {
            let problem = format!(
                "`{guest}` would hold {number} vGPUs in one VM, with `{}` of {}-series among them",
                vgpu_type.type_name, vgpu_type.series
            );
            let other = self.gpu.alternative(vgpu_type, |other| {
                other.frame_buffer_mib == vgpu_type.frame_buffer_mib && request.accepts(other)
            });
            let remedy = match other {
                Some(other) => format!(
                    "give each VM one vGPU, or use `{}` of the same size",
                    other.type_name
                ),
                None => "give each VM one vGPU".to_owned(),
            };
            self.refuse(Rule::SeriesAlonePerVm, vec![guest.clone()], problem, remedy);
        }
    }

    /// What the work needs against what type and board offer.
    fn needs(&mut self, request: &Request) {
        let guest = &request.guest;
        for (vgpu_type, _) in request.vgpus().iter().filter(|(_, n)| *n > 0) {
            let mut lacks = Vec::new();
            if request.needs.cuda && !vgpu_type.cuda {
                lacks.push((Rule::Cuda, "needs CUDA"));
            }
            if request.needs.graphics && !vgpu_type.series.graphics() {
                lacks.push((Rule::Graphics, "needs graphics"));
            }
            for (rule, what) in lacks {
                let name = &vgpu_type.type_name;
                let problem = format!("`{guest}` {what}, which `{name}` does not offer");
                let other = self.gpu.alternative(vgpu_type, |other| {
                    other.frame_buffer_mib == vgpu_type.frame_buffer_mib && request.accepts(other)
                });
                let remedy = match other {
                    Some(other) => format!("use `{}` of the same size", other.type_name),
                    None => format!(
                        "no type of {} MiB on `{}` offers all that `{guest}` needs; \
                         `warpshare vgpu types --gpu {}` lists the types",
                        vgpu_type.frame_buffer_mib, self.gpu.board, self.gpu.board
                    ),
                };
                self.refuse(rule, vec![guest.clone()], problem, remedy);
            }
        }
        let board = &self.gpu.board;
        match self.gpu.nvenc {
            _ if !request.needs.encode => {}
            Some(0) => {
                let problem =
                    format!("`{guest}` needs to encode, and board `{board}` has no NVENC engine");
                let remedy = "use a board with NVENC, or encode on the host".to_owned();
                self.refuse(Rule::Encode, vec![guest.clone()], problem, remedy);
            }
            Some(_) => {}
            None => {
                let problem = format!(
                    "`{guest}` needs to encode, and how many NVENC engines board `{board}` has is \
                     not known"
                );
                let remedy = format!(
                    "give `engines = {{ nvenc = 1 }}` for GPU `{}`, or `nvenc` as \
                     `[boards.{board}]` in a boards file",
                    self.gpu.name
                );
                self.refuse(Rule::Encode, vec![guest.clone()], problem, remedy);
            }
        }
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
