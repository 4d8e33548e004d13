//! The service role: exports `wasi:http` and `lambkin:service`, and uses the queues of `lambkin:store`.
//!
//! On failure: a request whose body ends early gets no response, and a response that cannot be written is dropped: in
//! both cases the client has closed the connection.

mod http;
mod store;

use wasip2::clocks::wall_clock;
use wasip2::exports::http::incoming_handler::Guest as Handler;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};
use wasip2::random::random;

use crate::service::contract::settings::{Guest as Settings, Problem};
use crate::service::{self, Context, contract, settings};
use store::HostStore;

struct Component;

contract::export!(Component with_types_in contract);
wasip2::http::proxy::export!(Component);

impl Settings for Component {
    fn check(text: String) -> Vec<Problem> {
        settings::check(&text)
            .into_iter()
            .map(Problem::from)
            .collect()
    }
}

impl Handler for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let Some((request, whole)) = http::read(&request) else {
            return;
        };
        let region = variable("LAMBKIN_REGION", "us-east-1");
        let account = variable("LAMBKIN_ACCOUNT", "000000000000");
        let context = Context {
            store: &HostStore,
            region: &region,
            account: &account,
            settings: settings::read(&variable("LAMBKIN_SETTINGS", "{}")),
            request_id: uuid(),
            now_ms: now_ms(),
        };
        let response = if whole {
            service::handle(&request, &context)
        } else {
            service::reject_too_long(&request, &context)
        };
        http::write(response, out);
    }
}

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn now_ms() -> u64 {
    let now = wall_clock::now();
    now.seconds * 1000 + u64::from(now.nanoseconds / 1_000_000)
}

/// A random (version 4) UUID.
fn uuid() -> String {
    let random = u128::from(random::get_random_u64()) << 64 | u128::from(random::get_random_u64());
    uuid::Builder::from_random_bytes(random.to_be_bytes())
        .into_uuid()
        .to_string()
}
