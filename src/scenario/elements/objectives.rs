//! `objectives` of guests, of GPUs and of `[run]`: read here, judged when the results are there.

use crate::metrics::objective::{self, Objective, Subject};
use crate::metrics::{Need, Scope};
use crate::scenario::elements::gpu::Gpu;
use crate::scenario::elements::guest::Guest;
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::{Field, Key};
use crate::scenario::read::raw::RawScenario;
use crate::workload::OperationKind;

/// What a scenario asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub of: AskedOf,
    pub objective: Objective,
}

/// Index into the guests or GPUs of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedOf {
    Guest(usize),
    Gpu(usize),
}

type Written = Key<Vec<Field<String>>>;

/// All objectives: of guests in their order, then of GPUs in theirs, those of `[run]` before a GPU's own.
pub(crate) fn resolve(
    c: &mut Checker,
    raw: &RawScenario,
    guests: &[Guest],
    gpus: &[Gpu],
) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (index, guest) in guests.iter().enumerate() {
        let Some(field) = raw.guests.get(&guest.name) else {
            continue;
        };
        let classes: Vec<&str> = guest
            .workload
            .classes
            .iter()
            .map(|class| class.name.as_str())
            .collect();
        let what = format!("guest `{}`", guest.name);
        let subject = Subject {
            scope: Scope::Group,
            what: &what,
            classes: &classes,
            has: &|need| has(guest, need),
        };
        let path = format!("guests.{}.objectives", guest.name);
        let read = read(c, &path, &field.value.objectives, &subject);
        let of = AskedOf::Guest(index);
        asked.extend(read.into_iter().map(|objective| Asked { of, objective }));
    }
    let whole = {
        let subject = of_gpu("a GPU");
        let written = raw.run.as_ref().map(|run| &run.value.objectives);
        written.map_or_else(Vec::new, |written| {
            read(c, "run.objectives", written, &subject)
        })
    };
    for (index, gpu) in gpus.iter().enumerate() {
        let Some(field) = raw.gpus.get(&gpu.name) else {
            continue;
        };
        let what = format!("GPU `{}`", gpu.name);
        let path = format!("gpus.{}.objectives", gpu.name);
        let own = read(c, &path, &field.value.objectives, &of_gpu(&what));
        let of = AskedOf::Gpu(index);
        let all = whole.iter().cloned().chain(own);
        asked.extend(all.map(|objective| Asked { of, objective }));
    }
    asked
}

fn of_gpu(what: &str) -> Subject<'_> {
    Subject {
        scope: Scope::Gpu,
        what,
        classes: &[],
        has: &|_| true,
    }
}

fn read(c: &mut Checker, path: &str, written: &Written, subject: &Subject) -> Vec<Objective> {
    let Some(list) = written else {
        return Vec::new();
    };
    let mut found: Vec<Objective> = Vec::new();
    for field in &list.value {
        match objective::parse(&field.value, subject) {
            Ok(objective) if found.contains(&objective) => {
                c.error(
                    &field.span,
                    "an objective is given twice",
                    "the second",
                    "remove one of them",
                );
            }
            Ok(objective) => {
                if objective.against_better() {
                    let title = format!("`{}` asks for the worse", field.value);
                    let label = format!("`{}` is better the other way", objective.metric.name("."));
                    c.warning(
                        &field.span,
                        title,
                        label,
                        "turn the sign if that is not meant",
                    );
                }
                found.push(objective);
            }
            Err(mistake) => c.error(&field.span, mistake.title, mistake.label, mistake.help),
        }
    }
    let texts: Vec<&str> = found
        .iter()
        .map(|objective| objective.text.as_str())
        .collect();
    c.file_value(path, texts.join(", "), &list.span);
    found
}

/// Whether a guest has what a metric needs.
fn has(guest: &Guest, need: Need) -> bool {
    let workload = &guest.workload;
    match need {
        Need::Deadline => guest.deadline.is_some(),
        Need::Frames => workload.discipline.frames().is_some(),
        Need::Batching => workload.discipline.batching().is_some(),
        Need::Timeout => workload.timeout.is_some(),
        Need::Memory => workload.memory.is_some(),
        Need::Jobs => workload.jobs.is_some(),
        Need::LanguageModel => workload.discipline.llm().is_some(),
        Need::TokenObjectives => workload
            .discipline
            .llm()
            .is_some_and(|llm| llm.first_token.is_some() || llm.between_tokens.is_some()),
        Need::MediaEngine => {
            let mut operations = workload.stages.iter().flat_map(|stage| &stage.operations);
            operations.any(|operation| matches!(operation.kind, OperationKind::Media { .. }))
        }
        Need::Outside => workload.discipline.outside() > 0,
    }
}
