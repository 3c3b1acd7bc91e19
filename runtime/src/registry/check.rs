//! The rules that hold for the program as a whole, which no single attribute can see.
//!
//! Errors fail the build; warnings are shown. Each message names the thing and says the fix.

mod expressions;
mod schema;
mod sites;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::links::{awaited, links, trigger_event};
use super::source_path::relative_path;
use super::{Registry, Site};
use crate::expression::nearest::nearest;
use crate::function::{FunctionRegistration, Role};

pub use sites::{SiteKind, SourceSite};

/// Something that is wrong with the program as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Whether the build fails.
    pub severity: Severity,
    /// The source file, relative to the workspace.
    pub file: String,
    /// The line.
    pub line: u32,
    /// What is wrong, and the fix.
    pub message: String,
}

/// Whether the build fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Checks all rules. `sources` are the annotated sites in the source, paths are shown relative to `root`.
pub fn check(registry: &Registry, sources: &[SourceSite], root: Option<&Path>) -> Vec<Problem> {
    let mut checks = Checks { registry, root, problems: Vec::new() };
    checks.ids();
    checks.providers();
    checks.failure_handlers();
    checks.event_types();
    checks.event_names();
    checks.invocations();
    checks.expressions();
    checks.sites(sources);
    checks.event_use();
    checks.problems.sort();
    checks.problems.dedup();
    checks.problems
}

struct Checks<'r> {
    registry: &'r Registry,
    root: Option<&'r Path>,
    problems: Vec<Problem>,
}

