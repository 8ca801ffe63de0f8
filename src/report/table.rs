//! Plain text tables and wrapped paragraphs of a fixed width.

/// Width of the text report, in columns; fixed, so that its output is the same everywhere.
pub(super) const WIDTH: usize = 100;

/// A table with a heading; the first column is left-aligned, the others right-aligned.
pub(super) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(head: &[&str]) -> Table {
        Table {
            head: head.iter().map(|&h| h.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn widths(&self) -> Vec<usize> {
        let all = || std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| {
            let cells = all().map(|row| row.get(column).map_or(0, |cell| cell.chars().count()));
            cells.max().unwrap_or(0)
        };
        (0..self.head.len()).map(width).collect()
    }

    /// Appends the table in as many parts as the page's width asks for, each with the first column.
    pub(super) fn render_in_parts(&self, out: &mut String) {
        let widths = self.widths();
        let mut from = 1;
        while from < widths.len() {
            let mut width = 2 + widths[0] + 2 + widths[from];
            let mut until = from + 1;
            while until < widths.len() && width + 2 + widths[until] <= WIDTH {
                width += 2 + widths[until];
                until += 1;
            }
            if from > 1 {
                out.push('\n');
            }
            let pick = |row: &Vec<String>| {
                let cells = row.iter().take(1).chain(row.iter().take(until).skip(from));
                cells.cloned().collect()
            };
            let part = Table {
                head: pick(&self.head),
                rows: self.rows.iter().map(pick).collect(),
            };
            part.render(out);
            from = until;
        }
    }

    /// Appends the table, indented by two columns.
    pub(super) fn render(&self, out: &mut String) {
        let all = || std::iter::once(&self.head).chain(&self.rows);
        let widths = self.widths();
        // Wide gaps read better; narrow ones keep a crowded table inside the page.
        let content: usize = widths.iter().sum::<usize>() + 2;
        let gap = if content + 3 * (widths.len() - 1) <= WIDTH {
            3
        } else {
            2
        };
        for row in all() {
            let mut line = String::from("  ");
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let fill = width - cell.chars().count();
                if column == 0 {
                    line.push_str(cell);
                    line.extend(std::iter::repeat_n(' ', fill));
                } else {
                    line.extend(std::iter::repeat_n(' ', gap + fill));
                    line.push_str(cell);
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
}

/// Appends `text` after `lead`, wrapped at [`WIDTH`], later lines indented as far as the lead.
pub(super) fn paragraph(out: &mut String, lead: &str, text: &str) {
    let indent = lead.chars().count();
    let mut column = indent;
    out.push_str(lead);
    let mut first = true;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if !first && column + 1 + length > WIDTH {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if !first {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
        first = false;
    }
    out.push('\n');
}

/// Appends `pieces` after `lead`, with ` · ` between them; a line break falls only between pieces, so
/// that a value and its interval stay together.
pub(super) fn pieces(out: &mut String, lead: &str, pieces: &[String]) {
    let indent = lead.chars().count();
    let mut column = indent;
    out.push_str(lead);
    for (index, piece) in pieces.iter().enumerate() {
        let length = piece.chars().count();
        if index > 0 && column + 3 + length > WIDTH {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if index > 0 {
            out.push_str(" · ");
            column += 3;
        }
        out.push_str(piece);
        column += length;
    }
    out.push('\n');
}

/// Appends what nobody may miss, between rules.
pub(super) fn alarm(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let rule = "!".repeat(WIDTH);
    out.push_str(&format!("\n{rule}\n"));
    paragraph(out, "!! ", title);
    for line in lines {
        paragraph(out, "!! ", &line);
    }
    out.push_str(&format!("{rule}\n"));
}

/// At most `most` columns: the middle of a longer name gives way, since names often differ at
/// their ends.
pub(super) fn cut(name: &str, most: usize) -> String {
    let length = name.chars().count();
    if length <= most {
        return name.to_owned();
    }
    let tail = (most - 1) / 2;
    let head = most - 1 - tail;
    let start: String = name.chars().take(head).collect();
    let end: String = name.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_wrap_with_a_hanging_indent() {
        let mut out = String::new();
        paragraph(&mut out, "- ", &"word ".repeat(30));
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|l| l.chars().count() <= WIDTH));
        assert!(lines[1].starts_with("  word"));
    }

    #[test]
    fn wide_tables_come_in_parts() {
        let mut table = Table::new(&["name", "a", "b", "c"]);
        table.row(vec![
            "x".to_owned(),
            "1".repeat(40),
            "2".repeat(40),
            "3".repeat(40),
        ]);
        let mut out = String::new();
        table.render_in_parts(&mut out);
        let parts: Vec<&str> = out.split("\n\n").collect();
        assert_eq!(parts.len(), 2);
        assert!(parts.iter().all(|part| part.starts_with("  name")));
        assert!(parts[0].contains('2') && parts[1].contains('3'));
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(cut("desktop", 12), "desktop");
        assert_eq!(cut("designers-in-tokyo", 12), "design…tokyo");
    }
}
