//! `--figures`: which figures a command writes, and what happens when one cannot be drawn.

use super::interrupt::Interrupt;
use super::note;
use crate::report::figures::{Figures, Forms, MANY_GUESTS};
use crate::scenario::Scenario;
use std::path::Path;

/// The forms of figures, as the command line names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Choice {
    None,
    Svg,
    Png,
    All,
}

/// Which figures are written.
#[derive(Debug, clap::Args)]
pub(super) struct Wanted {
    /// Figures to write [default: all; none from 500 guests on].
    #[arg(long, value_name = "FORMS")]
    figures: Option<Choice>,
}

impl Wanted {
    /// The forms for this scenario; a remark where figures are left out that nobody declined.
    pub(super) fn forms(&self, scenario: &Scenario, quiet: bool) -> Forms {
        match self.figures {
            Some(Choice::None) => Forms::None,
            Some(Choice::Svg) => Forms::Svg,
            Some(Choice::Png) => Forms::Png,
            Some(Choice::All) => Forms::All,
            None => {
                let guests: u64 = scenario.guests.iter().map(|g| u64::from(g.count)).sum();
                if guests < MANY_GUESTS {
                    return Forms::All;
                }
                if !quiet {
                    note(&format!(
                        "remark: no figures of {guests} guests, which would show a few of them; \
                         --figures all draws them"
                    ));
                }
                Forms::None
            }
        }
    }
}

/// Draws figures into a results folder that is in its place. A figure that fails is told and changes nothing
/// else: the results are there.
pub(super) fn draw(figures: &Figures<'_>, folder: &Path, interrupt: &Interrupt) {
    for remark in figures.draw_into(folder, |step| interrupt.finish(step)) {
        note(&remark);
    }
}
