//! What a Connect worker does and when, as a function of what happens and of the time. Pure: it does no IO, has no
//! clock and no tasks. [`super::driver`] performs its effects.

mod ending;
mod executions;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::backoff::Backoff;
use super::calls::{CallId, Calls};
use super::exclusions::Exclusions;
use super::failure::{Failure, FailureKind};
use super::frame::{self, GatewayFrame, Intervals};
use super::limits;
use super::link::{Beat, Link, LinkId, Phase, Pulse};
use super::proto::{StartResponse, Timestamp};
use super::registration::Registration;
use super::replies::{FlushOutcome, Replies, Reply};
use super::{App, Request, Response, State, Status};

/// The code of a regular close.
const NORMAL: u16 = 1000;
/// The code for a gateway that does not keep to the protocol.
const PROTOCOL_ERROR: u16 = 1002;
/// The reason of a regular close (`SDK_SPEC.md` §8.8).
const WORKER_SHUTDOWN: &str = "WORKER_SHUTDOWN";

/// What can happen.
#[derive(Debug)]
pub(super) enum Input {
    /// A websocket is open, or could not be opened.
    Dialed { link: LinkId, result: Result<Opened, Failure> },
    /// A message has arrived.
    Received { link: LinkId, bytes: Bytes },
    /// A websocket is gone.
    Lost { link: LinkId, failure: Failure },
    /// An execution is over; without an answer its runtime has ended.
    CallFinished { call: CallId, response: Option<Response> },
    /// A flush is over.
    Flushed { outcomes: Vec<(String, FlushOutcome)> },
    /// Register again, with these apps if there are any.
    Reconnect { apps: Option<Vec<App>> },
    /// Finish what runs, for so long, and end.
    Shutdown { grace: Duration },
}

/// An open websocket.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) start: StartResponse,
    /// When the attempt started.
    pub(super) started_at: Timestamp,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Ask the server for a gateway and open a websocket to it.
    Dial { link: LinkId, exclude: Vec<String> },
    /// Send a message.
    Send { link: LinkId, frame: Bytes },
    /// Close a websocket and wait for the gateway to confirm it.
    Close { link: LinkId, code: u16, reason: &'static str },
    /// Drop a websocket, or the attempt to open one.
    Abort { link: LinkId },
    /// Execute a request.
    Call { call: CallId, request: Request },
    /// Stop an execution.
    AbortCall { call: CallId },
    /// Send replies through the flush API.
    Flush { replies: Vec<Reply> },
    /// Nothing will be done any more.
    Stop,
}

/// A Connect worker without IO.
#[derive(Debug)]
pub(super) struct Machine {
    registration: Registration,
    state: State,
    error: Option<String>,
    links: BTreeMap<LinkId, Link>,
    last_link: u64,
    /// The active websocket.
    current: Option<LinkId>,
    /// The active websocket is good, but another one must take its place.
    is_stale: bool,
    /// When the next attempt may start.
    redial_at: Instant,
    has_connected: bool,
    backoff: Backoff,
    exclusions: Exclusions,
    calls: Calls,
    replies: Replies,
    ending: Option<Ending>,
    effects: Vec<Effect>,
}

/// The stages of a shutdown.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// Until the calls are over and their replies confirmed, or the grace period is.
    Calls { until: Instant },
    /// Until the last replies are flushed.
    Flush { until: Instant },
    /// Until the websockets are closed.
    Links,
}

impl Machine {
    /// A worker that has done nothing. Its first attempt starts with [`Self::tick`].
    pub(super) fn new(registration: Registration, seed: u64, now: Instant) -> Self {
        let running_max = registration.max_worker_concurrency();
        Self {
            registration,
            state: State::Connecting,
            error: None,
            links: BTreeMap::new(),
            last_link: 0,
            current: None,
            is_stale: false,
            redial_at: now,
            has_connected: false,
            backoff: Backoff::new(seed),
            exclusions: Exclusions::default(),
            calls: Calls::new(running_max),
            replies: Replies::new(limits::REPLY_BUFFER_BYTES_MAX),
            ending: None,
            effects: Vec::new(),
        }
    }

