//! What an `http` event says.

use super::super::super::service::{Function, Service};
use super::authorizer::Authorizer;
use super::cors::Cors;
use crate::file::Place;
use crate::value::{Kind, Value};

const METHODS: [&str; 8] = [
    "any", "get", "post", "put", "patch", "options", "head", "delete",
];

/// How a method calls what is behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Integration {
    /// The function gets the request.
    LambdaProxy,
    /// The function gets what a template writes.
    Lambda,
    /// Another server gets what a template writes.
    Http,
    /// Another server gets the request.
    HttpProxy,
    /// There is nothing behind it.
    Mock,
}

impl Integration {
    /// The type of the integration in CloudFormation.
    pub fn kind(self) -> &'static str {
        match self {
            Self::LambdaProxy => "AWS_PROXY",
            Self::Lambda => "AWS",
            Self::Http => "HTTP",
            Self::HttpProxy => "HTTP_PROXY",
            Self::Mock => "MOCK",
        }
    }

    /// Whether templates map requests and responses.
    pub fn has_templates(self) -> bool {
        matches!(self, Self::Lambda | Self::Http | Self::Mock)
    }
}

/// An event.
pub struct Http<'e> {
    /// The function it is of.
    pub function: &'e Function,
    /// Where it is.
    pub place: Place,
    /// What is said, a map or a text.
    pub value: &'e Value,
    /// The path, without slashes at its ends.
    pub path: String,
    /// The method in lower case.
    pub method: String,
    /// How the method calls what is behind it.
    pub integration: Integration,
    /// CORS, if it is on.
    pub cors: Option<Cors>,
    /// The authorizer, if there is one.
    pub authorizer: Option<Authorizer>,
}

impl<'e> Http<'e> {
    /// Reads an event. What cannot be served is refused.
    pub fn read(
        service: &Service<'_>,
        function: &'e Function,
        place: Place,
        value: &'e Value,
    ) -> Option<Self> {
        let what = format!("the route of an http event of {}", function.key);
        let (method, path) = if value.as_map().is_some() {
            let (Some(method), Some(path)) = (value.get("method"), value.get("path")) else {
                service.refuse(place, format!("{what} needs a `method` and a `path`"));
                return None;
            };
            (
                service.needed_text(method, &what)?,
                service.needed_text(path, &what)?,
            )
        } else {
            let text = service.needed_text(value, &what)?;
            match text.split_once(' ') {
                Some((method, path)) => (method.to_owned(), path.trim().to_owned()),
                None => (text, String::new()),
            }
        };
        let method = match method.to_lowercase().as_str() {
            "*" => "any".to_owned(),
            method => method.to_owned(),
        };
        if !METHODS.contains(&method.as_str()) {
            service.refuse(
                place,
                format!("{what} is not a method and a path, such as `GET /orders/{{id}}`"),
            );
            return None;
        }
        let path = path.strip_prefix('/').unwrap_or(&path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let integration = integration(service, value)?;
        let cors = value
            .get("cors")
            .filter(|cors| cors.as_bool() != Some(false));
        let cors = cors.map(|cors| Cors::read(cors, &method));
        let authorizer = match value
            .get("authorizer")
            .filter(|authorizer| authorizer.as_bool() != Some(false))
        {
            Some(authorizer) if service.has_authorizers() => Authorizer::read(service, authorizer),
            _ => None,
        };
        Some(Self {
            function,
            place,
            value,
            path: path.to_owned(),
            method,
            integration,
            cors,
            authorizer,
        })
    }

    /// A setting of the event.
    pub fn get(&self, key: &str) -> Option<&'e Value> {
        self.value.get(key)
    }

    /// Whether the function is invoked without its result.
    pub fn is_asynchronous(&self) -> bool {
        self.get("async").and_then(Value::as_bool) == Some(true)
    }

    /// The parameters of the request with their settings: `method.request.path.id`.
    pub fn parameters(&self) -> Vec<(String, &'e Value)> {
        let parameters = self.value.at(&["request", "parameters"]);
        let mut all = Vec::new();
        for (location, singular) in [
            ("querystrings", "querystring"),
            ("paths", "path"),
            ("headers", "header"),
        ] {
            let members = parameters.and_then(|parameters| parameters.get(location));
            for (name, value) in members.into_iter().flat_map(Value::members) {
                all.push((format!("method.request.{singular}.{name}"), value));
            }
        }
        all
    }
}

fn integration(service: &Service<'_>, value: &Value) -> Option<Integration> {
    let Some(integration) = value.get("integration") else {
        return Some(match value.get("async").and_then(Value::as_bool) {
            Some(true) => Integration::Lambda,
            _ => Integration::LambdaProxy,
        });
    };
    let name = match &integration.kind {
        Kind::Text(text) | Kind::Plain(text) => text.to_lowercase().replace('-', "_"),
        _ => String::new(),
    };
    let known = match name.as_str() {
        "lambda" | "aws" => Integration::Lambda,
        "lambda_proxy" | "aws_proxy" => Integration::LambdaProxy,
        "http" => Integration::Http,
        "http_proxy" => Integration::HttpProxy,
        "mock" => Integration::Mock,
        _ => {
            let text = format!(
                "the integration {name} does not exist: it is lambda-proxy, lambda, http-proxy, http or mock"
            );
            service.refuse(integration.place, text);
            return None;
        }
    };
    Some(known)
}
