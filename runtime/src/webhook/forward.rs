//! Hands deliveries on to a server, again and again until it has accepted them, also those of an earlier process.

use std::time::Duration;

use super::gateway::WebhookGateway;
use super::inbox::{KeptDelivery, Outcome, Settlement};
use super::limits;
use crate::error::Result;
use crate::event::NewEvent;
use crate::server::{ApiError, SendError, Serving, Worker};

/// How a request to the server ended.
enum Sent {
    /// It has the events, under these ids.
    Accepted(Vec<String>),
    /// It will never take them.
    Refused(String),
    /// It may take them later.
    Later(String),
}

impl WebhookGateway {
    /// Hands on to the server for as long as it is polled, once that knows the functions: an event that comes before them
    /// starts nothing.
    ///
    /// A delivery may reach the server twice, when the process dies before it has noted the answer. The events then have
    /// the same ids, by which the server knows them (for 24 hours).
    pub async fn forward(self, server: Serving) {
        let mut pause = limits::FORWARD_PAUSE_FIRST;
        let mut trouble: Option<String> = None;
        loop {
            // After trouble the server may be another one, which knows nothing.
            let fresh = if trouble.is_some() { Duration::ZERO } else { limits::FORWARD_KNOWN_MAX };
            match self.forward_batch(&server, fresh).await {
                Ok(any) => {
                    pause = limits::FORWARD_PAUSE_FIRST;
                    if trouble.take().is_some() {
                        tracing::info!("deliveries are handed on again");
                    }
                    if !any {
                        self.arrival().await;
                    }
                }
                Err(problem) => {
                    // One line for each kind of trouble, not one for each attempt.
                    if trouble.as_ref() != Some(&problem) {
                        tracing::warn!(%problem, "deliveries wait for the server");
                    }
                    trouble = Some(problem);
                    tokio::time::sleep(jittered(pause)).await;
                    pause = (pause * 2).min(limits::FORWARD_PAUSE_MAX);
                }
            }
        }
    }

    /// Hands on the oldest deliveries; whether there were any. The error says why they go on waiting.
    async fn forward_batch(&self, server: &Serving, fresh: Duration) -> Result<bool, String> {
        let failed = |error: crate::error::Error| format!("the inbox does not answer: {error}");
        let waiting =
            self.inbox().waiting(limits::FORWARD_BATCH_MAX, limits::FORWARD_BYTES_MAX).await.map_err(failed)?;
        if waiting.is_empty() {
            return Ok(false);
        }
        if let Err(problem) = server.ensure_known(fresh).await {
            let delayed = waiting.iter().map(|kept| (kept.summary.id, Settlement::Delayed(problem.clone())));
            self.inbox().settle(delayed.collect()).await.map_err(failed)?;
            return Err(problem);
        }
        let mut settled = Vec::with_capacity(waiting.len());
        let mut sent: Vec<(i64, Vec<NewEvent>)> = Vec::with_capacity(waiting.len());
        for kept in &waiting {
            match self.events_of(kept) {
                Ok(events) => sent.push((kept.summary.id, events)),
                Err(settlement) => settled.push((kept.summary.id, settlement)),
            }
        }
        let outcome = send_all(server.worker(), sent, &mut settled).await;
        if !settled.is_empty() {
            self.inbox().settle(settled).await.map_err(failed)?;
        }
        outcome.map(|()| true)
    }

    fn events_of(&self, kept: &KeptDelivery) -> Result<Vec<NewEvent>, Settlement> {
        let Some(provider) = self.provider(&kept.summary.provider) else {
            let provider = &kept.summary.provider;
            return Err(Settlement::Failed(format!("this program has no provider `{provider}` any more")));
        };
        match self.normalize_again(provider, kept) {
            Outcome::Events(events) if events.is_empty() => Err(Settlement::Ignored),
            Outcome::Events(events) => Ok(events),
            Outcome::Problem(problem) => Err(Settlement::Failed(problem)),
        }
    }
}

/// Sends the events of all deliveries in one request. When the server refuses them, each delivery goes alone, so that
/// one that is refused holds up no other.
async fn send_all(
    worker: &Worker,
    deliveries: Vec<(i64, Vec<NewEvent>)>,
    settled: &mut Vec<(i64, Settlement)>,
) -> Result<(), String> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let events: Vec<NewEvent> = deliveries.iter().flat_map(|(_, events)| events).cloned().collect();
    match send(worker, events).await {
        Sent::Accepted(ids) => {
            let mut ids = ids.into_iter();
            for (id, events) in deliveries {
                settled.push((id, Settlement::Handled(ids.by_ref().take(events.len()).collect())));
            }
            Ok(())
        }
        Sent::Later(problem) => {
            settled.extend(deliveries.into_iter().map(|(id, _)| (id, Settlement::Delayed(problem.clone()))));
            Err(problem)
        }
        Sent::Refused(_) => {
            for (id, events) in deliveries {
                match send(worker, events).await {
                    Sent::Accepted(ids) => settled.push((id, Settlement::Handled(ids))),
                    Sent::Refused(problem) => {
                        tracing::error!(delivery = id, %problem, "the server refuses a delivery's events");
                        settled.push((id, Settlement::Failed(problem)));
                    }
                    Sent::Later(problem) => {
                        settled.push((id, Settlement::Delayed(problem.clone())));
                        return Err(problem);
                    }
                }
            }
            Ok(())
        }
    }
}

async fn send(worker: &Worker, events: Vec<NewEvent>) -> Sent {
    match worker.send(events).await {
        Ok(ids) => Sent::Accepted(ids),
        Err(SendError::Middleware(error)) => Sent::Refused(format!("a middleware refuses the events: {error}")),
        Err(SendError::Api(error)) => match refused(&error) {
            true => Sent::Refused(error.to_string()),
            false => Sent::Later(error.to_string()),
        },
    }
}

/// Whether the same events will be refused again whatever the operator does about the server. A wrong key or a wrong
/// address can be mended, and the deliveries wait for that.
fn refused(error: &ApiError) -> bool {
    match error {
        ApiError::EventTooLarge { .. } => true,
        ApiError::Partial { error, .. } => refused(error),
        ApiError::Refused { status, .. } => matches!(status, 400 | 413 | 422),
        _ => false,
    }
}

/// Half to all of a pause, so that workers do not come back at the same moment.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}
