//! `arrivals` of a workload: how jobs come.

use super::amounts::{self, form, present};
use super::checker::{Checker, Span};
use super::raw::Field;
use super::raw_workload::{
    RawAmount, RawArrivals, RawFirst, RawProcess, RawTimeFormat, RawTraceFormat,
};
use super::units::{RawDuration, write_nanos};
use crate::engine::time::{LONGEST, Nanos, round_nanos};
use crate::workload::dist::Dist;
use crate::workload::trace::{TimeFormat, Trace, TraceSpec};
use crate::workload::{Arrivals, FirstArrival, Phase};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a process takes beside the keys that it needs.
const OPEN: &[&str] = &["process", "first", "batch", "batch_mean"];
const PACED: &[&str] = &["process", "first", "jitter", "batch", "batch_mean"];
const MODULATED: &[&str] = &["process", "batch", "batch_mean"];
const TRACE: &[&str] = &["process", "keep", "stretch", "offset", "repeat_every"];

/// How jobs come, as a process.
pub(super) fn resolve(
    c: &mut Checker,
    path: &str,
    field: &Field<RawArrivals>,
    wanted: &BTreeMap<String, Span>,
) -> Option<Arrivals> {
    let raw = &field.value;
    let Some(process) = &raw.process else {
        let help = "one of poisson, deterministic, gamma, weibull, renewal, on-off, modulated, closed, trace";
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
    let keys = present!(raw; process, rate, period, cv, gap, first, users, think, file, format,
                        time, time_format, keep, jitter, on, off, phases, batch, batch_mean, stretch,
                        offset, repeat_every);
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
        P::Renewal => {
            let field = raw.gap.as_ref()?;
            let dist = amounts::dist(c, &format!("{path}.gap"), field)?;
            if dist.mean() < 1.0 {
                c.error(
                    &field.span,
                    "gaps of no length",
                    "the mean is below a nanosecond",
                    "",
                );
                return None;
            }
            Some(dist)
        }
        P::Closed => {
            let users = c.count(&format!("{path}.users"), &raw.users, 1, 100_000, Some(1))?;
            let think = match &raw.think {
                Some(think) => amounts::dist(c, &format!("{path}.think"), think)?,
                None => {
                    c.by_default(&format!("{path}.think"), "0s");
                    Dist::Constant(0.0)
                }
            };
            return Some(Arrivals::Closed { users, think });
        }
        P::OnOff => return on_off(c, path, raw),
        P::Modulated => return modulated(c, path, raw),
        P::Trace => return trace(c, path, raw, wanted),
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
        return Some(Arrivals::Open { gap, first });
    };
    let jitter = amounts::dist(c, &format!("{path}.jitter"), field)?;
    let period = gap.mean().round() as Nanos;
    Some(Arrivals::Paced {
        period,
        jitter,
        first,
    })
}

/// How many jobs arrive together: `Some(None)` = one, `None` after an error.
pub(super) fn batch(
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
        (None, Some(mean)) => match Dist::geometric(mean.value, 1.0) {
            Ok(dist) if mean.value > 1.0 => {
                c.file_value(
                    &format!("{path}.batch_mean"),
                    mean.value.to_string(),
                    &mean.span,
                );
                Some(Some(dist))
            }
            _ => {
                let help = "the sizes are geometric from 1 on; for a fixed size use `batch`";
                c.error(
                    &mean.span,
                    "`batch_mean` is out of range",
                    "must be above 1",
                    help,
                );
                None
            }
        },
    }
}

/// Poisson arrivals while on, none while off.
fn on_off(c: &mut Checker, path: &str, raw: &RawArrivals) -> Option<Arrivals> {
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
    })
}

