//! What the regular heartbeat and the one on demand have in common: the bodies of their steps.

use std::path::PathBuf;

use system_bus_runtime::prelude::*;

use super::local_time::LocalTime;
use crate::environment::Environment;

/// Longer than a day, no date comes again.
const DIGEST_CLAIM: Duration = Duration::from_secs(24 * 60 * 60);

/// How often the operator sees that the heart beats.
const SHOWN_EVERY: Duration = Duration::from_secs(60 * 60);

/// Heartbeats do not come to the second: a claim of the whole hour would every now and then outlast the fourth one.
const SHOWN_CLAIM: Duration = SHOWN_EVERY.saturating_sub(Duration::from_secs(5 * 60));

/// Whether this run is to ask for the digest of the day: once for each local date, in its last quarter of an hour,
/// unless the digest is there.
pub(super) async fn is_digest_due(
    time: &LocalTime,
    run: &RunInfo,
    state: &State,
    environment: &Environment,
) -> Result<bool> {
    if !time.is_digest_window() {
        return Ok(false);
    }
    let date = time.date();
    // Without a home directory there is no digest, and the claim alone decides.
    if let Ok(home) = environment.home()
        && is_file(home.join("Vault/Daily/digests").join(format!("{date}-digest.md"))).await?
    {
        return Ok(false);
    }
    claim(state, format!("heartbeat:digest:{date}"), run, DIGEST_CLAIM).await
}

/// Shows the operator about once an hour that the heart beats; whether this run did.
pub(super) async fn show(trigger: &'static str, run: &RunInfo, state: &State, gateway: &Gateway) -> Result<bool> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Beat {
        status: &'static str,
        quiet: bool,
        trigger: &'static str,
        user_visible_interval_ms: u128,
    }
    if !claim(state, "heartbeat:shown".to_owned(), run, SHOWN_CLAIM).await? {
        return Ok(false);
    }
    let interval = SHOWN_EVERY.as_millis();
    let beat = Beat { status: "HEARTBEAT_OK", quiet: true, trigger, user_visible_interval_ms: interval };
    gateway.notify("cron.heartbeat", beat).await?;
    Ok(true)
}

/// Whether the key is this run's: true for the first run that asks, and again when its step is repeated.
async fn claim(state: &State, key: String, run: &RunInfo, expires_after: Duration) -> Result<bool> {
    let holder = run.id.to_string();
    if state.set_if_absent(&key, &holder, Some(expires_after)).await? {
        return Ok(true);
    }
    Ok(state.get::<String>(key).await? == Some(holder))
}

async fn is_file(path: PathBuf) -> Result<bool> {
    Ok(tokio::task::spawn_blocking(move || path.is_file()).await?)
}
