//! Several HTTP triggers at one address, told apart by the host and the beginning of the path.

use std::process::Command;

use serde_json::Value;

use crate::support::{Project, Reply, Server, curl, fixed_port, lambkin, request};

/// Function URLs at one address, each with its own settings. The event of one says which trigger it was.
fn at_one_address(address: &str, triggers: &[(&str, &str)]) -> Project {
    let trigger = |(name, settings): &(&str, &str)| {
        format!(
            "[triggers.{name}]\nplugin = 'function-url'\nlisten = '{address}'\nfunction = 'echo'\n{settings}\n"
        )
    };
    let triggers: String = triggers.iter().map(trigger).collect();
    Project::echo(&triggers)
}

fn address() -> String {
    format!("127.0.0.1:{}", fixed_port())
}

fn get(address: &str, host: &str, path: &str) -> Reply {
    request(address, "GET", path, &[("host", host)], b"")
}

/// The trigger whose event a reply has.
fn trigger(event: &Value) -> &str {
    let id = event["requestContext"]["apiId"]
        .as_str()
        .unwrap_or_default();
    id.trim_end_matches('0')
}

const SHOP: &[(&str, &str)] = &[
    ("all", ""),
    ("orders", "path-prefix = '/orders'"),
    ("new", "path-prefix = '/orders/new/'"),
    (
        "shop",
        "host-names = ['shop.example.com', '*.shop.example.com']",
    ),
    (
        "own",
        "host-names = ['shop.example.com']\npath-prefix = '/orders'",
    ),
];

#[test]
fn the_most_specific_host_and_then_the_longest_prefix_has_a_request() {
    let address = address();
    let project = at_one_address(&address, SHOP);
    let server = project.serve();
    for (host, path, expected) in [
        ("localhost", "/", "all"),
        ("localhost", "/orders2", "all"),
        ("localhost", "/orders", "orders"),
        ("localhost", "/orders/1?x=/orders/new", "orders"),
        ("localhost", "/orders/new", "new"),
        ("SHOP.example.com.:80", "/orders2", "shop"),
        ("a.b.shop.example.com", "/orders", "shop"),
        ("shop.example.com", "/orders/new", "own"),
    ] {
        let reply = get(&address, host, path);
        assert_eq!(reply.status, 200, "{host}{path}: {reply:?}");
        let event = reply.json();
        assert_eq!(trigger(&event), expected, "{host}{path}");
        // The prefix stays where it is.
        assert_eq!(event["rawPath"].as_str(), path.split('?').next());
    }
    let absolute = request(&address, "GET", "http://shop.example.com/x", &[], b"");
    assert_eq!(trigger(&absolute.json()), "shop");
    // Names that no trigger has are still refused.
    assert_eq!(get(&address, "other.example.com", "/").status, 403);
    let url = format!("http://{address}");
    assert_eq!(server.trigger_url("all"), url);
    assert_eq!(server.trigger_url("new"), url + "/orders/new");
}

#[test]
fn a_request_that_fits_no_trigger_gets_404_with_those_that_there_are() {
    let address = address();
    let project = at_one_address(&address, &SHOP[1..4]);
    let _server = project.serve();
    let reply = get(&address, "localhost", "/nothing");
    assert_eq!(reply.status, 404);
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert_eq!(
        message,
        "no trigger is for the host localhost and the path /nothing; at this address there are: \
         new (all hosts, paths from /orders/new); orders (all hosts, paths from /orders); \
         shop (host shop.example.com, *.shop.example.com, all paths)"
    );
}

#[test]
fn triggers_that_cannot_share_an_address_are_reported_with_both_places() {
    let service = "[services.s]\nplugin = 'sqs'\nlisten = '127.0.0.1:8000'";
    for (triggers, message) in [
        (
            [("a", ""), ("b", "")],
            "triggers.b.listen: 127.0.0.1:8000 is taken by triggers.a.listen for the same requests (all hosts, all paths)",
        ),
        (
            [
                ("a", "host-names = ['x.test', 'y.test']\npath-prefix = '/p'"),
                ("b", "host-names = ['y.test']\npath-prefix = '/p/'"),
            ],
            "the same requests (host y.test, paths from /p); give one of the two another port",
        ),
        (
            [("a", ""), ("b", "path-prefix = '/p'\ntls = true")],
            "is shared with triggers.a.listen, whose `tls` is another one",
        ),
        (
            [("a", service), ("b", "")],
            "127.0.0.1:8000 is taken by services.s.listen; each listener needs its own port",
        ),
        (
            [("a", "path-prefix = 'orders'"), ("b", "")],
            "triggers.a.path-prefix: must be the beginning of a path as clients send it, such as \"/orders\", not",
        ),
        (
            [
                ("a", "host-names = ['*']"),
                ("b", "host-names = ['http://x']"),
            ],
            "triggers.a.host-names: \"*\" stands for all hosts",
        ),
        (
            [("a", "host-names = []"), ("b", "host-names = ['http://x']")],
            "triggers.b.host-names: \"http://x\" is not a host name",
        ),
    ] {
        let refusal = at_one_address("127.0.0.1:8000", &triggers).refusal();
        assert!(refusal.contains(message), "{message}: {refusal}");
    }
}

