//! What functions keep between runs: values by key, with expiry.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::ServiceFuture;
use crate::error::{Error, Result};
use crate::event::decode;
use crate::function::{Context, FromContext};

/// Values that outlive a run. Call it inside a step: `step.run("gate", state.get("last-run"))`.
#[derive(Clone)]
pub struct State(Arc<dyn StateStore>);

/// Where [`State`] keeps its values.
pub trait StateStore: Send + Sync + 'static {
    /// The value of a key that has not expired.
    fn read(&self, key: String) -> ServiceFuture<'_, Option<Box<RawValue>>>;
    /// Sets a value durably; with `only_if_absent` an unexpired one stays and the answer is false.
    fn write(
        &self,
        key: String,
        value: Box<RawValue>,
        expires_after: Option<Duration>,
        only_if_absent: bool,
    ) -> ServiceFuture<'_, bool>;
    /// Removes a key; whether it was there.
    fn remove(&self, key: String) -> ServiceFuture<'_, bool>;
}

impl State {
    /// State kept in `store`.
    pub fn new(store: Arc<dyn StateStore>) -> Self {
        Self(store)
    }

    /// The value of `key`, unless it is absent or has expired.
    pub async fn get<T: DeserializeOwned>(&self, key: impl Into<String>) -> Result<Option<T>> {
        let key = key.into();
        let value = self.0.read(key.clone()).await?;
        value
            .map(|value| decode(&value))
            .transpose()
            .map_err(|error| Error::terminal(format!("the state under `{key}` does not fit its type: {error}")))
    }

    /// Sets `key`, for ever or until `expires_after` has passed.
    pub async fn set<T: Serialize>(
        &self,
        key: impl Into<String>,
        value: &T,
        expires_after: Option<Duration>,
    ) -> Result<()> {
        let value = serde_json::value::to_raw_value(value).map_err(Error::terminal)?;
        self.0.write(key.into(), value, expires_after, false).await.map(drop)
    }

    /// Sets `key` unless it is there; true for the one caller that set it.
    pub async fn set_if_absent<T: Serialize>(
        &self,
        key: impl Into<String>,
        value: &T,
        expires_after: Option<Duration>,
    ) -> Result<bool> {
        let value = serde_json::value::to_raw_value(value).map_err(Error::terminal)?;
        self.0.write(key.into(), value, expires_after, true).await
    }

    /// Removes `key`; whether it was there.
    pub async fn remove(&self, key: impl Into<String>) -> Result<bool> {
        self.0.remove(key.into()).await
    }
}

impl FromContext for State {
    fn from_context(context: &Context) -> Result<Self> {
        context.service::<Arc<dyn StateStore>>().map(Self)
    }
}
