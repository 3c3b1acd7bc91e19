//! From text to tree: the `cel` crate parses, this module bounds the input and keeps what the dialect has.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};

use super::error::ExpressionError;
use super::limits::{BRACKETS_MAX, DEPTH_MAX, LENGTH_MAX, PARSER_DEPTH_MAX, PARSER_RECOVERY_MAX, SYMBOLS_MAX};
use super::nearest::nearest;
use super::node::{Comprehension, ComprehensionKind, Function, Literal, Node, Operator, Root, SIGNATURES, Style};

pub(super) fn parse(text: &str) -> Result<Node, ExpressionError> {
    check_size(text)?;
    // An environment without macros leaves `has`, `exists` and their kin as calls, which is what we want to see.
    let parser = cel::Env::default().parser();
    let parsed = parser
        .enable_optional_syntax(false)
        .max_recursion_depth(PARSER_DEPTH_MAX)
        .error_recovery_limit(PARSER_RECOVERY_MAX)
        .parse(text)
        .map_err(|errors| syntax_error(&errors))?;
    Lowering { variables: Vec::new() }.node(parsed, 0)
}

/// Refuses what would cost the parser too much time or stack.
fn check_size(text: &str) -> Result<(), ExpressionError> {
    if text.trim().is_empty() {
        return Err(ExpressionError::Empty);
    }
    if text.len() > LENGTH_MAX {
        return Err(ExpressionError::TooLong);
    }
    let (mut depth, mut symbols) = (0usize, 0usize);
    // Brackets inside literals count too: an over-estimate is harmless at this limit.
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                symbols += 1;
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'.' | b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'=' | b'!' | b'?' => symbols += 1,
            _ => {}
        }
        if depth > BRACKETS_MAX || symbols > SYMBOLS_MAX {
            return Err(ExpressionError::TooDeep);
        }
    }
    Ok(())
}

fn syntax_error(errors: &cel::ParseErrors) -> ExpressionError {
    let Some(first) = errors.errors.first() else {
        return ExpressionError::Syntax { column: 1, message: "not an expression".to_owned() };
    };
    if first.msg.contains("ecursion limit") {
        return ExpressionError::TooDeep;
    }
    ExpressionError::Syntax {
        column: usize::try_from(first.pos.1).unwrap_or(1).max(1),
        message: plain_message(&first.msg),
    }
}

/// The parser's words name its own states and list every token it would take; where it stopped is what helps.
fn plain_message(message: &str) -> String {
    let message = message.trim_start_matches("Syntax error: ").split(" expecting ").next().unwrap_or(message);
    let kinds =
        ["token recognition error at:", "mismatched input", "extraneous input", "no viable alternative at input"];
    match kinds.iter().find_map(|kind| message.strip_prefix(kind)) {
        Some(input) if input.contains("<EOF>") => "the expression ends too early".to_owned(),
        Some(input) => format!("`{}` cannot stand here", input.trim().trim_matches('\'').escape_debug()),
        None => message.replace("'<EOF>'", "the end").replace('\n', " "),
    }
}

struct Lowering {
    /// The variables of the comprehensions around the node, outermost first.
    variables: Vec<String>,
}

impl Lowering {
    fn node(&mut self, expr: IdedExpr, depth: usize) -> Result<Node, ExpressionError> {
        if depth > DEPTH_MAX {
            return Err(ExpressionError::TooDeep);
        }
        match expr.expr {
            Expr::Literal(literal) => Ok(Node::Literal(lower_literal(literal))),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => {
                let operand = Box::new(self.node(*select.operand, depth + 1)?);
                Ok(if select.test {
                    Node::Has { operand, field: select.field }
                } else {
                    Node::Select { operand, field: select.field }
                })
            }
            Expr::Call(call) => self.call(call, depth + 1),
            Expr::List(list) => Ok(Node::List(self.nodes(list.elements, depth + 1)?)),
            Expr::Map(map) => {
                let entries = map.entries.into_iter().map(|entry| match entry.expr {
                    EntryExpr::MapEntry(entry) if !entry.optional => {
                        Ok((self.node(entry.key, depth + 1)?, self.node(entry.value, depth + 1)?))
                    }
                    _ => Err(unsupported("an optional entry", "leave the `?` out")),
                });
                Ok(Node::Map(entries.collect::<Result<_, _>>()?))
            }
            Expr::Struct(made) => {
                Err(unsupported(format!("the message `{}`", made.type_name), "write a map: `{'key': value}`"))
            }
            Expr::Comprehension(_) | Expr::Unspecified => {
                Err(ExpressionError::Syntax { column: 1, message: "not an expression".to_owned() })
            }
        }
    }

