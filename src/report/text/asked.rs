//! What was asked and whether it holds; deadlines, losses and frames.

use super::{NAME, Page, at_least};
use crate::report::table::{Table, cut};
use crate::report::units::{Shown, length};
use crate::report::verdict::{self, label};
use crate::report::words;
use crate::result::{GroupResult, RunResult, SubjectKind};

impl Page {
    /// What was asked, and whether it holds.
    pub(super) fn objectives(&mut self, result: &RunResult) {
        if result.objectives.is_empty() {
            return;
        }
        self.section("Objectives");
        let mut table = Table::new(&["of", "asked", "found", "margin", "verdict"]);
        for objective in &result.objectives {
            let of = match objective.kind {
                SubjectKind::Gpu => format!("GPU {}", cut(&objective.of, NAME)),
                SubjectKind::Guest => cut(&objective.of, NAME),
            };
            let found = match objective.value {
                Some(value) => verdict::shown(objective, value, objective.half_width),
                None => "–".to_owned(),
            };
            let mut word = verdict::verdict(objective).to_owned();
            if let Some(note) = &objective.note {
                word.push(' ');
                word.push_str(&self.notes.mark(words::grounds(note)));
            }
            let margin = verdict::margin(objective);
            table.row(vec![of, cut(&objective.text, 32), found, margin, word]);
        }
        table.render(&mut self.out);
    }

    /// Deadlines, losses and frames, where guests have some.
    pub(super) fn delivered(&mut self, result: &RunResult) {
        let groups: Vec<&GroupResult> = result
            .guests
            .iter()
            .filter(|group| verdict::delivers(group))
            .collect();
        if groups.is_empty() {
            return;
        }
        self.section(
            "Deadlines and losses (late: of the jobs that ended; dropped: of those that arrived)",
        );
        let any = |has: fn(&GroupResult) -> bool| groups.iter().any(|group| has(group));
        let frames = any(|group| group.frames_per_s.is_some());
        let timed_out = any(|group| group.timed_out_fraction.is_some());
        let out_of_memory = any(|group| group.out_of_memory_fraction.is_some());
        let mut head = vec!["guest", "deadline", "late", "dropped"];
        let optional = [
            (timed_out, "timed out"),
            (out_of_memory, "out of memory"),
            (frames, "frames/s each"),
        ];
        head.extend(
            optional
                .iter()
                .filter(|(shown, _)| *shown)
                .map(|(_, name)| *name),
        );
        let mut table = Table::new(&head);
        for group in groups {
            let mut row = vec![
                label(group),
                group.deadline_ns.map_or_else(|| "none".to_owned(), length),
                match &group.late_fraction {
                    Some(late) => self.estimate(late, Shown::Percent, at_least(group)),
                    None => "–".to_owned(),
                },
                self.estimate(&group.dropped_fraction, Shown::Percent, ""),
            ];
            let more = [
                (timed_out, &group.timed_out_fraction, Shown::Percent),
                (out_of_memory, &group.out_of_memory_fraction, Shown::Percent),
                (frames, &group.frames_per_s, Shown::Plain),
            ];
            for (_, estimate, unit) in more.into_iter().filter(|(shown, _, _)| *shown) {
                row.push(match estimate {
                    Some(estimate) => self.estimate(estimate, unit, ""),
                    None => "–".to_owned(),
                });
            }
            table.row(row);
        }
        table.render(&mut self.out);
    }
}
