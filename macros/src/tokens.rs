//! The arguments of macros, which are plain tokens to the compiler: `join!`, `select!`, `vec!`, `info!` and the like.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Macro, Pat, Token, token};

/// One branch of `select!`.
pub(crate) struct Branch {
    /// The pattern and the future; absent for `else`.
    pub(crate) future: Option<(Pat, Expr)>,
    /// The condition behind `, if`.
    pub(crate) condition: Option<Expr>,
    /// What runs when the branch wins.
    pub(crate) handler: Expr,
}

/// The last word of a macro's path.
pub(crate) fn name(mac: &Macro) -> String {
    mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

/// Whether the macro awaits its arguments.
pub(crate) fn awaits_arguments(mac: &Macro) -> bool {
    matches!(name(mac).as_str(), "join" | "try_join")
}

/// The branches of `select!`, when the macro is one.
pub(crate) fn branches(mac: &Macro) -> Option<Vec<Branch>> {
    matches!(name(mac).as_str(), "select" | "select_biased").then(|| parse_branches.parse2(mac.tokens.clone()).ok())?
}

fn parse_branches(input: ParseStream<'_>) -> syn::Result<Vec<Branch>> {
    if input.peek(Ident) && input.peek2(Token![;]) {
        input.parse::<Ident>()?;
        input.parse::<Token![;]>()?;
    }
    let mut branches = Vec::new();
    while !input.is_empty() {
        let future = if input.peek(Ident::peek_any) && input.peek2(Token![=>]) {
            input.call(Ident::parse_any)?;
            None
        } else {
            let pat = Pat::parse_multi(input)?;
            input.parse::<Token![=]>()?;
            Some((pat, input.parse()?))
        };
        let condition = if input.peek(Token![,]) && input.peek2(Token![if]) {
            input.parse::<Token![,]>()?;
            input.parse::<Token![if]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        input.parse::<Token![=>]>()?;
        let handler = if input.peek(token::Brace) { Expr::Block(input.parse()?) } else { input.parse()? };
        input.parse::<Option<Token![,]>>()?;
        branches.push(Branch { future, condition, handler });
    }
    Ok(branches)
}

/// The expressions among a macro's arguments, as far as they can be read.
pub(crate) fn expressions(tokens: TokenStream) -> Vec<Expr> {
    let list = Punctuated::<Expr, Token![,]>::parse_terminated;
    match list.parse2(tokens.clone()) {
        Ok(list) => list.into_iter().map(value).collect(),
        Err(_) => split(tokens).into_iter().flat_map(piece).collect(),
    }
}

/// `name = value` is a named argument here, not an assignment.
fn value(expr: Expr) -> Expr {
    match expr {
        Expr::Assign(assign) => *assign.right,
        other => other,
    }
}

/// The tokens between commas, semicolons, colons and arrows.
fn split(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut pieces = vec![Vec::new()];
    let mut joint = false;
    let mut in_arrow = false;
    for tree in tokens {
        let punct = match &tree {
            TokenTree::Punct(punct) => Some((punct.as_char(), punct.spacing())),
            _ => None,
        };
        let ends = match punct {
            Some((',' | ';', _)) => true,
            Some((':', Spacing::Alone)) => !joint,
            Some(('>', _)) => in_arrow,
            _ => false,
        };
        joint = matches!(punct, Some((':', Spacing::Joint)));
        in_arrow = matches!(punct, Some(('=' | '-', Spacing::Joint)));
        if ends {
            pieces.push(Vec::new());
        } else if let Some(piece) = pieces.last_mut() {
            piece.push(tree);
        }
    }
    pieces
}

fn piece(trees: Vec<TokenTree>) -> Vec<Expr> {
    if trees.is_empty() {
        return Vec::new();
    }
    if let Ok(expr) = syn::parse2::<Expr>(trees.iter().cloned().collect()) {
        return vec![value(expr)];
    }
    // `name = value`, and the sigils of tracing.
    let is_punct =
        |tree: &TokenTree, sigils: &str| matches!(tree, TokenTree::Punct(punct) if sigils.contains(punct.as_char()));
    let start = trees.iter().position(|tree| is_punct(tree, "=")).map_or(0, |equals| equals + 1);
    let rest: TokenStream = trees[start..].iter().skip_while(|tree| is_punct(tree, "%?")).cloned().collect();
    if let Ok(expr) = syn::parse2::<Expr>(rest) {
        return vec![value(expr)];
    }
    let groups = trees.into_iter().filter_map(|tree| match tree {
        TokenTree::Group(group) => Some(group),
        _ => None,
    });
    groups.flat_map(group_expressions).collect()
}

fn group_expressions(group: Group) -> Vec<Expr> {
    if group.delimiter() == Delimiter::Brace
        && let Ok(block) = syn::parse2::<syn::ExprBlock>(TokenTree::Group(group.clone()).into())
    {
        return vec![Expr::Block(block)];
    }
    expressions(group.stream())
}
