use serde_json::{Value, json};

use crate::{Branch, Pattern};

/// Checks a pattern against events that it must match and events that it must not match.
fn check(pattern: Value, matched: &[Value], unmatched: &[Value]) {
    let parsed = Pattern::from_value(&pattern).unwrap();
    for event in matched {
        assert!(parsed.matches(event), "{pattern} does not match {event}");
    }
    for event in unmatched {
        assert!(!parsed.matches(event), "{pattern} matches {event}");
    }
}

/// Checks a pattern with a single field, whose list has the item `matcher`.
fn check_field(matcher: Value, matched: &[Value], unmatched: &[Value]) {
    let events =
        |values: &[Value]| -> Vec<_> { values.iter().map(|value| json!({"a": value})).collect() };
    check(
        json!({"a": [matcher]}),
        &events(matched),
        &events(unmatched),
    );
}

#[test]
fn literals_match_equal_values() {
    check_field(
        json!("x"),
        &[json!("x"), json!(["y", "x"])],
        &[json!("X"), json!("x "), json!(["y"]), json!({"x": "x"})],
    );
    check_field(
        json!(300),
        &[json!(300.0), json!(3e2)],
        &[json!("300"), json!(301)],
    );
    check_field(
        json!(123_456_789_012_u64),
        &[json!(123_456_789_012_u64)],
        &[json!(123_456_789_013_u64)],
    );
    check_field(
        json!(true),
        &[json!(true)],
        &[json!(false), json!("true"), json!(1)],
    );
    check_field(
        json!(null),
        &[json!(null), json!([1, null])],
        &[json!("null"), json!([]), json!(""), json!({})],
    );
    check_field(json!(""), &[json!("")], &[json!(null), json!([])]);
    check_field(json!("::1"), &[json!("0:0:0:0:0:0:0:1")], &[json!("::2")]);
    check(json!({"a": [null]}), &[], &[json!({}), json!({"b": null})]);
}

#[test]
fn all_leaves_must_match_with_one_matcher_each() {
    check(
        json!({"a": ["x", {"prefix": "y"}], "b": {"c": [1]}}),
        &[
            json!({"a": "x", "b": {"c": 1}, "more": true}),
            json!({"a": "yes", "b": {"c": [0, 1]}}),
        ],
        &[
            json!({"a": "x", "b": {"c": 2}}),
            json!({"a": "x"}),
            json!({"a": "z", "b": {"c": 1}}),
            json!({"A": "x", "b": {"c": 1}}),
            json!("a"),
            json!([]),
        ],
    );
}

#[test]
fn conditions_on_texts_are_checked() {
    let not_texts = [json!(1), json!(null), json!(true)];
    check_field(
        json!({"prefix": "ab"}),
        &[json!("ab"), json!("abc")],
        &[json!("a"), json!("Ab")],
    );
    check_field(json!({"prefix": ""}), &[json!(""), json!("x")], &not_texts);
    check_field(
        json!({"suffix": "bc"}),
        &[json!("abc")],
        &[json!("bcd"), json!("BC")],
    );
    check_field(
        json!({"prefix": {"equals-ignore-case": "ÄB"}}),
        &[json!("äbc"), json!("ÄBC")],
        &[json!("abc")],
    );
    check_field(
        json!({"suffix": {"equals-ignore-case": ".PNG"}}),
        &[json!("a.pNg")],
        &[json!("a.jpg")],
    );
    check_field(
        json!({"equals-ignore-case": "Straße"}),
        &[json!("sTRAßE")],
        &[json!("strase")],
    );
    check_field(
        json!({"equals-ignore-case": ""}),
        &[json!("")],
        &[json!("a"), json!(null)],
    );
    check_field(
        json!({"wildcard": "a*c"}),
        &[json!("abc"), json!("ac")],
        &[json!("ab")],
    );
    check_field(json!({"wildcard": ""}), &[json!("")], &[json!("a")]);
    check_field(json!({"exactly": "x"}), &[json!("x")], &[json!("y")]);
    check_field(
        json!({"cidr": "10.0.0.0/8"}),
        &[json!("10.1.2.3")],
        &[json!("11.0.0.0"), json!(10)],
    );
}

