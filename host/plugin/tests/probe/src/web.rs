//! HTTP, from both ends.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam, Scheme,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// An answer with all its body at once.
pub fn answer(out: ResponseOutparam, status: u16, body: &[u8]) {
    let body_out = begin(out, status, None);
    let stream = body_out.write().unwrap();
    write(&stream, body).unwrap();
    drop(stream);
    OutgoingBody::finish(body_out, None).unwrap();
}

/// The head of an answer.
pub fn begin(out: ResponseOutparam, status: u16, length: Option<u64>) -> OutgoingBody {
    let headers = Fields::new();
    headers.append("x-probe", b"1").unwrap();
    if let Some(length) = length {
        headers
            .append("content-length", length.to_string().as_bytes())
            .unwrap();
    }
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    body
}

pub fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = stream.check_write()? as usize;
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        stream.write(now)?;
        bytes = later;
    }
    stream.flush()
}

/// Gives all pieces of a request's body to `take`.
pub fn each(request: &IncomingRequest, mut take: impl FnMut(&[u8])) -> Result<(), StreamError> {
    let body = request.consume().unwrap();
    let stream = body.stream().unwrap();
    read(&stream, &mut take)
}

fn read(stream: &InputStream, take: &mut impl FnMut(&[u8])) -> Result<(), StreamError> {
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => take(&bytes),
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Gets `url`; the status and the body.
pub fn get(url: &str) -> Result<(u16, Vec<u8>), ErrorCode> {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let request = OutgoingRequest::new(Fields::new());
    request.set_method(&Method::Get).unwrap();
    let scheme = match scheme {
        "http" => Scheme::Http,
        _ => Scheme::Https,
    };
    request.set_scheme(Some(&scheme)).unwrap();
    request.set_authority(Some(authority)).unwrap();
    request
        .set_path_with_query(Some(&format!("/{path}")))
        .unwrap();
    let answer = outgoing_handler::handle(request, None)?;
    answer.subscribe().block();
    let answer = answer.get().unwrap().unwrap()?;
    let mut all = Vec::new();
    let body = answer.consume().unwrap();
    let stream = body.stream().unwrap();
    read(&stream, &mut |bytes| all.extend_from_slice(bytes)).unwrap();
    drop(stream);
    let _ = IncomingBody::finish(body);
    Ok((answer.status(), all))
}
