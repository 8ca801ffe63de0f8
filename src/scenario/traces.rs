//! Arrivals that a file gives: requests of a trace one by one, or windows with a process each.

use super::checker::{Checker, Span};
use super::raw::Field;
use super::raw_workload::{RawArrivals, RawFormat, RawTimeFormat};
use super::units::write_nanos;
use crate::diagnostics::nearest;
use crate::engine::time::{LONGEST, Nanos, round_nanos};
use crate::workload::Arrivals;
use crate::workload::trace::{TimeFormat, Trace, TraceError, TraceSpec};
use crate::workload::trace_format::TraceFormat;
use crate::workload::windows::{self, Window};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a trace process replays; `wanted` are the columns that sizes ask for.
pub(super) fn resolve(
    c: &mut Checker,
    path: &str,
    raw: &RawArrivals,
    wanted: &BTreeMap<String, Span>,
) -> Option<Arrivals> {
    let file = raw.file.as_ref()?;
    let bytes = match std::fs::read(c.base.join(&file.value)) {
        Ok(bytes) => bytes,
        Err(error) => {
            let title = format!("cannot read trace `{}`: {error}", file.value);
            let help = "file names are relative to the folder of the scenario";
            c.error(&file.span, title, "this file", help);
            return None;
        }
    };
    match &raw.format {
        Some(format) => {
            c.file_value(&format!("{path}.format"), format.value.word(), &format.span);
            match format.value {
                RawFormat::Servegen => servegen(c, path, raw, file, &bytes, wanted),
                RawFormat::AzureLlm => {
                    published(c, path, raw, TraceFormat::AzureLlm, &bytes, wanted)
                }
                RawFormat::Openb => published(c, path, raw, TraceFormat::Openb, &bytes, wanted),
                RawFormat::Philly => published(c, path, raw, TraceFormat::Philly, &bytes, wanted),
            }
        }
        None => named_columns(c, path, raw, file, &bytes, wanted),
    }
}

/// Windows of a ServeGen client.
fn servegen(
    c: &mut Checker,
    path: &str,
    raw: &RawArrivals,
    file: &Field<String>,
    bytes: &[u8],
    wanted: &BTreeMap<String, Span>,
) -> Option<Arrivals> {
    for (column, span) in wanted {
        let title = format!("windows of ServeGen have no column `{column}`");
        let label = "they say when requests come, not how large they are";
        c.error(span, title, label, "give a constant or a distribution");
    }
    let all = match windows::read_servegen(&file.value, bytes) {
        Ok(windows) => windows,
        Err(errors) => {
            report(c, errors, |_| file.span.clone());
            return None;
        }
    };
    let text = format!("{} ({} windows)", file.value, all.len());
    c.file_value(&format!("{path}.file"), text, &file.span);
    let keep = keep(c, path, raw)?;
    let (offset, factor) = (offset(c, path, raw), stretch(c, path, raw)?);
    let windows = windows::cut(&all, offset, factor);
    let rate = |window: &Window| window.gaps.as_ref().map_or(0.0, |gaps| 1e9 / gaps.mean);
    if !windows.iter().any(|window| rate(window) > 0.0) {
        let last = all.iter().rfind(|window| rate(window) > 0.0);
        let last = write_nanos(last.map_or(0.0, |window| window.ends as f64));
        let span = raw.offset.as_ref().map_or(&file.span, |field| &field.span);
        let label = format!("no arrivals after {last}");
        c.error(
            span,
            "nothing is left of the trace",
            label,
            "a smaller `offset`",
        );
        return None;
    }
    let end = windows.last().map_or(0, |window| window.ends);
    let period = repeat_every(c, path, raw, end, "its last window ends")?;
    wanted.is_empty().then(|| Arrivals::Windowed {
        windows: windows.into(),
        keep,
        period,
    })
}

/// Requests of a published trace.
fn published(
    c: &mut Checker,
    path: &str,
    raw: &RawArrivals,
    format: TraceFormat,
    bytes: &[u8],
    wanted: &BTreeMap<String, Span>,
) -> Option<Arrivals> {
    let file = raw.file.as_ref()?;
    let known = format.columns();
    let mut fine = true;
    for (name, span) in wanted {
        if !known.contains(&name.as_str()) {
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", known.join(", ")),
            };
            let title = format!("{} has no numeric column `{name}`", format.what());
            c.error(span, title, "asked for here", help);
            fine = false;
        }
    }
    let columns: Vec<String> = wanted.keys().cloned().collect();
    match format.read(&file.value, bytes, &columns) {
        Ok(trace) => requests(c, path, raw, file, trace).filter(|_| fine),
        Err(errors) => {
            report(c, errors, |_| file.span.clone());
            None
        }
    }
}

