//! What a policy promises. The conformance suite checks what is declared here; the catalogue of
//! policies prints it.

/// What a policy promises about those that it serves. Times are counted in nominal slices.
#[derive(Debug, Clone, Copy)]
pub struct Properties {
    /// The SMs are never left unused while an entry has work.
    pub work_conserving: bool,
    pub weights: Weights,
    pub starvation: Starvation,
    pub preempts: Preempts,
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

/// Whether an entry that becomes ready takes the SMs from another whose turn has just begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preempts {
    /// It waits for the end of a turn.
    Never,
    /// It does so if its work is the more urgent: by priority, by deadline, by what it has had or needs.
    Urgent,
    /// From some work and not from other, such as work that has had long: not as soon as it comes, whatever its
    /// claim.
    Some,
}

/// How long a tenant with work may wait for the SMs, beside others that always have work.
#[derive(Debug, Clone, Copy)]
pub enum Starvation {
    /// At most the time that so many slices of others take; by weights of all tenants and the index of
    /// the one that waits.
    Slices(fn(&[u32], usize) -> f64),
    /// At most the other turns of a round of reserved turns, vacant ones among them.
    ReservedTurns,
    /// As long as the work takes that came before, whoever's it is, however long that is.
    Before,
    /// As long as one turn of each of the others, whose length is that of the work that it serves.
    Visits,
    /// By chance, without a bound.
    Chance,
    /// For ever.
    Unbounded,
}

/// Every other tenant has one turn.
pub(super) const ONE_TURN_EACH: Starvation =
    Starvation::Slices(|weights, _| weights.len() as f64 - 1.0);

/// Sum of weights.
pub(super) fn total(weights: &[u32]) -> f64 {
    weights.iter().map(|&weight| f64::from(weight)).sum()
}

/// Turns in a circle, as long as weights say.
pub(super) const ONE_TURN_BY_WEIGHT: Starvation =
    Starvation::Slices(|weights, own| total(weights) - f64::from(weights[own]));

/// Equal turns; whoever has had least running time by its weight has the next.
pub(super) const LEAST_BY_WEIGHT: Properties = Properties {
    work_conserving: true,
    // Who runs has had least, so it is ahead of any other by a turn of its own at most: the distance of two
    // moves between a turn of the one and a turn of the other, 1 / w + 1 / v, which is 1.5 for weights 1 and
    // 2. Equal weights take turns, and are within 1.
    weights: Weights::Proportional { slices: 1.5 },
    // Between two turns of an entry every other advances as far as its own, and a turn further.
    starvation: Starvation::Slices(|weights, own| {
        let (all, mine) = (total(weights), f64::from(weights[own]));
        (all - mine) / mine + weights.len() as f64 - 1.0
    }),
    preempts: Preempts::Never,
};

/// Those with work take turns of one slice; nobody waits for one without.
pub(super) const EVERYONE_IN_TURN: Properties = Properties {
    work_conserving: true,
    weights: Weights::Equal { slices: 1.0 },
    starvation: ONE_TURN_EACH,
    preempts: Preempts::Never,
};

/// The same with turns that are kept for those without work.
pub(super) const RESERVED: Properties = Properties {
    work_conserving: false,
    ..EVERYONE_IN_TURN
};
