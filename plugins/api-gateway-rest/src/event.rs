//! The event of a Lambda proxy integration: every key is present, and what a request lacks is null.

use alloc::borrow::Cow;
use alloc::format;

use alloc::string::String;
use alloc::vec::Vec;

use authorizer::decision::Caller;
use authorizer::identity::{Identity, access_key};
use http_event::api::flag;
use http_event::apigw_id::request_id;
use http_event::contract::{Request, RequestBody};
use http_event::event_2_0::{capacity, domain_prefix};
use http_event::json::read;
use http_event::json::write::{self, Object};
use http_event::query::parameters;
use http_event::values;
use plugin_kit::time::common_log;

use crate::headers;
use crate::media::is_binary_request;
use crate::resource::{Match, with_one_slash};
use crate::state::{Key, State};
use crate::test_invoke;

/// The keys of `identity`, in the order of AWS, without those of an API key.
const IDENTITY: [&str; 12] = [
    "cognitoIdentityPoolId",
    "accountId",
    "cognitoIdentityId",
    "caller",
    "sourceIp",
    "principalOrgId",
    "accessKey",
    "cognitoAuthenticationType",
    "cognitoAuthenticationProvider",
    "userArn",
    "userAgent",
    "user",
];

/// What an event is written from.
#[derive(Debug)]
pub struct Context<'a> {
    /// The API.
    pub state: &'a State<'a>,
    /// The request.
    pub request: &'a Request,
    /// The method of the request.
    pub found: &'a Match<'a>,
    /// The name of the method, which a header may override.
    pub method: &'a str,
    /// The path without the stage.
    pub path: &'a str,
    /// Whether the stage was in the path, and no base path.
    pub has_stage: bool,
    /// The API key, if the method requires one.
    pub api_key: Option<Key<'a>>,
    /// Who the caller is, if the method has an authorizer.
    pub caller: Option<&'a Caller>,
    /// The request context that was written before the integration began: the caller is known only then. Empty before.
    pub written: &'a str,
}

