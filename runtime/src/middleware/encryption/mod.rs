//! End-to-end encryption: what functions compute never leaves the process, or reaches a store, readable.
//!
//! The form is that of the TypeScript SDK's `@inngest/middleware-encryption`, strategy `inngest/libsodium`, so that
//! functions of both SDKs can share events, invocations and runs.

mod envelope;
mod event;
mod key;
mod secretbox;

pub use key::{EncryptionKey, KeyError};

use serde_json::value::RawValue;

use self::envelope::Keyring;
use super::{CallInfo, CallMiddleware, Input, Middleware, StepInfo};
use crate::error::{Error, Result};
use crate::event::{NewEvent, ReceivedEvent};
use crate::function::StepKind;
use crate::protocol::{Operation, StepResult};

/// The field of an event's data that is encrypted unless [`Encryption::event_field`] names another.
const EVENT_FIELD: &str = "encrypted";

/// Encrypts the results of steps, the output of functions, and one field of the data of events and invocations.
///
/// Null stays null. Not encrypted are: errors (name and message), the names of steps and functions, the other fields of
/// events, what `sleep`, waits and requests made by the server say, notifications, and state. A condition or a key over
/// an encrypted value sees the encrypted one and cannot match.
///
/// Register it before all other middleware: those then see plain values.
///
/// # Rotating keys
///
/// 1. `Encryption::new(current).fallback(new)` everywhere, so that all can read what the new key encrypts;
/// 2. `Encryption::new(new).fallback(current)` everywhere;
/// 3. `Encryption::new(new)` once the last run that has values of the old key has ended.
///
/// [`Encryption::decrypt_only`] in place of step 2 is the way to begin with encryption, or to give it up.
///
/// ```
/// use system_bus_runtime::middleware::{Encryption, EncryptionKey, MiddlewareStack};
///
/// let key = EncryptionKey::derive("32 random bytes, as base64")?;
/// let old = EncryptionKey::derive("the one before")?;
/// let stack = MiddlewareStack::default().with(Encryption::new(key).fallback(old));
/// # Ok::<(), system_bus_runtime::middleware::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Encryption {
    keys: Keyring,
    field: String,
    decrypt_only: bool,
}

impl Encryption {
    /// Encrypts with `key`, and decrypts with it.
    pub fn new(key: EncryptionKey) -> Self {
        Self { keys: Keyring::new(key), field: EVENT_FIELD.to_owned(), decrypt_only: false }
    }

    /// Decrypts with this key too, when those named before do not fit.
    #[must_use]
    pub fn fallback(mut self, key: EncryptionKey) -> Self {
        self.keys.add(key);
        self
    }

    /// Encrypts this field of the data of events, in place of `encrypted`.
    #[must_use]
    pub fn event_field(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }

    /// Encrypts nothing any more, and still decrypts.
    #[must_use]
    pub fn decrypt_only(mut self) -> Self {
        self.decrypt_only = true;
        self
    }

    fn encrypt(&self, value: &mut Box<RawValue>) -> Result<()> {
        if !self.decrypt_only && value.get() != "null" {
            *value = self.keys.encrypt(value)?;
        }
        Ok(())
    }

    /// Decrypts a value whose place is told in errors.
    fn decrypt(&self, value: &mut Box<RawValue>, place: impl FnOnce() -> String) -> Result<()> {
        match self.keys.decrypt(value) {
            Ok(None) => Ok(()),
            Ok(Some(plain)) => {
                *value = plain;
                Ok(())
            }
            Err(error) => {
                Err(Error::retryable(format!("{} cannot be decrypted: {error}", place())).named(DECRYPT_ERROR))
            }
        }
    }

    fn decrypt_event(&self, name: &str, data: &mut Box<RawValue>) -> Result<()> {
        event::decrypt(name, data, &|value| self.decrypt(value, || format!("the event `{name}`")))
    }

    fn encrypt_data(&self, data: &mut Box<RawValue>) -> Result<()> {
        if self.decrypt_only {
            return Ok(());
        }
        event::encrypt(data, &self.field, &|value| {
            // What one of the keys opens was encrypted before, by whoever sent it here.
            if matches!(self.keys.decrypt(value), Ok(Some(_))) { Ok(()) } else { self.encrypt(value) }
        })
    }

    fn decrypt_awaited(&self, step: &StepInfo, value: &mut Box<RawValue>) -> Result<()> {
        if !event::may_be_encrypted(value) {
            return Ok(());
        }
        // What is no event is the step's to complain of.
        let Ok(Some(mut received)) = serde_json::from_str::<Option<ReceivedEvent>>(value.get()) else { return Ok(()) };
        self.decrypt_event(&received.name, &mut received.data)?;
        *value = serde_json::value::to_raw_value(&received).map_err(|error| {
            Error::terminal(format!("the event of step `{}` cannot be written as JSON: {error}", step.name))
        })?;
        Ok(())
    }
}

/// The name of the error of a value that no key opens; another worker, or the next deployment, may have the key, so it
/// is retried.
const DECRYPT_ERROR: &str = "DecryptError";

impl Middleware for Encryption {
    fn name(&self) -> &'static str {
        "encryption"
    }

    fn begin(&self, _call: &CallInfo<'_>) -> Option<Box<dyn CallMiddleware>> {
        Some(Box::new(self.clone()))
    }

    fn before_send(&self, events: &mut Vec<NewEvent>) -> Result<()> {
        events.iter_mut().try_for_each(|event| self.encrypt_data(&mut event.data))
    }

    fn reveal_event(&self, event: &mut NewEvent) -> Result<()> {
        self.decrypt_event(&event.name, &mut event.data)
    }
}

impl CallMiddleware for Encryption {
    fn transform_input(&self, input: &mut Input) -> Result<()> {
        for event in input.events.iter_mut().filter(|event| event::may_be_encrypted(&event.data)) {
            let mut received = ReceivedEvent::clone(event);
            self.decrypt_event(&received.name, &mut received.data)?;
            *event = received.into();
        }
        Ok(())
    }

    fn transform_memoized(&self, step: &StepInfo, result: &mut StepResult) -> Result<()> {
        let Ok(value) = result else { return Ok(()) };
        self.decrypt(value, || format!("the result of step `{}`", step.name))?;
        if step.kind == StepKind::WaitForEvent { self.decrypt_awaited(step, value) } else { Ok(()) }
    }

    fn transform_operation(&self, _step: &StepInfo, operation: &mut Operation) -> Result<()> {
        match operation {
            Operation::Invoke { data, .. } => self.encrypt_data(data),
            _ => Ok(()),
        }
    }

    fn transform_output(&self, _step: Option<&StepInfo>, output: &mut Result<Box<RawValue>>) -> Result<()> {
        output.as_mut().map_or(Ok(()), |value| self.encrypt(value))
    }
}

#[cfg(test)]
mod tests;
