//! The types of the contracts' version 0.2, generated from their WIT packages.
//!
//! One set of bindings for all roles, so that the types of `lambkin:common` exist once. What is here that the four
//! adapters share are the conversions of those types.

use std::time::Duration;

use lambkin_model::{Attribute, AttributeValue};

use self::generated::lambkin::common::types as common;
pub(crate) use self::generated::lambkin::common::types::AttributeParam;
use crate::error::Problem;
use crate::surroundings::{FunctionInfo, FunctionReference, Surroundings};

pub(crate) use self::generated::exports::lambkin::batch_trigger::batch_shaper as batch;
pub(crate) use self::generated::exports::lambkin::http_trigger::http_shaper as http;
pub(crate) use self::generated::exports::lambkin::object_trigger::object_shaper as object;
pub(crate) use self::generated::exports::lambkin::source::poller as source;
pub(crate) use self::generated::exports::lambkin::websocket_trigger::websocket_shaper as websocket;
pub(crate) use self::generated::lambkin::websocket_trigger::connections;
pub(crate) use self::generated::lambkin::websocket_trigger::types::MessageParam;

#[allow(missing_docs, unused_qualifications, reason = "generated")]
#[allow(clippy::all, clippy::restriction, reason = "generated")]
mod generated {
    wasmtime::component::bindgen!({
        path: [
            "../../wit/common",
            "../../wit/http-trigger",
            "../../wit/batch-trigger",
            "../../wit/object-trigger",
            "../../wit/source",
            "../../wit/websocket-trigger",
        ],
        inline: "
            package lambkin:host;
            world roles {
                include lambkin:http-trigger/http-trigger@0.2.0;
                include lambkin:batch-trigger/batch-trigger@0.2.0;
                include lambkin:object-trigger/object-trigger@0.2.0;
                include lambkin:source/source@0.2.0;
                include lambkin:websocket-trigger/websocket-trigger@0.2.0;
            }
        ",
        world: "lambkin:host/roles",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// The lists that borrowed surroundings refer to.
pub(crate) struct SurroundingsLists<'a> {
    environment: Vec<(&'a str, &'a str)>,
    functions: Vec<common::FunctionInfo<'a>>,
    extra: Vec<(&'a str, &'a str)>,
}

impl<'a> SurroundingsLists<'a> {
    pub(crate) fn of(surroundings: &'a Surroundings) -> Self {
        Self {
            environment: pairs(&surroundings.environment),
            functions: surroundings.functions.iter().map(Into::into).collect(),
            extra: pairs(&surroundings.extra),
        }
    }
}

/// Surroundings for `configure`. `lists` are those of the same surroundings.
pub(crate) fn borrowed<'a>(
    surroundings: &'a Surroundings,
    lists: &'a SurroundingsLists<'a>,
) -> common::Surroundings<'a> {
    common::Surroundings {
        name: &surroundings.name,
        address: surroundings.address.as_deref(),
        region: &surroundings.region,
        account: &surroundings.account,
        environment: &lists.environment,
        functions: &lists.functions,
        extra: &lists.extra,
    }
}

/// Names and values, borrowed.
pub(crate) fn pairs(entries: &[(String, String)]) -> Vec<(&str, &str)> {
    let entries = entries.iter();
    entries.map(|(name, value)| (&**name, &**value)).collect()
}

impl<'a> From<&'a FunctionInfo> for common::FunctionInfo<'a> {
    fn from(function: &'a FunctionInfo) -> Self {
        Self {
            name: &function.name,
            timeout_ms: u32::try_from(function.timeout.as_millis()).unwrap_or(u32::MAX),
        }
    }
}

impl From<common::FunctionReference> for FunctionReference {
    fn from(function: common::FunctionReference) -> Self {
        Self {
            name: function.name,
            at: function.at,
        }
    }
}

impl From<common::Problem> for Problem {
    fn from(problem: common::Problem) -> Self {
        Self {
            at: problem.at,
            message: problem.message,
        }
    }
}

impl<'a> From<&'a Attribute> for AttributeParam<'a> {
    fn from(attribute: &'a Attribute) -> Self {
        Self {
            name: &attribute.name,
            data_type: &attribute.data_type,
            value: match &attribute.value {
                AttributeValue::Text(text) => common::AttributeValueParam::Text(text),
                AttributeValue::Binary(bytes) => common::AttributeValueParam::Binary(bytes),
            },
        }
    }
}

impl From<common::AttributeResult> for Attribute {
    fn from(attribute: common::AttributeResult) -> Self {
        Self {
            name: attribute.name,
            data_type: attribute.data_type,
            value: match attribute.value {
                common::AttributeValueResult::Text(text) => AttributeValue::Text(text),
                common::AttributeValueResult::Binary(bytes) => AttributeValue::Binary(bytes.into()),
            },
        }
    }
}

/// A number of milliseconds that may be left out.
pub(crate) fn milliseconds(ms: Option<u32>) -> Option<Duration> {
    ms.map(|ms| Duration::from_millis(ms.into()))
}
