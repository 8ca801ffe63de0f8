//! The scheduler of a `share` table, by its name in the [registry].

use crate::engine::time::Nanos;
use crate::policy::Parameter;
use crate::policy::registry::{self, Registered, Use};
use crate::policy::spatial::{self, Spatial};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// A scheduler of the registry.
#[derive(Clone, Copy)]
pub struct RawScheduler(&'static Registered);

/// The schedulers of products, which have keys of their own, and all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    BestEffort,
    EqualShare,
    WeightedShare,
    FixedShare,
    RoundRobin,
    Fifo,
    Other,
}

impl RawScheduler {
    /// What tenants are served by if nothing is said.
    pub fn usual(vgpus: bool) -> RawScheduler {
        let name = if vgpus { "best-effort" } else { "round-robin" };
        RawScheduler(registry::find(name).unwrap_or(&registry::all()[0]))
    }

    /// The scheduler of this name.
    pub fn named(name: &str) -> Option<RawScheduler> {
        registry::find(name).map(RawScheduler)
    }

    /// The word in scenario files.
    pub fn word(self) -> &'static str {
        self.0.name
    }

    pub fn kind(self) -> Kind {
        match self.0.name {
            "best-effort" => Kind::BestEffort,
            "equal-share" => Kind::EqualShare,
            "weighted-share" => Kind::WeightedShare,
            "fixed-share" => Kind::FixedShare,
            "round-robin" => Kind::RoundRobin,
            "fifo" => Kind::Fifo,
            _ => Kind::Other,
        }
    }

    /// Whether it is the vGPU manager's with reserved turns, which have keys of their own.
    pub fn reserving(self) -> bool {
        matches!(
            self.kind(),
            Kind::EqualShare | Kind::WeightedShare | Kind::FixedShare
        )
    }

    /// The slice that its source gives it.
    pub fn usual_slice(self) -> Option<Nanos> {
        self.0.slice
    }

    /// Whether turns end before the work of their holder does.
    pub fn sliced(self) -> bool {
        self.uses(Use::Slice) || self.0.slice.is_some()
    }

    /// Keys of a `share` that it brings itself.
    pub fn parameters(self) -> &'static [Parameter] {
        self.0.parameters
    }

    /// Whether the scheduler goes by this property.
    pub fn uses(self, what: Use) -> bool {
        self.0.uses.contains(&what)
    }
}

impl fmt::Debug for RawScheduler {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

impl<'de> Deserialize<'de> for RawScheduler {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        RawScheduler::named(&name)
            .ok_or_else(|| D::Error::unknown_variant(&name, registry::names()))
    }
}

impl JsonSchema for RawScheduler {
    fn schema_name() -> Cow<'static, str> {
        "Scheduler".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let choices: Vec<_> = registry::all()
            .iter()
            .map(|scheduler| json_schema!({ "const": scheduler.name, "description": scheduler.about }))
            .collect();
        json_schema!({ "oneOf": choices })
    }
}

/// A policy in space by its name.
#[derive(Debug, Clone, Copy)]
pub struct RawDivision(pub Spatial);

impl<'de> Deserialize<'de> for RawDivision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = spatial::find(&name).map(RawDivision);
        found.ok_or_else(|| D::Error::unknown_variant(&name, spatial::names()))
    }
}

impl JsonSchema for RawDivision {
    fn schema_name() -> Cow<'static, str> {
        "Division".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let choice =
            |policy: &Spatial| json_schema!({ "const": policy.name, "description": policy.about });
        let choices: Vec<_> = spatial::all().iter().map(choice).collect();
        json_schema!({ "oneOf": choices })
    }
}