/// Requests in a CSV file whose columns the scenario names.
fn named_columns(
    c: &mut Checker,
    path: &str,
    raw: &RawArrivals,
    file: &Field<String>,
    bytes: &[u8],
    wanted: &BTreeMap<String, Span>,
) -> Option<Arrivals> {
    let (time, format) = (raw.time.as_ref()?, raw.time_format.as_ref()?);
    let spec = TraceSpec {
        time_column: time.value.clone(),
        time_format: match format.value {
            RawTimeFormat::Timestamp => TimeFormat::Timestamp,
            RawTimeFormat::Seconds => TimeFormat::Seconds,
            RawTimeFormat::Milliseconds => TimeFormat::Milliseconds,
            RawTimeFormat::Microseconds => TimeFormat::Microseconds,
            RawTimeFormat::Nanoseconds => TimeFormat::Nanoseconds,
        },
        columns: wanted.keys().cloned().collect(),
        until: None,
    };
    let trace = match Trace::read(&file.value, bytes, &spec) {
        Ok(trace) => trace,
        Err(errors) => {
            report(c, errors, |error| {
                // A column that is missing is named in the message only.
                let named = |column: &&String| error.problem.contains(&format!("`{column}`"));
                let column = error.column.as_ref();
                match column.or_else(|| wanted.keys().find(named)) {
                    Some(column) if *column == time.value => time.span.clone(),
                    Some(column) => wanted.get(column).unwrap_or(&file.span).clone(),
                    None if named(&&time.value) => time.span.clone(),
                    None => file.span.clone(),
                }
            });
            return None;
        }
    };
    c.file_value(&format!("{path}.time"), &*time.value, &time.span);
    c.file_value(
        &format!("{path}.time_format"),
        format.value.word(),
        &format.span,
    );
    requests(c, path, raw, file, trace)
}

/// The errors of a trace file at the places that asked for what is wrong, each once.
fn report(c: &mut Checker, errors: Vec<TraceError>, place: impl Fn(&TraceError) -> Span) {
    let mut said = BTreeSet::new();
    for error in errors {
        let mut title = format!("trace `{}`", error.file);
        if let Some(line) = error.line {
            title.push_str(&format!(", line {line}"));
        }
        title.push_str(&format!(": {}", error.problem));
        if said.insert(title.clone()) {
            let span = place(&error);
            c.error(
                &span,
                title,
                "asked for here",
                error.remedy.unwrap_or_default(),
            );
        }
    }
}

/// Replays the rows of a trace.
fn requests(
    c: &mut Checker,
    path: &str,
    raw: &RawArrivals,
    file: &Field<String>,
    trace: Trace,
) -> Option<Arrivals> {
    let rows = trace.arrivals.len();
    let text = format!("{} ({rows} rows)", file.value);
    c.file_value(&format!("{path}.file"), text, &file.span);
    let keep = keep(c, path, raw)?;
    let trace = stretched(c, path, raw, trace)?;
    let last = trace.arrivals.last().copied().unwrap_or(0);
    let period = repeat_every(c, path, raw, last, "its last row comes")?;
    Some(Arrivals::Trace {
        trace: Arc::new(trace),
        keep,
        period,
    })
}

/// Probability with which an arrival is kept; `None` after an error.
fn keep(c: &mut Checker, path: &str, raw: &RawArrivals) -> Option<f64> {
    let path = format!("{path}.keep");
    match &raw.keep {
        Some(keep) if keep.value.0 == 0.0 => {
            let title = "`keep` of zero keeps no row";
            c.error(&keep.span, title, "must be above zero", "");
            None
        }
        Some(keep) => {
            c.file_value(&path, keep.value.0.to_string(), &keep.span);
            Some(keep.value.0)
        }
        None => {
            c.by_default(&path, "1");
            Some(1.0)
        }
    }
}

/// After what time the trace begins anew, `end` being when it ends; `None` after an error.
fn repeat_every(
    c: &mut Checker,
    path: &str,
    raw: &RawArrivals,
    end: Nanos,
    ends: &str,
) -> Option<Option<Nanos>> {
    let path = format!("{path}.repeat_every");
    let Some(field) = &raw.repeat_every else {
        c.by_default(&path, "never");
        return Some(None);
    };
    let period = c.positive(&path, field)?;
    if period < end {
        let title = "the trace would begin anew before it ends";
        let label = format!("{ends} after {}", write_nanos(end as f64));
        let help = "a longer time, or a later `offset`, or less `stretch`";
        c.error(&field.span, title, label, help);
        return None;
    }
    Some(Some(period))
}

/// Where in the trace the guest begins.
fn offset(c: &mut Checker, path: &str, raw: &RawArrivals) -> Nanos {
    let Some(field) = &raw.offset else {
        return 0;
    };
    let text = write_nanos(field.value.nanos as f64);
    c.file_value(&format!("{path}.offset"), text, &field.span);
    field.value.nanos
}

/// The factor on all times; `None` after an error.
fn stretch(c: &mut Checker, path: &str, raw: &RawArrivals) -> Option<f64> {
    match &raw.stretch {
        Some(field) if field.value > 0.0 && field.value <= 1e6 => {
            let text = field.value.to_string();
            c.file_value(&format!("{path}.stretch"), text, &field.span);
            Some(field.value)
        }
        Some(field) => {
            let help = "2 = half as fast, 0.5 = twice as fast";
            let label = "must be above 0, at most 1000000";
            c.error(&field.span, "`stretch` is out of range", label, help);
            None
        }
        None => Some(1.0),
    }
}

/// The trace from its offset on, its times stretched.
fn stretched(c: &mut Checker, path: &str, raw: &RawArrivals, trace: Trace) -> Option<Trace> {
    let (offset, factor) = (offset(c, path, raw), stretch(c, path, raw)?);
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
