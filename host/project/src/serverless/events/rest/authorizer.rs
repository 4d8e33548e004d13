//! Authorizers of `http` events.

use super::super::super::names;
use super::super::super::service::Service;
use super::ids::API;
use crate::cfn::{self, Body, Compiled};
use crate::file::Place;
use crate::value::Value;

/// The identity source unless it is said.
const IDENTITY_SOURCE: &str = "method.request.header.Authorization";

/// The seconds for which an authorizer's result counts, if it is a map that does not say.
const CACHED: u32 = 300;

/// Who may call a method.
pub struct Authorizer {
    place: Place,
    kind: Who,
    scopes: Option<Value>,
    /// What the function gets of the claims of a token.
    pub claims: Vec<String>,
}

enum Who {
    /// Whoever signs requests.
    Iam,
    /// What an authorizer elsewhere in the template says.
    Existing { kind: String, id: Value },
    /// What a function, or a user pool, says.
    New(New),
}

struct New {
    name: String,
    /// `token`, `request` or `cognito_user_pools`, in upper case, if it is said.
    kind: Option<String>,
    /// The parts of the ARN.
    arn: Vec<Value>,
    is_pool: bool,
    settings: Value,
}

impl Authorizer {
    /// Reads an authorizer. One that is not known is refused.
    pub fn read(service: &Service<'_>, value: &Value) -> Option<Self> {
        let place = value.place;
        let kind = value.text_of("type").map(|kind| kind.to_uppercase());
        let name = value.get("name").or_else(|| value.as_str().map(|_| value));
        let name = name.and_then(Value::as_str);
        let scopes = value.get("scopes").cloned();
        let claims = value.get("claims").map(Value::items).unwrap_or_default();
        let claims = claims
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let is_iam = value
            .as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case("aws_iam"))
            || kind.as_deref() == Some("AWS_IAM");
        let who = if let (Some(kind), Some(id)) = (&kind, value.get("authorizerId")) {
            Who::Existing {
                kind: kind.clone(),
                id: id.clone(),
            }
        } else if is_iam {
            Who::Iam
        } else {
            let arn = value.get("arn").or_else(|| {
                value
                    .as_str()
                    .filter(|name| name.contains(':'))
                    .map(|_| value)
            });
            let (name, arn) = match (arn, name) {
                (Some(arn), name) => {
                    let text = arn.as_str().unwrap_or_default();
                    let last = text.rsplit([':', '-']).next().unwrap_or_default();
                    let name = name.filter(|name| !name.contains(':')).unwrap_or(last);
                    if name.is_empty() {
                        service.refuse(
                            place,
                            "an authorizer whose ARN is not a text needs a `name`: add it",
                        );
                        return None;
                    }
                    (name.to_owned(), vec![arn.clone()])
                }
                (None, Some(name)) => match service.functions.get(name) {
                    Some(function) => (name.to_owned(), vec![function.target(place)]),
                    None => {
                        service.refuse(place, format!("the authorizer {name} is not a function of the service: add it, or give an ARN"));
                        return None;
                    }
                },
                (None, None) => {
                    service.refuse(
                        place,
                        "an authorizer has neither `name` nor `arn`: add one of them",
                    );
                    return None;
                }
            };
            let is_pool = kind.as_deref() == Some("COGNITO_USER_POOLS")
                || arn
                    .first()
                    .and_then(Value::as_str)
                    .is_some_and(|arn| arn.contains(":cognito-idp:"));
            Who::New(New {
                name,
                kind,
                arn,
                is_pool,
                settings: value.clone(),
            })
        };
        Some(Self {
            place,
            kind: who,
            scopes,
            claims,
        })
    }
}

/// What a method says of its authorizer.
pub fn authorize(body: Body, authorizer: Option<&Authorizer>) -> Body {
    let Some(authorizer) = authorizer else {
        return body.text("AuthorizationType", "NONE");
    };
    let (kind, id) = match &authorizer.kind {
        Who::Iam => return body.text("AuthorizationType", "AWS_IAM"),
        Who::Existing { kind, id } => {
            let kind = match kind.as_str() {
                "TOKEN" | "REQUEST" => "CUSTOM",
                kind => kind,
            };
            (kind, id.clone())
        }
        Who::New(new) => {
            let kind = if new.is_pool {
                "COGNITO_USER_POOLS"
            } else {
                "CUSTOM"
            };
            (kind, cfn::reference(authorizer.place, &id(&new.name)))
        }
    };
    let body = body.text("AuthorizationType", kind).set("AuthorizerId", id);
    match &authorizer.scopes {
        Some(scopes) if kind == "COGNITO_USER_POOLS" => {
            body.set("AuthorizationScopes", scopes.clone())
        }
        _ => body,
    }
}

/// Adds the authorizer of an event.
pub fn compile(authorizer: Option<&Authorizer>, compiled: &mut Compiled) {
    let Some(Authorizer {
        place,
        kind: Who::New(new),
        ..
    }) = authorizer
    else {
        return;
    };
    let place = *place;
    let settings = &new.settings;
    let ttl = settings.get("resultTtlInSeconds");
    let ttl = ttl
        .cloned()
        .or_else(|| settings.as_map().map(|_| Value::plain(place, CACHED)));
    let is_uncached_request = new.kind.as_deref() == Some("REQUEST")
        && ttl.as_ref().and_then(Value::as_integer) == Some(0);
    let source = settings.get("identitySource").cloned();
    let source =
        source.or_else(|| (!is_uncached_request).then(|| Value::text(place, IDENTITY_SOURCE)));
    let mut body = Body::new(place)
        .set_some("AuthorizerResultTtlInSeconds", ttl)
        .set_some("IdentitySource", source)
        .text("Name", &new.name)
        .set("RestApiId", cfn::reference(place, API))
        .take(
            settings,
            &[(
                "IdentityValidationExpression",
                "identityValidationExpression",
            )],
        );
    if new.is_pool {
        body = body
            .text("Type", "COGNITO_USER_POOLS")
            .set("ProviderARNs", Value::list(place, new.arn.clone()));
    } else {
        body = body
            .text("Type", new.kind.as_deref().unwrap_or("TOKEN"))
            .set(
                "AuthorizerUri",
                cfn::invocation_uri(place, new.arn.clone(), false),
            );
    }
    compiled.add(id(&new.name), "AWS::ApiGateway::Authorizer", body);
}

fn id(name: &str) -> String {
    format!("{}ApiGatewayAuthorizer", names::normalized(name))
}
