//! `requestContext.identity` of REST APIs, and of HTTP APIs with payload format 1.0: who sends a request.

use alloc::string::String;

use http_event::json::write::Object;
use plugin_kit::arn::partition;

use crate::decision::{Caller, root_user};

/// Who sends a request.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// The address of the client.
    pub source_ip: &'a str,
    /// The header `User-Agent`; null without one.
    pub user_agent: Option<&'a str>,
    /// The access key of a caller who signs: the root user of the account.
    pub access_key: Option<&'a str>,
    /// The account of the API.
    pub account: &'a str,
    /// The region of the API.
    pub region: &'a str,
}

/// The access key of a caller who signs.
pub fn access_key(caller: Option<&Caller>) -> Option<&str> {
    match caller {
        Some(Caller::Iam { access_key }) => Some(access_key),
        _ => None,
    }
}

impl Identity<'_> {
    /// Writes these keys, in their order. One that says nothing about this caller is null.
    pub fn write(&self, keys: &[&str], object: &mut Object<'_>) {
        for key in keys {
            match self.value(key) {
                Some(value) => object.string(key, &value),
                None => object.raw(key, "null"),
            }
        }
    }

    fn value(&self, key: &str) -> Option<String> {
        match key {
            "sourceIp" => Some(String::from(self.source_ip)),
            "userAgent" => self.user_agent.map(String::from),
            "accessKey" => self.access_key.map(String::from),
            "accountId" | "caller" | "user" => self.access_key.map(|_| String::from(self.account)),
            "userArn" => {
                let arn = |_| root_user(self.account, partition(self.region));
                self.access_key.map(arn)
            }
            _ => None,
        }
    }
}
