//! A TypeScript record of all events, for programs that send or read them: `Events["github/push.received"]["data"]`.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::DEPTH_MAX;
use crate::registry::manifest::{EventEntry, Manifest};

/// The source text.
pub fn typescript(manifest: &Manifest) -> String {
    let mut text = String::from(
        "// Made by `system-bus schema --format typescript`; changes here are lost.\n\n\
         /** The data of each event, under the event's name. */\nexport type Events = {\n",
    );
    let mut helpers = String::new();
    for event in &manifest.events {
        let types = Types { event };
        if !event.doc.is_empty() {
            comment(&mut text, &event.doc, 1);
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}: {{ data: {} }};", quoted(&event.name), types.of(&event.schema, 1, 0));
        for (name, schema) in definitions(&event.schema) {
            let _ = writeln!(helpers, "\nexport type {} = {};", types.helper(name), types.of(schema, 0, 0));
        }
    }
    text + "};\n\n/** The names of all events. */\nexport type EventName = keyof Events;\n" + &helpers
}

fn definitions(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("$defs").and_then(Value::as_object).into_iter().flatten()
}

struct Types<'e> {
    event: &'e EventEntry,
}

impl Types<'_> {
    /// The name of a type that stands beside the record because it refers to itself.
    fn helper(&self, definition: &str) -> String {
        pascal(&self.event.name) + &pascal(definition)
    }

    fn of(&self, schema: &Value, indent: usize, depth: usize) -> String {
        let Some(object) = schema.as_object() else {
            return if schema == &Value::Bool(false) { "never" } else { "unknown" }.to_owned();
        };
        if depth > DEPTH_MAX {
            return "unknown".to_owned();
        }
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            return match reference.strip_prefix("#/$defs/") {
                Some(name) => self.helper(&name.replace("~1", "/").replace("~0", "~")),
                None => format!("Events[{}][\"data\"]", quoted(&self.event.name)),
            };
        }
        if let Some(value) = object.get("const") {
            return value.to_string();
        }
        if let Some(values) = object.get("enum").and_then(Value::as_array) {
            return union(values.iter().map(Value::to_string));
        }
        let own = self.of_type(object, indent, depth);
        let mut parts: Vec<String> = own.into_iter().collect();
        for (key, joined) in [("anyOf", " | "), ("oneOf", " | "), ("allOf", " & ")] {
            if let Some(branches) = object.get(key).and_then(Value::as_array) {
                let branches = branches.iter().map(|branch| self.of(branch, indent, depth + 1));
                parts.push(grouped(if joined == " | " {
                    union(branches)
                } else {
                    branches.collect::<Vec<_>>().join(joined)
                }));
            }
        }
        match parts.len() {
            0 => "unknown".to_owned(),
            1 => {
                let part = parts.remove(0);
                part.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).map_or(part.clone(), str::to_owned)
            }
            _ => parts.into_iter().map(grouped).collect::<Vec<_>>().join(" & "),
        }
    }

    fn of_type(&self, object: &Map<String, Value>, indent: usize, depth: usize) -> Option<String> {
        let named = |name: &str| match name {
            "string" => "string".to_owned(),
            "integer" | "number" => "number".to_owned(),
            "boolean" => "boolean".to_owned(),
            "null" => "null".to_owned(),
            "array" => self.of_array(object, indent, depth),
            "object" => self.of_object(object, indent, depth),
            _ => "unknown".to_owned(),
        };
        match object.get("type") {
            Some(Value::String(name)) => Some(named(name)),
            Some(Value::Array(names)) => Some(grouped(union(names.iter().filter_map(Value::as_str).map(named)))),
            _ if object.contains_key("properties") => Some(named("object")),
            _ => None,
        }
    }

    fn of_array(&self, object: &Map<String, Value>, indent: usize, depth: usize) -> String {
        if let Some(items) = object.get("prefixItems").and_then(Value::as_array) {
            let items: Vec<_> = items.iter().map(|item| self.of(item, indent, depth + 1)).collect();
            return format!("[{}]", items.join(", "));
        }
        match object.get("items") {
            Some(item) => format!("Array<{}>", self.of(item, indent, depth + 1)),
            None => "Array<unknown>".to_owned(),
        }
    }

    fn of_object(&self, object: &Map<String, Value>, indent: usize, depth: usize) -> String {
        let others = match object.get("additionalProperties") {
            None | Some(Value::Bool(false)) => None,
            Some(schema) => Some(self.of(schema, indent + 1, depth + 1)),
        };
        let Some(properties) = object.get("properties").and_then(Value::as_object).filter(|all| !all.is_empty()) else {
            return format!("Record<string, {}>", others.as_deref().unwrap_or("unknown"));
        };
        let required = object.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|other| other == name));
        let mut text = String::from("{\n");
        for (name, schema) in properties {
            if let Some(description) = schema.get("description").and_then(Value::as_str) {
                comment(&mut text, description, indent + 1);
            }
            let mark = if is_required(name) { "" } else { "?" };
            let kind = self.of(schema, indent + 1, depth + 1);
            let _ = writeln!(text, "{}{}{mark}: {kind};", "  ".repeat(indent + 1), field(name));
        }
        if others.is_some() {
            // TypeScript wants this type to cover the named fields too.
            let _ = writeln!(text, "{}[key: string]: unknown;", "  ".repeat(indent + 1));
        }
        text + &"  ".repeat(indent) + "}"
    }
}

fn union(types: impl Iterator<Item = String>) -> String {
    let mut seen: Vec<String> = Vec::new();
    for one in types {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    if seen.is_empty() { "never".to_owned() } else { seen.join(" | ") }
}

fn grouped(text: String) -> String {
    let is_plain = !text.contains(" | ") && !text.contains(" & ");
    if is_plain || (text.starts_with('(') && text.ends_with(')')) { text } else { format!("({text})") }
}

fn comment(text: &mut String, description: &str, indent: usize) {
    // A comment must not end early.
    let description = description.trim().replace("*/", "*\\/");
    let space = "  ".repeat(indent);
    let lines: Vec<_> = description.lines().map(str::trim).collect();
    let _ = match lines.as_slice() {
        [line] => writeln!(text, "{space}/** {line} */"),
        lines => writeln!(text, "{space}/**\n{space} * {}\n{space} */", lines.join(&format!("\n{space} * "))),
    };
}

fn quoted(name: &str) -> String {
    Value::from(name).to_string()
}

/// A field's name, quoted where it is no identifier.
fn field(name: &str) -> String {
    let mut letters = name.chars();
    let starts_well = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic() || "_$".contains(letter));
    if starts_well && letters.all(|letter| letter.is_ascii_alphanumeric() || "_$".contains(letter)) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

fn pascal(name: &str) -> String {
    name.split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter_map(|word| word.split_at_checked(1))
        .map(|(first, rest)| first.to_ascii_uppercase() + rest)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::typescript;
    use crate::registry::manifest::Manifest;
    use crate::registry::{golden, samples};

    #[test]
    fn every_event_is_a_type() {
        golden::check("events.ts", &typescript(&Manifest::of(&samples::registry())));
    }
}
