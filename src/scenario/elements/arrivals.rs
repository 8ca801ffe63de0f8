//! `arrivals` of a workload: how jobs come.

use crate::engine::time::Nanos;
use crate::scenario::elements::amounts::{form, present};
use crate::scenario::elements::traces::Recording;
use crate::scenario::elements::{amounts, traces};
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::Field;
use crate::scenario::key::units::{RawDuration, write_nanos};
use crate::scenario::read::raw_amount::RawAmount;
use crate::scenario::read::raw_workload::{RawArrivals, RawFirst, RawProcess, RawSpacing};
use crate::workload::dist::Dist;
use crate::workload::{Arrivals, FirstArrival, Phase, SessionLength, Spacing};
use std::collections::BTreeMap;

/// What a process takes beside the keys that it needs.
const OPEN: &[&str] = &["process", "first", "batch", "batch_mean"];
const PACED: &[&str] = &["process", "first", "jitter", "batch", "batch_mean"];
const MODULATED: &[&str] = &["process", "spacing", "batch", "batch_mean"];
const TRACE: &[&str] = &[
    "process",
    "keep",
    "stretch",
    "offset",
    "repeat_every",
    "enter",
    "block",
    "clock",
];

/// How sessions begin, and what ends them.
const SESSIONS: &[&[&str]] = &[
    &["rate", "think", "requests"],
    &["rate", "think", "requests_mean"],
    &["rate", "think", "lasts"],
    &["gap", "think", "requests"],
    &["gap", "think", "requests_mean"],
    &["gap", "think", "lasts"],
];

/// How jobs come, as a process; whether they are `frames`.
pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    field: &Field<RawArrivals>,
    wanted: &BTreeMap<String, Span>,
    frames: bool,
) -> Option<(Arrivals, Option<Recording>)> {
    let raw = &field.value;
    let Some(process) = &raw.process else {
        let help = "one of poisson, deterministic, gamma, weibull, renewal, on-off, modulated, sessions, closed, trace";
        c.missing(&field.span, path, "process", help);
        return None;
    };
    use RawProcess as P;
    let (forms, optional): (&[&[&str]], &[&str]) = match process.value {
        P::Poisson => (&[&["rate"]], OPEN),
        P::Deterministic => (&[&["period"], &["rate"]], PACED),
        P::Gamma | P::Weibull => (&[&["rate", "cv"]], OPEN),
        P::Renewal => (&[&["gap"]], OPEN),
        P::OnOff => (&[&["rate", "on", "off"]], MODULATED),
        P::Modulated => (&[&["phases"]], MODULATED),
        P::Sessions => (SESSIONS, &["process"]),
        P::Closed => (&[&[]], &["process", "users", "think"]),
        P::Trace => (
            &[&["file", "time", "time_format"], &["file", "format"]],
            TRACE,
        ),
    };
    let refused = forms
        .iter()
        .flat_map(|keys| keys.iter())
        .any(|key| c.refused.contains(&format!("{path}.{key}")));
    if refused {
        return None;
    }
    let keys = present!(raw; process, rate, period, cv, gap, first, users, think, file, time,
                        time_format, format, keep, jitter, on, off, phases, spacing, batch, batch_mean, stretch,
                        offset, repeat_every, enter, block, clock, requests, requests_mean, lasts);
    let article = match process.value {
        P::OnOff => "an",
        _ => "a",
    };
    let what = format!("{article} {} process", process.value.word());
    let index = form(c, &what, &field.span, &keys, forms, optional)?;
    c.file_value(
        &format!("{path}.process"),
        process.value.word(),
        &process.span,
    );
    let gap = match process.value {
        P::Poisson => {
            let rate = raw.rate.as_ref()?;
            gap(c, path, &rate.span, Dist::exponential(rate.value.gap).ok())
        }
        P::Deterministic if index == 0 => {
            let period = raw.period.as_ref()?;
            let exact = Some(period.value.nanos).filter(|&n| n > 0);
            gap(
                c,
                path,
                &period.span,
                exact.and_then(|n| Dist::constant(n as f64).ok()),
            )
        }
        P::Deterministic => {
            let rate = raw.rate.as_ref()?;
            gap(c, path, &rate.span, Dist::constant(rate.value.gap).ok())
        }
        P::Gamma | P::Weibull => {
            let (rate, cv) = (raw.rate.as_ref()?, raw.cv.as_ref()?);
            let built = match process.value {
                P::Gamma => Dist::gamma(rate.value.gap, cv.value),
                _ => Dist::weibull(rate.value.gap, cv.value),
            };
            if let Err(error) = &built {
                c.error(&cv.span, error.to_string(), "out of range", "");
                return None;
            }
            gap(c, path, &cv.span, built.ok())
        }
        P::Renewal => any_gap(c, path, raw.gap.as_ref()?),
        P::Sessions => return sessions(c, path, raw).map(drawn),
        P::Closed => {
            let users = c.count(&format!("{path}.users"), &raw.users, 1, 100_000, Some(1))?;
            let think = match &raw.think {
                Some(think) => amounts::dist(c, &format!("{path}.think"), think)?,
                None => {
                    c.by_default(&format!("{path}.think"), "0s");
                    Dist::Constant(0.0)
                }
            };
            return Some(drawn(Arrivals::Closed { users, think }));
        }
        P::OnOff => return on_off(c, path, raw, frames).map(drawn),
        P::Modulated => return modulated(c, path, raw, frames).map(drawn),
        P::Trace => {
            let (arrivals, recording) = traces::resolve(c, path, field, wanted)?;
            return Some((arrivals, Some(recording)));
        }
    }?;
    let first = match &raw.first {
        Some(first) => {
            c.file_value(&format!("{path}.first"), first.value.word(), &first.span);
            match first.value {
                RawFirst::AfterGap => FirstArrival::AfterGap,
                RawFirst::AtStart => FirstArrival::AtStart,
                RawFirst::RandomPhase => FirstArrival::RandomPhase,
            }
        }
        None => {
            c.by_default(&format!("{path}.first"), RawFirst::AfterGap.word());
            FirstArrival::AfterGap
        }
    };
    let Some(field) = &raw.jitter else {
        return Some(drawn(Arrivals::Open { gap, first }));
    };
    let jitter = amounts::dist(c, &format!("{path}.jitter"), field)?;
    let period = gap.mean().round() as Nanos;
    Some(drawn(Arrivals::Paced {
        period,
        jitter,
        first,
    }))
}

