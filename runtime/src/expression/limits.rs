//! What bounds the work that one expression can cause, each with its reason.

/// The longest expression, in bytes. The longest of the catalog has 200; the parser's time grows faster than the
/// length.
pub const LENGTH_MAX: usize = 4096;

/// How deep brackets may nest. Checked before the parser sees the text, because the parser recurses some twenty frames
/// for each.
pub const BRACKETS_MAX: usize = 32;

/// The most operators, dots and brackets in one expression. The parser visits a chain such as `a.b.c` or `1 + 1 + 1`
/// with one recursion for each link; twice this many fit the two megabytes of a worker thread's stack. Characters in
/// string literals count too, because telling them apart reliably would take the parser itself.
pub const SYMBOLS_MAX: usize = 400;

/// How deep the parsed expression may be; evaluation recurses once for each level.
pub const DEPTH_MAX: usize = 128;

/// How deep literals, operators and calls may nest inside the parser itself.
pub(super) const PARSER_DEPTH_MAX: u16 = 48;

/// Syntax errors after which the parser gives up; we show the first one only.
pub(super) const PARSER_RECOVERY_MAX: u32 = 4;

/// Units of work in one evaluation: one for each node visited, element compared or 64 bytes of text handled. Enough for
/// a comprehension over 10,000 elements, and done in well under 100 ms.
pub const WORK_MAX: u64 = 200_000;

/// Bytes of text that one evaluation may make, so that `a + a + …` over a large event cannot fill the memory.
pub const TEXT_MAX: usize = 4 * 1024 * 1024;
