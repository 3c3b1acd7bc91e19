//! Every bound of the webhook gateway, each with its reason. Reaching one is an answer that names it.

use std::time::Duration;

/// Bytes of one delivery, unless the provider asks for more; vendors send small ones.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of all deliveries that are being read and verified, because nobody is known before the signature is.
pub const BODIES_BYTES_MAX: usize = 128 * 1024 * 1024;

/// How long a delivery's body may take to arrive.
pub const BODY_TIME_MAX: Duration = Duration::from_secs(30);

/// Larger bodies are verified and parsed beside the threads that serve requests.
pub const BODY_BYTES_INLINE: usize = 256 * 1024;

/// Wrong signatures of one client in a minute that are answered as such; further ones are told to wait.
pub const FAILURES_PER_MINUTE: u32 = 20;

/// Challenges of one client in a minute: each answer signs a text that the client chose.
pub const CHALLENGES_PER_MINUTE: u32 = 20;

/// Characters of a challenge's token; vendors' tokens have about fifty.
pub const CHALLENGE_TOKEN_MAX: usize = 256;

/// Clients that are told apart; further ones share one account, so that a flood cannot fill the memory.
pub const CLIENTS_MAX: usize = 10_000;

/// Bytes of a kept header; what vendors put there is an id or a word.
pub const HEADER_BYTES_MAX: usize = 1_024;

/// Bytes of a delivery's id; a longer one is replaced by its hash, because it is an index's key.
pub const DELIVERY_ID_BYTES_MAX: usize = 256;

/// Bytes of the reason why a delivery cannot be turned into events: it may quote what the vendor has sent.
pub const PROBLEM_BYTES_MAX: usize = 1_024;

/// Events of one delivery. Vendors that bundle send a few dozen.
pub const EVENTS_PER_DELIVERY_MAX: usize = 1_000;

/// Deliveries that are handed on to a server in one request.
pub const FORWARD_BATCH_MAX: u32 = 100;

/// Bytes of bodies that are read for one request to a server; one larger delivery goes alone.
pub const FORWARD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long a server that knew the functions is taken to know them still.
pub const FORWARD_KNOWN_MAX: Duration = Duration::from_secs(5);

/// The longest pause between attempts to hand on to a server.
pub const FORWARD_PAUSE_MAX: Duration = Duration::from_secs(30);

/// The pause after the first failed attempt; each later one is twice as long.
pub const FORWARD_PAUSE_FIRST: Duration = Duration::from_millis(200);
