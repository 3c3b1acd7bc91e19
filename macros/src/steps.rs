//! The function's body as the registry sees it: its step sites.

use syn::{Block, Item, ItemUse, Stmt, Type, UseTree};

use crate::body;
use crate::errors::Errors;
use crate::item::{Function, ParameterRole};
use crate::scope::{Meaning, Scope};

/// What the registry learns from the body.
pub(crate) struct Body {
    /// The steps in source order.
    pub(crate) sites: Vec<StepSite>,
    /// The `use` declarations at the top of the body, which the types in `sites` may need.
    pub(crate) imports: Vec<ItemUse>,
}

/// One step found in the body.
pub(crate) struct StepSite {
    /// The name, or its pattern.
    pub(crate) name: String,
    /// The variant of `StepKind`.
    pub(crate) kind: &'static str,
    /// The line in the source file.
    pub(crate) line: u32,
    /// Whether it stands in a loop or a closure.
    pub(crate) repeated: bool,
    /// Types that may be the events it sends or awaits.
    pub(crate) events: Vec<Type>,
    /// The invoked function.
    pub(crate) invokes: Option<Type>,
    /// The condition of a wait.
    pub(crate) expression: Option<String>,
}

/// Finds the steps of a function and checks its body; `unjournaled` leaves out the rule about awaits and clocks.
pub(crate) fn find(function: &Function, unjournaled: bool, errors: &mut Errors) -> Body {
    let block = &function.item.block;
    let mut scope = Scope::default();
    for parameter in &function.parameters {
        let handle = parameter.role == ParameterRole::Step;
        scope.declare(parameter.ident.to_string(), Meaning { handle, ..Meaning::default() });
    }
    let (mut sites, nested) = body::walk(block, scope, unjournaled, errors);
    let imports = imports(block);
    let imported: Vec<String> = imports.iter().flat_map(|import| used_names(&import.tree)).collect();
    // A type that only the body knows has no name outside of it.
    let is_known = |ty: &Type| first_word(ty).is_none_or(|word| imported.contains(&word) || !nested.contains(&word));
    for site in &mut sites {
        site.events.retain(is_known);
        site.invokes = site.invokes.take().filter(is_known);
    }
    Body { sites, imports }
}

fn imports(block: &Block) -> Vec<ItemUse> {
    let items = block.stmts.iter().filter_map(|statement| match statement {
        Stmt::Item(Item::Use(import)) => Some(import.clone()),
        _ => None,
    });
    items.collect()
}

/// The names that an item of the body declares.
pub(crate) fn declared_names(item: &Item) -> Vec<String> {
    match item {
        Item::Use(item) => used_names(&item.tree),
        Item::Struct(item) => vec![item.ident.to_string()],
        Item::Enum(item) => vec![item.ident.to_string()],
        Item::Type(item) => vec![item.ident.to_string()],
        Item::Fn(item) => vec![item.sig.ident.to_string()],
        Item::Mod(item) => vec![item.ident.to_string()],
        _ => Vec::new(),
    }
}

fn used_names(tree: &UseTree) -> Vec<String> {
    match tree {
        UseTree::Path(path) => used_names(&path.tree),
        UseTree::Name(name) => vec![name.ident.to_string()],
        UseTree::Rename(rename) => vec![rename.rename.to_string()],
        UseTree::Group(group) => group.items.iter().flat_map(used_names).collect(),
        _ => Vec::new(),
    }
}

fn first_word(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) if path.qself.is_none() && path.path.leading_colon.is_none() => {
            path.path.segments.first().map(|segment| segment.ident.to_string())
        }
        _ => None,
    }
}
