//! A walk through a function's body: finds the steps and checks the rules that keep it the same at every replay.

use std::collections::{HashMap, HashSet};

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{
    BinOp, Block, Expr, ExprAssign, ExprAwait, ExprBinary, ExprCall, ExprClosure, ExprForLoop, ExprIf, ExprLet,
    ExprLoop, ExprMatch, ExprMethodCall, ExprPath, ExprWhile, Item, Local, Macro, Pat, Stmt, Type,
};

use crate::errors::Errors;
use crate::peel::{self, Name};
use crate::scope::{self, Meaning, Scope};
use crate::sends;
use crate::steps::{self, StepSite};
use crate::tokens;
use crate::unstable;
use crate::validate::line;

/// The steps of a body, and the names of the items declared in it.
pub(crate) fn walk(
    block: &Block,
    scope: Scope,
    unjournaled: bool,
    errors: &mut Errors,
) -> (Vec<StepSite>, HashSet<String>) {
    let mut walk = Walk {
        errors,
        unjournaled,
        scope,
        sites: Vec::new(),
        names: HashMap::new(),
        repeated: None,
        inside: None,
        expression: None,
        nested: HashSet::new(),
    };
    walk.visit_block(block);
    (walk.sites, walk.nested)
}

/// A walk through the body.
struct Walk<'e> {
    errors: &'e mut Errors,
    unjournaled: bool,
    scope: Scope,
    sites: Vec<StepSite>,
    /// Where each literal name stood first.
    names: HashMap<String, Span>,
    /// "loop" or "closure", when the walk is inside one.
    repeated: Option<&'static str>,
    /// The step whose future the walk is inside of: "the step `name`", or "a step".
    inside: Option<String>,
    /// The condition of the wait whose builder chain the walk is inside of.
    expression: Option<String>,
    /// The names of the items declared in the body.
    nested: HashSet<String>,
}

