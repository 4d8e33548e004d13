//! Integrations of methods: `Integration` of CloudFormation and `x-amazon-apigateway-integration` of OpenAPI.

use crate::document::{Item, Table};
use crate::local_url;
use crate::value::Value;

use super::method::{self, Method};
use super::mock;
use super::response::{Response, responses_of};
use super::writer::Writer;
use crate::sections::authorizer;
use crate::sections::read::{one_of, seconds};
use crate::sections::reference::{self, Why};

/// AWS's usual time for an integration, in milliseconds.
const USUAL_TIMEOUT_MS: i64 = 29_000;

/// The longest time of an integration `HTTP_PROXY` here, in milliseconds.
const MAX_FETCH_MS: i64 = 30_000;

impl Writer<'_> {
    /// The keys of a route for its integration; an error says what the method does instead.
    pub(super) fn integration(
        &mut self,
        method: &Method<'_>,
        integration: &Value,
    ) -> Result<Table, Why> {
        let kind = method::kind(integration);
        let uri = one_of(integration, &["Uri", "uri"]);
        let mut table = match kind.as_str() {
            "MOCK" => match mock::constant(integration) {
                Some(table) => return Ok(table),
                None => self.mapped(method, integration, "MOCK")?,
            },
            "AWS_PROXY" => self.proxy(method, integration)?,
            "AWS" => {
                let function = self.function(integration)?;
                let mut table = Table::default();
                table.set("function", function.function, uri.map(|it| it.place));
                for (key, entry) in self.mapped(method, integration, "AWS")?.iter() {
                    table.set(key, entry.item.clone(), entry.place);
                }
                table
            }
            "HTTP_PROXY" => self.http_proxy(method, integration)?,
            "" => return Err("has an integration without a type".into()),
            other => {
                let to = uri
                    .and_then(Value::as_text)
                    .unwrap_or("another server".into());
                return Err(format!("goes to {to} ({other}), not to a function").into());
            }
        };
        let timeout = one_of(integration, &["TimeoutInMillis", "timeoutInMillis"]);
        if let Some(timeout) = timeout
            && let Some(milliseconds) = timeout.as_integer()
            && milliseconds != USUAL_TIMEOUT_MS
            && kind != "MOCK"
        {
            let milliseconds = match kind.as_str() {
                "HTTP_PROXY" => milliseconds.min(MAX_FETCH_MS),
                _ => milliseconds,
            };
            table.set("timeout", seconds(milliseconds), timeout.place);
        }
        Ok(table)
    }

    fn function(&self, integration: &Value) -> Result<reference::Invoked, Why> {
        let uri = one_of(integration, &["Uri", "uri"]);
        let uri = uri.ok_or("has an integration without a URI")?;
        reference::invoked(self.stack, self.document, uri, &self.stage.variables)
    }

    fn proxy(&self, method: &Method<'_>, integration: &Value) -> Result<Table, Why> {
        let invoked = self.function(integration)?;
        let place = one_of(integration, &["Uri", "uri"]).map(|uri| uri.place);
        let mut table = Table::default();
        table.set("function", invoked.function, place);
        let mode = one_of(
            integration,
            &["ResponseTransferMode", "responseTransferMode"],
        );
        let is_stream =
            |text: &str| text.eq_ignore_ascii_case("STREAM") || text == "RESPONSE_STREAM";
        let is_stream = mode.and_then(Value::as_str).is_some_and(is_stream);
        if is_stream || mode.is_none() && invoked.is_streamed {
            table.set(
                "response-transfer-mode",
                "STREAM",
                mode.map(|it| it.place).or(place),
            );
        }
        let parameters = one_of(integration, &["RequestParameters", "requestParameters"]);
        if let Some(parameters) = parameters
            && parameters.members().next().is_some()
        {
            let message = format!(
                "{}: the request parameters of its integration have no effect, as it passes requests on as they are",
                method.key
            );
            self.context.report.note(parameters.place, message);
        }
        Ok(table)
    }

    /// The keys of integrations with mapping templates.
    fn mapped(&self, method: &Method<'_>, integration: &Value, kind: &str) -> Result<Table, Why> {
        let mut table = Table::default();
        table.set("integration", kind, method.place);
        self.content_handling(integration, &mut table);
        let templates = one_of(integration, &["RequestTemplates", "requestTemplates"]);
        if let Some(templates) = templates {
            let templates_table = self.templates(templates, kind == "MOCK")?;
            table.set("request-templates", templates_table, templates.place);
        }
        let passthrough = one_of(integration, &["PassthroughBehavior", "passthroughBehavior"]);
        if let Some(passthrough) = passthrough
            && let Some(text) = passthrough.as_text()
            && !text.eq_ignore_ascii_case("WHEN_NO_MATCH")
        {
            table.set(
                "passthrough-behavior",
                text.to_uppercase(),
                passthrough.place,
            );
        }
        let parameters = one_of(integration, &["RequestParameters", "requestParameters"]);
        if let Some(parameters) = parameters {
            let set = self.parameters(method, parameters, &["integration.request.header."]);
            if !set.is_empty() {
                table.set("request-parameters", set, parameters.place);
            }
        }
        let mut responses = Vec::new();
        for response in responses_of(integration) {
            responses.push(self.response(method, response)?);
        }
        if responses.is_empty() {
            return Err(format!(
                "has an {kind} integration without integration responses, which API Gateway answers with 500"
            ).into());
        }
        let items = responses.into_iter().map(Item::Table);
        table.set(
            "integration-responses",
            Item::List(items.collect()),
            method.place,
        );
        Ok(table)
    }

    fn response(&self, method: &Method<'_>, response: Response<'_>) -> Result<Table, Why> {
        let value = response.value;
        let mut table = Table::default();
        let status = one_of(value, &["StatusCode", "statusCode"]);
        let code = status.and_then(Value::as_integer).unwrap_or(200);
        table.set("status-code", code, status.map(|it| it.place));
        if let Some(pattern) = response.pattern.filter(|pattern| !pattern.is_empty()) {
            table.set("selection-pattern", pattern, value.place);
        }
        self.content_handling(value, &mut table);
        let parameters = one_of(value, &["ResponseParameters", "responseParameters"]);
        if let Some(parameters) = parameters {
            let set = self.parameters(method, parameters, &["method.response.header."]);
            if !set.is_empty() {
                table.set("response-parameters", set, parameters.place);
            }
        }
        let templates = one_of(value, &["ResponseTemplates", "responseTemplates"]);
        if let Some(templates) = templates {
            let templates_table = self.templates(templates, false)?;
            if !templates_table.is_empty() {
                table.set("response-templates", templates_table, templates.place);
            }
        }
        Ok(table)
    }

    fn content_handling(&self, value: &Value, table: &mut Table) {
        let handling = one_of(value, &["ContentHandling", "contentHandling"]);
        if let Some(handling) = handling
            && let Some(text) = handling.as_text()
        {
            table.set("content-handling", text.to_uppercase(), handling.place);
        }
    }

    /// Templates by content type.
    fn templates(&self, templates: &Value, of_mock: bool) -> Result<Table, Why> {
        let mut table = Table::default();
        for (content_type, template) in templates.members() {
            let Some(text) = template.as_str() else {
                if let Some(why) = template.as_unknown() {
                    return Err(
                        format!("has a mapping template that exists on AWS only ({why})").into(),
                    );
                }
                continue;
            };
            let text = match of_mock {
                true => mock::with_quoted_key(text),
                false => text.to_owned(),
            };
            if let Err(error) = vtl::Template::parse(&text) {
                return Err(format!(
                    "has a mapping template for {content_type} that cannot be used here ({error})"
                )
                .into());
            }
            table.set(content_type, text, template.place);
        }
        Ok(table)
    }

    /// Mappings of parameters to targets that begin with one of these texts. Others are noted.
    fn parameters(&self, method: &Method<'_>, parameters: &Value, starts: &[&str]) -> Table {
        let mut table = Table::default();
        for (target, source) in parameters.members() {
            let is_target = starts.iter().any(|start| target.starts_with(start));
            match source.as_text().filter(|_| is_target) {
                Some(text) => table.set(target, text.into_owned(), source.place),
                None => {
                    let message = format!("{}: {target} is not set here", method.key);
                    self.context.report.note(source.place, message);
                }
            }
        }
        table
    }

    fn http_proxy(&mut self, method: &Method<'_>, integration: &Value) -> Result<Table, Why> {
        let uri = one_of(integration, &["Uri", "uri"]);
        let uri = uri.ok_or("has an integration without a URI")?;
        let text = match (uri.as_str(), uri.as_unknown()) {
            (Some(text), _) => text,
            (None, Some(why)) => {
                return Err(format!("goes to a server that exists on AWS only ({why})").into());
            }
            (None, None) => return Err("has a URI that is not a text".into()),
        };
        let connection = one_of(integration, &["ConnectionType", "connectionType"]);
        if connection
            .and_then(Value::as_text)
            .is_some_and(|it| it == "VPC_LINK")
        {
            return Err(format!("goes to {text} through a VPC link").into());
        }
        let origin = authorizer::origin(text).filter(|_| !local_url::has_url(text));
        let Some(origin) = origin else {
            return Err(
                format!("goes to {text}, which is not a URL outside of the project").into(),
            );
        };
        let mut table = Table::default();
        table.set("integration", "HTTP_PROXY", method.place);
        table.set("uri", text, uri.place);
        let http_method = one_of(integration, &["IntegrationHttpMethod", "httpMethod"]);
        if let Some(value) = http_method
            && let Some(name) = value.as_text()
            && !name.eq_ignore_ascii_case("ANY")
        {
            table.set("http-method", name.to_uppercase(), value.place);
        }
        self.content_handling(integration, &mut table);
        let starts =
            ["header", "path", "querystring"].map(|it| format!("integration.request.{it}."));
        let starts = starts.each_ref().map(String::as_str);
        let parameters = one_of(integration, &["RequestParameters", "requestParameters"]);
        let mut set = parameters.map_or_else(Table::default, |parameters| {
            self.parameters(method, parameters, &starts)
        });
        for name in placeholders(text) {
            let target = format!("integration.request.path.{name}");
            let is_in_path = [format!("{{{name}}}"), format!("{{{name}+}}")]
                .iter()
                .any(|variable| method.key.contains(variable));
            match (set.get(&target), is_in_path) {
                (Some(_), _) => {}
                (None, true) => set.set(target, format!("method.request.path.{name}"), uri.place),
                (None, false) => {
                    return Err(format!("goes to {text}, and nothing sets {{{name}}}").into());
                }
            }
        }
        if !set.is_empty() {
            table.set("request-parameters", set, parameters.map(|it| it.place));
        }
        if !origin.contains('$') && !self.authorizers.network.contains(&origin) {
            self.authorizers.network.push(origin);
        }
        Ok(table)
    }
}

/// The names in braces of a URL, without those of stage variables.
fn placeholders(uri: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = uri;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        if !before.ends_with('$') {
            found.push(name);
        }
        rest = after;
    }
    found
}
