//! The words of a summary that are not metrics, or mean more than one, in the markup of `docs/metrics.md`.

/// A word and what it means.
pub struct Term {
    pub name: &'static str,
    /// Other words for the same.
    pub also: &'static [&'static str],
    pub meaning: &'static str,
}

const fn term(name: &'static str, also: &'static [&'static str], meaning: &'static str) -> Term {
    Term {
        name,
        also,
        meaning,
    }
}

/// In the order of the alphabet.
pub static TERMS: &[Term] = &[
    term(
        "arrival",
        &["arrived"],
        "The instant at which a job is submitted. A job belongs to the window by its arrival, whenever it ends.",
    ),
    term(
        "assumption",
        &["assumptions"],
        "A value that no source gives and that a result rests on: it has a name, its evidence, and a place where a scenario can replace it. `run --explain` prints those behind a result; `docs/assumptions.md` lists all.",
    ),
    term(
        "backlog",
        &[],
        "Jobs of a guest that have arrived and not ended. Overload is a backlog that grows.",
    ),
    term(
        "baseline",
        &["baselines"],
        "A guest run alone with the same draws: once on the undivided board, for the slowdown, and once on its own share, for the interference. In `check`, a file of earlier results.",
    ),
    term(
        "closed",
        &["open", "load"],
        "A guest is closed if its users wait for a job before they submit the next: a slow GPU then slows the arrivals. It is open if jobs arrive whatever becomes of earlier ones.",
    ),
    term(
        "confidence",
        &["interval", "half-width", "±"],
        "`±` is half the width of the interval that holds the true value with the plan's confidence, 95 % unless the scenario says otherwise. It rests on independent replications: more of them make it narrower, with the square root of their number.",
    ),
    term(
        "deadline",
        &["late"],
        "The longest response that a guest's jobs should have. The share of those that ended later is `late_fraction`. It is no objective by itself: `late < 1%` makes it one.",
    ),
    term(
        "drain",
        &[],
        "The wait, after the window, for jobs that arrived in it. It is bounded; a job that has not ended then is `unfinished`.",
    ),
    term(
        "dropped",
        &["loss"],
        "A job that a full queue turned away, or a frame that a newer one replaced before it was shown. Dropped jobs have no response, so that quantiles are of the others only: read them together.",
    ),
    term(
        "fairness",
        &["max/min"],
        "How evenly guests of one GPU fare: Jain's index of their GPU time and of their progress, the largest over the smallest progress, ANTT, STP and the longest starvation.",
    ),
    term(
        "margin",
        &[],
        "How far the value of a metric is on the good side of an objective's bound, with the interval of the value; negative where the objective is missed.",
    ),
    term(
        "objective",
        &["objectives", "slo"],
        "What a scenario asks of a metric, such as `p95 < 50ms`. It holds if the whole interval of the metric meets it, is missed if none of it does, and is undecided otherwise. Where all replications have one value, that value decides.",
    ),
    term(
        "overload",
        &["overloaded"],
        "More arrives at an open guest than is served: jobs of the window are left at the drain bound, or the backlog grows. Latencies are then of the jobs that ended, shown with ≥, and would be longer in a longer run. Objectives that bound them from above are missed.",
    ),
    term(
        "percentile",
        &["quantile", "p50", "p95", "p99"],
        "The 95th percentile, p95, is the smallest response that at least 95 % of the jobs do not exceed (Hyndman-Fan type 1).",
    ),
    term(
        "progress",
        &[],
        "1 / slowdown: 1 as fast as alone, 0 not at all.",
    ),
    term(
        "replication",
        &["replications"],
        "One run of the scenario with draws of its own. Jobs of one replication depend on each other; replications do not, so they make the intervals.",
    ),
    term(
        "slice wait",
        &["part_slice_wait"],
        "Time in which a job is ready for the SMs while another tenant, another context of its vGPU, or nobody holds them.",
    ),
    term(
        "starvation",
        &[],
        "Time in which a guest has work ready and none of the SMs, because of other tenants or of other contexts inside its vGPU. The longest that was seen is `longest_starvation`: an observation, not a bound.",
    ),
    term(
        "sustained",
        &[],
        "All that a verdict says of a load without objectives. Of an open guest: all jobs of the window were served within the drain and the backlog does not grow. Of a closed guest: its users wait, so that it cannot be overloaded; it says no more than that no job was lost, and the throughput and the response say how well they fare. Of a language model: every request was served to its last token within the drain and the queue of its engine does not grow; how soon is in the time to the first token and between tokens. It does not say that anybody is content: that takes an objective.",
    ),
    term(
        "verdict",
        &[],
        "What the column says of a guest group: `OVERLOADED`; `MISSED`, `undecided` or `holds` where it has objectives, by the worst of them; else the share of jobs that were dropped, timed out or failed; else `sustained`, with the share late where there is a deadline.",
    ),
    term(
        "warm-up",
        &["warmup", "mser"],
        "The first part of each replication, simulated and not measured, so that the empty start does not enter steady figures. MSER-5 says from the series of responses how long it should be; a verdict other than `adequate` is among the notices.",
    ),
    term(
        "window",
        &["duration"],
        "The measured part of each replication, after the warm-up.",
    ),
];
