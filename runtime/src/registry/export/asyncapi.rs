//! An [AsyncAPI](https://www.asyncapi.com) 3 document: a channel for each event, an operation for each function that
//! sends or receives it.

use serde_json::{Map, Value, json};

use super::{embedded, pointer_part};
use crate::registry::manifest::{EventEntry, Manifest};

/// The document.
pub fn asyncapi(manifest: &Manifest) -> Value {
    let (mut channels, mut operations, mut messages, mut schemas) = (Map::new(), Map::new(), Map::new(), Map::new());
    for event in &manifest.events {
        let key = unused_key(&event.name, &channels);
        channels.insert(key.clone(), channel(event, &key));
        messages.insert(key.clone(), message(event, &key));
        let place = format!("#/components/schemas/{}", pointer_part(&key));
        schemas.insert(key.clone(), embedded(&event.schema, &place));
        let receivers = event.handled_by.iter().chain(&event.awaited_by).chain(&event.cancels);
        for (who, action) in event.sent_by.iter().map(|who| (who, "send")).chain(receivers.map(|who| (who, "receive")))
        {
            operations.insert(plain_key(&format!("{who}.{action}.{}", event.name)), operation(who, action, &key));
        }
    }
    json!({
        "asyncapi": "3.0.0",
        "info": { "title": "Events", "version": env!("CARGO_PKG_VERSION") },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas },
    })
}

fn channel(event: &EventEntry, key: &str) -> Value {
    json!({
        "address": event.name,
        "messages": { key: { "$ref": format!("#/components/messages/{key}") } },
    })
}

/// The message is the event as `POST /e/{key}` takes it.
fn message(event: &EventEntry, key: &str) -> Value {
    let mut message = json!({
        "name": event.name,
        "payload": {
            "type": "object",
            "required": ["name", "data"],
            "properties": {
                "id": { "type": "string", "description": "Makes the event idempotent for 24 hours." },
                "name": { "const": event.name },
                "data": { "$ref": format!("#/components/schemas/{key}") },
                "ts": { "type": "integer", "description": "Milliseconds since 1970." },
                "v": { "type": "string" },
            },
        },
    });
    if let Some(summary) = event.doc.lines().next().filter(|line| !line.is_empty()) {
        message["summary"] = json!(summary);
    }
    message
}

fn operation(who: &str, action: &str, key: &str) -> Value {
    json!({
        "action": action,
        "title": who,
        "channel": { "$ref": format!("#/channels/{key}") },
        "messages": [{ "$ref": format!("#/channels/{key}/messages/{key}") }],
    })
}

/// A key that the format allows: letters, digits, `.`, `-` and `_`.
fn plain_key(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '_' })
        .collect()
}

/// Two names such as `a/b` and `a_b` must not share a key.
fn unused_key(name: &str, taken: &Map<String, Value>) -> String {
    let mut key = plain_key(name);
    while taken.contains_key(&key) {
        key.push('_');
    }
    key
}

#[cfg(test)]
mod tests {
    use super::asyncapi;
    use crate::registry::manifest::Manifest;
    use crate::registry::{golden, samples};

    #[test]
    fn every_event_is_a_channel() {
        let document = asyncapi(&Manifest::of(&samples::registry()));
        golden::check("asyncapi.json", &(serde_json::to_string_pretty(&document).expect("is JSON") + "\n"));
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
