//! What commands ask of a server.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use system_bus_engine::RunStatus;
use system_bus_runtime::event::NewEvent;
use system_bus_runtime::registry::manifest::TriggerEntry;
use system_bus_runtime::server::client::{
    CancelOutcome, RegisteredApp, Run, RunDetail, RunFilter, Step, StoredEvent, StoredRun, event, run,
};
use system_bus_runtime::server::{self, ApiError};

use super::view::{EventView, FateView, FatesView, RunDetailView, RunView, StepView};
use crate::client::ClientError;

/// A server.
pub(crate) struct Server {
    client: server::Client,
    /// The apps that workers of this program may be, most likely first.
    app_ids: Vec<String>,
}

impl Server {
    pub(crate) fn new(client: server::Client, app_ids: Vec<String>) -> Self {
        Self { client, app_ids }
    }

    /// The ids of the apps that workers of this program may be, most likely first.
    pub(crate) fn app_ids(&self) -> &[String] {
        &self.app_ids
    }

    /// All apps with their functions; `None` when the server does not tell.
    pub(crate) async fn apps(&self) -> Result<Option<Vec<RegisteredApp>>, ClientError> {
        match self.client.apps().await {
            Err(ApiError::NoGraphQl { .. }) => Ok(None),
            apps => Ok(Some(apps?)),
        }
    }

    /// All apps with their functions.
    pub(crate) async fn listed_apps(&self) -> Result<Vec<RegisteredApp>, ClientError> {
        Ok(self.client.apps().await?)
    }

    /// Sends one event; its id.
    pub(crate) async fn send(&self, event: &NewEvent) -> Result<String, ClientError> {
        let ids = self.client.send(std::slice::from_ref(event)).await?;
        Ok(ids.into_iter().next().unwrap_or_default())
    }

    pub(super) async fn runs(&self, count: u32, status: Option<RunStatus>) -> Result<Vec<RunView>, ClientError> {
        let status = status.map(|status| run::RunStatus::from(status.to_string()));
        let mut filter = RunFilter { status, ..RunFilter::default() };
        let mut runs = Vec::new();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        loop {
            filter.count = u32::try_from(count - runs.len()).unwrap_or(run::PAGE_MAX).min(run::PAGE_MAX);
            let page = self.client.runs(&filter).await?;
            let is_last = page.runs.is_empty() || page.next.is_none();
            filter.after = page.next;
            // A server may repeat a run on its next page.
            for run in page.runs.into_iter().map(run_view) {
                if !runs.iter().any(|known: &RunView| known.run_id == run.run_id) {
                    runs.push(run);
                }
            }
            if is_last || runs.len() >= count {
                runs.truncate(count);
                return Ok(runs);
            }
        }
    }

