//! The read operations of the control plane: which functions there are and how they are configured.
//!
//! Tools call these operations before they invoke a function. The responses contain what `lambkin.toml` configures, in
//! AWS's members, and AWS's constants for the rest.
//!
//! On failure: unknown functions, versions and aliases are `ResourceNotFoundException`, as on AWS. An operation that
//! would change a function is refused with the advice to change `lambkin.toml`.

mod configuration;
mod package;
mod page;

use std::sync::Arc;

use http::request::Parts;
use http::{Method, StatusCode};
use lambkin_http::Response;
use lambkin_lambda::{Alias, Entry, Function, FunctionRef, Image, Lambda, RecursiveLoop, Versions};
use serde_json::{Value, json};

use self::configuration::Detail;
use self::package::Package;
use self::page::Page;
use crate::error::ApiError;
use crate::lookup;
use crate::target::{Target, parameter, percent_decode};
use crate::violations::Violations;

/// Responds to a request that does not invoke a function.
pub(crate) async fn respond(lambda: &Lambda, head: &Parts) -> Result<Response, ApiError> {
    let path = head.uri.path();
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    if !segments.first().is_some_and(|first| is_date(first)) {
        return Err(ApiError::unknown_operation(&head.method, path));
    }
    if head.method != Method::GET {
        return Err(ApiError::read_only(&head.method, path));
    }
    let request = ControlRequest {
        lambda,
        query: head.uri.query(),
    };
    let body = match *segments.as_slice() {
        ["2015-03-31", "functions"] => request.functions().await?,
        ["2016-08-19", "account-settings"] => request.account_settings().await?,
        ["2017-03-31", "tags", resource] => request.tags(&percent_decode(resource))?,
        [version, "functions", name, ref rest @ ..] => {
            let name = percent_decode(name);
            let function = request.function(&name)?;
            let described = match (version, rest) {
                ("2015-03-31", []) => Some(function.get().await?),
                ("2015-03-31", ["configuration"]) => Some(function.configuration().await?),
                ("2015-03-31", ["versions"]) => Some(function.versions().await?),
                ("2015-03-31", ["aliases"]) => Some(function.aliases()?),
                ("2015-03-31", ["aliases", alias]) => Some(function.alias(&percent_decode(alias))?),
                ("2015-03-31", ["policy"]) => return Err(no_policy()),
                ("2019-09-30", ["concurrency"]) => Some(function.concurrency()),
                ("2024-08-31", ["recursion-config"]) => Some(function.recursion()),
                _ => None,
            };
            described.ok_or_else(|| ApiError::unknown_operation(&head.method, path))?
        }
        _ => return Err(ApiError::unknown_operation(&head.method, path)),
    };
    Ok(lambkin_http::json(StatusCode::OK, body.to_string()))
}

/// Whether a text has the form of a date, with which AWS's paths begin.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// No function has a policy, as every caller may invoke every function.
fn no_policy() -> ApiError {
    ApiError::not_found("The resource you requested does not exist.")
}

/// Describes functions with their ARNs. Their code is read from the disk, so this runs on a thread for blocking work.
async fn describe(functions: Vec<(Arc<Function>, String)>, detail: Detail) -> Vec<Value> {
    let describe_all = move || {
        functions
            .iter()
            .map(|(function, arn)| configuration::function(function, arn, detail))
            .collect()
    };
    tokio::task::spawn_blocking(describe_all)
        .await
        .unwrap_or_default()
}

/// A read operation.
#[derive(Debug, Clone, Copy)]
struct ControlRequest<'a> {
    lambda: &'a Lambda,
    query: Option<&'a str>,
}

/// A read operation on one function.
#[derive(Debug)]
struct FunctionRequest<'a> {
    request: ControlRequest<'a>,
    name: &'a str,
    versions: &'a Versions,
    latest: &'a Arc<Function>,
}

impl<'a> ControlRequest<'a> {
    fn parameter(&self, name: &str) -> Option<String> {
        Some(parameter(self.query?, name)?.into_owned())
    }

    fn page<T: Clone>(&self, items: &[T]) -> Result<Page<T>, ApiError> {
        let (marker, max_items) = (self.parameter("Marker"), self.parameter("MaxItems"));
        Page::of(items, marker.as_deref(), max_items.as_deref())
    }

