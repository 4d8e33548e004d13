//! Models and request validators: what requests are compared with.
//!
//! Contract: as on AWS, parameters and models of a method count only if its validator says so.
//!
//! On failure: a model that the plugin cannot use is noted, and bodies are not compared with it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Writer;
use crate::document::{Item, Table};
use crate::file::Place;
use crate::resource::Resource;
use crate::sections::openapi::{self, Operation};
use crate::sections::reference;
use crate::value::Value;

/// How deep a schema may be.
const DEPTH: usize = 100;

/// Members of OpenAPI's schemas that describe them for people.
const ANNOTATIONS: [&str; 4] = ["discriminator", "externalDocs", "writeOnly", "xml"];

/// The models of an API.
#[derive(Debug, Default)]
pub struct Models {
    /// The schemas, by the names that they have in lambkin.toml.
    schemas: BTreeMap<String, (Place, Json)>,
    /// Those that a method uses.
    used: Vec<String>,
}

/// What a validator checks.
#[derive(Debug, Clone, Copy, Default)]
struct Checks {
    body: bool,
    parameters: bool,
}

/// Required parameters, and models by content type.
type Validated = (Vec<String>, Vec<(String, String)>);

impl Models {
    /// The table `models`, with the models that are used, and those that they refer to.
    pub fn into_table(self) -> Table {
        let mut used = self.used;
        let mut index = 0;
        while let Some(name) = used.get(index).cloned() {
            if let Some((_, schema)) = self.schemas.get(&name) {
                let mut found = Vec::new();
                references(schema, &mut found);
                for name in found {
                    if !used.contains(&name) {
                        used.push(name);
                    }
                }
            }
            index += 1;
        }
        let mut table = Table::default();
        for (name, (place, schema)) in self.schemas {
            if used.contains(&name)
                && let Some(item) = as_item(&schema)
            {
                table.set(name, item, place);
            }
        }
        table
    }
}

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
            let schema = draft4(&value.to_json(), DEPTH);
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
                    let draft4 = draft4(&schema.to_json(), DEPTH);
                    self.models
                        .schemas
                        .insert(name.clone(), (schema.place, draft4));
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

/// The name of a model, which consists of letters and digits.
fn word(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// A schema of OpenAPI in the words of JSON Schema draft 4.
fn draft4(schema: &Json, depth: usize) -> Json {
    let Some(depth) = depth.checked_sub(1) else {
        return Json::Null;
    };
    match schema {
        Json::Object(members) => {
            let is_nullable = members.get("nullable") == Some(&Json::Bool(true));
            let mut converted = serde_json::Map::new();
            for (key, value) in members {
                let value = match (key.as_str(), value) {
                    ("nullable", Json::Bool(_)) => continue,
                    (key, _) if ANNOTATIONS.contains(&key) || key.starts_with("x-") => continue,
                    ("$ref", Json::String(pointer)) => {
                        let name = word(pointer.rsplit('/').next().unwrap_or_default());
                        format!("https://apigateway.amazonaws.com/restapis/api/models/{name}")
                            .into()
                    }
                    ("type", Json::String(kind)) if is_nullable => {
                        vec![Json::from(kind.as_str()), "null".into()].into()
                    }
                    (_, value) => draft4(value, depth),
                };
                converted.insert(key.clone(), value);
            }
            converted.into()
        }
        Json::Array(items) => items.iter().map(|item| draft4(item, depth)).collect(),
        other => other.clone(),
    }
}

/// The names of the models that a schema refers to.
fn references(schema: &Json, found: &mut Vec<String>) {
    match schema {
        Json::Object(members) => {
            for (key, value) in members {
                match value {
                    Json::String(text) if key == "$ref" => {
                        let name = text.split_once("/models/").map(|(_, name)| name);
                        found.extend(name.map(str::to_owned));
                    }
                    value => references(value, found),
                }
            }
        }
        Json::Array(items) => {
            for item in items {
                references(item, found);
            }
        }
        _ => {}
    }
}

/// A schema as a table; as text if it has a null, which TOML does not.
fn as_item(schema: &Json) -> Option<Item> {
    match has_null(schema) {
        true => Some(Item::Text(schema.to_string())),
        false => Item::from_json(schema),
    }
}

fn has_null(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Object(members) => members.values().any(has_null),
        Json::Array(items) => items.iter().any(has_null),
        _ => false,
    }
}
