//! Connect: the websocket transport of the protocol (`SDK_SPEC.md` §8). The worker opens a connection to a gateway of
//! the server, and requests and replies travel over it; nothing has to reach the worker from outside.
//!
//! [`start`] runs a worker on a thread of its own; functions run elsewhere, through a [`Handler`].
//!
//! # States
//!
//! What [`Status::state`] shows, and what it becomes:
//!
//! | state | on | becomes |
//! | --- | --- | --- |
//! | `CONNECTING` | an attempt fails | `CONNECTING`; the next one after a pause |
//! | | the gateway confirms the registration | `ACTIVE` |
//! | `ACTIVE` | the gateway drains | `ACTIVE`; the next connection is opened first |
//! | | the websocket is lost, or two heartbeats are not answered | `RECONNECTING` |
//! | `RECONNECTING` | an attempt fails | `RECONNECTING`; the next one after a pause |
//! | | the gateway confirms the registration | `ACTIVE` |
//! | each of these | [`Handle::shutdown`] | `CLOSING` |
//! | `CLOSING` | no call runs and the server has every reply, or the time is over | `CLOSED` |
//!
//! There is no bound on attempts and no failure that ends the worker. The pauses are those of §8.6, with up to a tenth
//! more. What only an operator can change (a key that is not accepted, functions that the server refuses) is tried
//! again every five minutes, because the change may be made on the server's side; [`Status::error`] says what it is.
//!
//! Each websocket has phases of its own, of which two overlap while one replaces the other:
//!
//! | phase | message or event | becomes | sends |
//! | --- | --- | --- | --- |
//! | dialing | the websocket is open | hello | |
//! | hello (5 s) | `GATEWAY_HELLO` | ready | `WORKER_CONNECT` |
//! | ready (20 s) | `GATEWAY_CONNECTION_READY` | active | closes the one before |
//! | | `SYNC_FAILED` | gone | |
//! | active | `GATEWAY_EXECUTOR_REQUEST` | active | `WORKER_REQUEST_ACK` |
//! | | heartbeat, lease or status interval | active | `WORKER_HEARTBEAT`, `WORKER_REQUEST_EXTEND_LEASE`, `WORKER_STATUS` |
//! | | a call is over | active | `WORKER_REPLY` |
//! | | `GATEWAY_CLOSING` | draining | |
//! | draining | a call is over, lease interval | draining | as active, while no other websocket is |
//! | active, draining | its place is taken, or shutdown | closing | close 1000 `WORKER_SHUTDOWN` |
//! | closing (5 s) | the gateway confirms it | gone | |
//! | each | any other first message, time over, loss | gone | |
//!
//! # Requests and replies
//!
//! - A request that is acknowledged is executed once, even when it arrives again meanwhile, and answered once.
//! - A call whose lease is lost goes on, and its reply is sent: the server takes it for the repeated request.
//! - Beyond [`Config::max_worker_concurrency`] requests wait unacknowledged, in bounded number and time, so that the
//!   gateway can give them to another worker.
//! - A reply that is not confirmed within 5 s, or whose websocket is lost, goes through the flush API, until the server
//!   has it. A reply is given up only when the server refuses it, 64 MiB of newer ones wait, or the worker ends; each
//!   is in the log and in [`Status::lost_replies`].
//!
//! # Parts
//!
//! `machine` decides, without IO and clock; `driver` performs. `calls`, `replies`, `link`, `backoff` and `exclusions`
//! are the machine's parts; `socket` and `http` the driver's. `proto` is made from `connect.proto`.

mod backoff;
mod calls;
mod config;
mod driver;
mod duration;
mod exclusions;
mod failure;
pub mod frame;
mod handler;
mod http;
mod limits;
mod link;
mod machine;
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "made by prost-build")]
mod proto;
mod registration;
mod replies;
mod socket;
mod state;
mod system;
#[cfg(test)]
mod tests;

pub use config::{App, Config};
pub use driver::{Handle, StartError, start};
pub use handler::{Handler, Request, Response, ResponseStatus};
pub use state::{State, Status};