fn modulated(c: &mut Checker, path: &str, raw: &RawArrivals) -> Option<Arrivals> {
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
    fine.then_some(Arrivals::Modulated { phases })
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

/// Column and form of the arrival times of a public trace.
fn layout(format: RawTraceFormat) -> (&'static str, RawTimeFormat) {
    match format {
        RawTraceFormat::AzureLlm => ("TIMESTAMP", RawTimeFormat::Timestamp),
        RawTraceFormat::Openb => ("creation_time", RawTimeFormat::Seconds),
        RawTraceFormat::Philly => ("timestamp", RawTimeFormat::Timestamp),
    }
}

fn trace(
    c: &mut Checker,
    path: &str,
    raw: &RawArrivals,
    wanted: &BTreeMap<String, Span>,
) -> Option<Arrivals> {
    let file = raw.file.as_ref()?;
    let (time, time_span, format, format_span) = match (&raw.format, &raw.time, &raw.time_format) {
        (Some(known), ..) => {
            let (time, format) = layout(known.value);
            (time.to_owned(), &known.span, format, &known.span)
        }
        (None, Some(time), Some(format)) => {
            (time.value.clone(), &time.span, format.value, &format.span)
        }
        _ => return None,
    };
    let spec = TraceSpec {
        time_column: time.clone(),
        time_format: match format {
            RawTimeFormat::Timestamp => TimeFormat::Timestamp,
            RawTimeFormat::Seconds => TimeFormat::Seconds,
            RawTimeFormat::Milliseconds => TimeFormat::Milliseconds,
            RawTimeFormat::Microseconds => TimeFormat::Microseconds,
            RawTimeFormat::Nanoseconds => TimeFormat::Nanoseconds,
        },
        columns: wanted.keys().cloned().collect(),
        sort: false,
    };
    let bytes = match std::fs::read(c.base.join(&file.value)) {
        Ok(bytes) => bytes,
        Err(error) => {
            let title = format!("cannot read trace `{}`: {error}", file.value);
            let help = "file names are relative to the folder of the scenario";
            c.error(&file.span, title, "this file", help);
            return None;
        }
    };
    let trace = match Trace::read(&file.value, &bytes, &spec) {
        Ok(trace) => trace,
        Err(errors) => {
            let mut said = BTreeSet::new();
            for error in errors {
                // A column that is missing is named in the message only.
                let named = |column: &&String| error.problem.contains(&format!("`{column}`"));
                let column = error.column.as_ref();
                let column = column.or_else(|| wanted.keys().find(named));
                let place = match column {
                    Some(column) if *column == time => time_span,
                    Some(column) => wanted.get(column).unwrap_or(&file.span),
                    None if named(&&time) => time_span,
                    None => &file.span,
                };
                let mut title = format!("trace `{}`", error.file);
                if let Some(line) = error.line {
                    title.push_str(&format!(", line {line}"));
                }
                title.push_str(&format!(": {}", error.problem));
                if said.insert(title.clone()) {
                    c.error(
                        place,
                        title,
                        "asked for here",
                        error.remedy.unwrap_or_default(),
                    );
                }
            }
            return None;
        }
    };
    let rows = trace.arrivals.len();
    c.file_value(
        &format!("{path}.file"),
        format!("{} ({rows} rows)", file.value),
        &file.span,
    );
    c.file_value(&format!("{path}.time"), &*time, time_span);
    c.file_value(&format!("{path}.time_format"), format.word(), format_span);
    let keep = match &raw.keep {
        Some(keep) if keep.value.0 == 0.0 => {
            c.error(
                &keep.span,
                "`keep` of zero keeps no row",
                "must be above zero",
                "",
            );
            return None;
        }
        Some(keep) => {
            c.file_value(
                &format!("{path}.keep"),
                keep.value.0.to_string(),
                &keep.span,
            );
            keep.value.0
        }
        None => {
            c.by_default(&format!("{path}.keep"), "1");
            1.0
        }
    };
    let trace = stretched(c, path, raw, trace)?;
    let period = match &raw.repeat_every {
        Some(field) => {
            let period = c.positive(&format!("{path}.repeat_every"), field)?;
            let last = trace.arrivals.last().copied().unwrap_or(0);
            if period < last {
                let label = format!("its last row comes after {}", write_nanos(last as f64));
                let help = "a longer time, or a later `offset`, or less `stretch`";
                c.error(
                    &field.span,
                    "the trace would begin anew before it ends",
                    label,
                    help,
                );
                return None;
            }
            Some(period)
        }
        None => {
            c.by_default(&format!("{path}.repeat_every"), "never");
            None
        }
    };
    Some(Arrivals::Trace {
        trace: Arc::new(trace),
        keep,
        period,
    })
}

/// The trace from its offset on, its times stretched.
fn stretched(c: &mut Checker, path: &str, raw: &RawArrivals, trace: Trace) -> Option<Trace> {
    let offset = match &raw.offset {
        Some(field) => {
            let text = write_nanos(field.value.nanos as f64);
            c.file_value(&format!("{path}.offset"), text, &field.span);
            field.value.nanos
        }
        None => 0,
    };
    let factor = match &raw.stretch {
        Some(field) if field.value > 0.0 && field.value <= 1e6 => {
            c.file_value(
                &format!("{path}.stretch"),
                field.value.to_string(),
                &field.span,
            );
            field.value
        }
        Some(field) => {
            let help = "2 = half as fast, 0.5 = twice as fast";
            let label = "must be above 0, at most 1000000";
            c.error(&field.span, "`stretch` is out of range", label, help);
            return None;
        }
        None => 1.0,
    };
    if offset == 0 && factor == 1.0 {
        return Some(trace);
    }
    let skipped = trace.arrivals.partition_point(|&time| time < offset);
    if skipped == trace.arrivals.len() {
        let span = raw.offset.as_ref().map_or(0..0, |field| field.span.clone());
        let last = write_nanos(trace.arrivals.last().copied().unwrap_or(0) as f64);
        let label = format!("its last row is at {last}");
        c.error(
            &span,
            "nothing is left of the trace",
            label,
            "a smaller `offset`",
        );
        return None;
    }
    let arrivals = trace.arrivals[skipped..].iter();
    Some(Trace {
        arrivals: arrivals
            .map(|time| round_nanos((time - offset) as f64 * factor).unwrap_or(LONGEST))
            .collect(),
        values: trace.values[skipped * trace.columns.len()..].to_vec(),
        columns: trace.columns,
    })
}