#[test]
fn numbers_are_matched_by_ranges() {
    check_field(
        json!({"numeric": ["=", 3]}),
        &[json!(3), json!(3.0)],
        &[json!("3"), json!(null)],
    );
    check_field(
        json!({"numeric": [">", 0]}),
        &[json!(0.000_001)],
        &[json!(0), json!(-1)],
    );
    check_field(
        json!({"numeric": [">=", 0]}),
        &[json!(0)],
        &[json!(-0.000_001)],
    );
    check_field(json!({"numeric": ["<", 0]}), &[json!(-1)], &[json!(0)]);
    check_field(json!({"numeric": ["<=", 0]}), &[json!(0)], &[json!(1)]);
    check_field(
        json!({"numeric": [">", 0, "<=", 5]}),
        &[json!(5), json!([9, 1])],
        &[json!(0), json!(5.000_001), json!(1.000_000_1)],
    );
    check_field(
        json!({"numeric": [">", -5e9]}),
        &[json!(5_000_000_000_u64)],
        &[json!(5_000_000_001_u64)],
    );
}

#[test]
fn anything_but_requires_a_value() {
    check_field(
        json!({"anything-but": "x"}),
        &[json!("y"), json!(1), json!(null), json!(["x", "y"])],
        &[json!("x"), json!([]), json!(["x"]), json!({"b": 1})],
    );
    check_field(
        json!({"anything-but": [1, 2]}),
        &[json!(3), json!("1")],
        &[json!(1), json!(2.0)],
    );
    check_field(
        json!({"anything-but": {"prefix": "in"}}),
        &[json!("out"), json!(12)],
        &[json!("inner")],
    );
    check_field(
        json!({"anything-but": {"prefix": ["a", "b"]}}),
        &[json!("c")],
        &[json!("a1"), json!("b1")],
    );
    check_field(
        json!({"anything-but": {"suffix": ".png"}}),
        &[json!("a.jpg")],
        &[json!("a.png")],
    );
    check_field(
        json!({"anything-but": {"equals-ignore-case": ["A", "b"]}}),
        &[json!("c")],
        &[json!("a"), json!("B")],
    );
    check_field(
        json!({"anything-but": {"wildcard": "*/lib/*"}}),
        &[json!("a/b")],
        &[json!("a/lib/b")],
    );
    check_field(
        json!({"anything-but": {"wildcard": ""}}),
        &[json!("a")],
        &[json!("")],
    );
    check(json!({"a": [{"anything-but": "x"}]}), &[], &[json!({})]);
}

#[test]
fn exists_refers_to_leaves_only() {
    check(
        json!({"a": {"b": [{"exists": true}]}}),
        &[
            json!({"a": {"b": null}}),
            json!({"a": [{"c": 1}, {"b": 0}]}),
        ],
        &[
            json!({}),
            json!({"a": {"b": []}}),
            json!({"a": {"b": {"c": 1}}}),
        ],
    );
    check(
        json!({"a": {"b": [{"exists": false}]}}),
        &[
            json!({}),
            json!({"a": 1}),
            json!({"a": {"b": []}}),
            json!({"a": {"b": {"c": 1}}}),
        ],
        &[
            json!({"a": {"b": null}}),
            json!({"a": [{"c": 1}, {"b": 0}]}),
        ],
    );
    check(
        json!({"a": [{"exists": false}, "x"]}),
        &[json!({}), json!({"a": "x"})],
        &[json!({"a": "y"})],
    );
}

#[test]
fn leaves_below_a_list_are_matched_by_the_same_item() {
    check(
        json!({"items": {"kind": ["a"], "size": [{"numeric": [">", 5]}]}, "id": [1]}),
        &[
            json!({"id": 1, "items": [{"kind": "b", "size": 9}, {"kind": "a", "size": 6}]}),
            json!({"id": 1, "items": [[{"kind": "a", "size": 6}]]}),
            json!({"id": 1, "items": [{"kind": ["b", "a"], "size": [1, 6]}]}),
        ],
        &[
            json!({"id": 1, "items": [{"kind": "a", "size": 1}, {"kind": "b", "size": 9}]}),
            json!({"id": 2, "items": [{"kind": "a", "size": 6}]}),
            json!({"id": 1, "items": []}),
        ],
    );
    check(
        json!({"a": {"x": [1]}, "b": {"y": [2]}}),
        &[json!({"a": [{"x": 0}, {"x": 1}], "b": [{"y": 2}, {"y": 0}]})],
        &[],
    );
}

