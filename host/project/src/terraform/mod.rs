//! Terraform and OpenTofu: a plan as JSON, as resources.
//!
//! Contract: [`read`] makes a CloudFormation template of the plan, whose logical ids are Terraform's addresses, so that
//! names, ARNs and URLs are those of all other projects. Paths start from the folder of the plan, which is that of the
//! outermost module. What Terraform knows after an apply only is what the configuration refers to.
//!
//! On failure: a [`ProjectError`] for a file that is not a plan.

mod code;
mod compile;
mod expression;
mod gateway;
mod intrinsic;
mod parts;
mod plan;
mod reference;
mod types;

use std::path::Path;

use crate::ProjectError;
use crate::cfn::{Body, Compiled};
use crate::context::Context;
use crate::file::GENERATED_BYTES;
use crate::resource::Template;
use crate::value::{Kind, Map, Value};
use plan::Plan;

/// Reads a plan: the output of `terraform show -json`.
///
/// # Errors
///
/// [`ProjectError`]
pub fn read(context: &Context, path: &Path) -> Result<Template, ProjectError> {
    let root = context.load(path, GENERATED_BYTES)?;
    let place = root.place;
    let plan = Plan::read(context, &root)?;
    let mut compiled = Compiled::default();
    compile::compile(context, &plan, &mut compiled);
    for (name, output) in plan.outputs.members() {
        let is_sensitive = output.get("sensitive").and_then(Value::as_bool) == Some(true);
        if !is_sensitive {
            let value = Body::new(output.place)
                .set("Value", plan.output(name, output))
                .done();
            compiled.outputs.insert(name, output.place, value);
        }
    }
    let mut sections = Map::default();
    for (key, section) in [
        ("Resources", compiled.resources),
        ("Outputs", compiled.outputs),
    ] {
        sections.insert(key, place, Value::new(place, Kind::Map(section)));
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = std::path::absolute(folder)
        .ok()
        .and_then(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()));
    let mut template = Template::new(
        name.unwrap_or_else(|| "terraform".to_owned()),
        folder,
        sections,
    );
    template.region = plan.region();
    Ok(template)
}

#[cfg(test)]
mod tests;
