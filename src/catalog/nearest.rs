//! The valid names that a user most likely meant.

/// How near a name is; smaller is nearer.
type Rank = (u8, usize);

/// The candidate nearest to `text`, or `None` when nothing is near; ties go to the earlier candidate.
pub(super) fn nearest<'a, T>(
    text: &str,
    candidates: impl Iterator<Item = (&'a str, T)>,
) -> Option<T> {
    nearest_all(text, candidates).into_iter().next()
}

/// All candidates that are equally near to `text`, nearer than the others.
///
/// Letters' case, and everything that is neither letter nor digit, are ignored. Candidates equal under
/// that rule win; then those that begin with the text, then those that contain it (three characters
/// or more); then those of the smallest edit distance with transpositions, if it is at most a third
/// of the longer name.
pub(super) fn nearest_all<'a, T>(
    text: &str,
    candidates: impl Iterator<Item = (&'a str, T)>,
) -> Vec<T> {
    let wanted = fold(text);
    let mut best: Option<Rank> = None;
    let mut found = Vec::new();
    if wanted.is_empty() {
        return found;
    }
    for (name, value) in candidates {
        let Some(rank) = rank(&wanted, &fold(name)) else {
            continue;
        };
        if best.is_none_or(|held| rank < held) {
            best = Some(rank);
            found.clear();
        }
        if best == Some(rank) {
            found.push(value);
        }
    }
    found
}

fn rank(wanted: &str, name: &str) -> Option<Rank> {
    if name == wanted {
        return Some((0, 0));
    }
    if wanted.len() >= 3 && name.starts_with(wanted) {
        return Some((1, 0));
    }
    if wanted.len() >= 3 && name.contains(wanted) {
        return Some((2, 0));
    }
    let distance = strsim::damerau_levenshtein(wanted, name);
    (distance * 3 <= wanted.len().max(name.len())).then_some((3, distance))
}

/// Lower-case letters and digits only.
fn fold(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
