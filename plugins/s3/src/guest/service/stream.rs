//! Bodies: that of the request as a [`RequestBody`], and that of the response piece by piece from the store.

use plugin_kit::spelling;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use crate::service::{Body, ReadError, RequestBody, Response, Store, limits};

/// The body of a request. The fields are dropped in their order: the stream before the body, and that before the
/// request.
pub struct Incoming {
    stream: Option<InputStream>,
    _body: Option<IncomingBody>,
    _request: IncomingRequest,
}

impl Incoming {
    /// The body of a request.
    pub fn of(request: IncomingRequest) -> Self {
        let body = request.consume().ok();
        Self {
            stream: body.as_ref().and_then(|body| body.stream().ok()),
            _body: body,
            _request: request,
        }
    }
}

impl RequestBody for Incoming {
    fn read(&mut self, max: usize) -> Result<Vec<u8>, ReadError> {
        let Some(stream) = &self.stream else {
            return Ok(Vec::new());
        };
        loop {
            match stream.blocking_read(u64::try_from(max).unwrap_or(u64::MAX)) {
                // A read may return without bytes.
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Ok(bytes),
                Err(StreamError::Closed) => return Ok(Vec::new()),
                Err(StreamError::LastOperationFailed(_)) => return Err(ReadError),
            }
        }
    }
}

/// Sends a response.
pub fn send(response: Response, store: &dyn Store, out: ResponseOutparam) {
    let fields = Fields::new();
    let mut has_length = false;
    let names = response.headers.iter().map(|(name, _)| name.as_ref());
    let spelling = spelling::header(names);
    if let Some((name, value)) = &spelling {
        let _ = fields.append(name, value.as_bytes());
    }
    for (name, value) in &response.headers {
        has_length |= name.eq_ignore_ascii_case("content-length");
        if fields.append(name, value.as_bytes()).is_err() {
            eprintln!("s3: the header {name:?} cannot be sent with the value {value:?}");
        }
    }
    if let (Body::Bytes(bytes), false) = (&response.body, has_length) {
        let length = bytes.len().to_string();
        let _ = fields.append("Content-Length", length.as_bytes());
    }
    let head = OutgoingResponse::new(fields);
    let _ = head.set_status_code(response.status);
    // A body that is not there need not be finished, and its length cannot differ from that in the header.
    let body = match response.body {
        Body::Empty => None,
        _ => head.body().ok(),
    };
    ResponseOutparam::set(out, Ok(head));
    let Some(body) = body else {
        return;
    };
    let written = body.write().is_ok_and(|stream| match response.body {
        Body::Empty => true,
        Body::Bytes(bytes) => write(&stream, &bytes).is_ok(),
        Body::Object {
            opened,
            offset,
            length,
        } => copy(&stream, store, opened, offset, length),
    });
    // A body that is not finished is cut, and the client notices.
    if written {
        let _ = OutgoingBody::finish(body, None);
    }
}

/// Writes a range of an object. False if the object cannot be read, or if the client has disconnected.
fn copy(
    stream: &OutputStream,
    store: &dyn Store,
    opened: crate::service::store::Opened,
    mut offset: u64,
    length: u64,
) -> bool {
    let end = offset.saturating_add(length);
    while offset < end {
        let piece = u64::try_from(limits::PIECE).unwrap_or(u64::MAX);
        let max = u32::try_from((end - offset).min(piece)).unwrap_or(u32::MAX);
        let bytes = match store.read(opened, offset, max) {
            Ok(bytes) if !bytes.is_empty() => bytes,
            other => {
                eprintln!("s3: an object could not be read at {offset}: {other:?}");
                return false;
            }
        };
        if write(stream, &bytes).is_err() {
            return false;
        }
        offset = offset.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }
    true
}

/// Writes all bytes, each time as many as the host accepts.
fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = stream.check_write()?;
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let now = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let (piece, rest) = bytes.split_at_checked(now).unwrap_or((bytes, &[]));
        stream.write(piece)?;
        bytes = rest;
    }
    stream.blocking_flush()
}
