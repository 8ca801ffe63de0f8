//! What the model of MIG rests on where no document settles a fact.

/// A named assumption: key, value and evidence, in the manner of `docs/assumptions.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assumption {
    pub key: &'static str,
    /// The value used.
    pub default: &'static str,
    pub about: &'static str,
    /// Where the value comes from, and how certain it is.
    pub evidence: &'static str,
}

/// Which start an instance gets when none is asked for.
pub const START_RULE: Assumption = Assumption {
    key: "mig.start",
    default: "fewest removed",
    about: "Start of a GPU instance for which none is given: the one that removes the fewest \
            still-possible placements of standard profiles, ties to the lowest.",
    evidence: "Inference. The driver's rule is not published. This one reproduces every logged \
               creation that the sources hold (MIG user guide v580 and its Getting Started chapter; \
               logs of an A30, an H100 PCIe, an H100 NVL and an RTX PRO 6000), a refused order \
               included. Give starts where a result must be exact.",
};

/// Where instances may start on boards whose placement table is not published.
pub const PLACEMENTS: Assumption = Assumption {
    key: "mig.placements",
    default: "multiples of the size",
    about: "Placements of boards without a published table, all of which have as many memory \
            slices as compute slices: units are memory slices, and an instance starts at a \
            multiple of its size.",
    evidence: "Inference from fractions and largest numbers of instances in the MIG user guide \
               (profiles of the RTX PRO 5000 and 4500 are halves of the GPU). What fits follows from \
               these; only the starts' numbers are a guess.",
};

/// Time to create a GPU instance.
pub const INSTANCE_CREATE: Assumption = Assumption {
    key: "mig.instance_create",
    default: "100ms",
    about: "Time to create a GPU instance.",
    evidence: "Unsourced: no published figure was found. An order of magnitude for one request to \
               the driver.",
};

/// Time to destroy a GPU instance.
pub const INSTANCE_DESTROY: Assumption = Assumption {
    key: "mig.instance_destroy",
    default: "100ms",
    about: "Time to destroy a GPU instance.",
    evidence: "Unsourced; see mig.instance_create.",
};

/// Time to create a compute instance.
pub const COMPUTE_CREATE: Assumption = Assumption {
    key: "mig.compute_create",
    default: "100ms",
    about: "Time to create a compute instance.",
    evidence: "Unsourced; see mig.instance_create.",
};

/// Time to destroy a compute instance.
pub const COMPUTE_DESTROY: Assumption = Assumption {
    key: "mig.compute_destroy",
    default: "100ms",
    about: "Time to destroy a compute instance.",
    evidence: "Unsourced; see mig.instance_create.",
};
