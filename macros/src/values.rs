//! Readers of single values: texts, numbers, durations, expressions and words; each reports what it cannot read.

use std::ops::RangeInclusive;

use syn::{Lit, LitStr, Path, Type};

use crate::args::{Element, Value};
use crate::errors::{Errors, listed, suggestion};

/// A text that is not empty.
pub(crate) fn text(element: &Element, errors: &mut Errors) -> Option<LitStr> {
    let name = element.name();
    match &element.value {
        Value::Lit(Lit::Str(text)) if text.value().trim().is_empty() => {
            errors.add(text.span(), format!("`{name}` must not be empty"));
            None
        }
        Value::Lit(Lit::Str(text)) => Some(text.clone()),
        _ => {
            errors.add(element.value_span(), format!("`{name}` takes a text: `{name} = \"…\"`"));
            None
        }
    }
}

/// An expression in the server's dialect; the build script parses it, here it only has to be there.
pub(crate) fn expression(element: &Element, errors: &mut Errors) -> Option<String> {
    text(element, errors).map(|text| text.value())
}

/// A whole number within `range`.
pub(crate) fn number(element: &Element, range: RangeInclusive<u32>, errors: &mut Errors) -> Option<u32> {
    let name = element.name();
    let Value::Lit(Lit::Int(lit)) = &element.value else {
        errors.add(element.value_span(), format!("`{name}` takes a whole number: `{name} = {}`", range.start()));
        return None;
    };
    match lit.base10_parse::<u32>() {
        Ok(value) if range.contains(&value) => Some(value),
        _ if *range.end() == u32::MAX => {
            errors.add(lit.span(), format!("`{name}` must be at least {}", range.start()));
            None
        }
        _ => {
            errors.add(lit.span(), format!("`{name}` must be {} to {}", range.start(), range.end()));
            None
        }
    }
}

/// One of a few words.
pub(crate) fn word(element: &Element, words: &[&'static str], errors: &mut Errors) -> Option<&'static str> {
    let name = element.name();
    let given = match &element.value {
        Value::Lit(Lit::Str(text)) => {
            errors.add(text.span(), format!("`{name}` takes a word without quotes: {}", listed(words)));
            return None;
        }
        Value::Flag => None,
        _ => element.value_word(),
    };
    let found = given.as_deref().and_then(|given| words.iter().copied().find(|word| *word == given));
    if found.is_none() {
        let near = given.map(|given| suggestion(&given, words)).unwrap_or_default();
        errors.add(element.value_span(), format!("`{name}` takes one of {}{}", listed(words), near_end(&near)));
    }
    found
}

fn near_end(near: &str) -> String {
    if near.is_empty() { String::new() } else { format!("; {}", near.trim_end()) }
}

/// A type, such as the one of an event.
pub(crate) fn type_value(element: &Element, errors: &mut Errors) -> Option<Type> {
    match &element.value {
        Value::Type(ty) => Some(ty.clone()),
        _ => {
            let name = element.name();
            let hint = if matches!(&element.value, Value::Lit(Lit::Str(_))) { ", not its name" } else { "" };
            errors.add(element.value_span(), format!("`{name}` takes the type of the event{hint}: `{name} = Type`"));
            None
        }
    }
}

/// A path, such as `module::function`.
pub(crate) fn path(element: &Element, errors: &mut Errors) -> Option<Path> {
    match &element.value {
        Value::Type(Type::Path(path)) if path.qself.is_none() => Some(path.path.clone()),
        _ => {
            let name = element.name();
            errors.add(element.value_span(), format!("`{name}` takes a path: `{name} = module::item`"));
            None
        }
    }
}

/// The elements in parentheses.
pub(crate) fn list<'a>(element: &'a Element, usage: &str, errors: &mut Errors) -> Option<&'a [Element]> {
    match &element.value {
        Value::List(elements, _) => Some(elements),
        _ => {
            errors.add(element.value_span(), format!("`{}` is written `{usage}`", element.name()));
            None
        }
    }
}

/// The limits of a duration, with their texts for the message.
pub(crate) struct Bounds {
    /// In milliseconds.
    pub(crate) range: RangeInclusive<u64>,
    /// Such as "`1s` to `7d`".
    pub(crate) text: &'static str,
}

/// 1 s to 7 days.
pub(crate) const WEEK: Bounds = Bounds { range: SECOND..=7 * DAY, text: "`1s` to `7d`" };
/// 1 s to 24 hours.
pub(crate) const ONE_DAY: Bounds = Bounds { range: SECOND..=DAY, text: "`1s` to `24h`" };
/// At least 1 s.
pub(crate) const FROM_SECOND: Bounds = Bounds { range: SECOND..=u64::MAX, text: "at least `1s`" };
/// Anything but nothing.
pub(crate) const POSITIVE: Bounds = Bounds { range: 1..=u64::MAX, text: "at least `1ms`" };

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK_MS: u64 = 7 * DAY;

/// A duration within `bounds`, in milliseconds.
pub(crate) fn duration(element: &Element, bounds: &Bounds, errors: &mut Errors) -> Option<u64> {
    let name = element.name();
    let Value::Lit(Lit::Str(text)) = &element.value else {
        errors.add(element.value_span(), format!("`{name}` takes a duration as a text: `{name} = \"45s\"`"));
        return None;
    };
    match milliseconds(&text.value()) {
        None => {
            errors.add(
                text.span(),
                format!(
                    "`{}` is no duration; \
                write numbers with the units `ms`, `s`, `m`, `h`, `d` or `w`, such as `45s` or `1h30m`",
                    text.value()
                ),
            );
            None
        }
        Some(value) if !bounds.range.contains(&value) => {
            errors.add(text.span(), format!("`{name}` must be {}", bounds.text));
            None
        }
        value => value,
    }
}

/// The milliseconds of `1h30m` and the like.
pub(crate) fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit_end = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..unit_end] {
            "ms" => 1,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            "w" => WEEK_MS,
            _ => return None,
        };
        rest = &rest[unit_end..];
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    (!text.is_empty()).then_some(total)
}

/// A function's id: kebab-case words joined by `/` or `.`.
pub(crate) fn id(element: &Element, errors: &mut Errors) -> Option<LitStr> {
    let text = text(element, errors)?;
    if is_id(&text.value()) {
        return Some(text);
    }
    errors.add(
        text.span(),
        format!(
            "`{}` is no function id; \
        write kebab-case words, which `/` and `.` may join, such as `github/workflow-run-notify`",
            text.value()
        ),
    );
    None
}

fn is_id(text: &str) -> bool {
    text.split(['/', '.', '-']).all(|word| {
        !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_their_units() {
        assert_eq!(milliseconds("500ms"), Some(500));
        assert_eq!(milliseconds("1h30m"), Some(90 * MINUTE));
        assert_eq!(milliseconds("2d"), Some(2 * DAY));
        assert_eq!(milliseconds("1w"), Some(7 * DAY));
    }

    #[test]
    fn other_texts_are_no_durations() {
        for text in ["", "5", "s", "5 s", "-5s", "1.5h", "5min", "99999999999999999999s"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn ids_are_kebab_case_words() {
        for id in ["a", "github/workflow-run-notify", "system/backup.failure.router", "check/o11y-triage"] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", "A", "a_b", "a--b", "/a", "a/", "a b"] {
            assert!(!is_id(id), "{id}");
        }
    }
}
