//! The requests, and what every application answers.

use std::fmt::{self, Display, Formatter, Write as _};

use serde_json::{Value, json};

use super::doors::{ALB, Door};
use crate::support::{Reply, Server, eventually, request};

/// A request.
struct Row {
    /// Its name, for [`Difference`]s.
    name: &'static str,
    method: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
    expected: Answer,
}

/// What an answer has to have.
struct Answer {
    status: u16,
    /// Headers. Of a content type, the beginning is enough.
    headers: &'static [(&'static str, &'static str)],
    body: Body,
}

enum Body {
    Json(Value),
    Bytes(Vec<u8>),
    Empty,
}

impl Display for Body {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(value) => write!(formatter, "{value}"),
            Self::Bytes(bytes) => formatter.write_str(&shortened(bytes)),
            Self::Empty => formatter.write_str("without a body"),
        }
    }
}

/// An answer that is not the one of the table.
pub struct Difference {
    pub doors: &'static [&'static str],
    pub rows: &'static [&'static str],
    /// The status and the body: JSON text, in which `HOST` stands for the host, or the beginning of any other.
    pub answer: (u16, &'static str),
    /// Who makes the difference, and why.
    pub why: &'static str,
}

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const BYTES: (&str, &str) = ("content-type", "application/octet-stream");
const FILE: (&str, &str) = ("content-disposition", "attachment; filename=\"bytes.bin\"");

fn row(name: &'static str, method: &'static str, target: &'static str, expected: Answer) -> Row {
    Row {
        name,
        method,
        target,
        headers: &[],
        body: Vec::new(),
        expected,
    }
}

impl Row {
    fn sending(
        mut self,
        headers: &'static [(&'static str, &'static str)],
        body: impl Into<Vec<u8>>,
    ) -> Self {
        self.headers = headers;
        self.body = body.into();
        self
    }
}

fn answer(status: u16, body: Value) -> Answer {
    Answer {
        status,
        headers: &[JSON],
        body: Body::Json(body),
    }
}

fn with(headers: &'static [(&'static str, &'static str)], mut answer: Answer) -> Answer {
    answer.headers = headers;
    answer
}

/// An answer without a body.
fn empty(status: u16, headers: &'static [(&'static str, &'static str)]) -> Answer {
    Answer {
        status,
        headers,
        body: Body::Empty,
    }
}

fn bytes(content: Vec<u8>) -> Answer {
    Answer {
        status: 200,
        headers: &[BYTES, FILE],
        body: Body::Bytes(content),
    }
}

