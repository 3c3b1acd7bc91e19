//! Conversations of the shared inbox Front (dev.frontapp.com, core API).

use system_bus_runtime::function::Context;
use system_bus_runtime::prelude::*;

use super::api::{Api, secrets};

const BASE: &str = "https://api2.frontapp.com";

/// The company's token.
const TOKEN: SecretSource = SecretSource { variables: &["FRONT_API_TOKEN"], lease: Some("front_api_token") };

/// Asks Front. Call it inside a step.
#[derive(Clone)]
pub struct Front {
    api: Api,
}

/// A conversation, as far as it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The subject, empty when there is none.
    #[serde(default)]
    pub subject: Option<String>,
    /// Such as `assigned`, `unassigned`, `archived` or `deleted`.
    #[serde(default)]
    pub status: Option<String>,
    /// The teammate whose it is.
    #[serde(default)]
    pub assignee: Option<Teammate>,
    /// The tags on it.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Somebody who works with the inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Teammate {
    /// The address.
    #[serde(default)]
    pub email: Option<String>,
    /// The first name.
    #[serde(default)]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(default)]
    pub last_name: Option<String>,
}

/// A tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The tag's name.
    pub name: String,
}

impl Teammate {
    /// The name, or else the address; `None` when Front knows neither.
    pub fn shown(&self) -> Option<String> {
        let names = [&self.first_name, &self.last_name].into_iter().flatten().map(|name| name.trim());
        let name = names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ");
        Some(name).filter(|name| !name.is_empty()).or_else(|| self.email.clone().filter(|email| !email.is_empty()))
    }
}

impl Front {
    /// Front at another address, with the token among these secrets.
    pub fn new(base: impl Into<String>, secrets: Secrets) -> Self {
        Self { api: Api::new("front", base, TOKEN, secrets) }
    }

    /// The conversation with this id (`GET /conversations/{id}`).
    pub async fn conversation(&self, id: &str) -> Result<Conversation> {
        self.api.get(&["conversations", id], &[]).await
    }
}

impl FromContext for Front {
    fn from_context(context: &Context) -> Result<Self> {
        context.service().or_else(|_| secrets(context).map(|secrets| Self::new(BASE, secrets)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clients::vendor::{Answer, Vendor, secrets};

    fn front(vendor: &Vendor) -> Front {
        Front::new(vendor.base(), secrets([("FRONT_API_TOKEN", "f-1")]))
    }

    #[tokio::test]
    async fn a_conversation_is_asked_for_by_its_id() {
        // The documented answer, shortened.
        let vendor = Vendor::start(|_| {
            Answer::json(&json!({
                "_links": { "self": "https://yourCompany.api.frontapp.com/conversations/cnv_yo1kg5q" },
                "id": "cnv_yo1kg5q",
                "subject": "How to prank Dwight Schrute",
                "status": "assigned",
                "status_category": "open",
                "assignee": {
                    "id": "tea_6r55a",
                    "email": "michael.scott@dundermifflin.com",
                    "username": "PrisonMike",
                    "first_name": "Michael",
                    "last_name": "Scott",
                    "is_available": true,
                },
                "recipient": { "handle": "dwight@schrute.example", "role": "to" },
                "tags": [{ "id": "tag_13o8r1", "name": "Sheep Shaving", "is_private": false }],
                "is_private": true,
                "created_at": 1_701_292_649.333,
            }))
        })
        .await;
        let conversation = front(&vendor).conversation("cnv_yo1kg5q").await.expect("is answered");
        assert_eq!(conversation.subject.as_deref(), Some("How to prank Dwight Schrute"));
        assert_eq!(conversation.status.as_deref(), Some("assigned"));
        assert_eq!(conversation.assignee.and_then(|teammate| teammate.shown()).as_deref(), Some("Michael Scott"));
        assert_eq!(conversation.tags, [Tag { name: "Sheep Shaving".to_owned() }]);
        let [request] = &vendor.requests()[..] else { panic!("one request") };
        assert_eq!(request.line(), "GET /conversations/cnv_yo1kg5q");
        assert_eq!(request.header("authorization"), "Bearer f-1");
    }

    #[tokio::test]
    async fn a_conversation_of_nobody_has_no_assignee() {
        let vendor = Vendor::start(|_| {
            Answer::json(&json!({ "id": "cnv_1", "subject": null, "status": "unassigned", "assignee": null }))
        })
        .await;
        let conversation = front(&vendor).conversation("cnv_1").await.expect("is answered");
        assert_eq!(conversation, Conversation { status: Some("unassigned".to_owned()), ..Conversation::default() });
    }

    #[test]
    fn a_teammate_without_a_name_is_shown_by_address() {
        let teammate = |email: &str, first: Option<&str>, last: Option<&str>| Teammate {
            email: Some(email.to_owned()),
            first_name: first.map(str::to_owned),
            last_name: last.map(str::to_owned),
        };
        assert_eq!(teammate("a@b.example", Some("Ada"), None).shown().as_deref(), Some("Ada"));
        assert_eq!(teammate("a@b.example", Some(" "), Some("")).shown().as_deref(), Some("a@b.example"));
        assert_eq!(teammate("", None, None).shown(), None);
    }
}
