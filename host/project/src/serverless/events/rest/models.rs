//! Validators of requests and models of their bodies.

use super::super::super::names;
use super::super::super::service::Service;
use super::event::Http;
use super::ids::{API, method_id};
use crate::cfn::{self, Body, Compiled};
use crate::value::{Kind, Map, Value};

/// Adds the validator and the models that an event asks for.
pub fn compile(service: &Service<'_>, event: &Http<'_>, compiled: &mut Compiled) {
    let place = event.place;
    let method = method_id(&event.path, &event.method);
    let is_required = |value: &Value| match value.as_map() {
        Some(_) => value.get("required").and_then(Value::as_bool) != Some(false),
        None => value.as_bool() == Some(true),
    };
    let mut models = Map::default();
    let schemas = event
        .value
        .at(&["request", "schemas"])
        .or_else(|| event.value.at(&["request", "schema"]));
    for (content_type, schema) in schemas.into_iter().flat_map(Value::members) {
        let shared = schema.as_str().and_then(|name| {
            let schema = service
                .provider
                .at(&["apiGateway", "request", "schemas", name])?;
            Some((format!("ApiGateway{}Model", upper_camel(name)), schema))
        });
        let (id, content_type_of_model, schema) = match shared {
            Some((id, schema)) => (id, "application/json", schema),
            None => (
                format!("{method}{}Model", start_case(content_type)),
                content_type,
                schema,
            ),
        };
        let definition = schema.get("schema").unwrap_or(schema);
        let body = Body::new(schema.place)
            .set("RestApiId", cfn::reference(schema.place, API))
            .text("ContentType", content_type_of_model)
            .set("Schema", definition.clone())
            .set_some(
                "Name",
                schema
                    .get("schema")
                    .and_then(|_| schema.get("name"))
                    .cloned(),
            )
            .set_some(
                "Description",
                schema
                    .get("schema")
                    .and_then(|_| schema.get("description"))
                    .cloned(),
            );
        models.insert(content_type, place, cfn::reference(place, &id));
        compiled.add(id, "AWS::ApiGateway::Model", body);
    }
    if models.is_empty()
        && !event
            .parameters()
            .iter()
            .any(|(_, value)| is_required(value))
    {
        return;
    }
    let validator = format!(
        "ApiGateway{}RequestValidator",
        names::alphanumeric(&service.name)
    );
    let name = format!(
        "{}-{} | Validate request body and querystring parameters",
        service.name, service.stage
    );
    let body = Body::new(place)
        .set("RestApiId", cfn::reference(place, API))
        .plain("ValidateRequestBody", true)
        .plain("ValidateRequestParameters", true)
        .text("Name", name);
    compiled.add(&validator, "AWS::ApiGateway::RequestValidator", body);
    if let Some(properties) = compiled.properties(&method) {
        properties.insert(
            "RequestValidatorId",
            place,
            cfn::reference(place, &validator),
        );
        if !models.is_empty() {
            properties.insert("RequestModels", place, Value::new(place, Kind::Map(models)));
        }
    }
}

/// The words of a text: runs of letters that a capital letter begins, of capital letters, and of digits.
fn words(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let last = word.chars().last();
        let next_is_lower = letters.get(index + 1).is_some_and(char::is_ascii_lowercase);
        let continues = match last {
            None => true,
            Some(last) if last.is_ascii_digit() => letter.is_ascii_digit(),
            Some(last) if last.is_ascii_lowercase() => letter.is_ascii_lowercase(),
            Some(_) if letter.is_ascii_uppercase() => !next_is_lower,
            Some(_) => letter.is_ascii_lowercase() && (word.len() == 1),
        };
        if (!letter.is_ascii_alphanumeric() || !continues) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_ascii_alphanumeric() {
            word.push(*letter);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// `my-model` as `MyModel`: the words in lower case, each with a capital letter.
fn upper_camel(text: &str) -> String {
    words(text)
        .iter()
        .map(|word| names::upper_first(&word.to_lowercase()))
        .collect()
}

/// `application/json` as `ApplicationJson`.
fn start_case(text: &str) -> String {
    words(text)
        .iter()
        .map(|word| names::upper_first(word))
        .collect()
}
