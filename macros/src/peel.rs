//! Small questions about the shape of an expression.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprMethodCall, GenericArgument, Ident, Lit, Pat, PatIdent, Path, Stmt, Type};

use crate::tokens;

/// The expression without parentheses, references and invisible groups.
pub(crate) fn inner(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => inner(&paren.expr),
        Expr::Group(group) => inner(&group.expr),
        Expr::Reference(reference) => inner(&reference.expr),
        other => other,
    }
}

/// The name, when the expression is one.
pub(crate) fn ident(expr: &Expr) -> Option<&Ident> {
    match inner(expr) {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        _ => None,
    }
}

/// The variable that an assignment to this place changes: through fields, indices and dereferences.
pub(crate) fn place(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Field(field) => place(&field.base),
        Expr::Index(index) => place(&index.expr),
        Expr::Unary(unary) => place(&unary.expr),
        Expr::Paren(paren) => place(&paren.expr),
        Expr::Group(group) => place(&group.expr),
        other => ident(other),
    }
}

/// The value of a block.
pub(crate) fn tail(block: &Block) -> Option<&Expr> {
    match block.stmts.last() {
        Some(Stmt::Expr(expr, None)) => Some(expr),
        _ => None,
    }
}

/// The names that a pattern binds.
pub(crate) fn bound(pat: &Pat) -> Vec<String> {
    struct Names(Vec<String>);
    impl<'ast> Visit<'ast> for Names {
        fn visit_pat_ident(&mut self, pat: &'ast PatIdent) {
            self.0.push(pat.ident.to_string());
            visit::visit_pat_ident(self, pat);
        }
    }
    let mut names = Names(Vec::new());
    names.visit_pat(pat);
    names.0
}

/// The types of a turbofish.
pub(crate) fn turbofish(call: &ExprMethodCall) -> impl Iterator<Item = &Type> {
    call.turbofish.iter().flat_map(|turbofish| &turbofish.args).filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// A path as it is read: `Utc::now`.
pub(crate) fn path_text(path: &Path) -> String {
    let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    words.join("::")
}

/// A step's name.
pub(crate) enum Name {
    /// The same at every call.
    Literal(String),
    /// Computed; what of it is literal.
    Pattern(String),
}

/// What the source says of a step's name.
pub(crate) fn step_name(expr: &Expr) -> Name {
    const SAME: [&str; 4] = ["to_string", "to_owned", "into", "clone"];
    match inner(expr) {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => Name::Literal(text.value()),
            _ => Name::Pattern("{…}".to_owned()),
        },
        Expr::MethodCall(call) if SAME.iter().any(|same| call.method == same) => step_name(&call.receiver),
        Expr::Call(call) if call.func.to_token_stream().to_string() == "String :: from" => {
            call.args.first().map_or_else(|| Name::Pattern("{…}".to_owned()), step_name)
        }
        Expr::Macro(mac) if tokens::name(&mac.mac) == "format" => format_name(&mac.mac.tokens),
        _ => Name::Pattern("{…}".to_owned()),
    }
}

fn format_name(arguments: &proc_macro2::TokenStream) -> Name {
    match tokens::expressions(arguments.clone()).first() {
        Some(Expr::Lit(lit)) => match &lit.lit {
            Lit::Str(text) if text.value().replace("{{", "").contains('{') => Name::Pattern(text.value()),
            Lit::Str(text) => Name::Literal(text.value().replace("{{", "{").replace("}}", "}")),
            _ => Name::Pattern("{…}".to_owned()),
        },
        _ => Name::Pattern("{…}".to_owned()),
    }
}
