//! Authorizers: `AWS::ApiGateway::Authorizer`, `AWS::ApiGatewayV2::Authorizer` and the security schemes of OpenAPI, as the
//! tables `authorizers` of a trigger.
//!
//! Contract: the three forms have the same members under similar names. Keys of issuers are fetched when they are needed,
//! so their origins are collected for the trigger's key `network`.
//!
//! On failure: an authorizer that cannot be asked is refused, and so are the routes that name it. One whose user pool exists
//! on AWS only is served with a note: nobody has tokens that it accepts, until a user names a pool or gives keys.

use crate::context::Context;
use crate::document::{Document, Item, Table};
use crate::file::Place;
use crate::resource::{Resource, Stack};
use crate::value::Value;

use super::read::{number, one_of, texts};
use super::reference::{self, Why};

/// The name of the authorizer of requests that are signed.
pub const IAM: &str = "iam";

/// How an API writes the header `Authorization` as an identity source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `$request.header.NAME`
    Http,
    /// `method.request.header.NAME`
    Rest,
    /// `route.request.header.NAME`
    WebSocket,
}

/// Who may call a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// Everyone.
    Open,
    /// Whom this authorizer lets pass, with one of these scopes if there are any.
    Named(String, Vec<String>),
    /// Nobody: why the route cannot be served.
    Unknown(Why),
}

/// The authorizers of an API.
#[derive(Debug, Default)]
pub struct Authorizers {
    /// The tables by their names.
    pub tables: Table,
    /// The origins of keys.
    pub network: Vec<String>,
    /// Those that are not there, with what their routes are told.
    refused: Vec<(String, Why)>,
}

/// What a route of CloudFormation says about its guard.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'v> {
    /// The route or method.
    pub route: &'v Resource,
    /// The type of authorizers of its API.
    pub kind: &'static str,
}

/// Where an authorizer is defined.
#[derive(Debug, Clone, Copy)]
pub struct Definition<'v> {
    /// Its name in lambkin.toml.
    pub name: &'v str,
    /// Where.
    pub place: Place,
    /// The properties of a resource, or `x-amazon-apigateway-authorizer`.
    pub properties: &'v Value,
    /// The header of a security scheme.
    pub header: Option<&'v str>,
    /// The issuer of a security scheme, if the properties have none.
    pub issuer: Option<&'v str>,
}

/// What authorizers are read with.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Files and report.
    pub context: &'a Context,
    /// All resources.
    pub stack: &'a Stack,
    /// What has been written, functions among it.
    pub document: &'a Document,
    /// The trigger's name.
    pub trigger: &'a str,
    /// The stage variables.
    pub variables: &'a [(String, String)],
    /// The kind of API.
    pub style: Style,
}

impl Authorizers {
    /// The guard of a route with the authorizer of this name.
    #[must_use]
    pub fn guard(&self, name: &str, scopes: Vec<String>) -> Guard {
        if let Some((_, why)) = self.refused.iter().find(|(refused, _)| refused == name) {
            return Guard::Unknown(why.clone());
        }
        match self.tables.get(name) {
            // Other types do not check scopes.
            Some(Item::Table(table)) => match table.get("type") {
                Some(Item::Text(kind)) if kind == "jwt" || kind == "cognito" => {
                    Guard::Named(name.to_owned(), scopes)
                }
                _ => Guard::Named(name.to_owned(), Vec::new()),
            },
            _ => Guard::Unknown(
                format!("needs the authorizer {name}, which the project does not define").into(),
            ),
        }
    }

    /// The guard of a route or method of CloudFormation: its `AuthorizationType`, `AuthorizerId` and
    /// `AuthorizationScopes`.
    pub fn asked(&mut self, stack: &Stack, asked: Asked<'_>) -> Guard {
        let route = asked.route;
        let kind = route.properties.text_of("AuthorizationType");
        match kind.as_deref().unwrap_or("NONE") {
            "NONE" => return Guard::Open,
            "AWS_IAM" => return self.iam(route.place),
            _ => {}
        }
        let Some(id) = route.get("AuthorizerId") else {
            return Guard::Unknown("needs an authorizer, and has no AuthorizerId".into());
        };
        if let Some(why) = id.as_unknown() {
            return Guard::Unknown(
                format!("needs an authorizer that exists on AWS only ({why})").into(),
            );
        }
        let found = reference::find(stack, asked.kind, Some(id));
        let name = found.map_or_else(|| id.as_str().unwrap_or_default(), |found| &found.name);
        let scopes = route.get("AuthorizationScopes").map(Value::items);
        let scopes = scopes.unwrap_or_default().iter().filter_map(Value::as_str);
        self.guard(name, scopes.map(str::to_owned).collect())
    }

    /// The guard of a route whose requests are signed.
    pub fn iam(&mut self, place: Place) -> Guard {
        if self.tables.get(IAM).is_none() {
            let mut table = Table::default();
            table.set("type", "iam", place);
            self.tables.set(IAM, table, place);
        }
        Guard::Named(IAM.to_owned(), Vec::new())
    }

