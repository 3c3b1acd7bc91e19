//! The error collector: a macro reports every mistake at once, each on the token the author wrote.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds a mistake at `span`.
    pub(crate) fn add(&mut self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    /// Adds a mistake that covers all of `tokens`.
    pub(crate) fn add_on(&mut self, tokens: impl quote::ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds a mistake that a parser reported.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value of a good result; the mistake of a bad one is kept.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The texts of the mistakes.
    #[cfg(test)]
    pub(crate) fn messages(self) -> Vec<String> {
        self.0.into_iter().flatten().map(|error| error.to_string()).collect()
    }

    /// One `compile_error!` for each mistake.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(syn::Error::into_compile_error).unwrap_or_default()
    }
}

/// "did you mean `…`? ", when one of `known` is near to `word`.
pub(crate) fn suggestion(word: &str, known: &[&str]) -> String {
    let normal = word.to_lowercase().replace('-', "_");
    let near = known
        .iter()
        .map(|candidate| (distance(&normal, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 5 || same_start(&normal, candidate))
        .min();
    near.map(|(_, candidate)| format!("did you mean `{candidate}`? ")).unwrap_or_default()
}

/// "`a`, `b` and `c`".
pub(crate) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Whether two words share their first four letters.
fn same_start(left: &str, right: &str) -> bool {
    left.chars().zip(right.chars()).take_while(|(left, right)| left == right).count() >= 4
}

/// The number of letters to insert, remove or change (Levenshtein); underscores do not count.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().filter(|letter| *letter != '_').collect();
    let right: Vec<char> = right.chars().filter(|letter| *letter != '_').collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at_left, letter) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at_left + 1;
        for (at_right, other) in right.iter().enumerate() {
            let replace = diagonal + usize::from(letter != other);
            diagonal = row[at_right + 1];
            row[at_right + 1] = replace.min(diagonal + 1).min(row[at_right] + 1);
        }
    }
    row[right.len()]
}
