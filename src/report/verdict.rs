//! What a result answers, in a sentence and in a word for each guest group.

use super::table::cut;
use super::units::{Shown, length, short, with_interval};
use crate::result::{GroupResult, ObjectiveResult, ObjectiveVerdict, RunResult, SubjectKind, Unit};

/// Things that the sentence names one by one; of more it says how many there are.
const NAMED: usize = 3;

/// The answer, for the person who asked.
pub(super) fn sentence(result: &RunResult) -> String {
    let broken = result.checks.iter().filter(|check| !check.holds).count();
    if broken > 0 {
        let checks = match broken {
            1 => "1 invariant check".to_owned(),
            several => format!("{several} invariant checks"),
        };
        return format!("No answer: {checks} of the simulator failed.");
    }
    let of = |verdict| -> Vec<String> {
        let objectives = result.objectives.iter();
        objectives
            .filter(|objective| objective.verdict == verdict)
            .map(objective_clause)
            .collect()
    };
    let (failed, undecided) = (of(ObjectiveVerdict::Fail), of(ObjectiveVerdict::Undecided));
    let all = result.objectives.len();
    let (some, what, clauses) = match (failed.len(), undecided.len()) {
        _ if all == 0 => return without_objectives(result),
        (0, 0) => (all, "holds", of(ObjectiveVerdict::Pass)),
        (0, some) => (some, "is undecided", undecided),
        (some, _) => (some, "is missed", failed),
    };
    let objectives = format!("{}: {}", share(some, all, what), list(clauses));
    let overloaded: Vec<String> = overloaded(result).map(label).collect();
    if overloaded.is_empty() {
        format!("{objectives}.")
    } else {
        format!("{objectives}; overloaded: {}.", list(overloaded))
    }
}

/// `1 of 3 objectives is missed`, with what is said of a single one.
fn share(some: usize, all: usize, what: &str) -> String {
    let several = match what.strip_prefix("is ") {
        Some(rest) => format!("are {rest}"),
        None => "hold".to_owned(),
    };
    match (some, all) {
        (_, 1) => format!("The objective {what}"),
        (some, all) if some == all => format!("All {all} objectives {several}"),
        (1, all) => format!("1 of {all} objectives {what}"),
        (some, all) => format!("{some} of {all} objectives {several}"),
    }
}

fn overloaded(result: &RunResult) -> impl Iterator<Item = &GroupResult> {
    let groups = result.guests.iter();
    groups.filter(|group| group.overload.is_some())
}

fn without_objectives(result: &RunResult) -> String {
    let over: Vec<String> = overloaded(result)
        .map(|group| format!("{} ({})", label(group), clause(group)))
        .collect();
    let served = |lossy: bool| -> Vec<String> {
        let groups = result.guests.iter();
        groups
            .filter(|group| group.overload.is_none() && group.jobs.arrived > 0)
            .filter(|group| losses(group).is_empty() != lossy)
            .map(|group| format!("{} ({})", label(group), clause(group)))
            .collect()
    };
    // What is lost is never called sustained.
    let parts = [
        ("too much for", over),
        ("not all served:", served(true)),
        ("sustained", served(false)),
    ];
    let mut said = String::new();
    for (what, groups) in parts {
        if groups.is_empty() {
            continue;
        }
        let what = match (said.is_empty(), what) {
            (true, "sustained") => "The load is sustained:".to_owned(),
            (true, what) => format!("The load is {what}"),
            (false, "sustained") => "; sustained:".to_owned(),
            (false, what) => format!("; {what}"),
        };
        said.push_str(&format!("{what} {}", list(groups)));
    }
    match said.is_empty() {
        true => "No job arrived in the window.".to_owned(),
        false => format!("{said}."),
    }
}

/// Some of many, and how many more there are.
fn list(mut items: Vec<String>) -> String {
    let more = items.len().saturating_sub(NAMED);
    items.truncate(NAMED);
    let mut text = items.join(", ");
    if more > 0 {
        text.push_str(&format!(", and {more} more"));
    }
    text
}

/// What somebody wants to know first of a group.
fn clause(group: &GroupResult) -> String {
    let bound = if group.overload.is_some() { "≥ " } else { "" };
    let mut parts = Vec::new();
    let p95 = group.response.quantiles.iter();
    let mut p95 = p95.filter(|quantile| (quantile.p - 0.95).abs() < 1e-9);
    if let Some((quantile, ns)) = p95.next().and_then(|q| Some((q, q.value_ns?))) {
        let value = with_interval(ns as f64, quantile.half_width_ns, Shown::Time);
        parts.push(format!("p95 {bound}{value}"));
    }
    if let (Some(late), Some(deadline)) = (&group.late_fraction, group.deadline_ns)
        && let Some(value) = late.value
    {
        parts.push(format!(
            "{bound}{} later than {}",
            percent(value),
            length(deadline)
        ));
    }
    parts.extend(losses(group));
    if let Some(frames) = group.frames_per_s.as_ref().and_then(|frames| frames.value) {
        parts.push(format!(
            "{} frames/s each",
            short((frames * 10.0).round() / 10.0)
        ));
    }
    if parts.is_empty() {
        return "no job ended".to_owned();
    }
    parts.join(", ")
}

