//! What a worker says of itself in the handshake (`SDK_SPEC.md` §8.5.2). Pure.

use bytes::Bytes;

use super::proto::{AppConfiguration, AuthData, StartResponse, SystemAttributes, Timestamp, WorkerConnectRequestData};
use super::{App, Config};

/// What the worker can do (`SDK_SPEC.md` §8.5.2).
const CAPABILITIES: &[u8] = br#"{"trust_probe":"v1","connect":"v1"}"#;

/// What a worker says of itself.
#[derive(Debug)]
pub(super) struct Registration {
    config: Config,
    system: SystemAttributes,
    started_at: Timestamp,
}

impl Registration {
    pub(super) fn new(config: Config, system: SystemAttributes) -> Self {
        Self { config, system, started_at: Timestamp::default() }
    }

    pub(super) fn set_apps(&mut self, apps: Vec<App>) {
        self.config.apps = apps;
    }

    pub(super) fn started_at(&mut self, time: Timestamp) {
        self.started_at = time;
    }

    pub(super) fn has_app(&self, name: &str) -> bool {
        self.config.apps.iter().any(|app| app.name == name)
    }

    pub(super) fn max_worker_concurrency(&self) -> usize {
        self.config.max_worker_concurrency.max(1)
    }

    /// The SDK as replies name it.
    pub(super) fn sdk(&self) -> String {
        format!("{}:v{}", self.config.sdk_language, self.config.sdk_version)
    }

    /// The registration for a gateway.
    pub(super) fn message(&self, start: &StartResponse) -> WorkerConnectRequestData {
        let Config { instance_id, env, framework, platform, sdk_version, sdk_language, .. } = self.config.clone();
        let apps = self.config.apps.iter().map(|app| AppConfiguration {
            app_name: app.name.clone(),
            app_version: app.version.clone(),
            functions: app.functions.clone(),
        });
        WorkerConnectRequestData {
            connection_id: start.connection_id.clone(),
            instance_id,
            auth_data: Some(AuthData {
                session_token: start.session_token.clone(),
                sync_token: start.sync_token.clone(),
            }),
            capabilities: Bytes::from_static(CAPABILITIES),
            apps: apps.collect(),
            worker_manual_readiness_ack: false,
            system_attributes: Some(self.system.clone()),
            environment: env,
            framework,
            platform,
            sdk_version: format!("v{sdk_version}"),
            sdk_language,
            started_at: Some(self.started_at),
            max_worker_concurrency: i64::try_from(self.max_worker_concurrency()).ok(),
        }
    }
}