/// Arrivals that no recording gives.
fn drawn(arrivals: Arrivals) -> (Arrivals, Option<Recording>) {
    (arrivals, None)
}

/// A gap of any distribution.
fn any_gap(c: &mut Checker, path: &str, field: &Field<RawAmount<RawDuration>>) -> Option<Dist> {
    let dist = amounts::dist(c, &format!("{path}.gap"), field)?;
    if dist.mean() < 1.0 {
        let label = "the mean is below a nanosecond";
        c.error(&field.span, "gaps of no length", label, "");
        return None;
    }
    Some(dist)
}

/// Sessions of requests.
fn sessions(c: &mut Checker, path: &str, raw: &RawArrivals) -> Option<Arrivals> {
    let gap = match (&raw.rate, &raw.gap) {
        (Some(rate), _) => gap(c, path, &rate.span, Dist::exponential(rate.value.gap).ok()),
        (None, field) => any_gap(c, path, field.as_ref()?),
    };
    let thought = raw.think.as_ref()?;
    let think = amounts::dist(c, &format!("{path}.think"), thought);
    if let (Some(think), Some(_)) = (&think, &raw.lasts)
        && think.mean() < 1.0
    {
        let label = "a session that lasts would have no end of requests";
        c.error(&thought.span, "think time of no length", label, "");
        return None;
    }
    let length = match (&raw.requests, &raw.requests_mean, &raw.lasts) {
        (Some(_), ..) => {
            let path = format!("{path}.requests");
            let requests = c.count(&path, &raw.requests, 1, 1_000_000, None)?;
            SessionLength::Requests(Dist::constant(f64::from(requests)).ok()?)
        }
        (None, Some(mean), _) => {
            SessionLength::Requests(geometric(c, path, "requests_mean", "requests", mean)?)
        }
        (None, None, lasts) => {
            SessionLength::Time(amounts::dist(c, &format!("{path}.lasts"), lasts.as_ref()?)?)
        }
    };
    Some(Arrivals::Sessions {
        gap: gap?,
        think: think?,
        length,
    })
}

/// A geometric number from 1 on; `fixed` is the key for a number that is not drawn.
fn geometric(
    c: &mut Checker,
    path: &str,
    key: &str,
    fixed: &str,
    mean: &Field<f64>,
) -> Option<Dist> {
    match Dist::geometric(mean.value, 1.0) {
        Ok(dist) if mean.value > 1.0 => {
            c.file_value(&format!("{path}.{key}"), mean.value.to_string(), &mean.span);
            Some(dist)
        }
        _ => {
            let title = format!("`{key}` is out of range");
            let help = format!("the sizes are geometric from 1 on; for a fixed size use `{fixed}`");
            c.error(&mean.span, title, "must be above 1", help);
            None
        }
    }
}

/// How many jobs arrive together: `Some(None)` = one, `None` after an error.
pub(crate) fn batch(
    c: &mut Checker,
    path: &str,
    field: &Field<RawArrivals>,
) -> Option<Option<Dist>> {
    let raw = &field.value;
    match (&raw.batch, &raw.batch_mean) {
        (None, None) => Some(None),
        (Some(_), Some(mean)) => {
            let label = "`batch` already says how many";
            c.error(
                &mean.span,
                "`batch` and `batch_mean` are both given",
                label,
                "remove one",
            );
            None
        }
        (Some(_), None) => {
            let jobs = c.count(&format!("{path}.batch"), &raw.batch, 1, 1_000_000, None)?;
            Some(Dist::constant(f64::from(jobs)).ok().filter(|_| jobs > 1))
        }
        (None, Some(mean)) => geometric(c, path, "batch_mean", "batch", mean).map(Some),
    }
}

