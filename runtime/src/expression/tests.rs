//! The dialect as a table: an expression, the event's data, the result.

use serde_json::{Value as Json, json};

use super::limits::{BRACKETS_MAX, LENGTH_MAX, SYMBOLS_MAX};
use super::{EvalError, Expression, ExpressionError, Scope};

fn parse(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn evaluate(text: &str, data: Json) -> Result<Json, EvalError> {
    let event = json!({"id": "01", "name": "a/b.done", "data": data, "ts": 1_774_512_121_538_i64});
    parse(text).evaluate(&Scope { event: &event, async_event: None })
}

#[track_caller]
fn check(cases: &[(&str, Json, Json)]) {
    for (text, data, expected) in cases {
        assert_eq!(evaluate(text, data.clone()).as_ref(), Ok(expected), "`{text}` over {data}");
    }
}

#[track_caller]
fn check_alone(cases: &[(&str, Json)]) {
    for (text, expected) in cases {
        assert_eq!(evaluate(text, json!({})).as_ref(), Ok(expected), "`{text}`");
    }
}

/// These have no value.
#[track_caller]
fn check_errors(cases: &[(&str, Json, &str)]) {
    for (text, data, expected) in cases {
        let error = evaluate(text, data.clone()).expect_err(text).to_string();
        assert!(error.contains(expected), "`{text}`: {error}");
    }
}

#[track_caller]
fn check_refused(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let error = Expression::parse(text).expect_err(text).to_string();
        assert!(error.contains(expected), "`{text}`: {error}");
    }
}

#[test]
fn literals_and_operators_have_cels_meaning() {
    check_alone(&[
        ("5 + 4", json!(9)),
        ("2 + 3 * 4 - 6 / 2", json!(11)),
        ("7 % 4", json!(3)),
        ("-3", json!(-3)),
        ("1.5 + 1.5", json!(3)),
        ("'a' + 'b'", json!("ab")),
        ("[1, 2] + [3]", json!([1, 2, 3])),
        ("{'a': 1}['a']", json!(1)),
        ("{'a': {'b': 2}}.a.b", json!(2)),
        ("'hello'.contains('llo')", json!(true)),
        ("'hello'.startsWith('he') && 'hello'.endsWith('lo')", json!(true)),
        ("size('héllo')", json!(5)),
        ("[1, 2, 3].size()", json!(3)),
        ("1 == 1.0 && 1u == 1 && 2 > 1.5", json!(true)),
        ("'b' > 'a'", json!(true)),
        ("2 in [1, 2]", json!(true)),
        ("'k' in {'k': 1}", json!(true)),
        ("!true", json!(false)),
        ("true ? 'yes' : 'no'", json!("yes")),
        ("null == null", json!(true)),
        ("[1, 'a'] == [1.0, 'a']", json!(true)),
        ("{'a': [1]} == {'a': [1]}", json!(true)),
        ("'1' == 1", json!(false)),
    ]);
}

#[test]
fn fields_are_read_at_any_depth() {
    check(&[
        ("event.data.name", json!({"name": "x"}), json!("x")),
        ("event['data'].name == 'x' && event['data'].bar != true", json!({"name": "x"}), json!(true)),
        ("event.data.a.b.c", json!({"a": {"b": {"c": [1]}}}), json!([1])),
        ("event.data.tags[1]", json!({"tags": ["a", "b"]}), json!("b")),
        ("event.data.tags[event.data.n]", json!({"tags": ["a", "b"], "n": 1}), json!("b")),
        ("event.name == 'a/b.done' && event.id == '01'", json!({}), json!(true)),
        ("event.ts > 1000", json!({}), json!(true)),
        ("event.data == event.data", json!({"nope": null, "inner": {"eval": "ok"}}), json!(true)),
        ("event.data.a == event.data.b", json!({"a": {"n": 9}, "b": {"n": 1.161}}), json!(false)),
    ]);
}

