//! What is registered at the server.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::super::error::ApiError;
use super::Client;
use crate::registry::manifest::TriggerEntry;

const APPS: &str = "query { apps {
    externalID url sdkLanguage sdkVersion framework checksum error method
    functions { id slug name config url triggers { type value condition } }
} }";

/// An app as the server knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredApp {
    /// The app's id, as the SDK names it.
    #[serde(rename = "externalID")]
    pub id: String,
    /// Where the server calls it. The server writes `localhost` for `127.0.0.1`.
    #[serde(default)]
    pub url: Option<String>,
    /// The language part of `X-Inngest-SDK`.
    #[serde(default)]
    pub sdk_language: String,
    /// The version part of `X-Inngest-SDK`.
    #[serde(default)]
    pub sdk_version: String,
    /// The framework that it named.
    #[serde(default)]
    pub framework: Option<String>,
    /// The server's checksum of the registration: the same one for the same functions.
    #[serde(default)]
    pub checksum: Option<String>,
    /// Why the server cannot use the app, such as that it cannot be reached.
    #[serde(default)]
    pub error: Option<String>,
    /// `SERVE`, `CONNECT` or `API`.
    #[serde(default)]
    pub method: Option<String>,
    /// Its functions.
    pub functions: Vec<RegisteredFunction>,
}

/// A function as the server knows it.
#[derive(Clone, Debug, Deserialize)]
pub struct RegisteredFunction {
    /// The server's own id, a UUID.
    #[serde(rename = "id")]
    pub uuid: String,
    /// The composite id: `{app}-{function}`.
    #[serde(rename = "slug")]
    pub id: String,
    /// The name.
    pub name: String,
    /// The configuration as the server keeps it, a JSON object: `triggers`, `concurrency`, `cancel`, `steps` and so on.
    #[serde(deserialize_with = "json_in_text")]
    pub config: Box<RawValue>,
    /// Where the server calls it.
    #[serde(default)]
    pub url: String,
    /// What starts it.
    #[serde(deserialize_with = "triggers")]
    pub triggers: Vec<TriggerEntry>,
}

impl RegisteredFunction {
    /// The names of the events that cancel its runs.
    pub fn cancelled_by(&self) -> Vec<String> {
        #[derive(Default, Deserialize)]
        struct Config {
            #[serde(default)]
            cancel: Vec<Cancel>,
        }
        #[derive(Deserialize)]
        struct Cancel {
            event: String,
        }
        let config: Config = serde_json::from_str(self.config.get()).unwrap_or_default();
        config.cancel.into_iter().map(|cancel| cancel.event).collect()
    }
}

fn json_in_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Box<RawValue>, D::Error> {
    RawValue::from_string(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn triggers<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<TriggerEntry>, D::Error> {
    #[derive(Deserialize)]
    struct Trigger {
        r#type: String,
        value: String,
        #[serde(default)]
        condition: Option<String>,
    }
    let triggers: Option<Vec<Trigger>> = Option::deserialize(deserializer)?;
    let entries = triggers.into_iter().flatten().map(|Trigger { r#type, value, condition }| {
        if r#type != "CRON" {
            return TriggerEntry::Event { event: value, expression: condition.filter(|text| !text.is_empty()) };
        }
        match value.strip_prefix("TZ=").and_then(|rest| rest.split_once(' ')) {
            Some((zone, cron)) => TriggerEntry::Cron { cron: cron.to_owned(), time_zone: Some(zone.to_owned()) },
            None => TriggerEntry::Cron { cron: value, time_zone: None },
        }
    });
    Ok(entries.collect())
}

impl Client {
    /// All apps with their functions.
    pub async fn apps(&self) -> Result<Vec<RegisteredApp>, ApiError> {
        #[derive(Deserialize)]
        struct Apps {
            apps: Vec<RegisteredApp>,
        }
        Ok(self.ask::<Apps>(APPS, json!({})).await?.apps)
    }

    /// What the server knows of one app; `None` when it does not know the app (any more).
    pub async fn registered(&self, app_id: &str) -> Result<Option<RegisteredApp>, ApiError> {
        Ok(self.apps().await?.into_iter().find(|app| app.id == app_id))
    }
}
