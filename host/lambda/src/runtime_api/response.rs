//! Taking what a runtime posts for an invocation: whole, or piece by piece.
//!
//! A runtime streams when it says so in `Lambda-Runtime-Function-Response-Mode`, or when it sends the content type of an
//! HTTP response with a prelude, which is all that some runtimes do. Its pieces go to a caller that takes a response
//! as it is made; for any other caller they are collected, under the limit of an ordinary response.
//!
//! A failure in the middle of a stream arrives in trailers. Some runtimes cannot send real ones and write the same lines
//! as the last piece of the body; both are understood.
//!
//! On failure: a body that breaks off or grows too long ends the stream with an error for the caller, and the runtime
//! gets the refusal AWS has for it. A caller that goes away or reads slowly costs nobody else anything: the runtime's
//! pieces are then thrown away, or wait.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, TRAILER};
use http::request::Parts;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use lambkin_http::{BodyError, Response, header, read_body};
use tokio::sync::mpsc;

use super::error::ApiError;
use super::reply::acknowledged;
use super::session::{
    PendingPost, PostHead, PostKind, RuntimeResponse, RuntimeSession, StreamingResponse,
};
use crate::function::StreamError;
use crate::function_error;
use crate::limits::{RESPONSE_BYTES, STREAM_BUFFER_PIECES, STREAM_BYTES, TRAILER_BYTES};

/// The content type of an error report that carries its cause for X-Ray beside what the caller is to see.
const ERROR_CAUSE: &str = "application/vnd.aws.lambda.error.cause+json";

/// The content type of an HTTP response with a prelude, which is always streamed.
pub const HTTP_INTEGRATION: &str = "application/vnd.awslambda.http-integration-response";

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// `POST /runtime/invocation/{id}/response`
pub(super) async fn response(
    request: Request<Incoming>,
    request_id: &str,
    session: &std::sync::Arc<RuntimeSession>,
) -> Response {
    let (head, body) = request.into_parts();
    let mode = head.headers.get("lambda-runtime-function-response-mode");
    let kind = match mode {
        Some(mode) if mode != "streaming" => PostKind::ResponseInUnknownMode,
        _ => PostKind::Response,
    };
    let post = match session.begin_post(&post_head(&head, request_id, kind)) {
        Ok(post) => post,
        Err(error) => return super::reply::error_response(&error),
    };
    let streams =
        mode.is_some() || content_type(&head).is_some_and(|kind| kind == HTTP_INTEGRATION);
    acknowledged(if streams {
        Box::pin(take_stream(&head, body, post)).await
    } else {
        take_whole(body, post, RuntimeResponse::Response).await
    })
}

