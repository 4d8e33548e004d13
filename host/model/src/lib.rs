//! The plain types that cross Lambkin's rooms.
//!
//! A request enters once, becomes an [`Invocation`] once, and leaves as one [`Outcome`]. The rooms on either side of
//! a crossing share these types and nothing else: the Lambda side never sees HTTP of a trigger, the plugin side never
//! sees a process.
//!
//! There is no I/O here, no clock and no wasm, and nothing in this crate fails.

mod http;
mod invocation;
mod message;
mod object;

pub use http::{Body, HttpRequest, HttpResponse};
pub use invocation::{Failure, Fault, FaultKind, Invocation, Outcome, RequestId};
pub use message::{Action, Attribute, AttributeValue, Message, Verdict};
pub use object::ObjectChange;
