//! The limit on the real time that a run may take.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::task::Context;
use std::thread;
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;

/// Wakes a run that is stuck. It works under any executor, so it has a thread of its own; a run that never has to wait
/// for anything outside starts none.
pub(super) struct Watchdog {
    limit: Duration,
    deadline: Instant,
    waker: Arc<AtomicWaker>,
    /// Dropping it ends the thread.
    alive: Option<Sender<()>>,
}

impl Watchdog {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, deadline: Instant::now() + limit, waker: Arc::new(AtomicWaker::new()), alive: None }
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Whether the time is up; otherwise the task is woken when it is.
    pub(super) fn is_up(&mut self, context: &Context<'_>) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        self.waker.register(context.waker());
        self.alive.get_or_insert_with(|| {
            let (alive, ended) = channel::<()>();
            let waker = self.waker.clone();
            thread::spawn(move || {
                if ended.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                    waker.wake();
                }
            });
            alive
        });
        false
    }
}
