//! What a template can see: `$input`, `$context` and `$stageVariables`; and the functions of `$input` and `$util`.

use alloc::string::String;
use core::cell::OnceCell;

use crate::json_path;
use crate::util;
use crate::value::Value;

/// The functions of `$input`.
pub const INPUT_FUNCTIONS: [&str; 3] = ["json", "path", "params"];

/// The functions of `$util`.
pub const UTIL_FUNCTIONS: [&str; 6] = [
    "escapeJavaScript",
    "parseJson",
    "urlEncode",
    "urlDecode",
    "base64Encode",
    "base64Decode",
];

/// The parameters of a request, as maps of texts.
#[derive(Debug, Clone)]
pub struct Params {
    /// Those of the path.
    pub path: Value,
    /// Those of the query.
    pub querystring: Value,
    /// The headers.
    pub header: Value,
}

/// What a template can see.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The body of the request or of the function's response; AWS has `{}` in place of an empty one.
    body: &'a str,
    params: Value,
    /// `$context`.
    pub context: Value,
    /// `$stageVariables`.
    pub stage_variables: Value,
    parsed: OnceCell<Result<Value, String>>,
}

/// Why a function has no value.
#[derive(Debug)]
pub struct Refusal {
    /// The reason.
    pub message: String,
    /// Whether it is that the body is not JSON.
    pub is_body: bool,
}

impl<'a> Scope<'a> {
    /// A scope for a body.
    pub fn new(body: &'a str, params: Params, context: Value, stage_variables: Value) -> Self {
        let params = Value::map([
            ("path", params.path),
            ("querystring", params.querystring),
            ("header", params.header),
        ]);
        Self {
            body: if body.is_empty() { "{}" } else { body },
            params,
            context,
            stage_variables,
            parsed: OnceCell::new(),
        }
    }

    /// `$input.body`.
    pub(crate) fn body(&self) -> Value {
        Value::text(self.body)
    }

    /// A function of `$input`.
    pub(crate) fn input(&self, function: &str, arguments: &[Value]) -> Result<Value, Refusal> {
        let argument = arguments.first().map(|value| alloc::format!("{value}"));
        match (function, argument) {
            ("params", None) => Ok(self.params.clone()),
            ("params", Some(name)) => Ok(self.param(&name)),
            ("path", path) => {
                let found = self.find(path.as_deref())?;
                Ok(found.unwrap_or_else(|| Value::text("")))
            }
            (_, path) => {
                let found = self.find(path.as_deref())?;
                Ok(Value::text(found.map_or_else(
                    || String::from("\"\""),
                    |value| value.to_json(),
                )))
            }
        }
    }

    fn find(&self, path: Option<&str>) -> Result<Option<Value>, Refusal> {
        let parsed = self.parsed.get_or_init(|| Value::from_json(self.body));
        let body = parsed.as_ref().map_err(|reason| Refusal {
            message: alloc::format!("Could not parse request body into json: {reason}"),
            is_body: true,
        })?;
        json_path::find(body, path.unwrap_or("$")).map_err(|message| Refusal {
            message,
            is_body: false,
        })
    }

    /// A parameter of the path, of the query, or a header, in this order; an empty text without one.
    fn param(&self, name: &str) -> Value {
        for place in ["path", "querystring", "header"] {
            let map = self.params.member(place);
            let found = map.member(name);
            if !matches!(found, Value::Null) {
                return found;
            }
            if let (Value::Map(map), "header") = (&map, place) {
                let map = map.borrow();
                let mut entries = map.entries().iter();
                if let Some((_, value)) = entries.find(|(key, _)| key.eq_ignore_ascii_case(name)) {
                    return value.clone();
                }
            }
        }
        Value::text("")
    }
}

/// A function of `$util`.
pub fn util(function: &str, arguments: &[Value]) -> Result<Value, Refusal> {
    let text = arguments
        .first()
        .map(|value| alloc::format!("{value}"))
        .unwrap_or_default();
    let refuse = |message| Refusal {
        message,
        is_body: false,
    };
    match function {
        "escapeJavaScript" => Ok(Value::text(util::escape_java_script(&text))),
        "parseJson" => Value::from_json(&text).map_err(|error| {
            refuse(alloc::format!(
                "$util.parseJson got a text that is not JSON: {error}"
            ))
        }),
        "urlEncode" => Ok(Value::text(util::url_encode(&text))),
        "urlDecode" => Ok(Value::text(util::url_decode(&text))),
        "base64Encode" => Ok(Value::text(util::base64_encode(&text))),
        _ => util::base64_decode(&text)
            .map(Value::text)
            .ok_or_else(|| refuse("$util.base64Decode got a text that is not Base64".into())),
    }
}
