//! Which fields of the events an expression reads, for checks against their schemas.

use std::fmt;

use super::node::{Literal, Node, Root};

/// A path that an expression reads, such as `event.data.tags[].name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath {
    /// The event it belongs to.
    pub root: Root,
    /// The parts below the root.
    pub segments: Vec<Segment>,
}

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// A named field.
    Field(String),
    /// Any element of a list, or the value of a computed key.
    Element,
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.root.name())?;
        self.segments.iter().try_for_each(|segment| match segment {
            Segment::Field(name) => write!(formatter, ".{name}"),
            Segment::Element => formatter.write_str("[]"),
        })
    }
}

/// Every path read, each once, sorted; of `event.data.a.b` only the whole.
pub(super) fn fields(node: &Node) -> Vec<FieldPath> {
    let mut walk = Walk { found: Vec::new(), variables: Vec::new() };
    walk.node(node);
    walk.found.sort();
    walk.found.dedup();
    walk.found
}

/// A path from an event to this node, if it is one.
pub(super) fn path_of(node: &Node) -> Option<FieldPath> {
    Walk { found: Vec::new(), variables: Vec::new() }.path(node)
}

/// The paths whose negation is false when the field is absent, such as in `!event.data.done`: nearly always a mistake,
/// because the author expects true.
pub(super) fn negated(node: &Node) -> Vec<FieldPath> {
    let mut found = Vec::new();
    collect_negated(node, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect_negated(node: &Node, found: &mut Vec<FieldPath>) {
    if let Node::Not(operand) = node {
        let tested = match &**operand {
            Node::Has { operand, field } => path_of(operand).map(|path| below(path, Segment::Field(field.clone()))),
            operand => path_of(operand),
        };
        found.extend(tested);
    }
    for child in children(node) {
        collect_negated(child, found);
    }
}

/// Whether some part of the expression passes the test.
pub(super) fn any(node: &Node, test: &impl Fn(&Node) -> bool) -> bool {
    test(node) || children(node).into_iter().any(|child| any(child, test))
}

fn children(node: &Node) -> Vec<&Node> {
    match node {
        Node::Literal(_) | Node::Root(_) | Node::Variable(_) => Vec::new(),
        Node::Select { operand, .. } | Node::Has { operand, .. } => vec![operand],
        Node::Not(operand) | Node::Negate(operand) => vec![operand],
        Node::Index { operand, index } => vec![operand, index],
        Node::And(sides) | Node::Or(sides) | Node::Binary { sides, .. } => vec![&sides.0, &sides.1],
        Node::Conditional(parts) => vec![&parts.0, &parts.1, &parts.2],
        Node::Call { arguments, .. } => arguments.iter().collect(),
        Node::List(nodes) => nodes.iter().collect(),
        Node::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        Node::Comprehension(comprehension) => std::iter::once(&comprehension.range)
            .chain(&comprehension.condition)
            .chain(&comprehension.transform)
            .collect(),
    }
}

struct Walk<'n> {
    found: Vec<FieldPath>,
    /// Variables of comprehensions and the path of their elements, when that is a path of an event.
    variables: Vec<(&'n str, Option<FieldPath>)>,
}

impl<'n> Walk<'n> {
    fn node(&mut self, node: &'n Node) {
        match node {
            Node::Root(_) | Node::Select { .. } | Node::Index { .. } | Node::Variable(_) => {
                match self.path(node) {
                    // A variable's own path is that of the range, which is found already.
                    Some(path) if !matches!(node, Node::Variable(_)) => self.found.push(path),
                    Some(_) => {}
                    None => children(node).into_iter().for_each(|child| self.node(child)),
                }
                self.indexes(node);
            }
            Node::Has { operand, field } => match self.path(operand) {
                Some(path) => {
                    self.found.push(below(path, Segment::Field(field.clone())));
                    self.indexes(operand);
                }
                None => self.node(operand),
            },
            Node::Comprehension(comprehension) => {
                self.node(&comprehension.range);
                let elements = self.path(&comprehension.range).map(|path| below(path, Segment::Element));
                self.variables.push((&comprehension.variable, elements));
                for body in comprehension.condition.iter().chain(&comprehension.transform) {
                    self.node(body);
                }
                self.variables.pop();
            }
            _ => children(node).into_iter().for_each(|child| self.node(child)),
        }
    }

    /// A computed index reads fields of its own.
    fn indexes(&mut self, node: &'n Node) {
        match node {
            Node::Select { operand, .. } => self.indexes(operand),
            Node::Index { operand, index } => {
                self.indexes(operand);
                self.node(index);
            }
            _ => {}
        }
    }

    fn path(&self, node: &Node) -> Option<FieldPath> {
        match node {
            Node::Root(root) => Some(FieldPath { root: *root, segments: Vec::new() }),
            Node::Variable(name) => {
                self.variables.iter().rev().find(|(variable, _)| variable == name).and_then(|(_, path)| path.clone())
            }
            Node::Select { operand, field } => {
                self.path(operand).map(|path| below(path, Segment::Field(field.clone())))
            }
            Node::Index { operand, index } => {
                let segment = match &**index {
                    Node::Literal(Literal::String(name)) => Segment::Field(name.clone()),
                    _ => Segment::Element,
                };
                self.path(operand).map(|path| below(path, segment))
            }
            _ => None,
        }
    }
}

fn below(mut path: FieldPath, segment: Segment) -> FieldPath {
    path.segments.push(segment);
    path
}