    /// Takes in what has happened.
    pub(super) fn handle(&mut self, input: Input, now: Instant) {
        match input {
            Input::Dialed { link, result: Ok(opened) } => self.opened(link, opened, now),
            Input::Dialed { link, result: Err(failure) } | Input::Lost { link, failure } => {
                self.lost(link, failure, now);
            }
            Input::Received { link, bytes } => match frame::decode_shared(bytes) {
                Ok(frame) => self.received(link, frame, now),
                Err(error) => tracing::warn!(%error, "a message of the gateway is not understood"),
            },
            Input::CallFinished { call, response } => self.call_finished(call, response, now),
            Input::Flushed { outcomes } => self.replies.flushed(outcomes, now),
            Input::Reconnect { apps } => self.reconnect(apps, now),
            Input::Shutdown { grace } => self.shutdown(grace, now),
        }
        self.tick(now);
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        self.watch_links(now);
        self.replies.expire(now);
        self.start_calls(now);
        self.extend_leases(now);
        if let Some(replies) = self.replies.start_flush(now) {
            self.effects.push(Effect::Flush { replies });
        }
        self.end(now);
        self.dial(now);
    }

    /// What is to be done, in this order.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// When to call [`Self::tick`] although nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let links = self.links.values().filter_map(Link::deadline).min();
        let redial = self.wants_link().then_some(self.redial_at);
        let extension = self.carrier().and_then(|_| self.calls.deadline());
        let ending = match self.ending {
            Some(Ending::Calls { until } | Ending::Flush { until }) => Some(until),
            Some(Ending::Links) | None => None,
        };
        [links, redial, extension, ending, self.replies.deadline()].into_iter().flatten().min()
    }

    /// The worker as it is now.
    pub(super) fn status(&self) -> Status {
        let start = self.current.and_then(|link| self.links.get(&link)).map(|link| &link.start);
        Status {
            state: self.state,
            error: self.error.clone(),
            connection_id: start.map(|start| start.connection_id.clone()),
            gateway_group: start.map(|start| start.gateway_group.clone()),
            failed_attempts: self.backoff.failures(),
            running: self.calls.running(),
            waiting: self.calls.waiting(),
            unconfirmed_replies: self.replies.count(),
            lost_replies: self.replies.lost(),
        }
    }

    fn send(&mut self, link: LinkId, frame: Bytes) {
        self.effects.push(Effect::Send { link, frame });
    }

    // Connecting.

    /// Whether there should be an attempt: nothing is connected, or what is must be replaced. During a shutdown only
    /// leases need a connection.
    fn wants_link(&self) -> bool {
        let is_wanted = match self.ending {
            None => self.current.is_none() || self.is_stale,
            Some(Ending::Calls { .. }) => self.current.is_none() && self.calls.running() > 0,
            Some(Ending::Flush { .. } | Ending::Links) => false,
        };
        is_wanted && !self.links.values().any(Link::is_attempt)
    }

    fn dial(&mut self, now: Instant) {
        if self.redial_at > now || !self.wants_link() {
            return;
        }
        self.last_link += 1;
        let link = LinkId(self.last_link);
        self.links.insert(link, Link::new());
        let exclude = self.exclusions.list(now);
        self.effects.push(Effect::Dial { link, exclude });
    }

    fn opened(&mut self, id: LinkId, opened: Opened, now: Instant) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.start = opened.start;
        link.phase = Phase::Hello { until: now + limits::HELLO_TIME_MAX };
        self.registration.started_at(opened.started_at);
    }

    fn ready(&mut self, id: LinkId, intervals: Intervals, now: Instant) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.phase = Phase::Active(Pulse::new(intervals, now));
        let group = link.start.gateway_group.clone();
        tracing::info!(connection_id = link.start.connection_id, gateway_group = group, "connected");
        self.exclusions.remove(&group);
        self.backoff.reset();
        self.current = Some(id);
        self.is_stale = false;
        self.has_connected = true;
        self.error = None;
        self.redial_at = now;
        if self.ending.is_none() {
            self.state = State::Active;
        } else {
            // It is only there to keep leases and to carry replies.
            self.send(id, frame::pause());
        }
        let old = self.links.keys().copied().filter(|link| *link != id).collect::<Vec<_>>();
        for old in old {
            self.close(old, now);
        }
        self.replies.flush_soon();
    }

    /// Closes a websocket whose place another one has taken, or that is not needed any more.
    fn close(&mut self, id: LinkId, now: Instant) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if matches!(link.phase, Phase::Closing { .. }) {
            return;
        }
        if link.is_attempt() {
            self.links.remove(&id);
            self.effects.push(Effect::Abort { link: id });
            return;
        }
        link.phase = Phase::Closing { until: now + limits::CLOSE_TIME_MAX };
        self.calls.link_lost(id);
        self.effects.push(Effect::Close { link: id, code: NORMAL, reason: WORKER_SHUTDOWN });
    }

    /// Drops a websocket that does not do what it should.
    fn drop_link(&mut self, id: LinkId, failure: Failure, now: Instant) {
        self.effects.push(Effect::Abort { link: id });
        self.lost(id, failure, now);
    }

    /// A websocket or the attempt to open one is gone.
    fn lost(&mut self, id: LinkId, failure: Failure, now: Instant) {
        let Some(link) = self.links.remove(&id) else { return };
        self.calls.link_lost(id);
        self.replies.link_lost(id);
        if matches!(link.phase, Phase::Closing { .. }) {
            return;
        }
        self.exclusions.add(&link.start.gateway_group, now);
        self.exclusions.add(&failure.group, now);
        let was_current = self.current == Some(id);
        if was_current {
            self.current = None;
            self.is_stale = false;
        }
        let is_draining = self.links.values().any(|link| matches!(link.phase, Phase::Draining(_)));
        if self.current.is_none() && !is_draining && self.ending.is_none() {
            self.state = if self.has_connected { State::Reconnecting } else { State::Connecting };
        }
        self.error = Some(failure.message.clone());
        self.replies.flush_soon();
        if matches!(link.phase, Phase::Draining(_)) {
            // The attempt to replace it is under way, with its own pauses.
            return;
        }
        let pause = match failure.kind {
            FailureKind::Transient => self.backoff.failed(),
            FailureKind::GatewayClosing => self.backoff.gateway_closing(),
            FailureKind::Refused => self.backoff.refused(),
        };
        self.redial_at = now + pause;
        let (failures, seconds) = (self.backoff.failures(), pause.as_secs_f32());
        let message = failure.message;
        match failure.kind {
            FailureKind::Refused => {
                tracing::error!(failures, seconds, "{message}; the next attempt is in {seconds:.1} s")
            }
            _ => tracing::warn!(failures, seconds, "{message}; the next attempt is in {seconds:.1} s"),
        }
    }

    fn reconnect(&mut self, apps: Option<Vec<App>>, now: Instant) {
        if let Some(apps) = apps {
            self.registration.set_apps(apps);
        }
        if self.ending.is_some() {
            return;
        }
        // An attempt under way may carry the old registration.
        let attempts: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| link.is_attempt()).map(|(id, _)| *id).collect();
        for attempt in attempts {
            self.close(attempt, now);
        }
        self.is_stale = self.current.is_some();
        self.redial_at = now;
    }

    /// Timers of websockets.
    fn watch_links(&mut self, now: Instant) {
        let due: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(_, link)| link.deadline().is_some_and(|deadline| deadline <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(link) = self.links.get_mut(&id) else { continue };
            match &mut link.phase {
                Phase::Hello { .. } => {
                    self.drop_link(id, Failure::transient("the gateway did not greet within 5 s"), now);
                }
                Phase::Ready { .. } => {
                    let failure = Failure::transient("the gateway did not confirm the registration within 20 s");
                    self.drop_link(id, failure, now);
                }
                Phase::Closing { .. } => {
                    self.effects.push(Effect::Abort { link: id });
                    self.links.remove(&id);
                    self.replies.link_lost(id);
                }
                Phase::Active(pulse) if pulse.is_dead(now) => {
                    self.drop_link(id, Failure::transient("the gateway did not answer two heartbeats"), now);
                }
                Phase::Active(pulse) => {
                    let beats: Vec<Beat> = std::iter::from_fn(|| pulse.next(now)).collect();
                    for beat in beats {
                        let frame = match beat {
                            Beat::Heartbeat => frame::heartbeat(),
                            Beat::Status => frame::status(self.calls.running_ids(), self.ending.is_some()),
                        };
                        self.send(id, frame);
                    }
                }
                Phase::Dialing | Phase::Draining(_) => {}
            }
        }
    }

    // Messages.

    fn received(&mut self, id: LinkId, frame: GatewayFrame, now: Instant) {
        let Some(link) = self.links.get_mut(&id) else { return };
        match (&mut link.phase, frame) {
            (Phase::Hello { .. }, GatewayFrame::Hello) => {
                link.phase = Phase::Ready { until: now + limits::READY_TIME_MAX };
                let frame = frame::connect(&self.registration.message(&link.start));
                self.send(id, frame);
            }
            (Phase::Ready { .. }, GatewayFrame::Ready(intervals)) => self.ready(id, intervals, now),
            (Phase::Ready { .. }, GatewayFrame::SyncFailed(error)) => {
                self.drop_link(id, Failure::sync_failed(&error), now);
            }
            (Phase::Hello { .. } | Phase::Ready { .. }, GatewayFrame::Closing) => {
                self.drop_link(id, Failure::gateway_closing(), now);
            }
            (Phase::Hello { .. } | Phase::Ready { .. }, frame) => {
                let expected = match link.phase {
                    Phase::Hello { .. } => GatewayFrame::Hello.name(),
                    _ => "GATEWAY_CONNECTION_READY",
                };
                let message = format!("the gateway sent {} where {expected} comes first", frame.name());
                self.effects.push(Effect::Close { link: id, code: PROTOCOL_ERROR, reason: "UNEXPECTED" });
                self.lost(id, Failure::transient(message), now);
            }
            (Phase::Active(pulse), GatewayFrame::Heartbeat) => pulse.answered(),
            (Phase::Active(_), GatewayFrame::Request(request)) => self.requested(id, *request, now),
            (Phase::Active(pulse), GatewayFrame::Closing) => {
                let intervals = pulse.intervals;
                link.phase = Phase::Draining(intervals);
                let group = link.start.gateway_group.clone();
                tracing::info!(gateway_group = group, "the gateway drains; another connection takes its place");
                self.exclusions.add(&group, now);
                // The gateway has taken back what was not acknowledged.
                self.calls.link_lost(id);
                if self.current == Some(id) {
                    self.current = None;
                    self.is_stale = false;
                    self.redial_at = now;
                }
            }
            (Phase::Active(_) | Phase::Draining(_) | Phase::Closing { .. }, GatewayFrame::ReplyAck { request_id }) => {
                self.replies.confirmed(&request_id)
            }
            (
                Phase::Active(_) | Phase::Draining(_) | Phase::Closing { .. },
                GatewayFrame::LeaseAck { request_id, lease_id },
            ) => self.calls.lease_answered(&request_id, lease_id),
            (Phase::Draining(_) | Phase::Closing { .. }, GatewayFrame::Request(request)) => {
                let request_id = request.request_id;
                tracing::debug!(
                    request_id,
                    "a request came over a connection that ends; the gateway sends it elsewhere"
                );
            }
            (_, frame) => tracing::debug!(frame = frame.name(), "a message of the gateway changes nothing"),
        }
    }
}
