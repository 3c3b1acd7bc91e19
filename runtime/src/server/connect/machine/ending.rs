//! Shutdown (`SDK_SPEC.md` §8.8).

use std::time::{Duration, Instant};

use super::super::link::LinkId;
use super::super::{State, frame, limits};
use super::{Effect, Ending, Machine};

impl Machine {
    pub(super) fn shutdown(&mut self, grace: Duration, now: Instant) {
        // A second one may only shorten the first.
        let until = now.checked_add(grace).unwrap_or(now + limits::INTERVAL_MAX);
        match &mut self.ending {
            None => {
                self.state = State::Closing;
                self.ending = Some(Ending::Calls { until });
                self.calls.stop_waiting();
                if let Some(current) = self.current {
                    self.send(current, frame::pause());
                }
            }
            Some(Ending::Calls { until: earlier }) => *earlier = until.min(*earlier),
            Some(Ending::Flush { .. } | Ending::Links) => {}
        }
    }

    pub(super) fn end(&mut self, now: Instant) {
        if let Some(Ending::Calls { until }) = self.ending {
            let is_done = self.calls.running() == 0 && !self.replies.has_pending();
            if !is_done && now < until {
                return;
            }
            for call in self.calls.abandon() {
                self.effects.push(Effect::AbortCall { call });
            }
            self.ending = Some(Ending::Flush { until: now + limits::FLUSH_TIME_MAX_AT_SHUTDOWN });
            self.replies.expire(now + limits::REPLY_ACK_TIME_MAX);
            self.replies.flush_soon();
            if let Some(replies) = self.replies.start_flush(now) {
                self.effects.push(Effect::Flush { replies });
            }
        }
        if let Some(Ending::Flush { until }) = self.ending {
            // A flush that failed five times is not repeated.
            let is_over = !self.replies.is_flushing() || now >= until;
            if !self.replies.is_empty() && !is_over {
                return;
            }
            self.replies.abandon();
            self.ending = Some(Ending::Links);
            let links: Vec<LinkId> = self.links.keys().copied().collect();
            for link in links {
                self.close(link, now);
            }
            self.current = None;
        }
        if let Some(Ending::Links) = self.ending
            && self.links.is_empty()
            && self.state != State::Closed
        {
            self.state = State::Closed;
            self.effects.push(Effect::Stop);
        }
    }
}
