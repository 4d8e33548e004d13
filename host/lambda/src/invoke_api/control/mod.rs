//! The control plane, as far as it reads: what functions there are and how they are configured.
//!
//! Tools look a function up before they invoke it, list functions for a menu, or wait for one to be `Active`. They get
//! what `lambkin.toml` says, in the members that AWS has for it and with AWS's constants for the rest.
//!
//! On failure: unknown functions, versions and aliases are `ResourceNotFoundException`, as on AWS. Whatever would
//! change a function is refused with the advice to change `lambkin.toml`.

mod configuration;
mod package;
mod page;

use std::sync::Arc;

use http::request::Parts;
use http::{Method, StatusCode};
use lambkin_http::Response;
use serde_json::{Value, json};

use self::configuration::Detail;
use self::page::Page;
use super::error::Error;
use super::request::{Target, Violations, parameter, percent_decode};
use super::{function_not_found, response};
use crate::function::Function;
use crate::lambda::Lambda;
use crate::name::FunctionRef;
use crate::spec::RecursiveLoop;
use crate::version::{Alias, Versions};

/// Answers whatever is no invocation.
pub(super) async fn answer(lambda: &Lambda, head: &Parts) -> Result<Response, Error> {
    let path = head.uri.path();
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    if !segments.first().is_some_and(|first| is_date(first)) {
        return Err(Error::unknown_operation(&head.method, path));
    }
    if head.method != Method::GET {
        return Err(Error::read_only(&head.method, path));
    }
    let read = Read {
        lambda,
        query: head.uri.query(),
    };
    let body = match *segments.as_slice() {
        ["2015-03-31", "functions"] => read.functions().await?,
        ["2016-08-19", "account-settings"] => read.account_settings().await?,
        ["2017-03-31", "tags", resource] => read.tags(&percent_decode(resource))?,
        [version, "functions", name, ref rest @ ..] => {
            let name = percent_decode(name);
            let about = read.function(&name)?;
            let described = match (version, rest) {
                ("2015-03-31", []) => Some(about.get().await?),
                ("2015-03-31", ["configuration"]) => Some(about.configuration().await?),
                ("2015-03-31", ["versions"]) => Some(about.versions().await?),
                ("2015-03-31", ["aliases"]) => Some(about.aliases()?),
                ("2015-03-31", ["aliases", alias]) => Some(about.alias(&percent_decode(alias))?),
                ("2015-03-31", ["policy"]) => return Err(no_policy()),
                ("2019-09-30", ["concurrency"]) => Some(about.concurrency()),
                ("2024-08-31", ["recursion-config"]) => Some(about.recursion()),
                _ => None,
            };
            described.ok_or_else(|| Error::unknown_operation(&head.method, path))?
        }
        _ => return Err(Error::unknown_operation(&head.method, path)),
    };
    Ok(response::json(StatusCode::OK, body.to_string()))
}

/// AWS's paths begin with the date of the operation's version.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// No function has a policy here: everybody may call everything.
fn no_policy() -> Error {
    Error::not_found("The resource you requested does not exist.")
}

/// Describes functions on a thread where reading their code from the disk holds nobody up.
async fn describe(functions: Vec<(Arc<Function>, String)>, detail: Detail) -> Vec<Value> {
    let described = move || {
        let describe =
            |(function, arn): &(Arc<Function>, String)| configuration::of(function, arn, detail);
        functions.iter().map(describe).collect()
    };
    tokio::task::spawn_blocking(described)
        .await
        .unwrap_or_default()
}

/// A read of everything.
#[derive(Debug, Clone, Copy)]
struct Read<'a> {
    lambda: &'a Lambda,
    query: Option<&'a str>,
}

/// A read about one function.
#[derive(Debug)]
struct About<'a> {
    read: Read<'a>,
    name: &'a str,
    all: &'a Versions,
    latest: &'a Arc<Function>,
}

impl<'a> Read<'a> {
    fn parameter(&self, name: &str) -> Option<String> {
        Some(parameter(self.query?, name)?.into_owned())
    }

    fn page<T: Clone>(&self, items: &[T]) -> Result<Page<T>, Error> {
        let (marker, most) = (self.parameter("Marker"), self.parameter("MaxItems"));
        Page::of(items, marker.as_deref(), most.as_deref())
    }

