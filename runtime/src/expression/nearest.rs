//! Guesses what was meant by a name that is slightly wrong.

/// Names longer than this are not compared, which bounds the work.
const LENGTH_MAX: usize = 64;

/// The candidate nearest to `name`, when it is near enough to be worth mentioning.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LENGTH_MAX {
        return None;
    }
    let wanted = folded(name);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LENGTH_MAX)
        .map(|candidate| (distance(&wanted, &folded(candidate)), candidate))
        .filter(|(distance, _)| *distance <= (wanted.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Case and separators do not count: `pullRequest` is `pull_request`.
fn folded(name: &str) -> Vec<char> {
    name.chars().filter(|letter| !matches!(letter, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(left: &[char], right: &[char]) -> usize {
    let width = right.len() + 1;
    let mut table: Vec<usize> = vec![0; (left.len() + 1) * width];
    for i in 0..=left.len() {
        for j in 0..=right.len() {
            table[i * width + j] = if i == 0 || j == 0 {
                i + j
            } else {
                let differs = usize::from(left[i - 1] != right[j - 1]);
                let replaced = table[(i - 1) * width + j - 1] + differs;
                let shifted = table[(i - 1) * width + j].min(table[i * width + j - 1]) + 1;
                let is_swap = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
                let swapped = if is_swap { table[(i - 2) * width + j - 2] + 1 } else { usize::MAX };
                replaced.min(shifted).min(swapped)
            };
        }
    }
    table[left.len() * width + right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_found() {
        assert_eq!(nearest("repositry", ["branch", "repository"]), Some("repository"));
        assert_eq!(nearest("pullRequest", ["pull_request", "request"]), Some("pull_request"));
        assert_eq!(nearest("form", ["kind", "from"]), Some("from"));
        assert_eq!(nearest("banana", ["branch", "repository"]), None);
    }
}