    fn nodes(&mut self, exprs: Vec<IdedExpr>, depth: usize) -> Result<Vec<Node>, ExpressionError> {
        exprs.into_iter().map(|expr| self.node(expr, depth)).collect()
    }

    fn name(&self, name: String) -> Result<Node, ExpressionError> {
        if self.variables.contains(&name) {
            return Ok(Node::Variable(name));
        }
        match name.as_str() {
            "event" => Ok(Node::Root(Root::Event)),
            "async" => Ok(Node::Root(Root::Async)),
            "undefined" | "None" | "nil" => Err(ExpressionError::UnknownName { name, hint: hint(Some("null")) }),
            _ => {
                let candidates = self.variables.iter().map(String::as_str).chain(["event", "async"]);
                let guess = nearest(&name, candidates).map(str::to_owned);
                Err(ExpressionError::UnknownName { name, hint: hint(guess.as_deref()) })
            }
        }
    }

    fn call(&mut self, call: CallExpr, depth: usize) -> Result<Node, ExpressionError> {
        let CallExpr { func_name, target, mut args } = call;
        let Some(target) = target else {
            return match (func_name.as_str(), args.len()) {
                (operators::LOGICAL_NOT, 1) => Ok(Node::Not(Box::new(self.node(args.remove(0), depth)?))),
                (operators::NEGATE, 1) => Ok(Node::Negate(Box::new(self.node(args.remove(0), depth)?))),
                (operators::LOGICAL_AND, 2) => Ok(Node::And(self.pair(args, depth)?)),
                (operators::LOGICAL_OR, 2) => Ok(Node::Or(self.pair(args, depth)?)),
                (operators::CONDITIONAL, 3) => {
                    let otherwise = args.pop().unwrap_or_default();
                    let (condition, then) = *self.pair(args, depth)?;
                    Ok(Node::Conditional(Box::new((condition, then, self.node(otherwise, depth)?))))
                }
                (operators::INDEX, 2) => {
                    let (operand, index) = *self.pair(args, depth)?;
                    Ok(match index {
                        Node::Literal(Literal::String(field)) => Node::Select { operand: Box::new(operand), field },
                        index => Node::Index { operand: Box::new(operand), index: Box::new(index) },
                    })
                }
                (operators::HAS, _) => self.has(args, depth),
                (name, 2) if let Some(operator) = binary(name) => {
                    Ok(Node::Binary { operator, sides: self.pair(args, depth)? })
                }
                (name, _) => {
                    let arguments = self.nodes(args, depth)?;
                    function(name, false, arguments)
                }
            };
        };
        if let Some(kind) = comprehension(&func_name) {
            return self.comprehension(kind, &func_name, *target, args, depth);
        }
        let mut arguments = vec![self.node(*target, depth)?];
        arguments.extend(self.nodes(args, depth)?);
        function(&func_name, true, arguments)
    }

    fn pair(&mut self, args: Vec<IdedExpr>, depth: usize) -> Result<Box<(Node, Node)>, ExpressionError> {
        let mut args = args.into_iter();
        let left = self.node(args.next().unwrap_or_default(), depth)?;
        let right = self.node(args.next().unwrap_or_default(), depth)?;
        Ok(Box::new((left, right)))
    }

    fn has(&mut self, args: Vec<IdedExpr>, depth: usize) -> Result<Node, ExpressionError> {
        let wrong = || ExpressionError::Usage { name: "has".to_owned(), usage: "has(event.data.field)" };
        match <[IdedExpr; 1]>::try_from(args) {
            Ok([arg]) => match self.node(arg, depth)? {
                Node::Select { operand, field } => Ok(Node::Has { operand, field }),
                _ => Err(wrong()),
            },
            Err(_) => Err(wrong()),
        }
    }

    fn comprehension(
        &mut self,
        kind: ComprehensionKind,
        name: &str,
        target: IdedExpr,
        args: Vec<IdedExpr>,
        depth: usize,
    ) -> Result<Node, ExpressionError> {
        let wrong = || ExpressionError::Usage { name: name.to_owned(), usage: usage(kind) };
        let is_map = kind == ComprehensionKind::Map;
        if args.len() != 2 && !(is_map && args.len() == 3) {
            return Err(wrong());
        }
        let mut args = args.into_iter();
        let Some(IdedExpr { expr: Expr::Ident(variable), .. }) = args.next() else { return Err(wrong()) };
        let range = self.node(target, depth)?;
        self.variables.push(variable.clone());
        let body = args.map(|arg| self.node(arg, depth)).collect::<Result<Vec<_>, _>>();
        self.variables.pop();
        let mut body = body?;
        let transform = if is_map { body.pop() } else { None };
        Ok(Node::Comprehension(Box::new(Comprehension { kind, range, variable, condition: body.pop(), transform })))
    }
}