#[test]
fn matching_a_long_list_takes_time_proportional_to_its_length() {
    let item = |index: usize| {
        if index.is_multiple_of(2) {
            json!({"x": 1})
        } else {
            json!({"y": 1})
        }
    };
    let items: Vec<_> = (0..50_000).map(item).collect();
    check(
        json!({"a": {"x": [1], "y": [1]}}),
        &[],
        &[json!({"a": items})],
    );
}

#[test]
fn dotted_names_are_paths() {
    check(
        json!({"a": {"b.c": [1]}}),
        &[
            json!({"a": {"b": {"c": 1}}}),
            json!({"a.b": {"c": 1}}),
            json!({"a.b.c": 1}),
        ],
        &[json!({"a": {"b": 1}})],
    );
}

#[test]
fn one_alternative_of_an_or_suffices() {
    let pattern = json!({"a": [1], "$or": [{"b": [2]}, {"c": {"$or": [{"d": [3]}, {"e": [4]}]}}]});
    check(
        pattern.clone(),
        &[
            json!({"a": 1, "b": 2}),
            json!({"a": 1, "c": {"d": 3}}),
            json!({"a": 1, "c": {"e": 4}}),
        ],
        &[json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "d": 3})],
    );
    let paths: Vec<_> = Pattern::from_value(&pattern)
        .unwrap()
        .branches()
        .iter()
        .map(|branch: &Branch| branch.paths().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(paths, ["a b", "a c.d", "a c.e"]);
}

#[test]
fn a_pattern_may_have_more_than_64_leaves() {
    let names: Vec<_> = (0..150).map(|index| format!("k{index}")).collect();
    let object = |value: Value| -> Value {
        names
            .iter()
            .map(|name| (name.clone(), value.clone()))
            .collect()
    };
    let (pattern, event) = (object(json!([1])), object(json!(1)));
    let mut lacking = event.clone();
    lacking["k149"] = json!(2);
    check(pattern, &[event], &[lacking]);
}

#[test]
fn malformed_patterns_are_rejected_with_reason_and_path() {
    for (pattern, expected) in [
        (json!([]), "Filter is not an object"),
        (json!({}), "Empty objects are not allowed"),
        (
            json!({"a": {"b": {}}}),
            "Empty objects are not allowed (at `a.b`)",
        ),
        (
            json!({"a": {"b": 1}}),
            "\"b\" must be an object or an array (at `a.b`)",
        ),
        (json!({"a": []}), "Empty arrays are not allowed (at `a`)"),
        (
            json!({"a": [[1]]}),
            "Match value must be String, number, true, false, or null (at `a`)",
        ),
        (
            json!({"a": [{}]}),
            "Match expression name not found (at `a`)",
        ),
        (
            json!({"a": [{"prefix": "x", "suffix": "y"}]}),
            "Only one key allowed in match expression (at `a`)",
        ),
        (
            json!({"a": [{"EXISTS": true}]}),
            "Unrecognized match type EXISTS (at `a`)",
        ),
        (
            json!({"a": [{"exists": "yes"}]}),
            "exists match pattern must be either true or false. (at `a`)",
        ),
        (
            json!({"a": [{"prefix": ["x"]}]}),
            "prefix match pattern must be a string (at `a`)",
        ),
        (
            json!({"a": [{"prefix": {"wildcard": "x"}}]}),
            "prefix match pattern must be a string (at `a`)",
        ),
        (
            json!({"a": [{"suffix": 1}]}),
            "suffix match pattern must be a string (at `a`)",
        ),
        (
            json!({"a": [{"wildcard": 1}]}),
            "wildcard match pattern must be a string (at `a`)",
        ),
        (
            json!({"a": [{"wildcard": "**"}]}),
            "Consecutive wildcard characters at pos 1 (at `a`)",
        ),
        (
            json!({"a": [{"equals-ignore-case": 1}]}),
            "equals-ignore-case match pattern must be a string (at `a`)",
        ),
        (
            json!({"a": [{"cidr": "10.0.0.0/x"}]}),
            "Malformed CIDR, mask bits must be an integer (at `a`)",
        ),
        (
            json!({"$or": [{"a": [1]}]}),
            "There must have at least 2 Objects in $or relationship.",
        ),
        (
            json!({"a": {"$or": {"b": [1]}}}),
            "It must be an Array followed with $or. (at `a`)",
        ),
        (
            json!({"$or": [{"a": [1]}, [1]]}),
            "Only JSON object is allowed in array of $or relationship.",
        ),
        (
            json!({"$or": [{"prefix": ["x"]}, {"a": [1]}]}),
            "prefix is Ruler reserved fieldName which cannot be used inside $or. (at `prefix`)",
        ),
    ] {
        let error = Pattern::from_value(&pattern).unwrap_err();
        assert_eq!(error.to_string(), expected, "{pattern}");
    }
    let branches: Vec<_> = (0..11)
        .map(|index| json!({"$or": vec![json!({"b": [index]}); 100]}))
        .collect();
    let error = Pattern::from_value(&json!({"$or": branches})).unwrap_err();
    assert_eq!(error.reason, "$or makes more than 1000 combinations");
    let not_json = Pattern::parse("{\"a\": [").unwrap_err().to_string();
    assert!(not_json.starts_with("it is not JSON: "), "{not_json}");
}

