//! Media engines (NVDEC, NVENC, JPEG, OFA): how many a GPU or a GPU instance has of the kinds that its
//! guests use.
//!
//! Numbers come from the file, else from the catalogue. They are asked for only where they matter:
//! a number that nobody knows is an error only if somebody decodes.

use crate::catalog::{Catalog, Gpu};
use crate::gpu::MediaEngines;
use crate::mig::{Engines, Geometry};
use crate::scenario::elements::board::Facts;
use crate::scenario::elements::gpu::GpuInstance;
use crate::scenario::elements::placed::Placed;
use crate::scenario::elements::workloads::Resolved;
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::{Field, Key};
use crate::scenario::read::raw::{RawEngines, RawInstance};
use crate::workload::MediaEngine;
use std::collections::BTreeMap;

/// Boards or profiles that a refusal names at most.
const NAMED: usize = 6;

fn key(raw: &RawEngines, engine: MediaEngine) -> &Key<u64> {
    match engine {
        MediaEngine::Nvdec => &raw.nvdec,
        MediaEngine::Nvenc => &raw.nvenc,
        MediaEngine::Jpeg => &raw.jpeg,
        MediaEngine::Ofa => &raw.ofa,
    }
}

fn of_profile(engines: &Engines, engine: MediaEngine) -> Option<u32> {
    match engine {
        MediaEngine::Nvdec => engines.decode,
        MediaEngine::Nvenc => engines.encode,
        MediaEngine::Jpeg => engines.jpeg,
        MediaEngine::Ofa => engines.optical_flow,
    }
}

/// The column of the catalogue.
fn column(engine: MediaEngine) -> &'static str {
    match engine {
        MediaEngine::Nvdec => "nvdec",
        MediaEngine::Nvenc => "nvenc",
        MediaEngine::Jpeg => "nvjpg",
        MediaEngine::Ofa => "ofa",
    }
}

fn on_board(gpu: &Gpu, engine: MediaEngine) -> Option<u32> {
    match engine {
        MediaEngine::Nvdec => gpu.nvdec,
        MediaEngine::Nvenc => gpu.nvenc,
        MediaEngine::Jpeg => gpu.nvjpg,
        MediaEngine::Ofa => gpu.ofa,
    }
}

/// Guests that use an engine, each with its workload.
struct Users<'a> {
    here: &'a [&'a Placed],
    workloads: &'a BTreeMap<&'a str, &'a Resolved>,
}

impl Users<'_> {
    fn of(&self, engine: MediaEngine) -> impl Iterator<Item = (&Placed, &Resolved)> {
        self.here.iter().filter_map(move |placed| {
            let workload = self.workloads.get(placed.name.as_str())?;
            workload.uses(engine).then_some((*placed, *workload))
        })
    }

    /// Refuses every user of an engine that is not there.
    fn refuse(&self, c: &mut Checker, what: &str, engine: MediaEngine, help: &str) {
        for (placed, workload) in self.of(engine) {
            let title = format!("{what} has no {} engine", engine.name());
            let label = format!(
                "its workload `{}` has an operation of kind `{}`",
                workload.workload.name,
                engine.word()
            );
            c.error(&placed.holds_span, title, label, help);
        }
    }
}

/// What is known of a kind of engine where the file says nothing.
enum Known {
    /// So many, by this source.
    Is(u32, String),
    /// One: the neutral board.
    One,
    Nothing,
}

/// Whose engines are asked for.
struct Holder<'a> {
    path: &'a str,
    given: &'a Key<RawEngines>,
    /// In words, such as "board `a40`".
    what: String,
    /// Name of the board or profile in the catalogue.
    name: &'a str,
    /// Where that is written.
    span: Span,
    known: &'a dyn Fn(MediaEngine) -> Known,
    /// Where there are engines of that kind.
    elsewhere: &'a dyn Fn(MediaEngine) -> String,
}