    fn function(self, name: &'a str) -> Result<FunctionRequest<'a>, ApiError> {
        let target = Target::of(name, self.query);
        let wanted = parse(&target)?;
        let versions = self.lambda.versions(&wanted);
        match versions.and_then(|versions| Some((versions, versions.latest()?))) {
            Some((versions, latest)) => Ok(FunctionRequest {
                request: self,
                name,
                versions,
                latest,
            }),
            None => Err(lookup::not_found(self.lambda, &wanted, wanted.qualifier)),
        }
    }

    async fn functions(&self) -> Result<Value, ApiError> {
        let version = self.parameter("FunctionVersion");
        let mut violations = Violations::default();
        violations.check_enum("functionVersion", version.as_deref(), &["ALL"]);
        violations.none()?;
        let all = self.lambda.all_versions();
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

    async fn account_settings(&self) -> Result<Value, ApiError> {
        let functions: Vec<_> = self
            .lambda
            .all_versions()
            .flat_map(Versions::all)
            .cloned()
            .collect();
        let reserved: usize = self
            .lambda
            .functions()
            .filter_map(|function| configuration::reserved(function))
            .sum();
        let names = self.lambda.names().count();
        let sizes = move || -> u64 {
            let sizes = functions
                .iter()
                .map(|function| Package::of(function).size());
            sizes.sum()
        };
        let size = tokio::task::spawn_blocking(sizes).await.unwrap_or_default();
        Ok(configuration::account(size, names, reserved))
    }

    fn tags(&self, resource: &str) -> Result<Value, ApiError> {
        self.function(resource)?;
        Ok(json!({ "Tags": {} }))
    }
}

impl FunctionRequest<'_> {
    /// The version that the request names, with its ARN in the form of the request.
    fn wanted(&self) -> Result<(Arc<Function>, String), ApiError> {
        let target = Target::of(self.name, self.request.query);
        let wanted = parse(&target)?;
        match self.versions.find(wanted.qualifier) {
            Some(function) => Ok((Arc::clone(function), function.arn(wanted.qualifier))),
            None => {
                let lambda = self.request.lambda;
                Err(lookup::not_found(lambda, &wanted, wanted.qualifier))
            }
        }
    }

    async fn configuration(&self) -> Result<Value, ApiError> {
        let described = describe(vec![self.wanted()?], Detail::Full).await;
        Ok(described.into_iter().next().unwrap_or_default())
    }

    async fn get(&self) -> Result<Value, ApiError> {
        let (function, _) = self.wanted()?;
        let code = match &function.spec().code.entry {
            Entry::Image(image) => {
                let Image { name, digest, .. } = &*image.get();
                let resolved = format!("{name}@{digest}");
                json!({ "RepositoryType": "ECR", "ImageUri": name, "ResolvedImageUri": resolved })
            }
            _ => {
                let location = format!("file://{}", function.spec().code.task_root.display());
                json!({ "RepositoryType": "S3", "Location": location })
            }
        };
        let mut members = json!({ "Configuration": self.configuration().await?, "Code": code });
        if let (Some(members), Some(reserved)) = (members.as_object_mut(), self.reserved()) {
            members.insert("Concurrency".to_owned(), reserved);
        }
        Ok(members)
    }

    async fn versions(&self) -> Result<Value, ApiError> {
        let all: Vec<_> = self
            .versions
            .all()
            .map(|function| (Arc::clone(function), qualified_arn(function)))
            .collect();
        let page = self.request.page(&all)?;
        let versions = describe(page.items, Detail::Listed).await;
        Ok(json!({ "Versions": versions, "NextMarker": page.next }))
    }

    fn aliases(&self) -> Result<Value, ApiError> {
        let version = self.request.parameter("FunctionVersion");
        let matches = |alias: &&Alias| {
            version
                .as_ref()
                .is_none_or(|wanted| alias.version == *wanted)
        };
        let aliases: Vec<Value> = self
            .versions
            .aliases()
            .values()
            .filter(matches)
            .map(|alias| configuration::alias(self.latest, alias))
            .collect();
        let page = self.request.page(&aliases)?;
        Ok(json!({ "Aliases": page.items, "NextMarker": page.next }))
    }

    fn alias(&self, name: &str) -> Result<Value, ApiError> {
        match self.versions.aliases().get(name) {
            Some(alias) => Ok(configuration::alias(self.latest, alias)),
            None => Err(ApiError::not_found(format!(
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

fn parse<'t>(target: &'t Target<'_>) -> Result<FunctionRef<'t>, ApiError> {
    let mut violations = Violations::default();
    let wanted = target.function(&mut violations)?;
    violations.none()?;
    Ok(wanted)
}

fn qualified_arn(function: &Function) -> String {
    function.arn(Some(&function.spec().version))
}
