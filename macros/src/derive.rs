//! `#[derive(EventUnion)]`: an enum whose variants each hold one event's data.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, Ident, Path, Type};

use crate::args;
use crate::errors::Errors;
use crate::item;
use crate::validate;

/// An enum that can become tokens.
struct ValidatedUnion {
    krate: Path,
    ident: Ident,
    variants: Vec<(Ident, Type)>,
}

/// The whole story: parse, validate, expand.
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input = match syn::parse2::<DeriveInput>(item) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    match validate(&input, &mut errors) {
        Some(valid) if errors.is_empty() => implementation(&valid),
        _ => errors.into_tokens(),
    }
}

fn validate(input: &DeriveInput, errors: &mut Errors) -> Option<ValidatedUnion> {
    let krate = krate(input, errors);
    if !input.generics.params.is_empty() {
        errors.add_on(&input.generics, "a union of events cannot be generic");
    }
    let Data::Enum(data) = &input.data else {
        errors.add_on(
            &input.ident,
            "`EventUnion` belongs on an enum with one variant for each event: \
            `enum Either { One(EventOne), Other(EventOther) }`",
        );
        return None;
    };
    if data.variants.is_empty() {
        errors.add_on(&input.ident, "a union of events needs a variant for each event: `One(EventOne)`");
    }
    let mut variants: Vec<(Ident, Type)> = Vec::new();
    for variant in &data.variants {
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let ty = &fields.unnamed[0].ty;
                if variants.iter().any(|(_, other)| other == ty) {
                    errors.add_on(ty, "two variants hold the same event; keep one of them");
                }
                variants.push((variant.ident.clone(), ty.clone()));
            }
            _ => errors.add_on(
                &variant.ident,
                format!("a variant holds the data of one event: `{}(EventType)`", variant.ident),
            ),
        }
    }
    Some(ValidatedUnion { krate, ident: input.ident.clone(), variants })
}

/// `#[event_union(crate = path)]`, or the runtime.
fn krate(input: &DeriveInput, errors: &mut Errors) -> Path {
    let Some(attribute) = input.attrs.iter().find(|attribute| attribute.path().is_ident("event_union")) else {
        return item::default_crate();
    };
    let tokens = errors.keep(attribute.meta.require_list()).map(|list| list.tokens.clone()).unwrap_or_default();
    let elements = args::parse(tokens, errors);
    let words = args::known(&elements, "`#[event_union(…)]`", &["crate"], &[], errors);
    validate::krate(&words, errors)
}

fn implementation(valid: &ValidatedUnion) -> TokenStream {
    let ValidatedUnion { krate, ident, variants } = valid;
    let (names, types): (Vec<_>, Vec<_>) = variants.iter().cloned().unzip();
    let list = if types.len() == 1 { "it holds" } else { "it holds one of" };
    quote! {
        const _: () = {
            use #krate::__private as __bus;

            impl __bus::EventUnion for #ident {
                fn decode(
                    name: &str,
                    data: &__bus::serde_json::value::RawValue,
                ) -> ::core::result::Result<Self, __bus::DecodeError> {
                    #(
                        if name == <#types as __bus::EventData>::NAME {
                            return __bus::decode::<#types>(data).map(Self::#names);
                        }
                    )*
                    // An invocation carries the data of one of them, but not its name.
                    if name == "inngest/function.invoked" {
                        #(
                            if let ::core::result::Result::Ok(data) = __bus::decode::<#types>(data) {
                                return ::core::result::Result::Ok(Self::#names(data));
                            }
                        )*
                    }
                    let known: &[&str] = &[#(<#types as __bus::EventData>::NAME),*];
                    ::core::result::Result::Err(__bus::DecodeError {
                        path: ::std::string::String::new(),
                        message: ::std::format!("no variant holds the event `{name}`; {} {}", #list, known.join(", ")),
                    })
                }
            }

            #(impl __bus::Accepts<#types> for #ident {})*
        };
    }
}