fn resolve(c: &mut Checker, holder: &Holder<'_>, users: &Users<'_>) -> Option<MediaEngines> {
    let mut engines = MediaEngines::default();
    let mut fine = true;
    for engine in MediaEngine::ALL {
        let path = format!("{}.engines.{}", holder.path, engine.word());
        let given = holder.given.as_ref().map(|raw| key(&raw.value, engine));
        let used = users.of(engine).next().is_some();
        let count = match given {
            Some(given @ Some(_)) => c.count(&path, given, 0, 1000, None),
            _ if used => known(c, holder, engine, &path),
            _ => continue,
        };
        match count {
            None => fine = false,
            Some(0) if used => {
                users.refuse(c, &holder.what, engine, &(holder.elsewhere)(engine));
                fine = false;
            }
            Some(count) if used => engines.set(engine, count),
            Some(_) => {}
        }
    }
    fine.then_some(engines)
}

/// The number that the catalogue knows.
fn known(c: &mut Checker, holder: &Holder<'_>, engine: MediaEngine, path: &str) -> Option<u32> {
    match (holder.known)(engine) {
        Known::Is(count, source) => {
            c.catalogue_value(path, count.to_string(), source);
            Some(count)
        }
        Known::One => {
            c.by_default(path, "1");
            Some(1)
        }
        Known::Nothing => {
            let title = format!(
                "the catalogue does not know the number of {} engines of `{}`",
                engine.name(),
                holder.name
            );
            let help = format!(
                "no public source is known; give `{path}`, such as engines = {{ {} = 1 }}",
                engine.word()
            );
            c.error(&holder.span, title, "needed for this scenario", help);
            None
        }
    }
}

/// The media engines of a whole board; `None` after an error.
pub(crate) fn board(
    c: &mut Checker,
    path: &str,
    (given, board): (&Key<RawEngines>, &Field<String>),
    facts: &Facts,
    (here, workloads): (&[&Placed], &BTreeMap<&str, &Resolved>),
    catalog: &Catalog,
) -> Option<MediaEngines> {
    let known = |engine| match catalog.gpu(&facts.id) {
        None => Known::One,
        Some(gpu) => match on_board(gpu, engine) {
            Some(count) => {
                let source = gpu.source_of(column(engine)).unwrap_or("gpus.csv");
                Known::Is(count, source.to_owned())
            }
            None => Known::Nothing,
        },
    };
    let elsewhere = |engine: MediaEngine| {
        let has = |gpu: &&Gpu| on_board(gpu, engine).is_some_and(|count| count > 0);
        let others = catalog.gpus().iter().filter(has);
        let others: Vec<&str> = others.map(|gpu| gpu.id.as_str()).collect();
        format!("boards with {}: {}", engine.name(), few(&others))
    };
    let holder = Holder {
        path,
        given,
        what: format!("board `{}`", facts.id),
        name: &facts.id,
        span: board.span.clone(),
        known: &known,
        elsewhere: &elsewhere,
    };
    resolve(c, &holder, &Users { here, workloads })
}

/// The media engines of a GPU instance; `None` after an error.
pub(crate) fn instance(
    c: &mut Checker,
    path: &str,
    field: &Field<RawInstance>,
    instance: &GpuInstance,
    (here, workloads): (&[&Placed], &BTreeMap<&str, &Resolved>),
    geometry: &Geometry,
) -> Option<MediaEngines> {
    let profile = geometry.profile(&instance.profile)?;
    let known = |engine| match of_profile(&profile.engines, engine) {
        Some(count) => Known::Is(count, format!("mig_profiles.csv, {}", instance.profile)),
        None => Known::Nothing,
    };
    let elsewhere = |engine: MediaEngine| {
        let has = |engines| of_profile(engines, engine).is_some_and(|count| count > 0);
        let others = geometry.profiles().iter().filter(|p| has(&p.engines));
        let others: Vec<&str> = others.map(|profile| profile.name()).collect();
        if others.is_empty() {
            format!("no profile of this board has {}", engine.name())
        } else {
            format!("profiles with {}: {}", engine.name(), few(&others))
        }
    };
    let raw = &field.value;
    let holder = Holder {
        path,
        given: &raw.engines,
        what: format!("GPU instance `{}` ({})", instance.name, instance.profile),
        name: &instance.profile,
        span: raw
            .profile
            .as_ref()
            .map_or(&field.span, |p| &p.span)
            .clone(),
        known: &known,
        elsewhere: &elsewhere,
    };
    resolve(c, &holder, &Users { here, workloads })
}

fn few(names: &[&str]) -> String {
    match names.len().checked_sub(NAMED) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..NAMED].join(", ")),
    }
}
