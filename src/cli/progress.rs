//! The progress bar: on stderr, with the time that is left, and only where somebody can watch it.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};

/// Steps of the bar.
const STEPS: f64 = 1000.0;

/// How far a run has come. Without a terminal, or when quiet, it says nothing.
pub(crate) struct Bar(Option<ProgressBar>);

impl Bar {
    pub(crate) fn new(quiet: bool) -> Bar {
        if quiet || !io::stderr().is_terminal() {
            return Bar(None);
        }
        let bar = ProgressBar::new(STEPS as u64);
        // The template is fixed, so it either works always or never; without it the bar is plainer.
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {eta} left") {
            bar.set_style(style);
        }
        Bar(Some(bar))
    }

    /// `done` goes from 0 to 1; calls that go backwards are ignored.
    pub(crate) fn set(&self, done: f64) {
        if let Some(bar) = &self.0 {
            let step = (done * STEPS) as u64;
            if step > bar.position() {
                bar.set_position(step);
            }
        }
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