/// `POST /runtime/invocation/{id}/error`
pub(super) async fn error(
    request: Request<Incoming>,
    request_id: &str,
    session: &std::sync::Arc<RuntimeSession>,
) -> Response {
    let (head, body) = request.into_parts();
    let post = match session.begin_post(&post_head(&head, request_id, PostKind::Error)) {
        Ok(post) => post,
        Err(error) => return super::reply::error_response(&error),
    };
    let has_cause = content_type(&head).is_some_and(|kind| kind == ERROR_CAUSE);
    let answer = move |body: Bytes| {
        RuntimeResponse::Error(if has_cause {
            function_error::without_cause(&body)
        } else {
            body
        })
    };
    acknowledged(take_whole(body, post, answer).await)
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

async fn take_whole(
    body: Incoming,
    post: PendingPost,
    answer: impl FnOnce(Bytes) -> RuntimeResponse,
) -> Result<(), ApiError> {
    match read_body(body, RESPONSE_BYTES).await {
        Ok(body) => {
            let bytes = body.len() as u64;
            post.finish(answer(body), bytes);
            Ok(())
        }
        Err(BodyError::TooLarge { .. }) => {
            post.finish(RuntimeResponse::TooLarge, 0);
            Err(ApiError::TOO_LARGE)
        }
        Err(BodyError::Incomplete(_)) => {
            post.finish(RuntimeResponse::Truncated, 0);
            Err(ApiError::TRUNCATED)
        }
    }
}

/// Where a stream's pieces go.
enum Sink {
    /// To the caller, as they come.
    Caller(mpsc::Sender<Bytes>),
    /// Here, until the response is complete.
    Collected(BytesMut),
}

impl Sink {
    fn limit(&self) -> u64 {
        match self {
            Self::Caller(_) => STREAM_BYTES,
            Self::Collected(_) => RESPONSE_BYTES as u64,
        }
    }

    async fn put(&mut self, piece: Bytes) {
        match self {
            Self::Caller(chunks) => {
                // A caller that has gone away does not stop its function.
                let _gone = chunks.send(piece).await;
            }
            Self::Collected(bytes) => bytes.extend_from_slice(&piece),
        }
    }

    fn collected(self) -> Bytes {
        match self {
            Self::Caller(_) => Bytes::new(),
            Self::Collected(bytes) => bytes.freeze(),
        }
    }
}

async fn take_stream(head: &Parts, mut body: Incoming, post: PendingPost) -> Result<(), ApiError> {
    let mut sink = if post.wants_stream {
        let (sender, chunks) = mpsc::channel(STREAM_BUFFER_PIECES);
        post.stream(StreamingResponse {
            content_type: content_type(head).map(str::to_owned),
            chunks,
        });
        Sink::Caller(sender)
    } else {
        Sink::Collected(BytesMut::new())
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
                for piece in in_body.pass(piece) {
                    sink.put(piece).await;
                }
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    let error = match trailers.as_ref().and_then(error_in_trailers) {
        Some(error) => Some(error),
        None => match in_body.end() {
            Ok(error) => error,
            Err(rest) => {
                sink.put(rest).await;
                None
            }
        },
    };
    post.finish(RuntimeResponse::Streamed(sink.collected(), error), bytes);
    Ok(())
}

pub(crate) fn error_in_trailers(trailers: &HeaderMap) -> Option<StreamError> {
    let text = |name| header(trailers, name);
    let error_type = text(ERROR_TYPE).filter(|error_type| !error_type.is_empty());
    let body = text(ERROR_BODY).filter(|body| !body.is_empty());
    if error_type.is_none() && body.is_none() {
        return None;
    }
    Some(stream_error(error_type, body.unwrap_or_default()))
}

/// The body is base64; one that is not is kept as it is.
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

/// Finds trailers that a runtime wrote as the last piece of its body. Only a runtime that announced the trailers is
/// suspected of that, and only a piece that begins like them is held back.
pub(crate) struct InBodyTrailers {
    announced: bool,
    held: BytesMut,
}

impl InBodyTrailers {
    pub(crate) fn new(headers: &HeaderMap) -> Self {
        let announces = |value: &http::HeaderValue| {
            value
                .to_str()
                .is_ok_and(|value| value.to_ascii_lowercase().contains(ERROR_TYPE))
        };
        Self {
            announced: headers.get_all(TRAILER).iter().any(announces),
            held: BytesMut::new(),
        }
    }

    /// What can be handed on once this piece has come.
    pub(crate) fn pass(&mut self, piece: Bytes) -> impl Iterator<Item = Bytes> + use<> {
        let mut ready = [None, None];
        if !self.held.is_empty() && parse_in_body(&self.held).is_none() && self.may_continue(&piece)
        {
            // The lines were split on their way.
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

    /// At the end of the body: the error if there is one, or what was held back in vain.
    pub(crate) fn end(self) -> Result<Option<StreamError>, Bytes> {
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

    fn passed(trailers: &mut InBodyTrailers, piece: &[u8]) -> Vec<u8> {
        trailers
            .pass(Bytes::copy_from_slice(piece))
            .collect::<Vec<_>>()
            .concat()
    }

    #[test]
    fn trailers_written_as_the_last_piece_are_an_error() {
        let mut trailers = announced();
        assert_eq!(passed(&mut trailers, b"data"), b"data");
        assert_eq!(passed(&mut trailers, LINES), b"");
        let error = trailers.end().unwrap().unwrap();
        assert_eq!(error.error_type, "Runtime.StreamError");
        assert_eq!(error.payload, "oops");
    }

    #[test]
    fn they_may_have_been_split_on_their_way() {
        for at in 36..LINES.len() {
            let mut trailers = announced();
            let (one, two) = LINES.split_at(at);
            assert_eq!(passed(&mut trailers, one), b"");
            assert_eq!(passed(&mut trailers, two), b"");
            assert!(trailers.end().unwrap().is_some(), "split at {at}");
        }
    }

    #[test]
    fn the_same_lines_in_the_middle_or_unannounced_are_data() {
        let mut trailers = announced();
        assert_eq!(passed(&mut trailers, LINES), b"");
        assert_eq!(passed(&mut trailers, b"more"), [LINES, b"more"].concat());
        assert_eq!(trailers.end(), Ok(None));
        let mut trailers = InBodyTrailers::new(&HeaderMap::new());
        assert_eq!(passed(&mut trailers, LINES), LINES);
    }

    #[test]
    fn what_only_begins_like_trailers_is_handed_on_in_the_end() {
        let mut trailers = announced();
        let begun = LINES.split_at(50).0;
        assert_eq!(passed(&mut trailers, begun), b"");
        assert_eq!(trailers.end(), Err(Bytes::copy_from_slice(begun)));
    }

    #[test]
    fn real_trailers_carry_base64_and_empty_ones_are_no_error() {
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
