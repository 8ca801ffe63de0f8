//! The valid name that a user most likely meant.

/// The candidate nearest to `text`, or `None` when nothing is near.
///
/// Letters' case, and everything that is neither letter nor digit, are ignored. A candidate equal
/// under that rule wins; then the first that begins with the text (three characters or more); then
/// the smallest edit distance with transpositions, if it is at most a third of the longer name.
/// Ties go to the earlier candidate.
pub(super) fn nearest<'a, T: Copy>(
    text: &str,
    candidates: impl Iterator<Item = (&'a str, T)>,
) -> Option<T> {
    let wanted = fold(text);
    if wanted.is_empty() {
        return None;
    }
    // (class, distance): smaller is nearer.
    let mut best: Option<((u8, usize), T)> = None;
    for (name, value) in candidates {
        let name = fold(name);
        let rank = if name == wanted {
            (0, 0)
        } else if wanted.len() >= 3 && name.starts_with(&wanted) {
            (1, 0)
        } else {
            let distance = strsim::damerau_levenshtein(&wanted, &name);
            if distance * 3 > wanted.len().max(name.len()) {
                continue;
            }
            (2, distance)
        };
        if best.is_none_or(|(held, _)| rank < held) {
            best = Some((rank, value));
        }
    }
    best.map(|(_, value)| value)
}

/// Lower-case letters and digits only.
fn fold(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
