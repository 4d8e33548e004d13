//! The example `doors`: requests and `lambkin shape` as in its README.

use std::process::Stdio;

use serde_json::{Value, json};

use super::copy;
use crate::support::{Project, curl, lambkin, request};

fn project() -> Option<Project> {
    curl().ok()?;
    copy("doors", None).ok()
}

#[test]
fn one_function_answers_behind_every_door() {
    let Some(project) = project() else { return };
    let server = project.serve();
    for (trigger, path, door) in [
        ("http-api", "/hello/ada", "an HTTP API"),
        ("rest-api", "/dev/hello/ada", "a REST API"),
        ("url", "/any/path", "a function URL"),
        ("balancer", "/any/path", "a load balancer"),
    ] {
        let reply = request(server.trigger_url(trigger), "GET", path, &[], b"").unframed();
        assert_eq!(
            (reply.status, reply.text(), reply.header("content-type")),
            (200, format!("hello through {door}\n"), Some("text/plain")),
            "{}",
            server.log()
        );
    }
    let balancer = server.trigger_url("balancer");
    let moved = request(balancer, "GET", "/old/page", &[], b"");
    assert_eq!(
        (moved.status, moved.header("location")),
        (301, Some(format!("{balancer}/").as_str()))
    );
    let rest = server.trigger_url("rest-api");
    assert_eq!(request(rest, "GET", "/dev/health", &[], b"").status, 204);
}

#[test]
fn shape_prints_the_event_of_each_door() {
    let Some(project) = project() else { return };
    let shape = |arguments: [&str; 3]| -> Value {
        let output = lambkin()
            .arg("shape")
            .args(arguments)
            .current_dir(project.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let http = shape(["http-api", "GET", "/hello/ada?x=1"]);
    assert_eq!(
        (&http["version"], &http["rawQueryString"], http.get("body")),
        (&json!("2.0"), &json!("x=1"), None)
    );
    let rest = shape(["rest-api", "GET", "/dev/hello/ada"]);
    assert_eq!(
        (&rest["resource"], &rest["queryStringParameters"]),
        (&json!("/hello/{name}"), &Value::Null)
    );
    assert!(rest["multiValueHeaders"].is_object(), "{rest}");
    let url = shape(["url", "GET", "/hello/a%20b"]);
    assert_eq!(
        (&url["rawPath"], &url["requestContext"]["accountId"]),
        (&json!("/hello/a%20b"), &json!("anonymous"))
    );
    let balancer = shape(["balancer", "GET", "/hello/ada?x=a%20b"]);
    assert_eq!(balancer["queryStringParameters"], json!({ "x": "a%20b" }));
    assert!(balancer["requestContext"]["elb"].is_object(), "{balancer}");
}
