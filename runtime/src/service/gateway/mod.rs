//! The operator's message channel: progress, notifications, alerts, and what happens to them while the system sleeps.
//!
//! - `calls`: [`Gateway`], what functions call
//! - `notification`: a message, how urgent it is, where it goes
//! - `session`: which conversations can be addressed
//! - `sleep`: which messages wait while the system sleeps, and as what
//! - `redis`: the channel of consumers that listen at Redis

mod calls;
mod notification;
mod redis;
mod session;
mod sleep;

pub use self::redis::RedisSink;
pub use calls::{Gateway, Notified};
pub use notification::{Delivery, MESSAGE_BYTES_MAX, Notification, NotificationSink, Urgency};
pub use session::{SESSION_BYTES_MAX, check_session};
pub use sleep::{QueuedMessage, SLEEP_KEY, SLEEP_QUEUE_KEY, SleepState, iso_time};
