//! What all triggers of requests have in common: where they listen, and what they may fetch.
//!
//! Contract: a trigger's table begins with `plugin` and `listen`. Ports are those of [`super::ports`].

use std::borrow::Cow;
use std::path::Path;

use crate::context::Context;
use crate::document::{Document, Table};
use crate::resource::{Resource, Stack};
use crate::value::Value;

use super::stage::Stage;
use super::{name, ports, reference};

/// Keys that metadata can have: those that say where an API is.
const KEYS_OF_METADATA: [&str; 2] = ["listen", "base-path"];

/// A way in for requests, by its plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A load balancer.
    Alb,
    /// A function URL.
    FunctionUrl,
    /// An HTTP API.
    Http,
    /// A REST API.
    Rest,
    /// A WebSocket API.
    WebSocket,
}

impl Door {
    /// The plugin's name.
    #[must_use]
    pub fn plugin(self) -> &'static str {
        match self {
            Self::Alb => "alb",
            Self::FunctionUrl => "function-url",
            Self::Http => "api-gateway-http",
            Self::Rest => "api-gateway-rest",
            Self::WebSocket => "api-gateway-websocket",
        }
    }
}

/// The table of a trigger with its plugin and its address, to which settings are added before the next one is made.
#[must_use]
pub fn table(context: &Context, document: &Document, door: Door) -> Table {
    let mut table = Table::default();
    table.set("plugin", door.plugin(), None);
    let listen = match door {
        Door::WebSocket => ports::websocket(context, document),
        _ => ports::http(document),
    };
    table.set("listen", listen, None);
    table
}

/// Adds a trigger, named as the resource is. What `Metadata` of the resource says under `Lambkin` counts.
pub fn add(document: &mut Document, resource: &Resource, mut table: Table) {
    set_place(&mut table, resource);
    let triggers = document.root.table("triggers");
    triggers.set(&resource.name, table, resource.place);
}

/// Sets the keys that `Metadata` of a resource says under `Lambkin`.
pub fn set_place(table: &mut Table, resource: &Resource) {
    for (key, value) in resource
        .metadata
        .get("Lambkin")
        .into_iter()
        .flat_map(Value::members)
    {
        if let Some(text) = value.as_str().filter(|_| KEYS_OF_METADATA.contains(&key)) {
            table.set(key, text, value.place);
        }
    }
}

/// Sets the key `api-id`, which events have, to what `Ref` gives for the API.
pub fn set_api_id(table: &mut Table, api: &Resource) {
    let id = api.reference.as_str();
    let is_legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !id.is_empty() && id.bytes().all(is_legal) {
        table.set("api-id", id, None);
    }
}

/// Sets the key `stage-variables`, if there are any.
pub fn set_variables(table: &mut Table, stage: &Stage<'_>) {
    if stage.variables.is_empty() {
        return;
    }
    table.set(
        "stage-variables",
        named(&stage.variables),
        stage.variables_place,
    );
}

/// Names and values as a table.
#[must_use]
pub fn named(variables: &[(String, String)]) -> Table {
    let mut table = Table::default();
    for (name, value) in variables {
        table.set(name, value.as_str(), None);
    }
    table
}

/// The properties of the integration that a route of API Gateway's second version targets.
#[must_use]
pub fn integration<'s>(stack: &'s Stack, api: &'s Resource, route: &Resource) -> Option<&'s Value> {
    let target = route.get("Target")?.as_str()?;
    let id = target.rsplit('/').next()?;
    let mut all = reference::parts(stack, "AWS::ApiGatewayV2::Integration", "ApiId", api);
    let found = all.find(|integration| integration.reference == id && !id.is_empty());
    found.map(|integration| &integration.properties)
}

/// The OpenAPI document of an API, which may be a text. One that is elsewhere, or is not YAML, is refused.
#[must_use]
pub fn body<'s>(context: &Context, api: &'s Resource) -> Option<Cow<'s, Value>> {
    if let Some(place) = api.get("BodyS3Location").map(|it| it.place) {
        let path = &api.path;
        let message = format!("the OpenAPI document of {path} is in S3: put it into Body");
        context.report.refuse(place, message);
    }
    let body = api.get("Body")?;
    if let Some(why) = body.as_unknown() {
        let message = format!(
            "the OpenAPI document of {} is not known here: {why}",
            api.path
        );
        context.report.refuse(body.place, message);
        return None;
    }
    let Some(text) = body.as_str() else {
        return Some(Cow::Borrowed(body));
    };
    match context.load_text(Path::new(&format!("{} (Body)", api.path)), text) {
        Ok(body) => Some(Cow::Owned(body)),
        Err(error) => {
            let message = format!(
                "the OpenAPI document of {} cannot be read: {error}",
                api.path
            );
            context.report.refuse(body.place, message);
            None
        }
    }
}

/// APIs that are not in the project although routes of theirs are: one for each id that the property `key` of resources of
/// the kind `part` has.
#[must_use]
pub fn elsewhere(
    context: &Context,
    stack: &Stack,
    document: &Document,
    kind: &str,
    (part, key): (&str, &str),
) -> Vec<Resource> {
    let mut apis: Vec<Resource> = Vec::new();
    for resource in stack.of_kind(part) {
        let Some(value) = resource.get(key) else {
            let message = format!("{} has no {key}: it is not served", resource.path);
            context.report.refuse(resource.place, message);
            continue;
        };
        let Some(id) = value.as_str() else {
            let why = value.as_unknown().unwrap_or("its id is not a text");
            let message = format!("the API of {} is not known here: {why}", resource.path);
            context.report.refuse(value.place, message);
            continue;
        };
        let is_known =
            stack.referred(kind, id).is_some() || apis.iter().any(|api| api.reference == id);
        if is_known {
            continue;
        }
        let mut api = Resource::new(id, kind, resource.place, &resource.folder);
        id.clone_into(&mut api.reference);
        let wanted = match apis.len() {
            0 => "api".to_owned(),
            others => format!("api-{}", others + 1),
        };
        api.name = name::unused(document, &wanted);
        let message = format!(
            "the API {id} is not in the project; its routes that are in the project are those of the trigger {}",
            api.name
        );
        context.report.note(value.place, message);
        apis.push(api);
    }
    apis
}
