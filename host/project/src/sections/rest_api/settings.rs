//! Settings of the API and its stage.

use crate::document::{Item, Table};
use crate::sections::read::{number, one_of, texts};
use crate::sections::stage::{self, Stage};
use crate::sections::{door, reference};
use crate::value::Value;

use super::writer::Writer;

impl Writer<'_> {
    /// Sets the keys of the trigger that are not about single methods.
    pub(super) fn settings(&mut self, table: &mut Table, body: Option<&Value>) {
        let Stage { name, place, .. } = &self.stage;
        table.set("stage", name.as_str(), *place);
        self.base_paths(table);
        door::set_variables(table, &self.stage);
        let of_body = body.and_then(|body| body.get("x-amazon-apigateway-binary-media-types"));
        if let Some(value) = self.api.get("BinaryMediaTypes").or(of_body) {
            let what = format!("the binary media types of {}", self.api.path);
            let types = texts(self.context, &what, value);
            let types: Vec<String> = types.iter().map(|it| it.replace("~1", "/")).collect();
            if !types.is_empty() {
                table.set("binary-media-types", types, value.place);
            }
        }
        let of_body = body.and_then(|body| body.get("x-amazon-apigateway-api-key-source"));
        if let Some(value) = self.api.get("ApiKeySourceType").or(of_body)
            && let Some(source) = value.as_text()
            && !source.eq_ignore_ascii_case("HEADER")
        {
            table.set("api-key-source", source.to_uppercase(), value.place);
        }
        door::set_api_id(table, self.api);
        self.canary(table);
        self.throttles(table);
        let policy = body.and_then(|body| body.get("x-amazon-apigateway-policy"));
        if let Some(policy) = self.api.get("Policy").or(policy) {
            let message = format!("the resource policy of {} is not evaluated", self.api.path);
            self.context.report.note(policy.place, message);
        }
    }

    /// Paths without a prefix are those that other tools serve; with the stage, those of AWS; those of custom domains come
    /// in addition.
    fn base_paths(&self, table: &mut Table) {
        let kind = "AWS::ApiGateway::BasePathMapping";
        let mappings = reference::parts(self.stack, kind, "RestApiId", self.api);
        let paths = mappings.filter_map(|mapping| mapping.get("BasePath")?.as_str());
        let mut all = vec![""];
        for path in paths.map(|path| path.trim_matches('/')) {
            if path != "(none)" && !all.contains(&path) {
                all.push(path);
            }
        }
        match all.len() {
            1 => table.set("base-path", "", None),
            _ => table.set("base-paths", all, None),
        }
        table.set("disable-execute-api-endpoint", false, None);
    }

    fn canary(&self, table: &mut Table) {
        let settings = self
            .stage
            .properties
            .and_then(|stage| stage.get("CanarySetting"));
        let percent = settings.and_then(|settings| number(settings.get("PercentTraffic")?));
        let (Some(settings), Some(percent)) = (settings, percent) else {
            return;
        };
        let mut canary = Table::default();
        canary.set("percent-traffic", percent, settings.place);
        let overrides = settings.get("StageVariableOverrides");
        let variables = stage::variables(self.context, overrides);
        if !variables.is_empty() {
            canary.set(
                "stage-variable-overrides",
                door::named(&variables),
                settings.place,
            );
        }
        table.set("canary", canary, settings.place);
    }

    /// The throttles of the stage's method settings.
    fn throttles(&mut self, table: &mut Table) {
        // `StageDescription` of a deployment has limits of all methods beside its method settings.
        if let Some(limits) = self.stage.properties.and_then(throttle) {
            table.set("throttle", limits, self.stage.place);
        }
        let settings = self
            .stage
            .properties
            .and_then(|stage| stage.get("MethodSettings"));
        for setting in settings.map(Value::items).unwrap_or_default() {
            let Some(limits) = throttle(setting) else {
                continue;
            };
            let method = setting.text_of("HttpMethod").unwrap_or("*".into());
            let path = setting.text_of("ResourcePath").unwrap_or("/*".into());
            let path = format!("/{}", path.replace("~1", "/").trim_start_matches('/'));
            if path == "/*" && method == "*" {
                table.set("throttle", limits, setting.place);
                continue;
            }
            for (key, (_, item)) in &mut self.routes {
                let (own_method, own_path) = key.split_once(' ').unwrap_or_default();
                let is_meant = (path == "/*" || path == own_path)
                    && (method == "*" || method.eq_ignore_ascii_case(own_method));
                if !is_meant {
                    continue;
                }
                if let Item::Text(function) = item {
                    let mut table = Table::default();
                    table.set("function", function.as_str(), None);
                    *item = Item::Table(table);
                }
                if let Item::Table(route) = item {
                    route.set("throttle", limits.clone(), setting.place);
                }
            }
        }
    }
}

/// The limits of method settings or a usage plan, if there are both, and they limit anything.
pub fn throttle(settings: &Value) -> Option<Table> {
    let rate = one_of(settings, &["ThrottlingRateLimit", "RateLimit"])?;
    let burst = one_of(settings, &["ThrottlingBurstLimit", "BurstLimit"])?;
    if rate.as_number()? <= 0.0 || burst.as_integer()? <= 0 {
        return None;
    }
    let mut table = Table::default();
    table.set("rate-limit", number(rate)?, rate.place);
    table.set("burst-limit", number(burst)?, burst.place);
    Some(table)
}
