//! CORS of `http` events: methods that answer preflight requests, with a mock integration.

use super::ids::{API, method_id, resource};
use crate::cfn::{self, Body, Compiled};
use crate::file::Place;
use crate::value::Value;

/// What is allowed unless it is said.
const HEADERS: [&str; 7] = [
    "Content-Type",
    "X-Amz-Date",
    "Authorization",
    "X-Api-Key",
    "X-Amz-Security-Token",
    "X-Amz-User-Agent",
    "X-Amzn-Trace-Id",
];

/// What other origins may do.
#[derive(Debug, Clone)]
pub struct Cors {
    place: Place,
    origin: Option<String>,
    origins: Vec<String>,
    headers: Vec<String>,
    methods: Vec<String>,
    allows_credentials: bool,
    maximum_age: Option<String>,
    cache_control: Option<String>,
}

impl Cors {
    /// Reads `cors` of an event with this method.
    pub fn read(value: &Value, method: &str) -> Self {
        let texts = |key: &str| -> Option<Vec<String>> {
            let items = value.get(key)?.items();
            Some(
                items
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            )
        };
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let origins = texts("origins").unwrap_or_default();
        let origin = text("origin").or_else(|| origins.is_empty().then(|| "*".to_owned()));
        let mut methods = texts("methods").unwrap_or_else(|| vec!["OPTIONS".to_owned()]);
        for method in ["OPTIONS".to_owned(), method.to_uppercase()] {
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        Self {
            place: value.place,
            origin,
            origins,
            headers: texts("headers").unwrap_or_else(|| HEADERS.map(str::to_owned).to_vec()),
            methods,
            allows_credentials: value.get("allowCredentials").and_then(Value::as_bool)
                == Some(true),
            maximum_age: text("maxAge"),
            cache_control: text("cacheControl"),
        }
    }

    /// Adds what a further event of the same path allows.
    pub fn add(&mut self, other: &Self) {
        let union = |own: &mut Vec<String>, others: &[String]| {
            let mut all = others.to_vec();
            all.extend(own.drain(..).filter(|text| !others.contains(text)));
            *own = all;
        };
        union(&mut self.headers, &other.headers);
        union(&mut self.methods, &other.methods);
        union(&mut self.origins, &other.origins);
        self.origin.clone_from(&other.origin);
        self.allows_credentials |= other.allows_credentials;
        if other.maximum_age.is_some() {
            self.maximum_age.clone_from(&other.maximum_age);
        }
        if other.cache_control.is_some() {
            self.cache_control.clone_from(&other.cache_control);
        }
    }

    /// The origin in responses of integrations with templates.
    pub fn origin_of_responses(&self) -> String {
        match self.origins.as_slice() {
            [] => self.origin.clone().unwrap_or_default(),
            origins => origins.join(","),
        }
    }

    /// Whether credentials are allowed.
    pub fn allows_credentials(&self) -> bool {
        self.allows_credentials
    }

    fn preflight_headers(&self, origin: &str) -> Vec<(&'static str, String)> {
        let quoted = |text: &str| format!("'{text}'");
        let methods = self
            .methods
            .join(",")
            .replacen("ANY", "DELETE,GET,HEAD,PATCH,POST,PUT", 1);
        let mut headers = vec![
            ("Access-Control-Allow-Origin", quoted(origin)),
            (
                "Access-Control-Allow-Headers",
                quoted(&self.headers.join(",")),
            ),
            ("Access-Control-Allow-Methods", quoted(&methods)),
        ];
        if self.allows_credentials {
            headers.push(("Access-Control-Allow-Credentials", quoted("true")));
        }
        if let Some(age) = &self.maximum_age {
            headers.push(("Access-Control-Max-Age", quoted(age)));
        }
        if let Some(control) = &self.cache_control {
            headers.push(("Cache-Control", quoted(control)));
        }
        headers
    }

    /// The origins that are chosen from by what a request says, if there are several.
    fn choices(&self) -> Vec<String> {
        match &self.origin {
            Some(origin) if origin.contains(',') => origin
                .split(',')
                .map(|origin| origin.trim().to_owned())
                .collect(),
            _ => self.origins.clone(),
        }
    }
}

/// Adds the method that answers preflight requests of a path.
pub fn compile(path: &str, cors: &Cors, compiled: &mut Compiled) {
    let place = cors.place;
    let choices = cors.choices();
    let origin = choices
        .first()
        .or(cors.origin.as_ref())
        .map_or("*", String::as_str);
    let headers = cors.preflight_headers(origin);
    let name = |header: &str| format!("method.response.header.{header}");
    let flags = headers
        .iter()
        .map(|(header, _)| (name(header), Value::plain(place, true)));
    let values = headers
        .iter()
        .map(|(header, value)| (name(header), Value::text(place, value)));
    let template = if choices.is_empty() {
        String::new()
    } else {
        choosing(&choices)
    };
    let response = |parameters: Value, key: &str, value: Value| {
        let response = Body::new(place)
            .text("StatusCode", "200")
            .set("ResponseParameters", parameters)
            .set(key, value);
        Value::list(place, vec![response.done()])
    };
    let empty = Body::new(place).done();
    let method_responses = response(Value::map(place, flags), "ResponseModels", empty.clone());
    let templates = Body::new(place).text("application/json", template).done();
    let integration_responses = response(Value::map(place, values), "ResponseTemplates", templates);
    let request = Body::new(place)
        .text("application/json", "{statusCode:200}")
        .done();
    let integration = Body::new(place)
        .text("Type", "MOCK")
        .set("RequestTemplates", request)
        .text("ContentHandling", "CONVERT_TO_TEXT")
        .set("IntegrationResponses", integration_responses);
    let body = Body::new(place)
        .text("AuthorizationType", "NONE")
        .text("HttpMethod", "OPTIONS")
        .set("MethodResponses", method_responses)
        .set("RequestParameters", empty)
        .set("Integration", integration.done())
        .set("ResourceId", resource(place, path))
        .set("RestApiId", cfn::reference(place, API));
    compiled.add(method_id(path, "options"), "AWS::ApiGateway::Method", body);
}

/// A template that answers with the request's origin if it is one of these, which may have `*` in them.
fn choosing(origins: &[String]) -> String {
    let tests: Vec<String> = origins
        .iter()
        .map(|origin| {
            format!(
                "$origin.matches(\"{}\")",
                origin.replace('.', "[.]").replacen('*', ".+", 1)
            )
        })
        .collect();
    format!(
        "#set($origin = $input.params(\"Origin\"))\n#if($origin == \"\") #set($origin = $input.params(\"origin\")) #end\n\
         #if({}) #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin) #end",
        tests.join(" || ")
    )
}
