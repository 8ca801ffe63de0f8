//! Lines of a text by place, without counting from its begin for each.

/// Where the lines of a text end.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Lines {
        let ends = text.match_indices('\n').map(|(at, _)| at);
        Lines(ends.collect())
    }

    /// The line in which a byte stands, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_the_ends_before_a_place() {
        let text = "a\n\nbc\n";
        let lines = Lines::of(text);
        for at in 0..=text.len() {
            assert_eq!(lines.line(at), text[..at].matches('\n').count() + 1, "{at}");
        }
    }
}
