//! One JSON Schema document with a definition for each event's data, under the event's name.

use serde_json::{Map, Value, json};

use super::{embedded, pointer_part};
use crate::registry::manifest::Manifest;

/// The document.
pub fn json_schema(manifest: &Manifest) -> Value {
    let definitions = manifest.events.iter().map(|event| {
        let place = format!("#/$defs/{}", pointer_part(&event.name));
        let mut schema = embedded(&event.schema, &place);
        if let Some(object) = schema.as_object_mut() {
            object.insert("title".to_owned(), json!(event.name));
            if !event.doc.is_empty() {
                object.insert("description".to_owned(), json!(event.doc));
            }
        }
        (event.name.clone(), schema)
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Events",
        "description": "The data of each event, under the event's name.",
        "$defs": definitions.collect::<Map<_, _>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::json_schema;
    use crate::registry::manifest::Manifest;
    use crate::registry::{golden, samples};

    fn document() -> serde_json::Value {
        json_schema(&Manifest::of(&samples::registry()))
    }

    #[test]
    fn every_event_has_a_definition() {
        let text = serde_json::to_string_pretty(&document()).expect("is JSON") + "\n";
        golden::check("events.schema.json", &text);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let references: Vec<_> = text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(!references.is_empty(), "the samples hold a recursive type");
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
