//! The events of functions: what calls them.
//!
//! Contract: every event becomes resources, or is refused with its place. What a type becomes is in the module of its
//! family.

mod http_api;
mod rest;

use super::cfn::Compiled;
use super::service::Service;

/// Adds the resources of all events of a service.
pub fn compile(service: &Service<'_>, compiled: &mut Compiled) {
    rest::compile(service, compiled);
    http_api::compile(service, compiled);
}
