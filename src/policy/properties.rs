//! What a policy promises. The conformance suite checks what is declared here; the catalogue of
//! policies prints it.

/// What a policy promises about those that it serves. Times are counted in nominal slices.
#[derive(Debug, Clone, Copy)]
pub struct Properties {
    /// The SMs are never left unused while an entry has work.
    pub work_conserving: bool,
    pub weights: Weights,
    pub starvation: Starvation,
    /// An entry that becomes ready may take the SMs from another.
    pub preempts: bool,
}

/// What [`Terms::weight`](super::Terms::weight) means for tenants that always have work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weights {
    /// Nothing: all count the same, and their running times in any interval differ by no more slices
    /// than this.
    Equal { slices: f64 },
    /// Running times divided by weights differ in any interval by no more slices than this.
    Proportional { slices: f64 },
    /// Running times are proportional to weights on average.
    OnAverage,
    /// Running times follow something else.
    Other,
}

/// How long a tenant with work may wait for the SMs, beside others that always have work.
#[derive(Debug, Clone, Copy)]
pub enum Starvation {
    /// At most the time that so many slices of others take; by weights of all tenants and the index of
    /// the one that waits.
    Slices(fn(&[u32], usize) -> f64),
    /// At most the other turns of a round of reserved turns, vacant ones among them.
    ReservedTurns,
    /// By chance, without a bound.
    Chance,
    /// For ever.
    Unbounded,
}

/// Every other tenant has one turn.
pub(super) const ONE_TURN_EACH: Starvation =
    Starvation::Slices(|weights, _| weights.len() as f64 - 1.0);
