//! Arrivals that a file gives: requests of a trace one by one, or windows with a process each.

use crate::diagnostics::nearest;
use crate::engine::time::{LONGEST, Nanos, round_nanos};
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::Field;
use crate::scenario::key::units::{RawDuration, write_nanos};
use crate::scenario::read::raw_workload::RawClock;
use crate::scenario::read::raw_workload::{RawArrivals, RawEnter, RawFormat, RawTimeFormat};
use crate::workload::data_file;
use crate::workload::trace::{TimeFormat, Trace, TraceError, TraceSpec};
use crate::workload::trace_format::TraceFormat;
use crate::workload::windows::{self, Window};
use crate::workload::{Arrivals, Entry, Replay};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a workload replays, before it is cut and stretched.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub content: Content,
    pub file: String,
    /// What its times count from: `"dates"`, or an origin that is known to files of one kind only.
    pub origin: &'static str,
    /// Its first and its last row on its clock, nanoseconds.
    pub begins: i128,
    pub ends: i128,
    /// In its own time.
    pub offset: Nanos,
    pub stretch: f64,
    pub clock: Option<(RawClock, Span)>,
    /// Of the arrivals.
    pub span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Rows(Arc<Trace>),
    Windows(Arc<[Window]>),
}

/// Arrivals of a trace, and the recording that they are cut from.
pub(crate) type Replayed = (Arrivals, Recording);

/// What a trace process replays; `wanted` are the columns that sizes ask for.
pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    field: &Field<RawArrivals>,
    wanted: &BTreeMap<String, Span>,
) -> Option<Replayed> {
    let raw = &field.value;
    let file = raw.file.as_ref()?;
    let bytes = match data_file::read(&c.base.join(&file.value)) {
        Ok(bytes) => bytes,
        Err(error) => {
            let title = format!("cannot read trace `{}`: {error}", file.value);
            let help = "file names are relative to the folder of the scenario";
            c.error(&file.span, title, "this file", help);
            return None;
        }
    };
    let Some(format) = &raw.format else {
        return named_columns(c, path, field, file, &bytes, wanted);
    };
    c.file_value(&format!("{path}.format"), format.value.word(), &format.span);
    let known = match format.value {
        RawFormat::Servegen => return servegen(c, path, field, file, &bytes, wanted),
        RawFormat::AzureLlm => TraceFormat::AzureLlm,
        RawFormat::Openb => TraceFormat::Openb,
        RawFormat::Philly => TraceFormat::Philly,
        RawFormat::Mooncake => TraceFormat::Mooncake,
        RawFormat::BurstGpt => TraceFormat::BurstGpt,
    };
    published(c, path, field, (known, format.value.word()), &bytes, wanted)
}

