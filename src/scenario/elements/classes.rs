//! `classes` of a workload: which part of its jobs goes before the others when jobs wait.

use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::Field;
use crate::scenario::read::raw_workload::{RawClass, RawWorkload};
use crate::workload::Class;

/// How far parts may miss 1 together.
const EXACT: f64 = 1e-9;
/// Classes of a workload at most.
const MOST: usize = 16;

/// The classes, most urgent first, empty where all jobs are alike; `None` after an error.
pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    workload: &Field<RawWorkload>,
) -> Option<Vec<Class>> {
    let Some(field) = &workload.value.classes else {
        return Some(Vec::new());
    };
    let path = format!("{path}.classes");
    let raw = &field.value;
    if raw.len() < 2 || raw.len() > MOST {
        let label = format!("2 to {MOST} classes, the most urgent first");
        let help = "such as classes = [{ name = \"urgent\", part = 0.1 }, { name = \"normal\" }]";
        c.error(&field.span, "`classes` needs at least two", label, help);
        return None;
    }
    let mut classes: Vec<Class> = Vec::new();
    let mut left = 1.0;
    for (index, entry) in raw.iter().enumerate() {
        let name = name(c, &path, entry, &classes)?;
        let last = index + 1 == raw.len();
        let part = match &entry.value.part {
            Some(part) if part.value > 0.0 && part.value < 1.0 => part.value,
            Some(part) => {
                let label = "must be above 0 and below 1";
                c.error(&part.span, "`part` is out of range", label, "");
                return None;
            }
            None if last => left,
            None => {
                let help = "only the last class may leave it out, and has the rest";
                c.missing(&entry.span, &path, "part", help);
                return None;
            }
        };
        left -= part;
        let over = left < -EXACT || (last && left > EXACT) || part <= EXACT;
        if over {
            return wrong_sum(c, &field.span);
        }
        c.file_value(&format!("{path}.{name}"), part.to_string(), &entry.span);
        classes.push(Class { name, part });
    }
    Some(classes)
}

fn wrong_sum(c: &mut Checker, span: &Span) -> Option<Vec<Class>> {
    let help = "leave out the last `part`: it has the rest";
    c.error(
        span,
        "the parts of `classes` do not add up to 1",
        "each job is of one class",
        help,
    );
    None
}

fn name(c: &mut Checker, path: &str, entry: &Field<RawClass>, before: &[Class]) -> Option<String> {
    let Some(name) = &entry.value.name else {
        c.missing(&entry.span, path, "name", "such as name = \"urgent\"");
        return None;
    };
    let fits = |ch: char| ch.is_ascii_alphanumeric() || ch == '-';
    if name.value.is_empty() || name.value.len() > 32 || !name.value.chars().all(fits) {
        let title = format!("\"{}\" cannot be the name of a class", name.value);
        let label = "letters, digits and `-`, at most 32 of them";
        c.error(&name.span, title, label, "");
        return None;
    }
    if before.iter().any(|class| class.name == name.value) {
        let title = format!("two classes `{}`", name.value);
        c.error(&name.span, title, "this name is taken", "");
        return None;
    }
    Some(name.value.clone())
}
