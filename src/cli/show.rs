//! Text for people: tables, times, statuses. Text from outside cannot steer the terminal.

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use jiff::Timestamp;

/// The width of text that goes to a file or a pipe.
const WIDTH_DEFAULT: u16 = 120;

/// Colours and width of the output.
#[derive(Clone, Copy)]
pub(super) struct Style {
    colours: bool,
    /// Whether lines must fit into the width: a pipe takes lines of any length, which are easier to search.
    fold: bool,
    width: u16,
}

impl Style {
    pub(super) fn new(colours: bool) -> Self {
        let terminal = Table::new().width();
        Self { colours, fold: terminal.is_some(), width: terminal.unwrap_or(WIDTH_DEFAULT).max(40) }
    }

    /// Columns of the output.
    pub(super) fn width(self) -> usize {
        usize::from(self.width)
    }

    /// A table with these columns.
    pub(super) fn table(self, columns: &[&str]) -> Rows {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if self.fold {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(self.width);
        }
        if self.colours {
            table.style_text_only();
        } else {
            table.force_no_tty();
        }
        table.set_header(columns.iter().map(|title| self.strong(title)));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        Rows(table)
    }

    /// A title.
    pub(super) fn strong(self, text: &str) -> Cell {
        let cell = Cell::new(text);
        if self.colours { cell.add_attribute(Attribute::Bold) } else { cell }
    }

    /// A run's status.
    pub(super) fn status(self, status: &str) -> Cell {
        let colour = match status {
            "Completed" | "handled" => Color::Green,
            "Failed" | "failed" => Color::Red,
            "Cancelled" | "Skipped" | "ignored" => Color::DarkGrey,
            _ => Color::Yellow,
        };
        self.coloured(status, colour)
    }

    /// Text in a colour.
    pub(super) fn coloured(self, text: &str, colour: Color) -> Cell {
        let cell = Cell::new(plain(text));
        if self.colours { cell.fg(colour) } else { cell }
    }

    /// Text that must not be folded, such as an id to be copied.
    pub(super) fn whole(text: &str) -> Cell {
        Cell::new(plain(text))
    }
}

/// A table that is being filled.
pub(super) struct Rows(Table);

impl Rows {
    pub(super) fn push(&mut self, row: Vec<Cell>) {
        self.0.add_row(row);
    }

    /// Keeps a column from being folded.
    pub(super) fn keep(&mut self, column: usize) {
        if let Some(column) = self.0.column_mut(column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }

    pub(super) fn text(&self) -> String {
        self.0.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }
}

/// Text without what could steer a terminal or turn the reading direction.
pub(super) fn plain(text: &str) -> String {
    let is_unsafe =
        |letter: char| letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|letter| if is_unsafe(letter) { ' ' } else { letter }).collect()
}

/// The start of a text, in one line.
pub(super) fn cut(text: &str, width: usize) -> String {
    let text = plain(text);
    if text.chars().count() <= width {
        return text;
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A time as RFC 3339, in UTC and whole seconds.
pub(super) fn time(millis: i64) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => "-".to_owned(),
    }
}

/// A time that may not have come.
pub(super) fn time_or_dash(millis: Option<i64>) -> String {
    millis.map_or_else(|| "-".to_owned(), time)
}

/// How long something took: `3 ms`, `1.2 s`, `4 m 05 s`, `2 h 10 m`, `3 d 4 h`.
pub(super) fn span(from: Option<i64>, until: Option<i64>) -> String {
    let (Some(from), Some(until)) = (from, until) else { return "-".to_owned() };
    let millis = until.saturating_sub(from).max(0);
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis % 1000 / 100),
        60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// The first sentence's line of a doc comment.
pub(super) fn first_line(doc: &str) -> &str {
    doc.trim().lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        for (millis, expected) in
            [(3, "3 ms"), (1_250, "1.2 s"), (245_000, "4 m 05 s"), (7_800_000, "2 h 10 m"), (273_600_000, "3 d 4 h")]
        {
            assert_eq!(span(Some(0), Some(millis)), expected);
        }
        assert_eq!(span(Some(5), None), "-");
    }

    #[test]
    fn outside_text_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\nc\u{202e}d"), "a [2Jb c d");
        assert_eq!(cut("abcdef", 4), "abc…");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time_or_dash(None), "-");
    }
}
