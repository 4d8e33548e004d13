//! `lambkin.toml`, from its text to a configuration that can be run: see [`mod@file`].
//!
//! Each file defines the keys that it reads, see [`key`]. The reference below `docs/` and the JSON Schema, see
//! [`schema`], follow from these definitions.

mod account;
mod alias;
mod allowlist;
mod asynchronous;
mod bucket;
mod bundle;
#[cfg(test)]
mod conformance;
mod debug;
mod env_file;
mod file;
mod function;
mod function_inputs;
mod handler;
mod ignore;
mod image;
mod invoke;
mod key;
mod lifecycle;
mod listeners;
mod managed;
#[cfg(test)]
mod mutations;
mod notes;
mod project;
mod queue;
mod queue_name;
mod queue_policy;
mod reader;
#[cfg(test)]
mod reference;
mod sandbox;
mod schema;
mod section;
mod service;
mod setting_file;
mod source;
mod suggest;
mod tls;
mod trigger;
mod url_variables;
#[cfg(test)]
mod validate;
mod value;
mod version;

pub use account::is_account;
pub use bucket::Bucket;
pub use debug::DebugOption;
pub use file::{Config, ConfigError, Mistaken};
pub use function::{AdHoc, ad_hoc, ad_hoc_image, defaults, full_name, name_of};
pub use function_inputs::{FunctionInputs, Renewed};
pub use handler::{explain as explain_handler, meant as meant_handler};
pub use ignore::Ignore;
pub use image::names_image;
pub use managed::{Findings, RuntimeSettings, machine, prepare, read_name};
pub use project::{Choices, TranslatedProject, locate, translated};
pub use queue::Queue;
pub use queue_name::{FIFO_SUFFIX, check_name as check_queue_name};
pub use sandbox::SandboxChoice;
pub use schema::schema_text;
pub use section::{PluginSource, Section};
pub use service::Service;
pub use source::Diagnostic;
pub use suggest::{nearest, suggestion};
pub use trigger::Trigger;
pub use url_variables::UrlOf;

#[cfg(test)]
pub use reference::{assert_committed, repository};
#[cfg(test)]
use source::Source;
