//! What a plugin says about the request that an authorizer judges.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use http_event::api::Api;
use http_event::contract::Request;
use http_event::json::read;
use http_event::query::parameters;
use plugin_kit::arn::partition;

use crate::authorizer::Form;

/// The request, as the API sees it.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The request.
    pub request: &'a Request,
    /// The ARN of what the caller wants to do; see [`method_arn`].
    pub method_arn: &'a str,
    /// The stage variables as a JSON object; empty without any.
    pub stage_variables: &'a str,
    /// A variable of the API's `$context`, such as `routeKey` or `identity.sourceIp`.
    pub context: &'a dyn Fn(&str) -> Option<String>,
    /// Writes the event of a Lambda authorizer that receives the request; the values are those of the identity sources.
    pub event: &'a dyn Fn(Form, &[String]) -> String,
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.method_arn)
    }
}

impl<'a> Subject<'a> {
    /// The last value of a header, whose name may have any case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let name = name.to_ascii_lowercase();
        self.request.header(&name).last()
    }

    /// The last value of a parameter of the query, decoded.
    pub fn query(&self, name: &str) -> Option<Cow<'a, str>> {
        let parameters: Vec<_> = parameters(&self.request.query);
        let mut found = parameters.into_iter().filter(|(key, _)| key == name);
        found.next_back().map(|(_, value)| value)
    }

    /// A variable of the stage.
    pub fn stage_variable(&self, name: &str) -> Option<Cow<'a, str>> {
        let variables = read::object(self.stage_variables).ok()?;
        let (_, value) = variables.into_iter().find(|(key, _)| key == name)?;
        read::string(value).ok()
    }
}

/// What is asked for: a method and a path.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The request.
    pub request: &'a Request,
    /// As in [`MethodArn`].
    pub method: &'a str,
    /// As in [`MethodArn`].
    pub path: Option<&'a str>,
    /// A variable of `$context` that only this API has, or that has another value than in the others; see
    /// [`Wanted::variable`].
    pub context: &'a dyn Fn(&str) -> Option<String>,
    /// Writes the event of a Lambda authorizer that receives the request, for this ARN of the method; the values are
    /// those of the identity sources.
    pub event: &'a dyn Fn(&str, Form, &[String]) -> String,
}

impl fmt::Debug for Wanted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {:?}", self.method, self.path)
    }
}

impl Wanted<'_> {
    /// A variable of `$context` before the integration: of this API, or one that all have for a request. WebSocket APIs,
    /// whose methods have no path, have none of the latter.
    pub fn variable(&self, api: &Api<'_>, name: &str) -> Option<String> {
        if let Some(own) = (self.context)(name) {
            return Some(own);
        }
        let request = self.path.map(|_| self.request);
        Some(match (name, request) {
            ("accountId", _) => String::from(api.account),
            ("apiId", _) => String::from(api.id),
            ("stage", _) => String::from(api.stage),
            ("httpMethod", Some(_)) => String::from(self.method),
            ("identity.sourceIp", Some(request)) => request.peer.clone(),
            ("identity.userAgent", Some(request)) => String::from(request.user_agent()),
            ("path", Some(request)) => request.path.clone(),
            ("protocol", Some(request)) => request.protocol.clone(),
            ("requestTimeEpoch", Some(request)) => alloc::format!("{}", request.at_ms),
            _ => return None,
        })
    }
}

/// What the ARN of a method consists of.
#[derive(Debug, Clone, Copy)]
pub struct MethodArn<'a> {
    /// The region, from which the partition follows.
    pub region: &'a str,
    /// The account: twelve digits.
    pub account: &'a str,
    /// The id of the API.
    pub api_id: &'a str,
    /// The stage; for HTTP APIs `$default`, literally.
    pub stage: &'a str,
    /// The method; for WebSocket APIs the route key, without a path.
    pub method: &'a str,
    /// The path of the request with its slash, without the stage; `None` for WebSocket APIs.
    pub path: Option<&'a str>,
}

/// The ARN of a method: `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/GET/orders/1`. The root of the API has a slash
/// at the end.
pub fn method_arn(parts: MethodArn<'_>) -> String {
    let mut arn = [
        "arn:",
        partition(parts.region),
        ":execute-api:",
        parts.region,
        ":",
        parts.account,
        ":",
        parts.api_id,
        "/",
        parts.stage,
        "/",
        parts.method,
    ]
    .concat();
    if let Some(path) = parts.path {
        arn.push('/');
        arn.push_str(path.strip_prefix('/').unwrap_or(path));
    }
    arn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_of_a_method_has_the_path_of_the_request() {
        let arn = |method, path| {
            method_arn(MethodArn {
                region: "us-east-1",
                account: "123456789012",
                api_id: "abc",
                stage: "$default",
                method,
                path,
            })
        };
        let start = "arn:aws:execute-api:us-east-1:123456789012:abc/$default/";
        assert_eq!(arn("GET", Some("/")), format!("{start}GET/"));
        assert_eq!(arn("GET", Some("/pets/1")), format!("{start}GET/pets/1"));
        assert_eq!(arn("$connect", None), format!("{start}$connect"));
    }
}
