//! `warpshare mig profiles`, `compute-instances` and `placements`: the lists of `nvidia-smi mig`.

use super::{Common, Existing};
use crate::catalog::{Catalog, ComputeInstanceProfile, Confidence, MigProfile};
use crate::cli::Failure;
use crate::cli::gpus::{json, or_unknown, render, table, wrap};
use crate::mig::{Geometry, GpuInstances, Kind, PLACEMENTS};
use serde::Serialize;

/// List the GPU-instance profiles of a GPU, as `nvidia-smi mig -lgip` does
///
/// Free counts how many more instances of the profile fit beside the existing ones. A figure without
/// a public source is printed as `unknown` or `?`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  warpshare mig profiles --gpu a100-sxm4-40gb
  warpshare mig profiles --gpu a100-sxm4-40gb --existing 3g@4,1g@0 --driver R470")]
pub(super) struct ProfilesArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    existing: Existing,
}

/// List the compute-instance profiles inside the GPU-instance profiles, as `nvidia-smi mig -lcip`
/// does
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  warpshare mig compute-instances --gpu a100-sxm4-40gb
  warpshare mig compute-instances --gpu h100-sxm5-80gb --profile 2g")]
pub(super) struct ComputeArgs {
    #[command(flatten)]
    common: Common,
    /// Only those inside this GPU-instance profile
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// List where instances of each profile may start, as `nvidia-smi mig -lgipp` does
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  warpshare mig placements --gpu a100-sxm4-40gb
  warpshare mig placements --gpu a30 --existing 1g@1")]
pub(super) struct PlacementsArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    existing: Existing,
}

/// A small figure, or `?`: a row of `unknown` would not fit the page.
fn brief(figure: Option<u32>) -> String {
    figure.map_or_else(|| "?".to_owned(), |figure| figure.to_string())
}

#[derive(Serialize)]
struct ListedProfile<'a> {
    #[serde(flatten)]
    facts: &'a MigProfile,
    kind: Kind,
    free: u32,
}

pub(super) fn profiles(args: &ProfilesArgs) -> Result<String, Failure> {
    let (catalog, geometry) = args.common.open()?;
    let state = args.existing.on(&geometry)?;
    if args.common.json {
        let listed = geometry.profiles().iter().map(|profile| ListedProfile {
            facts: &profile.facts,
            kind: profile.kind,
            free: state.free(profile.name()),
        });
        return json(&listed.collect::<Vec<_>>());
    }
    let mut rows = table(
        &[
            "Profile",
            "ID",
            "Free/Total",
            "Memory GiB",
            "P2P",
            "SM",
            "CE",
            "DEC",
            "ENC",
            "JPEG",
            "OFA",
        ],
        &["Profile"],
    );
    for profile in geometry.profiles() {
        let facts = &profile.facts;
        let memory = facts.memory_gib.map(|gib| format!("{gib:.2}"));
        let p2p = facts.p2p.map(|yes| if yes { "Yes" } else { "No" });
        rows.add_row([
            facts.profile.clone(),
            or_unknown(facts.profile_id),
            format!("{}/{}", state.free(profile.name()), facts.max_instances),
            or_unknown(memory),
            or_unknown(p2p),
            brief(facts.sm_count),
            brief(facts.copy_engines),
            brief(facts.decoders),
            brief(facts.encoders),
            brief(facts.jpeg),
            brief(facts.ofa),
        ]);
    }
    let mut text = heading(&geometry, &state);
    text.push_str(&render(&rows));
    text.push('\n');
    let explained = "Free/Total: instances of the profile that can still be created, and the most \
                     there can be. CE, DEC, ENC, JPEG, OFA: engines of an instance (copy, decode, \
                     encode, JPEG, optical flow). ?: no public source gives the number.";
    wrap(&mut text, "", 0, explained);
    let rows = geometry.profiles().iter().map(|p| &p.facts);
    let rows: Vec<Attested<'_>> = rows
        .map(|facts| Attested {
            name: &facts.profile,
            confidence: facts.confidence,
            notes: facts.notes.as_deref(),
            source: &facts.source,
        })
        .collect();
    attest(&mut text, &catalog, &rows);
    Ok(text)
}

pub(super) fn compute_instances(args: &ComputeArgs) -> Result<String, Failure> {
    let (catalog, geometry) = args.common.open()?;
    let state = GpuInstances::new(geometry.clone());
    let chosen = match &args.profile {
        None => geometry.profiles().iter().collect(),
        Some(name) => {
            super::known(&state, &super::requests(name)?)?;
            geometry.profile(name).into_iter().collect::<Vec<_>>()
        }
    };
    let inside: Vec<&ComputeInstanceProfile> = chosen.iter().flat_map(|p| &p.compute).collect();
    if args.common.json {
        return json(&inside);
    }
    if inside.is_empty() {
        crate::cli::note(&format!(
            "note: no source lists the compute-instance profiles of `{}`; the default, the whole \
             GPU instance, is possible in each",
            geometry.gpu_id
        ));
        return Ok(String::new());
    }
    let mut rows = table(
        &[
            "GPU instance",
            "Compute instance",
            "ID",
            "Total",
            "SM",
            "CE",
            "DEC",
            "ENC",
            "JPEG",
            "OFA",
        ],
        &["GPU instance", "Compute instance"],
    );
    for ci in &inside {
        let id = or_unknown(ci.ci_profile_id);
        rows.add_row([
            ci.gi_profile.clone(),
            ci.ci_profile.clone(),
            if ci.is_default { id + "*" } else { id },
            ci.max_instances.to_string(),
            brief(ci.sm_count),
            brief(ci.shared_copy_engines),
            brief(ci.shared_decoders),
            brief(ci.shared_encoders),
            brief(ci.shared_jpeg),
            brief(ci.shared_ofa),
        ]);
    }
    let mut text = heading(&geometry, &state);
    text.push_str(&render(&rows));
    text.push('\n');
    let explained = "*: made when none is named. Total: most in one GPU instance. SMs are a compute \
                     instance's own; memory, bandwidth and engines are those of the GPU instance, for \
                     all its compute instances together. ?: no public source gives the number.";
    wrap(&mut text, "", 0, explained);
    let rows: Vec<Attested<'_>> = inside
        .iter()
        .map(|ci| Attested {
            name: &ci.ci_profile,
            confidence: ci.confidence,
            notes: ci.notes.as_deref(),
            source: &ci.source,
        })
        .collect();
    attest(&mut text, &catalog, &rows);
    Ok(text)
}