/// How arrivals follow each other in phases.
fn spacing(c: &mut Checker, path: &str, raw: &RawArrivals, frames: bool) -> Spacing {
    let path = format!("{path}.spacing");
    let word = match &raw.spacing {
        Some(field) => {
            c.file_value(&path, field.value.word(), &field.span);
            field.value
        }
        None if frames => {
            c.by_default(&path, RawSpacing::Regular.word());
            RawSpacing::Regular
        }
        None => RawSpacing::Random,
    };
    match word {
        RawSpacing::Random => Spacing::Random,
        RawSpacing::Regular => Spacing::Regular,
    }
}

/// Arrivals while on, none while off.
fn on_off(c: &mut Checker, path: &str, raw: &RawArrivals, frames: bool) -> Option<Arrivals> {
    let rate = raw.rate.as_ref()?;
    gap(c, path, &rate.span, Dist::exponential(rate.value.gap).ok())?;
    let on = stay(c, &format!("{path}.on"), raw.on.as_ref()?);
    let off = stay(c, &format!("{path}.off"), raw.off.as_ref()?);
    Some(Arrivals::Modulated {
        phases: vec![
            Phase {
                gap: Some(rate.value.gap),
                stay: on?,
            },
            Phase {
                gap: None,
                stay: off?,
            },
        ],
        spacing: spacing(c, path, raw, frames),
    })
}

fn modulated(c: &mut Checker, path: &str, raw: &RawArrivals, frames: bool) -> Option<Arrivals> {
    let list = raw.phases.as_ref()?;
    let mut phases = Vec::new();
    let mut fine = true;
    for (index, field) in list.value.iter().enumerate() {
        let path = format!("{path}.phases.{}", index + 1);
        let Some(length) = &field.value.stay else {
            let help = "how long the phase lasts, such as stay = \"8h\"";
            c.missing(&field.span, &path, "stay", help);
            fine = false;
            continue;
        };
        let stay = stay(c, &format!("{path}.stay"), length);
        let gap = match &field.value.rate {
            Some(rate) => {
                let dist = Dist::exponential(rate.value.gap).ok();
                gap(c, &path, &rate.span, dist).map(|dist| Some(dist.mean()))
            }
            None => {
                c.by_default(&format!("{path}.rate"), "none");
                Some(None)
            }
        };
        match (stay, gap) {
            (Some(stay), Some(gap)) => phases.push(Phase { gap, stay }),
            _ => fine = false,
        }
    }
    if fine && !phases.iter().any(|phase| phase.gap.is_some()) {
        let help = "give a phase a rate, such as { stay = \"8h\", rate = \"5/s\" }";
        c.error(
            &list.span,
            "no phase has arrivals",
            "nothing would ever arrive",
            help,
        );
        fine = false;
    }
    let spacing = spacing(c, path, raw, frames);
    fine.then_some(Arrivals::Modulated { phases, spacing })
}

/// Most changes of phase in a run: some seconds of a processor for each guest and replication.
const MOST_CHANGES: f64 = 1e8;

/// Refuses phases that are far too short for a run of this length.
pub(crate) fn check_changes(
    c: &mut Checker,
    path: &str,
    span: &Span,
    arrivals: &Arrivals,
    length: Nanos,
) {
    let Arrivals::Modulated { phases, .. } = arrivals else {
        return;
    };
    let round: f64 = phases.iter().map(|phase| phase.stay.mean()).sum();
    let mean = round / phases.len() as f64;
    let changes = length as f64 / mean;
    if changes > MOST_CHANGES {
        let title = format!("the phases of `{path}` are too short for this run");
        let label = format!(
            "{} on average: {changes:.0} changes in {}",
            write_nanos(mean.round()),
            write_nanos(length as f64)
        );
        let least = write_nanos((length as f64 / MOST_CHANGES).ceil());
        let help = format!(
            "let phases last {least} at least on average, shorten the run, or give the mean rate as \
             one process"
        );
        c.error(span, title, label, help);
    }
}

/// How long a phase lasts: some time, on average.
fn stay(c: &mut Checker, path: &str, field: &Field<RawAmount<RawDuration>>) -> Option<Dist> {
    let dist = amounts::dist(c, path, field)?;
    if dist.mean() < 1.0 {
        let label = "must last a nanosecond at least, on average";
        c.error(&field.span, "a phase of no length", label, "");
        return None;
    }
    Some(dist)
}

/// Records the gap distribution that a rate or period gives.
fn gap(c: &mut Checker, path: &str, span: &Span, dist: Option<Dist>) -> Option<Dist> {
    match dist.filter(|d| d.mean() >= 1.0) {
        Some(dist) => {
            c.file_value(&format!("{path}.gap"), dist.describe(write_nanos), span);
            Some(dist)
        }
        None => {
            let label = "gaps must be from 1ns to 31 years";
            c.error(span, "arrivals too frequent or too rare", label, "");
            None
        }
    }
}
