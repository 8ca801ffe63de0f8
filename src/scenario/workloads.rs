//! `[workloads]`: arrivals and stages.

use super::amounts::{self, form, present};
use super::checker::{Checker, Span};
use super::operations;
use super::raw::{Field, RawScenario};
use super::raw_workload::{RawArrivals, RawFirst, RawNeed, RawProcess, RawTimeFormat, RawWorkload};
use super::units::write_nanos;
use crate::diagnostics::nearest;
use crate::workload::dist::Dist;
use crate::workload::trace::{TimeFormat, Trace, TraceSpec};
use crate::workload::{
    Arrivals, FirstArrival, MediaEngine, Needs, Operation, OperationKind, Stage, Workload,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A workload before it is known on which board it runs.
pub(crate) struct Resolved {
    /// GPU operations have speed 1.
    pub workload: Workload,
    pub reference: Option<Field<String>>,
    /// (stage, operation, memory-bound part) of each GPU operation.
    pub memory_bound: Vec<(usize, usize, f64)>,
}

impl Resolved {
    fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.workload.stages.iter().flat_map(|s| &s.operations)
    }

    /// Whether a job copies over PCIe.
    pub fn copies(&self) -> bool {
        self.operations()
            .any(|o| matches!(o.kind, OperationKind::Copy { .. }))
    }

    /// Whether a job uses such an engine.
    pub fn uses(&self, wanted: MediaEngine) -> bool {
        self.operations()
            .any(|o| matches!(o.kind, OperationKind::Media { engine, .. } if engine == wanted))
    }
}

/// All workloads that can be understood, by name.
pub(crate) fn resolve(c: &mut Checker, raw: &RawScenario) -> BTreeMap<String, Resolved> {
    let mut all = BTreeMap::new();
    for (name, field) in &raw.workloads {
        if let Some(resolved) = workload(c, name, field) {
            all.insert(name.clone(), resolved);
        }
    }
    all
}

fn workload(c: &mut Checker, name: &str, field: &Field<RawWorkload>) -> Option<Resolved> {
    let path = format!("workloads.{name}");
    let raw = &field.value;
    let mut needs = Needs::default();
    if let Some(list) = &raw.needs {
        let mut words = Vec::new();
        for need in &list.value {
            words.push(need.value.word());
            match need.value {
                RawNeed::Cuda => needs.cuda = true,
                RawNeed::Graphics => needs.graphics = true,
                RawNeed::Encode => needs.encode = true,
            }
        }
        words.sort_unstable();
        words.dedup();
        c.file_value(&format!("{path}.needs"), words.join(", "), &list.span);
    }
    let mut wanted = BTreeMap::new();
    for stage in raw.stages.values() {
        for operation in stage.value.values() {
            amounts::wanted_columns(operation.value.time.as_ref(), &mut wanted);
            amounts::wanted_columns(operation.value.bytes.as_ref(), &mut wanted);
        }
    }
    amounts::wanted_columns(raw.memory.as_ref(), &mut wanted);
    let arrivals = match &raw.arrivals {
        Some(arrivals) => self::arrivals(c, &format!("{path}.arrivals"), arrivals, &wanted),
        None => {
            let help = "such as arrivals = { process = \"poisson\", rate = \"30/s\" }";
            c.missing(&field.span, &path, "arrivals", help);
            None
        }
    };
    let from_trace = raw.arrivals.as_ref().is_some_and(|a| {
        a.value
            .process
            .as_ref()
            .is_some_and(|p| p.value == RawProcess::Trace)
    }) || c.refused.contains(&format!("{path}.arrivals"));
    let columns: Option<Vec<String>> = from_trace.then(|| wanted.keys().cloned().collect());
    let memory = match &raw.memory {
        Some(memory) => {
            let path = format!("{path}.memory");
            Some(amounts::size(c, &path, memory, columns.as_deref())?)
        }
        None => None,
    };
    let (stages, memory_bound) = stages(c, &path, field, columns.as_deref())?;
    if let Some(reference) = &raw.reference {
        let has_gpu = !memory_bound.is_empty();
        if !has_gpu {
            c.no_effect(
                &raw.reference,
                "reference",
                "no stage has GPU work",
                "remove the key",
            );
        } else {
            c.file_value(
                &format!("{path}.reference"),
                &*reference.value,
                &reference.span,
            );
        }
    }
    Some(Resolved {
        workload: Workload {
            name: name.to_string(),
            needs,
            arrivals: arrivals?,
            memory,
            stages,
        },
        reference: raw.reference.clone(),
        memory_bound,
    })
}

type Stages = (Vec<Stage>, Vec<(usize, usize, f64)>);

