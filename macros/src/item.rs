//! The annotated function as our own model, with the mistakes of its signature.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Expr, FnArg, GenericArgument, Ident, ItemFn, Lit, Meta, Pat, PathArguments, ReturnType, Safety, Type,
};

use crate::errors::Errors;

/// The annotated function.
pub(crate) struct Function {
    /// The function, as written.
    pub(crate) item: ItemFn,
    /// The parameters.
    pub(crate) parameters: Vec<Parameter>,
    /// The returned type; `()` when none is written, which is a mistake.
    pub(crate) output: Type,
    /// The doc comment.
    pub(crate) doc: String,
}

/// One parameter.
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) ident: Ident,
    /// Its type.
    pub(crate) ty: Type,
    /// What the type's name says it is.
    pub(crate) role: ParameterRole,
}

/// What a parameter is, as far as its type's name says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParameterRole {
    /// `Event<…>`.
    Event,
    /// `Events<…>`.
    Events,
    /// `Failure<…>`.
    Failure,
    /// `Step`.
    Step,
    /// Any other extractor.
    Other,
}

/// Reads the function; the mistakes of its signature go to `errors`.
pub(crate) fn read(item: ItemFn, errors: &mut Errors) -> Function {
    check_signature(&item, errors);
    let mut parameters: Vec<Parameter> = Vec::new();
    for input in &item.sig.inputs {
        if let Some(parameter) = read_parameter(input, errors) {
            let twice =
                parameter.role != ParameterRole::Other && parameters.iter().any(|other| other.role == parameter.role);
            if twice {
                errors.add_on(&parameter.ty, "a parameter of this kind is there already; keep one of them");
            }
            parameters.push(parameter);
        }
    }
    let output = match &item.sig.output {
        ReturnType::Type(_, ty) => (**ty).clone(),
        ReturnType::Default => {
            errors.add_on(&item.sig.ident, "a durable function returns a result: write `-> Result<…>`");
            syn::parse_quote!(())
        }
    };
    let doc = doc(&item.attrs);
    Function { item, parameters, output, doc }
}

fn check_signature(item: &ItemFn, errors: &mut Errors) {
    let signature = &item.sig;
    if signature.asyncness.is_none() {
        errors.add_on(signature.fn_token, "a durable function is async: write `async fn`");
    }
    if let Some(constness) = &signature.constness {
        errors.add_on(constness, "a durable function cannot be const");
    }
    if !matches!(signature.safety, Safety::Default) {
        errors.add_on(&signature.safety, "a durable function is called by the engine and cannot be unsafe");
    }
    if let Some(abi) = &signature.abi {
        errors.add_on(abi, "a durable function cannot be extern");
    }
    if !signature.generics.params.is_empty() {
        errors.add_on(
            &signature.generics,
            "a durable function cannot be generic: the engine calls it with one set of types",
        );
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.add_on(clause, "a durable function cannot be generic: the engine calls it with one set of types");
    }
    if let Some(variadic) = &signature.variadic {
        errors.add_on(variadic, "a durable function has a fixed list of parameters");
    }
}

fn read_parameter(input: &FnArg, errors: &mut Errors) -> Option<Parameter> {
    let typed = match input {
        FnArg::Receiver(receiver) => {
            errors.add_on(
                receiver,
                "a durable function is no method: move it out of the `impl` block and take what it needs as extractors",
            );
            return None;
        }
        FnArg::Typed(typed) => typed,
    };
    if let Type::ImplTrait(ty) = &*typed.ty {
        errors.add_on(ty, "a durable function cannot be generic: name the extractor's type");
        return None;
    }
    if let Type::Reference(ty) = &*typed.ty {
        errors.add_on(ty, "an extractor is taken by value: remove the `&`");
        return None;
    }
    match &*typed.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
            Some(Parameter { ident: pat.ident.clone(), ty: (*typed.ty).clone(), role: role(&typed.ty) })
        }
        pat => {
            errors.add_on(
                pat,
                "a parameter of a durable function is a plain name, such as `event` or `_event`; \
                take it apart in the body",
            );
            None
        }
    }
}

fn role(ty: &Type) -> ParameterRole {
    let path = match ty {
        Type::Path(path) => path,
        Type::Group(group) => return role(&group.elem),
        _ => return ParameterRole::Other,
    };
    let Some(segment) = path.path.segments.last() else { return ParameterRole::Other };
    let generic = matches!(&segment.arguments, PathArguments::AngleBracketed(arguments)
        if arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Type(_))));
    match segment.ident.to_string().as_str() {
        "Event" if generic => ParameterRole::Event,
        "Events" if generic => ParameterRole::Events,
        "Failure" if generic => ParameterRole::Failure,
        "Step" => ParameterRole::Step,
        _ => ParameterRole::Other,
    }
}

/// The doc comment: its lines without the space that follows the slashes.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
                Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let lines: Vec<&str> = lines
        .iter()
        .flat_map(|text| text.lines())
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n").trim().to_owned()
}

/// The crate path that macro output goes through when the attribute does not say `crate = …`.
pub(crate) fn default_crate() -> syn::Path {
    syn::parse_quote!(::system_bus_runtime)
}

/// An optional value as tokens, by absolute paths.
pub(crate) fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}