#[test]
fn missing_keys_follow_the_server() {
    check_alone(&[
        ("event.data.missing == 'foo'", json!(false)),
        ("event.data.missing == null", json!(true)),
        ("null == event.data.missing", json!(true)),
        ("event.data.missing == 0", json!(false)),
        ("event.data.a == event.data.b", json!(false)),
        ("event.data.a != event.data.b", json!(true)),
        ("event.data.missing != 'foo'", json!(true)),
        ("event.data.missing != null", json!(false)),
        ("event.data.missing < 5", json!(true)),
        ("event.data.missing <= 5", json!(true)),
        ("5 < event.data.missing", json!(false)),
        ("5 >= event.data.missing", json!(true)),
        ("event.data.missing > 5", json!(false)),
        ("5 > event.data.missing", json!(true)),
        ("event.data.missing + 'x'", json!("x")),
        ("'x' + event.data.missing", json!("x")),
        ("event.data.a + event.data.b", json!(false)),
        ("size(event.data.missing)", json!(0)),
        ("event.data.missing in ['a']", json!(false)),
        ("event.data.foo != '' && 'item' in event.data.issue.fields.tags", json!(false)),
        ("'a' in event.data.missing.deep", json!(false)),
        ("event.data.some.unknown.contains(event.data.title)", json!(false)),
        ("event.nonexistent.exists(x, x == 'a')", json!(false)),
        ("event.data.missing", json!(false)),
        ("event.data.missing.at.depth == null", json!(true)),
        ("event.data.list[7] == null", json!(true)),
        ("async.data.x == 'a'", json!(false)),
        ("!event.data.missing", json!(false)),
        ("!has(event.data.missing)", json!(false)),
        ("has(event.data.missing) == false", json!(false)),
        ("has(event.data.missing)", json!(false)),
        ("event.data.missing * 2", json!(false)),
        ("lowercase(event.data.missing) == 'a'", json!(false)),
    ]);
    check(&[
        ("event.data.a.b == 'x'", json!({"a": null}), json!(false)),
        ("event.data.a.b == null", json!({"a": "text"}), json!(true)),
        ("event.data.t == true && event.data.i.f.a != 'a'", json!({"t": true, "i": null}), json!(true)),
        ("has(event.data.a)", json!({"a": null}), json!(true)),
        ("event.data.n > event.data.missing", json!({"n": 2}), json!(true)),
        ("event.data.name + '-' + event.data.foo", json!({"name": "T"}), json!("T-")),
    ]);
}

#[test]
fn null_stands_for_the_zero_of_the_other_kind_in_an_order() {
    check_alone(&[
        ("null == 'foo'", json!(false)),
        ("'foo' != null", json!(true)),
        ("null < 'foo'", json!(true)),
        ("'foo' < null", json!(false)),
        ("null < uint(5)", json!(true)),
        ("null > 0", json!(false)),
        ("5 > null", json!(true)),
        ("null <= 0", json!(true)),
        ("null >= 1", json!(false)),
        ("null < 0.5", json!(true)),
    ]);
    check(&[
        ("event.data.n > null && event.data.m > null", json!({"n": 3.1, "m": 8}), json!(true)),
        ("event.data.action > 0", json!({"action": null}), json!(false)),
        ("size(event.data.nope) > 0", json!({"nope": null}), json!(false)),
        ("event.data.something == null", json!({"something": null}), json!(true)),
    ]);
}

