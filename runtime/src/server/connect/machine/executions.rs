//! Requests, executions, leases and replies.

use std::time::Instant;

use bytes::Bytes;

use super::super::calls::{CallId, Started};
use super::super::frame::{self, Intervals};
use super::super::limits;
use super::super::link::{Link, LinkId, Phase};
use super::super::proto::GatewayExecutorRequestData;
use super::super::replies::Reply;
use super::super::{Request, Response};
use super::{Effect, Machine};

impl Machine {
    pub(super) fn requested(&mut self, id: LinkId, request: GatewayExecutorRequestData, now: Instant) {
        let GatewayExecutorRequestData { request_id, app_name, function_slug, .. } = &request;
        if self.ending.is_some() || self.current != Some(id) {
            tracing::debug!(request_id, "a request came after this worker paused; the gateway sends it elsewhere");
            return;
        }
        if request_id.is_empty() || !self.registration.has_app(app_name) {
            tracing::error!(request_id, app_name, function_slug, "a request for an app that this worker does not have");
            return;
        }
        let extend_lease = self.intervals(id).map_or(limits::EXTEND_LEASE_INTERVAL_DEFAULT, |it| it.extend_lease);
        if self.calls.adopt(&request, now + extend_lease) {
            // The server has lost track of the one that runs here: it stays the only one.
            tracing::info!(request_id, "a request arrived again while it was being executed");
            self.send(id, frame::request_ack(&request));
            return;
        }
        if let Some(reply) = self.replies.find(request_id).cloned() {
            self.send(id, frame::request_ack(&request));
            self.replies.confirmed(&reply.request_id);
            self.reply(reply, now);
            return;
        }
        let (request_id, function_slug) = (request_id.clone(), function_slug.clone());
        if !self.calls.wait(id, request, now) {
            tracing::warn!(request_id, function_slug, "no place for a request; the server gives it to another worker");
        }
    }

    pub(super) fn start_calls(&mut self, now: Instant) {
        let Some(id) = self.current.filter(|_| self.ending.is_none()) else { return };
        let Some(intervals) = self.intervals(id) else { return };
        while let Some((link, started)) = self.calls.start_next(now, intervals.extend_lease) {
            let Started { call, payload, has_waited, request } = started;
            self.send(link, frame::request_ack(&request));
            if has_waited {
                self.send(link, frame::extend_lease(&request));
            }
            let request = Request {
                request_id: request.request_id,
                job_id: request.job_id,
                run_id: request.run_id,
                app: request.app_name,
                function: request.function_slug,
                step: request.step_id,
                body: payload,
                trace: request.user_trace_ctx,
            };
            self.effects.push(Effect::Call { call, request });
        }
    }

    pub(super) fn call_finished(&mut self, call: CallId, response: Option<Response>, now: Instant) {
        let Some(request) = self.calls.finished(call) else { return };
        let Some(response) = response else {
            let request_id = request.request_id;
            tracing::warn!(request_id, "a request was not answered; the server sends it again when its lease ends");
            return;
        };
        let bytes = frame::response(&request, response, self.registration.sdk());
        self.reply(Reply { request_id: request.request_id, run_id: request.run_id, bytes }, now);
    }

    pub(super) fn reply(&mut self, reply: Reply, now: Instant) {
        let is_small = reply.bytes.len() <= limits::REPLY_FRAME_BYTES_MAX;
        match self.carrier().filter(|_| is_small) {
            Some(link) => {
                self.send(link, frame::reply(reply.bytes.clone()));
                self.replies.sent(reply, link, now);
            }
            None => self.replies.buffer(reply),
        }
    }

    pub(super) fn extend_leases(&mut self, now: Instant) {
        let Some(link) = self.carrier() else { return };
        let Some(intervals) = self.intervals(link) else { return };
        let frames: Vec<Bytes> =
            self.calls.due_extensions(now, intervals.extend_lease).map(frame::extend_lease).collect();
        for frame in frames {
            self.send(link, frame);
        }
    }

    /// The websocket for replies and leases: the active one, or else the newest one that drains.
    pub(super) fn carrier(&self) -> Option<LinkId> {
        let draining = || self.links.iter().rev().find(|(_, link)| matches!(link.phase, Phase::Draining(_)));
        self.current.or_else(|| draining().map(|(id, _)| *id))
    }

    pub(super) fn intervals(&self, link: LinkId) -> Option<Intervals> {
        self.links.get(&link).and_then(Link::intervals)
    }
}
