//! `AWS::ApiGatewayV2::Api` with the protocol HTTP → triggers of the plugin `api-gateway-http`.
//!
//! Contract: routes come from an OpenAPI body, from `AWS::ApiGatewayV2::Route` with `AWS::ApiGatewayV2::Integration`, and
//! from an API's own `Target` (quick create). Later ones replace earlier ones with the same key.
//!
//! On failure: a route that goes elsewhere than to a function is refused; the others are served.

use indexmap::IndexMap;

use crate::context::{Context, Options};
use crate::document::{Document, Item, Table};
use crate::file::Place;
use crate::resource::{Resource, Stack};
use crate::value::Value;

use super::authorizer::{self, Around, Asked, Authorizers, Definition, Guard, Style};
use super::door::{self, Door};
use super::openapi::{self, Need};
use super::read::{number, one_of, seconds};
use super::stage::{self, Stage};
use super::{cors, reference};
use reference::Why;

/// AWS's and the plugin's longest time for an integration, in milliseconds.
const MAX_TIMEOUT_MS: i64 = 30_000;

/// The path of OpenAPI that stands for the route `$default`.
const DEFAULT_PATHS: [&str; 2] = ["/$default", "$default"];

struct Writer<'s> {
    context: &'s Context,
    stack: &'s Stack,
    document: &'s Document,
    api: &'s Resource,
    stage: Stage<'s>,
    authorizers: Authorizers,
    routes: IndexMap<String, (Place, Item)>,
}

/// A route before it is written.
struct Route<'v> {
    key: String,
    place: Place,
    integration: Option<&'v Value>,
    guard: Guard,
    /// The version of the events if nothing says it.
    usual_version: &'static str,
}

/// Writes the trigger of an API.
pub fn write(context: &Context, stack: &Stack, api: &Resource, document: &mut Document) {
    let mut table = door::table(context, document, Door::Http);
    let mut writer = Writer {
        context,
        stack,
        document,
        api,
        stage: stage::of_v2(context, stack, api, "$default"),
        authorizers: Authorizers::default(),
        routes: IndexMap::new(),
    };
    let body = door::body(context, api);
    if let Some(body) = &body {
        writer.body(body);
    }
    writer.resources();
    writer.quick_create();
    writer.settings(&mut table, body.as_deref());
    if writer.routes.is_empty() {
        let message = format!("the API {} has no routes that can be served", api.path);
        context.report.note(api.place, message);
        return;
    }
    let mut routes = Table::default();
    for (key, (place, item)) in writer.routes {
        routes.set(key, item, place);
    }
    table.set("routes", routes, None);
    authorizer::set_network(&mut table, &writer.authorizers.network);
    if !writer.authorizers.tables.is_empty() {
        table.set("authorizers", writer.authorizers.tables, None);
    }
    door::add(document, api, table);
}

