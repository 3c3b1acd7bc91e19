//! Finds annotated items in one parsed file.

use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::{Attribute, Item};

use crate::registry::check::SiteKind;

/// What one file holds.
#[derive(Default)]
pub(super) struct Found {
    pub(super) sites: Vec<FoundSite>,
    /// Files and directories of modules that are declared under a `#[cfg]`, and so may be absent on purpose.
    pub(super) conditional: Vec<PathBuf>,
}

pub(super) struct FoundSite {
    pub(super) kind: SiteKind,
    pub(super) item: String,
    pub(super) line: u32,
    pub(super) last_line: u32,
}

/// Whether a text can hold an annotated item, or a conditional module; parsing every file would take seconds.
pub(super) fn is_worth_parsing(text: &str) -> bool {
    ["inngest_fn", "failure_handler", "webhook_provider", "event", "cfg"].iter().any(|word| text.contains(word))
}

/// Finds the annotated items of a file. The error says what does not parse.
pub(super) fn find(text: &str, path: &Path) -> Result<Found, String> {
    let file = syn::parse_file(text).map_err(|error| format!("line {}: {error}", error.span().start().line))?;
    let mut found = Found::default();
    if !is_conditional(&file.attrs) {
        items(&file.items, &submodules(path), &mut found);
    }
    Ok(found)
}

fn items(all: &[Item], directory: &Path, found: &mut Found) {
    for item in all {
        match item {
            Item::Fn(item) => {
                annotated(&item.attrs, &item.sig.ident, SiteKind::Function, found);
                annotated(&item.attrs, &item.sig.ident, SiteKind::FailureHandler, found);
                annotated(&item.attrs, &item.sig.ident, SiteKind::WebhookProvider, found);
            }
            Item::Struct(item) => annotated(&item.attrs, &item.ident, SiteKind::Event, found),
            Item::Enum(item) => annotated(&item.attrs, &item.ident, SiteKind::Event, found),
            Item::Mod(module) => {
                let name = module.ident.to_string();
                match &module.content {
                    Some((_, content)) if !is_conditional(&module.attrs) => {
                        items(content, &directory.join(name), found);
                    }
                    Some(_) => {}
                    None if is_conditional(&module.attrs) => {
                        found.conditional.push(directory.join(format!("{name}.rs")));
                        found.conditional.push(directory.join(name));
                    }
                    None => {}
                }
            }
            _ => {}
        }
    }
}

fn annotated(attributes: &[Attribute], name: &syn::Ident, kind: SiteKind, found: &mut Found) {
    let word = match kind {
        SiteKind::Function => "inngest_fn",
        SiteKind::Event => "event",
        SiteKind::FailureHandler => "failure_handler",
        SiteKind::WebhookProvider => "webhook_provider",
    };
    let attribute = attributes.iter().find(|attribute| {
        // `#[event]` alone belongs to something else: ours always has a name in brackets.
        attribute.path().segments.last().is_some_and(|last| last.ident == word)
            && (kind == SiteKind::FailureHandler || attribute.meta.require_list().is_ok())
    });
    let Some(attribute) = attribute else { return };
    if is_conditional(attributes) {
        return;
    }
    let line = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
    found.sites.push(FoundSite {
        kind,
        item: name.to_string(),
        line: line(attribute.span().start().line),
        last_line: line(name.span().start().line),
    });
}

fn is_conditional(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg"))
}

/// Where the modules that a file declares have their files.
fn submodules(path: &Path) -> PathBuf {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("mod.rs" | "lib.rs" | "main.rs") => path.parent().unwrap_or(path).to_owned(),
        _ => path.with_extension(""),
    }
}
