//! Recordings of a scenario on their clocks: which traces are of one recording and keep their distance.

use crate::engine::time::{LONGEST, Nanos, round_nanos};
use crate::scenario::elements::guest::Guest;
use crate::scenario::elements::run::RunPlan;
use crate::scenario::elements::traces;
use crate::scenario::elements::traces::{Content, Recording};
use crate::scenario::elements::workloads::Resolved;
use crate::scenario::key::checker::Checker;
use crate::scenario::key::units::write_nanos;
use crate::scenario::read::raw::RawScenario;
use crate::scenario::read::raw_workload::RawClock;
use crate::workload::windows::{self};
use crate::workload::{Arrivals, Entry, Replay};
use std::collections::{BTreeMap, BTreeSet};

/// Puts the traces of one recording on one clock: those whose times overlap, and those that say so. Each
/// begins as long after the earliest of them as it does in the recording.
pub(crate) fn settle(
    c: &mut Checker,
    raw: &RawScenario,
    workloads: &BTreeMap<String, Resolved>,
    plan: Option<&RunPlan>,
    guests: &mut [Guest],
) {
    let used: BTreeSet<String> = guests.iter().map(|g| g.workload.name.clone()).collect();
    let mut recordings: Vec<(&String, &Recording)> = workloads
        .iter()
        .filter_map(|(name, workload)| Some((name, workload.recording.as_ref()?)))
        .filter(|(name, _)| used.contains(*name))
        .filter(|(name, _)| keeps_a_clock(guests, name))
        .filter(|(_, r)| !matches!(r.clock, Some((RawClock::Own, _))))
        .collect();
    recordings.sort_by_key(|(name, r)| (r.origin, r.begins, r.ends, (*name).clone()));
    asked_for_together(c, &recordings);
    let groups = groups(&recordings);
    apart(c, &groups);
    for group in &groups {
        let Some((first, earliest)) = group.first() else {
            continue;
        };
        for (name, recording) in &group[1..] {
            let distance = recording.begins - earliest.begins;
            if distance == 0 {
                continue;
            }
            let Ok(distance) = Nanos::try_from(distance) else {
                continue; // never negative: sorted
            };
            let moved = moved(c, name, recording, distance, guests);
            let behind = plan.is_some_and(|plan| moved >= plan.warmup + plan.window);
            let mut remark = format!(
                "workloads.{name}: `{}` begins {} after `{}` of {first}: their times overlap or `clock` joins \
                 them, so they keep their distance (clock = \"own\" starts each at its first row)",
                recording.file,
                write_nanos(distance as f64),
                earliest.file,
            );
            if behind {
                remark.push_str("; that is after the end of the run");
            }
            c.notices.push(remark);
        }
    }
    in_step(c, raw, guests);
}

/// Whether the guests of a workload enter its recording at its begin: others are at no time of it.
fn keeps_a_clock(guests: &[Guest], workload: &str) -> bool {
    let mut of = guests.iter().filter(|g| g.workload.name == workload);
    of.any(|guest| {
        replay_of(&guest.workload.arrivals)
            .is_some_and(|replay| matches!(replay.entry, Entry::Start | Entry::Apart))
    })
}

fn replay_of(arrivals: &Arrivals) -> Option<&Replay> {
    match arrivals {
        Arrivals::Trace { replay, .. } | Arrivals::Windowed { replay, .. } => Some(replay),
        _ => None,
    }
}

type Named<'r> = (&'r String, &'r Recording);

/// `clock = "common"` of recordings that have no clock in common.
fn asked_for_together(c: &mut Checker, recordings: &[Named<'_>]) {
    let mut asked = recordings.iter().filter_map(|(_, recording)| {
        let (_, span) = recording.clock.as_ref()?; // "own" is not among them
        Some((recording, span))
    });
    let Some((first, _)) = asked.next() else {
        return;
    };
    for (other, span) in asked {
        if other.origin != first.origin {
            let title = "these traces have no clock in common";
            let label = format!(
                "`{}` counts from other origins than `{}`",
                other.file, first.file
            );
            let help = "give the times of both in one form, or use `offset`";
            c.error(span, title, label, help);
        }
    }
}

/// Recordings that keep their distance, each group in order of time.
fn groups<'r>(recordings: &[Named<'r>]) -> Vec<Vec<Named<'r>>> {
    let mut groups: Vec<Vec<Named<'r>>> = Vec::new();
    for &(name, recording) in recordings {
        // In order of begins: those that it belongs to are groups that have not ended, or that are
        // asked for as it is.
        let together = |group: &Vec<Named<'r>>| {
            group.iter().any(|(_, other)| {
                let asked = other.clock.is_some() && recording.clock.is_some();
                other.origin == recording.origin && (recording.begins <= other.ends || asked)
            })
        };
        let (joined, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(together);
        let mut group = joined.into_iter().flatten().collect::<Vec<_>>();
        group.push((name, recording));
        group.sort_by_key(|(name, r)| (r.begins, (*name).clone()));
        groups = rest;
        groups.push(group);
    }
    groups
}

