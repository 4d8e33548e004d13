//! Web applications in the common frameworks, each with the adapter that people use for Lambda, behind every front door.
//!
//! All of them are the same application, in `fixtures/web-apps`, and answer the requests of [`table`]. A difference that
//! an adapter makes, or that AWS makes of its responses, is listed with the application: a test fails if the application
//! answers otherwise, and if it does not differ any more. `streamed` has the applications whose adapters stream.

mod doors;
mod streamed;
mod table;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{Missing, Project, fixed_port, installed};
use doors::{ALB, ALB_LISTS, DOORS, HTTP_1, HTTP_2, REST, STREAMED_REST, URL};
use table::{Difference, check};

/// An application and what is special about it.
struct App<'a> {
    project: Result<Project, Missing>,
    /// Settings of the function.
    function: &'a str,
    differences: &'static [Difference],
    /// Which of its two cookies a load balancer without lists of values sets. Such responses have one value of each
    /// header, unless the adapter writes the name in upper and lower case.
    cookies_without_lists: &'static [&'static str],
    /// The doors behind which its adapter sets the first cookie only.
    one_cookie_at: &'static [&'static str],
}

impl App<'_> {
    /// Starts the application behind every door, except for the one that its adapter does not support, and compares its
    /// answers with the table.
    #[track_caller]
    fn behind_every_door(self, except: Option<&str>) {
        let doors = DOORS.iter().filter(|door| Some(door.name) != except);
        let doors: Vec<_> = doors.collect();
        let Ok(project) = self.project else { return };
        let triggers: String = doors.iter().map(|door| door.trigger()).collect();
        project.file(
            "lambkin.toml",
            format!(
                "[invoke]\nlisten = '127.0.0.1:0'\n[functions.app]\ncode = 'app'\ntimeout = 60\nmemory = 1024\n{}\n{triggers}",
                self.function
            ),
        );
        check(
            &project.serve(),
            &doors,
            self.differences,
            |door| match door {
                ALB => self.cookies_without_lists,
                door if self.one_cookie_at.contains(&door) => &["first"],
                _ => &["first", "second"],
            },
        );
    }
}

fn fixtures(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/web-apps")
        .join(language)
}

/// A project with the applications of a language in `app`, and with links to what `tests/tools/install` has installed.
/// The files are copies, because Node looks for packages where the file of a link is.
#[track_caller]
fn project(language: &str, links: &[(&str, &str)]) -> Result<Project, Missing> {
    let project = Project::new("");
    let app = project.path().join("app");
    fs::create_dir(&app).unwrap();
    for (name, what) in links {
        symlink(installed(what)?, app.join(name)).unwrap();
    }
    for entry in fs::read_dir(fixtures(language)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), app.join(entry.file_name())).unwrap();
    }
    Ok(project)
}

/// A project with a program that `tests/tools/install` has built.
#[track_caller]
fn program(what: &str) -> Result<Project, Missing> {
    let program = installed(what)?;
    let project = Project::new("");
    symlink(program, project.path().join("app")).unwrap();
    Ok(project)
}

#[track_caller]
fn node() -> Result<Project, Missing> {
    let links = [
        ("node_modules", "web-apps/node/node_modules"),
        ("ric", "examples/node/hello/node_modules"),
    ];
    project("node", &links)
}

#[track_caller]
fn python() -> Result<Project, Missing> {
    let links = [
        ("package", "web-apps/python"),
        ("ric", "examples/python/hello/package"),
    ];
    project("python", &links)
}

/// HTTP APIs decode the path of an event in payload format 2.0 (`rawPath`), which adapters decode again.
const DECODED_TWICE: &str = "the path of the event is decoded already";