    /// Adds an authorizer.
    pub fn add(&mut self, around: Around<'_>, definition: Definition<'_>) {
        let name = definition.name;
        let table = match definition.kind().as_str() {
            "TOKEN" | "REQUEST" => lambda(around, definition),
            "JWT" => Ok(self.jwt(around, definition)),
            "COGNITO_USER_POOLS" => Ok(self.cognito(around, definition)),
            kind => Err(format!("has the type {kind:?}, which is not known").into()),
        };
        match table {
            Ok(table) => self.tables.set(name, table, definition.place),
            Err(why) => {
                let subject = format!("the authorizer {name}");
                let end = "the routes that need it are not served";
                why.tell(around.context, definition.place, &subject, end);
                let told = match why {
                    Why::LeftOut(function) => Why::LeftOut(function),
                    Why::Refused(_) => {
                        format!("needs the authorizer {name}, which is refused").into()
                    }
                };
                self.refused.push((name.to_owned(), told));
            }
        }
    }

    fn jwt(&mut self, around: Around<'_>, definition: Definition<'_>) -> Table {
        let jwt = one_of(
            definition.properties,
            &["JwtConfiguration", "jwtConfiguration"],
        );
        let issuer = jwt.and_then(|jwt| one_of(jwt, &["Issuer", "issuer"]));
        let audience = jwt.and_then(|jwt| one_of(jwt, &["Audience", "audience"]));
        let mut table = Table::default();
        table.set("type", "jwt", definition.place);
        let url = self.issuer(
            around,
            definition,
            issuer.map_or(definition.issuer, Value::as_str),
            why_unknown(issuer),
        );
        table.set("issuer", url, issuer.map(|it| it.place));
        let known = audience.map(|list| {
            let known = list.items().iter().filter_map(Value::as_str);
            known.map(str::to_owned).collect::<Vec<_>>()
        });
        let known = known.filter(|known| !known.is_empty());
        let known = known.unwrap_or_else(|| vec!["unknown".to_owned()]);
        table.set("audience", known, audience.map(|it| it.place));
        set_sources(around, definition, &mut table);
        table
    }

    fn cognito(&mut self, around: Around<'_>, definition: Definition<'_>) -> Table {
        let mut table = Table::default();
        table.set("type", "cognito", definition.place);
        let arns = one_of(definition.properties, &["ProviderARNs", "providerARNs"]);
        let arns = arns.map(Value::items).unwrap_or_default();
        if arns.len() > 1 {
            let message = format!(
                "the authorizer {} accepts tokens of the first of its {} user pools only",
                definition.name,
                arns.len()
            );
            around.context.report.note(definition.place, message);
        }
        let arn = arns.first();
        let pool = arn.and_then(Value::as_str).and_then(user_pool);
        let issuer =
            pool.map(|(region, id)| format!("https://cognito-idp.{region}.amazonaws.com/{id}"));
        let url = self.issuer(around, definition, issuer.as_deref(), why_unknown(arn));
        table.set("issuer", url, arn.map(|it| it.place));
        set_sources(around, definition, &mut table);
        table
    }

    /// The issuer's URL. One of a user pool that is in the project, or that is not known, does not exist.
    fn issuer(
        &mut self,
        around: Around<'_>,
        definition: Definition<'_>,
        issuer: Option<&str>,
        why: &str,
    ) -> String {
        let name = definition.name;
        let pool = issuer.and_then(|issuer| {
            let id = issuer.rsplit('/').next()?;
            around.stack.referred("AWS::Cognito::UserPool", id)
        });
        let known = issuer.filter(|issuer| origin(issuer).is_some());
        let whose = match (pool, issuer, known) {
            (Some(pool), ..) => Some(format!(
                "of the user pool {}, which exists on AWS",
                pool.path
            )),
            (None, Some(_), Some(_)) => None,
            (None, Some(text), None) => Some(format!("of {text:?}, which is not a URL")),
            (None, None, _) => Some(format!("of an issuer that exists on AWS ({why})")),
        };
        let url = known.unwrap_or("https://unknown.invalid").to_owned();
        if let Some(whose) = whose {
            let trigger = around.trigger;
            let message = format!(
                "the authorizer {name} accepts only tokens {whose}: to accept others, set `issuer`, `audience` and `jwks` \
                 in [triggers.{trigger}.authorizers.{name}]"
            );
            around.context.report.note(definition.place, message);
        }
        if let Some(origin) = origin(&url)
            && !self.network.contains(&origin)
        {
            self.network.push(origin);
        }
        url
    }
}

/// Why a value is not known, in a few words.
fn why_unknown(value: Option<&Value>) -> &str {
    match value {
        Some(value) => value.as_unknown().unwrap_or("it has another form"),
        None => "it is not named",
    }
}

