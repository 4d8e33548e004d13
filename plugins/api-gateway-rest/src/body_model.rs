//! Compares the body of a request with the model that the method has for its content type.
//!
//! As on AWS, a content type without a model is not compared, unless the method has `$default`; a request without a
//! content type has `application/json`, and one without a body has `{}`.

use alloc::format;
use alloc::string::String;

use http_event::contract::{Request, RequestBody};
use http_event::json::read;
use serde_json::Value;

use crate::gateway_response::GatewayResponse;
use crate::media::media_type;
use crate::state::{Method, State};

/// Compares the body of a request with its model.
///
/// # Errors
///
/// The gateway response, if the body is not what the model requires.
pub fn check(
    state: &State<'_>,
    method: &Method<'_>,
    request: &Request,
) -> Result<(), GatewayResponse> {
    let Some(models) = method.detail("request-models") else {
        return Ok(());
    };
    let Some(schema) = model_for(models, request).and_then(|name| model(state, &name)) else {
        return Ok(());
    };
    let instance = match &request.body {
        RequestBody::Empty | RequestBody::TooLarge => serde_json::from_str("{}"),
        body => serde_json::from_slice(body.as_bytes()),
    };
    let errors = match instance {
        Ok(instance) => {
            let model = |name: &str| model(state, name);
            json_schema::validate(&schema, &instance, &model).join(", ")
        }
        Err(error) => format!("the body is not JSON: {error}"),
    };
    match errors.as_str() {
        "" => Ok(()),
        errors => Err(GatewayResponse::BadRequestBody(format!("[{errors}]"))),
    }
}

/// The name of the model for the content type of a request. `models` is a JSON object.
fn model_for(models: &str, request: &Request) -> Option<String> {
    let content_type = request.header("content-type").last();
    let media_type = media_type(content_type.unwrap_or("application/json"));
    let [own, default] = read::members(models, [media_type.as_str(), "$default"]).ok()?;
    let name = read::string(own.or(default)?).ok()?;
    Some(name.into_owned())
}

/// The schema of a model. The model `Empty` has none.
fn model(state: &State<'_>, name: &str) -> Option<Value> {
    let [schema] = read::members(state.models, [name]).ok()?;
    serde_json::from_str(schema?).ok()
}
