//! Runs whose futures are in memory, and what the core tells them.

mod mailbox;
mod session;

pub(crate) use mailbox::{Mail, Mailbox};
pub(crate) use session::Session;

use std::collections::HashMap;
use std::sync::Arc;

use system_bus_runtime::function::Services;
use system_bus_runtime::middleware::MiddlewareStack;
use system_bus_runtime::protocol::StepId;

use crate::catalog::Catalog;
use crate::effect::{Effect, Start};
use crate::input::Report;
use crate::outbound::Outbound;
use crate::store::RunKey;

/// Where sessions report to.
pub(crate) type Reports = Arc<dyn Fn(Report) + Send + Sync>;

/// What every session works with.
#[derive(Clone)]
pub(super) struct Around {
    services: Services,
    middleware: MiddlewareStack,
    reports: Reports,
    outbound: Arc<Outbound>,
}

/// The addresses of the resident runs, and what a new session needs.
pub(crate) struct Executor {
    catalog: Arc<Catalog>,
    around: Around,
    sessions: HashMap<RunKey, Vec<Address>>,
}

/// Where a session gets its mail.
struct Address {
    /// The only step it executes, when it is a retry beside the resident future.
    target: Option<StepId>,
    mailbox: Arc<Mailbox>,
}

impl Executor {
    pub(crate) fn new(
        catalog: Arc<Catalog>,
        services: Services,
        middleware: MiddlewareStack,
        reports: Reports,
    ) -> Self {
        let around = Around { services, middleware, reports, outbound: Arc::default() };
        Self { catalog, around, sessions: HashMap::new() }
    }

    /// Makes the session of a start; the caller polls it.
    pub(crate) fn open(&mut self, start: Start) -> Session {
        let mailbox = Arc::new(Mailbox::default());
        let address = Address { target: start.target, mailbox: mailbox.clone() };
        self.sessions.entry(start.run).or_default().push(address);
        let function = self.catalog.function(start.function).registration;
        Session::new(function, start, self.around.clone(), mailbox)
    }

    /// Hands a resident run what an effect holds for it; the effects that are not for residents come back.
    pub(crate) fn deliver(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Complete { run, step, result } => {
                if let Some(addresses) = self.sessions.get_mut(&run) {
                    // A retry beside the resident future ends with its step.
                    addresses.retain(|address| address.target != Some(step));
                }
                self.send(run, Mail::Complete(step, result));
                None
            }
            Effect::Grant { run, step } => {
                self.send(run, Mail::Grant(step));
                None
            }
            Effect::DropTarget { run, step } => {
                let addresses = self.sessions.get_mut(&run).map(std::mem::take).unwrap_or_default();
                let (dropped, kept) = addresses.into_iter().partition(|address| address.target == Some(step));
                self.sessions.insert(run, kept);
                drop_all(dropped);
                None
            }
            Effect::Drop { run } => {
                self.drop_run(run);
                None
            }
            other => Some(other),
        }
    }

    /// Sends to the resident future of a run.
    fn send(&self, run: RunKey, mail: Mail) {
        let addresses = self.sessions.get(&run).map_or(&[][..], Vec::as_slice);
        if let Some(address) = addresses.iter().find(|address| address.target.is_none()) {
            address.mailbox.send(mail);
        }
    }

    fn drop_run(&mut self, run: RunKey) {
        drop_all(self.sessions.remove(&run).unwrap_or_default());
    }

    /// Ends all residences.
    pub(crate) fn drop_all(&mut self) {
        let runs: Vec<RunKey> = self.sessions.keys().copied().collect();
        for run in runs {
            self.drop_run(run);
        }
    }
}

fn drop_all(addresses: Vec<Address>) {
    for address in addresses {
        address.mailbox.send(Mail::Drop);
    }
}
