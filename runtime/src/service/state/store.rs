//! What a store of state does: one command on one key, at once or not at all.
//!
//! [`State`](super::State) checks what it is given and encodes it, so that a store sees keys, texts and durations within
//! the bounds named here. Every store passes the same suite, `testing::check_state_store`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::ServiceFuture;
use crate::error::{Error, Result};

/// Bytes of a key, of a member of a set, of a hash's field, of a lock's owner and of a channel: all are keys of an index.
pub const STATE_KEY_BYTES_MAX: usize = 1_024;

/// Bytes of a value, of a list's item, of a hash's value and of a published message, as JSON; the bound of a step's
/// result, which they often become.
pub const STATE_VALUE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Items of one list, set or hash: all of them are read at once, and removed in one transaction.
pub const STATE_ITEMS_MAX: u32 = 10_000;

/// The longest time until something expires, a hundred years; what is longer is cut to it.
pub const STATE_EXPIRY_MAX: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// Where [`State`](super::State) keeps what it is given.
pub trait StateStore: Send + Sync + 'static {
    /// Does one command on one key, durably, and whole or not at all. An error is one of the store; what the key's
    /// content does not allow is a [`StateReply::Refused`].
    fn apply(&self, key: String, command: StateCommand) -> ServiceFuture<'_, StateReply>;

    /// Wakes who listens to a channel at other programs, at most once. A store that other programs do not share has no
    /// listeners.
    fn publish(&self, channel: String, message: String) -> ServiceFuture<'_, ()> {
        let _ = (channel, message);
        Box::pin(async { Ok(()) })
    }
}

/// What to do with a key. Texts are JSON, but for the members of sets and the fields of hashes; durations are whole
/// milliseconds, at least one, at most [`STATE_EXPIRY_MAX`]. A list, set or hash that becomes empty is gone.
#[derive(Clone, PartialEq, Eq)]
pub enum StateCommand {
    /// The value: a [`StateReply::Text`].
    Get,
    /// Sets the value and its expiry; whether it did.
    Set {
        /// The value.
        value: String,
        /// Until when it is there; for ever when `None`.
        expires_after: Option<Duration>,
        /// Whether a value that is there stays.
        only_if_absent: bool,
    },
    /// Reads the value and removes it: a [`StateReply::Text`].
    Take,
    /// Adds to a value that is a whole number, 0 when absent: the new one as a [`StateReply::Number`].
    Increment {
        /// What to add.
        by: i64,
        /// The expiry of a counter that this command makes; one that is there keeps its own.
        expires_after: Option<Duration>,
    },
    /// Takes a lock, or extends it for the owner that has it; whether it did. A lock is a value, its owner.
    Acquire {
        /// Who wants it.
        owner: String,
        /// How long it is held from now on.
        lasts: Duration,
    },
    /// Gives a lock back; whether this owner had it.
    Release {
        /// Who had it.
        owner: String,
    },
    /// Adds an item at an end of a list: the new length as a [`StateReply::Number`].
    Push {
        /// The item.
        item: String,
        /// Where.
        end: ListEnd,
        /// How many items stay, counted from that end; at least one.
        keep: Option<u32>,
    },
    /// All items, first to last: [`StateReply::Texts`].
    List,
    /// Reads all items and removes them: [`StateReply::Texts`].
    TakeList,
    /// Adds a member to a set; whether it is new.
    AddMember(String),
    /// Removes a member; whether it was there.
    RemoveMember(String),
    /// Whether the set has a member.
    HasMember(String),
    /// All members, sorted: [`StateReply::Texts`].
    Members,
    /// Sets a field of a hash; whether the field is new.
    SetField {
        /// The field.
        field: String,
        /// Its value.
        value: String,
    },
    /// The value of a field: a [`StateReply::Text`].
    Field(String),
    /// All fields with their values: [`StateReply::Fields`].
    Fields,
    /// Removes a field; whether it was there.
    RemoveField(String),
    /// Lets a key of any kind expire; whether it is there.
    Expire(Duration),
    /// Removes a key of any kind; whether it was there.
    Remove,
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListEnd {
    /// Before the first item.
    First,
    /// Behind the last item.
    Last,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateKind {
    /// A value; a counter and a lock are values, too.
    Value,
    /// A list.
    List,
    /// A set.
    Set,
    /// A hash.
    Hash,
}

impl StateCommand {
    /// The kind that it is about; `None` when it takes any.
    pub fn kind(&self) -> Option<StateKind> {
        match self {
            Self::Get
            | Self::Set { .. }
            | Self::Take
            | Self::Increment { .. }
            | Self::Acquire { .. }
            | Self::Release { .. } => Some(StateKind::Value),
            Self::Push { .. } | Self::List | Self::TakeList => Some(StateKind::List),
            Self::AddMember(_) | Self::RemoveMember(_) | Self::HasMember(_) | Self::Members => Some(StateKind::Set),
            Self::SetField { .. } | Self::Field(_) | Self::Fields | Self::RemoveField(_) => Some(StateKind::Hash),
            Self::Expire(_) | Self::Remove => None,
        }
    }

    /// Whether it changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Get | Self::List | Self::HasMember(_) | Self::Members | Self::Field(_) | Self::Fields)
    }

    /// The longest of its texts, in bytes: what it takes to hold it until it is done.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Set { value: text, .. } | Self::Push { item: text, .. } | Self::SetField { value: text, .. } => {
                text.len()
            }
            _ => STATE_KEY_BYTES_MAX,
        }
    }
}

