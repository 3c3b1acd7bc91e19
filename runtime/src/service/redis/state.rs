//! State in Redis.

use std::time::Duration;

use ::redis::{FromRedisValue, RedisError, RedisResult, cmd};

use super::connection::{COMMAND_TIME_MAX, Request};
use super::handle::is_wrong_type;
use super::{Redis, ScriptInvocation, scripts};
use crate::service::{ListEnd, STATE_ITEMS_MAX, ServiceFuture, StateCommand, StateProblem, StateReply, StateStore};

/// State kept in Redis, under the keys as they are and as the kinds that Redis has for it: JSON texts as strings, lists and
/// hashes of JSON texts, sets of plain texts. Whatever other programs left there in the same form can be read.
#[derive(Clone, Debug)]
pub struct RedisState(Redis);

impl RedisState {
    /// State kept in this Redis.
    pub fn new(redis: Redis) -> Self {
        Self(redis)
    }
}

impl StateStore for RedisState {
    fn apply(&self, key: String, command: StateCommand) -> ServiceFuture<'_, StateReply> {
        Box::pin(async move {
            let reply = self.reply(&key, command).await;
            reply.or_else(|error| match problem(&error) {
                Some(problem) => Ok(StateReply::Refused(problem)),
                None => Err(self.0.error(&error)),
            })
        })
    }

    fn publish(&self, channel: String, message: String) -> ServiceFuture<'_, ()> {
        Box::pin(async move { self.0.query::<()>(cmd("PUBLISH").arg(channel).arg(message)).await })
    }
}

impl RedisState {
    async fn reply(&self, key: &str, command: StateCommand) -> RedisResult<StateReply> {
        Ok(match command {
            StateCommand::Get => StateReply::Text(self.command("GET", key, &[]).await?),
            StateCommand::Set { value, expires_after, only_if_absent } => {
                let only_if_absent = u8::from(only_if_absent);
                let mut script = scripts::SET.key(key);
                self.flag(script.arg(value).arg(millis(expires_after)).arg(only_if_absent)).await?
            }
            StateCommand::Take => StateReply::Text(self.script(&scripts::TAKE.key(key)).await?),
            StateCommand::Increment { by, expires_after } => {
                let mut script = scripts::INCREMENT.key(key);
                StateReply::Number(self.script(script.arg(by).arg(millis(expires_after))).await?)
            }
            StateCommand::Acquire { owner, lasts } => {
                self.flag(scripts::ACQUIRE.key(key).arg(owner).arg(millis(Some(lasts)))).await?
            }
            StateCommand::Release { owner } => self.flag(scripts::RELEASE.key(key).arg(owner)).await?,
            StateCommand::Push { item, end, keep } => {
                let end = match end {
                    ListEnd::First => "first",
                    ListEnd::Last => "last",
                };
                let mut script = scripts::PUSH.key(key);
                script.arg(item).arg(end).arg(keep.unwrap_or(u32::MAX)).arg(STATE_ITEMS_MAX);
                match self.script(&script).await? {
                    FULL => StateReply::Refused(StateProblem::Full),
                    length => StateReply::Number(length),
                }
            }
            StateCommand::List => StateReply::Texts(self.command("LRANGE", key, &["0", "-1"]).await?),
            StateCommand::TakeList => StateReply::Texts(self.script(&scripts::TAKE_LIST.key(key)).await?),
            StateCommand::AddMember(member) => {
                self.flag(scripts::ADD_MEMBER.key(key).arg(member).arg(STATE_ITEMS_MAX)).await?
            }
            StateCommand::RemoveMember(member) => StateReply::Flag(self.command("SREM", key, &[&member]).await?),
            StateCommand::HasMember(member) => StateReply::Flag(self.command("SISMEMBER", key, &[&member]).await?),
            StateCommand::Members => {
                let mut members: Vec<String> = self.command("SMEMBERS", key, &[]).await?;
                members.sort_unstable();
                StateReply::Texts(members)
            }
            StateCommand::SetField { field, value } => {
                self.flag(scripts::SET_FIELD.key(key).arg(field).arg(value).arg(STATE_ITEMS_MAX)).await?
            }
            StateCommand::Field(field) => StateReply::Text(self.command("HGET", key, &[&field]).await?),
            StateCommand::Fields => StateReply::Fields(self.command("HGETALL", key, &[]).await?),
            StateCommand::RemoveField(field) => StateReply::Flag(self.command("HDEL", key, &[&field]).await?),
            StateCommand::Expire(after) => {
                StateReply::Flag(self.command("PEXPIRE", key, &[&millis(Some(after)).to_string()]).await?)
            }
            StateCommand::Remove => StateReply::Flag(self.command("DEL", key, &[]).await?),
        })
    }

    async fn command<T: FromRedisValue>(&self, name: &str, key: &str, arguments: &[&str]) -> RedisResult<T> {
        let mut command = cmd(name);
        command.arg(key).arg(arguments);
        self.0.ask(Request::Command(&command), COMMAND_TIME_MAX).await
    }

    async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> RedisResult<T> {
        self.0.ask(Request::Script(script), COMMAND_TIME_MAX).await
    }

    async fn flag(&self, script: &ScriptInvocation<'_>) -> RedisResult<StateReply> {
        Ok(match self.script(script).await? {
            FULL => StateReply::Refused(StateProblem::Full),
            flag => StateReply::Flag(flag != 0),
        })
    }
}

/// What a script answers when there is no room.
const FULL: i64 = -1;

/// An expiry as the scripts have it.
fn millis(after: Option<Duration>) -> u64 {
    after.map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX))
}

/// What an answer says of the key, rather than of the server.
fn problem(error: &RedisError) -> Option<StateProblem> {
    let says = |text: &str| error.detail().is_some_and(|detail| detail.contains(text));
    if is_wrong_type(error) {
        Some(StateProblem::WrongKind)
    } else if says("value is not an integer") {
        Some(StateProblem::NotANumber)
    } else if says("increment or decrement would overflow") {
        Some(StateProblem::Overflow)
    } else {
        None
    }
}
