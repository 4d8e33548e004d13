//! What an authorizer has decided: the contract's next step, who the caller is, or why the request is refused.

use alloc::string::String;
use alloc::vec::Vec;

use http_event::contract::Step;
use http_event::json::read;
use http_event::json::write::{self, Object};

/// What follows.
#[derive(Debug, PartialEq)]
pub enum Decision {
    /// The authorizer needs an invocation or a document. The step asks for the request.
    Ask(Step),
    /// The request may go on.
    Allow(Caller),
    /// The request is refused.
    Refuse(Refusal),
}

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// As a Lambda authorizer says.
    Lambda {
        /// `principalId`; HTTP APIs do not require one.
        principal: Option<String>,
        /// `context` as JSON: an object.
        context: Option<String>,
        /// `usageIdentifierKey`: the API key of the caller.
        usage_key: Option<String>,
        /// How long the authorizer took, in milliseconds; 0 if its result was kept.
        latency_ms: u64,
    },
    /// As a token says.
    Token {
        /// Every claim as a text.
        claims: Vec<(String, String)>,
        /// The scopes of the route that the token has; `None` if the route needs none.
        scopes: Option<Vec<String>>,
    },
    /// The owner of the access key that the request is signed with.
    Iam {
        /// The access key.
        access_key: String,
    },
}

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The value of `www-authenticate`, for tokens.
    pub challenge: Option<String>,
    /// What the developer has to know, in one line, if the authorizer is to blame.
    pub warning: Option<String>,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// An identity source is missing or empty, or the token does not match the regular expression.
    Unidentified,
    /// The authorizer's function failed with the message `Unauthorized`, with which it refuses the caller.
    Unauthorized,
    /// The authorizer's function failed, took too long, or has reached its concurrency limit.
    Failed,
    /// The authorizer's function cannot be invoked, or its result is not valid.
    Misconfigured,
    /// No statement of the policy allows the request, or the simple response does not.
    Denied,
    /// A statement of the policy denies the request.
    DeniedExplicitly,
    /// The ARN of the request has more than 1,600 bytes.
    ArnTooLong,
    /// There is no token, or it is not valid.
    InvalidToken,
    /// The token has expired.
    ExpiredToken,
    /// The token has none of the scopes of the route.
    InsufficientScope,
    /// The request is not signed.
    Unsigned,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            challenge: None,
            warning: None,
        }
    }
}

impl Refusal {
    /// A refusal for which the authorizer is to blame.
    pub fn with_warning(reason: Reason, warning: String) -> Self {
        Self {
            reason,
            challenge: None,
            warning: Some(warning),
        }
    }
}

impl Caller {
    /// `requestContext.authorizer` of REST and WebSocket APIs: every value as a string. `None` for callers who sign.
    pub fn rest(&self) -> Option<String> {
        match self {
            Self::Lambda {
                principal,
                context,
                latency_ms,
                ..
            } => Some(write::object(256, |object| {
                for (name, raw) in members(context) {
                    object.string(&name, &text_of(raw));
                }
                if let Some(principal) = principal {
                    object.string("principalId", principal);
                }
                object.raw("integrationLatency", &alloc::format!("{latency_ms}"));
            })),
            Self::Token { claims, .. } => Some(write::object(512, |object| {
                object.object("claims", |object| write_claims(claims, object));
            })),
            Self::Iam { .. } => None,
        }
    }

    /// `requestContext.authorizer` of HTTP APIs with payload format 1.0. `None` for callers who sign.
    pub fn v1(&self) -> Option<String> {
        match self {
            Self::Lambda {
                principal, context, ..
            } => Some(write::object(256, |object| {
                for (name, raw) in members(context) {
                    object.raw(&name, raw);
                }
                if let Some(principal) = principal {
                    object.string("principalId", principal);
                }
            })),
            Self::Token { claims, scopes } => Some(write::object(512, |object| {
                write_token(claims, scopes.as_deref(), object)
            })),
            Self::Iam { .. } => None,
        }
    }

    /// `requestContext.authorizer` of HTTP APIs with payload format 2.0: values of the context keep their types.
    /// `account` and `partition` are those of the API: whoever signs is the root user of its account.
    pub fn v2(&self, account: &str, partition: &str) -> String {
        write::object(512, |object| match self {
            Self::Lambda { context, .. } => {
                object.raw("lambda", context.as_deref().unwrap_or("null"));
            }
            Self::Token { claims, scopes } => {
                object.object("jwt", |object| {
                    write_token(claims, scopes.as_deref(), object)
                });
            }
            Self::Iam { access_key } => object.object("iam", |iam| {
                iam.string("accessKey", access_key);
                iam.string("accountId", account);
                iam.string("callerId", account);
                iam.raw("cognitoIdentity", "null");
                iam.raw("principalOrgId", "null");
                iam.string("userArn", &root_user(account, partition));
                iam.string("userId", account);
            }),
        })
    }
}

/// The ARN of an account's root user.
pub fn root_user(account: &str, partition: &str) -> String {
    ["arn:", partition, ":iam::", account, ":root"].concat()
}

fn members(context: &Option<String>) -> Vec<(alloc::borrow::Cow<'_, str>, &str)> {
    context
        .as_deref()
        .and_then(|context| read::object(context).ok())
        .unwrap_or_default()
}

/// A string without its quotes; anything else as JSON.
fn text_of(raw: &str) -> alloc::borrow::Cow<'_, str> {
    read::string(raw).unwrap_or(alloc::borrow::Cow::Borrowed(raw))
}

fn write_claims(claims: &[(String, String)], object: &mut Object<'_>) {
    for (name, value) in claims {
        object.string(name, value);
    }
}

fn write_token(claims: &[(String, String)], scopes: Option<&[String]>, object: &mut Object<'_>) {
    object.object("claims", |object| write_claims(claims, object));
    match scopes {
        Some(scopes) => object.strings("scopes", scopes.iter().map(String::as_str)),
        None => object.raw("scopes", "null"),
    }
}
