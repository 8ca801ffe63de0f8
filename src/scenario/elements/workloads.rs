//! `[workloads]`: arrivals and stages.

use crate::diagnostics::nearest;
use crate::scenario::elements::llm::Unplaced;
use crate::scenario::elements::operations::Scaling;
use crate::scenario::elements::roofline::Roofline;
use crate::scenario::elements::speed::Timed;
use crate::scenario::elements::traces::Recording;
use crate::scenario::elements::{
    amounts, arrivals, batching, classes, frames, kernels, llm, operations,
};
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::{Field, Key};
use crate::scenario::read::preset;
use crate::scenario::read::raw::RawScenario;
use crate::scenario::read::raw_workload::{RawNeed, RawProcess, RawWorkload};
use crate::workload::dist::Dist;
use crate::workload::{Discipline, MediaEngine, Needs, Operation, OperationKind, Stage, Workload};
use std::collections::BTreeMap;

/// A workload before it is known on which board it runs.
pub(crate) struct Resolved {
    /// GPU operations have speed 1.
    pub workload: Workload,
    pub reference: Option<Field<String>>,
    /// (stage, operation, what its time means) of each GPU operation that is given by its time.
    pub timed: Vec<(usize, usize, Timed)>,
    /// (stage, operation, work) of each one that is given by its operations and bytes.
    pub rooflines: Vec<(usize, usize, Roofline)>,
    /// Of a workload that serves a language model.
    pub engine: Option<Unplaced>,
    /// What it replays.
    pub recording: Option<Recording>,
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
    if let Some(name) = &raw.preset {
        if !preset::names().any(|known| known == name.value) {
            let title = format!("no workload `{}` is built in", name.value);
            let help = match nearest(&name.value, preset::names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`warpshare workload list` shows all of them".to_owned(),
            };
            c.error(&name.span, title, "unknown preset", help);
            return None;
        }
        c.file_value(&format!("{path}.preset"), &*name.value, &name.span);
    }
    if raw.preset.is_none() {
        let why = "there is no `preset` of which a part could be replaced";
        c.no_effect(&raw.replace, "replace", why, "remove it, or name a preset");
    }
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
    if let Some(llm) = &raw.llm {
        amounts::wanted_columns(llm.value.prompt.as_ref(), &mut wanted);
        amounts::wanted_columns(llm.value.output.as_ref(), &mut wanted);
    }
    let arrivals = match &raw.arrivals {
        Some(arrivals) => {
            let path = format!("{path}.arrivals");
            arrivals::resolve(c, &path, arrivals, &wanted, raw.frames.is_some())
        }
        None => {
            let help = "such as arrivals = { process = \"poisson\", rate = \"30/s\" }";
            c.missing(&field.span, &path, "arrivals", help);
            None
        }
    };
    let (arrivals, recording) = arrivals.unzip();
    let recording = recording.flatten();
    let from_trace = raw.arrivals.as_ref().is_some_and(|a| {
        a.value
            .process
            .as_ref()
            .is_some_and(|p| p.value == RawProcess::Trace)
    }) || c.refused.contains(&format!("{path}.arrivals"));
    let columns: Option<Vec<String>> = from_trace.then(|| wanted.keys().cloned().collect());
    let batch = match &raw.arrivals {
        Some(field) => arrivals::batch(c, &format!("{path}.arrivals"), field)?,
        None => None,
    };
    let jobs = match raw.arrivals.as_ref().map(|field| &field.value.jobs) {
        Some(jobs @ Some(_)) => {
            let path = format!("{path}.arrivals.jobs");
            c.count(&path, jobs, 1, u32::MAX, None)
                .map(|jobs| Some(u64::from(jobs)))
        }
        _ => Some(None),
    };
    let memory = match &raw.memory {
        Some(memory) => {
            let path = format!("{path}.memory");
            Some(amounts::size(c, &path, memory, columns.as_deref())?)
        }
        None => None,
    };
    let frames = frames::resolve(c, &path, field)?;
    if raw.llm.is_some() {
        let (llm, stages, engine) = llm::resolve(c, &path, raw, columns.as_deref())?;
        return Some(Resolved {
            workload: Workload {
                name: name.to_string(),
                needs,
                arrivals: arrivals?,
                jobs: jobs?,
                batch,
                timeout: None,
                classes: Vec::new(),
                discipline: Discipline::LanguageModel(Box::new(llm)),
                memory: None,
                stages,
            },
            reference: None,
            timed: Vec::new(),
            rooflines: Vec::new(),
            engine: Some(engine),
            recording,
        });
    }
    let batching = batching::resolve(c, &path, &raw.batching)?;
    let timeout = match &raw.timeout {
        Some(field) => {
            let drawn = amounts::dist(c, &format!("{path}.timeout"), field)?;
            if drawn == Dist::Constant(0.0) {
                let title = "`timeout` must be longer than zero";
                let help = "for jobs that never wait, give the guest queue = 0";
                c.error(&field.span, title, "every job would leave at once", help);
                return None;
            }
            Some(drawn)
        }
        None => None,
    };
    let (stages, timed, rooflines) = stages(c, &path, field, columns.as_deref())?;
    let arrivals = arrivals?;
    if !batching::check(c, field, batching, &arrivals, &stages) {
        return None;
    }
    if raw.reference.is_none() {
        let operations = raw.stages.values().flat_map(|stage| stage.value.values());
        for operation in operations.filter(|operation| operation.value.flops.is_none()) {
            let why = "without a `reference` times hold on the guest's own board";
            c.no_effect(&operation.value.precision, "precision", why, "remove it");
        }
    }
    if let Some(reference) = &raw.reference {
        let has_gpu = !timed.is_empty();
        if !has_gpu {
            let why = if rooflines.is_empty() {
                "no stage has GPU work"
            } else {
                "no GPU work is given by its time"
            };
            c.no_effect(&raw.reference, "reference", why, "remove the key");
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
            arrivals,
            jobs: jobs?,
            batch,
            timeout,
            classes: classes::resolve(c, &path, field)?,
            discipline: match (frames, batching) {
                (Some(frames), _) => Discipline::Frames(frames),
                (None, Some(batching)) => Discipline::Batches(batching),
                (None, None) => Discipline::Streams,
            },
            memory,
            stages,
        },
        reference: raw.reference.clone(),
        timed,
        rooflines,
        engine: None,
        recording,
    })
}