#[test]
fn numbers_compare_across_kinds() {
    check(&[
        ("event.data.int > 3.141 && event.data.float <= 2", json!({"int": 8, "float": 1.1}), json!(true)),
        ("event.data.n == 5 && event.data.n == 5.0 && event.data.n == 5u", json!({"n": 5}), json!(true)),
        ("event.data.n in [4, 5]", json!({"n": 5}), json!(true)),
        ("event.data.s == 200", json!({"s": "200"}), json!(false)),
        ("int(event.data.s) == 200", json!({"s": "200"}), json!(true)),
        ("event.data.n * 2.0", json!({"n": 21}), json!(42)),
        ("int(event.data.n) % 2 == 0", json!({"n": 4}), json!(true)),
        ("event.data.a == event.data.b", json!({"a": 9007199254740993_i64, "b": 9007199254740992_i64}), json!(false)),
        ("event.data.big", json!({"big": u64::MAX}), json!(u64::MAX)),
    ]);
    check_errors(&[
        ("event.data.n * 2", json!({"n": 21}), "write `1.0`"),
        ("'a' < 1", json!({}), "`<` does not take a string and an int"),
        ("1 / 0", json!({}), "divided by zero"),
        ("9223372036854775807 + 1", json!({}), "out of range"),
        ("int('x')", json!({}), "cannot convert"),
        ("!'text'", json!({}), "`!` does not take a string"),
        ("0.0 / 0.0", json!({}), "not a finite number"),
    ]);
}

#[test]
fn adding_two_kinds_writes_both_as_go_does() {
    let data = json!({"name": "hi", "number": 9.1, "bool": true, "list": [3, "ok?", true], "obj": {"name": "inngest"}});
    let text = "event.data.name + '-' + event.data.number + '-' + event.data.bool + '-' + event.data.list + '-' + event.data.obj + '-' + event.data.missing";
    check(&[
        (text, data, json!("hi-9.1-true-[3 ok? true]-map[name:inngest]-")),
        ("event.data.n + 1", json!({"n": 5}), json!("51")),
        ("event.data.id + '-x'", json!({"id": 1_234_567}), json!("1.234567e+06-x")),
        ("event.data.x + '-x'", json!({"x": null}), json!("NULL_VALUE-x")),
    ]);
}

#[test]
fn logic_is_that_of_javascript() {
    check(&[
        ("event.data.a || event.data.b", json!({"a": "first", "b": "second"}), json!("first")),
        ("event.data.a || event.data.b", json!({"a": "", "b": "second"}), json!("second")),
        ("event.data.a || event.data.b", json!({"b": "second"}), json!("second")),
        ("event.data.a || event.data.b", json!({}), json!(false)),
        ("event.data.a || event.data.b", json!({"a": 0, "b": []}), json!([])),
        ("event.data.a && event.data.b", json!({"a": "first", "b": "second"}), json!("second")),
        ("event.data.a && event.data.b", json!({"a": "", "b": "second"}), json!("")),
        ("event.data.a ? event.data.a : event.data.b", json!({"b": "c-123"}), json!("c-123")),
        ("event.data.a ? 'y' : 'n'", json!({"a": 0}), json!("n")),
        (
            "!((has(event.data.a) && event.data.a) || (has(event.data.b) && event.data.b))",
            json!({"a": false, "b": false}),
            json!(true),
        ),
        // The right side has no value, but is not looked at.
        ("true || 1 / 0 == 1", json!({}), json!(true)),
        ("false && 1 / 0 == 1", json!({}), json!(false)),
    ]);
}

