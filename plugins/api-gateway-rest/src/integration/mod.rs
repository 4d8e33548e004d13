//! Integrations that are no Lambda proxies: `AWS` and `MOCK` with mapping templates, and `HTTP_PROXY`.
//!
//! What the configuration says about them is in a method's details, as JSON. A template is parsed for each request
//! that uses it: most are short, and no call needs those of other methods.

pub mod content;
pub mod http_proxy;
pub mod mapped;
pub mod mapping;
pub mod scope;
#[cfg(test)]
mod tests;
