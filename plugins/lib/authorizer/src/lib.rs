//! API Gateway's authorizers, for the plugins of its APIs: who may send a request, and what the function learns about
//! the caller.
//!
//! - [`settings`] reads the tables `authorizers` and the keys `authorizer` and `authorization-scopes` of routes;
//! - [`authorizer`] has them as the calls of a plugin read them, from a line of its state;
//! - [`subject`] is what a plugin says about the request that is judged;
//! - [`decision`] has the results: the contract's next step, who the caller is, or why the request is refused;
//! - [`flow`] decides, or asks: [`flow::decide`] in the plugin's `shape` and `resume`;
//! - [`identity_source`], [`policy`], [`condition`] and [`output`] are about Lambda authorizers;
//! - [`token`], [`claims`] and [`keys`] are about tokens: JWT authorizers and Cognito user pools.
//!
//! The crate has no rules of a single kind of API: the events of authorizers are written by the plugin, which also
//! turns a refusal into the API's response. It does without the standard library, as the plugins do.
//!
//! Each file uses only files before it: `json`, `wildcard`, `validation`, `progress`, `authorizer`, `subject`, `decision`,
//! `identity_source`, `condition`, `policy`, `output`, `lambda`, `claims`, `keys`, `token`, `flow`, `settings`.
//!
//! On failure: a request is refused. If the authorizer is to blame, the refusal has a warning for the developer.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

pub mod authorizer;
pub mod claims;
pub mod condition;
pub mod decision;
pub mod flow;
pub mod identity;
pub mod identity_source;
mod json;
pub mod keys;
mod lambda;
pub mod output;
pub mod policy;
mod progress;
pub mod settings;
pub mod subject;
pub mod token;
mod validation;
mod wildcard;
