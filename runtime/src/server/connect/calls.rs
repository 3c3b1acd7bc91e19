//! The requests of a worker: those being executed, whose leases it extends, and those that wait for a place. Pure.
//!
//! A request belongs to the worker from its acknowledgement on. So one that finds every place taken waits
//! *unacknowledged*: the protocol has no refusal, but a gateway gives a request that nobody acknowledges to another
//! worker, which an acknowledged one that is not being executed could never get. The Go SDK does the same, except that
//! there a full queue stops the reading of the websocket and with it heartbeats; here what does not fit is passed over.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::limits;
use super::link::LinkId;
use super::proto::GatewayExecutorRequestData;

/// Names one execution of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct CallId(pub(super) u64);

/// The requests of a worker.
#[derive(Debug)]
pub(super) struct Calls {
    /// By request id.
    running: HashMap<String, Running>,
    running_max: usize,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    last_call: u64,
}

#[derive(Debug)]
struct Running {
    call: CallId,
    /// Without its payload; `lease_id` is the newest lease.
    request: GatewayExecutorRequestData,
    /// `None` once the lease is lost.
    next_extension: Option<Instant>,
}

/// A request without an acknowledgement.
#[derive(Debug)]
struct Waiting {
    link: LinkId,
    since: Instant,
    request: GatewayExecutorRequestData,
}

/// A request that may start.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) call: CallId,
    pub(super) payload: Bytes,
    /// Whether its lease must be extended at once, because it has waited.
    pub(super) has_waited: bool,
    /// Without its payload.
    pub(super) request: GatewayExecutorRequestData,
}

impl Calls {
    pub(super) fn new(running_max: usize) -> Self {
        Self {
            running: HashMap::new(),
            running_max: running_max.max(1),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            last_call: 0,
        }
    }

    /// A request that is being executed already has arrived again: takes its new lease over.
    pub(super) fn adopt(&mut self, request: &GatewayExecutorRequestData, next_extension: Instant) -> bool {
        let Some(running) = self.running.get_mut(&request.request_id) else { return false };
        if !request.lease_id.is_empty() {
            running.request.lease_id.clone_from(&request.lease_id);
        }
        running.next_extension = Some(next_extension);
        true
    }

    /// Lets a request wait for a place; `false` when there is no room for it either.
    pub(super) fn wait(&mut self, link: LinkId, request: GatewayExecutorRequestData, now: Instant) -> bool {
        self.drop_waiting(|waiting| waiting.request.request_id == request.request_id);
        let bytes = self.waiting_bytes + request.request_payload.len();
        if self.waiting.len() >= limits::WAITING_MAX || bytes > limits::WAITING_BYTES_MAX {
            return false;
        }
        self.waiting_bytes = bytes;
        self.waiting.push_back(Waiting { link, since: now, request });
        true
    }

    /// The next request for which there is a place. The caller acknowledges it and executes it.
    pub(super) fn start_next(&mut self, now: Instant, extend_lease: Duration) -> Option<(LinkId, Started)> {
        self.drop_waiting(|waiting| {
            let is_late = now.saturating_duration_since(waiting.since) > limits::WAITING_TIME_MAX;
            if is_late {
                let request_id = &waiting.request.request_id;
                tracing::warn!(
                    request_id,
                    "a request waited too long for a place; the server gives it to another worker"
                );
            }
            is_late
        });
        if self.running.len() >= self.running_max {
            return None;
        }
        let Waiting { link, since, mut request } = self.waiting.pop_front()?;
        self.waiting_bytes -= request.request_payload.len();
        let payload = std::mem::take(&mut request.request_payload);
        self.last_call += 1;
        let call = CallId(self.last_call);
        let running = Running { call, request: request.clone(), next_extension: Some(now + extend_lease) };
        self.running.insert(request.request_id.clone(), running);
        Some((link, Started { call, payload, has_waited: now > since, request }))
    }

    /// Forgets the requests that wait and came over `link`: without it they cannot be acknowledged.
    pub(super) fn link_lost(&mut self, link: LinkId) {
        self.drop_waiting(|waiting| waiting.link == link);
    }

    /// Forgets every request that waits.
    pub(super) fn stop_waiting(&mut self) {
        self.drop_waiting(|_| true);
    }

    fn drop_waiting(&mut self, matches: impl Fn(&Waiting) -> bool) {
        self.waiting.retain(|waiting| !matches(waiting));
        self.waiting_bytes = self.waiting.iter().map(|waiting| waiting.request.request_payload.len()).sum();
    }

    /// The requests whose leases are to be extended now.
    pub(super) fn due_extensions(
        &mut self,
        now: Instant,
        extend_lease: Duration,
    ) -> impl Iterator<Item = &GatewayExecutorRequestData> {
        self.running.values_mut().filter_map(move |running| {
            running.next_extension.filter(|next| *next <= now)?;
            running.next_extension = Some(now + extend_lease);
            Some(&running.request)
        })
    }

    /// The answer to an extension. Without a lease there is nothing to extend any more.
    pub(super) fn lease_answered(&mut self, request_id: &str, lease_id: Option<String>) {
        let Some(running) = self.running.get_mut(request_id) else { return };
        match lease_id {
            Some(lease_id) => running.request.lease_id = lease_id,
            // The call goes on, as in the Go and TypeScript SDKs: stopping it would not undo what it has done, and the
            // server takes its reply as the answer to the repeated request.
            None => {
                running.next_extension = None;
                let run_id = &running.request.run_id;
                tracing::warn!(
                    request_id,
                    run_id,
                    "the server did not extend the lease of a request; it may run twice"
                );
            }
        }
    }

    /// An execution is over; its request, unless it is not known.
    pub(super) fn finished(&mut self, call: CallId) -> Option<GatewayExecutorRequestData> {
        let (request_id, _) = self.running.iter().find(|(_, running)| running.call == call)?;
        let request_id = request_id.clone();
        self.running.remove(&request_id).map(|running| running.request)
    }

    /// Gives every execution up; their ids.
    pub(super) fn abandon(&mut self) -> Vec<CallId> {
        let mut calls: Vec<CallId> = Vec::new();
        for (request_id, running) in self.running.drain() {
            let run_id = running.request.run_id;
            tracing::error!(request_id, run_id, "a request was still being executed when the grace period ended");
            calls.push(running.call);
        }
        calls.sort();
        calls
    }

    /// The next time at which [`Self::due_extensions`] has something.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.running.values().filter_map(|running| running.next_extension).min()
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn running_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.running.keys().cloned().collect();
        ids.sort();
        ids
    }
}