fn stages(
    c: &mut Checker,
    path: &str,
    field: &Field<RawWorkload>,
    columns: Option<&[String]>,
) -> Option<Stages> {
    let raw = &field.value;
    if raw.stages.is_empty() {
        let help = format!("add [{path}.stages.work.gpu] with time = \"4ms\", for example");
        c.missing(&field.span, path, "stages", help);
        return None;
    }
    let order = sequence(c, path, field);
    let mut built = BTreeMap::new();
    let mut fine = order.is_some();
    for (stage_name, stage) in &raw.stages {
        let stage_path = format!("{path}.stages.{stage_name}");
        if stage.value.is_empty() && !c.refused.iter().any(|r| r.starts_with(&stage_path)) {
            let title = format!("stage `{stage_name}` has no operation");
            let help = format!("add [{stage_path}.gpu], .host, .copy-in or .copy-out");
            c.error(&stage.span, title, "empty", help);
        }
        let mut operations = Vec::new();
        for (name, operation) in &stage.value {
            let operation_path = format!("{stage_path}.{name}");
            match operations::operation(c, &operation_path, name, operation, columns) {
                Some(operation) => operations.push(operation),
                None => fine = false,
            }
        }
        fine &= !operations.is_empty();
        built.insert(stage_name.clone(), operations);
    }
    if !fine {
        return None;
    }
    let mut stages = Vec::new();
    let mut memory_bound = Vec::new();
    for name in order? {
        let operations = built.remove(&name)?;
        for (index, (operation, bound)) in operations.iter().enumerate() {
            if matches!(operation.kind, OperationKind::Gpu(_)) {
                memory_bound.push((stages.len(), index, *bound));
            }
        }
        let operations = operations
            .into_iter()
            .map(|(operation, _)| operation)
            .collect();
        stages.push(Stage { name, operations });
    }
    Some((stages, memory_bound))
}

/// Names of the stages in the order in which a job passes them.
fn sequence(c: &mut Checker, path: &str, field: &Field<RawWorkload>) -> Option<Vec<String>> {
    let raw = &field.value;
    let names: Vec<String> = raw.stages.keys().cloned().collect();
    let Some(sequence) = &raw.sequence else {
        if let [only] = names.as_slice() {
            return Some(vec![only.clone()]);
        }
        let quoted: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
        let help = format!(
            "the order of tables in a file has no meaning; write sequence = [{}] in the order meant",
            quoted.join(", ")
        );
        c.missing(&field.span, path, "sequence", help);
        return None;
    };
    let mut order: Vec<String> = Vec::new();
    let mut fine = true;
    for entry in &sequence.value {
        let name = &entry.value;
        if order.contains(name) {
            fine = false;
            let title = format!("stage `{name}` stands in the sequence twice");
            let help = "a job passes each stage once; define a second stage with another name";
            c.error(&entry.span, title, "again", help);
        } else if raw.stages.contains_key(name) {
            order.push(name.clone());
        } else {
            fine = false;
            let refused = format!("{path}.stages.{name}");
            if !c.refused.contains(&refused) {
                let help = match nearest(name, names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("stages of this workload: {}", names.join(", ")),
                };
                let title = format!("there is no stage `{name}`");
                c.error(&entry.span, title, "not defined", help);
            }
        }
    }
    // A misspelt name already explains why a stage is left over.
    if fine {
        for (name, stage) in raw.stages.iter().filter(|(name, _)| !order.contains(name)) {
            fine = false;
            let title = format!("stage `{name}` is not in the sequence");
            c.error(
                &stage.span,
                title,
                "no job would pass it",
                "add it to `sequence`, or remove it",
            );
        }
    }
    if fine {
        c.file_value(
            &format!("{path}.sequence"),
            order.join(", "),
            &sequence.span,
        );
    }
    fine.then_some(order)
}

fn arrivals(
    c: &mut Checker,
    path: &str,
    field: &Field<RawArrivals>,
    wanted: &BTreeMap<String, Span>,
) -> Option<Arrivals> {
    let raw = &field.value;
    let Some(process) = &raw.process else {
        let help = "one of poisson, deterministic, gamma, renewal, closed, trace";
        c.missing(&field.span, path, "process", help);
        return None;
    };
    use RawProcess as P;
    let (forms, optional): (&[&[&str]], &[&str]) = match process.value {
        P::Poisson => (&[&["rate"]], &["process", "first"]),
        P::Deterministic => (&[&["period"], &["rate"]], &["process", "first"]),
        P::Gamma => (&[&["rate", "cv"]], &["process", "first"]),
        P::Renewal => (&[&["gap"]], &["process", "first"]),
        P::Closed => (&[&[]], &["process", "users", "think"]),
        P::Trace => (&[&["file", "time", "time_format"]], &["process", "keep"]),
    };
    let refused = forms
        .iter()
        .flat_map(|keys| keys.iter())
        .any(|key| c.refused.contains(&format!("{path}.{key}")));
    if refused {
        return None;
    }
    let keys = present!(raw; process, rate, period, cv, gap, first, users, think, file, time,
                        time_format, keep);
    let what = format!("a {} process", process.value.word());
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
        P::Gamma => {
            let (rate, cv) = (raw.rate.as_ref()?, raw.cv.as_ref()?);
            let built = Dist::gamma(rate.value.gap, cv.value);
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
    Some(Arrivals::Open { gap, first })
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

fn trace(
    c: &mut Checker,
    path: &str,
    raw: &RawArrivals,
    wanted: &BTreeMap<String, Span>,
) -> Option<Arrivals> {
    let (file, time, format) = (
        raw.file.as_ref()?,
        raw.time.as_ref()?,
        raw.time_format.as_ref()?,
    );
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
                    Some(column) if *column == time.value => &time.span,
                    Some(column) => wanted.get(column).unwrap_or(&file.span),
                    None if named(&&time.value) => &time.span,
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
    c.file_value(&format!("{path}.time"), &*time.value, &time.span);
    c.file_value(
        &format!("{path}.time_format"),
        format.value.word(),
        &format.span,
    );
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
    Some(Arrivals::Trace {
        trace: Arc::new(trace),
        keep,
    })
}
