//! MIG: GPU instances and compute instances, where they go and why not.
//!
//! Everything rests on the placement tables of the catalogue ([`Geometry`]), never on arithmetic
//! alone. [`GpuInstances`] is what exists on one GPU; [`maximal_layouts`] lists what could;
//! [`fit`] says whether a list of requests can be met, in which order and where; [`plan`] goes from
//! one set of instances to another without touching what is in use; [`Device`] adds MIG mode.
//!
//! Instances of a GPU are named by their start, which is unique, and not by the driver's ids: logs
//! disagree about those.

mod assumption;
mod chosen;
mod compute;
mod device;
mod driver;
mod fit;
mod geometry;
mod instances;
mod layouts;
mod plan;
mod refusal;
mod request;

pub use assumption::{Assumption, COMPUTE_CREATE, COMPUTE_DESTROY, INSTANCE_CREATE};
pub use assumption::{INSTANCE_DESTROY, PLACEMENTS, START_RULE};
pub use compute::ComputeInstance;
pub use device::{Device, Mode, ModeChange, Survival};
pub use driver::Driver;
pub use fit::{Fit, NoFit, Order, fit};
pub use geometry::{EngineKind, Engines, Geometry, GeometryError, Kind, Profile};
pub use instances::{GpuInstance, GpuInstances, Partition, Placed};
pub use layouts::{Layout, maximal_layouts};
pub use plan::{Action, Durations, Plan, Step, plan};
pub use refusal::{Lacking, Refusal};
pub use request::{Request, RequestError, parse_requests};
