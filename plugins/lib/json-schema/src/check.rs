//! Checks a schema before it is used.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pattern::Pattern;
use plugin_kit::nearest::nearest;
use serde_json::{Map, Value};

use crate::reference::{self, Reference};

/// What is wrong with a schema, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The keys that lead to the value.
    pub at: Vec<String>,
    /// What is wrong with it and what would be right, in one line.
    pub message: String,
}

/// The keywords, each with what its value has to be.
const KEYWORDS: [(&str, Kind); 38] = [
    ("$ref", Kind::Reference),
    ("$schema", Kind::Annotation),
    ("additionalItems", Kind::SchemaOrBoolean),
    ("additionalProperties", Kind::SchemaOrBoolean),
    ("allOf", Kind::Schemas),
    ("anyOf", Kind::Schemas),
    ("default", Kind::Annotation),
    ("definitions", Kind::Named),
    ("dependencies", Kind::Dependencies),
    ("deprecated", Kind::Annotation),
    ("description", Kind::Annotation),
    ("enum", Kind::Values),
    ("example", Kind::Annotation),
    ("examples", Kind::Annotation),
    ("exclusiveMaximum", Kind::Boolean),
    ("exclusiveMinimum", Kind::Boolean),
    ("format", Kind::Text),
    ("id", Kind::Annotation),
    ("items", Kind::SchemaOrSchemas),
    ("maxItems", Kind::Count),
    ("maxLength", Kind::Count),
    ("maxProperties", Kind::Count),
    ("maximum", Kind::Number),
    ("minItems", Kind::Count),
    ("minLength", Kind::Count),
    ("minProperties", Kind::Count),
    ("minimum", Kind::Number),
    ("multipleOf", Kind::Positive),
    ("not", Kind::Schema),
    ("oneOf", Kind::Schemas),
    ("pattern", Kind::Pattern),
    ("patternProperties", Kind::Patterns),
    ("properties", Kind::Named),
    ("readOnly", Kind::Annotation),
    ("required", Kind::Names),
    ("title", Kind::Annotation),
    ("type", Kind::Type),
    ("uniqueItems", Kind::Boolean),
];

/// Keywords of later drafts, and what draft 4 has instead.
const LATER: [(&str, &str); 7] = [
    ("$defs", "draft 4 calls this `definitions`"),
    ("$id", "draft 4 calls this `id`"),
    ("const", "draft 4 has `enum` with one value"),
    ("contains", "draft 4 does not have it"),
    ("propertyNames", "draft 4 does not have it"),
    ("if", "draft 4 does not have it; `anyOf` can express it"),
    ("nullable", "draft 4 has `type: [\"string\", \"null\"]`"),
];

const TYPES: [&str; 7] = [
    "array", "boolean", "integer", "null", "number", "object", "string",
];

#[derive(Clone, Copy)]
enum Kind {
    Annotation,
    Boolean,
    Count,
    Dependencies,
    Named,
    Names,
    Number,
    Pattern,
    Patterns,
    Positive,
    Reference,
    Schema,
    SchemaOrBoolean,
    SchemaOrSchemas,
    Schemas,
    Text,
    Type,
    Values,
}

/// Reports everything that is wrong with a schema. `is_model` decides whether there is another model of this name.
pub fn check(schema: &Value, is_model: &dyn Fn(&str) -> bool) -> Vec<Fault> {
    let mut checker = Checker {
        root: schema,
        is_model,
        at: Vec::new(),
        faults: Vec::new(),
    };
    checker.schema(schema);
    checker.faults
}

