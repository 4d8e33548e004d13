//! What a WebSocket trigger's plugin makes of a connection, a message or an end that the user typed.
//!
//! A message needs a connection: it is opened first, with the result `{"statusCode":200}` for functions that the plugin
//! asks, which is what AWS's do. On failure: the plugin's answer, if it does not open one.

use lambkin_model::{Body, HttpRequest};
use lambkin_plugin::{Close, Ending, OpenConnection, Step, WebSocketMessage, WebSocketTrigger};

use crate::http_preview::{self, IGNORED_TEST, Listening, Subject, occasion, request, walk};
use crate::limits::MAX_STEPS;
use crate::preview::{Outcomes, Preview, PreviewError, SAMPLE_TIME_MS, Sample, sample_outcome};

/// The words for what happens on a connection, in letters of any case.
const CONNECT: &str = "CONNECT";
const MESSAGE: &str = "MESSAGE";
const DISCONNECT: &str = "DISCONNECT";

/// The result of a function that accepts a connection.
const ACCEPTED: &str = r#"{"statusCode":200}"#;

/// The close code of a sample: a page that is left.
const GOING_AWAY: u16 = 1001;

/// Shows each step of the plugin.
pub(crate) async fn preview(
    trigger: &WebSocketTrigger,
    listener: Listening<'_>,
    sample: &Sample,
    outcomes: &mut Outcomes,
) -> Result<Preview, PreviewError> {
    let http = trigger.http();
    if sample.target.is_none() {
        return Err(usage(&sample.trigger));
    }
    let word = sample.action.as_deref().map(str::to_ascii_uppercase);
    let preview = match word.as_deref() {
        Some(CONNECT) => {
            let mut request = handshake(sample, listener)?;
            request.body = Some(Body::Empty);
            let step = http.shape(&request).await?;
            walk(http, step, Subject::Request(&request), outcomes).await?
        }
        Some(MESSAGE) => {
            let connection = open(trigger, sample, listener).await?;
            let [body] = sample.bodies.as_slice() else {
                let what = "a message has one body: --body '{\"action\":\"hello\"}'";
                return Err(PreviewError::Sample(what.to_owned()));
            };
            let message = match String::from_utf8(body.clone()) {
                Ok(text) => WebSocketMessage::Text(text),
                Err(bytes) => WebSocketMessage::Binary(bytes.into_bytes().into()),
            };
            let occasion = occasion(sample, SAMPLE_TIME_MS);
            let step = trigger.receive(&connection, &occasion, &message).await?;
            walk(http, step, Subject::Message(&occasion.id), outcomes).await?
        }
        Some(DISCONNECT) => {
            let connection = open(trigger, sample, listener).await?;
            let (occasion, close) = (occasion(sample, SAMPLE_TIME_MS), going_away());
            let step = trigger.disconnected(&connection, &occasion, &close).await?;
            walk(http, step, Subject::Message(&occasion.id), outcomes).await?
        }
        _ => return http_preview::preview(http, listener, sample, outcomes).await,
    };
    let mut noted = Preview::default();
    if sample.is_test {
        noted.note(IGNORED_TEST);
    }
    noted.0.extend(preview.0);
    Ok(noted)
}

fn usage(trigger: &str) -> PreviewError {
    PreviewError::Sample(format!(
        "the trigger {trigger} takes connections, messages and requests: lambkin shape {trigger} CONNECT \
         '/prod?room=1', lambkin shape {trigger} MESSAGE /prod --body '{{\"action\":\"hello\"}}', lambkin shape \
         {trigger} DISCONNECT /prod, or a request such as GET /prod"
    ))
}

/// A request for a connection.
fn handshake(sample: &Sample, listener: Listening<'_>) -> Result<HttpRequest, PreviewError> {
    let mut sample = sample.clone();
    sample.action = Some("GET".to_owned());
    sample.bodies.clear();
    for header in [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ] {
        sample.fields.push(header.to_owned());
    }
    let mut request = request(&sample, listener).map_err(PreviewError::Sample)?;
    request.extra.push(HttpRequest::WEBSOCKET);
    Ok(request)
}

async fn open(
    trigger: &WebSocketTrigger,
    sample: &Sample,
    listener: Listening<'_>,
) -> Result<OpenConnection, PreviewError> {
    let request = handshake(sample, listener)?;
    let mut step = trigger.http().shape(&request).await?;
    for _ in 0..MAX_STEPS {
        let resumption = match step {
            Step::Reply(answer) => {
                let new = answer.connection.ok_or_else(|| {
                    PreviewError::Sample(format!(
                        "the plugin refuses the connection of the message with status {}",
                        answer.response.status
                    ))
                })?;
                return Ok(OpenConnection {
                    id: new.id,
                    data: new.data,
                    connected_at_ms: SAMPLE_TIME_MS,
                });
            }
            Step::Invoke(shaped) => shaped.resumption,
            Step::Fetch(fetch) => fetch.resumption,
        };
        let accepted = sample_outcome(Ending::Completed(ACCEPTED.to_owned()));
        let again = resumption.with_request.then_some(&request);
        let resumed = trigger.http().resume(&resumption.token, &accepted, again);
        step = resumed.await?;
    }
    let what = "the plugin does not open a connection for the message";
    Err(PreviewError::Sample(what.to_owned()))
}

fn going_away() -> Close {
    Close {
        code: GOING_AWAY,
        reason: String::new(),
    }
}
