//! Every bound of Connect and its reason.

use std::time::Duration;

/// For the answer of the start and flush API, and for opening a websocket (`SDK_SPEC.md` §8.5.2).
pub(super) const OPEN_TIME_MAX: Duration = Duration::from_secs(10);
/// For the gateway's greeting (`SDK_SPEC.md` §8.5.2).
pub(super) const HELLO_TIME_MAX: Duration = Duration::from_secs(5);
/// For the gateway to take in the registration, which it may have to sync (`SDK_SPEC.md` §8.5.2).
pub(super) const READY_TIME_MAX: Duration = Duration::from_secs(20);
/// For one message to leave; a large reply on a slow line must fit, a dead line shows by its heartbeats first.
pub(super) const WRITE_TIME_MAX: Duration = Duration::from_secs(30);
/// For the gateway to confirm that a websocket is closed.
pub(super) const CLOSE_TIME_MAX: Duration = Duration::from_secs(5);
/// Of one message from the gateway (`SDK_SPEC.md` §8.5.2).
pub(super) const MESSAGE_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Of an answer of the start and flush API; theirs have a few hundred bytes.
pub(super) const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Of one message to the gateway, which closes the websocket above 8 MiB; larger replies go through the flush API.
pub(super) const REPLY_FRAME_BYTES_MAX: usize = 8 * 1024 * 1024 - 1024;

/// Heartbeats without an answer after which a websocket is dead (`SDK_SPEC.md` §8.5.3).
pub(super) const UNANSWERED_HEARTBEATS_MAX: u32 = 2;
/// Heartbeat interval when the gateway names none, as in the TypeScript SDK.
pub(super) const HEARTBEAT_INTERVAL_DEFAULT: Duration = Duration::from_secs(10);
/// Lease extension interval when the gateway names none, as in the TypeScript SDK.
pub(super) const EXTEND_LEASE_INTERVAL_DEFAULT: Duration = Duration::from_secs(5);
/// A gateway that names less would keep the connection's thread busy.
pub(super) const INTERVAL_MIN: Duration = Duration::from_millis(10);
/// Timers further away than this would overflow; no server means more.
pub(super) const INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// For the gateway to confirm a reply (`SDK_SPEC.md` §8.7).
pub(super) const REPLY_ACK_TIME_MAX: Duration = Duration::from_secs(5);
/// Of the replies that no gateway has confirmed, all together.
pub(super) const REPLY_BUFFER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Attempts in one flush (`SDK_SPEC.md` §8.7).
pub(super) const FLUSH_ATTEMPTS_MAX: u32 = 5;
/// Between the first two attempts of a flush; it doubles each time.
pub(super) const FLUSH_PAUSE_FIRST: Duration = Duration::from_millis(250);
/// Between a flush that failed and the next one while nothing else asks for it.
pub(super) const FLUSH_AGAIN: Duration = Duration::from_secs(30);
/// For the last flush of a shutdown.
pub(super) const FLUSH_TIME_MAX_AT_SHUTDOWN: Duration = Duration::from_secs(10);

/// Requests that wait for a place in the pool. The server knows the size of the pool, so few ever do.
pub(super) const WAITING_MAX: usize = 100;
/// Of the requests that wait, all together.
pub(super) const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The gateway gives a request to another worker when it has no acknowledgement after 125 s, and its lease ends after
/// 120 s; one that has waited longer than this must not start here.
pub(super) const WAITING_TIME_MAX: Duration = Duration::from_secs(100);

/// How long a gateway group that drained or failed is avoided; it may be well again after that.
pub(super) const EXCLUSION_TIME: Duration = Duration::from_secs(10 * 60);
/// Gateway groups avoided at the same time.
pub(super) const EXCLUSIONS_MAX: usize = 32;