impl Walk<'_> {
    /// Whether the rule about awaits and clocks holds here.
    fn is_replayed(&self) -> bool {
        self.inside.is_none() && !self.unjournaled
    }

    /// Introduces the names of a pattern.
    fn declare(&mut self, pat: &Pat, meaning: &Meaning) {
        for name in peel::bound(pat) {
            // `let step = Arc::new(step)`.
            let still = meaning.journaled && self.scope.meaning(&name).is_some_and(|outer| outer.handle);
            self.declare_as(name, Meaning { handle: meaning.handle || still, ..meaning.clone() });
        }
    }

    /// Introduces the names of a pattern that takes a value apart.
    fn declare_part(&mut self, pat: &Pat, whole: &Expr) {
        let journaled = self.scope.is_journaled(whole);
        self.declare(pat, &Meaning { journaled, ..Meaning::default() });
    }

    fn declare_as(&mut self, name: String, meaning: Meaning) {
        self.scope.declare(name, Meaning { in_step: self.inside.is_some(), ..meaning });
    }

    /// Introduces the names of a closure's parameter. Its caller may hand in what the name stands for outside.
    fn declare_input(&mut self, input: &Pat, journaled: bool) {
        for name in peel::bound(input) {
            let outer = self.scope.meaning(&name).cloned().unwrap_or_default();
            let handle = match input {
                Pat::Type(typed) => is_step(&typed.ty),
                _ => outer.handle,
            };
            let journaled = journaled || outer.journaled;
            self.declare_as(name, Meaning { handle, journaled, ..Meaning::default() });
        }
    }

    /// Walks through what has names of its own.
    fn block(&mut self, visit: impl FnOnce(&mut Self)) {
        self.scope.enter();
        visit(self);
        self.scope.leave();
    }

    /// Walks through the future of a step.
    fn visit_future(&mut self, step: String, future: &Expr) {
        let repeated = self.repeated.take();
        let outer = self.inside.replace(step);
        self.block(|walk| walk.visit_expr(future));
        self.inside = outer;
        self.repeated = repeated;
    }

    fn repeat(&mut self, by: &'static str, visit: impl FnOnce(&mut Self)) {
        let outer = self.repeated.replace(by);
        visit(self);
        self.repeated = outer;
    }

    /// Checks and notes a step, then walks through its arguments.
    fn visit_step(&mut self, call: &ExprMethodCall, kind: &'static str) {
        let expression = self.expression.take();
        if let Some(inside) = &self.inside {
            let message = format!(
                "a step cannot start inside the future of {inside}; start it after, in the function's own body"
            );
            self.errors.add_on(&call.method, message);
            call.args.iter().for_each(|argument| self.visit_expr(argument));
            return;
        }
        let Some(first) = call.args.first() else { return };
        let (name, literal) = match peel::step_name(first) {
            Name::Literal(name) => (name, true),
            Name::Pattern(name) => (name, false),
        };
        if literal {
            self.check_literal_name(&name, first);
        }
        let data = call.args.iter().skip(1);
        let mut types = peel::turbofish(call).filter(|ty| !matches!(ty, Type::Infer(_))).cloned();
        let (events, invokes) = match kind {
            "WaitForEvent" => (types.next().into_iter().collect(), None),
            "SendEvent" => {
                (data.clone().flat_map(|argument| sends::event_types(argument, &self.scope)).collect(), None)
            }
            "Invoke" => (Vec::new(), types.next()),
            _ => (Vec::new(), None),
        };
        let repeated = self.repeated.is_some();
        let step = format!("the step `{name}`");
        self.sites.push(StepSite { name, kind, line: line(call.method.span()), repeated, events, invokes, expression });
        self.visit_expr(first);
        for argument in data {
            if kind == "Run" {
                self.visit_future(step.clone(), argument);
            } else {
                self.visit_expr(argument);
            }
        }
    }

    fn check_literal_name(&mut self, name: &str, at: &Expr) {
        if let Some(by) = self.repeated {
            let each = if by == "loop" { "round" } else { "call" };
            self.errors.add_on(
                at,
                format!(
                    "a literal step name inside a {by} is the same at each {each}; \
                put the key into it: `format!(\"{name}-{{key}}\")`"
                ),
            );
        }
        let span = syn::spanned::Spanned::span(at);
        match self.names.get(name) {
            Some(first) => {
                let message = format!(
                    "the step name `{name}` is used twice, first in line {}; give each step its own name",
                    line(*first)
                );
                self.errors.add_on(at, message);
            }
            None => {
                self.names.insert(name.to_owned(), span);
            }
        }
    }

    /// Checks the left side of an assignment inside a step's future.
    fn check_assignment(&mut self, left: &Expr) {
        if let (Some(inside), Some(variable)) = (&self.inside, peel::place(left))
            && !self.scope.meaning(&variable.to_string()).is_some_and(|meaning| meaning.in_step)
        {
            let message = format!(
                "`{variable}` is declared outside the future of {inside}, so the assignment is lost at a replay; \
                return the value from the step"
            );
            self.errors.add_on(left, message);
        }
    }

    fn check_source(&mut self, path: &syn::Path, source: Option<String>) {
        if let (true, Some(what)) = (self.is_replayed(), source) {
            self.errors.add_on(
                path,
                format!("{what} is read again at every replay; read it in a step: `step.run(\"…\", async {{ … }})`"),
            );
        }
    }

    /// Awaits in disguise: the arguments of `join!` and the futures of `select!`.
    fn check_branch(&mut self, future: &Expr) {
        if self.is_replayed() && !self.scope.carries(future) {
            self.errors.add_on(future, "this branch runs again at every replay; wrap it: `step.run(\"…\", …)`");
        }
    }

    fn visit_branch(&mut self, branch: &tokens::Branch) {
        if let Some((pat, future)) = &branch.future {
            self.check_branch(future);
            self.visit_expr(future);
            self.declare(pat, &Meaning::default());
        }
        if let Some(condition) = &branch.condition {
            self.visit_expr(condition);
        }
        self.visit_expr(&branch.handler);
    }

    /// Walks through a `let`; `rest` is what follows in its block.
    fn visit_declaration(&mut self, local: &Local, rest: &[Stmt]) {
        let Some(init) = &local.init else {
            self.declare(&local.pat, &Meaning::default());
            return;
        };
        let names = peel::bound(&local.pat);
        let handle = self.scope.is_handle(&init.expr);
        let runs_in_step = || names.iter().any(|name| scope::hand_to_run(name, rest));
        if self.inside.is_none() && !handle && runs_in_step() {
            self.visit_future("a step".to_owned(), &init.expr);
        } else {
            self.visit_expr(&init.expr);
        }
        if let Some((_, diverge)) = &init.diverge {
            self.visit_expr(diverge);
        }
        let journaled = self.scope.is_journaled(&init.expr);
        let types = sends::event_types(&init.expr, &self.scope);
        self.declare(&local.pat, &Meaning { handle, journaled, types, ..Meaning::default() });
    }

    /// Walks through a closure; `journaled` says that its arguments are made of steps.
    fn visit_closure(&mut self, closure: &ExprClosure, journaled: bool) {
        let by = self.repeated.unwrap_or("closure");
        self.block(|walk| {
            closure.inputs.iter().for_each(|input| walk.declare_input(input, journaled));
            walk.repeat(by, |walk| walk.visit_expr(&closure.body));
        });
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    // A nested function has a body of its own.
    fn visit_item(&mut self, item: &'ast Item) {
        self.nested.extend(steps::declared_names(item));
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.block(|walk| {
            let mut statements = block.stmts.as_slice();
            while let [statement, rest @ ..] = statements {
                match statement {
                    Stmt::Local(local) => walk.visit_declaration(local, rest),
                    other => walk.visit_stmt(other),
                }
                statements = rest;
            }
        });
    }

    fn visit_expr_let(&mut self, condition: &'ast ExprLet) {
        self.visit_expr(&condition.expr);
        self.declare_part(&condition.pat, &condition.expr);
    }

    fn visit_expr_if(&mut self, branch: &'ast ExprIf) {
        self.block(|walk| {
            walk.visit_expr(&branch.cond);
            walk.visit_block(&branch.then_branch);
        });
        if let Some((_, other)) = &branch.else_branch {
            self.visit_expr(other);
        }
    }

    fn visit_expr_match(&mut self, choice: &'ast ExprMatch) {
        self.visit_expr(&choice.expr);
        for arm in &choice.arms {
            self.block(|walk| {
                walk.declare_part(&arm.pat, &choice.expr);
                walk.visit_arm(arm);
            });
        }
    }

    fn visit_expr_for_loop(&mut self, each: &'ast ExprForLoop) {
        self.visit_expr(&each.expr);
        self.block(|walk| {
            walk.declare_part(&each.pat, &each.expr);
            walk.repeat("loop", |walk| walk.visit_block(&each.body));
        });
    }

    fn visit_expr_while(&mut self, each: &'ast ExprWhile) {
        self.repeat("loop", |walk| walk.block(|walk| visit::visit_expr_while(walk, each)));
    }

    fn visit_expr_loop(&mut self, each: &'ast ExprLoop) {
        self.repeat("loop", |walk| visit::visit_expr_loop(walk, each));
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.visit_closure(closure, false);
    }

    fn visit_expr_await(&mut self, wait: &'ast ExprAwait) {
        if self.is_replayed() && !self.scope.is_journaled(&wait.base) {
            self.errors
                .add_on(wait.await_token, "this `await` runs again at every replay; wrap it: `step.run(\"…\", …)`");
        }
        self.visit_expr(&wait.base);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        const COLLECTS: [&str; 6] = ["push", "push_back", "push_front", "insert", "extend", "append"];
        if let Some(kind) = self.scope.step_kind(call) {
            self.visit_step(call, kind);
            return;
        }
        if call.method == "matching"
            && let Some(Name::Literal(text)) = call.args.first().map(peel::step_name)
        {
            self.expression = Some(text);
        }
        if self.is_replayed() && call.method == "elapsed" && call.args.is_empty() {
            self.errors.add_on(
                &call.method,
                "the clock is read again at every replay; read it in a step: `step.run(\"…\", async { … })`",
            );
        }
        self.visit_expr(&call.receiver);
        self.expression = None;
        let journaled = self.scope.is_journaled(&call.receiver);
        for argument in &call.args {
            match argument {
                Expr::Closure(closure) => self.visit_closure(closure, journaled),
                other => self.visit_expr(other),
            }
        }
        let collects = COLLECTS.iter().any(|method| call.method == method);
        if collects
            && call.args.iter().any(|argument| self.scope.is_journaled(argument))
            && let Some(collection) = peel::place(&call.receiver)
        {
            self.scope.assign(collection.to_string(), true);
        }
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let (Some(inside), Some(ident)) = (&self.inside, path.path.get_ident())
            && self.scope.meaning(&ident.to_string()).is_some_and(|meaning| meaning.handle && !meaning.in_step)
        {
            let message = format!(
                "the step handle cannot go into the future of {inside}; steps start in the function's own body"
            );
            self.errors.add_on(ident, message);
        }
        self.check_source(&path.path, unstable::source(&path.path));
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(function) = &*call.func {
            self.check_source(&function.path, unstable::imported(&function.path));
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_assign(&mut self, assign: &'ast ExprAssign) {
        self.check_assignment(&assign.left);
        visit::visit_expr_assign(self, assign);
        if let Some(ident) = peel::ident(&assign.left) {
            let journaled = self.scope.is_journaled(&assign.right);
            self.scope.assign(ident.to_string(), journaled);
        }
    }

    fn visit_expr_binary(&mut self, binary: &'ast ExprBinary) {
        if is_assignment(&binary.op) {
            self.check_assignment(&binary.left);
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        if let Some(branches) = tokens::branches(mac) {
            branches.iter().for_each(|branch| self.block(|walk| walk.visit_branch(branch)));
            return;
        }
        for argument in tokens::expressions(mac.tokens.clone()) {
            if tokens::awaits_arguments(mac) && peel::ident(&argument).is_none_or(|ident| ident != "biased") {
                self.check_branch(&argument);
            }
            self.visit_expr(&argument);
        }
    }
}

fn is_step(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => is_step(&reference.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "Step"),
        _ => false,
    }
}

fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

#[cfg(test)]
mod tests {
    use syn::{ItemFn, parse_quote};

    use crate::errors::Errors;
    use crate::{item, steps};

    /// The messages about a body, and the names of the steps in it.
    fn check(body: &str) -> (Vec<String>, Vec<String>) {
        let block: syn::Block = syn::parse_str(&format!("{{ {body} }}")).unwrap();
        let function: ItemFn = parse_quote!(async fn f(event: Event<T>, step: Step, http: Http) -> Result<()> #block);
        let mut errors = Errors::default();
        let function = item::read(function, &mut errors);
        let found = steps::find(&function, false, &mut errors);
        (errors.messages(), found.sites.into_iter().map(|site| site.name).collect())
    }

    #[test]
    fn these_bodies_are_replayed_safely() {
        for body in [
            r#"step.run("a", http.get(now())).await?;"#,
            r#"let a = step.run("a", work()).retries(2).timeout(d); a.await?;"#,
            r#"match step.wait_for_event::<T>("a").timeout(d).await { Ok(x) => x, Err(e) => return Err(e.into()) };"#,
            r#"if let Some(x) = step.wait_for_event::<T>("a").await? { step.sleep("b", x).await; }"#,
            r#"let pair = (step.run("a", work()), step.run("b", work())); pair.0.await?; pair.1.await?;"#,
            r#"let futures: Vec<_> = items.iter().map(|i| step.run(format!("a-{i}"), work(i))).collect(); for f in futures { f.await?; }"#,
            r#"for (i, f) in vec![step.run("a", work())].into_iter().enumerate() { f.await?; }"#,
            r#"let mut set = FuturesUnordered::new(); for i in items { set.push(step.run(format!("{i}"), work())); } while let Some(x) = set.next().await { x?; }"#,
            r#"join_all(items.iter().map(|i| async move { step.run(format!("{i}"), work()).await })).await;"#,
            r#"stream::iter(items).for_each_concurrent(4, |i| { let step = &step; async move { step.sleep(name(i), d).await; } }).await;"#,
            r#"let job = Job { step: &step }; job.go().await?;"#,
            r#"let mut a = pin!(step.sleep("a", d)); tokio::select! { _ = &mut a => {}, x = step.run("b", work()) => { x?; } }"#,
            r#"tokio::pin! { let a = step.sleep("a", d); } let b = step.sleep("b", d); b.await;"#,
            r#"race(step.run("a", work()), helper(&step)).await?;"#,
            r#"let s = Step::clone(&step); let f = async move { s.run("a", work()).await }; f.await?;"#,
            r#"let total = step.run("a", async { let mut n = 0; n += 1; let mut v = X { y: 1 }; v.y = 2; for i in 0..3 { n += i; } Ok(n) }).await?; let mut sum = 0; sum += total;"#,
            r#"step.run("a", async move { info!(user = id, "x"); match y { Some(mut z) => { z = 1; Ok(z) } None => Ok(0) } }).await?;"#,
            r#"step.run("a", async { list.iter().for_each(|mut x| x = 1); Ok(()) }).await?;"#,
            r#"let run = |i| step.run(format!("a-{i}"), work()); futures::try_join!(run(1), run(2))?;"#,
            r#"async fn nested() { other().await; } step.run("a", nested()).await?;"#,
            r#"let now = event.ts; let random = now; step.sleep("a", random).await;"#,
            r#"let f = step.run("a", work()).boxed(); let g = f.map(|x| x); g.await?;"#,
            r#"let out = if x { step.run("a", work()).await? } else { step.run("b", work()).await? };"#,
            r#"let r = tokio::time::timeout(d, step.run("a", work())).await;"#,
            r#"let body = json!({ "a": step.run("a", work()).await?, "b": 1 });"#,
            r#"let c = async { http.get("x").await?.json().await }; let v = step.run("a", c).await?;"#,
            r#"let page: Page = step.fetch("a", FetchRequest::get(url)).await?.json()?; let b = step.ai().infer::<Value>("b", ask(page)).await?;"#,
            r#"let ai = step.ai(); let all = join_all(pages.iter().map(|page| ai.infer::<Value>(format!("ask-{page}"), ask(page)))).await;"#,
            r#"let x = step.wait_for_signal::<T>("a", format!("s-{id}")).timeout(d).on_conflict(OnConflict::Replace).await?; step.send_signal("b", "s", &x).await?;"#,
            r#"tokio::select! { x = step.fetch("a", request()) => { x?; } _ = step.wait_for_signal::<()>("b", "stop") => {} }"#,
        ] {
            assert_eq!(check(body).0, Vec::<String>::new(), "{body}");
        }
    }

    #[test]
    fn names_mean_what_they_mean_to_the_compiler() {
        for body in [
            r#"let figures = step.run("figures", figures()).await?;"#,
            r#"let shown = make(); let shown = step.run("shown", shown).await?;"#,
            r#"step.run("a", later).await?; let later = step.run("b", work()).await?;"#,
            r#"if x { let shown = step.run("a", work()).await?; } else { let shown = make(); step.run("b", shown).await?; }"#,
            r#"let part = step.run("a", work()).await?; for part in parts { step.run(format!("{part}"), part).await?; }"#,
            r#"let part = step.run("a", work()).await?; join_all(parts.map(|part| step.run(format!("{part}"), part))).await;"#,
            r#"let part = step.run("a", work()).await?; if let Some(part) = next { step.run("b", part).await?; }"#,
            r#"let part = step.run("a", work()).await?; while let Some(part) = next() { step.run(name(), part).await?; }"#,
            r#"let part = step.run("a", work()).await?; match next { Some(part) => step.run("b", part).await?, None => {} }"#,
            r#"let part = step.run("a", work()).await?; select! { part = step.sleep("b", d) => { step.run("c", part).await?; } }"#,
            r#"let part = step.run("a", work()).await?; async fn nested() { other.run("b", part).await; }"#,
            r#"let f = step.run("a", work()); if x { let f = 1; show(f); } f.await?;"#,
            r#"let f = step.run("a", work()); xs.iter().for_each(|f| { let f = f + 1; show(f); }); f.await?;"#,
            r#"let f = { let s = step.clone(); s.run("a", work()) }; f.await?;"#,
            r#"let all = 0; let all = { let mut all = Vec::new(); for i in is { all.push(step.run(name(i), work())); } all }; join_all(all).await;"#,
            r#"{ let s = &step; s.sleep("a", d).await; } step.run("b", work(s)).await?;"#,
            r#"let s = &step; s.sleep("a", d).await; let s = "text"; step.run("b", work(s)).await?;"#,
            r#"let s = 1; { let s = &step; s.sleep("a", d).await; } step.run("b", xs.iter().map(|s| work(s))).await?;"#,
            r#"step.run("a", async { let step = 1; work(step).await }).await?;"#,
            r#"let step = Arc::new(step); step.run("a", work()).await?;"#,
        ] {
            assert_eq!(check(body).0, Vec::<String>::new(), "{body}");
        }
    }

    #[test]
    fn these_bodies_are_refused() {
        for (body, part) in [
            (r#"http.get("x").await?;"#, "this `await`"),
            (r#"let r = step.run("a", work()).await?; r.more().await?;"#, "this `await`"),
            (r#"step.run("a", work()).await?.more().await?;"#, "this `await`"),
            (r#"let f = step.run("a", work()); let f = http.get("x"); f.await?;"#, "this `await`"),
            (r#"if let Ok(x) = http.get("x").await {}"#, "this `await`"),
            (r#"match http.get("x").await { _ => {} }"#, "this `await`"),
            (r#"let x = vec![http.get("x").await?];"#, "this `await`"),
            (r#"info!(x = %http.get("x").await?, "y");"#, "this `await`"),
            (r#"let x = json!({ "a": [http.get("x").await?] });"#, "this `await`"),
            (r#"tokio::spawn(async move { http.get("x").await; });"#, "this `await`"),
            (r#"let f = || async { http.get("x").await }; f().await;"#, "this `await`"),
            (r#"tokio::time::sleep(d).await;"#, "this `await`"),
            (r#"let (a, b) = tokio::join!(http.get("x"), step.run("a", work()));"#, "this branch"),
            (r#"select! { x = http.get("x") => {}, _ = step.sleep("a", d) => {} }"#, "this branch"),
            (r#"select! { x = step.sleep("a", d) => { http.get("x").await; } }"#, "this `await`"),
            (r#"step.sleep_until("a", Timestamp::now() + d).await;"#, "the clock (`Timestamp::now`)"),
            (r#"let id = value.unwrap_or_else(Uuid::new_v4);"#, "randomness (`Uuid::new_v4`)"),
            (r#"let x: u8 = random();"#, "randomness (`random`)"),
            (r#"let id = ulid::Ulid::new();"#, "randomness (`ulid::Ulid::new`)"),
            (r#"let x = env::var_os("X");"#, "the environment (`env::var_os`)"),
            (r#"let e = t.elapsed();"#, "the clock is read"),
            (r#"step.run("a", work()).await?; step.run("a", work()).await?;"#, "used twice, first in line 1"),
            (r#"if x { step.run("a", work()).await?; } else { step.sleep("a", d).await; }"#, "used twice"),
            (r#"step.run("a".to_string(), w()).await?; step.run(String::from("a"), w()).await?;"#, "used twice"),
            (r#"step.run("a", w()).await?; step.run(format!("a"), w()).await?;"#, "used twice"),
            (r#"loop { step.run(format!("a"), w()).await?; }"#, "inside a loop"),
            (r#"let _ = join_all(xs.iter().map(async |x| step.run("a", w()).await)).await;"#, "inside a closure"),
            (r#"let v = vec![step.run("a", w()), step.run("a", w())];"#, "used twice"),
            (r#"step.fetch("a", r()).await?; step.ai().infer::<T>("a", r()).await?;"#, "used twice"),
            (r#"step.wait_for_signal::<T>("a", "s").await?; step.send_signal("a", "s", &1).await?;"#, "used twice"),
            (r#"for x in xs { step.fetch("a", r(x)).await?; }"#, "inside a loop"),
            (r#"let ai = step.ai(); for x in xs { ai.infer::<T>("a", r(x)).await?; }"#, "inside a loop"),
            (r#"while x { step.wait_for_signal::<T>("a", "s").await?; }"#, "inside a loop"),
            (r#"join_all(xs.iter().map(|x| step.send_signal("a", x, &1))).await;"#, "inside a closure"),
            (
                r#"step.run("a", async { step.ai().infer::<T>("b", r()).await?; Ok(()) }).await?;"#,
                "inside the future of the step `a`",
            ),
            (r#"let ai = step.ai(); step.run("a", work(ai)).await?;"#, "the step handle"),
            (r#"step.fetch("a", http.get("x").await?).await?;"#, "this `await`"),
            (r#"step.send_signal("a", "s", &Uuid::new_v4()).await?;"#, "randomness (`Uuid::new_v4`)"),
            (
                r#"step.run("a", async { step.sleep("b", d).await; Ok(()) }).await?;"#,
                "inside the future of the step `a`",
            ),
            (r#"let s = step.clone(); step.run("a", work(s)).await?;"#, "the step handle"),
            (r#"let f = async { step.run("b", w()).await }; step.run("a", f).await?;"#, "inside the future of a step"),
            (r#"let mut n = 0; step.run("a", async { n += 1; Ok(()) }).await?;"#, "`n` is declared outside"),
            (r#"step.run("a", async { state.x.y = 1; Ok(()) }).await?;"#, "`state` is declared outside"),
            (r#"step.run("a", async { *shared = 1; list[0] = 2; Ok(()) }).await?;"#, "`list` is declared outside"),
            (r#"tokio::join!(step.run("a", async { n = 1; Ok(()) }));"#, "`n` is declared outside"),
            (
                r#"let f = async { step.run("b", w()).await }; if x { step.run("a", f).await?; }"#,
                "inside the future of a step",
            ),
            (
                r#"let f = async { step.run("b", w()).await }; { let f = 1; } step.run("a", f).await?;"#,
                "inside the future of a step",
            ),
            (
                r#"let f = async { step.run("b", w()).await }; let f = step.run("a", f).await?;"#,
                "inside the future of a step",
            ),
            (
                r#"let f = || async { step.run("b", w()).await }; step.run("a", f()).await?;"#,
                "inside the future of a step",
            ),
            (
                r#"let f = async { step.run("b", w()).await }; tokio::join!(step.run("a", f));"#,
                "inside the future of a step",
            ),
            (
                r#"let mut n = 0; step.run("a", async { { let mut n = 1; n += 1; } n += 1; Ok(()) }).await?;"#,
                "`n` is declared outside",
            ),
            (r#"let step = step.run("a", w()).await?; step.run("b", w()).await?;"#, "this `await`"),
        ] {
            let messages = check(body).0;
            assert!(messages.iter().any(|message| message.contains(part)), "{body}: {messages:?}");
        }
    }

    #[test]
    fn steps_are_found_wherever_they_stand() {
        for (body, names) in [
            (r#"let x = vec![step.run("a", w()), step.run("b", w())];"#, vec!["a", "b"]),
            (r#"println!("{} {y}", step.run("a", w()).await?, y = step.run("b", w()).await?);"#, vec!["a", "b"]),
            (r#"assert!(matches!(step.run("a", w()).await, Ok(_)), "{}", step.run("b", w()).await?);"#, vec!["a", "b"]),
            (r#"tracing::warn!(target: "x", n = ?step.run("a", w()).await, "text");"#, vec!["a"]),
            (
                r#"select! { biased; x = step.sleep("a", d), if y => step.sleep("b", d).await, else => { step.sleep("c", d).await } }"#,
                vec!["a", "b", "c"],
            ),
            (
                r#"select! { x = step.sleep("a", d).fuse() => {} complete => { step.sleep("b", d).await; } default => () }"#,
                vec!["a", "b"],
            ),
            (r#"unknown! { key -> step.run("a", w()), other => { step.run("b", w()).await } }"#, vec!["a", "b"]),
            (r#"(&step).ai().infer("a", r).await?; let s = &step; s.fetch("b", r).await?;"#, vec!["a", "b"]),
            (
                r#"let ai = step.ai(); ai.infer("a", r).await?; step.wait_for_signal::<T>("b", "s").await?;"#,
                vec!["a", "b"],
            ),
            (r#"step.send_signal("a", "s", &1).await?; signals.send_signal("b", "s", &1);"#, vec!["a"]),
            (
                r#"step.run(format!("embed-{}", id), w()).await?; step.run(NAME, w()).await?; step.run(format!("{{x}}"), w()).await?;"#,
                vec!["embed-{}", "{…}", "{x}"],
            ),
            (r#"other.run("a", w());"#, vec![]),
        ] {
            assert_eq!(check(body).1, names, "{body}");
        }
    }
}