#[test]
fn comprehensions_go_over_lists_and_keys() {
    check(&[
        ("event.data.tags.exists(x, x == 'd' || x == 'a')", json!({"tags": ["a", "b"]}), json!(true)),
        ("event.data.tags.exists(x, x == 'd') == false", json!({"tags": ["a", "b"]}), json!(true)),
        ("[1, 2, 3].all(x, x > 0)", json!({}), json!(true)),
        ("[1, 2, 3].exists_one(x, x > 2)", json!({}), json!(true)),
        ("[1, 2, 3].filter(x, x > 1)", json!({}), json!([2, 3])),
        ("[1, 2].map(x, x * 2)", json!({}), json!([2, 4])),
        ("[1, 2, 3].map(x, x > 1, x * 2)", json!({}), json!([4, 6])),
        ("['P0'].exists(p, p in event.data.tag)", json!({"tag": ["P0"]}), json!(true)),
        ("event.data.items.exists(i, i.done)", json!({"items": [{}, {"done": true}]}), json!(true)),
        ("event.data.items.filter(i, !has(i.done))", json!({"items": [{"id": 1}, {"done": true}]}), json!([{"id": 1}])),
        ("event.data.items.map(i, i.id)", json!({"items": [{"id": 1}, {}]}), json!([1, null])),
        ("event.data.a.exists(x, event.data.b.exists(x, x == 2))", json!({"a": [1], "b": [2]}), json!(true)),
        ("event.data.map.exists(k, k == 'b')", json!({"map": {"a": 1, "b": 2}}), json!(true)),
    ]);
    check_errors(&[("event.data.s.exists(x, x == 'a')", json!({"s": "abc"}), "no elements")]);
}

#[test]
fn the_servers_own_functions_work() {
    check(&[
        ("uppercase(event.data.name) + ' is my name'", json!({"name": "Tester"}), json!("TESTER is my name")),
        ("lowercase(event.data.p) == 'urgent'", json!({"p": "URGENT"}), json!(true)),
        ("b64decode('aGkgdGhlcmUh') + ' - b64 data'", json!({}), json!("hi there! - b64 data")),
        (
            "json_parse(b64decode(event.data.e)).nested.data",
            json!({"e": "eyJuZXN0ZWQiOnsiZGF0YSI6InllYSJ9fQ=="}),
            json!("yea"),
        ),
        ("json_parse('no json')", json!({}), json!({})),
        (
            "date(event.data.from) + duration('6h35m10s') == date('2020-01-01T18:35:10')",
            json!({"from": "2020-01-01T12:00:00"}),
            json!(true),
        ),
        ("date('2020-01-01') < date('2020-01-01T00:00:01Z')", json!({}), json!(true)),
        ("date(1774512121) == date(1774512121000)", json!({}), json!(true)),
        ("date(event.ts).getFullYear()", json!({}), json!(2026)),
        ("date('2026-03-26T23:30:00Z').getHours('Europe/Berlin')", json!({}), json!(0)),
        ("now_minus('1h') < now() && now() < now_plus('24h')", json!({}), json!(true)),
        ("string(5) + string(true)", json!({}), json!("5true")),
        ("double('1.5') + 1.0", json!({}), json!(2.5)),
        ("duration('90m')", json!({}), json!("1h30m0s")),
    ]);
    check_errors(&[
        ("date('yesterday')", json!({}), "is no time"),
        ("now_plus('soon')", json!({}), "is no duration"),
        ("timestamp(5)", json!({}), "does not take"),
    ]);
}

#[test]
fn a_condition_is_true_or_false() {
    let event = json!({"data": {"a": "text", "n": 1}});
    let scope = Scope { event: &event, async_event: None };
    assert_eq!(parse("event.data.n == 1").matches(&scope), Ok(true));
    assert_eq!(parse("event.data.missing").matches(&scope), Ok(false));
    assert_eq!(parse("event.data.a").matches(&scope), Err(EvalError::NotABool { found: "a string" }));
}

#[test]
fn keys_are_strings_as_they_are_and_other_values_as_json() {
    let event = json!({"data": {"a": "x", "n": 123_456_789, "list": [1, "b"], "f": 1.5}});
    let key = |text: &str| parse(text).key(&Scope { event: &event, async_event: None });
    assert_eq!(key("event.data.a"), Ok("x".to_owned()));
    assert_eq!(key("event.data.n"), Ok("123456789".to_owned()));
    assert_eq!(key("event.data.list"), Ok("[1,\"b\"]".to_owned()));
    assert_eq!(key("event.data.f"), Ok("1.5".to_owned()));
    assert_eq!(key("event.data.missing"), Ok("false".to_owned()));
    assert_eq!(key("event.data.a + '-' + event.data.f"), Ok("x-1.5".to_owned()));
}

