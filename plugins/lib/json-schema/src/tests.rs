//! Schemas and instances, keyword by keyword.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test panics if it fails"
)]

use serde_json::{Value, json};

use crate::{check, validate};

fn errors(schema: &Value, instance: &Value) -> Vec<String> {
    let faults = check(schema, &|_| false);
    assert!(faults.is_empty(), "{schema}: {faults:?}");
    validate(schema, instance, &|_| None)
}

#[test]
fn each_keyword_accepts_and_refuses() {
    let cases = [
        (json!({"type": "integer"}), json!(1), json!("a")),
        (json!({"type": "integer"}), json!(-1), json!(1.5)),
        (json!({"type": "number"}), json!(1), json!(null)),
        (json!({"type": ["string", "null"]}), json!(null), json!({})),
        (
            json!({"enum": ["a", {"b": 1}]}),
            json!({"b": 1.0}),
            json!("b"),
        ),
        (json!({"minimum": 1}), json!(1), json!(0)),
        (
            json!({"minimum": 1, "exclusiveMinimum": true}),
            json!(1.1),
            json!(1),
        ),
        (json!({"maximum": 1}), json!("a text"), json!(1.1)),
        (
            json!({"maximum": 1, "exclusiveMaximum": true}),
            json!(0),
            json!(1),
        ),
        (json!({"multipleOf": 0.1}), json!(0.3), json!(0.35)),
        (json!({"multipleOf": 3}), json!(9), json!(10)),
        (json!({"minLength": 2}), json!("éé"), json!("é")),
        (json!({"maxLength": 1}), json!("é"), json!("éé")),
        (json!({"pattern": "b+"}), json!("abbc"), json!("ac")),
        (
            json!({"pattern": "^\\d{3}-[a-z]\\/$"}),
            json!("123-a/"),
            json!("123-A/"),
        ),
        (
            json!({"format": "date-time"}),
            json!("2026-01-31T10:00:00.5+01:00"),
            json!("2026-01-31"),
        ),
        (json!({"format": "email"}), json!("a@b"), json!("a")),
        (
            json!({"format": "ipv4"}),
            json!("10.0.0.1"),
            json!("10.0.0.256"),
        ),
        (json!({"format": "ipv6"}), json!("::1"), json!("1")),
        (
            json!({"format": "uri"}),
            json!("http://a/b?c"),
            json!("a b"),
        ),
        (json!({"minItems": 1}), json!([1]), json!([])),
        (json!({"maxItems": 1}), json!([1]), json!([1, 2])),
        (
            json!({"uniqueItems": true}),
            json!([1, "1"]),
            json!([1, 2, 1.0]),
        ),
        (
            json!({"items": {"type": "string"}}),
            json!(["a"]),
            json!(["a", 1]),
        ),
        (
            json!({"items": [{"type": "string"}]}),
            json!(["a", 1]),
            json!([1]),
        ),
        (
            json!({"items": [{}], "additionalItems": false}),
            json!([1]),
            json!([1, 2]),
        ),
        (
            json!({"items": [{}], "additionalItems": {"type": "null"}}),
            json!([1, null]),
            json!([1, 2]),
        ),
        (
            json!({"required": ["a"]}),
            json!({"a": null}),
            json!({"b": 1}),
        ),
        (
            json!({"properties": {"a": {"type": "string"}}}),
            json!({"a": "b", "c": 1}),
            json!({"a": 1}),
        ),
        (
            json!({"properties": {"a": {}}, "additionalProperties": false}),
            json!({"a": 1}),
            json!({"a": 1, "b": 1}),
        ),
        (
            json!({"patternProperties": {"^x": {}}, "additionalProperties": {"type": "null"}}),
            json!({"x1": 1, "b": null}),
            json!({"b": 1}),
        ),
        (json!({"minProperties": 1}), json!({"a": 1}), json!({})),
        (json!({"maxProperties": 0}), json!({}), json!({"a": 1})),
        (
            json!({"dependencies": {"a": ["b"]}}),
            json!({"a": 1, "b": 1}),
            json!({"a": 1}),
        ),
        (
            json!({"dependencies": {"a": {"required": ["c"]}}}),
            json!({"b": 1}),
            json!({"a": 1}),
        ),
        (
            json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}),
            json!(2),
            json!(3),
        ),
        (
            json!({"anyOf": [{"minimum": 3}, {"maximum": 1}]}),
            json!(3),
            json!(2),
        ),
        (
            json!({"oneOf": [{"minimum": 1}, {"maximum": 2}]}),
            json!(3),
            json!(2),
        ),
        (json!({"not": {"type": "null"}}), json!(1), json!(null)),
        (
            json!({"definitions": {"n": {"type": "integer"}}, "items": {"$ref": "#/definitions/n"}}),
            json!([1]),
            json!(["a"]),
        ),
        (
            json!({"properties": {"next": {"$ref": "#"}}, "required": ["v"]}),
            json!({"v": 1, "next": {"v": 2}}),
            json!({"v": 1, "next": {}}),
        ),
    ];
    for (schema, valid, invalid) in cases {
        assert_eq!(
            errors(&schema, &valid),
            Vec::<String>::new(),
            "{schema} {valid}"
        );
        assert_eq!(errors(&schema, &invalid).len(), 1, "{schema} {invalid}");
    }
}