#[derive(Serialize)]
struct ListedPlacements<'a> {
    profile: &'a str,
    profile_id: Option<u32>,
    starts: &'a [u32],
    size: u32,
    units: u32,
    possible: Vec<u32>,
}

pub(super) fn placements(args: &PlacementsArgs) -> Result<String, Failure> {
    let (catalog, geometry) = args.common.open()?;
    let state = args.existing.on(&geometry)?;
    let listed: Vec<ListedPlacements<'_>> = geometry
        .profiles()
        .iter()
        .map(|profile| ListedPlacements {
            profile: profile.name(),
            profile_id: profile.facts.profile_id,
            starts: &profile.starts,
            size: profile.size,
            units: geometry.units,
            possible: state.possible_starts(profile.name()),
        })
        .collect();
    if args.common.json {
        return json(&listed);
    }
    let mut rows = table(
        &["Profile", "ID", "Placements", "Possible now"],
        &["Profile", "Placements", "Possible now"],
    );
    let list = |starts: &[u32]| {
        let starts: Vec<String> = starts.iter().map(u32::to_string).collect();
        starts.join(",")
    };
    for row in &listed {
        rows.add_row([
            row.profile.to_owned(),
            or_unknown(row.profile_id),
            format!("{{{}}}:{}", list(row.starts), row.size),
            match row.possible.as_slice() {
                [] => "none".to_owned(),
                possible => list(possible),
            },
        ]);
    }
    let mut text = heading(&geometry, &state);
    text.push_str(&render(&rows));
    text.push('\n');
    let explained = format!(
        "Placements: {{starts}}:size, in units of which the GPU has {}. Memory slices: {}, compute \
         slices: {}.",
        geometry.units, geometry.memory_slices, geometry.compute_slices
    );
    wrap(&mut text, "", 0, &explained);
    if geometry.placements_assumed {
        let lead = format!("Assumption {}: ", PLACEMENTS.key);
        let words = format!("{} {}", PLACEMENTS.about, PLACEMENTS.evidence);
        wrap(&mut text, &lead, 2, &words);
    }
    let sources = geometry.profiles().iter().map(|p| p.facts.source.as_str());
    list_sources(&mut text, &catalog, sources);
    Ok(text)
}

fn heading(geometry: &Geometry, state: &GpuInstances) -> String {
    let mut text = format!("{} ({})\n", geometry.gpu_name, geometry.gpu_id);
    let existing: Vec<String> = state.placed().iter().map(ToString::to_string).collect();
    if !existing.is_empty() {
        wrap(&mut text, "Existing: ", 2, &existing.join(", "));
    }
    text.push('\n');
    text
}

/// What stands behind a row.
struct Attested<'a> {
    name: &'a str,
    confidence: Confidence,
    notes: Option<&'a str>,
    source: &'a str,
}

/// How certain the rows are, what their notes say, and the sources.
fn attest(text: &mut String, catalog: &Catalog, rows: &[Attested<'_>]) {
    for confidence in [Confidence::Medium, Confidence::Low] {
        let doubtful = rows.iter().filter(|row| row.confidence == confidence);
        let mut names: Vec<&str> = doubtful.map(|row| row.name).collect();
        names.dedup();
        let about = match confidence {
            Confidence::Medium => "Confidence medium (one source, or by analogy): ",
            _ => "Confidence low (by analogy of the family): ",
        };
        if names.len() == rows.len() {
            wrap(text, about, 2, "all");
        } else if !names.is_empty() {
            wrap(text, about, 2, &names.join(", "));
        }
    }
    // Rows with the same note share a line.
    let mut noted: Vec<(Vec<&str>, &str)> = Vec::new();
    for row in rows {
        let Some(notes) = row.notes else { continue };
        match noted.iter_mut().find(|(_, known)| *known == notes) {
            Some((names, _)) if names.contains(&row.name) => {}
            Some((names, _)) => names.push(row.name),
            None => noted.push((vec![row.name], notes)),
        }
    }
    if !noted.is_empty() {
        text.push_str("\nNotes\n");
        for (names, notes) in noted {
            wrap(text, "  ", 6, &format!("{}: {notes}", names.join(", ")));
        }
    }
    list_sources(text, catalog, rows.iter().map(|row| row.source));
}

fn list_sources<'a>(text: &mut String, catalog: &Catalog, cells: impl Iterator<Item = &'a str>) {
    let all: Vec<&str> = cells.collect();
    let sources = catalog.sources_named_in(&all.join("; "));
    if !sources.is_empty() {
        text.push_str("\nSources\n");
        for source in sources {
            let about = format!("{}. {}", source.title, source.locator);
            wrap(text, &format!("  {}: ", source.key), 6, &about);
        }
    }
}
