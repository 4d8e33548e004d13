//! The plain types that cross crate boundaries.
//!
//! A request enters once, becomes an [`Invocation`] once, and leaves as one [`Outcome`]. The Lambda side and the plugin
//! side share these types and nothing else: the Lambda side never sees a trigger's HTTP, and the plugin side never sees
//! a process.
//!
//! This crate does no I/O, reads no clock and knows nothing of WebAssembly. None of its functions can fail.

mod arn;
mod http;
mod invocation;
mod message;
mod object;

pub use arn::{arn, partition};
pub use http::{Body, Fact, HttpHeader, HttpRequest, HttpResponse};
pub use invocation::{
    FunctionError, FunctionErrorKind, Invocation, InvokeError, Outcome, RequestId,
};
pub use message::{Action, Attribute, AttributeValue, Message, Place, Settlement, Verdict};
pub use object::ObjectChange;
