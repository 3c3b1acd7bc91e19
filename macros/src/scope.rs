//! What the names in a function's body stand for: the step handle, futures made of steps, events.
//!
//! Names are not resolved by block: a name that once stood for a step's future may be awaited anywhere until it is
//! bound anew. That errs on the side of the author.

use std::collections::{HashMap, HashSet};

use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprMethodCall, Macro, Type};

use crate::peel;
use crate::tokens;

/// The names of a body.
#[derive(Default)]
pub(crate) struct Scope {
    /// Names of the step handle.
    pub(crate) handles: HashSet<String>,
    /// Names of values that are made of steps: futures, collections of futures, closures that yield them.
    pub(crate) journaled: HashSet<String>,
    /// Names that are handed to `step.run` as its future, so that what they hold runs inside a step.
    pub(crate) step_futures: HashSet<String>,
    /// Types that a local was made from.
    pub(crate) types: HashMap<String, Vec<Type>>,
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
            Expr::Path(_) => peel::ident(expr).is_some_and(|ident| self.handles.contains(&ident.to_string())),
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
            Expr::Path(_) => peel::ident(expr).is_some_and(|ident| self.journaled.contains(&ident.to_string())),
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

    /// Notes what `names` stand for from now on.
    pub(crate) fn bind(&mut self, names: &[String], journaled: bool) {
        for name in names {
            if journaled {
                self.journaled.insert(name.clone());
            } else {
                self.journaled.remove(name);
            }
        }
    }
}

fn is_clone(call: &ExprCall) -> bool {
    matches!(&*call.func, Expr::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "clone"))
}

/// The names that stand as the future of a `run`: `step.run("fetch", future)` or `step.run("fetch", make(…))`.
pub(crate) struct StepFutures(pub(crate) HashSet<String>);

impl<'ast> Visit<'ast> for StepFutures {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "run"
            && call.args.len() == 2
            && let Some(future) = call.args.last()
        {
            let named = match peel::inner(future) {
                Expr::Call(call) => peel::ident(&call.func),
                other => peel::ident(other),
            };
            self.0.extend(named.map(ToString::to_string));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        for expr in tokens::expressions(mac.tokens.clone()) {
            StepFutures::visit_expr(self, &expr);
        }
    }
}