#[test]
fn async_is_the_second_event() {
    let event = json!({"data": {"id": 7}});
    let matches = |second: Json| {
        parse("async.data.id == event.data.id").matches(&Scope { event: &event, async_event: Some(&second) })
    };
    assert_eq!(matches(json!({"data": {"id": 7.0}})), Ok(true));
    assert_eq!(matches(json!({"data": {"id": "7"}})), Ok(false));
    assert_eq!(matches(json!({"data": {}})), Ok(false));
}

#[test]
fn an_equality_indexes_a_wait() {
    let event = json!({"data": {"id": 7, "nil": null, "text": "a"}});
    for (text, path, key) in [
        ("async.data.id == event.data.id", "data.id", Some("n:7")),
        ("event.data.id == async.data.id", "data.id", Some("n:7")),
        ("event.data.text == 'a' && async.data.n > 1 && async.data['k'] == event.data.text", "data.k", Some("s:a")),
        ("async.data.kind == 'a' + 'b'", "data.kind", Some("s:ab")),
        ("async.data.ok == true", "data.ok", Some("b:true")),
        ("async.data.id == event.data.nil", "data.id", None),
        ("async.data.id == event.data.missing", "data.id", None),
    ] {
        let equality = parse(text).equality().unwrap_or_else(|| panic!("`{text}` has an equality"));
        assert_eq!(equality.path.join("."), path, "`{text}`");
        assert_eq!(equality.key(&event).as_deref(), key, "`{text}`");
    }
    for text in [
        "async.data.a == event.data.a || async.data.b == event.data.b",
        "async.data.a == async.data.b",
        "async.data.a != event.data.a",
        "async.data.tags[0] == event.data.a",
        "!(async.data.a == event.data.a)",
        "async.data.a == string(has(async.data.b))",
        "async.data.at == now()",
        "event.data.a == 'x'",
    ] {
        assert!(parse(text).equality().is_none(), "`{text}`");
    }
}

#[test]
fn an_events_index_key_is_equal_exactly_when_the_values_are() {
    let equality = parse("async.data.id == event.data.id").equality().expect("has an equality");
    let values = [
        json!(7),
        json!(7.0),
        json!("7"),
        json!(true),
        json!("true"),
        json!(0.5),
        json!(9007199254740993_i64),
        json!(9007199254740992_i64),
        json!(1e300),
        json!(u64::MAX),
        json!(-1),
    ];
    for a in &values {
        for b in &values {
            let (first, second) = (json!({"data": {"id": a}}), json!({"data": {"id": b}}));
            let scope = Scope { event: &first, async_event: Some(&second) };
            let holds = parse("async.data.id == event.data.id").matches(&scope).expect("has a value");
            assert_eq!(equality.key(&first) == equality.key_in(&second), holds, "{a} and {b}");
        }
    }
}

#[test]
fn every_path_that_is_read_is_listed() {
    for (text, expected) in [
        ("event.data.a.b == async.data.c", "event.data.a.b async.data.c"),
        ("event['data']['x-y'] == 1", "event.data.x-y"),
        (
            "event.data.tags.exists(t, t.name == 'x' && t.kind in event.data.kinds)",
            "event.data.kinds event.data.tags event.data.tags[].kind event.data.tags[].name",
        ),
        ("event.data.l.exists(x, has(x.a))", "event.data.l event.data.l[].a"),
        ("has(event.data.a) && event.data.b.c", "event.data.a event.data.b.c"),
        ("event.data.list[0].id", "event.data.list[].id"),
        ("event.data.list[event.data.n]", "event.data.list[] event.data.n"),
        ("lowercase(event.data.a) + event.data.a", "event.data.a"),
        ("json_parse(event.data.text).a.b", "event.data.text"),
        ("event.id", "event.id"),
        ("1 + 1", ""),
    ] {
        let found = parse(text).fields().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(found, expected, "`{text}`");
    }
}

