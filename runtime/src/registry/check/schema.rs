//! Whether a path exists in a JSON Schema.

use serde_json::{Map, Value};

use crate::expression::Segment;

/// How often references and combinations are followed on the way to one field; schemas may be recursive.
const DEPTH_MAX: usize = 32;

/// What a schema says about a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It exists.
    Yes {
        /// Whether every value that fits the schema has it.
        always: bool,
    },
    /// It cannot exist.
    No {
        /// The segments that do exist.
        known: usize,
        /// The fields there are at that place.
        fields: Vec<String>,
    },
}

impl Found {
    const ANYTHING: Self = Self::Yes { always: false };
}

/// Looks for a path below a schema. What the schema leaves open exists.
pub(super) fn find(schema: &Value, path: &[Segment]) -> Found {
    Walk { root: schema }.find(schema, path, 0, 0)
}

struct Walk<'s> {
    root: &'s Value,
}

impl Walk<'_> {
    fn find(&self, schema: &Value, path: &[Segment], known: usize, depth: usize) -> Found {
        let Some((segment, rest)) = path.split_first() else { return Found::Yes { always: true } };
        let Some(object) = schema.as_object() else { return Found::ANYTHING };
        if depth > DEPTH_MAX {
            return Found::ANYTHING;
        }
        let mut answers = Vec::new();
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            answers.push(match reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) {
                Some(target) => self.find(target, path, known, depth + 1),
                None => Found::ANYTHING,
            });
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            let Some(branches) = object.get(key).and_then(Value::as_array) else { continue };
            let branches: Vec<_> = branches
                .iter()
                .filter(|branch| !is_null(branch))
                .map(|branch| self.find(branch, path, known, depth + 1))
                .collect();
            answers.push(if key == "allOf" { any_of(branches) } else { one_of(branches) });
        }
        let describes_itself = ["type", "properties", "items", "prefixItems", "additionalProperties", "enum", "const"];
        if answers.is_empty() || describes_itself.iter().any(|key| object.contains_key(*key)) {
            answers.push(self.find_here(object, segment, rest, known, depth));
        }
        any_of(answers)
    }

    fn find_here(
        &self,
        object: &Map<String, Value>,
        segment: &Segment,
        rest: &[Segment],
        known: usize,
        depth: usize,
    ) -> Found {
        let nowhere = |fields| Found::No { known, fields };
        let below = |schema: &Value| self.find(schema, rest, known + 1, depth + 1);
        let may_be = |kind: &str| match object.get("type") {
            Some(Value::String(name)) => name == kind,
            Some(Value::Array(names)) => names.iter().any(|name| name == kind),
            _ => !object.contains_key("enum") && !object.contains_key("const"),
        };
        match segment {
            Segment::Field(name) if may_be("object") => {
                let properties = object.get("properties").and_then(Value::as_object);
                if let Some(property) = properties.and_then(|properties| properties.get(name)) {
                    let required = object.get("required").and_then(Value::as_array);
                    let is_required = required.is_some_and(|names| names.iter().any(|other| other == name));
                    return match below(property) {
                        Found::Yes { always } => Found::Yes { always: always && is_required },
                        no => no,
                    };
                }
                match (object.get("additionalProperties"), properties) {
                    (Some(Value::Bool(false)), properties) => nowhere(names(properties)),
                    (Some(schema), _) => not_always(below(schema)),
                    (None, _) if object.contains_key("patternProperties") => Found::ANYTHING,
                    // A struct's schema does not say that there are no other fields; for us there are none.
                    (None, Some(properties)) => nowhere(names(Some(properties))),
                    (None, None) => Found::ANYTHING,
                }
            }
            Segment::Element if may_be("array") => match (object.get("items"), object.get("prefixItems")) {
                (Some(items), None) => not_always(below(items)),
                _ => Found::ANYTHING,
            },
            // A computed key of a map.
            Segment::Element if may_be("object") => Found::ANYTHING,
            _ => nowhere(Vec::new()),
        }
    }
}

/// `Option<T>` is a choice between null and `T`.
fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
}

fn names(properties: Option<&Map<String, Value>>) -> Vec<String> {
    properties.into_iter().flat_map(|properties| properties.keys().cloned()).collect()
}

fn not_always(found: Found) -> Found {
    match found {
        Found::Yes { .. } => Found::ANYTHING,
        no => no,
    }
}

/// Parts that hold together: a field of one is a field of all.
fn any_of(answers: Vec<Found>) -> Found {
    let always = answers.contains(&Found::Yes { always: true });
    combined(answers, always)
}

/// Alternatives: a field is always there when each has it.
pub(super) fn one_of(answers: Vec<Found>) -> Found {
    let always = answers.iter().all(|answer| *answer == Found::Yes { always: true });
    combined(answers, always)
}

fn combined(answers: Vec<Found>, always: bool) -> Found {
    let mut deepest = Found::No { known: 0, fields: Vec::new() };
    for answer in answers {
        match (answer, &mut deepest) {
            (Found::Yes { .. }, _) => return Found::Yes { always },
            (Found::No { known, fields }, Found::No { known: most, fields: all }) => {
                if known > *most {
                    (*most, *all) = (known, fields);
                } else if known == *most {
                    all.extend(fields);
                }
            }
            (Found::No { .. }, Found::Yes { .. }) => {}
        }
    }
    deepest
}
