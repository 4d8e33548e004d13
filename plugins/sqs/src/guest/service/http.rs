//! Reads requests and writes responses of `wasi:http`.

use plugin_kit::spelling;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam, Scheme,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use crate::service::http::{Request, Response};
use crate::service::limits;

/// Bytes read from a body at once: enough for most bodies in one call.
const CHUNK: u64 = 1024 * 1024;

/// Reads a request. The flag is false if its body exceeds [`limits::REQUEST_BODY`] and was left out. A body that is
/// declared to be that long is not asked for. `None` if the body ends early.
pub fn read(request: &IncomingRequest) -> Option<(Request, bool)> {
    let target = request.path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let headers: Vec<(String, String)> = request
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(&value).into_owned();
            (name.to_ascii_lowercase(), value)
        })
        .collect();
    let mut read = Request {
        method: method(request.method()),
        path: path.to_owned(),
        query: query.to_owned(),
        authority: String::new(),
        is_encrypted: matches!(request.scheme(), Some(Scheme::Https)),
        headers,
        body: Vec::new(),
    };
    read.authority = read
        .header("host")
        .map(str::to_owned)
        .or_else(|| request.authority())
        .unwrap_or_else(|| "localhost".to_owned());
    let declared = read.header("content-length").map(str::parse::<usize>);
    // A length that is no number is beyond what fits into one: the host accepts no other text.
    if declared.is_some_and(|length| length.map_or(true, |length| length > limits::REQUEST_BODY)) {
        // Not even its beginning is read: the client may wait for `100 Continue`.
        return Some((read, false));
    }
    let body = request.consume().ok()?;
    let stream = body.stream().ok()?;
    let bytes = read_body(&stream)?;
    let whole = bytes.len() <= limits::REQUEST_BODY;
    if whole {
        read.body = bytes;
    }
    Some((read, whole))
}

fn method(method: Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Head => "HEAD",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => return name,
    };
    name.to_owned()
}

/// The whole body, or its start if it is longer than allowed. `None` if it ends early.
fn read_body(stream: &InputStream) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) if body.is_empty() => body = chunk,
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Some(body),
            Err(StreamError::LastOperationFailed(_)) => return None,
        }
        if body.len() > limits::REQUEST_BODY {
            return Some(body);
        }
    }
}

/// Writes a response.
pub fn write(response: Response, out: ResponseOutparam) {
    let names = response.headers.iter().map(|(name, _)| name.as_str());
    let spelling = spelling::header(names);
    let mut headers: Vec<(String, Vec<u8>)> = response
        .headers
        .into_iter()
        .chain(spelling)
        .map(|(name, value)| (name, value.into_bytes()))
        .collect();
    let length = response.body.len().to_string();
    headers.push(("Content-Length".to_owned(), length.into_bytes()));
    let fields = Fields::from_list(&headers).unwrap_or_else(|_| Fields::new());
    let outgoing = OutgoingResponse::new(fields);
    // Both calls fail only on an invalid status or a second use of the body.
    let _ = outgoing.set_status_code(response.status);
    let Ok(body) = outgoing.body() else {
        return;
    };
    ResponseOutparam::set(out, Ok(outgoing));
    if let Ok(stream) = body.write() {
        let _ = write_body(&stream, &response.body);
    }
    let _ = OutgoingBody::finish(body, None);
}

fn write_body(stream: &OutputStream, mut rest: &[u8]) -> Result<(), StreamError> {
    while !rest.is_empty() {
        let capacity = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if capacity == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = rest.split_at(capacity.min(rest.len()));
        stream.write(now)?;
        rest = later;
    }
    stream.blocking_flush()
}