struct Checker<'a> {
    root: &'a Value,
    is_model: &'a dyn Fn(&str) -> bool,
    at: Vec<String>,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn fault(&mut self, message: impl Into<String>) {
        let (at, message) = (self.at.clone(), message.into());
        self.faults.push(Fault { at, message });
    }

    fn within(&mut self, key: &str, check: impl FnOnce(&mut Self)) {
        self.at.push(key.to_owned());
        check(self);
        self.at.pop();
    }

    fn schema(&mut self, schema: &Value) {
        let Some(members) = schema.as_object() else {
            return self.fault("a schema is an object, such as {\"type\": \"string\"}");
        };
        for (key, value) in members {
            self.within(key, |checker| checker.keyword(key, value));
        }
    }

    fn keyword(&mut self, key: &str, value: &Value) {
        let later = LATER.iter().find(|(name, _)| *name == key);
        let known = KEYWORDS.iter().find(|(name, _)| *name == key);
        match (known, later) {
            (Some((_, kind)), _) => self.value(*kind, value),
            (None, Some((_, instead))) => {
                self.fault(format!("models are in JSON Schema draft 4; {instead}"));
            }
            // API Gateway imports these, and uses none of them to validate.
            (None, None) if key.starts_with("x-") || ["xml", "externalDocs"].contains(&key) => {}
            (None, None) => {
                let names: Vec<&str> = KEYWORDS.iter().map(|(name, _)| *name).collect();
                self.fault(match nearest(key, &names) {
                    Some(near) => format!("unknown keyword; did you mean `{near}`?"),
                    None => String::from("JSON Schema draft 4 has no such keyword"),
                });
            }
        }
    }

    fn value(&mut self, kind: Kind, value: &Value) {
        match kind {
            Kind::Annotation => {}
            Kind::Boolean => self.expect(value.is_boolean(), "this must be true or false"),
            Kind::Count => self.expect(value.is_u64(), "this must be a whole number from 0"),
            Kind::Number => self.expect(value.is_number(), "this must be a number"),
            Kind::Text => self.expect(value.is_string(), "this must be text"),
            Kind::Positive => {
                let is_positive = value.as_f64().is_some_and(|number| number > 0.0);
                self.expect(is_positive, "this must be a number above 0");
            }
            Kind::Values => {
                let has_values = value.as_array().is_some_and(|list| !list.is_empty());
                self.expect(has_values, "this must be a list with at least one value");
            }
            Kind::Names => self.expect(
                is_list_of_texts(value),
                "this must be a list of names; draft 4 has it beside `properties`, not within a property",
            ),
            Kind::Type => {
                let is_type = |value: &Value| value.as_str().is_some_and(|it| TYPES.contains(&it));
                let is_legal = is_type(value)
                    || value
                        .as_array()
                        .is_some_and(|list| !list.is_empty() && list.iter().all(is_type));
                let rule = format!("a type is one of {}, or a list of them", TYPES.join(", "));
                self.expect(is_legal, &rule);
            }
            Kind::Pattern => match value.as_str() {
                Some(pattern) => self.pattern(pattern),
                None => self.fault("this must be a regular expression"),
            },
            Kind::Reference => self.reference(value),
            Kind::Schema => self.schema(value),
            Kind::SchemaOrBoolean if value.is_boolean() => {}
            Kind::SchemaOrBoolean => self.schema(value),
            Kind::SchemaOrSchemas if !value.is_array() => self.schema(value),
            Kind::Schemas | Kind::SchemaOrSchemas => self.schemas(value),
            Kind::Named => self.named(value, |checker, _, schema| checker.schema(schema)),
            Kind::Patterns => self.named(value, |checker, pattern, schema| {
                checker.pattern(pattern);
                checker.schema(schema);
            }),
            Kind::Dependencies => self.named(value, |checker, _, dependency| {
                if !is_list_of_texts(dependency) {
                    checker.schema(dependency);
                }
            }),
        }
    }

    fn expect(&mut self, is_legal: bool, rule: &str) {
        if !is_legal {
            self.fault(rule);
        }
    }

    fn schemas(&mut self, value: &Value) {
        match value.as_array() {
            Some(list) if !list.is_empty() => {
                for (index, schema) in list.iter().enumerate() {
                    self.within(&format!("{index}"), |checker| checker.schema(schema));
                }
            }
            _ => self.fault("this must be a list with at least one schema"),
        }
    }

    fn named(&mut self, value: &Value, check: impl Fn(&mut Self, &str, &Value)) {
        let Some(members) = value.as_object() else {
            return self.fault("this must be an object of schemas");
        };
        let members: &Map<String, Value> = members;
        for (name, value) in members {
            self.within(name, |checker| check(checker, name, value));
        }
    }

    fn pattern(&mut self, pattern: &str) {
        if let Err(error) = Pattern::new(pattern) {
            self.fault(format!(
                "this regular expression cannot be used here: {error}"
            ));
        }
    }

    fn reference(&mut self, value: &Value) {
        let leads = match value.as_str().and_then(reference::read) {
            Some(Reference::Local(pointer)) => reference::local(self.root, pointer).is_some(),
            Some(Reference::Model(name)) => (self.is_model)(name),
            None => {
                return self.fault(
                    "a reference is `#/definitions/NAME`, or \
                     `https://apigateway.amazonaws.com/restapis/API/models/NAME`",
                );
            }
        };
        self.expect(leads, "there is no such definition or model");
    }
}

fn is_list_of_texts(value: &Value) -> bool {
    let list = value.as_array();
    list.is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string))
}
