//! Gateway responses: `AWS::ApiGateway::GatewayResponse` and `x-amazon-apigateway-gateway-responses`.

use crate::document::Table;
use crate::file::Place;
use crate::sections::read::one_of;
use crate::sections::reference;
use crate::value::Value;

use super::writer::Writer;

/// The start of the names of headers.
const HEADER: &str = "gatewayresponse.header.";

impl Writer<'_> {
    /// Sets the key `gateway-responses`.
    pub(super) fn responses(&self, table: &mut Table, body: Option<&Value>) {
        let mut responses = Table::default();
        let of_body = body.and_then(|body| body.get("x-amazon-apigateway-gateway-responses"));
        for (kind, member) in of_body.and_then(Value::as_map).into_iter().flatten() {
            let changed = self.response_of(&member.value);
            responses.set(kind, changed, member.place);
        }
        let kind = "AWS::ApiGateway::GatewayResponse";
        for resource in reference::parts(self.stack, kind, "RestApiId", self.api) {
            if let Some(kind) = resource.properties.text_of("ResponseType") {
                let changed = self.response_of(&resource.properties);
                responses.set(kind, changed, resource.place);
            }
        }
        if !responses.is_empty() {
            table.set("gateway-responses", responses, None::<Place>);
        }
    }

    fn response_of(&self, value: &Value) -> Table {
        let mut table = Table::default();
        if let Some(status) = one_of(value, &["StatusCode", "statusCode"])
            && let Some(code) = status.as_integer()
        {
            table.set("status-code", code, status.place);
        }
        let parameters = one_of(value, &["ResponseParameters", "responseParameters"]);
        let mut headers = Table::default();
        for (target, source) in parameters.into_iter().flat_map(Value::members) {
            let Some(text) = source.as_text() else {
                continue;
            };
            match target.strip_prefix(HEADER) {
                Some(name) => headers.set(name, unquoted(&text), source.place),
                None => {
                    let message = format!("{target} is not set here: only {HEADER}NAME is");
                    self.context.report.note(source.place, message);
                }
            }
        }
        if !headers.is_empty() {
            table.set("headers", headers, parameters.map(|it| it.place));
        }
        let templates = one_of(value, &["ResponseTemplates", "responseTemplates"]);
        let mut written = Table::default();
        for (content_type, template) in templates.into_iter().flat_map(Value::members) {
            if let Some(text) = template.as_str() {
                written.set(content_type, text, template.place);
            }
        }
        if !written.is_empty() {
            table.set("response-templates", written, templates.map(|it| it.place));
        }
        table
    }
}

/// A text without the single quotes around it, unless it would mean something else.
fn unquoted(text: &str) -> &str {
    let inner = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    let is_source = |text: &&str| {
        ["method.", "context.", "stageVariables.", "$", "'"]
            .iter()
            .any(|start| text.starts_with(start))
    };
    inner.filter(|inner| !is_source(inner)).unwrap_or(text)
}
