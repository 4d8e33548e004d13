//! Request validators: what requests are compared with.
//!
//! Contract: as on AWS, parameters and models of a method count only if its validator says so.
//!
//! On failure: a model that the plugin cannot use is noted, and bodies are not compared with it.

use super::models::{of_openapi, word};
use super::writer::Writer;
use crate::file::Place;
use crate::resource::Resource;
use crate::sections::openapi::{self, Operation};
use crate::sections::reference;
use crate::value::Value;

/// What a validator checks.
#[derive(Debug, Clone, Copy, Default)]
struct Checks {
    body: bool,
    parameters: bool,
}

/// Required parameters, and models by content type.
type Validated = (Vec<String>, Vec<(String, String)>);

impl Writer<'_> {
    /// Adds the model of a resource.
    pub(super) fn model_resource(&mut self, model: &Resource) {
        let Some(value) = model.get("Schema") else {
            return;
        };
        let name = model
            .properties
            .text_of("Name")
            .unwrap_or(model.id.as_str().into());
        let schema = match value.as_str() {
            Some(text) => match serde_json::from_str(text) {
                Ok(schema) => schema,
                Err(error) => {
                    let message = format!(
                        "the schema of the model {name} is not JSON ({error}): bodies are not compared with it"
                    );
                    self.context.report.note(value.place, message);
                    return;
                }
            },
            None => value.to_json(),
        };
        self.models
            .schemas
            .insert(word(&name), (value.place, schema));
    }

    /// Adds the schemas of an OpenAPI document.
    pub(super) fn model_schemas(&mut self, body: &Value) {
        let tables = [body.get("definitions"), body.at(&["components", "schemas"])];
        for (name, value) in tables.into_iter().flatten().flat_map(Value::members) {
            let schema = of_openapi(&value.to_json());
            self.models
                .schemas
                .insert(word(name), (value.place, schema));
        }
    }

    /// What requests of a method are compared with.
    pub(super) fn validated(&mut self, method: &Resource) -> Validated {
        let id = method.get("RequestValidatorId");
        let validator = reference::find(self.stack, "AWS::ApiGateway::RequestValidator", id);
        let is_set = |key| {
            let value = validator.and_then(|it| it.get(key));
            value.and_then(Value::as_bool) == Some(true)
        };
        let checks = Checks {
            body: is_set("ValidateRequestBody"),
            parameters: is_set("ValidateRequestParameters"),
        };
        let mut required = Vec::new();
        let parameters = method
            .get("RequestParameters")
            .filter(|_| checks.parameters);
        for (name, value) in parameters.into_iter().flat_map(Value::members) {
            let name = name.strip_prefix("method.request.").unwrap_or(name);
            let is_place = name.starts_with("querystring.") || name.starts_with("header.");
            if is_place && value.as_bool() == Some(true) {
                required.push(name.to_owned());
            }
        }
        let mut models = Vec::new();
        let given = method.get("RequestModels").filter(|_| checks.body);
        for (content_type, value) in given.into_iter().flat_map(Value::members) {
            let model = reference::find(self.stack, "AWS::ApiGateway::Model", Some(value));
            let name = match model {
                Some(model) => model
                    .properties
                    .text_of("Name")
                    .unwrap_or(model.id.as_str().into()),
                None => value.as_text().unwrap_or_default(),
            };
            if self.uses(&word(&name), value.place) {
                models.push((content_type.to_owned(), word(&name)));
            }
        }
        (required, models)
    }

    /// What requests of an operation are compared with.
    pub(super) fn validated_operation(
        &mut self,
        body: &Value,
        operation: &Operation<'_>,
    ) -> Validated {
        const NAME: &str = "x-amazon-apigateway-request-validator";
        let name = operation
            .value
            .get(NAME)
            .or(body.get(NAME))
            .and_then(Value::as_str);
        let validators = body.get("x-amazon-apigateway-request-validators");
        let validator = name.and_then(|name| validators?.get(name));
        let is_set = |key| {
            let value = validator.and_then(|it| it.get(key));
            value.and_then(Value::as_bool) == Some(true)
        };
        let checks = Checks {
            body: is_set("validateRequestBody"),
            parameters: is_set("validateRequestParameters"),
        };
        let mut required = Vec::new();
        let mut schemas: Vec<(String, &Value)> = Vec::new();
        for around in [operation.around, operation.value] {
            for parameter in around
                .get("parameters")
                .map(Value::items)
                .unwrap_or_default()
            {
                let parameter = openapi::followed(body, parameter);
                let place = parameter.text_of("in").unwrap_or_default();
                let name = parameter.text_of("name").unwrap_or_default();
                let is_required = parameter.get("required").and_then(Value::as_bool) == Some(true);
                match &*place {
                    "query" if is_required => required.push(format!("querystring.{name}")),
                    "header" if is_required => required.push(format!("header.{name}")),
                    "body" => {
                        let types = operation.value.get("consumes").or(body.get("consumes"));
                        let types = types.map(Value::items).unwrap_or_default();
                        let mut types: Vec<&str> = types.iter().filter_map(Value::as_str).collect();
                        if types.is_empty() {
                            types.push("application/json");
                        }
                        let schema = parameter.get("schema");
                        schemas.extend(
                            types
                                .iter()
                                .filter_map(|it| Some(((*it).to_owned(), schema?))),
                        );
                    }
                    _ => {}
                }
            }
        }
        let request_body = operation
            .value
            .get("requestBody")
            .map(|it| openapi::followed(body, it));
        let contents = request_body.and_then(|it| it.get("content"));
        for (content_type, content) in contents.into_iter().flat_map(Value::members) {
            schemas.extend(
                content
                    .get("schema")
                    .map(|schema| (content_type.to_owned(), schema)),
            );
        }
        if !checks.parameters {
            required.clear();
        }
        let mut models = Vec::new();
        for (content_type, schema) in schemas.into_iter().filter(|_| checks.body) {
            let name = match schema.get("$ref").and_then(Value::as_str) {
                Some(pointer) => word(pointer.rsplit('/').next().unwrap_or_default()),
                None => {
                    let name = word(&format!(
                        "{}{}",
                        operation.method.to_lowercase(),
                        operation.path
                    ));
                    let converted = of_openapi(&schema.to_json());
                    self.models
                        .schemas
                        .insert(name.clone(), (schema.place, converted));
                    name
                }
            };
            if self.uses(&name, schema.place) {
                models.push((content_type, name));
            }
        }
        (required, models)
    }

    /// Whether bodies can be compared with a model, which is used from now on.
    fn uses(&mut self, name: &str, place: Place) -> bool {
        if name == "Empty" {
            return false;
        }
        let Some((_, schema)) = self.models.schemas.get(name) else {
            let message = format!("there is no model {name}: bodies are not compared with it");
            self.context.report.note(place, message);
            return false;
        };
        let has = |other: &str| other == "Empty" || self.models.schemas.contains_key(other);
        let faults = json_schema::check(schema, &has);
        if let Some(fault) = faults.first() {
            let message = format!(
                "bodies are not compared with the model {name}: {}: {}",
                fault.at.join("."),
                fault.message
            );
            self.context.report.note(place, message);
            return false;
        }
        if !self.models.used.iter().any(|used| used == name) {
            self.models.used.push(name.to_owned());
        }
        true
    }
}
