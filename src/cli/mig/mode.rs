//! `warpshare mig mode`: what turning MIG on takes on a GPU, and what outlives what.

use super::Common;
use crate::cli::Failure;
use crate::cli::gpus::{json, or_unknown, wrap};
use crate::mig::ModeChange;
use serde::Serialize;

/// Explain MIG mode of a GPU: how it is turned on, and what survives a reset or a reboot
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  warpshare mig mode --gpu a100-sxm4-40gb")]
pub(super) struct ModeArgs {
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Shown {
    gpu_id: String,
    needs_reset: bool,
    mode_survives_reboot: bool,
    mode_survives_driver_reload: bool,
    instances_survive: bool,
    min_driver: Option<String>,
}

pub(super) fn mode(args: &ModeArgs) -> Result<String, Failure> {
    let (_, geometry) = args.common.open()?;
    let change = ModeChange::of(&geometry);
    let survival = change.survival();
    let driver = geometry.min_driver.map(|driver| driver.to_string());
    if args.common.json {
        return json(&Shown {
            gpu_id: geometry.gpu_id.clone(),
            needs_reset: change == ModeChange::NeedsReset,
            mode_survives_reboot: survival.mode_reboot,
            mode_survives_driver_reload: survival.mode_unload,
            instances_survive: survival.instances,
            min_driver: driver,
        });
    }
    let mut text = format!("{} ({})\n\n", geometry.gpu_name, geometry.gpu_id);
    let mut say = |lead: &str, words: &str| wrap(&mut text, &format!("{lead:<20}"), 20, words);
    say("Architecture", &geometry.architecture);
    say("First driver", &or_unknown(driver));
    match change {
        ModeChange::NeedsReset => {
            say(
                "Turning it on",
                "needs a GPU reset, so no client may hold the GPU: no process, no monitoring \
                 daemon. While one does, the mode stays pending. In passthrough the VM may have to \
                 be restarted.",
            );
            say("Mode survives", "reset, reboot and reloading the driver");
        }
        ModeChange::Immediate => {
            say(
                "Turning it on",
                "needs no reset and takes effect at once. Monitoring daemons that hold the GPU must \
                 stop first.",
            );
            say(
                "Mode survives",
                "a reset; it lasts while the driver stays loaded, so not a reboot",
            );
        }
    }
    say(
        "Instances survive",
        "neither reset nor reboot: GPU instances and compute instances must be created again",
    );
    say(
        "With the mode on",
        "CUDA has no device until a GPU instance and a compute instance in it exist",
    );
    text.push('\n');
    wrap(
        &mut text,
        "",
        0,
        "Source: MIG user guide, v580 and Getting Started with MIG; first drivers: Deployment \
         Considerations, v620. docs/mig.md has the state machine.",
    );
    Ok(text)
}
