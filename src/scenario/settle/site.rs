//! One GPU of a scenario with all that lives on it: the whole GPU or its instances, how each is
//! shared, and whether its guests can be there.

use crate::catalog::{Catalog, Mode};
use crate::gpu::MediaEngines;
use crate::mig::Geometry;
use crate::scenario::elements::board::Facts;
use crate::scenario::elements::gpu::{ComputeInstance, Division, Gpu, GpuInstance, Share};
use crate::scenario::elements::guest::Holds;
use crate::scenario::elements::legal::modes;
use crate::scenario::elements::placed::Placed;
use crate::scenario::elements::sharing::{Part, Place, Tenancy};
use crate::scenario::elements::workloads::Resolved;
use crate::scenario::elements::{board as gpus, encoders, share};
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::Field;
use crate::scenario::read::raw::{RawGpu, RawInstance};
use crate::scenario::settle::cards::written;
use crate::scenario::settle::{admit, media, mixed};
use crate::vgpu::Rule;
use std::collections::BTreeMap;

/// A GPU whose board and instances are known.
pub(crate) struct Site<'a> {
    pub name: &'a str,
    pub field: &'a Field<RawGpu>,
    pub facts: Facts,
    /// Empty for a GPU that is not divided.
    pub instances: Vec<GpuInstance>,
    /// The guests of the card that it is on; else its own.
    pub kin: Vec<&'a Placed>,
    /// Whether all guests that name the GPU or its card are known.
    pub complete: bool,
}

