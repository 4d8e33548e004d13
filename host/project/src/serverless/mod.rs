//! serverless.yml, of the Serverless Framework 3 and 4 and of `osls`, as a CloudFormation template.
//!
//! Contract: [`read`] makes the resources, with the logical ids, that `osls package` would, apart from what has no effect
//! here (roles, permissions, log groups), and what it would need a package for: `Code` is a path. The folder `.serverless`
//! that `package` has written is read instead if it is named: it has the values of all variables and of plugins.
//!
//! On failure: a [`ProjectError`] with the place of what makes the file unusable. What is not served is refused, or noted,
//! in the report.

mod events;
mod functions;
mod keys;
mod names;
mod offline;
mod packaged;
mod plugins;
mod resources;
mod service;
mod variables;

use std::path::Path;

use crate::ProjectError;
use crate::cfn::Compiled;
use crate::context::Context;
use crate::file::TEMPLATE_BYTES;
use crate::resource::Template;
use crate::value::{Kind, Map, Value};
use service::Service;

/// Endings of files that are programs.
const PROGRAMS: [&str; 5] = ["js", "cjs", "mjs", "ts", "mts"];

/// Reads the `serverless.yml` at a path, or the folder `.serverless`, or the template in it.
///
/// # Errors
///
/// [`ProjectError`]
pub fn read(context: &Context, path: &Path) -> Result<Template, ProjectError> {
    if path.is_dir() {
        return packaged::read(context, path);
    }
    if path
        .file_name()
        .is_some_and(|name| name == packaged::TEMPLATE)
    {
        return packaged::read(context, &service::folder_of(path));
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    if ending.is_some_and(|ending| PROGRAMS.contains(&ending)) {
        return Err(ProjectError::Other(format!(
            "{} is a program, which is not run to find out what the service is: `npx osls package` writes the folder \
             .serverless, which can be started instead: lambkin serve .serverless",
            path.display()
        )));
    }
    let root = context.load(path, TEMPLATE_BYTES)?;
    let service = Service::read(context, path, root)?;
    template(&service)
}

/// The template of a service.
fn template(service: &Service<'_>) -> Result<Template, ProjectError> {
    let mut compiled = Compiled::default();
    functions::compile(service, &mut compiled);
    events::compile(service, &mut compiled);
    plugins::apply(service, &mut compiled)?;
    offline::apply(service, &mut compiled);
    let place = service.variables.root().place;
    let mut root = Map::default();
    for (key, section) in [
        ("Resources", compiled.resources),
        ("Outputs", compiled.outputs),
    ] {
        root.insert(key, place, Value::new(place, Kind::Map(section)));
    }
    resources::merge(service, &mut root)?;
    plugins::finish(service, &mut root);
    let mut template = Template::new(service.stack_name(), &service.folder, root);
    template.region = Some(service.region.clone());
    Ok(template)
}

#[cfg(test)]
mod tests;
