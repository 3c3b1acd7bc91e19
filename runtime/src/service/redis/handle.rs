//! The handle that functions and services hold.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::redis::ScriptInvocation;
use ::redis::io::tcp::TcpSettings;
use ::redis::{Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, RedisResult};

use super::connection::{COMMAND_TIME_MAX, Connection, Request};
use crate::error::{Error, Result};
use crate::function::{Context, FromContext};

/// A connection to Redis that functions can take as a parameter; clones share it. [`State`](crate::service::State) is
/// enough for most of them.
///
/// All calls fail within [`COMMAND_TIME_MAX`] and can be tried again: the next one connects anew when that is needed. A
/// call that fails may have happened. No error and no debug form holds the password.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    connection: Connection,
    address: String,
    password: Option<String>,
}

/// Why a text is not the URL of a Redis server. The message does not repeat the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the URL of a Redis server ({reason}): use `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, `rediss://…` with \
     TLS, or `unix:///PATH`, and write special characters of the password as `%40`"
)]
pub struct RedisUrlError {
    reason: String,
}

impl Redis {
    /// A handle to the server of this URL; nothing is connected yet.
    pub fn open(url: &str) -> Result<Self, RedisUrlError> {
        let refuse = |reason: &str| RedisUrlError { reason: reason.to_owned() };
        let info = url.trim().into_connection_info().map_err(|error| refuse(reason(&error)))?;
        if let ConnectionAddr::TcpTls { insecure, .. } = info.addr() {
            if *insecure {
                return Err(refuse("certificates are always checked"));
            }
            crate::tls::install();
        }
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let address = info.addr().to_string();
        let password = info.redis_settings().password().filter(|password| !password.is_empty()).map(str::to_owned);
        let client = Client::open(info).map_err(|error| refuse(reason(&error)))?;
        Ok(Self(Arc::new(Inner { connection: Connection::new(client), address, password })))
    }

    /// Where the server is: host and port, or the path of its socket.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Does one command: `redis.query(cmd("HLEN").arg(key))`.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        self.ask(Request::Command(command), COMMAND_TIME_MAX).await.map_err(|error| self.error(&error))
    }

    /// Runs a script, which happens whole or not at all: `redis.script(SCRIPT.key(key).arg(value))`. Only its hash is sent,
    /// unless the server does not know it.
    pub async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T> {
        self.ask(Request::Script(script), COMMAND_TIME_MAX).await.map_err(|error| self.error(&error))
    }

    pub(super) async fn ask<T: FromRedisValue>(&self, request: Request<'_>, limit: Duration) -> RedisResult<T> {
        let answer = self.0.connection.ask(request, limit).await?;
        // The library's own error repeats the answer, which may be long and is nobody else's business.
        T::from_redis_value(answer).map_err(|_| {
            (ErrorKind::UnexpectedReturnType, "the answer does not have the type", type_name::<T>().to_owned()).into()
        })
    }

    /// The error of whoever asked. Only what the command itself is to blame for is terminal: a server that is away, full,
    /// read-only or that refuses the password may get well.
    pub(super) fn error(&self, error: &RedisError) -> Error {
        let text = format!("Redis at `{}`: {}", self.0.address, self.without_password(error));
        let is_terminal = error.kind() == ErrorKind::UnexpectedReturnType || is_wrong_type(error);
        if is_terminal { Error::terminal(text) } else { Error::retryable(text) }
    }

    /// A server, or what stands before it, may repeat what it was sent.
    fn without_password(&self, error: &RedisError) -> String {
        let text = match (error.code(), error.detail()) {
            (Some(code), Some(detail)) => format!("{code} {detail}"),
            _ => error.to_string(),
        };
        match &self.0.password {
            Some(password) => text.replace(password, "…"),
            None => text,
        }
    }
}

/// The fixed part of a refusal, which holds nothing of the URL.
fn reason(error: &RedisError) -> &'static str {
    let text = error.to_string();
    let known = ["Invalid database number", "Missing hostname", "Missing path", "Cannot connect to a wildcard address"];
    known.into_iter().find(|known| text.starts_with(known)).unwrap_or("it does not parse")
}

/// Whether a key holds another kind than the command is for; an older server says so in the text of a script's failure.
pub(super) fn is_wrong_type(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE") || error.detail().is_some_and(|detail| detail.contains("WRONGTYPE "))
}

impl FromContext for Redis {
    fn from_context(context: &Context) -> Result<Self> {
        context.service()
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Redis").field(&self.0.address).finish()
    }
}