/// A share in a sentence: to one decimal.
fn percent(value: f64) -> String {
    let percent = value * 100.0;
    let shown = short((percent * 10.0).round() / 10.0);
    match shown.as_str() {
        "0" if value > 0.0 => "<0.1 %".to_owned(),
        _ => format!("{shown} %"),
    }
}

/// Shares of jobs that were never done.
fn losses(group: &GroupResult) -> Vec<String> {
    let shares = [
        (Some(&group.dropped_fraction), "dropped"),
        (group.timed_out_fraction.as_ref(), "timed out"),
        (group.out_of_memory_fraction.as_ref(), "out of memory"),
    ];
    let shown = shares.into_iter().filter_map(|(share, what)| {
        let value = share?.value.filter(|value| *value > 0.0)?;
        Some(format!("{} {what}", percent(value)))
    });
    shown.collect()
}

/// `4 x desktop`, or the bare name of a group of one.
pub(super) fn label(group: &GroupResult) -> String {
    label_of(group, group.count as usize)
}

/// A group with so many of its members.
pub(super) fn label_of(group: &GroupResult, count: usize) -> String {
    let name = cut(&group.name, super::text::NAME);
    match group.count {
        1 => name,
        _ => format!("{count} x {name}"),
    }
}

fn objective_clause(objective: &ObjectiveResult) -> String {
    let found = match objective.value {
        Some(value) => shown(objective, value, objective.half_width),
        None => "no value".to_owned(),
    };
    let of = cut(&objective.of, super::text::NAME);
    match objective.kind {
        SubjectKind::Gpu => format!("GPU {of}: {} ({found})", objective.text),
        SubjectKind::Guest => format!("{of}: {} ({found})", objective.text),
    }
}

/// A value of an objective's metric, for people.
pub(super) fn shown(objective: &ObjectiveResult, value: f64, half_width: Option<f64>) -> String {
    let text = with_interval(value, half_width, Shown::of(objective.unit));
    match objective.unit {
        Unit::PerSecond | Unit::TokensPerSecond => format!("{text} /s"),
        _ => text,
    }
}

/// One word for a group. A group that misses an objective never reads well; without objectives it says what
/// became of the load, and nothing of whether that is good.
pub(super) fn word(group: &GroupResult, objectives: &[ObjectiveResult]) -> String {
    let own = objectives
        .iter()
        .filter(|objective| objective.kind == SubjectKind::Guest && objective.of == group.name);
    let worst = own.map(|objective| rank(objective.verdict)).max();
    if group.overload.is_some() {
        return "OVERLOADED".to_owned();
    }
    if group.jobs.arrived == 0 {
        return "no jobs".to_owned();
    }
    match worst {
        Some(2) => "MISSED".to_owned(),
        Some(1) => "undecided".to_owned(),
        Some(_) => "holds".to_owned(),
        None => load(group),
    }
}

fn rank(verdict: ObjectiveVerdict) -> u8 {
    match verdict {
        ObjectiveVerdict::Pass => 0,
        ObjectiveVerdict::Undecided => 1,
        ObjectiveVerdict::Fail => 2,
    }
}

fn load(group: &GroupResult) -> String {
    let losses = losses(group);
    if !losses.is_empty() {
        return losses.join(", ");
    }
    let late = group.late_fraction.as_ref().and_then(|late| late.value);
    match late.filter(|late| *late > 0.0) {
        Some(late) => format!("sustained, {} late", percent(late)),
        None => "sustained".to_owned(),
    }
}

/// The word of an objective's verdict.
pub(super) fn verdict(objective: &ObjectiveResult) -> &'static str {
    match objective.verdict {
        ObjectiveVerdict::Pass => "holds",
        ObjectiveVerdict::Fail => "MISSED",
        ObjectiveVerdict::Undecided => "undecided",
    }
}

/// How far a value is on the good side of its bound.
pub(super) fn margin(objective: &ObjectiveResult) -> String {
    let Some(margin) = objective.margin else {
        return "–".to_owned();
    };
    let half_width = objective.half_width.unwrap_or(0.0);
    let text = super::units::difference(margin, half_width, Shown::of(objective.unit));
    match objective.half_width {
        Some(_) => text,
        None => text.replace(" ± 0", ""),
    }
}

/// Whether a group's table of deadlines and losses has something to say.
pub(super) fn delivers(group: &GroupResult) -> bool {
    group.deadline_ns.is_some() || group.frames_per_s.is_some() || !losses(group).is_empty()
}

/// What became of jobs and frames, for figures: how many were late, and what was lost and delivered; nothing of
/// a group that has neither a deadline nor losses nor frames.
pub(super) fn delivered(group: &GroupResult) -> Vec<String> {
    let late = group.late_fraction.as_ref().and_then(|late| late.value);
    let late = late.zip(group.deadline_ns);
    let late = late.map(|(late, deadline)| format!("{} > {}", percent(late), length(deadline)));
    let mut rest = losses(group);
    if let Some(frames) = group.frames_per_s.as_ref().and_then(|frames| frames.value) {
        rest.push(format!("{} fps", short((frames * 10.0).round() / 10.0)));
    }
    let rest = (!rest.is_empty()).then(|| rest.join(", "));
    late.into_iter().chain(rest).collect()
}
