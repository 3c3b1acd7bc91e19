//! The engine's thread: it alone owns the clock, the store and the core, and decides nothing itself.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::core::Core;
use crate::effect::Effect;
use crate::executor::Executor;
use crate::input::Input;
use crate::limits;
use crate::stats::Stats;
use crate::store::{DirectoryLock, Store, StoreError};

/// How long the thread looks for the answer to a lone step's commit before it goes to sleep.
const SPIN: Duration = Duration::from_micros(50);

/// What reaches the engine's thread.
pub(crate) enum Message {
    /// Something for the core.
    Input(Input),
    /// Stop as soon as no step executes.
    Stop,
    /// Stop now; what executes goes on at the next start.
    StopNow,
}

/// All that the thread works with.
pub(crate) struct Driver {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) executor: Executor,
    pub(crate) messages: Receiver<Message>,
    /// Keeps the channel open, so that the thread ends by a message only.
    pub(crate) _sender: Sender<Message>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) handle: Handle,
    pub(crate) stats: Arc<Stats>,
    /// Told when a message to the operator has come.
    pub(crate) arrivals: watch::Sender<()>,
    /// Keeps other processes out for as long as this thread writes.
    pub(crate) lock: Option<DirectoryLock>,
    pub(crate) stop: Stop,
    /// Told when the thread has ended.
    pub(crate) ended: watch::Sender<bool>,
}

/// Whether the thread is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is not.
    No,
    /// As soon as no step executes.
    AtRest,
    /// At once.
    Now,
}

impl Driver {
    /// Runs until a message says stop.
    pub(crate) fn run(mut self, store: Store) {
        let mut state = (store, 0);
        loop {
            let (store, generation) = state;
            let seed = self.clock.now().unsigned_abs();
            let mut core = Core::new(store, self.catalog.clone(), seed, generation);
            let failure = self.drive(&mut core).err();
            state = core.abort();
            self.executor.drop_all();
            let Some(error) = failure else { break };
            // Nothing of the batch has happened. What it asked is dropped, which its askers notice, and the core is made
            // again from the store.
            tracing::error!(%error, "the store failed; trying again");
            self.stats.note_store(true);
            if !self.pause() {
                break;
            }
        }
        state.0.checkpoint();
        drop(state);
        drop(self.lock.take());
        self.ended.send_replace(true);
    }

    /// Waits a little for the store to get well. What comes in meanwhile is refused; false when the thread is to end.
    fn pause(&mut self) -> bool {
        let until = Instant::now() + limits::STORE_RETRY;
        while self.stop == Stop::No {
            match self.messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Message::Input(refused)) => drop(refused),
                Ok(Message::Stop | Message::StopNow) => self.stop = Stop::Now,
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        false
    }

    fn drive(&mut self, core: &mut Core) -> Result<(), StoreError> {
        let effects = core.recover(self.clock.now())?;
        self.stats.note_store(false);
        self.perform(effects);
        let mut inputs = Vec::new();
        let mut lone = false;
        loop {
            match self.stop {
                Stop::Now => return Ok(()),
                Stop::AtRest if core.is_at_rest() => return Ok(()),
                Stop::AtRest | Stop::No => {}
            }
            match self.next(core, lone)? {
                Ok(message) => self.take(message, &mut inputs),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            while inputs.len() < limits::BATCH_INPUTS_MAX {
                match self.messages.try_recv() {
                    Ok(message) => self.take(message, &mut inputs),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            let reported = matches!(inputs.as_slice(), [Input::Report(_)]);
            let effects = core.apply(inputs.drain(..), self.clock.now())?;
            lone = reported && matches!(effects.as_slice(), [Effect::Complete { .. }]);
            self.perform(effects);
        }
    }

    fn take(&mut self, message: Message, inputs: &mut Vec<Input>) {
        match message {
            Message::Input(input) => inputs.push(input),
            Message::Stop => {
                inputs.push(Input::Drain);
                self.stop = Stop::AtRest;
            }
            Message::StopNow => self.stop = Stop::Now,
        }
    }

    /// The next message, or a time-out when a timer is due.
    fn next(&self, core: &mut Core, lone: bool) -> Result<Result<Message, RecvTimeoutError>, StoreError> {
        // The answer to a lone run's commit is its next step, a few microseconds later: going to sleep and being woken
        // would take longer than that. With more to do, the cores have better uses.
        if lone {
            let until = Instant::now() + SPIN;
            while Instant::now() < until {
                if let Ok(message) = self.messages.try_recv() {
                    return Ok(Ok(message));
                }
                std::hint::spin_loop();
            }
        }
        let wait = self.wait(core)?;
        Ok(self.messages.recv_timeout(wait))
    }

    fn wait(&self, core: &mut Core) -> Result<Duration, StoreError> {
        /// An upper bound, so that a clock that was set is noticed.
        const WAIT_MAX: Duration = Duration::from_secs(1);
        let millis = core.deadline()?.saturating_sub(self.clock.now());
        Ok(Duration::from_millis(u64::try_from(millis).unwrap_or(0)).min(WAIT_MAX))
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match self.executor.deliver(effect) {
                Some(Effect::Start(start)) => {
                    let session = self.executor.open(*start);
                    self.handle.spawn(session);
                }
                // An asker that has gone away is no error.
                Some(Effect::Accepted { reply, events }) => drop(reply.send(events)),
                Some(Effect::Cancelled { reply, outcome }) => drop(reply.send(outcome)),
                Some(Effect::Signalled { reply, run }) => drop(reply.send(run)),
                Some(Effect::Notified { reply, delivery }) => {
                    self.arrivals.send_replace(());
                    let _ = reply.send(delivery);
                }
                Some(Effect::State { reply, answer }) => drop(reply.send(answer)),
                Some(Effect::Delivered { reply, receipt }) => drop(reply.send(receipt)),
                Some(Effect::Done { reply }) => drop(reply.send(())),
                Some(Effect::Ended) => self.stats.count_ended(),
                Some(
                    Effect::Complete { .. } | Effect::Grant { .. } | Effect::DropTarget { .. } | Effect::Drop { .. },
                )
                | None => {}
            }
        }
    }
}
