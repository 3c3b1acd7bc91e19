//! The functions of a process as an app of the server: finds the one that a call names, and answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use tokio::sync::watch;

use super::api::{Api, ApiError};
use super::app::AppIds;
use super::call;
use super::reply::Reply;
use super::settings::ServerSettings;
use crate::error::Error;
use crate::event::NewEvent;
use crate::function::{FunctionRegistration, Services};
use crate::middleware::{MiddlewareStack, Sent};
use crate::protocol::StepId;
use crate::protocol::wire::{CallRequest, decode_events, decode_steps};
use crate::registry::Registry;

/// The name of the error of a request that the worker cannot carry out.
const REQUEST_ERROR: &str = "RequestError";

/// The functions of a process as an app of a server. Clones are handles to the same worker.
#[derive(Clone)]
pub struct Worker(Arc<Inner>);

struct Inner {
    api: Api,
    app_ids: AppIds,
    registry: Registry,
    functions: HashMap<String, &'static FunctionRegistration>,
    services: Services,
    middleware: MiddlewareStack,
    runs_ended: AtomicU64,
    under_way: watch::Sender<usize>,
}

/// One request to execute a function, whatever carried it.
#[derive(Clone, Debug)]
pub struct IncomingCall {
    /// The composite id of the function (`SDK_SPEC.md` §1.3.3).
    pub function: String,
    /// The step to execute; `step` or nothing for the one that comes next.
    pub step: Option<String>,
    /// The JSON of the request.
    pub body: Bytes,
    /// The HTTP request that carried it, for middleware.
    pub request: Option<Parts>,
}

/// One call that is under way, however it ends.
struct UnderWay<'a>(&'a watch::Sender<usize>);

impl<'a> UnderWay<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Why events were not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// A middleware refused them.
    #[error("{0}")]
    Middleware(Error),
    /// The server did not take them.
    #[error(transparent)]
    Api(ApiError),
}

impl Worker {
    /// A worker that holds the functions of `registry`.
    pub fn new(api: Api, app_ids: AppIds, registry: Registry, services: Services, middleware: MiddlewareStack) -> Self {
        let functions = registry.functions().iter().map(|&function| (app_ids.own(function.config.id), function));
        let functions = functions.collect();
        Self(Arc::new(Inner {
            api,
            app_ids,
            registry,
            functions,
            services,
            middleware,
            runs_ended: AtomicU64::new(0),
            under_way: watch::Sender::new(0),
        }))
    }

    /// The server's API.
    pub fn api(&self) -> &Api {
        &self.0.api
    }

    /// Which server it is.
    pub fn settings(&self) -> &Arc<ServerSettings> {
        self.0.api.settings()
    }

    /// The functions that the app holds.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The ids under which servers know functions.
    pub fn app_ids(&self) -> &AppIds {
        &self.0.app_ids
    }

    /// What functions share.
    pub(super) fn services(&self) -> &Services {
        &self.0.services
    }

    /// What stands around every call.
    pub(super) fn middleware(&self) -> &MiddlewareStack {
        &self.0.middleware
    }

    /// Sends events of the program's own, through its middleware.
    pub async fn send(&self, mut events: Vec<NewEvent>) -> Result<Vec<String>, SendError> {
        self.0.middleware.before_send(&mut events).map_err(SendError::Middleware)?;
        let sent = self.0.api.send_new_events(&events).await;
        self.0.middleware.after_send(&match &sent {
            Ok(ids) => Sent { ids: ids.clone(), error: None },
            Err(error) => Sent { ids: Vec::new(), error: Some(Error::retryable(error)) },
        });
        sent.map_err(SendError::Api)
    }

    /// Executes what a request asks for. Whatever happens, there is an answer.
    pub async fn call(&self, call: IncomingCall) -> Reply {
        let _under_way = UnderWay::new(&self.0.under_way);
        let Some(function) = self.0.functions.get(&call.function) else {
            let message = format!("this worker has no function `{}`: sync the app with the server", call.function);
            return Reply::refused(StatusCode::INTERNAL_SERVER_ERROR, REQUEST_ERROR, message);
        };
        let target = match call.step.as_deref() {
            None | Some("" | "step") => None,
            Some(text) => match text.parse::<StepId>() {
                Ok(id) => Some(id),
                Err(error) => {
                    return Reply::refused(StatusCode::BAD_REQUEST, REQUEST_ERROR, format!("`stepId`: {error}"));
                }
            },
        };
        let mut request = match CallRequest::decode(&call.body) {
            Ok(request) => request,
            Err(error) => return Reply::refused(StatusCode::BAD_REQUEST, REQUEST_ERROR, error.to_string()),
        };
        // The body is copied into the request: let it go before the function takes its time.
        let carrier = call.request;
        drop(call.body);
        if request.context.use_api
            && let Err(message) = self.complete(&mut request).await
        {
            return Reply::refused(StatusCode::INTERNAL_SERVER_ERROR, REQUEST_ERROR, message);
        }
        let reply = call::execute(self, function, request, target, carrier.as_ref()).await;
        if reply.ends_run {
            self.0.runs_ended.fetch_add(1, Ordering::Relaxed);
        }
        reply
    }

    /// Waits for a moment in which no call is under way.
    pub async fn idle(&self) {
        // The sender is this worker's own.
        let _ = self.0.under_way.subscribe().wait_for(|count| *count == 0).await;
    }

    /// How many runs have been answered to their end since the start, well or badly.
    pub fn runs_ended(&self) -> u64 {
        self.0.runs_ended.load(Ordering::Relaxed)
    }

    /// Fetches the parts of a request that were too large for it (`SDK_SPEC.md` §4.4.2).
    async fn complete(&self, request: &mut CallRequest) -> Result<(), String> {
        let run = request.context.run_id;
        let (events, steps) = futures::join!(self.0.api.batch(run), self.0.api.actions(run));
        let events = events.map_err(|error| format!("cannot fetch the events of the run: {error}"))?;
        let steps = steps.map_err(|error| format!("cannot fetch the steps of the run: {error}"))?;
        request.events = decode_events(&events).map_err(|error| format!("the events of the run: {error}"))?;
        request.steps =
            decode_steps(&steps, &request.context.stack).map_err(|error| format!("the steps of the run: {error}"))?;
        Ok(())
    }
}
