//! The tables `authorizers`, and the keys `authorizer`, `authorization-scopes` and `api-key-source`; see
//! [`authorizer::settings`].

use authorizer::identity_source::Style;
use authorizer::settings::{Authorizers, Rules, Surroundings as Around};
use http_event::contract::{NETWORK, Surroundings};
use plugin_kit::settings::{Problems, Table};

use super::methods::ConfiguredMethod;

/// What AWS allows for authorizers of REST APIs.
const RULES: Rules = Rules {
    api: "a REST API",
    types: &["token", "request", "cognito", "iam"],
    style: Style::Rest,
    has_formats: false,
    default_ttl_ms: 300_000,
    max_wait_ms: 30_000,
};

/// Reads the authorizers, and gives each method its own.
pub fn read<'t>(
    table: &Table<'t>,
    routes: Option<&Table<'t>>,
    methods: &mut [ConfiguredMethod<'t>],
    surroundings: &Surroundings,
    problems: &mut Problems,
) -> Authorizers<'t> {
    let around = Around {
        network: surroundings.extra(NETWORK),
    };
    let authorizers = Authorizers::read(table, RULES, around, problems);
    for method in methods {
        let route = method.route();
        let own = routes.filter(|routes| routes.get(&route).is_some_and(|it| it.is_object()));
        let guard = match own.and_then(|routes| routes.table(&route, problems)) {
            Some(route) => authorizers.guard(&route, problems),
            None => authorizers.default_guard(),
        };
        if let Some(guard) = guard {
            method.guard(&guard);
        }
    }
    authorizers
}

/// Whether API keys come from authorizers.
pub fn are_key_source(table: &Table<'_>, problems: &mut Problems) -> bool {
    table.choice("api-key-source", &["HEADER", "AUTHORIZER"], problems) == Some("AUTHORIZER")
}
