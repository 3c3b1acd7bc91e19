//! What a core does first: it takes up what the last process left.

use crate::core::Core;
use crate::effect::Effect;
use crate::store::{Millis, StoreError};

impl Core {
    /// Goes on with the runs that were active when the last process ended, then with those that wait for room.
    ///
    /// Sleeping and waiting runs need nothing: their timers and waits are rows.
    pub(crate) fn recover(&mut self, now: Millis) -> Result<Vec<Effect>, StoreError> {
        self.now = now;
        self.store.begin()?;
        self.timers.retention = now;
        self.recover_crons()?;
        self.blocked = self.store.blocked_counts()?.into_iter().collect();
        for run in self.store.active_runs()? {
            self.resume(run)?;
        }
        self.freed = self.blocked.keys().map(|key| key.as_str().into()).collect();
        self.use_freed_places()?;
        self.store.commit()?;
        Ok(std::mem::take(&mut self.effects))
    }
}
