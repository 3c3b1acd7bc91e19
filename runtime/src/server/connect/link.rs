//! One websocket: from the attempt to open it until it is gone. Pure.

use std::time::{Duration, Instant};

use super::frame::Intervals;
use super::limits;
use super::proto::StartResponse;

/// Names one attempt to connect and the websocket that comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LinkId(pub(super) u64);

/// One websocket.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) phase: Phase,
    /// What the server said when the attempt started; empty until then.
    pub(super) start: StartResponse,
}

/// Where a websocket stands; the table is in the module's documentation.
#[derive(Debug)]
pub(super) enum Phase {
    /// It is being opened.
    Dialing,
    /// It is open; the greeting must come.
    Hello { until: Instant },
    /// The registration is on its way; the confirmation must come.
    Ready { until: Instant },
    /// Requests can arrive.
    Active(Pulse),
    /// The gateway will close it: no more requests, but replies and leases while there is no other.
    Draining(Intervals),
    /// This side has closed it.
    Closing { until: Instant },
}

/// The regular messages of an active websocket.
#[derive(Debug)]
pub(super) struct Pulse {
    pub(super) intervals: Intervals,
    next_heartbeat: Instant,
    next_status: Option<Instant>,
    unanswered: u32,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Heartbeat,
    Status,
}

impl Link {
    pub(super) fn new() -> Self {
        Self { phase: Phase::Dialing, start: StartResponse::default() }
    }

    /// Whether it is on its way to becoming active.
    pub(super) fn is_attempt(&self) -> bool {
        matches!(self.phase, Phase::Dialing | Phase::Hello { .. } | Phase::Ready { .. })
    }

    /// The intervals of a websocket that carries replies and lease extensions.
    pub(super) fn intervals(&self) -> Option<Intervals> {
        match &self.phase {
            Phase::Active(pulse) => Some(pulse.intervals),
            Phase::Draining(intervals) => Some(*intervals),
            Phase::Dialing | Phase::Hello { .. } | Phase::Ready { .. } | Phase::Closing { .. } => None,
        }
    }

    /// When something is due although nothing arrives.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Dialing | Phase::Draining(_) => None,
            Phase::Hello { until } | Phase::Ready { until } | Phase::Closing { until } => Some(*until),
            Phase::Active(pulse) => Some(pulse.deadline()),
        }
    }
}

impl Pulse {
    pub(super) fn new(intervals: Intervals, now: Instant) -> Self {
        Self {
            intervals,
            next_heartbeat: now + intervals.heartbeat,
            next_status: intervals.status.map(|interval| now + interval),
            unanswered: 0,
        }
    }

    /// The gateway has answered a heartbeat.
    pub(super) fn answered(&mut self) {
        self.unanswered = 0;
    }

    /// Whether the gateway has not answered, and the next heartbeat is due.
    pub(super) fn is_dead(&self, now: Instant) -> bool {
        self.next_heartbeat <= now && self.unanswered >= limits::UNANSWERED_HEARTBEATS_MAX
    }

    /// What is due now, one after the other.
    pub(super) fn next(&mut self, now: Instant) -> Option<Beat> {
        if self.next_heartbeat <= now {
            self.unanswered += 1;
            self.next_heartbeat = after(self.next_heartbeat, self.intervals.heartbeat, now);
            return Some(Beat::Heartbeat);
        }
        if let (Some(next), Some(interval)) = (self.next_status, self.intervals.status)
            && next <= now
        {
            self.next_status = Some(after(next, interval, now));
            return Some(Beat::Status);
        }
        None
    }

    fn deadline(&self) -> Instant {
        self.next_status.map_or(self.next_heartbeat, |status| status.min(self.next_heartbeat))
    }
}

/// The next regular time; a worker that was suspended does not catch up on those it has missed.
fn after(last: Instant, interval: Duration, now: Instant) -> Instant {
    let next = last + interval;
    if next <= now { now + interval } else { next }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pulse(now: Instant) -> Pulse {
        let intervals = Intervals { heartbeat: 10 * SECOND, extend_lease: 5 * SECOND, status: None };
        Pulse::new(intervals, now)
    }

    #[test]
    fn two_unanswered_heartbeats_are_the_end() {
        let now = Instant::now();
        let mut pulse = pulse(now);
        assert_eq!(pulse.next(now + 9 * SECOND), None);
        assert_eq!(pulse.next(now + 10 * SECOND), Some(Beat::Heartbeat));
        assert_eq!(pulse.next(now + 10 * SECOND), None);
        assert_eq!(pulse.next(now + 20 * SECOND), Some(Beat::Heartbeat));
        assert!(!pulse.is_dead(now + 29 * SECOND));
        assert!(pulse.is_dead(now + 30 * SECOND));
    }

    #[test]
    fn an_answer_starts_the_count_again() {
        let now = Instant::now();
        let mut pulse = pulse(now);
        for beat in 1..20 {
            assert!(!pulse.is_dead(now + beat * 10 * SECOND));
            assert_eq!(pulse.next(now + beat * 10 * SECOND), Some(Beat::Heartbeat));
            pulse.answered();
        }
    }

    #[test]
    fn a_suspended_worker_does_not_catch_up() {
        let now = Instant::now();
        let mut pulse = pulse(now);
        assert_eq!(pulse.next(now + 1_000 * SECOND), Some(Beat::Heartbeat));
        assert_eq!(pulse.next(now + 1_000 * SECOND), None);
        assert_eq!(pulse.deadline(), now + 1_010 * SECOND);
    }

    #[test]
    fn the_status_is_sent_when_the_gateway_asks_for_it() {
        let now = Instant::now();
        let intervals = Intervals { heartbeat: 10 * SECOND, extend_lease: 5 * SECOND, status: Some(4 * SECOND) };
        let mut pulse = Pulse::new(intervals, now);
        assert_eq!(pulse.deadline(), now + 4 * SECOND);
        assert_eq!(pulse.next(now + 4 * SECOND), Some(Beat::Status));
        assert_eq!(pulse.next(now + 4 * SECOND), None);
        assert_eq!(pulse.deadline(), now + 8 * SECOND);
    }
}
