//! What a worker gives its functions beside what the engine provides: other programs and secrets.

use system_bus_runtime::function::Services;
use system_bus_runtime::service::{LocalProcesses, Processes, Secrets};

use crate::config::{Environment, WorkerRole};

/// The application's services, and what a worker provides where they hold nothing else.
pub(crate) struct Provided {
    pub(crate) services: Services,
    pub(crate) secrets: Secrets,
    local: LocalProcesses,
}

impl Provided {
    /// Secrets come from `environment`, and are leased everywhere but in the cluster, which has no `secrets` program.
    pub(crate) fn new(services: Services, environment: &Environment, role: Option<WorkerRole>) -> Self {
        let local = LocalProcesses::default();
        let processes = services.find().unwrap_or_else(|| Processes::new(local.clone()));
        let secrets = services.find().unwrap_or_else(|| {
            let environment = environment.clone();
            let leasing = (role != Some(WorkerRole::Cluster)).then(|| processes.clone());
            Secrets::new(move |name| environment.text(name), leasing)
        });
        Self { services: services.with(processes).with(secrets.clone()), secrets, local }
    }

    /// Ends the programs that still run.
    pub(crate) async fn stop(&self) {
        self.local.stop().await;
    }
}