impl Definition<'_> {
    /// The type, in upper case.
    fn kind(&self) -> String {
        let kind = one_of(self.properties, &["Type", "AuthorizerType", "type"]);
        let kind = kind.and_then(Value::as_text).unwrap_or_default();
        kind.to_uppercase()
    }
}

/// A function that decides.
fn lambda(around: Around<'_>, definition: Definition<'_>) -> Result<Table, Why> {
    let properties = definition.properties;
    let uri = one_of(properties, &["AuthorizerUri", "authorizerUri"]);
    let uri = uri.ok_or("has no AuthorizerUri")?;
    let invoked = reference::invoked(around.stack, around.document, uri, around.variables)?;
    let is_token = definition.kind() == "TOKEN";
    let mut table = Table::default();
    let kind = if is_token { "token" } else { "request" };
    table.set("type", kind, definition.place);
    table.set("function", invoked.function, uri.place);
    set_sources(around, definition, &mut table);
    let is_kept = is_token || table.get("identity-source").is_some();
    let ttl_keys = [
        "AuthorizerResultTtlInSeconds",
        "authorizerResultTtlInSeconds",
    ];
    if let Some(ttl) = one_of(properties, &ttl_keys)
        && around.style != Style::WebSocket
        && is_kept
        && let Some(seconds) = number(ttl)
    {
        table.set("result-ttl", seconds, ttl.place);
    }
    let expression_keys = [
        "IdentityValidationExpression",
        "identityValidationExpression",
    ];
    if let Some(expression) = one_of(properties, &expression_keys)
        && is_token
        && let Some(text) = expression.as_str().filter(|text| !text.is_empty())
    {
        table.set("identity-validation-expression", text, expression.place);
    }
    if around.style == Style::Http {
        let format_keys = [
            "AuthorizerPayloadFormatVersion",
            "authorizerPayloadFormatVersion",
        ];
        if let Some(format) = one_of(properties, &format_keys)
            && let Some(version) = format_version(format)
            && version != "2.0"
        {
            table.set("payload-format-version", version, format.place);
        }
        let simple = one_of(
            properties,
            &["EnableSimpleResponses", "enableSimpleResponses"],
        );
        if let Some(simple) = simple
            && simple.as_bool() == Some(true)
        {
            table.set("enable-simple-responses", true, simple.place);
        }
    }
    Ok(table)
}

/// `1.0`, which YAML has as a number, too.
pub fn format_version(value: &Value) -> Option<&str> {
    match value.as_str()? {
        "1" => Some("1.0"),
        "2" => Some("2.0"),
        text => Some(text),
    }
}

/// The key `identity-source`, unless it is the header `Authorization` of an authorizer that takes that one anyway.
fn set_sources(around: Around<'_>, definition: Definition<'_>, table: &mut Table) {
    let has_default = definition.kind() != "REQUEST";
    let value = one_of(definition.properties, &["IdentitySource", "identitySource"]);
    let what = format!("the identity source of the authorizer {}", definition.name);
    let sources = value.map(|value| texts(around.context, &what, value));
    let mut sources: Vec<String> = sources
        .unwrap_or_default()
        .iter()
        .flat_map(|text| text.split(','))
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect();
    let prefix = match around.style {
        Style::Http => "$request.header.",
        Style::Rest => "method.request.header.",
        Style::WebSocket => "route.request.header.",
    };
    if sources.is_empty()
        && has_default
        && let Some(header) = definition.header
    {
        sources.push(format!("{prefix}{header}"));
    }
    if has_default && sources == [format!("{prefix}Authorization")] {
        return;
    }
    let place = value.map_or(definition.place, |value| value.place);
    match sources.as_slice() {
        [] => {}
        [one] => table.set("identity-source", one.as_str(), place),
        _ => table.set("identity-source", sources, place),
    }
}

/// Sets the keys of a route for its guard.
pub fn set_guard(table: &mut Table, guard: &Guard, place: Place) {
    if let Guard::Named(name, scopes) = guard {
        table.set("authorizer", name.as_str(), place);
        if !scopes.is_empty() {
            table.set("authorization-scopes", scopes.clone(), place);
        }
    }
}

/// Adds origins to the trigger's key `network`.
pub fn set_network(table: &mut Table, origins: &[String]) {
    if !origins.is_empty() {
        let origins = origins.iter().map(|origin| Item::from(origin.as_str()));
        table.set("network", Item::List(origins.collect()), None);
    }
}

/// Region and id of `arn:aws:cognito-idp:REGION:ACCOUNT:userpool/ID`.
fn user_pool(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, region, _, resource) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let id = resource.strip_prefix("userpool/")?;
    (service == "cognito-idp").then_some((region, id))
}

/// Scheme, host and port of a URL.
#[must_use]
pub fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let is_scheme = matches!(scheme, "http" | "https");
    (is_scheme && !host.is_empty()).then(|| format!("{scheme}://{host}"))
}
