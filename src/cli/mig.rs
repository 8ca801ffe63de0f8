//! `warpshare mig`: what MIG can do with a GPU, in the shapes that administrators know.

mod diagram;
mod fit;
mod layouts;
mod listings;
mod mode;
mod plan;

use super::gpus::{load, no_such_gpu};
use super::{Failure, print};
use crate::catalog::Catalog;
use crate::mig::{Driver, Geometry, GeometryError, GpuInstances, Refusal, Request, parse_requests};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// MIG geometry of a GPU: profiles, placements, layouts, and what fits.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  warpshare mig profiles --gpu a100-sxm4-40gb
  warpshare mig placements --gpu a30 --existing 1g@1
  warpshare mig layouts --gpu h100-sxm5-80gb --svg layouts.svg
  warpshare mig fit --gpu a100-sxm4-40gb 1g,1g,2g,3g

Profiles are named as the driver names them (`3g.20gb`), without their memory (`3g`, `1g+me`), or by
the number in the ID column. `@START` fixes where an instance starts: `1g@6`.")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Profiles(listings::ProfilesArgs),
    #[command(alias = "ci")]
    ComputeInstances(listings::ComputeArgs),
    Placements(listings::PlacementsArgs),
    Layouts(layouts::LayoutsArgs),
    Fit(fit::FitArgs),
    Plan(plan::PlanArgs),
    Mode(mode::ModeArgs),
}

/// Which GPU, and how to print.
#[derive(Debug, clap::Args)]
struct Common {
    /// Identifier of the GPU, as listed by `warpshare gpus`, or a name such as "NVIDIA A30"
    #[arg(long, value_name = "ID")]
    gpu: String,
    /// Add the boards and vGPU types of this TOML file to the catalogue
    #[arg(long, value_name = "FILE")]
    boards: Option<PathBuf>,
    /// Print JSON; unknown figures are null
    #[arg(long)]
    json: bool,
}

/// What exists on the GPU already.
#[derive(Debug, clap::Args)]
struct Existing {
    /// GPU instances that exist already, with their starts: 3g@4,1g@0
    #[arg(
        long,
        value_name = "LIST",
        default_value = "",
        hide_default_value = true
    )]
    existing: String,
    /// Driver of the host, such as R525 or 535.104.05; without it none is too old
    #[arg(long, value_name = "VERSION", value_parser = driver)]
    driver: Option<Driver>,
}

fn driver(text: &str) -> Result<Driver, String> {
    Driver::parse(text)
        .ok_or_else(|| "give a driver branch or version: R525, 535.104.05".to_owned())
}

/// Prints what the arguments ask for.
///
/// # Errors
///
/// [`Failure::BadInput`] for an unknown GPU, one without MIG, requests that cannot be read, existing
/// instances that cannot exist, or a boards file that is not valid; [`Failure::Running`] if a figure
/// cannot be written.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let (text, code) = match &args.action {
        Action::Profiles(args) => (listings::profiles(args)?, ExitCode::SUCCESS),
        Action::ComputeInstances(args) => (listings::compute_instances(args)?, ExitCode::SUCCESS),
        Action::Placements(args) => (listings::placements(args)?, ExitCode::SUCCESS),
        Action::Layouts(args) => (layouts::layouts(args)?, ExitCode::SUCCESS),
        Action::Fit(args) => fit::fit(args)?,
        Action::Plan(args) => plan::plan(args)?,
        Action::Mode(args) => (mode::mode(args)?, ExitCode::SUCCESS),
    };
    print(&text)?;
    Ok(code)
}

impl Common {
    fn open(&self) -> Result<(Catalog, Arc<Geometry>), Failure> {
        let catalog = load(self.boards.as_deref())?;
        let id = catalog.board_id(&self.gpu).unwrap_or(&self.gpu);
        let geometry = Geometry::of(&catalog, id).map_err(|error| match &error {
            GeometryError::UnknownGpu(id) => no_such_gpu(&catalog, id),
            GeometryError::NoMig(_) => {
                let with = catalog.gpus_with_mig().join(", ");
                Failure::BadInput(format!("error: {error}\nhelp: GPUs with MIG: {with}"))
            }
            GeometryError::UnknownPlacements { .. } => Failure::BadInput(format!("error: {error}")),
        })?;
        Ok((catalog, Arc::new(geometry)))
    }
}

impl Existing {
    /// The GPU with what exists on it.
    fn on(&self, geometry: &Arc<Geometry>) -> Result<GpuInstances, Failure> {
        let mut state = GpuInstances::new(Arc::clone(geometry)).with_driver(self.driver);
        for request in requests(&self.existing)? {
            if request.start.is_none() {
                return Err(Failure::BadInput(format!(
                    "error: --existing: `{request}` has no start\nhelp: write {request}@START; \
                     `warpshare mig placements --gpu {}` lists the starts",
                    geometry.gpu_id
                )));
            }
            state.request(&request).map_err(|refusal| {
                Failure::BadInput(format!("error: --existing: `{request}`: {refusal}"))
            })?;
        }
        Ok(state)
    }
}

/// A list of requests.
fn requests(text: &str) -> Result<Vec<Request>, Failure> {
    parse_requests(text).map_err(|error| Failure::BadInput(format!("error: {error}")))
}

/// Refuses names that the board does not have: all of them at once, as bad input.
fn known(state: &GpuInstances, list: &[Request]) -> Result<(), Failure> {
    let mut wrong: Vec<String> = Vec::new();
    let mut undivided = GpuInstances::new(Arc::new(state.geometry().clone()));
    for request in list {
        if let Err(refusal @ Refusal::NoSuchProfile { .. }) =
            undivided.create(&request.profile, None)
        {
            let message = format!("error: {refusal}");
            if !wrong.contains(&message) {
                wrong.push(message);
            }
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::BadInput(wrong.join("\n")))
    }
}
