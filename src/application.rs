//! What a program brings along: the functions, events and providers that are linked into it.

use system_bus_runtime::event::{EventData, NewEvent};
use system_bus_runtime::function::{Role, Services, Trigger};
use system_bus_runtime::middleware::{Middleware, MiddlewareStack};
use system_bus_runtime::registry::Registry;
use system_bus_runtime::registry::manifest::Manifest;
use system_bus_runtime::server::AppIds;

use crate::config::WorkerRole;

/// The functions and events of a program, and what it shares with them.
pub struct Application {
    name: &'static str,
    registry: Registry,
    /// As `build.rs` wrote it; it knows where the sources lie.
    built: Option<&'static str>,
    services: Services,
    middleware: MiddlewareStack,
    at_start: Vec<NewEvent>,
}

impl Application {
    /// Everything that is linked into this binary.
    pub fn linked() -> Self {
        Self {
            name: "system-bus",
            registry: Registry::linked(),
            built: None,
            services: Services::default(),
            middleware: MiddlewareStack::default(),
            at_start: Vec::new(),
        }
    }

    /// Everything that is linked, with the manifest that `build.rs` wrote for it.
    pub fn with_manifest(json: &'static str) -> Self {
        Self { built: Some(json), ..Self::linked() }
    }

    /// The same application under another name, which is the id of its app on a server.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// The id of the app that a worker of this role is.
    pub fn app_id(&self, role: Option<WorkerRole>) -> String {
        match role {
            Some(role) => format!("{}-{}", self.name, role.name()),
            None => self.name.to_owned(),
        }
    }

    /// The ids of all apps that workers of this program may be: the one that is `named` by the environment first, then
    /// those of a worker without a role and of each role.
    pub(crate) fn possible_app_ids(&self, named: String) -> Vec<String> {
        let mut ids = vec![named];
        for role in [None, Some(WorkerRole::Host), Some(WorkerRole::Cluster)] {
            let id = self.app_id(role);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    /// The ids under which a server knows the functions, for a worker of this role that is the app `own`.
    pub fn app_ids(&self, role: Option<WorkerRole>, own: &str) -> AppIds {
        AppIds::new(self.name, own, role.map(WorkerRole::of_functions), &self.registry)
    }

    /// The same application with these services for its functions.
    #[must_use]
    pub fn with_services(mut self, services: Services) -> Self {
        self.services = services;
        self
    }

    /// The same application with this middleware around its functions, inside those that were added before.
    ///
    /// Outside of all of them are tracing and, when the environment has a key, encryption.
    #[must_use]
    pub fn with_middleware(mut self, middleware: impl Middleware) -> Self {
        self.middleware = self.middleware.with(middleware);
        self
    }

    /// The same application, which sends this event whenever a worker has started that has a function for it.
    #[must_use]
    pub fn at_start<T: EventData>(mut self, data: &T) -> Self {
        match NewEvent::new(data) {
            Ok(event) => self.at_start.push(event),
            Err(error) => tracing::error!(%error, "`{}` cannot be sent at the start", T::NAME),
        }
        self
    }

    /// The events to send when a worker with these functions has started.
    pub(crate) fn start_events(&self, registry: &Registry) -> Vec<NewEvent> {
        let is_handled = |event: &&NewEvent| {
            let mut triggers = registry.functions().iter().flat_map(|function| function.config.triggers);
            triggers.any(|trigger| matches!(trigger, Trigger::Event { name, .. } if *name == event.name))
        };
        self.at_start.iter().filter(is_handled).cloned().collect()
    }

    /// All functions and events.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What the functions share.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// What stands around the functions.
    pub fn middleware(&self) -> &MiddlewareStack {
        &self.middleware
    }

    /// The functions that a worker of this role runs, with all events and webhook providers.
    pub fn registry_for(&self, role: Option<WorkerRole>) -> Registry {
        let functions = self.registry.functions().iter().copied();
        let active = functions.filter(|function| role.is_none_or(|role| role.runs(function.config.role)));
        Registry::of(active.collect(), self.registry.events().to_vec())
            .with_providers(self.registry.providers().to_vec())
    }

    /// How many functions a worker of this role runs.
    pub fn count_for(&self, role: WorkerRole) -> usize {
        self.registry.functions().iter().filter(|function| role.runs(function.config.role)).count()
    }

    /// The registry as data.
    pub fn manifest(&self) -> Manifest {
        // The built one only differs in the paths; a program without it has none to show.
        let built = self.built.and_then(|json| serde_json::from_str(json).ok());
        built.unwrap_or_else(|| Manifest::of(&self.registry))
    }
}

impl WorkerRole {
    /// The role as functions declare it.
    pub fn of_functions(self) -> Role {
        match self {
            Self::Host => Role::Host,
            Self::Cluster => Role::Cluster,
        }
    }

    /// Whether a worker of this role runs a function of that one.
    pub fn runs(self, function: Role) -> bool {
        match function {
            Role::Any => true,
            Role::Host => self == Self::Host,
            Role::Cluster => self == Self::Cluster,
        }
    }
}
