//! Gateway groups that a worker asks the server not to send it to (`SDK_SPEC.md` §8.5.1). Pure.

use std::time::Instant;

use super::limits;

/// Gateway groups to avoid, oldest first.
#[derive(Debug, Default)]
pub(super) struct Exclusions(Vec<(String, Instant)>);

impl Exclusions {
    /// A gateway of this group drained or failed.
    pub(super) fn add(&mut self, group: &str, now: Instant) {
        if group.is_empty() {
            return;
        }
        self.remove(group);
        if self.0.len() >= limits::EXCLUSIONS_MAX {
            self.0.remove(0);
        }
        self.0.push((group.to_owned(), now + limits::EXCLUSION_TIME));
    }

    /// A gateway of this group works.
    pub(super) fn remove(&mut self, group: &str) {
        self.0.retain(|(known, _)| known != group);
    }

    /// The groups to avoid now.
    pub(super) fn list(&mut self, now: Instant) -> Vec<String> {
        self.0.retain(|(_, until)| *until > now);
        self.0.iter().map(|(group, _)| group.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_avoided_for_a_while_or_until_it_works() {
        let now = Instant::now();
        let mut exclusions = Exclusions::default();
        exclusions.add("a", now);
        exclusions.add("b", now);
        exclusions.add("", now);
        assert_eq!(exclusions.list(now), ["a", "b"]);
        exclusions.remove("a");
        assert_eq!(exclusions.list(now), ["b"]);
        assert!(exclusions.list(now + limits::EXCLUSION_TIME).is_empty());
    }

    #[test]
    fn there_is_a_bound() {
        let now = Instant::now();
        let mut exclusions = Exclusions::default();
        for group in 0..100 {
            exclusions.add(&group.to_string(), now);
        }
        let list = exclusions.list(now);
        assert_eq!((list.len(), list.last().map(String::as_str)), (limits::EXCLUSIONS_MAX, Some("99")));
    }
}
