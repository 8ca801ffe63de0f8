//! Messages about a user's text, in the manner of rustc: file, line, column, what is wrong, what
//! would be right.
//!
//! Readers collect [`Diagnostic`]s in a [`Diagnostics`] list and go on, so that a user sees all
//! mistakes of a file at once.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::ops::Range;
use std::sync::Arc;

/// Whether a text can be used in spite of the finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The text is refused.
    Error,
    /// The text is accepted; the user probably meant something else.
    Warning,
}

/// One finding about one place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// What is wrong, in one line that makes sense alone.
    pub title: String,
    /// The file as the user named it.
    pub file: String,
    /// Its whole text.
    pub source: Arc<str>,
    /// The bytes of `source` that the finding is about; `None` = the file as a whole.
    pub span: Option<Range<usize>>,
    /// Stands under the marked bytes; may be empty.
    pub label: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error about the file as a whole, such as one that cannot be read.
    pub fn file_error(file: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            title: title.into(),
            file: file.into(),
            source: Arc::from(""),
            span: None,
            label: String::new(),
            help: None,
        }
    }

    /// Line and column of the marked place, both counted from 1, columns in characters.
    pub fn position(&self) -> Option<(usize, usize)> {
        let start = self.span.as_ref()?.start;
        let before = self.source.get(..start.min(self.source.len()))?;
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |tail| tail.chars().count())
            + 1;
        Some((line, column))
    }

    /// The message as plain text without colour, ending in a line break.
    ///
    /// ```
    /// use warpshare_model::diagnostics::{Diagnostic, Severity};
    /// let finding = Diagnostic {
    ///     severity: Severity::Error,
    ///     title: "no such board: `a4O`".into(),
    ///     file: "office.toml".into(),
    ///     source: "[gpus.a]\nboard = \"a4O\"\n".into(),
    ///     span: Some(17..22),
    ///     label: "not in the catalogue".into(),
    ///     help: Some("did you mean `a40`?".into()),
    /// };
    /// assert!(finding.render().contains("office.toml:2:9"));
    /// ```
    pub fn render(&self) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(self.title.as_str());
        let mut group: Group<'_> = match &self.span {
            Some(span) => {
                let annotation = AnnotationKind::Primary.span(self.clamped(span));
                let annotation = if self.label.is_empty() {
                    annotation
                } else {
                    annotation.label(self.label.as_str())
                };
                title.element(
                    Snippet::source(&*self.source)
                        .path(self.file.as_str())
                        .annotation(annotation),
                )
            }
            None => title.element(Origin::path(self.file.as_str())),
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let mut text = Renderer::plain().render(&[group]);
        text.push('\n');
        text
    }

    /// The span cut to what the renderer accepts: inside the text and on character boundaries.
    fn clamped(&self, span: &Range<usize>) -> Range<usize> {
        let boundary = |mut at: usize| {
            at = at.min(self.source.len());
            while !self.source.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = boundary(span.start);
        start..boundary(span.end).max(start)
    }
}

/// Findings in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Sorts by file and place; findings about the same place keep their order, exact repetitions
    /// are dropped.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| {
            let place = |d: &Diagnostic| d.span.as_ref().map_or(0, |s| s.start);
            (&a.file, place(a)).cmp(&(&b.file, place(b)))
        });
        self.0.dedup();
    }

    /// All messages, separated by empty lines.
    pub fn render(&self) -> String {
        let messages: Vec<String> = self.0.iter().map(Diagnostic::render).collect();
        messages.join("\n")
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The candidate nearest to a mistyped name, if one is near enough to be worth suggesting: at most
/// a third of its letters differ (Damerau-Levenshtein, letter case ignored). Ties go to the first.
///
/// ```
/// use warpshare_model::diagnostics::nearest;
/// assert_eq!(nearest("replicatons", ["duration", "replications"]), Some("replications"));
/// assert_eq!(nearest("banana", ["duration", "replications"]), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let allowed = (name.chars().count().max(3)).div_ceil(3);
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        let distance = strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(span: Option<Range<usize>>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            title: "wrong".into(),
            file: "a.toml".into(),
            source: "é = 1\nb = 2\n".into(),
            span,
            label: "here".into(),
            help: Some("write 3".into()),
        }
    }

    #[test]
    fn position_counts_characters() {
        assert_eq!(sample(Some(5..6)).position(), Some((1, 5)));
        assert_eq!(sample(Some(7..8)).position(), Some((2, 1)));
        assert_eq!(sample(None).position(), None);
    }

    #[test]
    fn rendering_survives_spans_outside_the_text_or_inside_a_character() {
        for span in [0..1, 1..2, 5..5, 13..13, 40..50] {
            let text = sample(Some(span)).render();
            assert!(text.contains("a.toml"), "{text}");
            assert!(text.contains("write 3"), "{text}");
        }
        assert!(sample(None).render().contains("a.toml"));
    }

    #[test]
    fn list_sorts_by_place_and_drops_repetitions() {
        let mut list = Diagnostics::default();
        list.push(sample(Some(7..8)));
        list.push(sample(Some(0..2)));
        list.push(sample(Some(7..8)));
        list.sort();
        let starts: Vec<_> = list.iter().filter_map(|d| d.span.clone()).collect();
        assert_eq!(starts, [0..2, 7..8]);
        assert!(list.has_errors());
    }
}
