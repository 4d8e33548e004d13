//! `AWS::ApiGatewayV2::Api` with the protocol WEBSOCKET → triggers of the plugin `api-gateway-websocket`.
//!
//! Contract: routes are `AWS::ApiGatewayV2::Route` with `AWS::ApiGatewayV2::Integration`. A `MOCK` integration of
//! `$connect` or `$disconnect` accepts everything, as the plugin does without such a route.
//!
//! On failure: a route that goes elsewhere than to a function is refused; the others are served.

use crate::context::Context;
use crate::document::{Document, Item, Table};
use crate::resource::{Resource, Stack};
use crate::value::Value;

use super::authorizer::{self, Around, Asked, Authorizers, Definition, Guard, Style};
use super::door::{self, Door};
use super::read::seconds;
use super::reference::{self, Why};
use super::stage::{self, Stage};

/// AWS's usual time for an integration, in milliseconds.
const USUAL_TIMEOUT_MS: i64 = 29_000;

const CONNECT: &str = "$connect";
const DISCONNECT: &str = "$disconnect";

struct Writer<'s> {
    context: &'s Context,
    stack: &'s Stack,
    document: &'s Document,
    api: &'s Resource,
    stage: Stage<'s>,
    authorizers: Authorizers,
}

/// Writes the trigger of an API.
pub fn write(context: &Context, stack: &Stack, api: &Resource, document: &mut Document) {
    let mut table = door::table(context, document, Door::WebSocket);
    let mut writer = Writer {
        context,
        stack,
        document,
        api,
        stage: stage::of_v2(context, stack, api, "prod"),
        authorizers: Authorizers::default(),
    };
    writer.authorizers();
    let routes = writer.routes();
    if routes.is_empty() {
        let message = format!("the API {} has no routes that can be served", api.path);
        context.report.note(api.place, message);
        return;
    }
    writer.settings(&mut table);
    let (path, name) = (&api.path, &api.name);
    let message = format!(
        "functions send to the connections of {path} over http here; if they use https, as the SDKs do unless told \
         otherwise, set tls = true in [triggers.{name}]"
    );
    context.report.note(api.place, message);
    table.set("routes", routes, None);
    if !writer.authorizers.tables.is_empty() {
        table.set("authorizers", writer.authorizers.tables, None);
    }
    door::add(document, api, table);
}

/// Whether the routes of an API are those of a WebSocket API.
#[must_use]
pub fn has_routes(stack: &Stack, api: &Resource) -> bool {
    let mut routes = reference::parts(stack, "AWS::ApiGatewayV2::Route", "ApiId", api);
    routes.any(|route| {
        let key = route.properties.text_of("RouteKey");
        key.is_some_and(|key| key != "$default" && !key.contains(" /"))
    })
}

