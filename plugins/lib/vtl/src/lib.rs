//! API Gateway's mapping templates: the Velocity Template Language (VTL) with `$input`, `$util`, `$context` and
//! `$stageVariables`.
//!
//! - [`Template::parse`] refuses what this crate does not support, with its line, before a template is used;
//! - [`Template::render`] writes the text for a [`Scope`]. Templates change `$context.requestOverride` and
//!   `$context.responseOverride`, which the caller reads from [`Scope::context`] afterwards.
//!
//! Supported are references (`$a.b`, `${a}`, `$!a`, `$a[0]`, method calls), `#set`, `#if`, `#foreach`, `#break`, `#stop`,
//! comments, `#[[…]]#`, interpolated texts, arithmetic, comparisons, lists, ranges and maps, the methods of Java's
//! classes in [`methods`], and JSONPath without filters. The rules are those of Velocity 1.7: only null and `false` are
//! false, a text compares with a number by its characters, `#set` to null changes nothing, and a loop ends after 1,000
//! iterations, which is API Gateway's quota. A variable that is not defined is written as in the template, a member
//! or an entry that does not exist as nothing.
//!
//! There is no maintained implementation of VTL in Rust.
//!
//! Functions, methods and variables of `$context` that do not exist are refused, too. Another variable that is not defined
//! stays as it is in the template.
//!
//! On failure: [`Error`] names the line.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod ast;
pub mod context;
mod eval;
mod json_path;
pub mod methods;
mod parse;
mod scope;
#[cfg(test)]
mod tests;
mod util;
mod value;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use scope::{Params, Scope};
pub use value::{Map, Value};

/// The largest text that a template may write, in bytes: that of Lambda's events.
pub const MAX_OUTPUT: usize = 6 * 1024 * 1024;

/// The number of iterations after which a loop ends, as on AWS.
pub const MAX_ITERATIONS: usize = 1_000;

/// The number of parts of a template that are evaluated, loops included.
pub const MAX_STEPS: u32 = 200_000;

/// A parsed template.
#[derive(Debug)]
pub struct Template(Vec<ast::Node>);

/// What is wrong with a template, or why it could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The line of the template, counted from 1.
    pub line: usize,
    /// What is wrong, and what is supported.
    pub message: String,
    /// Whether it is that `$input` needs JSON, and the body is not.
    pub is_body: bool,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// The value that a JSONPath leads to; `None` if there is none.
///
/// # Errors
///
/// The path is not supported.
pub fn find(root: &Value, path: &str) -> Result<Option<Value>, String> {
    json_path::find(root, path)
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it or not supported.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::template(text).map(Self)
    }

    /// Writes the text. Blanks at the ends of the template are dropped, as on AWS.
    ///
    /// # Errors
    ///
    /// A limit, or a value that a function does not accept.
    pub fn render(&self, scope: &Scope<'_>) -> Result<String, Error> {
        eval::render(&self.0, scope)
    }
}
