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
//! serverless.yml ─▶ serverless ─▶ template …     Terraform plan ─▶ terraform ─▶ resources …
//! ```
//!
//! On failure: [`ProjectError`], with file, line and column of the template.

pub mod cdk;
pub mod context;
pub mod document;
pub mod file;
pub mod local_url;
pub mod report;
pub mod resource;
pub mod sam;
pub mod samconfig;
pub mod sections;
pub mod serverless;
pub mod template;
pub mod value;
pub mod yaml;

pub use context::{Context, Options, Ports};
pub use file::FileError;

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
