//! Runs whose futures are in memory, and what the core tells them.

mod mailbox;
mod session;

pub(crate) use mailbox::{Mail, Mailbox};
pub(crate) use session::Session;

use std::collections::HashMap;
use std::sync::Arc;

use system_bus_runtime::function::Services;
use system_bus_runtime::protocol::StepId;

use crate::catalog::Catalog;
use crate::effect::{Effect, Start};
use crate::input::Report;
use crate::store::RunKey;

/// Where sessions report to.
pub(crate) type Reports = Arc<dyn Fn(Report) + Send + Sync>;

/// The mailboxes of the resident runs, and what a new session needs.
pub(crate) struct Executor {
    catalog: Arc<Catalog>,
    services: Services,
    reports: Reports,
    mailboxes: HashMap<RunKey, Vec<(Option<StepId>, Arc<Mailbox>)>>,
}

impl Executor {
    pub(crate) fn new(catalog: Arc<Catalog>, services: Services, reports: Reports) -> Self {
        Self { catalog, services, reports, mailboxes: HashMap::new() }
    }

    /// Makes the session of a start; the caller polls it.
    pub(crate) fn open(&mut self, start: Start) -> Session {
        let mailbox = Arc::new(Mailbox::default());
        self.mailboxes.entry(start.run).or_default().push((start.target, mailbox.clone()));
        let function = self.catalog.function(start.function).registration;
        Session::new(function, start, self.services.clone(), mailbox, self.reports.clone())
    }

    /// Hands a resident run what an effect holds for it; the effects that are not for residents come back.
    pub(crate) fn deliver(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Complete { run, step, result } => {
                let boxes = self.mailboxes.entry(run).or_default();
                // A retry beside the resident future ends with its step.
                boxes.retain(|(target, _)| *target != Some(step));
                if let Some(main) = boxes.iter().find(|(target, _)| target.is_none()) {
                    main.1.send(Mail::Complete(step, result));
                }
                None
            }
            Effect::Grant { run, step } => {
                let boxes = self.mailboxes.entry(run).or_default();
                if let Some(main) = boxes.iter().find(|(target, _)| target.is_none()) {
                    main.1.send(Mail::Grant(step));
                }
                None
            }
            Effect::Drop { run } => {
                self.drop_run(run);
                None
            }
            other => Some(other),
        }
    }

    fn drop_run(&mut self, run: RunKey) {
        for (_, mailbox) in self.mailboxes.remove(&run).unwrap_or_default() {
            mailbox.send(Mail::Drop);
        }
    }

    /// Ends all residences.
    pub(crate) fn drop_all(&mut self) {
        let runs: Vec<RunKey> = self.mailboxes.keys().copied().collect();
        for run in runs {
            self.drop_run(run);
        }
    }
}