/// Windows of a ServeGen client.
fn servegen(
    c: &mut Checker,
    path: &str,
    arrivals: &Field<RawArrivals>,
    file: &Field<String>,
    bytes: &[u8],
    wanted: &BTreeMap<String, Span>,
) -> Option<Replayed> {
    for (column, span) in wanted {
        let title = format!("windows of ServeGen have no column `{column}`");
        let label = "they say when requests come, not how large they are";
        c.error(span, title, label, "give a constant or a distribution");
    }
    let raw = &arrivals.value;
    if let Some(block) = &raw.block {
        let title = "windows of ServeGen have no rows to take blocks of";
        let label = "their requests are drawn in each replication as it is";
        c.error(
            &block.span,
            title,
            label,
            "enter = \"random\" draws where guests begin",
        );
        return None;
    }
    let (begins, all) = match windows::read_servegen(&file.value, bytes) {
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
    let replay = Replay {
        keep,
        period,
        cycle: period.unwrap_or(end),
        entry: entry(c, path, raw, Entry::Start),
        delay: 0,
    };
    let all: Arc<[Window]> = all.into();
    let length = all.last().map_or(0, |window| window.ends);
    let recording = Recording {
        content: Content::Windows(all),
        file: file.value.clone(),
        origin: "servegen",
        begins: i128::from(begins),
        ends: i128::from(begins) + i128::from(length),
        offset,
        stretch: factor,
        clock: None,
        span: arrivals.span.clone(),
    };
    let recording = on_clock(c, path, raw, recording)?;
    let windows = windows.into();
    let arrivals = Arrivals::Windowed { windows, replay };
    wanted.is_empty().then_some((arrivals, recording))
}

/// Requests of a published trace.
fn published(
    c: &mut Checker,
    path: &str,
    arrivals: &Field<RawArrivals>,
    (format, word): (TraceFormat, &'static str),
    bytes: &[u8],
    wanted: &BTreeMap<String, Span>,
) -> Option<Replayed> {
    let file = arrivals.value.file.as_ref()?;
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
        Ok(trace) => {
            let origin = match format.time().1 {
                TimeFormat::Timestamp => DATES,
                _ => word,
            };
            requests(c, path, arrivals, file, (trace, origin)).filter(|_| fine)
        }
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
    arrivals: &Field<RawArrivals>,
    file: &Field<String>,
    bytes: &[u8],
    wanted: &BTreeMap<String, Span>,
) -> Option<Replayed> {
    let raw = &arrivals.value;
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
        sort: false,
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
    let origin = match format.value {
        RawTimeFormat::Timestamp => DATES,
        _ => "numbers",
    };
    requests(c, path, arrivals, file, (trace, origin))
}

/// The origin of times that are dates: one for all files.
const DATES: &str = "dates";

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

/// Replays the rows of a trace, whose times count from `origin`.
fn requests(
    c: &mut Checker,
    path: &str,
    arrivals: &Field<RawArrivals>,
    file: &Field<String>,
    (trace, origin): (Trace, &'static str),
) -> Option<Replayed> {
    let raw = &arrivals.value;
    let rows = trace.arrivals.len();
    let text = format!("{} ({rows} rows)", file.value);
    c.file_value(&format!("{path}.file"), text, &file.span);
    for remark in &trace.remarks {
        c.notices
            .push(format!("{path}: `{}`: {remark}", file.value));
    }
    let keep = keep(c, path, raw)?;
    let whole = Arc::new(trace);
    let (offset, factor) = (offset(c, path, raw), stretch(c, path, raw)?);
    let trace = cut_rows(&whole, offset, factor);
    if trace.arrivals.is_empty() {
        let span = raw.offset.as_ref().map_or(0..0, |field| field.span.clone());
        let last = write_nanos(whole.arrivals.last().copied().unwrap_or(0) as f64);
        let label = format!("its last row is at {last}");
        let title = "nothing is left of the trace";
        c.error(&span, title, label, "a smaller `offset`");
        return None;
    }
    let last = trace.arrivals.last().copied().unwrap_or(0);
    let period = repeat_every(c, path, raw, last, "its last row comes")?;
    let mut replay = Replay {
        keep,
        period,
        cycle: period.unwrap_or_else(|| cycle_of(&trace.arrivals)),
        entry: Entry::Start,
        delay: 0,
    };
    replay.entry = match &raw.block {
        Some(block) => blocks(c, path, raw, block, (trace.arrivals.len(), replay.cycle))?,
        // Thinned, each guest has rows of its own.
        None if keep < 1.0 => entry(c, path, raw, Entry::Start),
        None => entry(c, path, raw, Entry::Apart),
    };
    let length = whole.arrivals.last().copied().unwrap_or(0);
    let recording = Recording {
        file: file.value.clone(),
        origin,
        begins: whole.origin,
        ends: whole.origin + i128::from(length),
        offset,
        stretch: factor,
        clock: None,
        span: arrivals.span.clone(),
        content: Content::Rows(whole),
    };
    let recording = on_clock(c, path, raw, recording)?;
    Some((Arrivals::Trace { trace, replay }, recording))
}

/// The recording with what is said of its clock; `None` after an error.
fn on_clock(
    c: &mut Checker,
    path: &str,
    raw: &RawArrivals,
    mut recording: Recording,
) -> Option<Recording> {
    if let Some(clock) = &raw.clock {
        let no_begin = match (&raw.enter, &raw.block) {
            (_, Some(block)) => Some(&block.span),
            (Some(enter), None) if enter.value == RawEnter::Random => Some(&enter.span),
            _ => None,
        };
        if let Some(span) = no_begin {
            let title = "`clock` does not apply here";
            let label = "guests begin at drawn places: they are at no time of the trace";
            c.error(span, title, label, "remove the one or the other");
            return None;
        }
        c.file_value(&format!("{path}.clock"), clock.value.word(), &clock.span);
        recording.clock = Some((clock.value, clock.span.clone()));
    }
    Some(recording)
}

/// Where guests enter the recording.
fn entry(c: &mut Checker, path: &str, raw: &RawArrivals, default: Entry) -> Entry {
    let path = format!("{path}.enter");
    let Some(field) = &raw.enter else {
        let word = match default {
            Entry::Apart => RawEnter::Apart.word(),
            _ => RawEnter::Start.word(),
        };
        c.by_default(&path, word);
        return default;
    };
    c.file_value(&path, field.value.word(), &field.span);
    match field.value {
        RawEnter::Start => Entry::Start,
        RawEnter::Apart => Entry::Apart,
        RawEnter::Random => Entry::Random,
    }
}

/// A block bootstrap of so many rows in a cycle; `None` after an error.
fn blocks(
    c: &mut Checker,
    path: &str,
    raw: &RawArrivals,
    block: &Field<RawDuration>,
    (rows, cycle): (usize, Nanos),
) -> Option<Entry> {
    if let Some(enter) = &raw.enter {
        let label = "each block begins at a place of its own";
        c.error(
            &enter.span,
            "`enter` does not apply with `block`",
            label,
            "remove it",
        );
        return None;
    }
    let length = c.positive(&format!("{path}.block"), block)?;
    let least = cycle.div_ceil(rows as u64).max(1);
    if length < least || length > cycle {
        let title = "`block` is out of range";
        let text = |nanos: Nanos| write_nanos(nanos as f64);
        let label = format!(
            "must be from {} (the mean distance of rows) to {} (the length of the trace)",
            text(least),
            text(cycle)
        );
        let help = "long enough that what depends on each other is within one block";
        c.error(&block.span, title, label, help);
        return None;
    }
    Some(Entry::Blocks(length))
}

/// Length of a trace that does not begin anew: to its last row, and the mean distance of its rows more.
pub(crate) fn cycle_of(arrivals: &[Nanos]) -> Nanos {
    let (Some(&last), rows @ 2..) = (arrivals.last(), arrivals.len()) else {
        return arrivals.last().map_or(0, |last| last + 1);
    };
    last.saturating_add(last / (rows as u64 - 1)).min(LONGEST)
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

/// The trace from `offset` on, its times stretched; without rows where there are none so late.
pub(crate) fn cut_rows(trace: &Arc<Trace>, offset: Nanos, factor: f64) -> Arc<Trace> {
    if offset == 0 && factor == 1.0 {
        return trace.clone();
    }
    let skipped = trace.arrivals.partition_point(|&time| time < offset);
    let arrivals = trace.arrivals[skipped..].iter();
    Arc::new(Trace {
        arrivals: arrivals
            .map(|time| round_nanos((time - offset) as f64 * factor).unwrap_or(LONGEST))
            .collect(),
        values: trace.values[skipped * trace.columns.len()..].to_vec(),
        columns: trace.columns.clone(),
        origin: trace.origin,
        remarks: Vec::new(),
    })
}