#[test]
fn routes_that_the_prefix_leaves_without_requests_get_a_warning() {
    let trigger = |plugin: &str, settings: &str| {
        let project = Project::echo(&format!(
            "[triggers.web]\nplugin = '{plugin}'\nlisten = '127.0.0.1:0'\npath-prefix = '/prod/orders'\n{settings}"
        ));
        let mut command = lambkin();
        let output = command.arg("check").current_dir(project.path()).output();
        String::from_utf8(output.unwrap().stderr).unwrap()
    };
    let routes =
        "routes = { 'GET /orders/{id}' = 'echo', 'GET /items' = 'echo', 'ANY /{proxy+}' = 'echo' }";
    let unreached = "warning: trigger web: no request reaches GET /items: `path-prefix` leaves paths that begin with \
                     /prod/orders\n";
    for (plugin, settings, expected) in [
        ("api-gateway-rest", routes, unreached),
        (
            "api-gateway-http",
            &format!("{routes}\nstage = 'prod'"),
            unreached,
        ),
        ("api-gateway-http", "function = 'echo'", ""),
        (
            "api-gateway-rest",
            "stage = 'dev'\nfunction = 'echo'",
            "warning: trigger web: no request reaches a route: `path-prefix` leaves paths that begin with /prod/orders, \
             and those of the API begin with /dev\n",
        ),
        (
            "api-gateway-websocket",
            "stage = 'dev'\nfunction = 'echo'",
            "warning: trigger web: no request reaches a route: `path-prefix` leaves paths that begin with /prod/orders, \
             and those of the API begin with /dev\n",
        ),
    ] {
        assert_eq!(trigger(plugin, settings), expected, "{plugin} {settings}");
    }
}

#[test]
fn the_names_of_triggers_are_in_their_certificate() {
    if curl().is_err() {
        return;
    }
    let address = address();
    let project = at_one_address(
        &address,
        &[
            ("one", "tls = true\nhost-names = ['one.example.com']"),
            ("two", "tls = true\nhost-names = ['two.example.com']"),
        ],
    );
    let data = project.path().join("data");
    let server = project.serve_with(&[], &[("XDG_DATA_HOME", data.to_str().unwrap())]);
    let trusted = server.ready()["authority"].as_str().unwrap();
    let port = address.trim_start_matches("127.0.0.1:");
    for (name, protocol) in [("one", "--http2"), ("two", "--http1.1"), ("two", "--http2")] {
        let host = format!("{name}.example.com:{port}");
        let output = Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "60",
                "--cacert",
                trusted,
            ])
            .args(["--resolve", &format!("{host}:127.0.0.1"), protocol])
            .arg(format!("https://{host}/"))
            .output()
            .expect("it starts");
        let event: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {output:?}");
        });
        assert_eq!(trigger(&event), name);
    }
    drop::<Server>(server);
}

#[test]
fn shape_takes_requests_that_reach_the_trigger_only() {
    let address = address();
    let project = at_one_address(&address, SHOP);
    let shape = |words: &[&str]| {
        let mut command = lambkin();
        let output = command.arg("shape").args(words).current_dir(project.path());
        let output = output.output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let refused = shape(&["orders", "GET", "/items"]);
    let reason = "the trigger orders is for all hosts, paths from /orders; a request to the host 127.0.0.1 and the path \
                  /items does not reach it";
    assert!(refused.contains(reason), "{refused}");
    assert!(shape(&["orders", "GET", "/orders/7"]).contains("\"rawPath\": \"/orders/7\""));
    // Without a header, the host is one of the trigger's.
    let event = shape(&["own", "GET", "/orders"]);
    assert!(event.contains("\"host\": \"shop.example.com:"), "{event}");
    // Another trigger at the address has the request.
    let refused = shape(&["all", "GET", "/orders/new"]);
    let reason = "a request to the host 127.0.0.1 and the path /orders/new reaches the trigger new (all hosts, paths from \
                  /orders/new) at the same address, not all: lambkin shape new";
    assert!(refused.contains(reason), "{refused}");
    assert!(shape(&["all", "GET", "/items"]).contains("\"rawPath\": \"/items\""));
    let refused = shape(&["own", "GET", "/orders", "-H", "Host: other.example.com"]);
    assert!(refused.contains("does not reach it"), "{refused}");
}
