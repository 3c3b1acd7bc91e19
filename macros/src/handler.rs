//! `#[failure_handler]`: what runs when a function has failed. Its signature and body follow the rules of functions.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{ItemFn, Path};

use crate::args;
use crate::errors::Errors;
use crate::expand;
use crate::fallback;
use crate::item::{self, Function, ParameterRole};
use crate::steps::{self, Body};
use crate::validate::{self, InvalidFunction};

const WORDS: [&str; 3] = ["retries", "allow", "crate"];

/// A failure handler that can become tokens.
struct ValidatedHandler {
    krate: Path,
    function: Function,
    retries: Option<u8>,
    body: Body,
    line: u32,
}

/// The whole story: parse, validate, expand, or fall back.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => return fallback::item("`#[failure_handler]` belongs on a free async function", item, error),
    };
    match validate(args, function) {
        Ok(valid) => registration(&valid),
        Err(invalid) => fallback::handler(*invalid),
    }
}

fn validate(args: TokenStream, item: ItemFn) -> Result<ValidatedHandler, Box<InvalidFunction>> {
    let mut errors = Errors::default();
    let original = item.clone();
    let elements = args::parse(args, &mut errors);
    let words = args::known(&elements, "`#[failure_handler(…)]`", &WORDS, &[], &mut errors);
    let krate = validate::krate(&words, &mut errors);
    let function = item::read(item, &mut errors);
    check_event_parameter(&function, &mut errors);
    let retries = args::find(&words, "retries").and_then(|element| validate::retries(element, &mut errors));
    let unjournaled = validate::unjournaled(&words, &mut errors);
    let body = steps::find(&function, unjournaled, &mut errors);
    if errors.is_empty() {
        Ok(ValidatedHandler { krate, function, retries, body, line: validate::line(Span::call_site()) })
    } else {
        Err(Box::new(InvalidFunction { krate, item: original, errors }))
    }
}

/// The event that starts a failure handler tells of the failure; the one that an author means is inside of it.
fn check_event_parameter(function: &Function, errors: &mut Errors) {
    for parameter in &function.parameters {
        if matches!(parameter.role, ParameterRole::Event | ParameterRole::Events) {
            errors.add_on(
                &parameter.ty,
                "a failure handler takes `Failure<…>`: its `event` is the one that started the failed run \
                (and its `events` the batch)",
            );
        }
    }
}

fn registration(valid: &ValidatedHandler) -> TokenStream {
    let ValidatedHandler { krate, function, retries, body, line } = valid;
    let item = &function.item;
    let (vis, name, doc) = (&item.vis, &item.sig.ident, &function.doc);
    let item_name = name.to_string();
    let conditions: Vec<_> = item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
    let input = function.parameters.iter().find(|parameter| parameter.role == ParameterRole::Failure);
    let input = input.map_or_else(
        || quote!(__bus::AnyEvent),
        |parameter| {
            let ty = &parameter.ty;
            quote!(#ty)
        },
    );
    let steps = body.sites.iter().map(expand::step_site);
    let imports = &body.imports;
    let call = expand::call(function);
    let retries = retries.map(|retries| quote!(handler.retries = #retries;));
    quote! {
        #item

        #(#conditions)*
        #[doc(hidden)]
        #[allow(dead_code, non_camel_case_types, unreachable_pub)]
        #vis enum #name {}

        #(#conditions)*
        const _: () = {
            use #krate::__private as __bus;
            #[allow(unused_imports)]
            use #krate::__private::NotAnEvent as _;
            #(#[allow(unused_imports)] #imports)*

            const __STEPS: &[__bus::StepSite] = &[#(#steps),*];

            #call

            impl __bus::FailureHandler for #name {
                type Input = #input;
                const REGISTRATION: __bus::FailureRegistration = {
                    let site = __bus::Site {
                        file: ::core::file!(),
                        line: #line,
                        manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
                    };
                    let mut handler = __bus::FailureRegistration::new(#item_name, __call, site);
                    handler.doc = #doc;
                    handler.steps = __STEPS;
                    #retries
                    handler
                };
            }

            __bus::inventory::submit! { <#name as __bus::FailureHandler>::REGISTRATION }
        };
    }
}