type Stages = (
    Vec<Stage>,
    Vec<(usize, usize, Timed)>,
    Vec<(usize, usize, Roofline)>,
);

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
    for name in raw.stages.keys() {
        match in_a_row(c, path, raw, name, columns) {
            Some(stages) => {
                built.insert(name.clone(), stages);
            }
            None => fine = false,
        }
    }
    for (key, table) in [("every", &raw.every), ("repeat", &raw.repeat)] {
        for (name, number) in table.iter().flat_map(|table| &table.value) {
            if !raw.stages.contains_key(name) {
                let title = format!("`{key}` names stage `{name}`, which there is not");
                let help = match nearest(name, raw.stages.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name one of the stages".to_owned(),
                };
                c.error(&number.span, title, "no such stage", help);
                fine = false;
            }
        }
    }
    if let Some(every) = &raw.every
        && raw
            .stages
            .keys()
            .all(|name| every.value.get(name).is_some_and(|n| n.value > 1))
    {
        let title = "some jobs would pass no stage";
        let help = "leave one stage to every job";
        c.error(&every.span, title, "names every stage", help);
        fine = false;
    }
    if !fine {
        return None;
    }
    let mut stages = Vec::new();
    let (mut timed, mut rooflines) = (Vec::new(), Vec::new());
    for name in order? {
        let every = times(c, path, "every", &raw.every, &name)?;
        let repeat = u32::try_from(times(c, path, "repeat", &raw.repeat, &name)?).ok()?;
        for together in built.remove(&name)? {
            let mut operations = Vec::new();
            for (operation, scaling) in together {
                if matches!(operation.kind, OperationKind::Gpu(_)) {
                    let (stage, place) = (stages.len(), operations.len());
                    match scaling {
                        Scaling::Timed(work) => timed.push((stage, place, work)),
                        Scaling::Roofline(work) => rooflines.push((stage, place, work)),
                    }
                }
                operations.push(operation);
            }
            stages.push(Stage {
                every,
                repeat,
                name: name.clone(),
                operations,
            });
        }
    }
    Some((stages, timed, rooflines))
}

/// The stages that one of the file stands for: itself, or one for each kernel of a profile.
fn in_a_row(
    c: &mut Checker,
    path: &str,
    raw: &RawWorkload,
    name: &str,
    columns: Option<&[String]>,
) -> Option<Vec<Vec<(Operation, Scaling)>>> {
    let stage = raw.stages.get(name)?;
    let path = format!("{path}.stages.{name}");
    if stage.value.is_empty() {
        if !c.refused.iter().any(|r| r.starts_with(&path)) {
            let title = format!("stage `{name}` has no operation");
            let help = format!("add [{path}.gpu], .host, .copy-in or .copy-out");
            c.error(&stage.span, title, "empty", help);
        }
        return None;
    }
    let mut written = stage.value.iter();
    if let Some((key, profile)) = written.find(|(key, field)| kernels::is_profile(key, field)) {
        if stage.value.len() > 1 {
            let title = format!("`{key}` is not alone in stage `{name}`");
            let label = "its kernels run one after another: each ends a stage of its own";
            let help = "put the other operations into a stage before it or after it";
            c.error(&profile.span, title, label, help);
            return None;
        }
        let repeat = raw.repeat.as_ref();
        let repeat = repeat.and_then(|table| table.value.get(name));
        if let Some(number) = repeat.filter(|number| number.value > 1) {
            let title = format!("stage `{name}` is a profile and cannot be repeated");
            let label = "would repeat each kernel, not all of them in a row";
            let help = "write the kernels of all rounds into the profile, or count rounds as jobs";
            c.error(&number.span, title, label, help);
            return None;
        }
        let kernels = kernels::expand(c, &format!("{path}.{key}"), profile)?;
        return Some(kernels.into_iter().map(|kernel| vec![kernel]).collect());
    }
    let mut operations = Vec::new();
    for (key, field) in &stage.value {
        let built = operations::operation(c, &format!("{path}.{key}"), key, field, columns);
        operations.extend(built);
    }
    (operations.len() == stage.value.len()).then(|| vec![operations])
}

/// What `every` or `repeat` says of a stage; 1 where it says nothing.
fn times(
    c: &mut Checker,
    path: &str,
    key: &str,
    table: &Key<BTreeMap<String, Field<u64>>>,
    stage: &str,
) -> Option<u64> {
    let Some(field) = table.as_ref().and_then(|table| table.value.get(stage)) else {
        return Some(1);
    };
    let path = format!("{path}.{key}.{stage}");
    let given = Some(field.clone());
    c.count(&path, &given, 1, u32::MAX, None).map(u64::from)
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
            let from = raw.sequence.as_ref().map(|sequence| &sequence.span);
            let help = match from.is_some_and(|span| c.by_preset(span)) {
                true => format!(
                    "the preset's sequence is {}: write a `sequence` of your own, or \
                     replace = [\"stages\"] for stages that are all your own",
                    order.join(", ")
                ),
                false => "add it to `sequence`, or remove it".to_owned(),
            };
            c.error(&stage.span, title, "no job would pass it", help);
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
