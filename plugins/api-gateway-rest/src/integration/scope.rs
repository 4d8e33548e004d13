//! What mapping templates see of a request.

use vtl::{Params, Scope, Value};

use http_event::percent::decode;
use http_event::query::parameters;

use crate::event::Context;
use crate::headers;

/// The scope for a body, which is that of the request or of the integration's response. `context` is [`context()`].
pub fn scope<'b>(request: &Context<'_>, body: &'b str, context: Value) -> Scope<'b> {
    let stage_variables = stage_variables(request);
    Scope::new(body, params(request), context, stage_variables)
}

/// `$context`, with places for what a template overrides.
pub fn context(request: &Context<'_>) -> Value {
    let context = Value::from_json(&request.request_context()).unwrap_or(Value::Null);
    let places = |names: &[&str]| {
        let none: [(&str, Value); 0] = [];
        Value::map(names.iter().map(|name| (*name, Value::map(none.clone()))))
    };
    if let Value::Map(map) = &context {
        let mut map = map.borrow_mut();
        map.put(
            "requestOverride",
            places(&["header", "path", "querystring"]),
        );
        map.put("responseOverride", places(&["header"]));
    }
    context
}

/// `$stageVariables`.
pub fn stage_variables(request: &Context<'_>) -> Value {
    Value::from_json(request.state.api.stage_variables).unwrap_or(Value::Null)
}

fn params(request: &Context<'_>) -> Params {
    let path = request.found.parameters.iter();
    let path = path.map(|(name, value)| (*name, Value::text(&*decode(value))));
    let query = parameters(&request.request.query);
    let query = query
        .iter()
        .map(|(name, value)| (name, Value::text(&**value)));
    let headers = headers::of_event(request.request);
    let headers = headers
        .iter()
        .map(|(name, value)| (name, Value::text(&**value)));
    Params {
        path: Value::map(path),
        querystring: Value::map(query),
        header: Value::map(headers),
    }
}
