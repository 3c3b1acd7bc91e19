//! Who has subscribed to which webhook events.
//!
//! | key | holds |
//! | --- | --- |
//! | `joelclaw:webhook:subscriptions` | hash from the subscription's id to its record |
//! | `joelclaw:webhook:index:{provider}:{event}` | set of the ids of those who subscribed to the event |
//!
//! The command line of another program writes both. A record has `id`, `provider`, `event`, `createdAt`, `active`, and
//! where it applies `filters` (`repo`, `workflow`, `branch`, `conclusion`), `sessionId` and `expiresAt`.

use jiff::Timestamp;
use serde_json::{Map, Value};
use system_bus_runtime::prelude::*;

use super::delivery::events_key;

const SUBSCRIPTIONS: &str = "joelclaw:webhook:subscriptions";

/// Subscriptions that one event is delivered to: each takes two steps of the thousand that a run may have.
const MATCHES_MAX: usize = 200;

/// A subscription, as far as a delivery needs it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    provider: String,
    event: String,
    #[serde(default)]
    filters: Option<Filters>,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    active: Option<bool>,
}

/// What an event's data must say; a blank filter asks for nothing.
#[derive(Debug, Default, Deserialize)]
struct Filters {
    #[serde(default)]
    repo: Option<String>,
    #[serde(default)]
    workflow: Option<String>,
    #[serde(default)]
    branch: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
}

/// A subscription that an event is to be delivered to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Match {
    /// The subscription's id.
    pub(super) id: String,
    /// The session that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) session_id: Option<String>,
}

/// The subscriptions that an event is to be delivered to.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Matches {
    /// By id.
    pub(super) matches: Vec<Match>,
    /// Subscriptions that had expired or could not be read, and were removed.
    pub(super) removed: usize,
    /// Those beyond what one run can do.
    pub(super) left_out: usize,
}

/// What becomes of a subscription that is met.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Matches,
    Stays,
    /// It has expired.
    Goes,
}

/// Finds the subscriptions that an event with this data is for, and removes those that are over at `now`, in
/// milliseconds since 1970.
pub(super) async fn find(
    provider: &str,
    event: &str,
    data: &Map<String, Value>,
    now: i64,
    state: &State,
) -> Result<Matches> {
    let index = format!("joelclaw:webhook:index:{provider}:{event}");
    let mut found = Matches::default();
    for id in state.set_members(&index).await? {
        let subscription = match state.hash_get::<Subscription>(SUBSCRIPTIONS, &id).await {
            Ok(Some(subscription)) => subscription,
            // What cannot be read is delivered to nobody, and must not be in the way of the others.
            Err(error) if error.is_retryable() => return Err(error),
            Ok(None) | Err(_) => {
                remove(&index, &id, state).await?;
                found.removed += 1;
                continue;
            }
        };
        if subscription.provider != provider || subscription.event != event {
            // Only the index is wrong.
            state.set_remove(&index, &id).await?;
            continue;
        }
        match subscription.verdict(data, now) {
            Verdict::Stays => {}
            Verdict::Goes => {
                remove(&index, &id, state).await?;
                found.removed += 1;
            }
            Verdict::Matches if found.matches.len() == MATCHES_MAX => found.left_out += 1,
            Verdict::Matches => {
                let session_id = subscription.session_id.map(|session| session.trim().to_owned());
                let session_id = session_id.filter(|session| !session.is_empty());
                found.matches.push(Match { id, session_id });
            }
        }
    }
    Ok(found)
}

async fn remove(index: &str, id: &str, state: &State) -> Result<()> {
    state.hash_remove(SUBSCRIPTIONS, id).await?;
    state.remove(events_key(id)).await?;
    // The index comes last: while it has the id, an attempt that failed in between is made good by the next one.
    state.set_remove(index, id).await?;
    Ok(())
}

impl Subscription {
    fn verdict(&self, data: &Map<String, Value>, now: i64) -> Verdict {
        // A time that cannot be read would otherwise never pass.
        let expires = self.expires_at.as_deref().map(str::trim).filter(|time| !time.is_empty());
        let is_ahead = |time: &str| time.parse::<Timestamp>().is_ok_and(|time| time.as_millisecond() > now);
        if expires.is_some_and(|time| !is_ahead(time)) {
            return Verdict::Goes;
        }
        let is_met = self.filters.as_ref().is_none_or(|filters| filters.are_met(data));
        if is_met && self.active != Some(false) { Verdict::Matches } else { Verdict::Stays }
    }
}

impl Filters {
    fn are_met(&self, data: &Map<String, Value>) -> bool {
        is_met(&self.repo, data, &["repo", "repository"])
            && is_met(&self.workflow, data, &["workflow", "workflowName"])
            && is_met(&self.branch, data, &["branch"])
            && is_met(&self.conclusion, data, &["conclusion", "status"])
    }
}

