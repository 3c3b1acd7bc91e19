//! What we emit for invalid input: the mistakes, and enough of the item that each of them gives one message only.

use proc_macro2::TokenStream;
use quote::quote;

use crate::validate::InvalidFunction;

/// The item as written, and why the attribute does not fit it.
pub(crate) fn item(usage: &str, item: TokenStream, cause: syn::Error) -> TokenStream {
    let error = syn::Error::new(cause.span(), format!("{usage}: {cause}")).into_compile_error();
    quote!(#item #error)
}

/// The failure handler as written and a type for `on_failure`, but no registration.
pub(crate) fn handler(invalid: InvalidFunction) -> TokenStream {
    let InvalidFunction { krate, item, errors } = invalid;
    let errors = errors.into_tokens();
    let (vis, name) = (&item.vis, &item.sig.ident);
    if item.sig.receiver().is_some() {
        return quote!(#item #errors);
    }
    quote! {
        #[allow(dead_code)]
        #item

        #[doc(hidden)]
        #[allow(dead_code, non_camel_case_types, unreachable_pub)]
        #vis enum #name {}

        const _: () = {
            use #krate::__private as __bus;

            impl __bus::FailureHandler for #name {
                type Input = __bus::AnyEvent;
                const REGISTRATION: __bus::FailureRegistration = __bus::FailureRegistration::new(
                    "",
                    |_| ::core::unreachable!(),
                    __bus::Site { file: "", line: 0, manifest_dir: "" },
                );
            }
        };

        #errors
    }
}

/// The function as written and a type for `step.invoke`, but no registration.
pub(crate) fn function(invalid: InvalidFunction) -> TokenStream {
    let InvalidFunction { krate, item, errors } = invalid;
    let errors = errors.into_tokens();
    let (vis, name) = (&item.vis, &item.sig.ident);
    let id = name.to_string();
    if item.sig.receiver().is_some() {
        // A type cannot stand in an `impl` block.
        return quote!(#item #errors);
    }
    quote! {
        #[allow(dead_code)]
        #item

        #[doc(hidden)]
        #[allow(dead_code, non_camel_case_types, unreachable_pub)]
        #vis enum #name {}

        const _: () = {
            use #krate::__private as __bus;

            impl __bus::Function for #name {
                type Input = __bus::serde_json::Value;
                type Output = __bus::serde_json::Value;
                const ID: &'static str = #id;
            }
        };

        #errors
    }
}
