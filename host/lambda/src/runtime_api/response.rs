//! Reading a runtime's response to an invocation: in one piece, or as a stream.
//!
//! A runtime streams if it sends `Lambda-Runtime-Function-Response-Mode: streaming`, or the content type of an HTTP
//! response with a prelude, which is all that some runtimes send. The pieces go to the caller if it accepts a streamed
//! response. For any other caller they are collected, up to the size limit of an ordinary response.
//!
//! An error in the middle of a stream arrives in trailers. Some runtimes cannot send trailers and write the same lines
//! as the last piece of the body; both forms are recognized.
//!
//! On failure: a body that is truncated or too long ends the stream with an error for the caller, and the runtime gets
//! AWS's error response. If the caller has disconnected, the remaining pieces are discarded; if it reads slowly, the
//! runtime's writes wait. Other invocations are not affected.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, TRAILER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt;
use lambkin_http::{BodyError, RequestBody, Response, header, read_body};
use tokio::sync::mpsc;

use super::session::{
    PendingPost, PostHead, PostKind, RuntimeResponse, RuntimeSession, StreamingResponse,
};
use crate::api_error::{ApiError, accepted_or_error};
use crate::call::StreamError;
use crate::function_error;
use crate::limits::{RESPONSE_BYTES, STREAM_BUFFER_PIECES, STREAM_BYTES, TRAILER_BYTES};

/// The content type of an error report with a cause for X-Ray, which the caller must not see.
const ERROR_CAUSE: &str = "application/vnd.aws.lambda.error.cause+json";

/// The content type of an HTTP response with a prelude. Such a response is always streamed.
pub const HTTP_INTEGRATION: &str = "application/vnd.awslambda.http-integration-response";

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// `POST /runtime/invocation/{id}/response`
pub(super) async fn response(
    request: Request<RequestBody>,
    request_id: &str,
    session: &Arc<RuntimeSession>,
) -> Response {
    let (head, body) = request.into_parts();
    let mode = head.headers.get("lambda-runtime-function-response-mode");
    let kind = match mode {
        Some(mode) if mode != "streaming" => PostKind::ResponseInUnknownMode,
        _ => PostKind::Response,
    };
    let post = match session.begin_post(&post_head(&head, request_id, kind)) {
        Ok(post) => post,
        Err(error) => return error.into_response(),
    };
    let is_streamed =
        mode.is_some() || content_type(&head).is_some_and(|kind| kind == HTTP_INTEGRATION);
    accepted_or_error(if is_streamed {
        Box::pin(read_stream(&head, body, post)).await
    } else {
        read_whole(body, post, RuntimeResponse::Response).await
    })
}

/// `POST /runtime/invocation/{id}/error`
pub(super) async fn error(
    request: Request<RequestBody>,
    request_id: &str,
    session: &Arc<RuntimeSession>,
) -> Response {
    let (head, body) = request.into_parts();
    let post = match session.begin_post(&post_head(&head, request_id, PostKind::Error)) {
        Ok(post) => post,
        Err(error) => return error.into_response(),
    };
    let has_cause = content_type(&head).is_some_and(|kind| kind == ERROR_CAUSE);
    let error = move |body: Bytes| {
        RuntimeResponse::Error(if has_cause {
            function_error::without_cause(&body)
        } else {
            body
        })
    };
    accepted_or_error(read_whole(body, post, error).await)
}

fn post_head<'a>(head: &'a Parts, request_id: &'a str, kind: PostKind) -> PostHead<'a> {
    PostHead {
        request_id,
        invocation_id: header(&head.headers, "lambda-runtime-invocation-id"),
        kind,
    }
}

fn content_type(head: &Parts) -> Option<&str> {
    header(&head.headers, CONTENT_TYPE)
}

async fn read_whole(
    body: RequestBody,
    post: PendingPost,
    response: impl FnOnce(Bytes) -> RuntimeResponse,
) -> Result<(), ApiError> {
    match read_body(body, RESPONSE_BYTES).await {
        Ok(body) => {
            let bytes = body.len() as u64;
            post.finish(response(body), bytes);
            Ok(())
        }
        Err(BodyError::TooLarge { .. }) => {
            post.finish(RuntimeResponse::TooLarge, 0);
            Err(ApiError::TOO_LARGE)
        }
        Err(BodyError::Incomplete(_) | BodyError::TimedOut(_)) => {
            post.finish(RuntimeResponse::Truncated, 0);
            Err(ApiError::TRUNCATED)
        }
    }
}

