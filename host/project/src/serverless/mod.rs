//! serverless.yml, of the Serverless Framework 3 and 4 and of `osls`, as a CloudFormation template.
//!
//! Contract: [`read`] makes the resources, with the logical ids, that `osls package` would, apart from what has no effect
//! here (roles, permissions, log groups), and what it would need a package for: `Code` is a path. The folder `.serverless`
//! that `package` has written is read instead if it is named: it has the values of all variables and of plugins.
//!
//! On failure: a [`ProjectError`] with the place of what makes the file unusable. What is not served is refused, or noted,
//! in the report.

mod cfn;
mod events;
mod functions;
mod names;
mod resources;
mod service;
mod variables;

use std::path::{Path, PathBuf};

use crate::ProjectError;
use crate::context::Context;
use crate::file::TEMPLATE_BYTES;
use crate::resource::Template;
use crate::value::{Kind, Map, Value};
use cfn::Compiled;
use service::Service;

/// Reads the `serverless.yml` at a path, or the template in the folder `.serverless`.
///
/// # Errors
///
/// [`ProjectError`]
pub fn read(context: &Context, path: &Path) -> Result<Template, ProjectError> {
    let root = context.load(path, TEMPLATE_BYTES)?;
    let service = Service::read(context, path, root)?;
    template(&service)
}

/// The template of a service.
fn template(service: &Service<'_>) -> Result<Template, ProjectError> {
    let mut compiled = Compiled::default();
    functions::compile(service, &mut compiled);
    events::compile(service, &mut compiled);
    let place = service.variables.root().place;
    let mut root = Map::default();
    for (key, section) in [
        ("Resources", compiled.resources),
        ("Outputs", compiled.outputs),
    ] {
        root.insert(key, place, Value::new(place, Kind::Map(section)));
    }
    resources::merge(service, &mut root)?;
    let mut template = Template::new(service.stack_name(), &service.folder, root);
    template.region = Some(service.region.clone());
    Ok(template)
}

/// The folder of a file, so that paths can be joined to it.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
