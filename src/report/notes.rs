//! Footnotes of a text: why a number has no interval or is missing.

use super::table::paragraph;

/// The notes so far, in the order in which they were first referred to.
#[derive(Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    /// `[2]` for this note; equal notes share a number.
    pub(super) fn mark(&mut self, note: String) -> String {
        let at = self.0.iter().position(|n| *n == note);
        let index = at.unwrap_or_else(|| {
            self.0.push(note);
            self.0.len() - 1
        });
        format!("[{}]", index + 1)
    }

    /// Appends the notes as a section of their own, if there are any.
    pub(super) fn write(&self, out: &mut String) {
        if self.0.is_empty() {
            return;
        }
        out.push_str("\nWhy a number has no interval or is missing\n");
        for (index, note) in self.0.iter().enumerate() {
            paragraph(out, &format!("  [{}] ", index + 1), note);
        }
    }
}