/// The destination of a stream's pieces.
enum Sink {
    /// The caller, which gets each piece at once.
    Caller(mpsc::Sender<Bytes>),
    /// A buffer for the whole response.
    Buffer(BytesMut),
}

impl Sink {
    fn limit(&self) -> u64 {
        match self {
            Self::Caller(_) => STREAM_BYTES,
            Self::Buffer(_) => RESPONSE_BYTES as u64,
        }
    }

    async fn write(&mut self, piece: Bytes) {
        match self {
            Self::Caller(chunks) => {
                let _ = chunks.send(piece).await; // a function continues when its caller has disconnected
            }
            Self::Buffer(bytes) => bytes.extend_from_slice(&piece),
        }
    }

    fn into_buffer(self) -> Bytes {
        match self {
            Self::Caller(_) => Bytes::new(),
            Self::Buffer(bytes) => bytes.freeze(),
        }
    }
}

async fn read_stream(
    head: &Parts,
    mut body: RequestBody,
    post: PendingPost,
) -> Result<(), ApiError> {
    let mut sink = if post.wants_stream {
        let (sender, chunks) = mpsc::channel(STREAM_BUFFER_PIECES);
        post.stream(StreamingResponse {
            content_type: content_type(head).map(str::to_owned),
            chunks,
        });
        Sink::Caller(sender)
    } else {
        Sink::Buffer(BytesMut::new())
    };
    let mut in_body = InBodyTrailers::new(&head.headers);
    let mut trailers = None;
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            post.finish(RuntimeResponse::Truncated, bytes);
            return Err(ApiError::TRUNCATED);
        };
        match frame.into_data() {
            Ok(piece) => {
                bytes += piece.len() as u64;
                if bytes > sink.limit() {
                    post.finish(RuntimeResponse::TooLarge, bytes);
                    return Err(ApiError::TOO_LARGE);
                }
                for piece in in_body.feed(piece) {
                    sink.write(piece).await;
                }
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    let error = match trailers.as_ref().and_then(error_in_trailers) {
        Some(error) => Some(error),
        None => match in_body.finish() {
            Ok(error) => error,
            Err(rest) => {
                sink.write(rest).await;
                None
            }
        },
    };
    let response = RuntimeResponse::Streamed(sink.into_buffer(), error);
    post.finish(response, bytes);
    Ok(())
}

/// The error in a response's trailers, if there is one.
pub(crate) fn error_in_trailers(trailers: &HeaderMap) -> Option<StreamError> {
    let non_empty = |name| header(trailers, name).filter(|value| !value.is_empty());
    let error_type = non_empty(ERROR_TYPE);
    let body = non_empty(ERROR_BODY);
    if error_type.is_none() && body.is_none() {
        return None;
    }
    Some(stream_error(error_type, body.unwrap_or_default()))
}

/// An error whose body is in base64. A body that is not valid base64 is kept unchanged.
fn stream_error(error_type: Option<&str>, body: &str) -> StreamError {
    let payload = BASE64.decode(body).map_or_else(
        |_not_base64| Bytes::copy_from_slice(body.as_bytes()),
        Bytes::from,
    );
    StreamError {
        error_type: error_type.unwrap_or("Runtime.Unknown").to_owned(),
        payload,
    }
}

/// Finds trailers that a runtime wrote as the last piece of its body. A piece is held back only if the runtime
/// announced the trailers and the piece begins like them.
pub(crate) struct InBodyTrailers {
    announced: bool,
    held: BytesMut,
}

impl InBodyTrailers {
    /// `headers` are the response's, which announce its trailers.
    pub(crate) fn new(headers: &HeaderMap) -> Self {
        let announces = |value: &HeaderValue| {
            value
                .to_str()
                .is_ok_and(|value| value.to_ascii_lowercase().contains(ERROR_TYPE))
        };
        Self {
            announced: headers.get_all(TRAILER).iter().any(announces),
            held: BytesMut::new(),
        }
    }

    /// Takes the next piece of the body; returns the pieces that are certainly not trailers.
    pub(crate) fn feed(&mut self, piece: Bytes) -> impl Iterator<Item = Bytes> + use<> {
        let mut ready = [None, None];
        if !self.held.is_empty() && parse_in_body(&self.held).is_none() && self.may_continue(&piece)
        {
            // The lines were split in transit.
            self.held.extend_from_slice(&piece);
            return ready.into_iter().flatten();
        }
        if !self.held.is_empty() {
            ready[0] = Some(self.held.split().freeze());
        }
        if self.announced && begins_like_trailers(&piece) {
            self.held.extend_from_slice(&piece);
        } else {
            ready[1] = Some(piece);
        }
        ready.into_iter().flatten()
    }

    fn may_continue(&self, piece: &Bytes) -> bool {
        self.held.len() + piece.len() <= TRAILER_BYTES
    }

    /// At the end of the body: `Ok` with the error in the trailers, if any; `Err` with bytes that were held back and
    /// are part of the body.
    pub(crate) fn finish(self) -> Result<Option<StreamError>, Bytes> {
        if self.held.is_empty() {
            return Ok(None);
        }
        match parse_in_body(&self.held) {
            Some(error) => Ok(Some(error)),
            None => Err(self.held.freeze()),
        }
    }
}

fn begins_like_trailers(piece: &[u8]) -> bool {
    piece.len() > ERROR_TYPE.len()
        && piece
            .get(..ERROR_TYPE.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(ERROR_TYPE.as_bytes()))
}

fn parse_in_body(bytes: &[u8]) -> Option<StreamError> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.strip_suffix("\r\n")?.split("\r\n");
    let mut value = |name: &str| {
        let (key, value) = lines.next()?.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    };
    let error_type = value(ERROR_TYPE)?;
    let body = value(ERROR_BODY)?;
    lines
        .next()
        .is_none()
        .then(|| stream_error(Some(error_type), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &[u8] =
        b"Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\nLambda-Runtime-Function-Error-Body: b29wcw==\r\n";

    fn announced() -> InBodyTrailers {
        let mut headers = HeaderMap::new();
        let name = "Lambda-Runtime-Function-Error-Type".parse().unwrap();
        headers.insert(TRAILER, name);
        InBodyTrailers::new(&headers)
    }

    fn feed(trailers: &mut InBodyTrailers, piece: &[u8]) -> Vec<u8> {
        trailers
            .feed(Bytes::copy_from_slice(piece))
            .collect::<Vec<_>>()
            .concat()
    }

    #[test]
    fn trailers_written_as_the_last_piece_are_an_error() {
        let mut trailers = announced();
        assert_eq!(feed(&mut trailers, b"data"), b"data");
        assert_eq!(feed(&mut trailers, LINES), b"");
        let error = trailers.finish().unwrap().unwrap();
        assert_eq!(error.error_type, "Runtime.StreamError");
        assert_eq!(error.payload, "oops");
    }

    #[test]
    fn trailers_in_the_body_may_be_split_in_transit() {
        for at in 36..LINES.len() {
            let mut trailers = announced();
            let (one, two) = LINES.split_at(at);
            assert_eq!(feed(&mut trailers, one), b"");
            assert_eq!(feed(&mut trailers, two), b"");
            assert!(trailers.finish().unwrap().is_some(), "split at {at}");
        }
    }

    #[test]
    fn the_same_lines_are_data_in_the_middle_or_unannounced() {
        let mut trailers = announced();
        assert_eq!(feed(&mut trailers, LINES), b"");
        assert_eq!(feed(&mut trailers, b"more"), [LINES, b"more"].concat());
        assert_eq!(trailers.finish(), Ok(None));
        let mut trailers = InBodyTrailers::new(&HeaderMap::new());
        assert_eq!(feed(&mut trailers, LINES), LINES);
    }

    #[test]
    fn a_piece_that_only_begins_like_trailers_is_passed_on_at_the_end() {
        let mut trailers = announced();
        let begun = LINES.split_at(50).0;
        assert_eq!(feed(&mut trailers, begun), b"");
        assert_eq!(trailers.finish(), Err(Bytes::copy_from_slice(begun)));
    }

    #[test]
    fn trailers_contain_base64_and_empty_ones_are_not_an_error() {
        let mut trailers = HeaderMap::new();
        assert_eq!(error_in_trailers(&trailers), None);
        trailers.insert(ERROR_TYPE, "".parse().unwrap());
        trailers.insert(ERROR_BODY, "".parse().unwrap());
        assert_eq!(error_in_trailers(&trailers), None);
        trailers.insert(ERROR_TYPE, "Function.Bad".parse().unwrap());
        trailers.insert(ERROR_BODY, "eyJhIjoxfQ==".parse().unwrap());
        let error = error_in_trailers(&trailers).unwrap();
        assert_eq!(
            (error.error_type.as_str(), &error.payload[..]),
            ("Function.Bad", &b"{\"a\":1}"[..])
        );
    }
}