    pub(super) async fn run(&self, id: &str) -> Result<RunDetailView, ClientError> {
        check_run_id(id)?;
        match self.client.run_detail(id).await {
            Ok(Some(detail)) => Ok(detail_view(detail)),
            Err(ApiError::NoGraphQl { .. }) => {
                let run = self.client.run(id).await?.ok_or_else(|| unknown_run(id))?;
                Ok(RunDetailView { run: stored_view(run), event_data: None, step_details: None })
            }
            Ok(None) => Err(unknown_run(id)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn fates(&self, id: &str) -> Result<FatesView, ClientError> {
        let event = self.client.find_event(id).await?.ok_or_else(|| {
            let reach = event::SEARCH_MAX;
            ClientError::Refused(format!(
                "no event has the id `{id}`, and none of the newest {reach} has it from its sender"
            ))
        })?;
        let runs = self.client.event_runs(&event.internal_id).await?;
        let apps = self.apps().await?.unwrap_or_default();
        Ok(fates_view(event, runs, &apps))
    }

    pub(super) async fn cancel(&self, id: &str) -> Result<Value, ClientError> {
        check_run_id(id)?;
        match self.client.cancel(id).await? {
            CancelOutcome::Cancelled => Ok(json!({ "run_id": id, "status": "Cancelled" })),
            CancelOutcome::Ended(status) => {
                Err(ClientError::Refused(format!("the run `{id}` has ended already: {status}")))
            }
            CancelOutcome::Unknown => Err(unknown_run(id)),
        }
    }
}

fn check_run_id(id: &str) -> Result<(), ClientError> {
    let problem = || ClientError::Refused(format!("`{id}` is not a run id: a run id has 26 characters (a ULID)"));
    id.parse::<system_bus_runtime::function::RunId>().map(drop).map_err(|_| problem())
}

fn unknown_run(id: &str) -> ClientError {
    ClientError::Refused(format!("no run has the id `{id}`"))
}

fn millis(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_millisecond)
}

fn run_view(run: Run) -> RunView {
    RunView {
        run_id: run.id,
        function_id: run.function,
        event_id: run.event_ids.into_iter().next(),
        event_name: run.event_name,
        status: run.status.to_string(),
        queued_at: run.queued_at.as_millisecond(),
        run_started_at: millis(run.started_at),
        ended_at: millis(run.ended_at),
        output: run.output,
        steps: None,
        waiting_for: None,
    }
}

fn stored_view(run: StoredRun) -> RunView {
    RunView {
        run_id: run.id,
        function_id: run.function_uuid,
        event_id: Some(run.event_id),
        event_name: None,
        status: run.status.to_string(),
        queued_at: run.queued_at.as_millisecond(),
        run_started_at: None,
        ended_at: millis(run.ended_at).filter(|_| run.status.is_end()),
        output: run.output,
        steps: None,
        waiting_for: None,
    }
}

fn detail_view(detail: RunDetail) -> RunDetailView {
    let is_open = !detail.run.status.is_end();
    let open: Vec<_> = detail.steps.iter().filter(|step| step.ended_at.is_none()).collect();
    let names: Vec<_> = open.iter().map(|step| format!("step `{}`", step.name)).collect();
    let finished = detail.steps.len() - open.len();
    let mut run = run_view(detail.run);
    run.steps = i64::try_from(finished).ok();
    run.waiting_for = (is_open && !names.is_empty()).then(|| names.join(", "));
    let steps = detail.steps.into_iter().map(step_view);
    RunDetailView { run, event_data: detail.event_data, step_details: Some(steps.collect()) }
}

fn step_view(step: Step) -> StepView {
    StepView {
        name: step.name,
        kind: step.kind,
        status: step.status,
        attempts: step.attempts,
        started_at: millis(step.started_at),
        ended_at: millis(step.ended_at),
        due: millis(step.due),
        output: step.output,
    }
}

fn fates_view(event: StoredEvent, runs: Vec<StoredRun>, apps: &[RegisteredApp]) -> FatesView {
    let functions = || apps.iter().flat_map(|app| &app.functions);
    let view = EventView {
        id: event.id.filter(|id| !id.is_empty()).unwrap_or_else(|| event.internal_id.clone()),
        internal_id: event.internal_id,
        received_at: event.received_at.as_millisecond(),
        ts: event.ts,
        repeats: None,
        repeated_at: None,
        runs: i64::try_from(runs.len()).unwrap_or(i64::MAX),
        name: event.name,
    };
    let mut fates: Vec<_> = runs
        .into_iter()
        .map(|run| FateView {
            function_id: functions()
                .find(|function| function.uuid == run.function_uuid)
                .map_or_else(|| run.function_uuid.clone(), |function| function.id.clone()),
            fate: "run".to_owned(),
            detail: message(&run),
            run_status: Some(run.status.to_string()),
            run_id: Some(run.id),
        })
        .collect();
    for function in functions() {
        let conditions = function.triggers.iter().filter_map(|trigger| match trigger {
            TriggerEntry::Event { event, expression } if *event == view.name => Some(expression),
            _ => None,
        });
        let conditions: Vec<_> = conditions.collect();
        if conditions.is_empty() || fates.iter().any(|fate| fate.function_id == function.id) {
            continue;
        }
        // The server keeps no reason; a condition is the most frequent one.
        let condition = conditions.iter().find_map(|condition| condition.as_ref());
        fates.push(FateView {
            function_id: function.id.clone(),
            fate: "no run".to_owned(),
            detail: condition.map(|condition| format!("it runs if {condition}")),
            run_id: None,
            run_status: None,
        });
    }
    FatesView { event: view, fates }
}

/// Why a run has failed.
fn message(run: &StoredRun) -> Option<String> {
    #[derive(Deserialize)]
    struct Failure {
        message: String,
    }
    let output = run.output.as_ref().filter(|_| run.status == run::RunStatus::Failed)?;
    serde_json::from_str::<Failure>(output.get()).ok().map(|failure| failure.message)
}
