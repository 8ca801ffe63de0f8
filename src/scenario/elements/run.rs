//! `[run]` and `[host]`.

use crate::engine::time::{LONGEST, Nanos};
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::units::write_nanos;
use crate::scenario::read::alternative::Alternative;
use crate::scenario::read::raw::{RawHorizon, RawHost, RawRun, RawScenario};

/// How the scenario is run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPlan {
    pub horizon: Horizon,
    /// Length of the part that is simulated before measurement starts (0 if terminating).
    pub warmup: Nanos,
    /// Length of the measured window, after the warm-up.
    pub window: Nanos,
    /// How long after the window jobs that arrived in it may take to finish.
    pub drain: Nanos,
    pub replications: u32,
    pub seed: u64,
    /// Confidence level of every interval, such as 0.95.
    pub confidence: f64,
    /// Whether slowdown and interference baselines are run.
    pub baselines: bool,
    /// Number of equal bins of the timelines over warm-up and window.
    pub timeline_bins: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Horizon {
    /// Long-run behaviour: the warm-up is removed, load goes on while the window's jobs finish.
    Steady,
    /// A period that starts empty and ends: nothing is removed, arrivals stop with the window.
    Terminating,
}

/// Values that the command line sets in place of the file's.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub seed: Option<u64>,
    pub replications: Option<u32>,
    /// `KEY=VALUE` for keys of the file, such as `run.duration=10s`; of several for one key the last.
    pub set: Vec<String>,
    /// A catalogue file of the user's, besides the one that the scenario names.
    pub boards: Option<std::path::PathBuf>,
    /// Another scheduler, wherever tenants take turns.
    pub alternative: Option<Alternative>,
}

/// Share of the window that the warm-up gets by default: one part in so many.
const WARMUP_PART: Nanos = 5;

pub(crate) fn plan(c: &mut Checker, raw: &RawScenario, overrides: &Overrides) -> Option<RunPlan> {
    let none = RawRun::default();
    let top = 0..0;
    let (run, span): (&RawRun, &Span) = match &raw.run {
        Some(field) => (&field.value, &field.span),
        None if c.refused.contains("run") => return None,
        None => (&none, &top),
    };
    let horizon = match &run.horizon {
        Some(field) if field.value == RawHorizon::Terminating => {
            c.file_value("run.horizon", "terminating", &field.span);
            Horizon::Terminating
        }
        Some(field) => {
            c.file_value("run.horizon", "steady", &field.span);
            Horizon::Steady
        }
        None => {
            c.by_default("run.horizon", "steady");
            Horizon::Steady
        }
    };
    let window = match &run.duration {
        Some(field) => c.positive("run.duration", field),
        None => {
            c.missing(
                span,
                "run",
                "duration",
                "the measured window, such as duration = \"60s\"",
            );
            None
        }
    };
    let warmup = match (&run.warmup, horizon) {
        (Some(field), Horizon::Terminating) => {
            let help = "remove it, or use horizon = \"steady\"";
            let title = "`warmup` does not apply to a terminating horizon";
            c.error(&field.span, title, "nothing is removed there", help);
            None
        }
        (Some(field), Horizon::Steady) => {
            let nanos = field.value.nanos;
            c.file_value("run.warmup", write_nanos(nanos as f64), &field.span);
            Some(nanos)
        }
        (None, Horizon::Terminating) => {
            c.by_default("run.warmup", "0s");
            Some(0)
        }
        (None, Horizon::Steady) => window.map(|window| {
            let nanos = window / WARMUP_PART;
            c.by_default("run.warmup", write_nanos(nanos as f64));
            nanos
        }),
    };
    let drain = match &run.drain {
        Some(field) => {
            let nanos = field.value.nanos;
            c.file_value("run.drain", write_nanos(nanos as f64), &field.span);
            Some(nanos)
        }
        None => {
            if let Some(window) = window {
                c.by_default("run.drain", write_nanos(window as f64));
            }
            window
        }
    };
    let replications = match overrides.replications {
        Some(given) => {
            c.by_command_line("run.replications", given.to_string());
            Some(given)
        }
        None => c.count("run.replications", &run.replications, 1, 10_000, Some(5)),
    };
    let seed = match (overrides.seed, &run.seed) {
        (Some(given), _) => {
            c.by_command_line("run.seed", given.to_string());
            given
        }
        (None, Some(field)) => {
            c.file_value("run.seed", field.value.to_string(), &field.span);
            field.value
        }
        (None, None) => {
            c.by_default("run.seed", "1");
            1
        }
    };
    let confidence = match &run.confidence {
        Some(field) if (0.5..=0.9999).contains(&field.value) => {
            c.file_value("run.confidence", field.value.to_string(), &field.span);
            Some(field.value)
        }
        Some(field) => {
            let help = "a level such as 0.95";
            c.error(
                &field.span,
                "`confidence` is out of range",
                "must be from 0.5 to 0.9999",
                help,
            );
            None
        }
        None => {
            c.by_default("run.confidence", "0.95");
            Some(0.95)
        }
    };
    let baselines = match &run.baselines {
        Some(field) => {
            c.file_value("run.baselines", field.value.to_string(), &field.span);
            field.value
        }
        None => {
            c.by_default("run.baselines", "true");
            true
        }
    };
    let bins = c.count(
        "run.timeline_bins",
        &run.timeline_bins,
        1,
        10_000,
        Some(120),
    );
    let plan = RunPlan {
        horizon,
        warmup: warmup?,
        window: window?,
        drain: drain?,
        replications: replications?,
        seed,
        confidence: confidence?,
        baselines,
        timeline_bins: bins?,
    };
    let total = plan.warmup.checked_add(plan.window);
    if total
        .and_then(|t| t.checked_add(plan.drain))
        .is_none_or(|t| t > LONGEST)
    {
        let title = "warm-up, duration and drain together are longer than 292 years";
        c.error(span, title, "", "shorten them");
        return None;
    }
    Some(plan)
}

/// Host cores; `None` inside = unlimited.
pub(crate) fn host_cores(c: &mut Checker, raw: &RawScenario) -> Option<Option<u32>> {
    let none = RawHost::default();
    let host = raw.host.as_ref().map_or(&none, |field| &field.value);
    let path = "host.cores";
    if host.cores.is_some() {
        return Some(Some(c.count(path, &host.cores, 1, 1_000_000, None)?));
    }
    if c.neutral {
        c.by_default(path, "unlimited");
        return Some(None);
    }
    let text = c.assume(path, "host.cores", None);
    Some(text.parse().ok())
}
