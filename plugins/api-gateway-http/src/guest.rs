//! The component's side of the contract: generated bindings, the host's way to the heap, the panic handler. Nothing
//! here decides anything.
//!
//! Without the standard library the component imports nothing, and instantiating it runs no code. The price is this
//! file: `cabi_realloc` hands the host memory from the component's own [`Heap`] (the C library's would mix two heaps),
//! and a panic is a trap without a text. The host names the plugin when that happens.

#![allow(
    unsafe_code,
    reason = "the bindings, the heap's entry for the host and the trap can not be written without"
)]
#![allow(
    missing_docs,
    reason = "generated items carry the documentation of the WIT file"
)]

use alloc::alloc::Layout;
use alloc::string::String;
use alloc::vec::Vec;

use plugin_kit::settings::Problem;

use crate::contract;
use crate::heap::Heap;

wit_bindgen::generate!({
    world: "http-trigger",
    path: "../../wit/http-trigger",
});

use exports::lambkin::http_trigger::shaper::{self as wit, Guest};

// `core` compares bytes with the C library's `memcmp`, which is all that is taken from it.
#[link(name = "c")]
unsafe extern "C" {}

#[global_allocator]
static HEAP: Heap = Heap::new();

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Memory for the host to place a call's arguments in.
///
/// # Safety
///
/// Called by the host alone, under the rules of the canonical ABI: `old` is null with `old_size` 0, or a block of this
/// heap with that size and `align`; `align` is a power of two.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    new_size: usize,
) -> *mut u8 {
    if new_size == 0 {
        return core::ptr::without_provenance_mut(align);
    }
    let block = if old_size == 0 {
        // SAFETY: `new_size` is not zero and `align` is a power of two; a size too large for a layout can not be met
        // in a 32-bit memory either, and comes back as null.
        unsafe { alloc::alloc::alloc(Layout::from_size_align_unchecked(new_size, align)) }
    } else {
        // SAFETY: as above, and `old` was allocated here with `old_size` and `align`.
        unsafe {
            alloc::alloc::realloc(
                old,
                Layout::from_size_align_unchecked(old_size, align),
                new_size,
            )
        }
    };
    if block.is_null() {
        core::arch::wasm32::unreachable();
    }
    block
}

struct Plugin;

impl Guest for Plugin {
    fn configure(config: String) -> Result<wit::Setup, Vec<wit::Problem>> {
        match crate::configure(&config) {
            Ok(contract::Setup {
                state,
                functions,
                max_body_bytes,
                summary,
            }) => Ok(wit::Setup {
                state,
                functions,
                max_body_bytes,
                summary,
                extra: Vec::new(),
            }),
            Err(problems) => Err(problems
                .into_iter()
                .map(|Problem { at, message }| wit::Problem {
                    at,
                    message,
                    extra: Vec::new(),
                })
                .collect()),
        }
    }

    fn shape(state: String, request: wit::Request) -> Result<wit::Decision, String> {
        crate::shape(&state, &request.into()).map(Into::into)
    }

    fn respond(
        state: String,
        token: String,
        outcome: wit::Outcome,
    ) -> Result<wit::Response, String> {
        crate::respond(&state, &token, outcome.into()).map(Into::into)
    }
}

export!(Plugin);

impl From<wit::Request> for contract::Request {
    fn from(request: wit::Request) -> Self {
        Self {
            id: request.id,
            trace_id: request.trace_id,
            at_ms: request.at_ms,
            peer: request.peer,
            protocol: request.protocol,
            authority: request.authority,
            method: request.method,
            path: request.path,
            query: request.query,
            headers: request.headers,
            body: match request.body {
                wit::Body::Empty => contract::Body::Empty,
                wit::Body::Text(text) => contract::Body::Text(text),
                wit::Body::Binary(bytes) => contract::Body::Binary(bytes),
            },
        }
    }
}

impl From<wit::Outcome> for contract::Outcome {
    fn from(outcome: wit::Outcome) -> Self {
        match outcome {
            wit::Outcome::Completed(payload) => Self::Completed(payload),
            wit::Outcome::StreamOpened(prelude) => Self::StreamOpened(prelude),
            wit::Outcome::Failed(_) => Self::Failed,
            wit::Outcome::TimedOut => Self::TimedOut,
            wit::Outcome::Expired => Self::Expired,
            wit::Outcome::Throttled => Self::Throttled,
            wit::Outcome::Unavailable(_) => Self::Unavailable,
        }
    }
}

impl From<contract::Response> for wit::Response {
    fn from(response: contract::Response) -> Self {
        Self {
            status: response.status,
            headers: response.headers,
            body: match response.body {
                contract::Body::Empty => wit::Body::Empty,
                contract::Body::Text(text) => wit::Body::Text(text),
                contract::Body::Binary(bytes) => wit::Body::Binary(bytes),
            },
            extra: Vec::new(),
        }
    }
}

impl From<contract::Decision> for wit::Decision {
    fn from(decision: contract::Decision) -> Self {
        match decision {
            contract::Decision::Reply(response) => Self::Reply(response.into()),
            contract::Decision::Invoke(invocation) => Self::Invoke(wit::Invocation {
                function: invocation.function,
                event: invocation.event,
                token: invocation.token,
                max_wait_ms: invocation.wait_ms,
                streaming: invocation.streaming,
                extra: Vec::new(),
            }),
        }
    }
}