/// Whether the first of the fields that is there says what the filter asks for, whatever the case of its letters.
fn is_met(filter: &Option<String>, data: &Map<String, Value>, fields: &[&str]) -> bool {
    let Some(wanted) = filter.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return true };
    let said = fields.iter().filter_map(|field| data.get(*field)?.as_str()).find(|text| !text.is_empty());
    said.is_some_and(|text| text.trim().to_lowercase() == wanted.to_lowercase())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use system_bus_runtime::testing::MemoryState;

    use super::*;

    const INDEX: &str = "joelclaw:webhook:index:github:workflow_run.completed";
    const NOW: &str = "2026-01-31T09:30:00Z";

    fn data() -> Map<String, Value> {
        let data =
            json!({ "repository": "Acme/Widgets", "workflowName": "CI", "branch": "main", "conclusion": "failure" });
        data.as_object().expect("an object").clone()
    }

    fn now() -> i64 {
        NOW.parse::<Timestamp>().expect("a time").as_millisecond()
    }

    fn record(more: Value) -> Value {
        let mut record =
            json!({ "id": "s", "provider": "github", "event": "workflow_run.completed", "createdAt": NOW });
        record.as_object_mut().expect("an object").append(&mut more.as_object().expect("an object").clone());
        record
    }

    #[track_caller]
    fn check(more: Value, expected: Verdict) {
        let subscription: Subscription = serde_json::from_value(record(more.clone())).expect("is one");
        assert_eq!(subscription.verdict(&data(), now()), expected, "{more}");
    }

    #[test]
    fn filters_compare_trimmed_and_whatever_the_case() {
        check(json!({}), Verdict::Matches);
        check(json!({ "filters": { "repo": " acme/WIDGETS ", "workflow": "ci", "branch": "MAIN" } }), Verdict::Matches);
        check(json!({ "filters": { "repo": "  ", "conclusion": null } }), Verdict::Matches);
        check(json!({ "filters": { "repo": "acme/other" } }), Verdict::Stays);
        check(json!({ "filters": { "workflow": "deploy" } }), Verdict::Stays);
        check(json!({ "filters": { "branch": "next" } }), Verdict::Stays);
        check(json!({ "filters": { "conclusion": "success" } }), Verdict::Stays);
    }

    #[test]
    fn what_the_data_does_not_say_meets_no_filter() {
        let filters = Filters { branch: Some("main".to_owned()), ..Filters::default() };
        assert!(!filters.are_met(&Map::new()));
    }

    #[test]
    fn a_status_stands_in_for_a_missing_conclusion() {
        let filters = Filters { conclusion: Some("in_progress".to_owned()), ..Filters::default() };
        let data = json!({ "conclusion": "", "status": "in_progress" });
        assert!(filters.are_met(data.as_object().expect("an object")));
    }

    #[test]
    fn one_that_is_switched_off_stays_and_gets_nothing() {
        check(json!({ "active": false }), Verdict::Stays);
    }

    #[test]
    fn one_that_is_over_goes_and_so_does_one_of_which_nobody_knows_when() {
        check(json!({ "expiresAt": "2026-01-31T09:30:00.001Z" }), Verdict::Matches);
        check(json!({ "expiresAt": "2026-01-31T10:29:59+02:00" }), Verdict::Goes);
        check(json!({ "expiresAt": NOW }), Verdict::Goes);
        check(json!({ "expiresAt": "next week" }), Verdict::Goes);
        check(json!({ "expiresAt": " " }), Verdict::Matches);
        // What it is for does not matter then.
        check(json!({ "expiresAt": NOW, "active": false, "filters": { "repo": "acme/other" } }), Verdict::Goes);
    }

    #[tokio::test]
    async fn those_that_are_over_or_unreadable_are_removed_with_all_they_have() {
        let store = MemoryState::default();
        let state = State::new(Arc::new(store.clone()));
        let records = [
            ("a", record(json!({ "sessionId": " pi-7 " }))),
            ("b", record(json!({ "expiresAt": NOW }))),
            ("c", json!({ "provider": 1 })),
            ("d", record(json!({ "provider": "mux" }))),
            ("e", record(json!({ "active": false }))),
            ("f", record(json!({ "sessionId": " " }))),
        ];
        for (id, record) in &records {
            state.hash_set(SUBSCRIPTIONS, *id, record).await.expect("is stored");
            state.list_prepend(events_key(id), &"an event", None).await.expect("is stored");
        }
        for id in ["a", "b", "c", "d", "e", "f", "gone"] {
            state.set_add(INDEX, id).await.expect("is stored");
        }
        let found = find("github", "workflow_run.completed", &data(), now(), &state).await.expect("succeeds");
        let matches = [("a", Some("pi-7")), ("f", None)];
        let matches = matches.map(|(id, session)| Match { id: id.to_owned(), session_id: session.map(str::to_owned) });
        assert_eq!(found, Matches { matches: matches.to_vec(), removed: 3, left_out: 0 });
        assert_eq!(state.set_members(INDEX).await.expect("is read"), ["a", "e", "f"]);
        let left = state.hash_entries::<Value>(SUBSCRIPTIONS).await.expect("is read");
        assert_eq!(left.keys().collect::<Vec<_>>(), ["a", "d", "e", "f"]);
        assert!(store.value(&events_key("b")).is_none() && store.value(&events_key("a")).is_some());
    }

    #[tokio::test]
    async fn a_run_delivers_to_a_bounded_number() {
        let state = State::new(Arc::new(MemoryState::default()));
        for index in 0..MATCHES_MAX + 3 {
            let id = format!("s-{index}");
            state.hash_set(SUBSCRIPTIONS, &id, &record(json!({}))).await.expect("is stored");
            state.set_add(INDEX, &id).await.expect("is stored");
        }
        let found = find("github", "workflow_run.completed", &data(), now(), &state).await.expect("succeeds");
        assert_eq!((found.matches.len(), found.left_out), (MATCHES_MAX, 3));
    }
}
