//! What all triggers of requests have in common: where they listen, and what they may fetch.
//!
//! Contract: a trigger's table begins with `plugin` and `listen`. Ports are those of [`super::ports`].

use crate::context::Context;
use crate::document::{Document, Table};
use crate::resource::{Resource, Stack};
use crate::value::Value;

use super::stage::Stage;
use super::{ports, reference};

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