    fn function(self, name: &'a str) -> Result<About<'a>, Error> {
        let target = Target::of(name, self.query);
        let wanted = self.reference(&target)?;
        let all = self.lambda.versions(&wanted);
        match all.and_then(|all| Some((all, all.latest()?))) {
            Some((all, latest)) => Ok(About {
                read: self,
                name,
                all,
                latest,
            }),
            None => Err(function_not_found(self.lambda, &wanted, wanted.qualifier)),
        }
    }

    fn reference<'t>(&self, target: &'t Target<'_>) -> Result<FunctionRef<'t>, Error> {
        let mut violations = Violations::default();
        let wanted = target.function(&mut violations)?;
        violations.none()?;
        Ok(wanted)
    }

    async fn functions(&self) -> Result<Value, Error> {
        let version = self.parameter("FunctionVersion");
        let mut violations = Violations::default();
        violations.check_enum("functionVersion", version.as_deref(), &["ALL"]);
        violations.none()?;
        let all = self.lambda.all();
        let listed: Vec<_> = match version {
            Some(_all) => all
                .flat_map(Versions::all)
                .map(|function| (Arc::clone(function), qualified_arn(function)))
                .collect(),
            None => all
                .filter_map(Versions::latest)
                .map(|function| (Arc::clone(function), function.arn(None)))
                .collect(),
        };
        let page = self.page(&listed)?;
        let functions = describe(page.items, Detail::Listed).await;
        Ok(json!({ "Functions": functions, "NextMarker": page.next }))
    }

    async fn account_settings(&self) -> Result<Value, Error> {
        let functions: Vec<_> = self.lambda.all().flat_map(Versions::all).cloned().collect();
        let reserved: usize = self
            .lambda
            .all()
            .filter_map(Versions::latest)
            .filter_map(|function| configuration::reserved(function))
            .sum();
        let names = self.lambda.names().count();
        let sizes = move || -> u64 { functions.iter().map(|f| package::of(f).size()).sum() };
        let size = tokio::task::spawn_blocking(sizes).await.unwrap_or_default();
        Ok(configuration::account(size, names, reserved))
    }

    fn tags(&self, resource: &str) -> Result<Value, Error> {
        self.function(resource)?;
        Ok(json!({ "Tags": {} }))
    }
}

impl About<'_> {
    /// The version asked for, with its ARN as it was asked for.
    fn wanted(&self) -> Result<(Arc<Function>, String), Error> {
        let target = Target::of(self.name, self.read.query);
        let wanted = self.read.reference(&target)?;
        match self.all.find(wanted.qualifier) {
            Some(function) => Ok((Arc::clone(function), function.arn(wanted.qualifier))),
            None => Err(function_not_found(
                self.read.lambda,
                &wanted,
                wanted.qualifier,
            )),
        }
    }

    async fn configuration(&self) -> Result<Value, Error> {
        let described = describe(vec![self.wanted()?], Detail::Full).await;
        Ok(described.into_iter().next().unwrap_or_default())
    }

    async fn get(&self) -> Result<Value, Error> {
        let (function, _) = self.wanted()?;
        let location = format!("file://{}", function.spec().code.task_root.display());
        let mut got = json!({
            "Configuration": self.configuration().await?,
            "Code": { "RepositoryType": "S3", "Location": location },
        });
        if let (Some(got), Some(reserved)) = (got.as_object_mut(), self.reserved()) {
            got.insert("Concurrency".to_owned(), reserved);
        }
        Ok(got)
    }

    async fn versions(&self) -> Result<Value, Error> {
        let all: Vec<_> = self
            .all
            .all()
            .map(|function| (Arc::clone(function), qualified_arn(function)))
            .collect();
        let page = self.read.page(&all)?;
        let versions = describe(page.items, Detail::Listed).await;
        Ok(json!({ "Versions": versions, "NextMarker": page.next }))
    }

    fn aliases(&self) -> Result<Value, Error> {
        let version = self.read.parameter("FunctionVersion");
        let asked = |alias: &&Alias| version.as_ref().is_none_or(|asked| alias.version == *asked);
        let aliases: Vec<Value> = self
            .all
            .aliases()
            .values()
            .filter(asked)
            .map(|alias| configuration::alias(self.latest, alias))
            .collect();
        let page = self.read.page(&aliases)?;
        Ok(json!({ "Aliases": page.items, "NextMarker": page.next }))
    }

    fn alias(&self, name: &str) -> Result<Value, Error> {
        match self.all.aliases().get(name) {
            Some(alias) => Ok(configuration::alias(self.latest, alias)),
            None => Err(Error::not_found(format!(
                "Cannot find alias arn: {}",
                self.latest.arn(Some(name))
            ))),
        }
    }

    fn reserved(&self) -> Option<Value> {
        let reserved = configuration::reserved(self.latest)?;
        Some(json!({ "ReservedConcurrentExecutions": reserved }))
    }

    fn concurrency(&self) -> Value {
        self.reserved().unwrap_or_else(|| json!({}))
    }

    fn recursion(&self) -> Value {
        let recursive_loop = match self.latest.spec().recursive_loop {
            RecursiveLoop::Terminate => "Terminate",
            RecursiveLoop::Allow => "Allow",
        };
        json!({ "RecursiveLoop": recursive_loop })
    }
}

fn qualified_arn(function: &Function) -> String {
    function.arn(Some(&function.spec().version))
}