#[test]
fn errors_have_the_words_of_java_s_validator() {
    let schema = json!({
        "type": "object",
        "required": ["price", "name"],
        "properties": {"price": {"type": "number", "minimum": 25}, "kind": {"enum": ["a", "b"]}},
    });
    for (instance, expected) in [
        (
            json!({}),
            vec![r#"object has missing required properties (["name","price"])"#],
        ),
        (
            json!([]),
            vec![
                r#"instance type (array) does not match any allowed primitive type (allowed: ["object"])"#,
            ],
        ),
        (
            json!({"name": 1, "price": 1, "kind": "c"}),
            vec![
                r#"instance value ("c") not found in enum (possible values: ["a","b"])"#,
                "numeric instance is lower than the required minimum (minimum: 25, found: 1)",
            ],
        ),
    ] {
        assert_eq!(errors(&schema, &instance), expected);
    }
}

#[test]
fn a_reference_leads_to_another_model() {
    let schema =
        json!({"items": {"$ref": "https://apigateway.amazonaws.com/restapis/a1/models/Item"}});
    let item = json!({"definitions": {"n": {"type": "integer"}}, "$ref": "#/definitions/n"});
    assert!(check(&schema, &|name| name == "Item").is_empty());
    let model = |name: &str| (name == "Item").then(|| item.clone());
    assert!(validate(&schema, &json!([1]), &model).is_empty());
    assert_eq!(validate(&schema, &json!(["a", 1]), &model).len(), 1);
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let schema = json!({"$ref": "#"});
    assert_eq!(
        errors(&schema, &json!(1)),
        ["validation loop: too many references"]
    );
}

#[test]
fn faults_name_their_place() {
    let schema = json!({
        "typ": "object",
        "properties": {
            "a": {"type": "text", "required": true},
            "b": {"pattern": "(?=a)", "$ref": "#/definitions/none"},
            "c": {"const": 1, "minLength": -1},
        },
        "x-internal": 1,
        "oneOf": [{"zzzzzz": 1}],
    });
    let faults: Vec<(String, String)> = check(&schema, &|_| false)
        .into_iter()
        .map(|fault| (fault.at.join("."), fault.message))
        .collect();
    let expected = [
        ("oneOf.0.zzzzzz", "no such keyword"),
        ("properties.a.required", "list of names"),
        ("properties.a.type", "a type is one of array, boolean"),
        ("properties.b.$ref", "no such definition"),
        ("properties.b.pattern", "look-around"),
        ("properties.c.const", "`enum` with one value"),
        ("properties.c.minLength", "whole number from 0"),
        ("typ", "did you mean `type`?"),
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
    for ((at, message), (expected_at, part)) in faults.iter().zip(expected) {
        assert_eq!(at, expected_at);
        assert!(message.contains(part), "{message}");
    }
}