#[test]
fn express() {
    App {
        project: node(),
        function: "handler = 'express.handler'",
        differences: &[Difference {
            doors: &[HTTP_2],
            rows: &["name-percent"],
            answer: (400, r#"{"error":"Failed to decode param '50%'"}"#),
            why: DECODED_TWICE,
        }],
        cookies_without_lists: &["first"],
        one_cookie_at: &[],
    }
    .behind_every_door(None);
}

#[test]
fn fastify() {
    App {
        project: node(),
        function: "handler = 'fastify.handler'",
        differences: &[
            Difference {
                doors: &[HTTP_2],
                rows: &["name-percent"],
                answer: (400, r#"{"error":"Bad Request","code":"FST_ERR_BAD_URL""#),
                why: DECODED_TWICE,
            },
            Difference {
                doors: &[ALB],
                rows: &["list"],
                answer: (200, r#"{"tags":["blüe"],"q":"a&b+c+d"}"#),
                why: PLUS,
            },
            Difference {
                doors: &[ALB_LISTS],
                rows: &["list"],
                answer: (200, r#"{"tags":["red","blüe"],"q":"a&b+c+d"}"#),
                why: PLUS,
            },
        ],
        cookies_without_lists: &[],
        one_cookie_at: &[],
    }
    .behind_every_door(None);
}

/// Load balancers do not decode the query.
const PLUS: &str = "the adapter decodes the query without plus signs";

#[test]
fn hono() {
    App {
        project: node(),
        function: "handler = 'hono.handler'",
        differences: &[Difference {
            doors: &[ALB_LISTS],
            rows: &["headers"],
            answer: (
                200,
                r#"{"host":"HOST","one":"eins, zwei","two":["1; 2"],"agent":"test/1.0"}"#,
            ),
            why: "the adapter joins the values of a header with semicolons",
        }],
        cookies_without_lists: &["first"],
        one_cookie_at: &[],
    }
    .behind_every_door(None);
}

#[test]
fn powertools_for_typescript() {
    App {
        project: node(),
        function: "handler = 'powertools.handler'",
        differences: &[
            Difference {
                doors: &[HTTP_2],
                rows: &["name-percent"],
                answer: (500, r#"{"error":"URI malformed"}"#),
                why: DECODED_TWICE,
            },
            Difference {
                doors: &[HTTP_1, REST],
                rows: &["headers"],
                answer: (
                    200,
                    r#"{"host":"HOST","one":"eins, zwei","two":["2","1"],"agent":"test/1.0"}"#,
                ),
                why: "the adapter begins with the last value, which single-value headers have",
            },
            Difference {
                doors: &[ALB],
                rows: &["list"],
                answer: (200, r#"{"tags":["bl%C3%BCe"],"q":"a%26b+c%2Bd"}"#),
                why: "the adapter does not decode the query, which load balancers do not decode either",
            },
        ],
        cookies_without_lists: &[],
        one_cookie_at: &[],
    }
    // It answers a load balancer with lists with single values, which the load balancer does not read.
    .behind_every_door(Some(ALB_LISTS));
}

#[test]
fn fastapi() {
    App {
        project: python(),
        function: "handler = 'fastapi_app.handler'",
        differences: &[],
        cookies_without_lists: &["first", "second"],
        one_cookie_at: &[],
    }
    .behind_every_door(None);
}

/// What apig-wsgi makes of a path that is decoded already.
const NOT_LATIN_1: &str = "the adapter takes the decoded path for ISO 8859-1";

#[test]
fn flask() {
    App {
        project: python(),
        function: "handler = 'flask_app.handler'",
        differences: &[Difference {
            doors: &[HTTP_2],
            rows: &["name-utf8"],
            answer: (200, r#"{"name":"caf\ufffd cr\ufffdme"}"#),
            why: NOT_LATIN_1,
        }],
        cookies_without_lists: &["second"],
        one_cookie_at: &[],
    }
    .behind_every_door(None);
}

#[test]
fn django() {
    App {
        project: python(),
        function: "handler = 'django_app.handler'",
        differences: &[Difference {
            doors: &[HTTP_2],
            rows: &["name-utf8"],
            answer: (200, r#"{"name":"caf%E9 cr%E8me"}"#),
            why: NOT_LATIN_1,
        }],
        cookies_without_lists: &["second"],
        one_cookie_at: &[],
    }
    .behind_every_door(None);
}

#[test]
fn powertools_for_python() {
    App {
        project: python(),
        function: "handler = 'powertools_app.handler'",
        differences: &[
            Difference {
                doors: &[ALB],
                rows: &["list"],
                answer: (200, r#"{"tags":["blüe"],"q":"a&b+c+d"}"#),
                why: PLUS,
            },
            Difference {
                doors: &[ALB_LISTS],
                rows: &["list"],
                answer: (200, r#"{"tags":["red","blüe"],"q":"a&b+c+d"}"#),
                why: PLUS,
            },
        ],
        cookies_without_lists: &["second"],
        one_cookie_at: &[],
    }
    .behind_every_door(None);
}

/// FastAPI under uvicorn, to which the Lambda Web Adapter passes requests on. The adapter is an extension, and the runtime.
#[track_caller]
fn web_adapter() -> Result<Project, Missing> {
    let project = python()?;
    project.executable(
        "app/bootstrap",
        "#!/bin/sh\nexport PYTHONPATH=\"$LAMBDA_TASK_ROOT/package\"\n\
         exec python3 -m uvicorn fastapi_app:app --port \"$AWS_LWA_PORT\" --log-level warning\n",
    );
    let adapter = installed("web-apps/web-adapter/bin/lambda-adapter")?;
    let extensions = project.path().join("layer/extensions");
    fs::create_dir_all(&extensions).unwrap();
    symlink(adapter, extensions.join("lambda-adapter")).unwrap();
    Ok(project)
}

/// Settings of a function that the Lambda Web Adapter is the runtime of.
fn adapter_settings() -> String {
    let port = fixed_port();
    format!("layers = ['layer']\nenvironment.AWS_LWA_PORT = '{port}'")
}

#[test]
fn lambda_web_adapter() {
    App {
        project: web_adapter(),
        function: &adapter_settings(),
        differences: &[LAST_VALUE],
        cookies_without_lists: &["first"],
        one_cookie_at: &[],
    }
    .behind_every_door(None);
}

const LAST_VALUE: Difference = Difference {
    doors: &[HTTP_1, REST, STREAMED_REST],
    rows: &["headers"],
    answer: (
        200,
        r#"{"host":"HOST","one":"eins, zwei","two":["2"],"agent":"test/1.0"}"#,
    ),
    why: "lambda_http replaces a header's list of values by its last value, which the event has too",
};

#[test]
fn axum() {
    App {
        project: program("examples/rust/target/release/web-app"),
        // Otherwise the paths that the application sees begin with the stage.
        function: "environment = { AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH = 'true' }",
        differences: &[LAST_VALUE],
        cookies_without_lists: &["first"],
        one_cookie_at: &[],
    }
    .behind_every_door(None);
}

#[test]
fn go() {
    App {
        project: program("web-apps/go"),
        function: "",
        differences: &[
            Difference {
                doors: &[HTTP_2, URL],
                rows: &["headers"],
                answer: (200, r#"{"host":"HOST","one":"eins","two":["1","2"],"agent":"test/1.0"}"#),
                why: "the adapter splits headers at commas",
            },
            Difference {
                doors: &[HTTP_2],
                rows: &["name-percent"],
                answer: (500, r#"{"message":"Internal Server Error"}"#),
                why: DECODED_TWICE,
            },
            Difference {
                doors: &[ALB_LISTS],
                rows: &["list"],
                answer: (200, r#"{"tags":["red","bl%C3%BCe"],"q":"a%26b+c%2Bd"}"#),
                why: "the adapter does not decode the query, which load balancers do not decode either",
            },
            Difference {
                doors: &[ALB_LISTS],
                rows: &["headers"],
                answer: (200, r#"{"host":"","one":"eins, zwei","two":["1","2"],"agent":"test/1.0"}"#),
                why: "the adapter takes the host from single-value headers",
            },
        ],
        cookies_without_lists: &[],
        one_cookie_at: &[],
    }
    // It answers a load balancer with lists only.
    .behind_every_door(Some(ALB));
}

/// Classes, libraries and the bootstrap that starts a JVM with them.
#[track_caller]
fn java() -> Result<Project, Missing> {
    let built = installed("web-apps/java")?;
    let project = Project::new("");
    project.executable(
        "app/bootstrap",
        include_bytes!("../../fixtures/runtimes/java/bootstrap"),
    );
    for name in ["webapp", "lib"] {
        symlink(built.join(name), project.path().join("app").join(name)).unwrap();
    }
    Ok(project)
}

/// AWS's container for Spring applications. Requests in payload format 2.0 are converted by a class of its own
/// (`AwsHttpApiV2ProxyHttpServletRequest`), and their responses have one value of each header.
#[test]
fn spring() {
    App {
        project: java(),
        function: "handler = 'webapp.WebApp'",
        differences: &[
            Difference {
                doors: &[HTTP_2, HTTP_1, REST, URL, ALB_LISTS],
                rows: &["name"],
                answer: (200, r#"{"name":"a:b@c,d"}"#),
                why: "Spring takes what follows a semicolon for a matrix variable",
            },
            Difference {
                doors: &[HTTP_2, URL],
                rows: &["headers"],
                answer: (
                    200,
                    r#"{"host":"HOST","one":"eins","two":["1","2"],"agent":"test/1.0"}"#,
                ),
                why: "the adapter splits headers at commas",
            },
            Difference {
                doors: &[HTTP_2],
                rows: &["name-percent"],
                // The body of its every failure but those of its own set-up.
                answer: (502, r#"{"message":"Gateway Timeout"}"#),
                why: DECODED_TWICE,
            },
        ],
        cookies_without_lists: &[],
        one_cookie_at: &[HTTP_2, URL],
    }
    // It reads lists of headers and parameters only, for which AWS's manual has them turned on.
    .behind_every_door(Some(ALB));
}
