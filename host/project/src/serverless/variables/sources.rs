//! The sources of variables.
//!
//! Contract: `self`, `opt`, `env`, `param`, `sls`, `aws`, `strToBool` and data files (`file`) are looked up in the
//! project, the options and the environment. Of all others, such as `ssm` and `cf`, and of files of JavaScript, which are
//! programs, it is said why they are not.
//!
//! On failure: as [`super`].

use std::path::{Component, Path, PathBuf};

use super::{DEFAULT_REGION, DEFAULT_STAGE, Found, Part, Variables, plain_of_1_2};
use crate::ProjectError;
use crate::file::{Place, TEMPLATE_BYTES};
use crate::value::{Kind, Value};

/// Sources that are elsewhere, and where.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cf", "an output of a stack on AWS"),
    ("construct", "made by the plugin serverless-lift"),
    ("doppler", "in Doppler"),
    (
        "git",
        "a value of the plugin serverless-plugin-git-variables",
    ),
    ("output", "an output of another service"),
    ("s3", "in a bucket on AWS"),
    ("ssm", "in AWS Systems Manager's Parameter Store"),
    ("terraform", "an output of Terraform"),
    ("vault", "in HashiCorp Vault"),
];

impl Variables<'_> {
    /// The stage: `--stage`, `provider.stage`, or `dev`.
    pub fn stage(&self) -> Result<String, ProjectError> {
        if let Some(stage) = &self.context.options.stage {
            return Ok(stage.clone());
        }
        let stage = self.property(&["provider", "stage"])?;
        Ok(stage.as_str().unwrap_or(DEFAULT_STAGE).to_owned())
    }

    /// The region: `--region`, `provider.region`, or `us-east-1`.
    pub fn region(&self) -> Result<String, ProjectError> {
        if let Some(region) = &self.context.options.region {
            return Ok(region.clone());
        }
        let region = self.property(&["provider", "region"])?;
        Ok(region.as_str().unwrap_or(DEFAULT_REGION).to_owned())
    }

    pub(super) fn lookup(
        &self,
        kind: &str,
        parameters: &[Vec<Part>],
        address: Option<&[Part]>,
        place: Place,
        depth: usize,
    ) -> Result<Found, ProjectError> {
        let mut arguments = Vec::new();
        for parameter in parameters {
            match self.argument(parameter, place, depth)? {
                Ok(argument) => arguments.push(argument),
                Err(why) => return Ok(Found::Elsewhere(why)),
            }
        }
        let address = match address
            .map(|address| self.argument(address, place, depth))
            .transpose()?
        {
            Some(Ok(address)) => address,
            Some(Err(why)) => return Ok(Found::Elsewhere(why)),
            None => String::new(),
        };
        let shown = match arguments.as_slice() {
            [] => format!("{kind}:{address}"),
            arguments if address.is_empty() => format!("{kind}({})", arguments.join(", ")),
            arguments => format!("{kind}({}):{address}", arguments.join(", ")),
        };
        let options = &self.context.options;
        if let Some(value) = options.parameters.get(&shown) {
            return Ok(Found::Value(Value::text(place, value)));
        }
        let text = |text: &str| Found::Value(Value::text(place, text));
        let found = match kind {
            "self" => {
                let path: Vec<&str> = address.split('.').filter(|key| !key.is_empty()).collect();
                let value = self.property_in(&path, place, depth)?;
                found(value, || {
                    format!("`${{{shown}}}` has no value: there is no such key in the file")
                })
            }
            "sls" => match address.as_str() {
                "stage" => text(&self.stage()?),
                "instanceId" => text("local"),
                _ => Found::Missing(format!(
                    "`${{{shown}}}` is not a value of `sls`, which has `stage` and `instanceId`"
                )),
            },
            "aws" => match address.as_str() {
                "accountId" => text(&options.account),
                "region" => text(&self.region()?),
                _ => Found::Elsewhere(elsewhere(&shown, "a value on AWS")),
            },
            "opt" => self.option(&address, place, &shown)?,
            "env" => match std::env::var(&address)
                .ok()
                .or_else(|| self.environment.get(&address).cloned())
            {
                Some(value) => text(&value),
                None => Found::Missing(format!(
                    "`${{{shown}}}` has no value: set the environment variable {address}, or add a fallback: ${{{shown}, ''}}"
                )),
            },
            "param" => self.parameter(&address, place, &shown, depth)?,
            "strToBool" => match arguments
                .first()
                .map(|argument| argument.trim().to_lowercase())
                .as_deref()
            {
                Some("true" | "1") => Found::Value(Value::plain(place, true)),
                Some("false" | "0") => Found::Value(Value::plain(place, false)),
                _ => {
                    let message =
                        format!("`${{{shown}}}` is not a boolean: it must be true, false, 0 or 1");
                    return Err(self.context.error(place, &message));
                }
            },
            "file" => {
                let path = arguments.first().map_or("", String::as_str);
                self.file(path, &address, place, &shown, depth)?
            }
            other => {
                let known = ELSEWHERE.iter().find(|(kind, _)| *kind == other);
                let what =
                    known.map_or("a value of a plugin or of another system", |(_, what)| what);
                Found::Elsewhere(elsewhere(&shown, what))
            }
        };
        Ok(found)
    }

    fn option(&self, name: &str, place: Place, shown: &str) -> Result<Found, ProjectError> {
        let options = &self.context.options;
        let value = match name {
            "stage" => options.stage.as_ref(),
            "region" => options.region.as_ref(),
            name => options.parameters.get(name),
        };
        if let Some(value) = value {
            return Ok(Found::Value(Value::text(place, value)));
        }
        Ok(Found::Missing(match name {
            "stage" | "region" => format!(
                "`${{{shown}}}` has no value: give it with --{name}, or add a fallback: ${{{shown}, '…'}}"
            ),
            name => format!(
                "`${{{shown}}}` has no value: give it with --parameter {name}=…, or add a fallback: ${{{shown}, ''}}"
            ),
        }))
    }

    fn parameter(
        &self,
        name: &str,
        place: Place,
        shown: &str,
        depth: usize,
    ) -> Result<Found, ProjectError> {
        if let Some(value) = self.context.options.parameters.get(name) {
            return Ok(Found::Value(Value::text(place, value)));
        }
        let stage = self.stage()?;
        for stage in [stage.as_str(), "default"] {
            for path in [
                &["params", stage, name][..],
                &["stages", stage, "params", name],
            ] {
                let value = self.property_in(path, place, depth)?;
                if !value.is_null() {
                    return Ok(Found::Value(value));
                }
            }
        }
        Ok(Found::Missing(format!(
            "`${{{shown}}}` has no value: give it with --parameter {name}=…, or under params.{stage} or params.default"
        )))
    }

    fn file(
        &self,
        name: &str,
        address: &str,
        place: Place,
        shown: &str,
        depth: usize,
    ) -> Result<Found, ProjectError> {
        if name.is_empty() {
            let message =
                "a variable of the source `file` needs a path: ${file(./settings.yml):key}";
            return Err(self.context.error(place, message));
        }
        let path = self.path(name, place)?;
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        if matches!(extension, "js" | "cjs" | "mjs" | "ts") {
            return Ok(Found::Elsewhere(format!(
                "`${{{shown}}}` is the result of a program, which is not run: give it with --parameter \"{shown}=…\", \
                 or package the service (`npx osls package`) and start from .serverless"
            )));
        }
        let Some(content) = self.content(&path, extension, place)? else {
            return Ok(Found::Missing(format!(
                "`${{{shown}}}` has no value: there is no file {}",
                path.display()
            )));
        };
        let keys: Vec<&str> = address.split('.').filter(|key| !key.is_empty()).collect();
        let value = self.followed(&content, &keys, place, depth)?;
        Ok(found(value, || {
            format!(
                "`${{{shown}}}` has no value: there is no such key in {}",
                path.display()
            )
        }))
    }

    /// The content of a data file. None if there is none.
    fn content(
        &self,
        path: &Path,
        extension: &str,
        place: Place,
    ) -> Result<Option<Value>, ProjectError> {
        if let Some(content) = self.files.borrow().get(path) {
            return Ok(content.clone());
        }
        let content = if !path.exists() {
            None
        } else if matches!(extension, "yml" | "yaml" | "json" | "tfstate") {
            Some(plain_of_1_2(self.context.load(path, TEMPLATE_BYTES)?))
        } else {
            let id = self
                .context
                .with_files(|files| files.read(path, TEMPLATE_BYTES))?;
            let text = self.context.files().text(id).to_owned();
            Some(Value::text(place, text))
        };
        self.files
            .borrow_mut()
            .insert(path.to_owned(), content.clone());
        Ok(content)
    }

    /// The path of a file that the project may name: in the service's folder or, if that is in a repository, elsewhere in it.
    fn path(&self, name: &str, place: Place) -> Result<PathBuf, ProjectError> {
        let folder = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let mut ancestors = folder.ancestors();
        let project = ancestors
            .find(|folder| folder.join(".git").exists())
            .unwrap_or(&folder);
        let mut path = folder.clone();
        for component in Path::new(name).components() {
            match component {
                Component::ParentDir => {
                    path.pop();
                }
                Component::CurDir => {}
                other => path.push(other),
            }
        }
        if !path.starts_with(project) {
            let message = format!(
                "{} is outside of the project, {}: copy the file into it",
                path.display(),
                project.display()
            );
            return Err(self.context.error(place, &message));
        }
        // Messages name files as the user does.
        Ok(match path.strip_prefix(&folder) {
            Ok(inside) => self.folder.join(inside),
            Err(_) => path,
        })
    }
}

fn elsewhere(shown: &str, what: &str) -> String {
    format!("`${{{shown}}}` is {what}: give it with --parameter \"{shown}=…\"")
}

fn found(value: Value, why: impl FnOnce() -> String) -> Found {
    match value.kind {
        Kind::Null => Found::Missing(why()),
        Kind::Unknown(why) => Found::Elsewhere(why),
        _ => Found::Value(value),
    }
}
