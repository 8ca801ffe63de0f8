//! The scenario that `warpshare new` writes.

use super::{Failure, Plan, Way, bad};
use crate::catalog::Catalog;
use std::fmt::Write as _;

/// The scenario as a text.
pub(super) fn scenario(catalog: &Catalog, plan: &Plan) -> Result<String, Failure> {
    let Plan {
        gpu,
        preset,
        way,
        count,
        ..
    } = plan;
    let boards = plan.boards_in_words();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "# {count} x {name} on {boards}.\n\
         #\n\
         # warpshare run FILE      simulates it and leaves a folder of results\n\
         # warpshare run FILE --explain   shows every value and where it comes from\n\
         # docs/scenario.md describes every key; numbers carry their units.\n\n\
         title = \"{count} x {name} on {boards}\"\n\n\
         # How long, and how often: the warm-up is not measured, and the spread over the replications gives\n\
         # the intervals in the report.\n\
         [run]\n{run}replications = 5\nseed = 1\n",
        name = preset.name,
        run = match preset.kind.as_str() {
            "llm" => "duration = \"40min\"\nwarmup = \"30s\"\n",
            _ => "duration = \"90s\"\nwarmup = \"5s\"\n",
        },
    );
    let mut guests = String::new();
    for board in 0..plan.boards {
        let name = plan.board_name(board);
        let what = if plan.gpus_per_board > 1 && *way != Way::Mig {
            "card"
        } else {
            "board"
        };
        let _ = write!(text, "\n[gpus.{name}]\n{what} = \"{gpu}\"\n");
        guests.push_str(&shared(
            &mut text,
            catalog,
            plan,
            &name,
            plan.guests_on(board),
        )?);
    }
    text.push_str(&guests);
    let _ = write!(
        text,
        "\n# {about}\n# `warpshare workload show {name}` has its numbers, sources and assumptions; any key given\n\
         # here comes before the preset's.\n\
         [workloads.{name}]\npreset = \"{name}\"\n",
        about = preset.about,
        name = preset.name,
    );
    Ok(text)
}

/// Writes how the board is shared; returns the guests.
fn shared(
    text: &mut String,
    catalog: &Catalog,
    plan: &Plan,
    board: &str,
    count: u32,
) -> Result<String, Failure> {
    let Plan {
        gpu, preset, way, ..
    } = plan;
    let mut more = String::new();
    if preset.streams > 1 {
        let _ = write!(
            more,
            "# Jobs in flight at once in each guest.\nstreams = {}\n",
            preset.streams
        );
    }
    if let Some(queue) = preset.queue {
        let _ = write!(
            more,
            "# Jobs that may wait; more are dropped.\nqueue = {queue}\n"
        );
    }
    if let Some(deadline) = &plan.deadline {
        let _ = write!(
            more,
            "# A job that takes longer counts as late.\ndeadline = \"{deadline}\"\n"
        );
    }
    if !plan.objectives.is_empty() {
        // As TOML strings, whatever is in them.
        let list: Vec<toml::Value> = plan.objectives.iter().map(|o| o.as_str().into()).collect();
        let _ = write!(
            more,
            "# What is asked: `run --enforce` ends with exit code 3 where it is missed.\nobjectives = {}\n",
            toml::Value::from(list)
        );
    }
    let name = preset.name;
    let (group_name, on) = if plan.boards == 1 {
        ("guest".to_owned(), String::new())
    } else {
        (format!("guest-{board}"), format!("on = \"{board}\"\n"))
    };
    let group = |holds: &str| {
        format!(
            "\n[guests.{group_name}]\n{on}{holds}count = {count}\n{more}workload = \"{name}\"\n"
        )
    };
    let guests = match way {
        Way::Vgpu => {
            let _ = write!(
                text,
                "\n# The vendor's default: vGPUs with work take turns, an idle one's turn goes to the others.\n\
                 # Also: equal-share and fixed-share, which reserve turns.\n\
                 [gpus.{board}.share]\nmode = \"time-slice\"\nscheduler = \"best-effort\"\n",
            );
            let type_name = &plan.vgpu;
            group(&format!(
                "# `warpshare vgpu types --gpu {gpu}` has the other types.\nvgpu = \"{type_name}\"\n"
            ))
        }
        Way::TimeSlice => {
            let _ = write!(
                text,
                "\n# CUDA contexts take turns, as the driver has it by default.\n[gpus.{board}.share]\n\
                 mode = \"time-slice\"\nscheduler = \"round-robin\"\n",
            );
            group("context = true\n")
        }
        Way::Mps => {
            let _ = write!(
                text,
                "\n# Clients of MPS run side by side; `active_thread_percentage` of a guest limits its SMs.\n\
                 [gpus.{board}.share]\nmode = \"spatial\"\n",
            );
            group("context = true\n")
        }
        Way::Mig => {
            let profile = profile(catalog, gpu, count)?;
            text.push_str(&format!(
                "\n# The largest profile of which so many fit; `warpshare mig profiles --gpu {gpu}` has the others.\n"
            ));
            let mut guests = String::new();
            for number in 1..=count {
                let _ = writeln!(text, "instances.i{number} = {{ profile = \"{profile}\" }}");
                let _ = write!(
                    guests,
                    "\n[guests.{group_name}{number}]\non = \"{board}.i{number}\"\ncontext = true\n{more}workload = \"{name}\"\n"
                );
            }
            guests
        }
    };
    Ok(guests)
}

/// The largest plain profile of which `count` fit.
fn profile(catalog: &Catalog, gpu: &str, count: u32) -> Result<String, Failure> {
    let plain = catalog
        .mig_profiles(gpu)
        .filter(|profile| !profile.profile.contains(['+', '-']) && profile.max_instances >= count);
    let best = plain.max_by_key(|profile| (profile.compute_slices, profile.memory_slices));
    best.map(|profile| profile.profile.clone()).ok_or_else(|| {
        bad(
            &format!("no MIG profile of `{gpu}` fits {count} times"),
            "fewer guests, another board or another way; `warpshare mig profiles` shows the profiles",
        )
    })
}
