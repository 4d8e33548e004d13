//! CloudFormation templates: reading them, and what they consist of when their functions are evaluated.
//!
//! Contract: [`read`] gives a template as it is written; [`resolve`] gives its resources with values in place of
//! parameters, conditions, references and functions, with those of nested stacks. The template's sections are evaluated
//! as CloudFormation does, for a stack on this machine: see [`mod@reference`] for what references become.
//!
//! On failure: mistakes are refused where they are, and their values are unknown; a file that is not a template, and
//! limits, are a [`ProjectError`].

mod addresses;
mod assets;
mod conditions;
mod dynamic;
mod evaluate;
mod foreach;
mod helpers;
mod include;
mod load;
pub mod names;
mod parameters;
mod reference;
mod resolver;
mod stacks;
mod urls;
mod walk;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use crate::ProjectError;
use crate::context::Context;
use crate::file::{GENERATED_BYTES, TEMPLATE_BYTES};
use crate::resource::{Asset, Stack, Template};
use load::Source;

/// Reads a SAM or CloudFormation template. The stack has the name of the template's folder.
///
/// # Errors
///
/// [`ProjectError`], if the file cannot be read or is not a template.
pub fn read(context: &Context, path: &Path) -> Result<Template, ProjectError> {
    let name = names::stack_name(path);
    let source = Source {
        path,
        name: &name,
        given: None,
        assets: Rc::default(),
        limit: TEMPLATE_BYTES,
    };
    load::load(context, source)
}

/// Reads a template that CDK has written for a stack with this name.
pub(crate) fn read_from_assembly(
    context: &Context,
    path: &Path,
    name: &str,
    assets: Rc<BTreeMap<String, Asset>>,
) -> Result<Template, ProjectError> {
    let source = Source {
        path,
        name,
        given: None,
        assets,
        limit: GENERATED_BYTES,
    };
    load::load(context, source)
}

/// The resources and outputs of the outermost stacks of a project, and of those nested in them. SAM's resources are
/// expanded first.
///
/// # Errors
///
/// [`ProjectError`] where a template cannot be evaluated at all.
pub fn resolve(context: &Context, templates: Vec<Template>) -> Result<Stack, ProjectError> {
    let region = templates
        .iter()
        .find_map(|template| template.region.as_deref());
    let resolver = resolver::Resolver::new(context, region);
    let is_only = templates.len() == 1;
    let mut roots = Vec::new();
    for template in templates {
        roots.push(resolver.root(template, is_only)?);
    }
    resolver.roots.replace(roots.clone());
    resolver.share(&roots);
    resolver.walk(&roots)
}

#[cfg(test)]
mod tests;
