//! The types of the events that a step sends, as far as the source shows them.

use syn::{Expr, ExprCall, GenericArgument, Path, PathArguments, Type, TypePath};

use crate::peel;
use crate::scope::Scope;
use crate::tokens;

/// Names before `::new(…)` and the like that are no events themselves: containers, traits, and what wraps an event.
const NO_EVENTS: [&str; 32] = [
    "Vec",
    "VecDeque",
    "Box",
    "Arc",
    "Rc",
    "Option",
    "Result",
    "Some",
    "Ok",
    "Err",
    "NewEvent",
    "String",
    "HashMap",
    "HashSet",
    "BTreeMap",
    "BTreeSet",
    "Cow",
    "Self",
    "Default",
    "Into",
    "From",
    "TryFrom",
    "TryInto",
    "Iterator",
    "IntoIterator",
    "FromIterator",
    "Clone",
    "ToOwned",
    "ToString",
    "FromStr",
    "Duration",
    "Value",
];

/// The types named in the data of `send_event`.
pub(crate) fn event_types(expr: &Expr, scope: &Scope) -> Vec<Type> {
    let mut types = Vec::new();
    collect(expr, scope, &mut types);
    types.dedup();
    types
}

fn collect(expr: &Expr, scope: &Scope, types: &mut Vec<Type>) {
    match peel::inner(expr) {
        Expr::Struct(literal) if literal.qself.is_none() => types.extend(struct_type(&literal.path)),
        Expr::Call(call) => collect_call(call, scope, types),
        Expr::MethodCall(call) => {
            collect(&call.receiver, scope, types);
            call.args.iter().filter(|argument| matches!(argument, Expr::Closure(_) | Expr::Path(_))).for_each(
                |argument| {
                    collect(argument, scope, types);
                },
            );
            types.extend(peel::turbofish(call).filter_map(named_type));
        }
        Expr::Path(path) => match path.path.get_ident() {
            Some(ident) => {
                types.extend(scope.meaning(&ident.to_string()).into_iter().flat_map(|meaning| meaning.types.clone()))
            }
            None => types.extend(owner(&path.path)),
        },
        Expr::Tuple(tuple) => tuple.elems.iter().for_each(|element| collect(element, scope, types)),
        Expr::Array(array) => array.elems.iter().for_each(|element| collect(element, scope, types)),
        Expr::Repeat(repeat) => collect(&repeat.expr, scope, types),
        Expr::Try(inner) => collect(&inner.expr, scope, types),
        Expr::Closure(closure) => collect(&closure.body, scope, types),
        Expr::Macro(mac) => {
            tokens::expressions(mac.mac.tokens.clone()).iter().for_each(|element| collect(element, scope, types));
        }
        Expr::Block(block) => {
            if let Some(tail) = peel::tail(&block.block) {
                collect(tail, scope, types);
            }
        }
        Expr::If(branch) => {
            if let Some(tail) = peel::tail(&branch.then_branch) {
                collect(tail, scope, types);
            }
            if let Some((_, other)) = &branch.else_branch {
                collect(other, scope, types);
            }
        }
        Expr::Match(choice) => choice.arms.iter().for_each(|arm| collect(&arm.body, scope, types)),
        _ => {}
    }
}

/// `Type::new(…)` names its type; `Some(…)` and `NewEvent::new(…)` what they wrap.
fn collect_call(call: &ExprCall, scope: &Scope, types: &mut Vec<Type>) {
    let Expr::Path(function) = &*call.func else { return };
    if function.qself.is_some() {
        return;
    }
    let wraps = function.path.segments.iter().any(|segment| NO_EVENTS.iter().any(|name| segment.ident == name));
    if wraps {
        call.args.iter().for_each(|argument| collect(argument, scope, types));
    } else {
        types.extend(owner(&function.path));
    }
}

/// The type of `Type { … }`; for a variant the enum.
fn struct_type(path: &Path) -> Option<Type> {
    owner(path)
        .or_else(|| path.segments.last().filter(|segment| is_type_name(&segment.ident)).map(|_| type_of(path.clone())))
}

/// The type before the last `::`.
fn owner(path: &Path) -> Option<Type> {
    let mut owner = path.clone();
    owner.segments.pop()?;
    owner.segments.pop_punct();
    let last = owner.segments.last()?;
    is_type_name(&last.ident).then(|| type_of(owner))
}

/// The type of a turbofish, or the first one inside `Vec<…>`.
fn named_type(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    if is_type_name(&last.ident) {
        return Some(ty.clone());
    }
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::Type(ty) => named_type(ty),
            _ => None,
        }),
        _ => None,
    }
}

fn is_type_name(ident: &syn::Ident) -> bool {
    let text = ident.to_string();
    let camel_case = text.starts_with(char::is_uppercase) && (text.len() == 1 || text.contains(char::is_lowercase));
    camel_case && !NO_EVENTS.contains(&text.as_str())
}

fn type_of(path: Path) -> Type {
    Type::Path(TypePath { attrs: Vec::new(), qself: None, path })
}
