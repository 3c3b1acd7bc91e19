//! The first contact with a server, and whether it answers.

use std::collections::HashMap;
use std::time::Duration;

use ::redis::cmd;

use super::Redis;
use super::connection::{COMMAND_TIME_MAX, Request};
use crate::error::Result;

/// How long a probe waits for an answer; orchestrators give a readiness probe a second.
pub const PING_TIME_MAX: Duration = Duration::from_millis(500);

/// The pause before a server that is away at the start is tried again.
pub const CONTACT_PAUSE: Duration = Duration::from_secs(2);

impl Redis {
    /// Whether the server answers, within [`PING_TIME_MAX`].
    pub async fn ping(&self) -> Result<()> {
        let ping = cmd("PING");
        self.ask(Request::Command(&ping), PING_TIME_MAX).await.map_err(|error| self.error(&error))
    }

    /// Waits until the server answers for the first time, and says in the log, once each, that it is away and that it may
    /// forget keys. Nothing depends on it.
    pub async fn first_contact(&self) {
        let mut is_away = false;
        while let Err(error) = self.query::<()>(&cmd("PING")).await {
            if !is_away {
                is_away = true;
                tracing::warn!("state cannot be read or written until Redis answers: {error}");
            }
            tokio::time::sleep(CONTACT_PAUSE).await;
        }
        tracing::info!("state is kept in Redis at `{}`", self.address());
        if let Some(policy) = self.eviction_policy().await {
            tracing::warn!(
                "Redis at `{}` may forget state when its memory is full: its `maxmemory-policy` is `{policy}`, set it to \
                 `noeviction`",
                self.address()
            );
        }
    }

    /// By which policy the server forgets keys when its memory is full; `None` when it forgets none, or does not tell.
    pub(super) async fn eviction_policy(&self) -> Option<String> {
        // Not `CONFIG GET`, which many hosted servers forbid.
        let mut info = cmd("INFO");
        info.arg("memory");
        let text: String = match self.ask(Request::Command(&info), COMMAND_TIME_MAX).await {
            Ok(text) => text,
            Err(error) => {
                tracing::debug!("whether Redis forgets keys is not known: {}", self.error(&error));
                return None;
            }
        };
        let fields: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once(':')).collect();
        let policy = fields.get("maxmemory_policy")?;
        let is_limited = fields.get("maxmemory").is_none_or(|bytes| *bytes != "0");
        (is_limited && *policy != "noeviction").then(|| (*policy).to_owned())
    }
}