impl Checks<'_> {
    fn report(&mut self, severity: Severity, site: &Site, line: u32, message: String) {
        self.problems.push(Problem { severity, file: self.file(site), line, message });
    }

    fn error(&mut self, site: &Site, line: u32, message: String) {
        self.report(Severity::Error, site, line, message);
    }

    fn warning(&mut self, site: &Site, line: u32, message: String) {
        self.report(Severity::Warning, site, line, message);
    }

    fn file(&self, site: &Site) -> String {
        relative_path(site.file, site.manifest_dir, self.root)
    }

    fn place(&self, site: &Site) -> String {
        format!("{}:{}", self.file(site), site.line)
    }

    fn ids(&mut self) {
        for pair in self.registry.functions().windows(2) {
            let [first, second] = pair else { continue };
            if first.config.id != second.config.id {
                continue;
            }
            let (id, taken) = (second.config.id, "give this function another id");
            match (first.config.failure_of(), second.config.failure_of()) {
                (None, None) => {
                    let message = format!("the function id `{id}` is taken by {}: {taken}", self.place(&first.site));
                    self.error(&second.site, second.site.line, message);
                }
                (Some(failed), None) => self.taken_by_companion(second, failed),
                (None, Some(failed)) => self.taken_by_companion(first, failed),
                // The failed functions have one id as well, and that is said of them.
                (Some(_), Some(_)) => {}
            }
        }
    }

    fn providers(&mut self) {
        for pair in self.registry.providers().windows(2) {
            let [first, second] = pair else { continue };
            if first.id == second.id {
                let place = self.place(&first.site);
                let message = format!("the provider id `{}` is taken by {place}: give this one another id", second.id);
                self.error(&second.site, second.site.line, message);
            }
        }
    }

    fn taken_by_companion(&mut self, function: &FunctionRegistration, failed: &str) {
        let message = format!(
            "the function id `{}` is taken by the failure handler of `{failed}`: give this function another id",
            function.config.id
        );
        self.error(&function.site, function.site.line, message);
    }

    /// A handler that no function names would never run.
    fn failure_handlers(&mut self) {
        for handler in self.registry.failure_handlers() {
            let mut companions = self.registry.functions().iter().filter(|it| it.config.failure_of().is_some());
            if !companions.any(|companion| companion.site == handler.site) {
                let message = format!(
                    "no function names the failure handler `{0}`: write `on_failure = {0}` in a function's attribute, \
                     or remove it",
                    handler.item
                );
                self.warning(&handler.site, handler.site.line, message);
            }
        }
    }

    fn event_types(&mut self) {
        for pair in self.registry.events().windows(2) {
            let [first, second] = pair else { continue };
            if first.name == second.name {
                let message = format!(
                    "the event `{}` has two types, `{}` and `{}` at {}: use one of them in both places, or give this \
                     event another name",
                    second.name,
                    short(second.type_name),
                    short(first.type_name),
                    self.place(&first.site)
                );
                self.error(&second.site, second.site.line, message);
            }
        }
    }

    /// A name in an attribute or a wait must be that of a declared event.
    fn event_names(&mut self) {
        for function in self.registry.functions() {
            let (config, site) = (&function.config, &function.site);
            let triggers = config.triggers.iter().map(|trigger| (trigger_event(trigger), "is triggered by", site.line));
            let cancels = config.cancel_on.iter().map(|cancel| (cancel.event, "is cancelled by", site.line));
            let waits = config.steps.iter().filter_map(|step| Some((awaited(step)?, "waits for", step.line)));
            for (name, verb, line) in triggers.chain(cancels).chain(waits) {
                if name.starts_with("inngest/") || self.registry.event(name).is_some() {
                    continue;
                }
                let known = self.registry.events().iter().map(|event| event.name);
                let hint = match nearest(name, known) {
                    Some(guess) => format!("did you mean `{guess}`?"),
                    None => format!("declare it with `#[event(\"{name}\")]` on a struct"),
                };
                let message = format!("`{}` {verb} `{name}`, an event that no type declares: {hint}", config.id);
                self.error(site, line, message);
            }
        }
    }

    fn invocations(&mut self) {
        for function in self.registry.functions() {
            for step in function.config.steps {
                let Some(id) = step.invokes.map(|id| id()) else { continue };
                let (caller, site) = (&function.config, &function.site);
                match self.registry.function(id) {
                    None => {
                        let known = self.registry.functions().iter().map(|function| function.config.id);
                        let hint = nearest(id, known).map_or_else(
                            || "link the crate that holds it".to_owned(),
                            |guess| format!("did you mean `{guess}`?"),
                        );
                        let message = format!("`{}` invokes `{id}`, which is not registered: {hint}", caller.id);
                        self.error(site, step.line, message);
                    }
                    Some(callee) if !are_together(function, callee) => {
                        let message = format!(
                            "`{}` runs in the role `{}` but invokes `{id}`, which runs in the role `{}` only: give both \
                             one role, or send an event instead",
                            caller.id,
                            role_name(caller.role),
                            role_name(callee.config.role)
                        );
                        self.error(site, step.line, message);
                    }
                    Some(_) => {}
                }
            }
        }
    }

    /// Events that nobody handles, and events that nobody sends.
    fn event_use(&mut self) {
        let links = links(self.registry);
        for event in self.registry.events() {
            let links = links.get(event.name).cloned().unwrap_or_default();
            let message = match (links.has_effect(), links.sent_by.is_empty()) {
                (true, false) => continue,
                // What a vendor reports is the vendor's list: nobody has to want all of it.
                (false, false) if self.registry.providers().iter().any(|provider| provider.may_emit(event.name)) => {
                    continue;
                }
                (true, true) => format!(
                    "nobody sends `{}`: send it in a step, or name its outside sender, as in `sent_by = \"cli\"`",
                    event.name
                ),
                (false, false) => {
                    format!(
                        "nobody handles `{}`: no function is triggered by it, waits for it or is cancelled by it",
                        event.name
                    )
                }
                (false, true) => format!("nobody sends or handles `{}`: use it or remove it", event.name),
            };
            self.warning(&event.site, event.site.line, message);
        }
    }
}

/// Whether a process that holds the caller also holds the callee.
fn are_together(caller: &FunctionRegistration, callee: &FunctionRegistration) -> bool {
    !matches!((caller.config.role, callee.config.role), (Role::Host, Role::Cluster) | (Role::Cluster, Role::Host))
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Host => "host",
        Role::Cluster => "cluster",
        Role::Any => "any",
    }
}

/// A type's name without its generic arguments' paths would need a parser; the last segment is what people look for.
fn short(type_name: fn() -> &'static str) -> &'static str {
    let name = type_name();
    name.rsplit("::").next().unwrap_or(name)
}
