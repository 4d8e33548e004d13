//! The tables `authorizers` and the key `authorizer` of the trigger and of `$connect`; see [`authorizer::settings`].

use alloc::format;
use alloc::string::String;

use authorizer::identity_source::Style;
use authorizer::settings::{Authorizers, Rules, Surroundings as Around};
use http_event::contract::{NETWORK, Surroundings};
use plugin_kit::settings::{Problems, Table};

use crate::state::CONNECT;

/// What AWS allows for authorizers of WebSocket APIs.
const RULES: Rules = Rules {
    api: "a WebSocket API",
    types: &["request", "iam"],
    style: Style::WebSocket,
    has_formats: false,
    default_ttl_ms: 0,
    max_wait_ms: 29_000,
};

/// Reads the authorizers. Returns them, and the guard of `$connect` as a field of the state; empty without one.
pub fn read<'t>(
    table: &Table<'t>,
    routes: Option<&Table<'t>>,
    surroundings: &Surroundings,
    problems: &mut Problems,
) -> (Authorizers<'t>, String) {
    let around = Around {
        network: surroundings.extra(NETWORK),
    };
    let authorizers = Authorizers::read(table, RULES, around, problems);
    refuse_kept_results(table, problems);
    let mut guard = authorizers.default_guard();
    let is_table = |key: &str| {
        let value = routes.and_then(|routes| routes.get(key));
        value.is_some_and(serde_json::Value::is_object)
    };
    for key in routes.iter().flat_map(|routes| routes.keys()) {
        let Some(route) = routes
            .filter(|_| is_table(key))
            .and_then(|routes| routes.table(key, problems))
        else {
            continue;
        };
        if key == CONNECT {
            guard = authorizers.guard(&route, problems);
        } else if route.get("authorizer").is_some() {
            let message =
                "only `$connect` has an authorizer, which is asked once for each connection";
            problems.add(route.path_of("authorizer"), message);
        }
    }
    let has_connect = table.get("function").is_some()
        || routes.is_some_and(|routes| routes.get(CONNECT).is_some());
    if guard.is_some() && !has_connect {
        let message = format!("the authorizer is that of the route `{CONNECT}`, which is missing");
        problems.add(table.path_of("authorizer"), message);
    }
    let written = guard.map(|guard| guard.write()).unwrap_or_default();
    (authorizers, written)
}

/// AWS keeps results of authorizers of REST and HTTP APIs only.
fn refuse_kept_results(table: &Table<'_>, problems: &mut Problems) {
    // Mistakes in the tables themselves have been found already.
    let mut found = Problems::default();
    let Some(all) = table.table("authorizers", &mut found) else {
        return;
    };
    for name in all.keys() {
        if let Some(one) = all.table(name, &mut found)
            && one.get("result-ttl").is_some()
        {
            let message =
                "a WebSocket API keeps no results of authorizers: each connection asks anew";
            problems.add(one.path_of("result-ttl"), message);
        }
    }
}
