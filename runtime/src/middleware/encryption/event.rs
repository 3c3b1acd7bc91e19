//! Which parts of an event's data are encrypted.

use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};

use super::envelope::MARKER;
use crate::error::{Error, Result};

type Fields = BTreeMap<String, Box<RawValue>>;
type Change<'a> = dyn Fn(&mut Box<RawValue>) -> Result<()> + 'a;

/// Encrypts one field of the data; all else stays readable.
pub(super) fn encrypt(data: &mut Box<RawValue>, field: &str, encrypt: &Change<'_>) -> Result<()> {
    // No search for the field's text beforehand: JSON can write a name in several ways.
    change(data, &|name| name == field, encrypt)
}

/// Decrypts each top-level field that is encrypted, whatever its name; of a lifecycle event (`inngest/function.failed`,
/// `inngest/function.finished` and their like) also those of the original events, which it holds in `event` and `events`.
pub(super) fn decrypt(name: &str, data: &mut Box<RawValue>, decrypt: &Change<'_>) -> Result<()> {
    if !may_be_encrypted(data) {
        return Ok(());
    }
    change(data, &|_| true, decrypt)?;
    if !name.starts_with("inngest/function.") {
        return Ok(());
    }
    let in_data =
        |event: &mut Box<RawValue>| change(event, &|name| name == "data", &|data| change(data, &|_| true, decrypt));
    change(data, &|name| name == "event", &in_data)?;
    change(data, &|name| name == "events", &|events| {
        let Ok(mut list) = serde_json::from_str::<Vec<Box<RawValue>>>(events.get()) else { return Ok(()) };
        list.iter_mut().try_for_each(in_data)?;
        write(events, &list)
    })
}

/// Whether something in here is encrypted, or looks as if; most values are let go by this.
pub(super) fn may_be_encrypted(value: &RawValue) -> bool {
    value.get().contains(MARKER)
}

/// Changes the fields of an object that are asked for; another value has none.
fn change(data: &mut Box<RawValue>, is_wanted: &dyn Fn(&str) -> bool, change: &Change<'_>) -> Result<()> {
    let Ok(mut fields) = serde_json::from_str::<Fields>(data.get()) else { return Ok(()) };
    let mut changed = false;
    for (_, value) in fields.iter_mut().filter(|(name, _)| is_wanted(name)) {
        let before = value.get().as_ptr();
        change(value)?;
        changed |= value.get().as_ptr() != before;
    }
    if changed { write(data, &fields) } else { Ok(()) }
}

fn write(data: &mut Box<RawValue>, fields: &impl serde::Serialize) -> Result<()> {
    *data = to_raw_value(fields).map_err(Error::terminal)?;
    Ok(())
}
