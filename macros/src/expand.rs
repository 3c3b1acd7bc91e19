//! `#[inngest_fn]`: from what is valid to tokens. It cannot fail; what is invalid goes to `fallback`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemFn, Path, Type};

use crate::checks;
use crate::fallback;
use crate::flow_control::{
    Batch, CancelOn, Checkpoint, Concurrency, Debounce, FlowControl, RateLimit, Singleton, Throttle, Timeouts,
};
use crate::item::{Function, option};
use crate::steps::StepSite;
use crate::validate::{self, Trigger, ValidatedFunction};

/// The whole story: parse, validate, expand, or fall back.
pub(crate) fn function(args: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => return fallback::item("`#[inngest_fn(…)]` belongs on a free async function", item, error),
    };
    match validate::function(args, function) {
        Ok(valid) => registration(&valid),
        Err(invalid) => fallback::function(*invalid),
    }
}

fn registration(valid: &ValidatedFunction) -> TokenStream {
    let ValidatedFunction { krate, function, id, line, .. } = valid;
    let item = &function.item;
    let (vis, name) = (&item.vis, &item.sig.ident);
    let conditions: Vec<_> = item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
    let input = input_type(valid);
    let output = output(function);
    let result = quote_spanned!(output.span()=> <#output as __bus::FunctionResult>::Output);
    let triggers = valid.triggers.iter().map(trigger);
    let cancel_on = valid.cancel_on.iter().map(cancel_on);
    let steps = valid.body.sites.iter().map(step_site);
    let settings = settings(valid);
    let imports = &valid.body.imports;
    let call = call(function);
    let companion = valid.on_failure.as_ref().map(|path| companion(valid, path));
    let checks = checks::function(valid);
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

            impl __bus::Function for #name {
                type Input = #input;
                type Output = #result;
                const ID: &'static str = #id;
            }

            const __TRIGGERS: &[__bus::Trigger] = &[#(#triggers),*];
            const __CANCEL_ON: &[__bus::CancelOn] = &[#(#cancel_on),*];
            const __STEPS: &[__bus::StepSite] = &[#(#steps),*];
            const __CONFIG: __bus::FunctionConfig = {
                let mut config = __bus::FunctionConfig::new(#id);
                config.triggers = __TRIGGERS;
                config.cancel_on = __CANCEL_ON;
                config.steps = __STEPS;
                #settings
                config
            };

            #call

            __bus::inventory::submit! {
                __bus::FunctionRegistration {
                    config: __CONFIG,
                    call: __call,
                    site: __bus::Site {
                        file: ::core::file!(),
                        line: #line,
                        manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
                    },
                }
            }

            #companion
            #checks
        };
    }
}

/// The data of the one event, or any JSON.
fn input_type(valid: &ValidatedFunction) -> TokenStream {
    match valid.triggers.as_slice() {
        [Trigger::Event { ty, .. }] => quote!(#ty),
        _ => quote!(__bus::serde_json::Value),
    }
}

/// The failure handler as a function of its own, in the role of this one. The alias has the span of the path, so that an
/// error points at it, and the path stands here once, so that there is one error.
fn companion(valid: &ValidatedFunction, path: &Path) -> TokenStream {
    let handler = format_ident!("__Handler", span = path.span());
    let (of, id) = (&valid.id, failure_id(valid));
    quote_spanned! {path.span()=>
        type #handler = #path;
        const __FAILURE: &[__bus::Trigger] = &[__bus::Trigger::Failure { function: #of }];
        __bus::inventory::submit! {
            <#handler as __bus::FailureHandler>::REGISTRATION.companion(#id, __FAILURE, __CONFIG.role)
        }
    }
}

/// The id of the failure handler's function: `FunctionConfig::FAILURE_SUFFIX` is the same text.
fn failure_id(valid: &ValidatedFunction) -> String {
    format!("{}-failure", valid.id.value())
}

/// The alias for what the function returns. It has the span of the type, so that an error about it points there, and is
/// one token, so that there is one error.
fn output(function: &Function) -> Ident {
    format_ident!("__Output", span = function.output.span())
}

/// Extracts the parameters, then calls the function.
pub(crate) fn call(function: &Function) -> TokenStream {
    let (name, ty, output) = (&function.item.sig.ident, &function.output, output(function));
    let types = function.parameters.iter().map(|parameter| &parameter.ty);
    let arguments: Vec<_> = (0..function.parameters.len()).map(|index| format_ident!("argument_{index}")).collect();
    let encode = quote_spanned! {output.span()=>
        <#output as __bus::FunctionResult>::encode(#name(#(#arguments),*).await)
    };
    quote! {
        type #output = #ty;

        #[allow(unused_variables)]
        fn __call(context: &__bus::Context) -> __bus::Result<__bus::FunctionFuture> {
            #(let #arguments = <#types as __bus::FromContext>::from_context(context)?;)*
            ::core::result::Result::Ok(::std::boxed::Box::pin(async move {
                #encode
            }))
        }
    }
}

/// The assignments to `config` for everything the attribute and the doc comment say.
fn settings(valid: &ValidatedFunction) -> TokenStream {
    let mut settings = TokenStream::new();
    let doc = &valid.function.doc;
    if !doc.is_empty() {
        settings.extend(quote!(config.doc = #doc;));
    }
    let mut set = |field: &str, value: Option<TokenStream>| {
        if let Some(value) = value {
            let field = format_ident!("{field}");
            settings.extend(quote!(config.#field = ::core::option::Option::Some(#value);));
        }
    };
    set("name", valid.name.as_ref().map(|name| quote!(#name)));
    set("retries", valid.retries.map(|retries| quote!(#retries)));
    let flow = &valid.flow_control;
    set("throttle", flow.throttle.as_ref().map(throttle));
    set("rate_limit", flow.rate_limit.as_ref().map(rate_limit));
    set("debounce", flow.debounce.as_ref().map(debounce));
    set("batch", flow.batch.as_ref().map(batch));
    set("priority", flow.priority.as_ref().map(|run| quote!(__bus::Priority { run: #run })));
    set("singleton", flow.singleton.as_ref().map(singleton));
    set("idempotency", flow.idempotency.as_ref().map(|expression| quote!(#expression)));
    set("timeouts", flow.timeouts.as_ref().map(timeouts));
    set("on_failure", valid.on_failure.as_ref().map(|path| on_failure(valid, path)));
    set("checkpoint", valid.checkpoint.as_ref().map(checkpoint));
    settings.extend(unwrapped_settings(valid.role, flow));
    settings
}

/// The assignments of fields that are no options.
fn unwrapped_settings(role: Option<&str>, flow: &FlowControl) -> TokenStream {
    let mut settings = TokenStream::new();
    if let Some(role) = role {
        let role = format_ident!("{role}");
        settings.extend(quote!(config.role = __bus::Role::#role;));
    }
    if !flow.concurrency.is_empty() {
        let limits = flow.concurrency.iter().map(concurrency);
        settings.extend(quote!(config.concurrency = &[#(#limits),*];));
    }
    settings
}

fn on_failure(valid: &ValidatedFunction, path: &Path) -> TokenStream {
    let (text, id) = (quote!(#path).to_string().replace(' ', ""), failure_id(valid));
    quote!(__bus::OnFailure { path: #text, id: #id })
}

fn trigger(trigger: &Trigger) -> TokenStream {
    match trigger {
        Trigger::Event { ty, expression } => {
            let expression = text(expression.as_deref());
            quote!(__bus::Trigger::Event { name: <#ty as __bus::EventData>::NAME, expression: #expression })
        }
        Trigger::Cron { cron, .. } => {
            let time_zone = text(cron.time_zone.as_deref());
            let expression = &cron.expression;
            quote!(__bus::Trigger::Cron { time_zone: #time_zone, expression: #expression })
        }
    }
}

fn cancel_on(cancel: &CancelOn) -> TokenStream {
    let CancelOn { event, expression, timeout_ms } = cancel;
    let (expression, timeout) = (text(expression.as_deref()), optional_duration(*timeout_ms));
    quote!(__bus::CancelOn { event: <#event as __bus::EventData>::NAME, expression: #expression, timeout: #timeout })
}

pub(crate) fn step_site(site: &StepSite) -> TokenStream {
    let StepSite { name, kind, line, repeated, events, invokes, expression } = site;
    let kind = format_ident!("{kind}");
    let events = events.iter().map(|ty: &Type| quote!(|| (&__bus::Probe::<#ty>(__bus::PhantomData)).event_name()));
    let invokes = option(invokes.as_ref().map(|ty| quote!(|| <#ty as __bus::Function>::ID)));
    let expression = text(expression.as_deref());
    quote! {
        __bus::StepSite {
            name: #name,
            kind: __bus::StepKind::#kind,
            line: #line,
            repeated: #repeated,
            events: &[#(#events),*],
            invokes: #invokes,
            expression: #expression,
        }
    }
}

fn concurrency(concurrency: &Concurrency) -> TokenStream {
    let Concurrency { limit, key, scope } = concurrency;
    let (key, scope) = (text(key.as_deref()), format_ident!("{scope}"));
    quote!(__bus::Concurrency { limit: #limit, key: #key, scope: __bus::Scope::#scope })
}

fn throttle(throttle: &Throttle) -> TokenStream {
    let Throttle { limit, period_ms, burst, key } = throttle;
    let (period, burst, key) = (duration(*period_ms), option(burst.map(|burst| quote!(#burst))), text(key.as_deref()));
    quote!(__bus::Throttle { limit: #limit, period: #period, burst: #burst, key: #key })
}

fn rate_limit(limit: &RateLimit) -> TokenStream {
    let RateLimit { limit, period_ms, key } = limit;
    let (period, key) = (duration(*period_ms), text(key.as_deref()));
    quote!(__bus::RateLimit { limit: #limit, period: #period, key: #key })
}

fn debounce(debounce: &Debounce) -> TokenStream {
    let Debounce { period_ms, key, timeout_ms } = debounce;
    let (period, key, timeout) = (duration(*period_ms), text(key.as_deref()), optional_duration(*timeout_ms));
    quote!(__bus::Debounce { period: #period, key: #key, timeout: #timeout })
}

fn batch(batch: &Batch) -> TokenStream {
    let Batch { max_size, timeout_ms, key, expression } = batch;
    let (timeout, key, expression) = (duration(*timeout_ms), text(key.as_deref()), text(expression.as_deref()));
    quote!(__bus::Batch { max_size: #max_size, timeout: #timeout, key: #key, expression: #expression })
}

fn singleton(singleton: &Singleton) -> TokenStream {
    let Singleton { key, mode } = singleton;
    let (key, mode) = (text(key.as_deref()), format_ident!("{mode}"));
    quote!(__bus::Singleton { key: #key, mode: __bus::SingletonMode::#mode })
}

fn timeouts(timeouts: &Timeouts) -> TokenStream {
    let Timeouts { start_ms, finish_ms } = timeouts;
    let (start, finish) = (optional_duration(*start_ms), optional_duration(*finish_ms));
    quote!(__bus::Timeouts { start: #start, finish: #finish })
}

fn checkpoint(checkpoint: &Checkpoint) -> TokenStream {
    match checkpoint {
        Checkpoint::Preset(name) => {
            let name = format_ident!("{name}");
            quote!(__bus::Checkpoint::#name)
        }
        Checkpoint::List { buffered_steps, max_interval_ms, max_runtime_ms } => {
            let (interval, runtime) = (optional_duration(*max_interval_ms), optional_duration(*max_runtime_ms));
            quote!(__bus::Checkpoint { buffered_steps: #buffered_steps, max_interval: #interval, max_runtime: #runtime })
        }
    }
}

fn text(text: Option<&str>) -> TokenStream {
    option(text.map(|text| quote!(#text)))
}

fn duration(milliseconds: u64) -> TokenStream {
    quote!(::core::time::Duration::from_millis(#milliseconds))
}

fn optional_duration(milliseconds: Option<u64>) -> TokenStream {
    option(milliseconds.map(duration))
}
