//! `lambkin shape`: the event that a trigger makes of a request, without invoking anything.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use lambkin_lambda::{new_request_id, new_trace_id, now_ms};
use lambkin_model::{Body, HttpRequest, HttpResponse};
use lambkin_plugin::Decision;

use crate::args::{Place, Shape};
use crate::config::{Config, Trigger, nearest};
use crate::host;

/// Prints the event to standard output; to standard error, which function it is for.
pub async fn run(place: &Place, args: &Shape) -> anyhow::Result<ExitCode> {
    let config = Config::read(&place.config)?;
    let trigger = find(&config, &args.trigger)?;
    let request = request(args, trigger)?;
    let plugins = host::plugin_host(place)?;
    let http = host::http_trigger(&plugins, trigger, &config).await?;
    let mut out = std::io::stdout().lock();
    match http.shape(&request).await? {
        Decision::Invoke(shaped) => {
            eprintln!("invokes {} with", shaped.function);
            writeln!(out, "{}", indent(&shaped.event))?;
        }
        Decision::Reply(response) => {
            eprintln!("answers without invoking a function:");
            print_response(&mut out, response)?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn find<'a>(config: &'a Config, wanted: &str) -> anyhow::Result<&'a Trigger> {
    if let Some(trigger) = config
        .triggers
        .iter()
        .find(|trigger| trigger.name == wanted)
    {
        return Ok(trigger);
    }
    let names = || config.triggers.iter().map(|trigger| trigger.name.as_str());
    match nearest(wanted, names()) {
        Some(near) => bail!("there is no trigger {wanted:?}; did you mean `{near}`?"),
        None => bail!(
            "there is no trigger {wanted:?}; defined are: {}",
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}

fn request(args: &Shape, trigger: &Trigger) -> anyhow::Result<HttpRequest> {
    if !args.target.starts_with('/') {
        bail!(
            "the target {:?} must start with `/`, as in `/orders/7?full=1`",
            args.target
        );
    }
    let (path, query) = args.target.split_once('?').unwrap_or((&args.target, ""));
    let body = match args.data.as_deref() {
        None => Vec::new(),
        Some(data) => match data.strip_prefix('@') {
            Some(path) => {
                std::fs::read(path).with_context(|| format!("can not read the body from {path}"))?
            }
            None => data.as_bytes().to_vec(),
        },
    };
    let mut headers = vec![("host".to_owned(), trigger.listen.to_string())];
    for header in &args.headers {
        let (name, value) = header
            .split_once(':')
            .with_context(|| format!("the header {header:?} has no `:`"))?;
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    if !body.is_empty() && !headers.iter().any(|(name, _)| name == "content-length") {
        headers.push(("content-length".to_owned(), body.len().to_string()));
    }
    let at_ms = now_ms();
    Ok(HttpRequest {
        id: new_request_id().as_str().to_owned(),
        trace_id: new_trace_id(at_ms),
        at_ms,
        peer: "127.0.0.1".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        authority: trigger.listen.to_string(),
        method: args.method.clone(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Body::from_bytes(body.into()),
    })
}

fn print_response(out: &mut impl Write, response: HttpResponse) -> std::io::Result<()> {
    writeln!(out, "HTTP/1.1 {}", response.status)?;
    for (name, value) in &response.headers {
        writeln!(out, "{name}: {value}")?;
    }
    writeln!(out)?;
    out.write_all(&response.body.into_bytes())?;
    writeln!(out)
}

/// The same JSON, spread over lines. Order and spelling of everything stay as the plugin wrote them.
fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut in_string = false;
    let mut escaped = false;
    let mut characters = json.chars().peekable();
    let new_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    while let Some(character) = characters.next() {
        if in_string {
            out.push(character);
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            '{' | '[' => {
                out.push(character);
                while characters
                    .next_if(|next| next.is_ascii_whitespace())
                    .is_some()
                {}
                if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(character);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            space if space.is_ascii_whitespace() => {}
            other => {
                in_string = other == '"';
                out.push(other);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::indent;

    #[test]
    fn json_is_indented_and_otherwise_left_alone() {
        assert_eq!(
            indent(r#"{"b":[1,{"x":"a, \"b\" {"}],"a":{}, "e": [ ]}"#),
            "{\n  \"b\": [\n    1,\n    {\n      \"x\": \"a, \\\"b\\\" {\"\n    }\n  ],\n  \"a\": {},\n  \"e\": []\n}"
        );
    }
}
