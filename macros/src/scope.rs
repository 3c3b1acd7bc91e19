//! What the names in a function's body stand for: the step handle, futures made of steps, events.
//!
//! A `let` or a pattern introduces a name for what follows in its block, as it does for the compiler. Where that cannot
//! be told, it errs on the side of the author: what once held a step's future in an inner block may be awaited outside.

use std::collections::HashMap;

use syn::visit::{self, Visit};
use syn::{
    Arm, Block, Expr, ExprCall, ExprClosure, ExprForLoop, ExprIf, ExprLet, ExprMethodCall, ExprWhile, Item, Local,
    Macro, Pat, Stmt, Type,
};

use crate::peel;
use crate::tokens;

/// The names of a body.
#[derive(Default)]
pub(crate) struct Scope {
    names: HashMap<String, Meaning>,
    /// For each block around, the names it has introduced and what they stood for before.
    blocks: Vec<Vec<(String, Option<Meaning>)>>,
}

/// What a name stands for.
#[derive(Clone, Default)]
pub(crate) struct Meaning {
    /// The step handle.
    pub(crate) handle: bool,
    /// A value that is made of steps: a future, a collection of futures, a closure that yields one.
    pub(crate) journaled: bool,
    /// Whether the name is introduced in the future of a step.
    pub(crate) in_step: bool,
    /// The types that the value was made from.
    pub(crate) types: Vec<Type>,
}

/// The methods that start a step, and the variant of `StepKind`.
const STEPS: [(&str, &str); 10] = [
    ("run", "Run"),
    ("sleep", "Sleep"),
    ("sleep_until", "Sleep"),
    ("wait_for_event", "WaitForEvent"),
    ("wait_for_signal", "WaitForSignal"),
    ("send_signal", "SendSignal"),
    ("send_event", "SendEvent"),
    ("invoke", "Invoke"),
    ("fetch", "Fetch"),
    ("infer", "Infer"),
];

impl Scope {
    /// The kind of step that this call starts.
    pub(crate) fn step_kind(&self, call: &ExprMethodCall) -> Option<&'static str> {
        let (_, kind) = STEPS.iter().find(|(method, _)| call.method == method)?;
        self.is_handle(&call.receiver).then_some(*kind)
    }

    /// Whether the expression is the step handle, or made from it without starting a step.
    pub(crate) fn is_handle(&self, expr: &Expr) -> bool {
        match peel::inner(expr) {
            Expr::Path(_) => self.meaning_of(expr).is_some_and(|meaning| meaning.handle),
            Expr::MethodCall(call) => {
                matches!(call.method.to_string().as_str(), "clone" | "to_owned" | "borrow" | "as_ref" | "ai")
                    && self.is_handle(&call.receiver)
            }
            Expr::Call(call) => is_clone(call) && call.args.iter().any(|argument| self.is_handle(argument)),
            Expr::Unary(unary) => self.is_handle(&unary.expr),
            _ => false,
        }
    }

    /// Whether the value is made of steps, or of an async block or helper that runs them, so that awaiting it is safe.
    pub(crate) fn is_journaled(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Path(_) => self.meaning_of(expr).is_some_and(|meaning| meaning.journaled),
            Expr::Async(_) => true,
            Expr::Await(_) => false,
            Expr::MethodCall(call) => {
                self.carries(&call.receiver) || call.args.iter().any(|argument| self.carries(argument))
            }
            Expr::Call(call) => {
                self.is_journaled(&call.func) || call.args.iter().any(|argument| self.carries(argument))
            }
            Expr::Closure(closure) => closure.asyncness.is_some() || self.is_journaled(&closure.body),
            Expr::Macro(mac) => self.macro_is_journaled(&mac.mac),
            Expr::Try(inner) => self.is_journaled(&inner.expr),
            Expr::Paren(inner) => self.is_journaled(&inner.expr),
            Expr::Group(inner) => self.is_journaled(&inner.expr),
            Expr::Reference(inner) => self.is_journaled(&inner.expr),
            Expr::Unary(inner) => self.is_journaled(&inner.expr),
            Expr::Cast(inner) => self.is_journaled(&inner.expr),
            Expr::Field(inner) => self.is_journaled(&inner.base),
            Expr::Index(inner) => self.is_journaled(&inner.expr),
            Expr::Repeat(inner) => self.carries(&inner.expr),
            Expr::Tuple(tuple) => tuple.elems.iter().any(|element| self.carries(element)),
            Expr::Array(array) => array.elems.iter().any(|element| self.carries(element)),
            Expr::Struct(literal) => literal.fields.iter().any(|field| self.carries(&field.expr)),
            Expr::Block(block) => peel::tail(&block.block).is_some_and(|tail| self.is_journaled(tail)),
            Expr::Unsafe(block) => peel::tail(&block.block).is_some_and(|tail| self.is_journaled(tail)),
            Expr::If(branch) => {
                peel::tail(&branch.then_branch).is_some_and(|tail| self.is_journaled(tail))
                    || branch.else_branch.as_ref().is_some_and(|(_, other)| self.is_journaled(other))
            }
            Expr::Match(choice) => choice.arms.iter().any(|arm| self.is_journaled(&arm.body)),
            _ => false,
        }
    }

    /// Whether the expression brings the handle or a value made of steps.
    pub(crate) fn carries(&self, expr: &Expr) -> bool {
        self.is_handle(expr) || self.is_journaled(expr)
    }

    fn macro_is_journaled(&self, mac: &Macro) -> bool {
        let yields_values =
            tokens::awaits_arguments(mac) || matches!(tokens::name(mac).as_str(), "select" | "select_biased");
        !yields_values && tokens::expressions(mac.tokens.clone()).iter().any(|argument| self.carries(argument))
    }

    /// What the name stands for here.
    pub(crate) fn meaning(&self, name: &str) -> Option<&Meaning> {
        self.names.get(name)
    }

    fn meaning_of(&self, expr: &Expr) -> Option<&Meaning> {
        self.meaning(&peel::ident(expr)?.to_string())
    }

    /// Introduces a name, up to the end of the block.
    pub(crate) fn declare(&mut self, name: String, meaning: Meaning) {
        let outer = self.names.insert(name.clone(), meaning);
        if let Some(block) = self.blocks.last_mut() {
            block.push((name, outer));
        }
    }

    /// Notes what a name holds from now on.
    pub(crate) fn assign(&mut self, name: String, journaled: bool) {
        self.names.entry(name).or_default().journaled = journaled;
    }

    /// A block begins.
    pub(crate) fn enter(&mut self) {
        self.blocks.push(Vec::new());
    }

    /// A block ends: its names stand for what they stood for before.
    pub(crate) fn leave(&mut self) {
        for (name, outer) in self.blocks.pop().into_iter().flatten().rev() {
            let Some(inner) = self.names.remove(&name) else { continue };
            // It may be the value of the block.
            let journaled = inner.journaled || inner.handle;
            let mut meaning = outer.unwrap_or(Meaning { types: inner.types, ..Meaning::default() });
            meaning.journaled |= journaled;
            self.names.insert(name, meaning);
        }
    }
}

