//! JSON Schema draft 4, as the models of API Gateway use it.
//!
//! - [`check()`] reports what is wrong with a schema, with its place: keywords that draft 4 does not have, values that are
//!   not of a keyword's type, references that lead nowhere, patterns that this crate cannot match;
//! - [`validate()`] compares an instance with a schema that [`check()`] accepts.
//!
//! A reference is `#`, a pointer such as `#/definitions/item`, or the address of another model,
//! `https://apigateway.amazonaws.com/restapis/ID/models/NAME`. Of formats, `date-time`, `email`, `ipv4`, `ipv6` and
//! `uri` are checked, and others have no effect.
//!
//! The crate `jsonschema` has all drafts; with its dependencies it is several times as large as a whole plugin, and it
//! requires the standard library, which plugins for HTTP requests do without.
//!
//! On failure: errors are texts in the words of the validator that API Gateway uses (`json-schema-validator` of
//! Java), as far as users report them. As there, the members of a value are compared only if the value itself
//! is valid.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod check;
mod format;
mod reference;
#[cfg(test)]
mod tests;
mod validate;

pub use check::{Fault, check};
pub use validate::validate;
