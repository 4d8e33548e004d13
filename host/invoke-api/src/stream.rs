//! `InvokeWithResponseStream`: the response as AWS's event stream, each piece as it arrives.
//!
//! A stream is any number of `PayloadChunk` events and one `InvokeComplete`, which contains the error, if there is one.
//! A function that does not stream results in the same stream with its whole response at once. `Content-Type` is that
//! of the event stream; the content type of the function's response is in `X-Amzn-Remapped-Content-Type`.
//!
//! A task of its own sends the pieces. If the caller disconnects, the rest of the response is read and discarded, and
//! the function continues. If the caller reads slowly, the function's writes wait, as on AWS. If the host stops in the
//! middle of a stream, the connection is closed before its end, so that the caller does not take a part for the whole.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use lambkin_http::{Body, Response, set_header};
use lambkin_lambda::{FunctionSpec, Reply, ResponseStream, StreamEnd, StreamError};
use lambkin_model::{InvokeError, Outcome};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::error::ApiError;
use crate::event_stream::StreamEvent;
use crate::limits::{STREAM_BACKLOG_FRAMES, STREAM_CHUNK_BYTES};
use crate::response::UNHANDLED;

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("application/vnd.amazon.eventstream");
const REMAPPED_TYPE: HeaderName = HeaderName::from_static("x-amzn-remapped-content-type");

/// The payload of the last event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct InvokeComplete<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_details: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_result: Option<String>,
}

/// The stream of a function's reply.
pub(crate) fn response(reply: Reply, spec: &FunctionSpec) -> Result<Response, ApiError> {
    let (sender, frames) = mpsc::channel(STREAM_BACKLOG_FRAMES);
    let frames_to_caller = FrameSender(sender);
    let mut response = Response::new(Body::Channel(frames));
    response.headers_mut().insert(CONTENT_TYPE, EVENT_STREAM);
    match reply {
        Reply::Whole(outcome) => {
            let (payload, end) = whole(outcome, spec)?;
            tokio::spawn(frames_to_caller.send_all(payload, end));
        }
        Reply::Stream(stream) => {
            if let Some(content_type) = &stream.content_type {
                set_header(&mut response, REMAPPED_TYPE, content_type);
            }
            tokio::spawn(frames_to_caller.forward(stream));
        }
    }
    Ok(response)
}

/// The only chunk and the end of a response that was not streamed.
fn whole(outcome: Outcome, spec: &FunctionSpec) -> Result<(Bytes, StreamEnd), ApiError> {
    let (payload, error) = match outcome.result {
        Ok(payload) => (payload, None),
        Err(InvokeError::Function(error)) => {
            let error = StreamError {
                error_type: UNHANDLED.to_owned(),
                payload: error.payload,
            };
            (Bytes::new(), Some(error))
        }
        Err(error) => return Err(ApiError::not_invoked(&error, spec)),
    };
    let log_tail = outcome.log_tail;
    Ok((payload, StreamEnd { error, log_tail }))
}

/// Sends frames to the caller.
#[derive(Debug)]
struct FrameSender(mpsc::Sender<io::Result<Bytes>>);

/// The caller has disconnected.
#[derive(Debug)]
struct Disconnected;

impl FrameSender {
    async fn send_all(self, payload: Bytes, end: StreamEnd) {
        if self.send(payload).await.is_ok() {
            self.complete(&end).await;
        }
    }

    async fn forward(self, mut stream: ResponseStream) {
        let mut is_connected = true;
        while let Some(chunk) = stream.chunks.recv().await {
            // Chunks are received even if the caller has disconnected, so that the runtime can finish.
            is_connected = is_connected && self.send(chunk).await.is_ok();
        }
        match stream.end.await {
            Ok(end) => self.complete(&end).await,
            Err(_host_stops) => {
                let stopped = io::Error::other("the host is shutting down");
                let _ = self.0.send(Err(stopped)).await; // the caller may have disconnected
            }
        }
    }

    async fn send(&self, mut payload: Bytes) -> Result<(), Disconnected> {
        while !payload.is_empty() {
            let chunk = payload.split_to(payload.len().min(STREAM_CHUNK_BYTES));
            let frame = StreamEvent::PayloadChunk.frame(&chunk);
            self.0.send(Ok(frame)).await.map_err(|_| Disconnected)?;
        }
        Ok(())
    }