impl Writer<'_> {
    fn settings(&self, table: &mut Table) {
        let Stage { name, place, .. } = &self.stage;
        table.set("stage", name.as_str(), *place);
        if let Some(value) = self.api.get("RouteSelectionExpression")
            && let Some(text) = value.as_str()
            && text != "$request.body.action"
        {
            table.set("route-selection-expression", text, value.place);
        }
        door::set_variables(table, &self.stage);
        door::set_api_id(table, self.api);
    }

    fn authorizers(&mut self) {
        let (stack, api) = (self.stack, self.api);
        for resource in reference::parts(stack, "AWS::ApiGatewayV2::Authorizer", "ApiId", api) {
            let around = Around {
                context: self.context,
                stack,
                document: self.document,
                trigger: &api.name,
                variables: &self.stage.variables,
                style: Style::WebSocket,
            };
            let definition = Definition {
                name: &resource.name,
                place: resource.place,
                properties: &resource.properties,
                header: None,
                issuer: None,
            };
            self.authorizers.add(around, definition);
        }
    }

    fn routes(&mut self) -> Table {
        let mut routes = Table::default();
        let (stack, api) = (self.stack, self.api);
        for route in reference::parts(stack, "AWS::ApiGatewayV2::Route", "ApiId", api) {
            let Some(key) = route.properties.text_of("RouteKey") else {
                let message = format!("the route {} has no RouteKey", route.path);
                self.context.report.refuse(route.place, message);
                continue;
            };
            match self.route(&key, route) {
                Ok(Some(item)) => routes.set(key, item, route.place),
                Ok(None) => {}
                Err(why) => why.tell(self.context, route.place, &key, "it is not served"),
            }
        }
        routes
    }

    /// The value of a route; none if the plugin does the same without it. An error says what it does instead.
    fn route(&mut self, key: &str, route: &Resource) -> Result<Option<Item>, Why> {
        let guard = match key {
            CONNECT => {
                let kind = "AWS::ApiGatewayV2::Authorizer";
                self.authorizers.asked(self.stack, Asked { route, kind })
            }
            _ => Guard::Open,
        };
        if let Guard::Unknown(why) = guard {
            return Err(why.clone());
        }
        let integration = door::integration(self.stack, self.api, route);
        let integration = integration.ok_or("has no integration in the project")?;
        let kind = integration.text_of("IntegrationType").unwrap_or_default();
        let uri = integration.get("IntegrationUri");
        if kind == "MOCK" && [CONNECT, DISCONNECT].contains(&key) && guard == Guard::Open {
            return Ok(None);
        }
        if kind != "AWS_PROXY" {
            let to = uri
                .and_then(Value::as_text)
                .unwrap_or("a fixed answer".into());
            return Err(format!("goes to {to} ({kind}), not to a function").into());
        }
        let uri = uri.ok_or("has no IntegrationUri")?;
        let invoked = reference::invoked(self.stack, self.document, uri, &self.stage.variables);
        let function = invoked?.function;
        let mut table = Table::default();
        table.set("function", function.as_str(), uri.place);
        if let Some(timeout) = integration.get("TimeoutInMillis")
            && let Some(milliseconds) = timeout.as_integer()
            && milliseconds != USUAL_TIMEOUT_MS
        {
            table.set("timeout", seconds(milliseconds), timeout.place);
        }
        if let Some(response) = route.get("RouteResponseSelectionExpression")
            && ![CONNECT, DISCONNECT].contains(&key)
        {
            table.set("route-response", true, response.place);
        }
        if let Some(handling) = integration.get("ContentHandlingStrategy")
            && handling.as_str() == Some("CONVERT_TO_TEXT")
        {
            table.set("content-handling", "CONVERT_TO_TEXT", handling.place);
        }
        authorizer::set_guard(&mut table, &guard, route.place);
        Ok(Some(match table.iter().count() {
            1 => Item::Text(function),
            _ => Item::Table(table),
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::triggers;

    #[test]
    fn an_api_of_routes() {
        let written = triggers(
            "
Chat:
  Type: AWS::ApiGatewayV2::Api
  Properties: {ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.kind}
Stage:
  Type: AWS::ApiGatewayV2::Stage
  Properties: {ApiId: Chat, StageName: dev, StageVariables: {name: f}}
Connect:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: Chat, RouteKey: $connect, Target: integrations/F, AuthorizationType: CUSTOM, AuthorizerId: Auth}
Disconnect:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: Chat, RouteKey: $disconnect, Target: integrations/Mock}
Default:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: Chat, RouteKey: $default, Target: integrations/F}
Send:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: Chat, RouteKey: send, Target: integrations/G, RouteResponseSelectionExpression: $default}
Other:
  Type: AWS::ApiGatewayV2::Route
  Properties: {ApiId: Chat, RouteKey: other, Target: integrations/Mock}
F:
  Type: AWS::ApiGatewayV2::Integration
  Properties:
    ApiId: Chat
    IntegrationType: AWS_PROXY
    IntegrationUri: 'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:${stageVariables.name}/invocations'
G:
  Type: AWS::ApiGatewayV2::Integration
  Properties:
    ApiId: Chat
    IntegrationType: AWS_PROXY
    IntegrationUri: 'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:g/invocations'
    TimeoutInMillis: 1000
    ContentHandlingStrategy: CONVERT_TO_TEXT
Mock:
  Type: AWS::ApiGatewayV2::Integration
  Properties: {ApiId: Chat, IntegrationType: MOCK}
Auth:
  Type: AWS::ApiGatewayV2::Authorizer
  Properties:
    ApiId: Chat
    AuthorizerType: REQUEST
    AuthorizerUri: 'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:g/invocations'
    IdentitySource: [route.request.querystring.token]
    AuthorizerResultTtlInSeconds: 5
",
        );
        assert_eq!(
            written.text,
            r#"[triggers.chat]
plugin = "api-gateway-websocket"
listen = "127.0.0.1:3001"
stage = "dev"
route-selection-expression = "$request.body.kind"

[triggers.chat.stage-variables]
name = "f"

[triggers.chat.routes]
"$default" = "f"

[triggers.chat.routes."$connect"]
function = "f"
authorizer = "Auth"

[triggers.chat.routes.send]
function = "g"
timeout = 1
route-response = true
content-handling = "CONVERT_TO_TEXT"

[triggers.chat.authorizers.Auth]
type = "request"
function = "g"
identity-source = "route.request.querystring.token"
"#
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:2:1: functions send to the connections of Chat over http here; if they use https, as the SDKs \
                 do unless told otherwise, set tls = true in [triggers.chat]"
            ]
        );
        assert_eq!(
            written.refusals,
            [
                "template.yaml:20:1: other goes to a fixed answer (MOCK), not to a function: it is not served"
            ]
        );
    }
}