/// Says which recordings are taken as unrelated, where they might be related.
fn apart(c: &mut Checker, groups: &[Vec<Named<'_>>]) {
    let origins: BTreeSet<&str> = groups.iter().flatten().map(|(_, r)| r.origin).collect();
    for origin in origins {
        let of = |group: &&Vec<Named<'_>>| group.first().is_some_and(|(_, r)| r.origin == origin);
        let mut first: Vec<&Named<'_>> = groups.iter().filter(of).flat_map(|g| g.first()).collect();
        first.sort_by_key(|(_, recording)| recording.begins);
        if let [(_, one), .., (_, last)] = first.as_slice() {
            let others = match first.len() {
                2 => format!("`{}` and `{}`", one.file, last.file),
                more => format!("{more} traces, `{}` to `{}`,", one.file, last.file),
            };
            c.notices.push(format!(
                "the times of {others} do not overlap: they are taken as unrelated recordings, and each starts \
                 with its own first row (clock = \"common\" in each keeps their distance)"
            ));
        }
    }
}

/// Lets a recording begin so much later on the clock; returns after what time of the run it does.
fn moved(
    c: &mut Checker,
    name: &str,
    recording: &Recording,
    distance: Nanos,
    guests: &mut [Guest],
) -> Nanos {
    // What is skipped of the clock is skipped of the distance first.
    let offset = recording.offset.saturating_sub(distance);
    let late = distance.saturating_sub(recording.offset) as f64 * recording.stretch;
    let late = round_nanos(late).unwrap_or(LONGEST);
    for guest in guests.iter_mut().filter(|g| g.workload.name == name) {
        let (end, cycle, replay) = match (&mut guest.workload.arrivals, &recording.content) {
            (Arrivals::Trace { trace, replay }, Content::Rows(whole)) => {
                if offset != recording.offset {
                    *trace = traces::cut_rows(whole, offset, recording.stretch);
                }
                let end = trace.arrivals.last().copied().unwrap_or(0);
                (end, traces::cycle_of(&trace.arrivals), replay)
            }
            (Arrivals::Windowed { windows, replay }, Content::Windows(whole)) => {
                if offset != recording.offset {
                    *windows = windows::cut(whole, offset, recording.stretch).into();
                }
                let end = windows.last().map_or(0, |window| window.ends);
                (end, end, replay)
            }
            _ => continue,
        };
        replay.delay = late;
        match replay.period {
            Some(period) if period < end => {
                let title = "the trace would begin anew before it ends";
                let label = format!(
                    "it ends after {} on the clock that it shares with other traces",
                    write_nanos(end as f64)
                );
                c.error(
                    &recording.span,
                    title,
                    label,
                    "a longer `repeat_every`, or clock = \"own\"",
                );
            }
            Some(_) => {}
            None => replay.cycle = cycle,
        }
    }
    late
}

/// Says which groups of guests replay the same rows at the same times.
fn in_step(c: &mut Checker, raw: &RawScenario, guests: &[Guest]) {
    let mut same: BTreeMap<(String, Nanos), Vec<&str>> = BTreeMap::new();
    for guest in guests {
        let Arrivals::Trace { replay, .. } = &guest.workload.arrivals else {
            continue;
        };
        let asked = raw
            .workloads
            .get(&guest.workload.name)
            .and_then(|field| field.value.arrivals.as_ref())
            .is_some_and(|arrivals| arrivals.value.enter.is_some());
        if matches!(replay.entry, Entry::Start | Entry::Apart) && replay.keep >= 1.0 && !asked {
            let key = (guest.workload.name.clone(), guest.start);
            same.entry(key).or_default().push(&guest.name);
        }
    }
    for ((workload, _), names) in same {
        if names.len() > 1 {
            c.notices.push(format!(
                "guests {} replay the rows of workload {workload} in step: each group enters its trace at the \
                 begin with its first guest (enter = \"random\" sets them apart, enter = \"start\" means it so)",
                names.join(", ")
            ));
        }
    }
}