impl Writer<'_> {
    fn settings(&self, table: &mut Table, body: Option<&Value>) {
        let Stage { name, place, .. } = &self.stage;
        if name != "$default" {
            table.set("stage", name.as_str(), *place);
        }
        door::set_variables(table, &self.stage);
        let defaults = self
            .stage
            .properties
            .and_then(|it| it.get("DefaultRouteSettings"));
        if let Some(throttle) = defaults.and_then(throttle) {
            table.set("throttle", throttle, defaults.map(|it| it.place));
        }
        let of_body = body.and_then(|body| body.get("x-amazon-apigateway-cors"));
        if let Some(value) = self.api.get("CorsConfiguration").or(of_body)
            && let Some(cors) = cors::table(self.context, &self.api.path, value)
        {
            table.set("cors", cors, value.place);
        }
        door::set_api_id(table, self.api);
        let account = self.context.options.account.as_str();
        if account != Options::default().account {
            table.set("account-id", account, None);
        }
    }

    fn body(&mut self, body: &Value) {
        for scheme in openapi::schemes(body) {
            if let Some(properties) = scheme.authorizer() {
                let definition = Definition {
                    name: scheme.name,
                    place: scheme.place,
                    properties,
                    header: scheme.header(),
                    issuer: scheme.issuer(),
                };
                self.authorizer(definition);
            }
        }
        for operation in openapi::operations(body) {
            let key = match DEFAULT_PATHS.contains(&operation.path) {
                true => "$default".to_owned(),
                false => format!("{} {}", operation.method, operation.path),
            };
            let mut guard = Guard::Open;
            for need in openapi::needs(body, &operation) {
                guard = match need {
                    Need::Signature => self.authorizers.iam(operation.place),
                    Need::Authorizer(name, scopes) => self.authorizers.guard(&name, scopes),
                    Need::ApiKey => continue,
                };
            }
            self.route(Route {
                key,
                place: operation.place,
                integration: operation.integration(body),
                guard,
                usual_version: "1.0",
            });
        }
    }

    fn resources(&mut self) {
        let (stack, api) = (self.stack, self.api);
        let part = |kind| reference::parts(stack, kind, "ApiId", api);
        for resource in part("AWS::ApiGatewayV2::Authorizer") {
            self.authorizer(Definition {
                name: &resource.name,
                place: resource.place,
                properties: &resource.properties,
                header: None,
                issuer: None,
            });
        }
        for route in part("AWS::ApiGatewayV2::Route") {
            let Some(key) = route.properties.text_of("RouteKey") else {
                let message = format!("the route {} has no RouteKey", route.path);
                self.context.report.refuse(route.place, message);
                continue;
            };
            let kind = "AWS::ApiGatewayV2::Authorizer";
            let guard = self.authorizers.asked(stack, Asked { route, kind });
            self.route(Route {
                key: key.trim().to_owned(),
                place: route.place,
                integration: door::integration(stack, api, route),
                guard,
                usual_version: "1.0",
            });
        }
    }

    fn quick_create(&mut self) {
        if self.api.get("Target").is_none() {
            return;
        }
        let key = self.api.properties.text_of("RouteKey");
        self.route(Route {
            key: key.as_deref().unwrap_or("$default").to_owned(),
            place: self.api.place,
            integration: Some(&self.api.properties),
            guard: Guard::Open,
            usual_version: "2.0",
        });
    }

    fn authorizer(&mut self, definition: Definition<'_>) {
        let around = Around {
            context: self.context,
            stack: self.stack,
            document: self.document,
            trigger: &self.api.name,
            variables: &self.stage.variables,
            style: Style::Http,
        };
        self.authorizers.add(around, definition);
    }

    fn route(&mut self, mut route: Route<'_>) {
        let key = normal(&route.key);
        if key != route.key {
            let message = format!("{} is served as {key}", route.key);
            self.context.report.note(route.place, message);
            route.key = key;
        }
        match self.item(&route) {
            Ok(item) => {
                self.routes.insert(route.key, (route.place, item));
            }
            Err(why) => why.tell(self.context, route.place, &route.key, "it is not served"),
        }
    }

    /// The value of a route; an error says what it does instead.
    fn item(&self, route: &Route<'_>) -> Result<Item, Why> {
        if let Guard::Unknown(why) = &route.guard {
            return Err(why.clone());
        }
        let Some(integration) = route.integration else {
            return Err("has no integration in the project".into());
        };
        let subtype = one_of(integration, &["IntegrationSubtype", "integrationSubtype"]);
        if let Some(subtype) = subtype.and_then(Value::as_text) {
            return Err(format!("goes to {subtype}, not to a function").into());
        }
        let uri = one_of(integration, &["IntegrationUri", "uri", "Target"]);
        let uri = uri.ok_or("has no IntegrationUri")?;
        let kind = one_of(integration, &["IntegrationType", "type"]).and_then(Value::as_text);
        let kind = kind.unwrap_or("AWS_PROXY".into()).to_uppercase();
        if kind != "AWS_PROXY" {
            let uri = uri.as_text().unwrap_or("another server".into());
            return Err(format!("goes to {uri} ({kind}), not to a function").into());
        }
        let invoked = reference::invoked(self.stack, self.document, uri, &self.stage.variables);
        let function = invoked?.function;
        let mut table = Table::default();
        table.set("function", function.as_str(), uri.place);
        let version = one_of(
            integration,
            &["PayloadFormatVersion", "payloadFormatVersion"],
        );
        let known = version.and_then(authorizer::format_version);
        let place = version.map_or(route.place, |value| value.place);
        match known.unwrap_or(route.usual_version) {
            "2.0" => {}
            other => table.set("payload-format-version", other, place),
        }
        let timeout = one_of(integration, &["TimeoutInMillis", "timeoutInMillis"]);
        if let Some(timeout) = timeout
            && let Some(milliseconds) = timeout.as_integer()
            && milliseconds != MAX_TIMEOUT_MS
        {
            table.set("timeout", seconds(milliseconds), timeout.place);
        }
        for keys in [
            ["RequestParameters", "requestParameters"],
            ["ResponseParameters", "responseParameters"],
        ] {
            if let Some(parameters) = one_of(integration, &keys) {
                let message = format!("{}: {} have no effect here", route.key, keys[0]);
                self.context.report.note(parameters.place, message);
            }
        }
        let settings = self
            .stage
            .properties
            .and_then(|it| it.at(&["RouteSettings", &route.key]));
        if let Some(throttle) = settings.and_then(throttle) {
            table.set("throttle", throttle, settings.map(|it| it.place));
        }
        authorizer::set_guard(&mut table, &route.guard, route.place);
        Ok(match table.iter().count() {
            1 => Item::Text(function),
            _ => Item::Table(table),
        })
    }
}

/// A route key with its method in upper case, and without slashes at the end of its path.
fn normal(key: &str) -> String {
    let Some((method, path)) = key.split_once(' ') else {
        return key.to_owned();
    };
    let path = match path.trim().trim_end_matches('/') {
        "" => "/",
        path => path,
    };
    format!("{} {path}", method.to_uppercase())
}

/// The throttle of route settings, if they have both limits.
fn throttle(settings: &Value) -> Option<Table> {
    let rate = settings.get("ThrottlingRateLimit")?;
    let burst = settings.get("ThrottlingBurstLimit")?;
    let mut table = Table::default();
    table.set("rate-limit", number(rate)?, rate.place);
    table.set("burst-limit", number(burst)?, burst.place);
    Some(table)
}

#[cfg(test)]
mod tests;
