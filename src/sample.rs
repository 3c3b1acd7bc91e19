//! An example of an event's data, made from its schema, for the first steps of somebody new.

use serde_json::{Map, Value, json};
use system_bus_runtime::event::EventRegistration;

/// How deep a schema is followed; what is deeper is left out.
const DEPTH_MAX: usize = 8;

/// Data that fits the event; `None` when the schema does not say enough.
pub(crate) fn sample(event: &EventRegistration) -> Option<String> {
    let schema = (event.schema)().to_value();
    let text = value(&schema, &schema, 0).to_string();
    let raw = serde_json::value::RawValue::from_string(text).ok()?;
    (event.check)(&raw).ok()?;
    Some(raw.get().to_owned())
}

fn value(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    if let Some(fixed) = schema.get("const").or_else(|| schema.get("default")).or_else(|| schema.pointer("/enum/0")) {
        return fixed.clone();
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|place| place.strip_prefix('#')) {
        return root.pointer(target).map_or(Value::Null, |schema| value(schema, root, depth + 1));
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(key).and_then(|branches| branches.get(0)) {
            return value(first, root, depth + 1);
        }
    }
    let kind = schema.get("type").map(|kind| kind.get(0).unwrap_or(kind));
    match kind.and_then(Value::as_str) {
        Some("object") => {
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            let field = |name: &Value| {
                let name = name.as_str()?;
                Some((name.to_owned(), value(schema.get("properties")?.get(name)?, root, depth + 1)))
            };
            Value::Object(required.filter_map(field).collect::<Map<_, _>>())
        }
        Some("string") => json!("example"),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::value;
    use serde_json::json;

    #[test]
    fn a_sample_has_the_required_fields() {
        let schema = json!({
            "type": "object",
            "required": ["name", "count", "mode", "inner"],
            "properties": {
                "name": { "type": "string" },
                "count": { "type": "integer", "minimum": 0 },
                "mode": { "enum": ["fast", "slow"] },
                "inner": { "$ref": "#/$defs/Inner" },
                "optional": { "type": "string" },
            },
            "$defs": { "Inner": { "type": "object", "required": ["ok"], "properties": { "ok": { "type": "boolean" } } } },
        });
        let expected = json!({ "name": "example", "count": 0, "mode": "fast", "inner": { "ok": false } });
        assert_eq!(value(&schema, &schema, 0), expected);
    }
}
