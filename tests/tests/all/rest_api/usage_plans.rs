//! API keys with quotas and throttles, which the host counts.

use super::api;
use crate::support::Server;

fn get(server: &Server, path: &str, key: &str) -> (u16, String) {
    let headers = [("x-api-key", key), ("content-type", "application/json")];
    let reply = server.web("POST", path, &headers, br#"{"statusCode":204}"#);
    (reply.status, reply.text())
}

#[test]
fn a_key_of_a_usage_plan_can_be_used_up_to_its_quota() {
    let settings = r#"base-path = ""
api-keys = { mobile = "mobile-0123456789-key", web = "web-0123456789-the-key" }
usage-plans.small = { api-keys = ["mobile"], quota = { limit = 3, period = "MONTH" } }
usage-plans.large = { api-keys = ["web"], quota = { limit = 1_000_000, period = "MONTH" } }
routes = { "POST /" = { function = "echo", api-key-required = true } }
"#;
    let server = api("RAW_BOOTSTRAP_RETURN", settings).serve();
    let statuses = [0; 4].map(|_| get(&server, "/", "mobile-0123456789-key").0);
    assert_eq!(statuses, [204, 204, 204, 429]);
    let (_, body) = get(&server, "/", "mobile-0123456789-key");
    assert_eq!(body, r#"{"message":"Limit Exceeded"}"#);
    assert_eq!(get(&server, "/", "web-0123456789-the-key").0, 204);
}

#[test]
fn a_throttled_method_refuses_what_exceeds_its_burst() {
    // One request in a thousand seconds: the test is faster than that, whatever the machine does.
    let settings = r#"base-path = ""
[triggers.web.routes]
"POST /slow" = { function = "echo", throttle = { rate-limit = 0.001, burst-limit = 2 } }
"POST /free" = "echo"
"#;
    let server = api("RAW_BOOTSTRAP_RETURN", settings).serve();
    let statuses = [0; 3].map(|_| get(&server, "/slow", "").0);
    assert_eq!(statuses, [204, 204, 429]);
    let (_, body) = get(&server, "/slow", "");
    assert_eq!(body, r#"{"message":"Too Many Requests"}"#);
    assert_eq!(get(&server, "/free", "").0, 204);
}