fn is_clone(call: &ExprCall) -> bool {
    matches!(&*call.func, Expr::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "clone"))
}

/// Whether the statements hand a variable to a `run` as its future: `step.run("fetch", name)` or
/// `step.run("fetch", name(…))`.
pub(crate) fn hand_to_run(name: &str, statements: &[Stmt]) -> bool {
    let mut search = Search { name, hidden: false, found: false };
    statements.iter().for_each(|statement| search.visit_stmt(statement));
    search.found
}

/// A search for the place where a variable is handed to a `run`.
struct Search<'a> {
    name: &'a str,
    /// Whether the name stands for another variable here.
    hidden: bool,
    found: bool,
}

impl Search<'_> {
    fn declare(&mut self, pat: &Pat) {
        self.hidden |= peel::bound(pat).iter().any(|name| name == self.name);
    }

    fn block(&mut self, visit: impl FnOnce(&mut Self)) {
        let hidden = self.hidden;
        visit(self);
        self.hidden = hidden;
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    // A nested function sees no variables.
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_block(&mut self, block: &'ast Block) {
        self.block(|search| visit::visit_block(search, block));
    }

    fn visit_local(&mut self, local: &'ast Local) {
        visit::visit_local(self, local);
        self.declare(&local.pat);
    }

    fn visit_expr_let(&mut self, condition: &'ast ExprLet) {
        self.visit_expr(&condition.expr);
        self.declare(&condition.pat);
    }

    fn visit_expr_if(&mut self, branch: &'ast ExprIf) {
        self.block(|search| {
            search.visit_expr(&branch.cond);
            search.visit_block(&branch.then_branch);
        });
        if let Some((_, other)) = &branch.else_branch {
            self.visit_expr(other);
        }
    }

    fn visit_expr_while(&mut self, each: &'ast ExprWhile) {
        self.block(|search| visit::visit_expr_while(search, each));
    }

    fn visit_expr_for_loop(&mut self, each: &'ast ExprForLoop) {
        self.visit_expr(&each.expr);
        self.block(|search| {
            search.declare(&each.pat);
            search.visit_block(&each.body);
        });
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        self.block(|search| {
            search.declare(&arm.pat);
            visit::visit_arm(search, arm);
        });
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.block(|search| {
            closure.inputs.iter().for_each(|input| search.declare(input));
            search.visit_expr(&closure.body);
        });
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "run"
            && call.args.len() == 2
            && let Some(future) = call.args.last()
        {
            let handed = match peel::inner(future) {
                Expr::Call(call) => peel::ident(&call.func),
                other => peel::ident(other),
            };
            self.found |= !self.hidden && handed.is_some_and(|ident| ident == self.name);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        let Some(branches) = tokens::branches(mac) else {
            tokens::expressions(mac.tokens.clone()).iter().for_each(|expr| Search::visit_expr(self, expr));
            return;
        };
        for branch in &branches {
            self.block(|search| {
                if let Some((pat, future)) = &branch.future {
                    Search::visit_expr(search, future);
                    search.declare(pat);
                }
                branch.condition.iter().chain([&branch.handler]).for_each(|expr| Search::visit_expr(search, expr));
            });
        }
    }
}
