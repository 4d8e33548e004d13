//! Projects that were written for other tools, as `lambkin.toml`.
//!
//! Contract: [`find()`] says which file describes the project in a folder. [`translate`] reads it, and what it refers to,
//! and returns the text of a `lambkin.toml` with the same functions, routes, queues and buckets, together with notes and
//! refusals: see [`report`]. Nothing is executed, downloaded or written, apart from code that a template contains as text.
//!
//! The way of a project, each step a module:
//!
//! ```text
//! files ─▶ yaml ─▶ template ─▶ sam (macro) ─▶ resolve ─▶ resources ─▶ sections ─▶ document
//! serverless.yml ─▶ serverless ─▶ template …     Terraform plan ─▶ terraform ─▶ template …
//! ```
//!
//! On failure: [`ProjectError`], with file, line and column of the template.

pub mod cdk;
mod cfn;
pub mod context;
pub mod document;
pub mod file;
pub mod find;
pub mod local_url;
pub mod report;
pub mod resource;
pub mod sam;
pub mod samconfig;
pub mod sections;
pub mod serverless;
pub mod template;
pub mod terraform;
#[cfg(test)]
mod testing;
pub mod value;
pub mod yaml;

pub use context::{Context, Options, Ports};
pub use file::FileError;
pub use find::{Found, Kind, find};

use document::Document;
use file::Files;
use report::Report;
use resource::Output;

/// A project as a `lambkin.toml`.
#[derive(Debug)]
pub struct Translation {
    /// The `lambkin.toml`.
    pub document: Document,
    /// The files that it was made from.
    pub files: Files,
    /// What there is to tell about it.
    pub report: Report,
    /// The outputs of its templates.
    pub outputs: Vec<Output>,
}

/// Translates a project.
///
/// # Errors
///
/// [`ProjectError`], if nothing can be made of it.
pub fn translate(found: &Found, options: Options) -> Result<Translation, ProjectError> {
    let mut context = Context::new(options);
    let path = found.path.as_path();
    let templates = match found.kind {
        Kind::Template => {
            let folder = samconfig::folder(&context.options, path);
            samconfig::apply(&mut context, &folder)?;
            vec![template::read(&context, path)?]
        }
        Kind::Serverless => vec![serverless::read(&context, path)?],
        Kind::Cdk => cdk::read(&context, path)?,
        Kind::Terraform => vec![terraform::read(&context, path)?],
        Kind::Toml => {
            let what = found.kind.described();
            let path = path.display();
            return Err(ProjectError::Other(format!(
                "{path} ({what}) is not read yet"
            )));
        }
    };
    let stack = template::resolve(&context, templates)?;
    let document = sections::write(&context, &stack);
    let (files, report) = context.into_parts();
    Ok(Translation {
        document,
        files,
        report,
        outputs: stack.outputs,
    })
}

/// Why nothing can be made of a project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A mistake with its place and line.
    #[error("{0}")]
    At(String),
    /// Something else.
    #[error("{0}")]
    Other(String),
}