#[test]
fn negations_of_what_may_be_missing_are_listed() {
    let negated =
        |text: &str| parse(text).negated_fields().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(negated("!event.data.a && !has(event.data.b)"), "event.data.a event.data.b");
    assert_eq!(negated("!(event.data.a == 1) && event.data.l.filter(x, !x.done)"), "");
}

#[test]
fn wrong_expressions_are_refused_with_the_fix() {
    check_refused(&[
        ("", "empty"),
        ("   ", "empty"),
        ("event.data.a =", "syntax error at column"),
        ("event.data.a == ", "syntax error at column"),
        ("event.data.a === 1", "syntax error at column"),
        ("(event.data.a", "syntax error"),
        ("'unclosed", "syntax error"),
        ("evnt.data.a == 1", "did you mean `event`?"),
        ("data.a == 1", "`data` is not known"),
        ("undefined == 1", "did you mean `null`?"),
        ("event.data.a.lowerAscii() == 'a'", "did you mean `lowercase`?"),
        ("event.data.a.startswith('x')", "did you mean `startsWith`?"),
        ("startsWith(event.data.a, 'x')", "write `event.data.name.startsWith('a')`"),
        ("event.data.a.matches('^x')", "use `startsWith`"),
        ("event.data.a.exists(x)", "write `event.data.items.exists("),
        ("has(event)", "write `has(event.data.field)`"),
        ("lowercase()", "write `lowercase(event.data.name)`"),
        ("Message{a: 1}", "write a map"),
        ("event.?data", "syntax"),
        ("[1].exists(x, y == 1)", "`y` is not known"),
    ]);
}

#[test]
fn hostile_texts_are_answered_on_a_small_stack() {
    let refused = |text: &str| Expression::parse(text).expect_err("is refused");
    assert_eq!(refused(&"a".repeat(LENGTH_MAX + 1)), ExpressionError::TooLong);
    assert_eq!(refused(&"(".repeat(BRACKETS_MAX + 1)), ExpressionError::TooDeep);
    assert_eq!(refused(&vec!["true"; 300].join(" != ")), ExpressionError::TooDeep);
    let parts = [
        "!",
        "-",
        "event.",
        "1+",
        "1?",
        "true?1:",
        "a(",
        "[",
        "'",
        "\"\\",
        "1 in ",
        "{",
        "a.b(c).",
        "event[",
        "\u{0}é",
        "true&&",
        "1==",
        "x,",
        "event.data.a=='b'||",
        "#",
    ];
    for part in parts {
        for length in [LENGTH_MAX - 8, SYMBOLS_MAX * part.len(), SYMBOLS_MAX / 2 * part.len()] {
            let text = part.repeat(length / part.len());
            // Whatever the answer is, it comes.
            let parsing = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
                let _ = Expression::parse(&text);
                let _ = Expression::parse(&(text + "1"));
            });
            parsing.expect("a thread starts").join().expect("the parser does not panic");
        }
    }
}

#[test]
fn costly_evaluations_end_with_an_error() {
    let data = json!({"list": vec![1; 5_000], "text": "x".repeat(100_000)});
    for text in [
        "event.data.list.all(a, event.data.list.all(b, b == 1))".to_owned(),
        format!("size({}) > 0", vec!["event.data.text"; 60].join(" + ")),
        "event.data.list.all(a, event.data == event.data)".to_owned(),
        "size(event.data.list.map(a, event.data.text + 'y')) > 0".to_owned(),
        "event.data.list.all(a, event.data.list + 'x' != '')".to_owned(),
    ] {
        assert_eq!(evaluate(&text, data.clone()), Err(EvalError::TooMuchWork), "`{text}`");
    }
    check(&[("event.data.list.all(a, a == 1)", data, json!(true))]);
}