impl Context<'_> {
    /// Writes the event.
    pub fn write(&self) -> String {
        let request = self.request;
        write::object(capacity(request), |event| {
            event.string("resource", self.found.method.resource);
            event.string("path", self.event_path());
            event.string("httpMethod", self.method);
            let headers = headers::of_event(request);
            if headers.is_empty() {
                event.raw("headers", "null");
                event.raw("multiValueHeaders", "null");
            } else {
                values::write_last(event, "headers", &headers);
                values::write_all(event, "multiValueHeaders", &headers);
            }
            self.write_query(event);
            self.write_parameters(event);
            event.raw("stageVariables", or_null(self.state.api.stage_variables));
            event.object("requestContext", |object| {
                self.write_request_context(object);
            });
            self.write_body(event);
        })
    }

    /// `requestContext`, which is `$context` in mapping templates, as JSON.
    pub fn request_context(&self) -> String {
        if !self.written.is_empty() {
            return String::from(self.written);
        }
        write::object(1024, |object| self.write_request_context(object))
    }

    /// The request context, if gateway responses have variables; otherwise empty.
    pub fn about(&self) -> String {
        match self.state.has_variables() {
            true => self.request_context(),
            false => String::new(),
        }
    }

    /// The function that is invoked: the canary may have another one than this.
    pub fn function(&self, function: &str) -> String {
        let of_canary = || {
            let name = self.found.method.detail("canary-function")?;
            read::string(name).ok().map(Cow::into_owned)
        };
        let chosen = match self.state.is_canary {
            Some(true) => of_canary(),
            _ => None,
        };
        chosen.unwrap_or_else(|| String::from(function))
    }

    /// The path in events: with a custom domain, the base path is a part of it.
    fn event_path(&self) -> &str {
        match self.has_stage {
            false => with_one_slash(&self.request.path),
            true => self.path,
        }
    }

    /// Writes the event of a Lambda authorizer of the type `REQUEST`: without a body, and what the request lacks is an
    /// empty object.
    pub fn write_for_authorizer(&self, arn: &str) -> String {
        let request = self.request;
        write::object(capacity(request), |event| {
            event.string("type", "REQUEST");
            event.string("methodArn", arn);
            event.string("resource", self.found.method.resource);
            event.string("path", self.event_path());
            event.string("httpMethod", self.method);
            let headers = headers::of_event(request);
            values::write_last(event, "headers", &headers);
            values::write_all(event, "multiValueHeaders", &headers);
            let query = parameters(&request.query);
            values::write_last(event, "queryStringParameters", &query);
            values::write_all(event, "multiValueQueryStringParameters", &query);
            event.object("pathParameters", |object| {
                for (name, value) in &self.found.parameters {
                    object.string(name, value);
                }
            });
            let variables = self.state.api.stage_variables;
            event.raw(
                "stageVariables",
                if variables.is_empty() {
                    "{}"
                } else {
                    variables
                },
            );
            event.object("requestContext", |object| {
                self.write_request_context(object);
            });
        })
    }

    fn write_query(&self, event: &mut Object<'_>) {
        let parameters = parameters(&self.request.query);
        if parameters.is_empty() {
            event.raw("queryStringParameters", "null");
            event.raw("multiValueQueryStringParameters", "null");
        } else {
            values::write_last(event, "queryStringParameters", &parameters);
            values::write_all(event, "multiValueQueryStringParameters", &parameters);
        }
    }

    fn write_parameters(&self, event: &mut Object<'_>) {
        if self.found.parameters.is_empty() {
            event.raw("pathParameters", "null");
            return;
        }
        event.object("pathParameters", |object| {
            for (name, value) in &self.found.parameters {
                object.string(name, value);
            }
        });
    }

    fn write_body(&self, event: &mut Object<'_>) {
        let body = &self.request.body;
        let is_base64 = match body {
            RequestBody::Empty | RequestBody::TooLarge => {
                event.raw("body", "null");
                false
            }
            body if is_binary_request(self.state, self.request) => {
                event.base64("body", body.as_bytes());
                true
            }
            RequestBody::Text(text) => {
                event.string("body", text);
                false
            }
            // AWS passes them on as text, too; bytes that are not UTF-8 become U+FFFD.
            RequestBody::Binary(bytes) => {
                event.string("body", &String::from_utf8_lossy(bytes));
                false
            }
        };
        event.raw("isBase64Encoded", if is_base64 { "true" } else { "false" });
    }

    fn write_request_context(&self, object: &mut Object<'_>) {
        let (state, request) = (self.state, self.request);
        let is_test = request.is_test();
        let domain_name = match is_test {
            true => test_invoke::DOMAIN_NAME,
            false => state.api.domain_name(&request.authority),
        };
        object.string("resourceId", &id_of(self.found.method.resource));
        object.string("resourcePath", self.found.method.resource);
        object.string("httpMethod", self.method);
        object.string("extendedRequestId", &request_id(&request.id));
        object.string("requestTime", &common_log(request.at_ms));
        let (path, stage) = match is_test {
            true => (self.found.method.resource, test_invoke::STAGE),
            false => (request.path.as_str(), state.api.stage),
        };
        object.string("path", path);
        object.string("accountId", state.api.account);
        object.string("protocol", &request.protocol);
        object.string("stage", stage);
        let prefix = match is_test {
            true => test_invoke::DOMAIN_PREFIX,
            false => domain_prefix(domain_name),
        };
        object.string("domainPrefix", prefix);
        object.raw("requestTimeEpoch", &format!("{}", request.at_ms));
        object.string("requestId", &request.id);
        object.object("identity", |identity| self.write_identity(identity));
        object.string("domainName", domain_name);
        // What is tested is not deployed.
        if !is_test {
            // The canary is a deployment of its own.
            let deployment = match state.is_canary {
                Some(true) => "canary",
                _ => state.api.stage,
            };
            object.string("deploymentId", &id_of(deployment));
        }
        object.string("apiId", state.api.id);
        if let Some(authorizer) = self.caller.and_then(Caller::rest) {
            object.raw("authorizer", &authorizer);
        }
        if let Some(name) = self.found.method.detail("operation-name") {
            object.raw("operationName", name);
        }
        if let Some(is_canary) = state.is_canary {
            object.raw("isCanaryRequest", flag(is_canary));
        }
    }

    fn write_identity(&self, identity: &mut Object<'_>) {
        let request = self.request;
        let is_test = request.is_test();
        if is_test {
            identity.string("apiKey", test_invoke::API_KEY);
            identity.string("apiKeyId", test_invoke::API_KEY_ID);
        }
        if let Some(Key { id, value, .. }) = self.api_key {
            identity.string("apiKey", value);
            identity.string("apiKeyId", id);
        }
        let agent = request.header("user-agent").last();
        let client = Identity {
            source_ip: &request.peer,
            user_agent: agent,
            access_key: access_key(self.caller),
            account: self.state.api.account,
            region: self.state.api.region,
        };
        let client = match is_test {
            true => Identity {
                source_ip: test_invoke::SOURCE_IP,
                user_agent: Some(test_invoke::USER_AGENT),
                access_key: Some(test_invoke::ACCESS_KEY),
                ..client
            },
            false => client,
        };
        client.write(&IDENTITY, identity);
    }
}

fn or_null(json: &str) -> &str {
    if json.is_empty() { "null" } else { json }
}

/// An id in AWS's form, six lower-case letters and digits, which stays the same from start to start.
fn id_of(name: &str) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

    let mut hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut id = Vec::new();
    for _ in 0..6 {
        let digit = usize::try_from(hash % 36).unwrap_or_default();
        id.extend(DIGITS.get(digit));
        hash /= 36;
    }
    Cow::into_owned(String::from_utf8_lossy(&id))
}