/// What a store answers.
#[derive(Clone, PartialEq, Eq)]
pub enum StateReply {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(i64),
    /// A text that may be absent.
    Text(Option<String>),
    /// Texts in their order.
    Texts(Vec<String>),
    /// Fields with their values.
    Fields(BTreeMap<String, String>),
    /// Nothing was done.
    Refused(StateProblem),
}

/// Why a command cannot be done with what the key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateProblem {
    /// The key holds another kind.
    WrongKind,
    /// The list, set or hash has [`STATE_ITEMS_MAX`] items already.
    Full,
    /// The value is not a whole number of 64 bits.
    NotANumber,
    /// The sum has more than 64 bits.
    Overflow,
}

impl StateProblem {
    /// The error of whoever asked; no other attempt can cure it.
    pub(super) fn error(self, key: &str, kind: Option<StateKind>) -> Error {
        let kind = match kind {
            Some(StateKind::List) => "list",
            Some(StateKind::Set) => "set",
            Some(StateKind::Hash) => "hash",
            Some(StateKind::Value) | None => "value",
        };
        Error::terminal(match self {
            Self::WrongKind => format!("WRONGTYPE: the state under `{key}` is not a {kind}: use another key"),
            Self::Full => format!(
                "the {kind} under `{key}` has {STATE_ITEMS_MAX} items, the most that one {kind} holds (`STATE_ITEMS_MAX`): \
                 remove some, or let the key expire"
            ),
            Self::NotANumber => format!("the state under `{key}` is not a whole number, so nothing can be added to it"),
            Self::Overflow => format!("the counter under `{key}` has no room for more: it has 64 bits"),
        })
    }
}

/// A type that an answer is expected to have.
pub(super) trait Answer: Sized {
    /// The answer, unless it is of another type.
    fn of(reply: StateReply) -> Option<Self>;
}

/// The answer as the type that the command has.
pub(super) fn answer<T: Answer>(reply: StateReply) -> Result<T> {
    T::of(reply).ok_or_else(|| Error::terminal("the state store answers something that was not asked"))
}

macro_rules! answers {
    ($($variant:ident($type:ty)),*) => {$(
        impl Answer for $type {
            fn of(reply: StateReply) -> Option<Self> {
                match reply {
                    StateReply::$variant(value) => Some(value),
                    _ => None,
                }
            }
        }
    )*};
}

answers!(Flag(bool), Number(i64), Text(Option<String>), Texts(Vec<String>), Fields(BTreeMap<String, String>));
