//! Replies until the server has confirmed them (`SDK_SPEC.md` §8.7). Pure: the time is an argument.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;

use super::limits;
use super::link::LinkId;

/// An encoded reply and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) request_id: String,
    pub(super) run_id: String,
    /// An encoded `SDKResponse`.
    pub(super) bytes: Bytes,
}

/// What came of flushing one reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FlushOutcome {
    Delivered,
    /// The server will never take it.
    Refused(String),
    /// It may be taken later.
    Failed(String),
}

/// Replies until the server has confirmed them.
#[derive(Debug)]
pub(super) struct Replies {
    /// Sent over a websocket, not confirmed.
    pending: HashMap<String, Pending>,
    /// For the flush API, oldest first.
    buffered: VecDeque<Reply>,
    buffered_bytes: usize,
    bytes_max: usize,
    is_flushing: bool,
    /// After a flush that failed, unless something asks for one.
    flush_after: Option<Instant>,
    lost: u64,
}

#[derive(Debug)]
struct Pending {
    reply: Reply,
    link: LinkId,
    until: Instant,
}

impl Replies {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            pending: HashMap::new(),
            buffered: VecDeque::new(),
            buffered_bytes: 0,
            bytes_max,
            is_flushing: false,
            flush_after: None,
            lost: 0,
        }
    }

    /// A reply has been handed to a websocket.
    pub(super) fn sent(&mut self, reply: Reply, link: LinkId, now: Instant) {
        let until = now + limits::REPLY_ACK_TIME_MAX;
        self.pending.insert(reply.request_id.clone(), Pending { reply, link, until });
    }

    /// A reply cannot be sent over a websocket.
    pub(super) fn buffer(&mut self, reply: Reply) {
        self.unbuffer(&reply.request_id);
        self.buffered_bytes += reply.bytes.len();
        self.buffered.push_back(reply);
        // The oldest one's lease has ended first, so that the server has most likely started that request again.
        while self.buffered_bytes > self.bytes_max {
            let Some(oldest) = self.buffered.pop_front() else { break };
            self.buffered_bytes -= oldest.bytes.len();
            self.give_up(&oldest, "the buffer of unconfirmed replies is full");
        }
    }

    /// The server has a reply.
    pub(super) fn confirmed(&mut self, request_id: &str) {
        self.pending.remove(request_id);
        self.unbuffer(request_id);
    }

    /// The reply to a request, while the server has not confirmed it.
    pub(super) fn find(&self, request_id: &str) -> Option<&Reply> {
        let pending = self.pending.get(request_id).map(|pending| &pending.reply);
        pending.or_else(|| self.buffered.iter().find(|reply| reply.request_id == request_id))
    }

    /// Moves to the buffer what was not confirmed in time.
    pub(super) fn expire(&mut self, now: Instant) {
        self.move_to_buffer(|pending| pending.until <= now);
    }

    /// Moves to the buffer what was sent over a websocket that is gone.
    pub(super) fn link_lost(&mut self, link: LinkId) {
        self.move_to_buffer(|pending| pending.link == link);
    }

    fn move_to_buffer(&mut self, matches: impl Fn(&Pending) -> bool) {
        let mut moved: Vec<Pending> =
            self.pending.extract_if(|_, pending| matches(pending)).map(|(_, it)| it).collect();
        moved.sort_by_key(|pending| pending.until);
        for pending in moved {
            self.buffer(pending.reply);
        }
    }

    /// What to flush now. The answer comes through [`Self::flushed`].
    pub(super) fn start_flush(&mut self, now: Instant) -> Option<Vec<Reply>> {
        let is_due = self.flush_after.is_none_or(|after| after <= now);
        if self.is_flushing || self.buffered.is_empty() || !is_due {
            return None;
        }
        self.is_flushing = true;
        Some(self.buffered.iter().cloned().collect())
    }

    /// Something happened after which a flush may succeed.
    pub(super) fn flush_soon(&mut self) {
        self.flush_after = None;
    }

    /// A flush is over.
    pub(super) fn flushed(&mut self, outcomes: Vec<(String, FlushOutcome)>, now: Instant) {
        self.is_flushing = false;
        self.flush_after = None;
        for (request_id, outcome) in outcomes {
            match outcome {
                FlushOutcome::Delivered => self.confirmed(&request_id),
                FlushOutcome::Refused(reason) => {
                    if let Some(reply) = self.unbuffer(&request_id) {
                        self.give_up(&reply, &reason);
                    }
                }
                FlushOutcome::Failed(reason) => {
                    tracing::warn!(request_id, reason, "a reply could not be flushed; it is kept");
                    self.flush_after = Some(now + limits::FLUSH_AGAIN);
                }
            }
        }
    }

    /// The worker ends: what is left is lost.
    pub(super) fn abandon(&mut self) {
        self.move_to_buffer(|_| true);
        self.buffered_bytes = 0;
        while let Some(reply) = self.buffered.pop_front() {
            self.give_up(&reply, "the worker ended before the server had it");
        }
    }

    fn unbuffer(&mut self, request_id: &str) -> Option<Reply> {
        let place = self.buffered.iter().position(|reply| reply.request_id == request_id)?;
        let reply = self.buffered.remove(place)?;
        self.buffered_bytes -= reply.bytes.len();
        Some(reply)
    }

    fn give_up(&mut self, reply: &Reply, reason: &str) {
        self.lost += 1;
        let Reply { request_id, run_id, .. } = reply;
        tracing::error!(request_id, run_id, reason, "a reply is lost; the server will send the request again");
    }

    /// The next time at which [`Self::expire`] or [`Self::start_flush`] has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let expiry = self.pending.values().map(|pending| pending.until).min();
        let flush = self.flush_after.filter(|_| !self.is_flushing && !self.buffered.is_empty());
        expiry.into_iter().chain(flush).min()
    }

    /// Whether every reply has been confirmed or given up.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.buffered.is_empty()
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn is_flushing(&self) -> bool {
        self.is_flushing
    }

    pub(super) fn count(&self) -> usize {
        self.pending.len() + self.buffered.len()
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LINK: LinkId = LinkId(1);

    fn reply(id: &str, size: usize) -> Reply {
        Reply { request_id: id.to_owned(), run_id: "run".to_owned(), bytes: vec![0; size].into() }
    }

    fn ids(replies: Option<Vec<Reply>>) -> Vec<String> {
        replies.unwrap_or_default().into_iter().map(|reply| reply.request_id).collect()
    }

    #[test]
    fn a_confirmed_reply_is_forgotten() {
        let now = Instant::now();
        let mut replies = Replies::new(100);
        replies.sent(reply("a", 10), LINK, now);
        assert_eq!(replies.deadline(), Some(now + Duration::from_secs(5)));
        replies.confirmed("a");
        assert!(replies.is_empty());
        assert_eq!((replies.deadline(), replies.start_flush(now)), (None, None));
    }

    #[test]
    fn an_unconfirmed_reply_is_flushed_after_five_seconds() {
        let now = Instant::now();
        let mut replies = Replies::new(100);
        replies.sent(reply("a", 10), LINK, now);
        replies.expire(now + Duration::from_millis(4_999));
        assert_eq!(replies.start_flush(now), None);
        replies.expire(now + Duration::from_secs(5));
        assert_eq!(ids(replies.start_flush(now)), ["a"]);
        assert_eq!(replies.start_flush(now), None, "one flush at a time");
        replies.flushed(vec![("a".to_owned(), FlushOutcome::Delivered)], now);
        assert!(replies.is_empty());
    }

    #[test]
    fn what_a_lost_websocket_carried_is_flushed_at_once() {
        let now = Instant::now();
        let mut replies = Replies::new(100);
        replies.sent(reply("a", 10), LINK, now);
        replies.sent(reply("b", 10), LinkId(2), now);
        replies.link_lost(LINK);
        assert_eq!(ids(replies.start_flush(now)), ["a"]);
    }

    #[test]
    fn a_failed_flush_is_repeated_later_or_when_something_asks_for_it() {
        let now = Instant::now();
        let mut replies = Replies::new(100);
        replies.buffer(reply("a", 10));
        assert_eq!(ids(replies.start_flush(now)), ["a"]);
        replies.flushed(vec![("a".to_owned(), FlushOutcome::Failed("down".to_owned()))], now);
        assert_eq!(replies.start_flush(now), None);
        assert_eq!(replies.deadline(), Some(now + limits::FLUSH_AGAIN));
        assert_eq!(ids(replies.start_flush(now + limits::FLUSH_AGAIN)), ["a"]);
        replies.flushed(vec![("a".to_owned(), FlushOutcome::Failed("down".to_owned()))], now);
        replies.flush_soon();
        assert_eq!(ids(replies.start_flush(now)), ["a"]);
    }

    #[test]
    fn a_late_confirmation_takes_a_reply_out_of_the_buffer() {
        let now = Instant::now();
        let mut replies = Replies::new(100);
        replies.sent(reply("a", 10), LINK, now);
        replies.link_lost(LINK);
        replies.confirmed("a");
        assert!(replies.is_empty());
    }

    #[test]
    fn a_full_buffer_gives_up_the_oldest_and_counts_it() {
        let mut replies = Replies::new(100);
        for id in ["a", "b", "c"] {
            replies.buffer(reply(id, 40));
        }
        assert_eq!(replies.lost(), 1);
        assert_eq!(ids(replies.start_flush(Instant::now())), ["b", "c"]);
        replies.buffer(reply("d", 101));
        assert_eq!((replies.lost(), replies.is_empty()), (4, true), "one that can never fit leaves nothing");
    }

    #[test]
    fn a_refused_reply_is_given_up_and_counted() {
        let now = Instant::now();
        let mut replies = Replies::new(100);
        replies.buffer(reply("a", 40));
        replies.start_flush(now);
        replies.flushed(vec![("a".to_owned(), FlushOutcome::Refused("400".to_owned()))], now);
        assert_eq!((replies.lost(), replies.is_empty()), (1, true));
    }

    #[test]
    fn what_is_left_at_the_end_is_counted_as_lost() {
        let mut replies = Replies::new(100);
        replies.buffer(reply("a", 40));
        replies.sent(reply("b", 40), LINK, Instant::now());
        replies.abandon();
        assert_eq!((replies.lost(), replies.is_empty()), (2, true));
    }
}