    async fn complete(&self, end: &StreamEnd) {
        let details = end
            .error
            .as_ref()
            .map(|error| String::from_utf8_lossy(&error.payload));
        let complete = InvokeComplete {
            error_code: end.error.as_ref().map(|error| error.error_type.as_str()),
            error_details: details.as_deref(),
            log_result: end.log_tail.as_ref().map(|tail| BASE64.encode(tail)),
        };
        // Strings always serialize.
        let payload = serde_json::to_vec(&complete).unwrap_or_default();
        let frame = StreamEvent::InvokeComplete.frame(&payload);
        let _ = self.0.send(Ok(frame)).await; // the caller may have disconnected
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use lambkin_model::{FunctionError, FunctionErrorKind};
    use tokio::sync::oneshot;

    use lambkin_lambda::{Code, Entry};

    use super::*;

    fn respond(reply: Reply) -> Result<Response, ApiError> {
        let code = Code {
            task_root: "/".into(),
            entry: Entry::Search,
            archive: None,
        };
        response(reply, &FunctionSpec::new("f", code))
    }

    /// A stream's content type, its payloads and the payload of its last event.
    async fn read(response: Response) -> (Option<String>, Vec<Bytes>, Bytes) {
        let content_type = response.headers().get(REMAPPED_TYPE);
        let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(response.headers()[CONTENT_TYPE], EVENT_STREAM);
        let mut body = response.into_body();
        let mut payloads = Vec::new();
        loop {
            let frame = body.frame().await.expect("an InvokeComplete").unwrap();
            let (event, payload) = decode(&frame.into_data().unwrap());
            if event == "InvokeComplete" {
                assert!(
                    body.frame().await.is_none(),
                    "InvokeComplete is the last event"
                );
                return (content_type, payloads, payload);
            }
            payloads.push(payload);
        }
    }

    /// The type and the payload of the event in a frame.
    fn decode(frame: &[u8]) -> (String, Bytes) {
        let number = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(number(0), frame.len());
        let headers = 12..12 + number(4);
        let text = String::from_utf8_lossy(&frame[headers.clone()]).into_owned();
        let known = ["PayloadChunk", "InvokeComplete"];
        let event = known.into_iter().find(|event| text.contains(event));
        let payload = Bytes::copy_from_slice(&frame[headers.end..frame.len() - 4]);
        (event.unwrap().to_owned(), payload)
    }

    type StreamAndSenders = (Reply, mpsc::Sender<Bytes>, oneshot::Sender<StreamEnd>);

    fn streaming(content_type: Option<&str>) -> StreamAndSenders {
        let (sender, chunks) = mpsc::channel(1);
        let (end_sender, end) = oneshot::channel();
        let stream = ResponseStream {
            content_type: content_type.map(str::to_owned),
            chunks,
            end,
        };
        (Reply::Stream(stream), sender, end_sender)
    }

    #[tokio::test]
    async fn pieces_are_sent_as_they_arrive() {
        let (reply, sender, end) = streaming(Some("text/html"));
        let mut response = respond(reply).unwrap();
        for text in ["one", "two"] {
            sender.send(Bytes::from(text)).await.unwrap();
            // The frame arrives while the stream is still open.
            let frame = response.body_mut().frame().await.unwrap().unwrap();
            assert_eq!(decode(&frame.into_data().unwrap()).1, text);
        }
        drop(sender);
        let error = None;
        let log_tail = Some(Bytes::from_static(b"END"));
        end.send(StreamEnd { error, log_tail }).unwrap();
        let (content_type, payloads, complete) = read(response).await;
        assert_eq!(content_type.as_deref(), Some("text/html"));
        assert!(payloads.is_empty());
        assert_eq!(complete, &br#"{"LogResult":"RU5E"}"#[..]);
    }

    #[tokio::test]
    async fn an_error_in_the_middle_is_in_the_last_event() {
        let (reply, sender, end) = streaming(None);
        let response = respond(reply).unwrap();
        sender.send(Bytes::from_static(b"half")).await.unwrap();
        drop(sender);
        let error = StreamError {
            error_type: "Sandbox.Timedout".to_owned(),
            payload: Bytes::from_static(b"{\"errorMessage\":\"late\"}"),
        };
        let error = Some(error);
        end.send(StreamEnd {
            error,
            log_tail: None,
        })
        .unwrap();
        let (_, payloads, complete) = read(response).await;
        assert_eq!(payloads, ["half"]);
        assert_eq!(
            complete,
            &br#"{"ErrorCode":"Sandbox.Timedout","ErrorDetails":"{\"errorMessage\":\"late\"}"}"#[..]
        );
    }

    #[tokio::test]
    async fn a_response_in_one_piece_is_split_into_chunks() {
        let payload = Bytes::from(vec![b'x'; 2 * STREAM_CHUNK_BYTES + 1]);
        let outcome = Outcome {
            result: Ok(payload.clone()),
            log_tail: None,
        };
        let (_, payloads, complete) = read(respond(Reply::Whole(outcome)).unwrap()).await;
        let sizes: Vec<usize> = payloads.iter().map(Bytes::len).collect();
        assert_eq!(sizes, [STREAM_CHUNK_BYTES, STREAM_CHUNK_BYTES, 1]);
        assert_eq!(payloads.concat(), payload);
        assert_eq!(complete, "{}");
    }

    #[tokio::test]
    async fn an_error_before_the_stream_is_its_only_event() {
        let error = FunctionError {
            kind: FunctionErrorKind::Reported,
            payload: Bytes::from_static(b"{\"errorType\":\"E\"}"),
        };
        let outcome = Outcome {
            result: Err(InvokeError::Function(error)),
            log_tail: None,
        };
        let (_, payloads, complete) = read(respond(Reply::Whole(outcome)).unwrap()).await;
        assert!(payloads.is_empty());
        assert_eq!(
            complete,
            &br#"{"ErrorCode":"Unhandled","ErrorDetails":"{\"errorType\":\"E\"}"}"#[..]
        );
    }

    #[tokio::test]
    async fn a_function_that_is_not_invoked_is_an_error_of_the_request() {
        let outcome = Outcome {
            result: Err(InvokeError::Throttled),
            log_tail: None,
        };
        let error = respond(Reply::Whole(outcome)).unwrap_err();
        assert_eq!(error.into_response().status(), 429);
    }

    #[tokio::test]
    async fn a_caller_that_disconnects_does_not_stop_the_function() {
        let (reply, sender, end) = streaming(None);
        drop(respond(reply).unwrap());
        for _ in 0..100 {
            sender.send(Bytes::from_static(b"more")).await.unwrap();
        }
        drop(sender);
        let complete = StreamEnd {
            error: None,
            log_tail: None,
        };
        end.send(complete).expect("the end is awaited");
    }

    #[tokio::test]
    async fn a_host_that_stops_ends_the_stream_with_an_error() {
        let (reply, sender, end) = streaming(None);
        let mut response = respond(reply).unwrap();
        drop((sender, end));
        let frame = response.body_mut().frame().await.unwrap();
        assert!(frame.is_err(), "{frame:?}");
    }
}