#[test]
fn malformed_anything_but_is_rejected() {
    let no_list = "Value of anything-but must be an array or single string/number value.";
    let no_item = "Inside anything but list, start|null|boolean is not supported.";
    let mixed = "Inside anything but list, either all values are number or string, mixed type is not supported";
    for (value, expected) in [
        (json!(null), no_list),
        (json!(true), no_list),
        (json!([null]), no_item),
        (json!([["x"]]), no_item),
        (json!(["x", 1]), mixed),
        (json!([]), mixed),
        (json!({}), "Anything-But expression name not found"),
        (
            json!({"numeric": ["=", 1]}),
            "Unsupported anything-but pattern: numeric",
        ),
        (json!({"prefix": ""}), "Null prefix/suffix not allowed"),
        (
            json!({"suffix": ["x", ""]}),
            "Null prefix/suffix not allowed",
        ),
        (
            json!({"prefix": 1}),
            "prefix/suffix match pattern must be a string",
        ),
        (
            json!({"prefix": {"equals-ignore-case": "x"}}),
            "prefix/suffix match pattern must be a string",
        ),
        (
            json!({"wildcard": [1]}),
            "wildcard match pattern must be a string",
        ),
    ] {
        let error = Pattern::from_value(&json!({"a": [{"anything-but": value}]})).unwrap_err();
        assert_eq!(error.reason, expected);
    }
}

#[test]
fn malformed_ranges_of_numbers_are_rejected() {
    for (value, expected) in [
        (json!(1), "Value of numeric must be an array."),
        (json!([]), "Invalid member in numeric match: ]"),
        (json!([1]), "Invalid member in numeric match: 1"),
        (json!(["=", "1"]), "Value of equals must be numeric"),
        (json!(["<", "1"]), "Value of < must be numeric"),
        (json!([">"]), "Value of > must be numeric"),
        (json!(["~", 1]), "Unrecognized numeric range operator: ~"),
        (
            json!(["=", 1, 2]),
            "Too many elements in numeric expression",
        ),
        (
            json!(["<", 1, ">", 0]),
            "Too many elements in numeric expression",
        ),
        (json!([">", 1, ">", 2]), "Bad numeric range operator: >"),
        (json!([">", 1, 2]), "Bad value in numeric range: 2"),
        (json!([">", 1, "<"]), "Value of < must be numeric"),
        (
            json!([">", 1, "<", 2, 3]),
            "Too many terms in numeric range expression",
        ),
        (json!([">", 2, "<", 1]), "Bottom must be less than top"),
        (
            json!(["=", 6e9]),
            "Value must be between -5.0E9 and 5.0E9, inclusive",
        ),
        (
            json!(["=", 0.000_000_1]),
            "Only values up to 6 decimals are supported",
        ),
    ] {
        let error = Pattern::from_value(&json!({"a": [{"numeric": value}]})).unwrap_err();
        assert_eq!(error.reason, expected);
    }
}
