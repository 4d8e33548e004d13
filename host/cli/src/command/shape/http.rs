//! A request as an HTTP trigger gets it, and its answer.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::{Context, bail};
use lambkin_lambda::{new_request_id, new_trace_id, now_ms};
use lambkin_model::{Body, HttpRequest, HttpResponse};

use super::read_body;
use crate::args::Shape;

/// The request that was typed.
pub fn request(args: &Shape, listen: SocketAddr) -> anyhow::Result<HttpRequest> {
    let (Some(method), Some(target)) = (&args.what, &args.on) else {
        bail!(
            "the trigger {0} takes HTTP requests: lambkin shape {0} GET '/orders/7?full=1'",
            args.trigger
        );
    };
    if !target.starts_with('/') {
        bail!(
            "the target {:?} must start with `/`, as in `/orders/7?full=1`",
            target
        );
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = match args.data.as_slice() {
        [] => Vec::new(),
        [data] => read_body(data)?,
        _ => bail!("an HTTP request has one body"),
    };
    let mut headers = vec![("host".to_owned(), listen.to_string())];
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
        authority: listen.to_string(),
        method: method.clone(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Body::from_bytes(body.into()),
    })
}

/// Prints what a trigger answers without a function.
pub fn print_response(out: &mut impl Write, response: HttpResponse) -> std::io::Result<()> {
    writeln!(out, "HTTP/1.1 {}", response.status)?;
    for (name, value) in &response.headers {
        writeln!(out, "{name}: {value}")?;
    }
    writeln!(out)?;
    out.write_all(&response.body.into_bytes())?;
    writeln!(out)
}
