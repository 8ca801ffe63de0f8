//! MIG mode of one GPU: what turns it on and off, and what survives what.
//!
//! Source: MIG user guide v580 and its Getting Started chapter; for what holds instance creation
//! up, the open kernel modules. Two points are inference: unloading the driver takes the instances
//! with it on Ampere too, and switching the mode off on Hopper and later is refused while a compute
//! instance has a client, as every other change is.

use super::geometry::Geometry;
use super::instances::{GpuInstances, Placed};
use super::refusal::Refusal;
use std::sync::Arc;

/// How a change of MIG mode takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeChange {
    /// Ampere: with a GPU reset, for which no client may hold the GPU. The mode survives a reboot.
    NeedsReset,
    /// Hopper and later: at once. The mode lasts while the driver stays loaded.
    Immediate,
}

/// What MIG mode and instances outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Survival {
    /// Mode, GPU reset.
    pub mode_reset: bool,
    /// Mode, reboot of the host.
    pub mode_reboot: bool,
    /// Mode, unloading of the driver.
    pub mode_unload: bool,
    /// GPU and compute instances, any of these.
    pub instances: bool,
}

impl ModeChange {
    /// By the architecture of the catalogue.
    pub fn of(geometry: &Geometry) -> ModeChange {
        match geometry.architecture.as_str() {
            "Ampere" => ModeChange::NeedsReset,
            _ => ModeChange::Immediate,
        }
    }

    pub fn survival(self) -> Survival {
        let stored = self == ModeChange::NeedsReset;
        Survival {
            mode_reset: true,
            mode_reboot: stored,
            mode_unload: stored,
            instances: false,
        }
    }
}

/// MIG mode as `nvidia-smi` shows it: current and pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    pub current: bool,
    pub pending: bool,
}

/// A GPU that MIG can divide, with its mode and the clients that hold it as a whole.
///
/// ```
/// use std::sync::Arc;
/// use warpshare_input::{catalog::Catalog, mig::{Device, Geometry, Mode}};
/// let a100 = Arc::new(Geometry::of(&Catalog::builtin()?, "a100-sxm4-40gb")?);
/// let mut gpu = Device::new(a100);
/// gpu.attach_client();
/// assert_eq!(gpu.set_mode(true)?, Mode { current: false, pending: true });
/// gpu.detach_client();
/// gpu.reset()?;
/// assert_eq!(gpu.mode(), Mode { current: true, pending: true });
/// gpu.create("3g", None)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    change: ModeChange,
    mode: Mode,
    clients: u32,
    instances: GpuInstances,
}

impl Device {
    /// A GPU with MIG mode off and without clients.
    pub fn new(geometry: Arc<Geometry>) -> Device {
        Device {
            change: ModeChange::of(&geometry),
            mode: Mode {
                current: false,
                pending: false,
            },
            clients: 0,
            instances: GpuInstances::new(geometry),
        }
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Clients that hold the GPU as a whole: processes from before MIG, monitoring daemons.
    pub fn clients(&self) -> u32 {
        self.clients
    }

    pub fn attach_client(&mut self) {
        self.clients = self.clients.saturating_add(1);
    }

    pub fn detach_client(&mut self) {
        self.clients = self.clients.saturating_sub(1);
    }

    /// What exists; empty while the mode is off.
    pub fn instances(&self) -> &GpuInstances {
        &self.instances
    }

    /// Compute instances and their clients are managed on the instances themselves.
    ///
    /// # Errors
    ///
    /// [`Refusal::ModeOff`] or [`Refusal::ModePending`].
    pub fn instances_mut(&mut self) -> Result<&mut GpuInstances, Refusal> {
        self.mode_on()?;
        Ok(&mut self.instances)
    }

    /// Asks for MIG mode on or off, as `nvidia-smi -mig` does.
    ///
    /// On Ampere this resets the GPU; while a client holds it or a compute instance, the change stays
    /// pending, which is no error. Turning the mode off takes the instances with it.
    ///
    /// # Errors
    ///
    /// On Hopper and later [`Refusal::HeldByClient`] and [`Refusal::ComputeInUse`], since no reset
    /// would apply the change afterwards.
    pub fn set_mode(&mut self, on: bool) -> Result<Mode, Refusal> {
        let idle = self.not_held().and_then(|()| self.compute_idle());
        match self.change {
            ModeChange::NeedsReset => {
                self.mode.pending = on;
                if idle.is_ok() && self.mode.current != on {
                    self.clear();
                    self.mode.current = on;
                }
            }
            ModeChange::Immediate => {
                idle?;
                if self.mode.current != on {
                    self.clear();
                }
                self.mode = Mode {
                    current: on,
                    pending: on,
                };
            }
        }
        Ok(self.mode)
    }

    /// Resets the GPU: a pending mode takes effect, instances are gone.
    ///
    /// # Errors
    ///
    /// [`Refusal::HeldByClient`] or [`Refusal::ComputeInUse`].
    pub fn reset(&mut self) -> Result<Mode, Refusal> {
        self.not_held()?;
        self.compute_idle()?;
        self.clear();
        self.mode.current = self.mode.pending;
        Ok(self.mode)
    }

    /// Reboots the host: clients and instances are gone, the mode only where it is not stored.
    pub fn reboot(&mut self) -> Mode {
        self.clients = 0;
        self.start_driver()
    }

    /// Unloads and loads the driver.
    ///
    /// # Errors
    ///
    /// [`Refusal::HeldByClient`] or [`Refusal::ComputeInUse`].
    pub fn reload_driver(&mut self) -> Result<Mode, Refusal> {
        self.not_held()?;
        self.compute_idle()?;
        Ok(self.start_driver())
    }

    /// Creates a GPU instance: see [`GpuInstances::create`].
    ///
    /// # Errors
    ///
    /// As there; before that [`Refusal::ModeOff`], [`Refusal::ModePending`] and
    /// [`Refusal::HeldByClient`].
    pub fn create(&mut self, profile: &str, start: Option<u32>) -> Result<Placed, Refusal> {
        self.mode_on()?;
        self.not_held()?;
        self.instances.create(profile, start)
    }

    fn start_driver(&mut self) -> Mode {
        self.clear();
        if !self.change.survival().mode_unload {
            self.mode.pending = false;
        }
        self.mode.current = self.mode.pending;
        self.mode
    }

    fn clear(&mut self) {
        self.instances.held_mut().clear();
    }

    fn gpu(&self) -> String {
        self.instances.geometry().gpu_name.clone()
    }

    fn mode_on(&self) -> Result<(), Refusal> {
        match self.mode {
            Mode { current: true, .. } => Ok(()),
            Mode { pending: true, .. } => Err(Refusal::ModePending { gpu: self.gpu() }),
            _ => Err(Refusal::ModeOff { gpu: self.gpu() }),
        }
    }

    fn not_held(&self) -> Result<(), Refusal> {
        match self.clients {
            0 => Ok(()),
            clients => Err(Refusal::HeldByClient {
                gpu: self.gpu(),
                clients,
            }),
        }
    }

    fn compute_idle(&self) -> Result<(), Refusal> {
        for gi in self.instances.instances() {
            if let Some(ci) = gi.compute.iter().find(|ci| ci.clients > 0) {
                return Err(Refusal::ComputeInUse {
                    instance: self.instances.placed_of(gi),
                    compute: ci.profile.clone(),
                    clients: ci.clients,
                });
            }
        }
        Ok(())
    }
}
