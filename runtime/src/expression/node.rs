//! An expression as a tree: what the parser's syntax tree is lowered to, and what evaluation walks.

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Literal(Literal),
    Root(Root),
    /// The variable of a comprehension around this node.
    Variable(String),
    Select {
        operand: Box<Node>,
        field: String,
    },
    /// `has(operand.field)`.
    Has {
        operand: Box<Node>,
        field: String,
    },
    Index {
        operand: Box<Node>,
        index: Box<Node>,
    },
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<(Node, Node)>),
    Or(Box<(Node, Node)>),
    /// `condition ? then : otherwise`.
    Conditional(Box<(Node, Node, Node)>),
    Binary {
        operator: Operator,
        sides: Box<(Node, Node)>,
    },
    Call {
        function: Function,
        arguments: Vec<Node>,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Comprehension(Box<Comprehension>),
}

/// `range.kind(variable, condition, transform)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comprehension {
    pub(super) kind: ComprehensionKind,
    pub(super) range: Node,
    pub(super) variable: String,
    /// Absent only for `map` with two arguments.
    pub(super) condition: Option<Node>,
    /// Present only for `map`.
    pub(super) transform: Option<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ComprehensionKind {
    Exists,
    ExistsOne,
    All,
    Filter,
    Map,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}

/// What a path starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Root {
    /// The event that starts, or started, the run.
    Event,
    /// The event that a run waits for, or that cancels it.
    Async,
}

impl Root {
    /// The name in an expression.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Async => "async",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
}

impl Operator {
    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
        }
    }
}

/// The functions of the dialect; a method's target is the first argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    StartsWith,
    EndsWith,
    Contains,
    Lowercase,
    Uppercase,
    Base64Decode,
    JsonParse,
    Date,
    Now,
    NowPlus,
    NowMinus,
    Duration,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Dyn,
    GetFullYear,
    GetMonth,
    GetDate,
    GetDayOfMonth,
    GetDayOfWeek,
    GetDayOfYear,
    GetHours,
    GetMinutes,
    GetSeconds,
    GetMilliseconds,
}

/// How a function is written.
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) function: Function,
    /// Whether it may stand before its arguments, after a target, or both.
    pub(super) style: Style,
    /// The number of arguments, a target included.
    pub(super) arguments: std::ops::RangeInclusive<usize>,
    pub(super) usage: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Global,
    Method,
    Both,
}

const fn signature(name: &'static str, function: Function, style: Style, usage: &'static str) -> Signature {
    let arguments = match style {
        Style::Global | Style::Both => match function {
            Function::Now => 0..=0,
            _ => 1..=1,
        },
        Style::Method => match function {
            Function::StartsWith | Function::EndsWith | Function::Contains => 2..=2,
            _ => 1..=2,
        },
    };
    Signature { name, function, style, arguments, usage }
}

/// Every function, by name.
pub(super) const SIGNATURES: &[Signature] = &[
    signature("size", Function::Size, Style::Both, "size(event.data.items)"),
    signature("startsWith", Function::StartsWith, Style::Method, "event.data.name.startsWith('a')"),
    signature("endsWith", Function::EndsWith, Style::Method, "event.data.name.endsWith('a')"),
    signature("contains", Function::Contains, Style::Method, "event.data.name.contains('a')"),
    signature("lowercase", Function::Lowercase, Style::Global, "lowercase(event.data.name)"),
    signature("uppercase", Function::Uppercase, Style::Global, "uppercase(event.data.name)"),
    signature("b64decode", Function::Base64Decode, Style::Global, "b64decode(event.data.encoded)"),
    signature("json_parse", Function::JsonParse, Style::Global, "json_parse(event.data.text)"),
    signature("date", Function::Date, Style::Global, "date(event.data.at)"),
    signature("timestamp", Function::Date, Style::Global, "timestamp(event.data.at)"),
    signature("now", Function::Now, Style::Global, "now()"),
    signature("now_plus", Function::NowPlus, Style::Global, "now_plus('24h')"),
    signature("now_minus", Function::NowMinus, Style::Global, "now_minus('24h')"),
    signature("duration", Function::Duration, Style::Global, "duration('1h30m')"),
    signature("bool", Function::Bool, Style::Global, "bool(event.data.flag)"),
    signature("int", Function::Int, Style::Global, "int(event.data.count)"),
    signature("uint", Function::Uint, Style::Global, "uint(event.data.count)"),
    signature("double", Function::Double, Style::Global, "double(event.data.count)"),
    signature("string", Function::String, Style::Global, "string(event.data.count)"),
    signature("dyn", Function::Dyn, Style::Global, "dyn(event.data.value)"),
    signature("getFullYear", Function::GetFullYear, Style::Method, "date(event.data.at).getFullYear()"),
    signature("getMonth", Function::GetMonth, Style::Method, "date(event.data.at).getMonth()"),
    signature("getDate", Function::GetDate, Style::Method, "date(event.data.at).getDate()"),
    signature("getDayOfMonth", Function::GetDayOfMonth, Style::Method, "date(event.data.at).getDayOfMonth()"),
    signature("getDayOfWeek", Function::GetDayOfWeek, Style::Method, "date(event.data.at).getDayOfWeek()"),
    signature("getDayOfYear", Function::GetDayOfYear, Style::Method, "date(event.data.at).getDayOfYear()"),
    signature("getHours", Function::GetHours, Style::Method, "date(event.data.at).getHours('Europe/Berlin')"),
    signature("getMinutes", Function::GetMinutes, Style::Method, "date(event.data.at).getMinutes()"),
    signature("getSeconds", Function::GetSeconds, Style::Method, "date(event.data.at).getSeconds()"),
    signature("getMilliseconds", Function::GetMilliseconds, Style::Method, "date(event.data.at).getMilliseconds()"),
];