impl Site<'_> {
    /// The GPU with its guests `here`; `None` after an error, or while nothing can be said.
    pub fn resolve(
        mut self,
        c: &mut Checker,
        here: &[&Placed],
        workloads: &BTreeMap<&str, &Resolved>,
        catalog: &Catalog,
    ) -> Option<Gpu> {
        let path = format!("gpus.{}", written(self.name));
        let vgpus = self.kin.iter().any(|p| p.holds.is_vgpu());
        let vfs = if vgpus {
            gpus::virtual_functions(c, &path, &self.facts, catalog)
        } else {
            None
        };
        // Without guests, or with guests that were refused, nothing can be said about sharing.
        let known = self.complete && !self.kin.is_empty();
        if self.kin.is_empty() && self.complete {
            let name = written(self.name);
            let what = if name == self.name { "GPU" } else { "card" };
            let title = format!("no guest is on {what} `{name}`");
            let help = format!("add a guest with on = \"{name}\", or remove the {what}");
            c.error(&self.field.span, title, "nothing to simulate", help);
        }
        let division = if !known {
            None
        } else if self.instances.is_empty() {
            self.whole(c, &path, vfs, here, workloads, catalog)
                .map(Division::Whole)
        } else {
            self.divided(c, &path, vfs, here, workloads, catalog)
        };
        let copies = self.kin.iter().any(|p| {
            let workload = workloads.get(p.name.as_str());
            workload.is_some_and(|workload| workload.copies())
        });
        let clock = gpus::clock_curve(c, &path, self.field);
        let encoders = if known {
            let part = match self.field.value.instances.is_empty() {
                true => Part::WholeGpu,
                false => Part::GpuInstance,
            };
            let maximum = self.tenancy(part, here, catalog).type_maximum;
            let given = &self.field.value.encoders;
            let division = division.as_ref();
            encoders::resolve(c, &path, given, &self.kin, division, maximum.as_ref())
        } else {
            Ok(None)
        };
        let given = (&self.field.value.engines, self.field.value.board.as_ref()?);
        let media = media::board(
            c,
            &path,
            given,
            &self.facts,
            (&self.kin, workloads),
            catalog,
        );
        let engines = (copies, media);
        let board = gpus::finish(c, &path, self.field, self.facts, vfs, engines, catalog);
        Some(Gpu {
            name: self.name.to_owned(),
            board: board?,
            clock: clock?,
            division: division?,
            encoders: encoders.ok()?,
        })
    }

    fn whole(
        &self,
        c: &mut Checker,
        path: &str,
        vfs: Option<u32>,
        here: &[&Placed],
        workloads: &BTreeMap<&str, &Resolved>,
        catalog: &Catalog,
    ) -> Option<Share> {
        let mixed_sizes = mixed::is_on(&self.field.value);
        let name = (self.name, mixed_sizes);
        admit::check(c, name, &self.facts, vfs, here, workloads, catalog);
        let name = (path, self.name);
        mixed::settle(c, name, self.field, &self.facts, here, catalog);
        // With both kinds of tenants no scheduler is right: said by admission.
        if both_kinds(here) {
            return None;
        }
        let place = Place {
            share: &self.field.value.share,
            holder: &self.field.span,
        };
        let mut tenancy = self.tenancy(Part::WholeGpu, here, catalog);
        tenancy.mixed_sizes = mixed_sizes;
        share::resolve(c, path, &place, &tenancy)
    }

    fn divided(
        &mut self,
        c: &mut Checker,
        path: &str,
        vfs: Option<u32>,
        here: &[&Placed],
        workloads: &BTreeMap<&str, &Resolved>,
        catalog: &Catalog,
    ) -> Option<Division> {
        let why = "vGPUs of an instance have the size of its profile";
        let sizes = &self.field.value.vgpu_sizes;
        c.no_effect(sizes, "vgpu_sizes", why, "remove it");
        for placed in here {
            mixed::no_ids(c, placed, "remove it");
        }
        if both_kinds(here) {
            let rule = Rule::VgpuOrContext;
            let span = last_span(here);
            let title = format!("GPU `{}` would hold vGPUs and contexts", self.name);
            let help = "give all guests of the GPU vGPUs, or move the contexts to another GPU";
            c.error(
                &span,
                title,
                rule.fact(),
                format!("{help} (source: {})", rule.source()),
            );
            return None;
        }
        let vgpus = here.iter().filter(|p| p.holds.is_vgpu());
        let number: u64 = vgpus.map(|p| p.tenants()).sum();
        if let Some(most) = vfs
            && number > u64::from(most)
        {
            let rule = Rule::VirtualFunctions;
            let title = format!("GPU `{}` would hold {number} vGPUs", self.name);
            let help = format!(
                "keep {most} or fewer on this GPU (source: {})",
                rule.source()
            );
            c.error(&last_span(here), title, rule.fact(), help);
        }
        let mut instances = std::mem::take(&mut self.instances);
        let mut fine = true;
        // Each profile knows how many slices the board has.
        let mut profiles = catalog.mig_profiles(&self.facts.id);
        let all_slices = profiles.next().map(|profile| profile.compute_slices_total);
        for instance in &mut instances {
            let raw = &self.field.value.instances[&instance.name];
            let path = format!("{path}.instances.{}", instance.name);
            match self.media_engines(c, (&path, raw), instance, here, workloads, catalog) {
                Some(engines) => instance.media_engines = engines,
                None => fine = false,
            }
            for index in 0..instance.compute_instances.len() {
                let compute = &instance.compute_instances[index];
                let (domain, path, place) = match &compute.name {
                    None => (
                        instance.name.clone(),
                        path.clone(),
                        Place {
                            share: &raw.value.share,
                            holder: &raw.span,
                        },
                    ),
                    Some(name) => (
                        format!("{}.{name}", instance.name),
                        format!("{path}.cis.{name}"),
                        Place {
                            share: &raw.value.cis[name].value.share,
                            holder: &raw.value.cis[name].span,
                        },
                    ),
                };
                let own: Vec<&Placed> = here
                    .iter()
                    .copied()
                    .filter(|placed| placed.domain == domain)
                    .collect();
                let part = match compute.name {
                    None => Part::GpuInstance,
                    Some(_) => Part::ComputeInstance,
                };
                self.instance_guests(c, instance, &compute.clone(), &own, workloads, catalog);
                let mut tenancy = self.tenancy(part, &own, catalog);
                tenancy.slices = Some((compute.slices, all_slices?));
                match instance_share(c, &path, &place, &tenancy) {
                    Some(share) => instance.compute_instances[index].share = share,
                    None => fine = false,
                }
            }
        }
        fine.then_some(Division::Mig(instances))
    }

    /// The media engines that an instance brings for its guests.
    fn media_engines(
        &self,
        c: &mut Checker,
        (path, raw): (&str, &Field<RawInstance>),
        instance: &GpuInstance,
        here: &[&Placed],
        workloads: &BTreeMap<&str, &Resolved>,
        catalog: &Catalog,
    ) -> Option<MediaEngines> {
        // The instances are there, so the board has a geometry.
        let geometry = Geometry::of(catalog, &self.facts.id).ok()?;
        let own: Vec<&Placed> = here
            .iter()
            .copied()
            .filter(|placed| placed.domain.split('.').next() == Some(&instance.name))
            .collect();
        media::instance(c, path, raw, instance, (&own, workloads), &geometry)
    }

    /// Whether the guests of an instance can be there.
    fn instance_guests(
        &self,
        c: &mut Checker,
        instance: &GpuInstance,
        compute: &ComputeInstance,
        own: &[&Placed],
        workloads: &BTreeMap<&str, &Resolved>,
        catalog: &Catalog,
    ) {
        if let Some(vgpu) = own.iter().find(|p| p.holds.is_vgpu())
            && compute.name.is_some()
        {
            let title = "a vGPU cannot live in a compute instance";
            let label = modes(Part::ComputeInstance, true).why;
            let help = format!("remove the compute instances of `{}`", instance.name);
            c.error(&vgpu.holds_span, title, label, help);
            return;
        }
        let raw = self.field.value.instances.get(&instance.name);
        let nvenc = raw.and_then(|raw| gpus::nvenc(&raw.value.engines));
        let facts = (&self.facts, nvenc);
        admit::check_instance(c, self.name, facts, instance, own, workloads, catalog);
    }

    /// A GPU of a card without guests of its own is shared as those of the others would share it.
    fn tenancy(&self, part: Part, here: &[&Placed], catalog: &Catalog) -> Tenancy {
        let whole = matches!(part, Part::WholeGpu);
        let like = if here.is_empty() && whole {
            &*self.kin
        } else {
            here
        };
        let types = like.iter().filter_map(|p| match &p.holds {
            Holds::Vgpu { type_name, .. } => catalog.vgpu_type(&self.facts.id, type_name),
            Holds::Context | Holds::Client { .. } | Holds::Process { .. } => None,
        });
        let mut maximum: Option<(u32, String)> = None;
        for found in types {
            let most = match found.mode {
                Mode::TimeSliced => found.max_per_gpu,
                Mode::MigBacked | Mode::MigTimeSliced => found.max_per_gi,
            };
            if let Some(most) = most
                && maximum.as_ref().is_none_or(|(held, _)| most > *held)
            {
                maximum = Some((most, found.type_name.clone()));
            }
        }
        Tenancy {
            vgpus: like.iter().any(|p| p.holds.is_vgpu()),
            tenants: here.iter().map(|p| p.tenants()).sum(),
            type_maximum: maximum,
            a100: self.facts.name.contains("A100"),
            part,
            slices: None,
            mixed_sizes: false,
        }
    }
}

/// How an instance is shared. One that nobody shares has one owner.
fn instance_share(
    c: &mut Checker,
    path: &str,
    place: &Place<'_>,
    tenancy: &Tenancy,
) -> Option<Share> {
    if place.share.is_none() && tenancy.tenants <= 1 {
        c.by_default(&format!("{path}.share.mode"), "exclusive");
        return Some(Share::Exclusive);
    }
    share::resolve(c, path, place, tenancy)
}

fn both_kinds(here: &[&Placed]) -> bool {
    let mut tenants = here.iter().filter(|p| p.inside.is_none());
    let vgpus = tenants.clone().any(|p| p.holds.is_vgpu());
    vgpus && tenants.any(|p| !p.holds.is_vgpu())
}

/// The last one in the text is the one too many.
fn last_span(here: &[&Placed]) -> Span {
    let last = here.iter().max_by_key(|p| p.holds_span.start);
    last.map_or(0..0, |placed| placed.holds_span.clone())
}
