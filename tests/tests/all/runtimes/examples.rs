//! The examples in `examples/`, run as their READMEs say, with their own `lambkin.toml`.

mod chat;
mod doors;
mod queues;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Missing, Project, Reply, Server, curl, installed, interpreter, lambkin};

/// A copy of an example that listens on free ports. `to_install` is the path in the example of what its README tells
/// the reader to install or build; it comes from `tests/tools/install`.
#[track_caller]
pub fn copy(example: &str, to_install: Option<&str>) -> Result<Project, Missing> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(example);
    let config = fs::read_to_string(from.join("lambkin.toml")).unwrap();
    let project = Project::new(&on_free_ports(&config));
    copy_folder(
        &from,
        project.path(),
        to_install.map(|path| from.join(path)).as_deref(),
    );
    if let Some(path) = to_install {
        let target = installed(&format!("examples/{example}/{path}"))?;
        symlink(target, project.path().join(path)).unwrap();
    }
    Ok(project)
}

/// The configuration with port 0 in every address.
#[track_caller]
fn on_free_ports(config: &str) -> String {
    const ADDRESS: &str = "\"127.0.0.1:";
    let mut pieces = config.split(ADDRESS);
    let mut free = pieces.next().unwrap().to_owned();
    for piece in pieces {
        free.push_str(ADDRESS);
        free.push('0');
        free.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    assert_ne!(free, config, "the example has no listener");
    free
}

/// Copies a folder except for one path; existing files are kept.
fn copy_folder(from: &Path, to: &Path, except: Option<&Path>) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if Some(entry.path().as_path()) == except || target.exists() {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target, except);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Tests an example that greets; these all respond alike.
#[track_caller]
fn greets(example: &str, to_install: Option<&str>) {
    let Ok(project) = copy(example, to_install) else {
        return;
    };
    let server = greets_by_http(&project, &[("/hello/ada", "hi, ada"), ("/", "hi, world")]);
    drop(server);

    let mut invoke = lambkin();
    invoke.args(["invoke", "hello", r#"{"pathParameters":{"name":"bob"}}"#]);
    let output = invoke
        .current_dir(project.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        result,
        json!({ "message": "hi, bob" }),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Serves an example that greets, and checks its greetings at some paths.
#[track_caller]
fn greets_by_http(project: &Project, greetings: &[(&str, &str)]) -> Server {
    let server = project.serve();
    for (path, message) in greetings {
        let reply = server.web("GET", path, &[], b"");
        assert_eq!(
            (reply.status, &reply.json()["message"]),
            (200, &json!(message)),
            "{}",
            server.log()
        );
    }
    server
}

/// Tests an example with a handler and nothing else, whose response has the id of the request as well. `path` is what its
/// README tells the reader to install, and its place on this machine.
#[track_caller]
fn handler_greets(example: &str, interpreter_name: &str, path: Option<(&str, &str)>) {
    if interpreter(interpreter_name).is_err() {
        return;
    }
    let project =
        copy(example, None).unwrap_or_else(|_| unreachable!("nothing is to be installed"));
    if let Some((path, place)) = path {
        let Ok(place) = installed(place) else { return };
        let path = project.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(place, path).unwrap();
    }
    let server = greets_by_http(&project, &[("/hello/ada", "hi ada")]);
    let reply = server.web("GET", "/hello/bob", &[], b"").json();
    assert_eq!(reply["requestId"].as_str().unwrap().len(), 36, "{reply}");
}

#[test]
fn handlers_in_python_and_node() {
    handler_greets("python-handler", "python3", None);
    handler_greets("node-handler", "node", None);
}

#[test]
fn a_handler_in_ruby() {
    handler_greets("ruby-handler", "ruby", None);
}

#[test]
fn a_handler_in_java() {
    handler_greets(
        "java-handler",
        "javac",
        Some(("hello/lib", "runtimes/java/lib")),
    );
}

#[test]
fn a_handler_in_typescript() {
    let esbuild = "examples/plugins/javascript/webhook/node_modules/esbuild";
    handler_greets(
        "typescript-handler",
        "node",
        Some(("node_modules/esbuild", esbuild)),
    );
}

#[test]
fn a_handler_with_a_layer() {
    handler_greets("layer", "python3", None);
}

#[test]
#[cfg(target_os = "linux")]
fn an_image() {
    use crate::sandbox::{As, command, namespaces};
    let Ok(image) = crate::support::Image::bash() else {
        return;
    };
    if namespaces(As::User).is_err() {
        return;
    }
    let Ok(project) = copy("image", None) else {
        return;
    };
    // In place of the Dockerfile, which does the same with Debian.
    let bootstrap = fs::read(project.path().join("bootstrap")).unwrap();
    let image = image
        .executable("var/task/bootstrap", bootstrap)
        .entry_point(&["/var/task/bootstrap"])
        .env(&["PATH=/usr/bin:/bin"]);
    image.save(&project.path().join("hello.tar"));
    let server = project.serve_by(command(As::User, project.path()), &[]);
    for (path, message) in [("/hello/ada", "hi, ada"), ("/", "hi, world")] {
        let reply = server.web("GET", path, &[], b"");
        assert_eq!(
            reply.json(),
            json!({ "message": message }),
            "{}",
            server.log()
        );
    }
}

#[test]
fn bash() {
    if curl().is_ok() {
        greets("bash", None);
    }
}

#[test]
fn python() {
    greets("python", Some("hello/package"));
}

#[test]
fn node() {
    greets("node", Some("hello/node_modules"));
}

#[test]
fn rust() {
    greets("rust", Some("target"));
}

fn fastapi(test: impl Fn(&Server)) {
    if let Ok(project) = copy("fastapi", Some("api/package")) {
        test(&project.serve());
    }
}

fn post(server: &Server, path: &str, content_type: &str, body: &[u8]) -> Reply {
    server.web("POST", path, &[("content-type", content_type)], body)
}

#[test]
fn fastapi_reads_path_and_query() {
    fastapi(|server| {
        let reply = server.web(
            "GET",
            "/lambs/dolly%20the%20first?fields=name&fields=weight%26age",
            &[],
            b"",
        );
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some("application/json")),
            "{}",
            server.log()
        );
        assert_eq!(
            reply.json(),
            json!({ "name": "dolly the first", "fields": "weight&age" })
        );
    });
}

#[test]
fn fastapi_accepts_json_and_refuses_invalid_bodies() {
    fastapi(|server| {
        let reply = post(
            server,
            "/lambs",
            "application/json",
            r#"{"name":"Zoë","weight":4.5}"#.as_bytes(),
        );
        assert_eq!(
            (reply.status, reply.header("location")),
            (201, Some("/lambs/Zo%C3%AB")),
            "{reply:?}"
        );
        assert_eq!(reply.json(), json!({ "name": "Zoë", "weight": 4.5 }));
        let reply = post(server, "/lambs", "application/json", br#"{"name":"dolly"}"#);
        assert_eq!(
            (reply.status, &reply.json()["detail"][0]["loc"]),
            (422, &json!(["body", "weight"]))
        );
    });
}

#[test]
fn fastapi_reads_and_sets_cookies() {
    fastapi(|server| {
        let reply = server.web("GET", "/visits", &[("cookie", "theme=dark; visits=4")], b"");
        assert_eq!(reply.json(), json!({ "visits": 5 }));
        let cookies = reply.headers_named("set-cookie");
        assert_eq!(
            cookies,
            [
                "visits=5; Path=/; SameSite=lax",
                "last=here; Path=/; SameSite=lax"
            ]
        );
    });
}

#[test]
fn fastapi_returns_its_own_404_and_405() {
    fastapi(|server| {
        let reply = server.web("GET", "/nowhere", &[], b"");
        assert_eq!(
            (reply.status, reply.json()),
            (404, json!({ "detail": "Not Found" }))
        );
        let reply = server.web("DELETE", "/lambs/dolly", &[], b"");
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET")));
        let docs = server.web("GET", "/docs", &[], b"");
        assert_eq!(
            (docs.status, docs.header("content-type")),
            (200, Some("text/html; charset=utf-8"))
        );
    });
}

#[test]
fn fastapi_accepts_and_returns_binary_bodies() {
    fastapi(|server| {
        let bytes: Vec<u8> = (0..=255).collect();
        let reply = post(server, "/reverse", "application/octet-stream", &bytes);
        let reversed: Vec<u8> = (0..=255).rev().collect();
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some("application/octet-stream"))
        );
        assert_eq!(reply.body, reversed);
    });
}
