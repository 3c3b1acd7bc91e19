//! The ids under which servers know apps and functions.

use std::collections::HashMap;

use crate::function::Role;
use crate::registry::Registry;

/// Which app each function belongs to, so that a function can invoke one of another deployment.
///
/// A worker with a role is the app `{base}-{role}`; one without holds all functions in the app `{base}`.
#[derive(Clone, Debug)]
pub struct AppIds {
    own: String,
    /// The app of each function that this worker does not hold.
    elsewhere: HashMap<&'static str, String>,
}

impl AppIds {
    /// The ids of a worker that is the app `own` and runs the functions of `role`, all of them when it is `None`.
    ///
    /// Where `own` ends with the role, the other app is taken to be named alike; else it is `{base}-{other role}`.
    pub fn new(base: &str, own: &str, role: Option<Role>, all: &Registry) -> Self {
        let name = |role: Role| match role {
            Role::Host => Some("host"),
            Role::Cluster => Some("cluster"),
            Role::Any => None,
        };
        let mut elsewhere = HashMap::new();
        if let Some(own_role) = role {
            let stem = name(own_role).and_then(|name| own.strip_suffix(name)).and_then(|stem| stem.strip_suffix('-'));
            for function in all.functions() {
                let other = function.config.role;
                if let Some(name) = name(other).filter(|_| other != own_role) {
                    elsewhere.insert(function.config.id, format!("{}-{name}", stem.unwrap_or(base)));
                }
            }
        }
        Self { own: own.to_owned(), elsewhere }
    }

    /// The id of this worker's app.
    pub fn app(&self) -> &str {
        &self.own
    }

    /// The composite id of a function that this worker holds.
    pub fn own(&self, function: &str) -> String {
        format!("{}-{function}", self.own)
    }

    /// The composite id of any function of the program.
    pub fn of(&self, function: &str) -> String {
        let app = self.elsewhere.get(function).unwrap_or(&self.own);
        format!("{app}-{function}")
    }
}
