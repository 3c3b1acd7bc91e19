//! Checks that the compiler makes for us, placed so that it points at what the author wrote.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::item::ParameterRole;
use crate::validate::{Trigger, ValidatedFunction};

/// That the event parameter can hold every trigger's event, and the failure handler's as well.
///
/// Extractors, the result and `Send` need no check of their own: the generated call names each type as it was written.
pub(crate) fn function(valid: &ValidatedFunction) -> TokenStream {
    let mut checks = TokenStream::new();
    let parameters = valid
        .function
        .parameters
        .iter()
        .filter(|parameter| matches!(parameter.role, ParameterRole::Event | ParameterRole::Events));
    for parameter in parameters {
        let ty = &parameter.ty;
        for trigger in &valid.triggers {
            checks.extend(match trigger {
                Trigger::Event { ty: event, .. } => quote!(const _: () = __bus::assert_accepts::<#ty, #event>();),
                Trigger::Cron { span, .. } => {
                    quote_spanned!(*span=> const _: () = __bus::assert_accepts::<#ty, __bus::Cron>();)
                }
            });
        }
    }
    if let Some(path) = &valid.on_failure {
        let handler = format_ident!("__Handler", span = path.span());
        for trigger in &valid.triggers {
            let event = match trigger {
                Trigger::Event { ty, .. } => quote!(#ty),
                Trigger::Cron { .. } => quote!(__bus::Cron),
            };
            checks.extend(quote_spanned! {path.span()=>
                const _: () = __bus::assert_accepts::<<#handler as __bus::FailureHandler>::Input, #event>();
            });
        }
    }
    checks
}
