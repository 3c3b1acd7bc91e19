//! Annotated sites in the source that are not linked.

use super::{Checks, Problem, Severity};

/// An annotated item, as a scan of the source finds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceSite {
    /// The file, relative to the workspace, with `/`.
    pub file: String,
    /// The line of the attribute.
    pub line: u32,
    /// The line of the item's name: whichever line of an attribute the compiler reports, it lies in between.
    pub last_line: u32,
    /// What it is.
    pub kind: SiteKind,
    /// The name of the function or type.
    pub item: String,
    /// The package's name.
    pub package: String,
}

/// What an annotated item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SiteKind {
    /// A function with `#[inngest_fn]`.
    Function,
    /// A type with `#[event]`.
    Event,
    /// A function with `#[failure_handler]`.
    FailureHandler,
    /// A function with `#[webhook_provider]`.
    WebhookProvider,
}

impl Checks<'_> {
    pub(super) fn sites(&mut self, sources: &[SourceSite]) {
        let of_functions = self.registry.functions().iter().map(|function| (SiteKind::Function, function.site));
        let of_events = self.registry.events().iter().map(|event| (SiteKind::Event, event.site));
        let of_handlers =
            self.registry.failure_handlers().iter().map(|handler| (SiteKind::FailureHandler, handler.site));
        let of_providers = self.registry.providers().iter().map(|provider| (SiteKind::WebhookProvider, provider.site));
        let linked = of_functions.chain(of_events).chain(of_handlers).chain(of_providers);
        let linked: Vec<_> = linked.map(|(kind, site)| (kind, self.file(&site), site.line)).collect();
        for source in sources {
            let is_linked = linked.iter().any(|(kind, file, line)| {
                *kind == source.kind && *file == source.file && (source.line..=source.last_line).contains(line)
            });
            if is_linked {
                continue;
            }
            let name = source.package.replace('-', "_");
            let crate_is_linked = linked.iter().any(|(_, file, _)| is_beside(file, &source.file));
            let fix = if crate_is_linked {
                "name its module in the crate's `lib.rs`".to_owned()
            } else {
                format!("name its crate in `build.rs` and `main.rs`, as in `use {name} as _;`")
            };
            let what = match source.kind {
                SiteKind::Function => "function",
                SiteKind::Event => "event",
                SiteKind::FailureHandler => "failure handler",
                SiteKind::WebhookProvider => "webhook provider",
            };
            self.problems.push(Problem {
                severity: Severity::Error,
                file: source.file.clone(),
                line: source.line,
                message: format!("the {what} `{}` is not linked into the program: {fix}", source.item),
            });
        }
    }
}

/// Whether two files belong to one package.
fn is_beside(one: &str, other: &str) -> bool {
    let package = |path: &str| path.split_once("src/").map(|(package, _)| package.to_owned());
    package(one).is_some() && package(one) == package(other)
}
