//! One connection, made when it is needed and made again when it is lost.
//!
//! It is our own and not the library's manager, because that one stays broken for ever after a refusal that is no IO error
//! (a wrong password that is put right, too many clients), and keeps a connection on which nothing answers any more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, RedisResult};
use ::redis::{ScriptInvocation, ServerErrorKind, Value};
use tokio::time::{Instant, timeout};

/// How long it may take to reach the server, encryption and password included.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);

/// How long a command may take in all: until its turn comes, to connect, and until it is answered. The largest value takes
/// a second on a slow network.
pub const COMMAND_TIME_MAX: Duration = Duration::from_secs(5);

/// A connection that nobody has used for so long is made anew: the server, or what stands between, may have closed it, and
/// the command that finds out would fail.
pub const IDLE_TIME_MAX: Duration = Duration::from_secs(30);

/// What is asked of the server.
#[derive(Clone, Copy)]
pub(super) enum Request<'a> {
    Command(&'a Cmd),
    Script(&'a ScriptInvocation<'a>),
}

impl Request<'_> {
    async fn ask(self, connection: &mut MultiplexedConnection) -> RedisResult<Value> {
        match self {
            Self::Command(command) => command.query_async(connection).await,
            // A server that was restarted has forgotten the script; it is then sent again.
            Self::Script(script) => script.invoke_async(connection).await,
        }
    }
}

/// The connection, if there is one.
pub(super) struct Connection {
    client: Client,
    current: Mutex<Option<Current>>,
    /// One at a time connects; the others wait for it.
    turn: tokio::sync::Mutex<()>,
}

struct Current {
    connection: Arc<MultiplexedConnection>,
    used_at: Instant,
}

impl Connection {
    pub(super) fn new(client: Client) -> Self {
        Self { client, current: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// Asks within `limit`, and connects first when that is needed. What fails is not asked again: it may have happened.
    pub(super) async fn ask(&self, request: Request<'_>, limit: Duration) -> RedisResult<Value> {
        let mut used = None;
        let asking = async {
            let connection = used.insert(self.connect().await?);
            request.ask(&mut MultiplexedConnection::clone(connection)).await
        };
        let answer = timeout(limit, asking).await.unwrap_or_else(|_| Err(no_answer(limit)));
        if let (Err(error), Some(used)) = (&answer, &used)
            && is_lost(error)
        {
            self.forget(used);
        }
        answer
    }

    async fn connect(&self) -> RedisResult<Arc<MultiplexedConnection>> {
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        let _turn = self.turn.lock().await;
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        // The bounds are ours: those of the library are for each of a connection's first commands on its own.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let connection = timeout(CONNECT_TIME_MAX, connecting).await.map_err(|_| no_answer(CONNECT_TIME_MAX))??;
        let connection = Arc::new(connection);
        *self.lock() = Some(Current { connection: connection.clone(), used_at: Instant::now() });
        Ok(connection)
    }

    fn current(&self) -> Option<Arc<MultiplexedConnection>> {
        let mut current = self.lock();
        let current = current.as_mut().filter(|current| current.used_at.elapsed() < IDLE_TIME_MAX)?;
        current.used_at = Instant::now();
        Some(current.connection.clone())
    }

    /// The next command connects anew, unless another one has done so already.
    fn forget(&self, lost: &Arc<MultiplexedConnection>) {
        let mut current = self.lock();
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(&current.connection, lost)) {
            *current = None;
        }
    }

    // Nothing panics while it holds the lock.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_answer(limit: Duration) -> RedisError {
    std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer within {limit:?}")).into()
}

/// Whether another connection may do better: this one is gone, silent, or leads to a server that has become a replica.
fn is_lost(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}
