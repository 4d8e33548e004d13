//! OpenAPI documents, versions 2.0 and 3.x, with API Gateway's extensions.
//!
//! Contract: [`operations`] lists the operations of all paths, `x-amazon-apigateway-any-method` as `ANY`. References
//! (`$ref`) to other parts of the document are followed. What describes an API for people only is passed over.
//!
//! On failure: a reference that leads nowhere, or around in a circle, is no value.

use crate::file::Place;
use crate::value::Value;

use super::read::one_of;

/// How many references are followed for one value.
const REFERENCES: usize = 16;

const ANY: &str = "x-amazon-apigateway-any-method";

/// The requirement of an operation that is open to everyone, in the documents that SAM writes.
const OPEN: &str = "NONE";

const METHODS: [&str; 7] = ["delete", "get", "head", "options", "patch", "post", "put"];

/// An operation of a path.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'v> {
    /// `GET`, or `ANY`.
    pub method: &'v str,
    /// The path.
    pub path: &'v str,
    /// Where the method is.
    pub place: Place,
    /// What is under the method.
    pub value: &'v Value,
    /// What is under the path.
    pub around: &'v Value,
}

/// A security scheme.
#[derive(Debug, Clone, Copy)]
pub struct Scheme<'v> {
    /// Its name.
    pub name: &'v str,
    /// Where.
    pub place: Place,
    /// What it is.
    pub value: &'v Value,
}

/// What a requirement of an operation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A key of the API.
    ApiKey,
    /// A signature.
    Signature,
    /// An authorizer's consent, for one of the scopes.
    Authorizer(String, Vec<String>),
}

impl<'v> Operation<'v> {
    /// The operation's integration.
    #[must_use]
    pub fn integration(&self, body: &'v Value) -> Option<&'v Value> {
        let integration = self.value.get("x-amazon-apigateway-integration")?;
        Some(followed(body, integration))
    }
}

/// The operations of all paths.
#[must_use]
pub fn operations(body: &Value) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    for (path, around) in body.get("paths").into_iter().flat_map(Value::members) {
        let around = followed(body, around);
        for (key, member) in around.as_map().into_iter().flatten() {
            let lower = key.to_ascii_lowercase();
            let method = match METHODS.iter().find(|method| **method == lower) {
                Some(_) => upper(&lower),
                None if lower == ANY => "ANY",
                None => continue,
            };
            operations.push(Operation {
                method,
                path,
                place: member.place,
                value: &member.value,
                around,
            });
        }
    }
    operations
}

fn upper(method: &str) -> &'static str {
    match method {
        "delete" => "DELETE",
        "get" => "GET",
        "head" => "HEAD",
        "options" => "OPTIONS",
        "patch" => "PATCH",
        "post" => "POST",
        _ => "PUT",
    }
}

/// The security schemes.
#[must_use]
pub fn schemes(body: &Value) -> Vec<Scheme<'_>> {
    let tables = [
        body.get("securityDefinitions"),
        body.at(&["components", "securitySchemes"]),
    ];
    let members = tables
        .into_iter()
        .flatten()
        .filter_map(Value::as_map)
        .flatten();
    members
        .map(|(name, member)| Scheme {
            name,
            place: member.place,
            value: followed(body, &member.value),
        })
        .collect()
}

/// What an operation needs: its own `security`, or that of the document.
#[must_use]
pub fn needs(body: &Value, operation: &Operation<'_>) -> Vec<Need> {
    let auth = operation.value.get("x-amazon-apigateway-auth");
    let auth = auth.and_then(|auth| one_of(auth, &["type", "Type"])?.as_text());
    if auth.is_some_and(|auth| auth.eq_ignore_ascii_case("AWS_IAM")) {
        return vec![Need::Signature];
    }
    let security = operation.value.get("security").or(body.get("security"));
    let schemes = schemes(body);
    let mut needs = Vec::new();
    for requirement in security.into_iter().flat_map(Value::items) {
        for (name, scopes) in requirement.members().filter(|(name, _)| *name != OPEN) {
            let scheme = schemes.iter().find(|scheme| scheme.name == name);
            let need = match scheme {
                Some(scheme) if scheme.is_signature() => Need::Signature,
                Some(scheme) if scheme.is_api_key() => Need::ApiKey,
                None if name == "api_key" => Need::ApiKey,
                None if name == "AWS_IAM" || name == "sigv4" => Need::Signature,
                _ => {
                    let scopes = scopes.items().iter().filter_map(Value::as_str);
                    Need::Authorizer(name.to_owned(), scopes.map(str::to_owned).collect())
                }
            };
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
    }
    needs
}

impl<'v> Scheme<'v> {
    /// The authorizer.
    #[must_use]
    pub fn authorizer(&self) -> Option<&'v Value> {
        self.value.get("x-amazon-apigateway-authorizer")
    }

    /// The header that holds what identifies a caller, unless the scheme only pretends to have one.
    #[must_use]
    pub fn header(&self) -> Option<&'v str> {
        let is_header = self
            .value
            .text_of("in")
            .is_some_and(|place| place == "header");
        let name = self.value.get("name").and_then(Value::as_str);
        name.filter(|name| is_header && *name != "Unused")
    }

    /// The issuer whose configuration the scheme `openIdConnect` names.
    #[must_use]
    pub fn issuer(&self) -> Option<&'v str> {
        let url = self.value.get("openIdConnectUrl")?.as_str()?;
        let start = url.split("/.well-known/").next()?;
        Some(start.trim_end_matches('/'))
    }

    fn is_signature(&self) -> bool {
        let kind = self.value.text_of("x-amazon-apigateway-authtype");
        self.authorizer().is_none()
            && kind.is_some_and(|kind| kind.eq_ignore_ascii_case("awsSigv4"))
    }

    fn is_api_key(&self) -> bool {
        let is_key = self
            .value
            .text_of("type")
            .is_some_and(|kind| kind == "apiKey");
        is_key && self.authorizer().is_none() && !self.is_signature()
    }
}

/// A value, or what its `$ref` refers to.
#[must_use]
pub fn followed<'v>(body: &'v Value, value: &'v Value) -> &'v Value {
    let mut found = value;
    for _ in 0..REFERENCES {
        let Some(pointer) = found.get("$ref").and_then(Value::as_str) else {
            return found;
        };
        let Some(path) = pointer.strip_prefix("#/") else {
            return found;
        };
        let keys = path
            .split('/')
            .map(|key| key.replace("~1", "/").replace("~0", "~"));
        let mut target = Some(body);
        for key in keys {
            target = target.and_then(|value| value.get(&key));
        }
        match target {
            Some(target) => found = target,
            None => return found,
        }
    }
    found
}
