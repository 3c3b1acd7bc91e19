//! The events' schemas in the formats that other programs read; each export is a pure function of the manifest.

pub mod asyncapi;
pub mod json_schema;
pub mod typescript;

use serde_json::Value;

/// How deep schemas are walked; deeper ones are cut off rather than overflowing the stack.
const DEPTH_MAX: usize = 64;

/// A schema as a part of a larger document: its references, which start at its own root, start at `place` instead.
fn embedded(schema: &Value, place: &str) -> Value {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
    }
    move_references(&mut schema, place, 0);
    schema
}

fn move_references(value: &mut Value, place: &str, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                match value {
                    Value::String(reference) if key == "$ref" => {
                        if let Some(rest) = reference.strip_prefix('#') {
                            *reference = format!("{place}{rest}");
                        }
                    }
                    value => move_references(value, place, depth + 1),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| move_references(item, place, depth + 1)),
        _ => {}
    }
}

/// A key as a part of a JSON pointer.
fn pointer_part(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
