//! The attribute as written: words, values and their spans. What the words mean is decided by `validate`.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Ident, Lit, Token, Type, parenthesized, token};

use crate::errors::{Errors, listed, suggestion};

// Attribute grammar, for all three macros:
//
//   list     := [element {"," element} [","]]
//   element  := word "=" value      id = "…"   retries = 3   event = Type   role = host   crate = path
//             | word "(" list ")"   concurrency(limit = 2, key = "…")   allow(unjournaled)
//             | value               singleton   Type   "family/thing.happened"
//   word     := identifier or keyword
//   value    := literal | "fn" | type

/// One element of an attribute.
pub(crate) struct Element {
    /// The word before `=` or `(`, or the word alone.
    pub(crate) word: Option<Ident>,
    /// What the word is set to.
    pub(crate) value: Value,
}

/// What a word is set to.
#[expect(clippy::large_enum_variant, reason = "there are a few of them, for one expansion")]
pub(crate) enum Value {
    /// Nothing: a word alone.
    Flag,
    /// A literal.
    Lit(Lit),
    /// A type, a path or a word.
    Type(Type),
    /// Elements in parentheses.
    List(Vec<Element>, Span),
}

impl Element {
    /// Where an error about the word goes.
    pub(crate) fn word_span(&self) -> Span {
        self.word.as_ref().map_or_else(|| self.value_span(), Ident::span)
    }

    /// Where an error about the value goes.
    pub(crate) fn value_span(&self) -> Span {
        match &self.value {
            Value::Flag => self.word.as_ref().map_or_else(Span::call_site, Ident::span),
            Value::Lit(lit) => lit.span(),
            Value::Type(ty) => ty.span(),
            Value::List(_, span) => *span,
        }
    }

    /// The word as text; empty for a value without a word.
    pub(crate) fn name(&self) -> String {
        self.word.as_ref().map(|word| word.unraw().to_string()).unwrap_or_default()
    }

    /// The value as a single word, such as `host`.
    pub(crate) fn value_word(&self) -> Option<String> {
        match &self.value {
            Value::Type(Type::Path(path)) if path.qself.is_none() => path.path.get_ident().map(Ident::to_string),
            Value::Flag => self.word.as_ref().map(Ident::to_string),
            _ => None,
        }
    }
}

impl Parse for Element {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Ident::peek_any) && !input.peek2(Token![::]) && !input.peek2(Token![<]) {
            let word = input.call(Ident::parse_any)?;
            let value = if input.peek(Token![=]) {
                input.parse::<Token![=]>()?;
                value(input)?
            } else if input.peek(token::Paren) {
                let content;
                let parens = parenthesized!(content in input);
                Value::List(elements(&content)?, parens.span.join())
            } else {
                Value::Flag
            };
            return Ok(Self { word: Some(word), value });
        }
        Ok(Self { word: None, value: value(input)? })
    }
}

fn value(input: ParseStream<'_>) -> syn::Result<Value> {
    if input.is_empty() || input.peek(Token![,]) {
        return Err(input.error("a value is missing here"));
    }
    if input.peek(Token![-]) && input.peek2(Lit) {
        let minus: Token![-] = input.parse()?;
        return Err(syn::Error::new(minus.span(), "a negative number means nothing here"));
    }
    if input.peek(Lit) {
        return input.parse().map(Value::Lit);
    }
    // `fn` is a value of `scope`; a type that starts with `fn` would go on with parentheses.
    if input.peek(Token![fn]) && !input.peek2(token::Paren) {
        let word = input.call(Ident::parse_any)?;
        return Ok(Value::Type(Type::Path(syn::TypePath { attrs: Vec::new(), qself: None, path: word.into() })));
    }
    input.parse().map(|ty| Value::Type(ungrouped(ty)))
}

/// The type without the invisible delimiters that a macro's fragment puts around it.
fn ungrouped(ty: Type) -> Type {
    match ty {
        Type::Group(group) => ungrouped(*group.elem),
        other => other,
    }
}

fn elements(input: ParseStream<'_>) -> syn::Result<Vec<Element>> {
    let mut found = Vec::new();
    while !input.is_empty() {
        found.push(input.parse()?);
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(found)
}

/// The elements of an attribute; after a mistake it goes on behind the next comma.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Vec<Element> {
    let parser = |input: ParseStream<'_>| {
        let mut found = Vec::new();
        while !input.is_empty() {
            match input.parse() {
                Ok(element) => found.push(element),
                Err(error) => {
                    errors.push(error);
                    skip_to_comma(input)?;
                }
            }
            if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                errors.push(input.error("expected `,`"));
                skip_to_comma(input)?;
                input.parse::<Option<Token![,]>>()?;
            }
        }
        Ok(found)
    };
    match parser.parse2(tokens) {
        Ok(found) => found,
        Err(error) => {
            errors.push(error);
            Vec::new()
        }
    }
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// Elements whose words are known and, but for those in `repeatable`, unique; the others are reported and left out.
pub(crate) fn known<'a>(
    elements: &'a [Element],
    of: &str,
    words: &[&str],
    repeatable: &[&str],
    errors: &mut Errors,
) -> Vec<&'a Element> {
    let mut found: Vec<&Element> = Vec::new();
    for element in elements {
        let name = element.name();
        if element.word.is_none() {
            errors.add(
                element.value_span(),
                format!("a value without a word is not expected in {of}; the words are {}", listed(words)),
            );
        } else if !words.contains(&name.as_str()) {
            let near = suggestion(&name, words);
            errors
                .add(element.word_span(), format!("{of} has no word `{name}`; {near}the words are {}", listed(words)));
        } else if !repeatable.contains(&name.as_str()) && found.iter().any(|earlier| earlier.name() == name) {
            errors.add(element.word_span(), format!("`{name}` is given twice in {of}; keep one of them"));
        } else {
            found.push(element);
        }
    }
    found
}

/// The element with this word.
pub(crate) fn find<'a>(elements: &[&'a Element], word: &str) -> Option<&'a Element> {
    elements.iter().find(|element| element.name() == word).copied()
}