fn rows(host: &str, door: &str) -> Vec<Row> {
    // With single values, a load balancer passes on the last one.
    let last_only = door == ALB;
    let tags = if last_only {
        json!(["blüe"])
    } else {
        json!(["red", "blüe"])
    };
    let two = if last_only {
        json!(["2"])
    } else {
        json!(["1", "2"])
    };
    let item = json!({ "id": 1, "name": "unicorn 🦄", "price": 1.5 });
    let name = |name: &str| answer(200, json!({ "name": name }));
    let all: Vec<u8> = (0..=255).collect();
    vec![
        row(
            "list",
            "GET",
            "/items?tag=red&tag=bl%C3%BCe&q=a%26b+c%2Bd",
            answer(200, json!({ "tags": tags, "q": "a&b c+d" })),
        ),
        row("get", "GET", "/items/1", answer(200, item)),
        row("head", "HEAD", "/items/1", empty(200, &[JSON])),
        row(
            "get-missing",
            "GET",
            "/items/99",
            answer(404, json!({ "error": "no item 99" })),
        ),
        row(
            "create",
            "POST",
            "/items",
            with(
                &[JSON, ("location", "/items/3")],
                answer(201, json!({ "id": 3, "name": "Zoë", "price": 4 })),
            ),
        )
        .sending(&[JSON], r#"{"name":"Zoë","price":4}"#),
        row(
            "create-invalid",
            "POST",
            "/items",
            with(&[JSON], empty(400, &[])),
        )
        .sending(&[JSON], r#"{"name":"#),
        row(
            "update",
            "PUT",
            "/items/2",
            answer(200, json!({ "id": 2, "name": "lamb", "price": 2.5 })),
        )
        .sending(
            &[("content-type", "application/json; charset=utf-8")],
            r#"{"price":2.5}"#,
        ),
        row("delete", "DELETE", "/items/2", empty(204, &[])),
        row(
            "delete-missing",
            "DELETE",
            "/items/99",
            answer(404, json!({ "error": "no item 99" })),
        ),
        row("download", "GET", "/bytes", bytes(all.clone())),
        row(
            "upload",
            "POST",
            "/bytes",
            bytes(all.iter().rev().copied().collect()),
        )
        .sending(&[BYTES], all),
        row(
            "cookies",
            "GET",
            "/cookies",
            answer(200, json!({ "theme": "dark", "visits": "4" })),
        )
        .sending(&[("cookie", "theme=dark; visits=4")], ""),
        row(
            "redirect",
            "GET",
            "/moved",
            empty(302, &[("location", "/items/1")]),
        ),
        row(
            "form",
            "POST",
            "/form",
            answer(200, json!({ "name": "Zoë", "note": "a b&c" })),
        )
        .sending(&[FORM], "name=Zo%C3%AB&note=a+b%26c"),
        row(
            "headers",
            "GET",
            "/headers",
            with(
                &[JSON, ("x-one", "eins, zwei")],
                answer(
                    200,
                    json!({ "host": host, "one": "eins, zwei", "two": two, "agent": "test/1.0" }),
                ),
            ),
        )
        .sending(
            &[
                ("X-One", "eins, zwei"),
                ("X-Two", "1"),
                ("X-Two", "2"),
                ("User-Agent", "test/1.0"),
            ],
            "",
        ),
        row("name", "GET", "/named/a:b@c,d;e", name("a:b@c,d;e")),
        row(
            "name-utf8",
            "GET",
            "/named/caf%C3%A9%20cr%C3%A8me",
            name("café crème"),
        ),
        row("name-plus", "GET", "/named/a+b", name("a+b")),
        row("name-percent", "GET", "/named/50%25", name("50%")),
        row(
            "large",
            "GET",
            "/large",
            Answer {
                status: 200,
                headers: &[("content-type", "text/plain")],
                body: Body::Bytes("lämb ".repeat(50_000).into_bytes()),
            },
        ),
        row(
            "nowhere",
            "GET",
            "/nowhere",
            answer(404, json!({ "error": "nothing here" })),
        ),
        row(
            "fail",
            "GET",
            "/fail",
            answer(500, json!({ "error": "no luck" })),
        ),
    ]
}

/// Sends all requests through all doors, and panics with every answer that is not as expected. `cookies_of` names the
/// cookies that are set behind a door.
#[track_caller]
pub fn check(
    server: &Server,
    doors: &[&Door],
    differences: &[Difference],
    cookies_of: impl Fn(&str) -> &'static [&'static str],
) {
    wait_for_the_first_environment(server, doors);
    let mut wrong = String::new();
    for door in doors {
        let url = server.trigger_url(door.name);
        let host = url.trim_start_matches("http://");
        for row in rows(host, door.name) {
            let target = format!("{}{}", door.prefix, row.target);
            let reply = request(url, row.method, &target, row.headers, &row.body).unframed();
            let difference = differences
                .iter()
                .find(|known| known.doors.contains(&door.name) && known.rows.contains(&row.name));
            let result = match difference {
                Some(known) => known.compare(&reply, host),
                None => row.compare(&reply),
            };
            let set = match row.name {
                "cookies" => cookies_of(door.name),
                _ => &[],
            };
            let result = result.and_then(|()| cookies(&reply, set));
            if let Err(reason) = result {
                let Row { name, method, .. } = &row;
                writeln!(wrong, "{} {name}: {method} {target}: {reason}", door.name).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}\n{}", server.log());
}

/// A gateway gives up after 30 seconds, in which an application does not start on every busy machine.
#[track_caller]
fn wait_for_the_first_environment(server: &Server, doors: &[&Door]) {
    let url = server.trigger_url(doors[0].name);
    let target = format!("{}/items/1", doors[0].prefix);
    eventually("the application", || {
        request(url, "GET", &target, &[], b"").status != 503
    });
}

impl Row {
    fn compare(&self, reply: &Reply) -> Result<(), String> {
        let Answer {
            status,
            headers,
            body,
        } = &self.expected;
        let same_body = match body {
            Body::Json(value) => serde_json::from_slice(&reply.body).ok().as_ref() == Some(value),
            Body::Bytes(bytes) => &reply.body == bytes,
            Body::Empty => reply.body.is_empty() || !matches!(status, 200 | 204),
        };
        let missing = headers.iter().find(|(name, value)| {
            let found = reply.header(name).unwrap_or_default();
            found != *value && !(*name == "content-type" && found.starts_with(value))
        });
        if reply.status != *status || !same_body {
            return Err(format!(
                "expected {status} {body}, but was {}",
                shown(reply)
            ));
        }
        if let Some((name, value)) = missing {
            return Err(format!(
                "expected the header {name}: {value}, but was {}",
                shown(reply)
            ));
        }
        Ok(())
    }
}

/// Compares the cookies that are set, by name, without regard to the order of their attributes.
fn cookies(reply: &Reply, expected: &[&str]) -> Result<(), String> {
    let mut set: Vec<String> = reply
        .headers_named("set-cookie")
        .into_iter()
        .map(|cookie| {
            let mut parts: Vec<_> = cookie.split("; ").map(str::to_lowercase).collect();
            parts[1..].sort();
            parts.join("; ")
        })
        .collect();
    set.sort();
    let all = [
        ("first", "first=1; httponly; path=/"),
        ("second", "second=2; path=/"),
    ];
    let expected = all.iter().filter(|(name, _)| expected.contains(name));
    if set.iter().eq(expected.map(|(_, cookie)| cookie)) {
        Ok(())
    } else {
        Err(format!("set the cookies {set:?}"))
    }
}

impl Difference {
    fn compare(&self, reply: &Reply, host: &str) -> Result<(), String> {
        let (status, text) = self.answer;
        let text = &text.replace("HOST", host);
        let same = match serde_json::from_str::<Value>(text) {
            Ok(value) => serde_json::from_slice(&reply.body).ok() == Some(value),
            Err(_) => reply.text().starts_with(text),
        };
        if reply.status == status && same {
            return Ok(());
        }
        let why = self.why;
        Err(format!(
            "expected {status} {text} ({why}), but was {}",
            shown(reply)
        ))
    }
}

fn shown(reply: &Reply) -> String {
    let body = shortened(&reply.body);
    format!("{} {body}, with {:?}", reply.status, reply.headers)
}

fn shortened(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).chars().take(120).collect();
    format!("{text:?} ({} bytes)", body.len())
}
