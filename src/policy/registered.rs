//! What a scheduler is to the registry: its name, what it promises, what it goes by, and how it is built.

use super::{Parameter, Policy, Properties, Setting, TimeSlice};
use crate::engine::random::Stream;
use crate::engine::time::Nanos;

/// A scheduler by name.
#[derive(Clone, Copy)]
pub struct Registered {
    /// As written in scenarios.
    pub name: &'static str,
    /// One sentence for help and documentation.
    pub about: &'static str,
    /// Where it is described.
    pub source: &'static str,
    /// Nominal slice where the scenario names none, or may name none since it is no [`Use::Slice`]; `None` =
    /// assumption `policy.slice`, or work that runs to its end.
    pub slice: Option<Nanos>,
    /// Whether it reserves turns ([`Policy::reserves`]).
    pub reserves: bool,
    /// What it promises.
    pub properties: Properties,
    /// What it takes from the `share` of a GPU and from guests, beside what every policy has.
    pub uses: &'static [Use],
    /// Keys of a `share` table that it brings itself, beside those of the program.
    pub parameters: &'static [Parameter],
    /// Builds the policy.
    pub build: fn(&Setup<'_>) -> Box<dyn Policy>,
}

/// A property of GPUs or guests that a policy goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The nominal slice.
    Slice,
    /// `weight` of guests.
    Weight,
    /// `priority` of guests.
    Priority,
    /// `reservation` of guests.
    Reservation,
    /// `deadline` of guests.
    Deadline,
    /// The number of turns of a round.
    ReservedTurns,
    /// [`Setup::draws`]: replications differ by the turns that it draws.
    Draws,
}

/// What a policy is built from.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    pub config: &'a TimeSlice,
    /// For policies that draw: a stream of this domain alone, the same in every variant of a scenario.
    pub draws: Stream,
}

impl Setup<'_> {
    /// The value of a parameter that the policy declares: what the scenario says, or its default.
    pub fn setting(&self, parameter: &Parameter) -> Setting {
        let mut given = self.config.parameters.iter();
        let found = given.find(|(name, _)| *name == parameter.name);
        found.map_or(parameter.default(), |&(_, setting)| setting)
    }
}

/// What the vendor's own schedulers are described in.
pub(super) const NVIDIA: &str = "NVIDIA virtual GPU user guide 17.0, section 8.6";