fn function(name: &str, is_method: bool, arguments: Vec<Node>) -> Result<Node, ExpressionError> {
    let Some(signature) = SIGNATURES.iter().find(|signature| signature.name == name) else {
        return Err(unknown_function(name));
    };
    let style_fits = match signature.style {
        Style::Global => !is_method,
        Style::Method => is_method,
        Style::Both => true,
    };
    if !style_fits || !signature.arguments.contains(&arguments.len()) {
        return Err(ExpressionError::Usage { name: name.to_owned(), usage: signature.usage });
    }
    if signature.function == Function::Dyn {
        return Ok(arguments.into_iter().next().unwrap_or(Node::Literal(Literal::Null)));
    }
    Ok(Node::Call { function: signature.function, arguments })
}

fn unknown_function(name: &str) -> ExpressionError {
    match name {
        "matches" => {
            unsupported("the regular expression function `matches`", "use `startsWith`, `endsWith` or `contains`")
        }
        "exists" | "all" | "filter" | "map" | "exists_one" | "existsOne" => {
            let usage = comprehension(name).map_or("", usage);
            ExpressionError::Usage { name: name.to_owned(), usage }
        }
        "lowerAscii" | "toLowerCase" | "lower" => unknown(name, Some("lowercase")),
        "upperAscii" | "toUpperCase" | "upper" => unknown(name, Some("uppercase")),
        "includes" => unknown(name, Some("contains")),
        _ => unknown(name, nearest(name, SIGNATURES.iter().map(|signature| signature.name))),
    }
}

fn unknown(name: &str, guess: Option<&str>) -> ExpressionError {
    ExpressionError::UnknownFunction { name: name.to_owned(), hint: hint(guess) }
}

fn hint(guess: Option<&str>) -> String {
    guess.map_or_else(String::new, |guess| format!(": did you mean `{guess}`?"))
}

fn unsupported(what: impl Into<String>, fix: &str) -> ExpressionError {
    ExpressionError::Unsupported { what: what.into(), fix: fix.to_owned() }
}

fn binary(name: &str) -> Option<Operator> {
    Some(match name {
        operators::ADD => Operator::Add,
        operators::SUBSTRACT => Operator::Subtract,
        operators::MULTIPLY => Operator::Multiply,
        operators::DIVIDE => Operator::Divide,
        operators::MODULO => Operator::Modulo,
        operators::EQUALS => Operator::Equal,
        operators::NOT_EQUALS => Operator::NotEqual,
        operators::LESS => Operator::Less,
        operators::LESS_EQUALS => Operator::LessEqual,
        operators::GREATER => Operator::Greater,
        operators::GREATER_EQUALS => Operator::GreaterEqual,
        operators::IN => Operator::In,
        _ => return None,
    })
}

fn comprehension(name: &str) -> Option<ComprehensionKind> {
    Some(match name {
        "exists" => ComprehensionKind::Exists,
        "exists_one" | "existsOne" => ComprehensionKind::ExistsOne,
        "all" => ComprehensionKind::All,
        "filter" => ComprehensionKind::Filter,
        "map" => ComprehensionKind::Map,
        _ => return None,
    })
}

const fn usage(kind: ComprehensionKind) -> &'static str {
    match kind {
        ComprehensionKind::Exists => "event.data.items.exists(item, item == 'a')",
        ComprehensionKind::ExistsOne => "event.data.items.exists_one(item, item == 'a')",
        ComprehensionKind::All => "event.data.items.all(item, item == 'a')",
        ComprehensionKind::Filter => "event.data.items.filter(item, item == 'a')",
        ComprehensionKind::Map => "event.data.items.map(item, item.name)",
    }
}

fn lower_literal(literal: LiteralValue) -> Literal {
    match literal {
        LiteralValue::Null => Literal::Null,
        LiteralValue::Boolean(value) => Literal::Bool(value.into_inner()),
        LiteralValue::Int(value) => Literal::Int(value.into_inner()),
        LiteralValue::UInt(value) => Literal::Uint(value.into_inner()),
        LiteralValue::Double(value) => Literal::Double(value.into_inner()),
        LiteralValue::String(value) => Literal::String(value.into_inner()),
        LiteralValue::Bytes(value) => Literal::Bytes(value.into_inner()),
    }
}
