//! One HTTP request, from its plugin's first step to the response.
//!
//! The plugin answers with steps; this module takes them: it invokes functions, fetches documents, and asks the plugin
//! how to go on, until the step is a response. Results come from the trigger's cache where the plugin allows it. No
//! plugin instance is busy while a function runs. Events and results are the plugin's and the function's: this module
//! does not look into them.
//!
//! On failure: an error of the plugin ends the exchange. Everything else (a function that fails, a document that cannot
//! be fetched) is an outcome, which the plugin turns into a response.

use std::fmt;
use std::time::{Duration, Instant};

use lambkin_lambda::limits::{ASYNC_EVENT_BYTES, RESPONSE_BYTES, SYNC_EVENT_BYTES};
use lambkin_lambda::{AcceptError, Lambda, RESPONSE_TOO_LARGE, Reply, new_request_id, now_ms};
use lambkin_model::{HttpRequest, Invocation, RequestId};
use lambkin_plugin::{
    Answer, CallError, Ending, Fetch, GuestError, HttpTrigger, InvocationMode, Occasion,
    PluginError, Resumption, Shaped, Step, TriggerOutcome,
};

use crate::limits::MAX_STEPS;
use crate::outcome::to_ending;
use crate::response_stream::StreamedBody;
use crate::step_cache::{CacheKey, StepCache};

/// The error type of an event that is larger than Lambda allows.
const EVENT_TOO_LARGE: &str = "RequestEntityTooLargeException";

/// What the steps of a trigger need.
#[derive(Debug)]
pub(crate) struct Steps {
    /// The configured plugin.
    pub trigger: HttpTrigger,
    /// The functions, among them those that the trigger may invoke.
    pub lambda: Lambda,
    /// Results that the plugin may have again.
    pub cache: StepCache,
}

/// What steps are taken for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cause<'a> {
    /// A request of a client or of a timer.
    Request(&'a HttpRequest),
    /// A message of a WebSocket connection.
    Message {
        connection: &'a str,
        occasion: &'a Occasion,
    },
    /// The end of a WebSocket connection.
    End {
        connection: &'a str,
        occasion: &'a Occasion,
    },
}

impl<'a> Cause<'a> {
    /// The request, for the plugin.
    fn request(self) -> Option<&'a HttpRequest> {
        match self {
            Self::Request(request) => Some(request),
            Self::Message { .. } | Self::End { .. } => None,
        }
    }

    /// The id, which is also that of the first invocation.
    fn id(self) -> &'a str {
        match self {
            Self::Request(request) => &request.id,
            Self::Message { occasion, .. } | Self::End { occasion, .. } => &occasion.id,
        }
    }

    fn trace_id(self) -> &'a str {
        match self {
            Self::Request(request) => &request.trace_id,
            Self::Message { occasion, .. } | Self::End { occasion, .. } => &occasion.trace_id,
        }
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(request) => match request.timer() {
                Some(timer) => f.write_str(timer),
                None => write!(f, "{} {}", request.method, request.path),
            },
            Self::Message { connection, .. } => write!(f, "message of connection {connection}"),
            Self::End { connection, .. } => write!(f, "end of connection {connection}"),
        }
    }
}

/// The plugin's answer, and the rest of it if it is a stream.
#[derive(Debug)]
pub(crate) struct Answered {
    pub answer: Answer,
    pub stream: Option<StreamedBody>,
}

/// The steps for one request, message or end.
#[derive(Clone, Copy)]
struct Exchange<'a> {
    steps: &'a Steps,
    cause: Cause<'a>,
}

/// How an invocation or a fetch ended, with the stream if one has begun.
struct Ended {
    ending: Ending,
    stream: Option<StreamedBody>,
    cached: bool,
}

impl Ended {
    fn now(ending: Ending) -> Self {
        Self {
            ending,
            stream: None,
            cached: false,
        }
    }
}

impl Steps {
    /// Asks the plugin what to do with a request, and does it.
    pub(crate) async fn answer(&self, request: &HttpRequest) -> Result<Answered, PluginError> {
        match self.trigger.shape(request).await {
            Err(error) if request.body.is_some() && is_too_large(&error) => {
                let HttpRequest { method, path, .. } = request;
                tracing::warn!(
                    "{method} {path}: the event would be larger than the host passes on, and than Lambda allows"
                );
                // The plugin answers as it does to a body that is too large itself.
                let request = &HttpRequest {
                    body: None,
                    ..request.clone()
                };
                let first = self.trigger.shape(request).await?;
                self.run(Cause::Request(request), first).await
            }
            first => self.run(Cause::Request(request), first?).await,
        }
    }

    /// Takes steps, from this one on, until the plugin replies.
    pub(crate) async fn run(&self, cause: Cause<'_>, first: Step) -> Result<Answered, PluginError> {
        Exchange { steps: self, cause }.run(first).await
    }
}

impl Exchange<'_> {
    async fn run(self, first: Step) -> Result<Answered, PluginError> {
        let Self { steps, cause } = self;
        let mut step = first;
        let mut stream = None;
        let mut function = None;
        for number in 0.. {
            let (ended, resumption) = match step {
                Step::Reply(answer) => {
                    for warning in &answer.warnings {
                        self.warn(function.as_deref(), warning);
                    }
                    for note in &answer.notes {
                        // Like what a plugin prints, it is in the log at the usual level.
                        tracing::info!(target: "lambkin::plugin", "{cause}: {note}");
                    }
                    // A plugin that has found the stream to be none answers instead of it.
                    let stream = stream.filter(|_| answer.response.body.is_empty());
                    return Ok(Answered { answer, stream });
                }
                _ if number == MAX_STEPS => break,
                Step::Invoke(shaped)
                    if shaped.mode == InvocationMode::Streamed && cause.request().is_none() =>
                {
                    let what = "it asks for a stream, which only a request may have";
                    return Err(steps.trigger.misstep(cause.id(), what.to_owned()));
                }
                Step::Invoke(shaped) => {
                    let function = function.insert(shaped.function.clone());
                    let unlogged = Unlogged {
                        event_bytes: shaped.event.len(),
                        max_event_bytes: max_event_bytes(shaped.mode),
                        wait: shaped.wait.unwrap_or_default(),
                    };
                    let (ended, resumption) = self.invoke(shaped, number == 0).await;
                    if let Some(what) = unlogged.explain(&ended.ending) {
                        self.warn(Some(function), &what);
                    }
                    (ended, resumption)
                }
                Step::Fetch(fetch) => {
                    let ended = self.fetch(&fetch).await;
                    if let Ending::Unavailable(why) = &ended.ending {
                        self.warn(None, why);
                    }
                    (ended, fetch.resumption)
                }
            };
            stream = ended.stream;
            let outcome = TriggerOutcome {
                ending: ended.ending,
                at_ms: now_ms(),
                cached: ended.cached,
            };
            let Resumption {
                token,
                with_request,
            } = resumption;
            let request = cause.request().filter(|_| with_request);
            step = steps.trigger.resume(&token, &outcome, request).await?;
        }
        Err(steps.trigger.misstep(cause.id(), too_many_steps()))
    }

    fn warn(&self, function: Option<&str>, what: &str) {
        let cause = self.cause;
        match function {
            Some(function) => tracing::warn!("{cause}: function {function}: {what}"),
            None => tracing::warn!("{cause}: {what}"),
        }
    }

    /// Takes the result from the cache, or else fetches the document.
    async fn fetch(&self, fetch: &Fetch) -> Ended {
        let Some(cache) = &fetch.cache else {
            return Ended::now(self.steps.trigger.fetch(fetch).await);
        };
        let key = CacheKey::of_document(fetch, cache);
        if let Some(ending) = self.steps.cache.get(&key, Instant::now()) {
            return Ended {
                cached: true,
                ..Ended::now(ending)
            };
        }
        let ending = self.steps.trigger.fetch(fetch).await;
        self.steps.cache.put(key, &ending, cache, Instant::now());
        Ended::now(ending)
    }

    /// Takes the result from the cache, or else invokes the function. A function that takes longer than the plugin
    /// waits runs on; its result is dropped. The first invocation has the request's id.
    async fn invoke(&self, mut shaped: Shaped, is_first: bool) -> (Ended, Resumption) {
        let cached = shaped.cache.take().map(|cache| {
            let key = CacheKey::of_function(&shaped, &cache);
            (key, cache)
        });
        if let Some((key, _)) = &cached
            && let Some(ending) = self.steps.cache.get(key, Instant::now())
        {
            let ended = Ended {
                cached: true,
                ..Ended::now(ending)
            };
            return (ended, shaped.resumption);
        }
        let id = if is_first {
            RequestId::new(self.cause.id().to_owned())
        } else {
            new_request_id()
        };
        let Shaped {
            function,
            event,
            mode,
            wait,
            resumption,
            ..
        } = shaped;
        let invocation = Invocation::new(id, event, self.cause.trace_id().to_owned());
        let invoked = self.invoke_once(&function, invocation, mode);
        let ended = match wait {
            None => invoked.await,
            Some(wait) => {
                let waited = self.steps.lambda.timeout(&function, wait, invoked).await;
                waited.unwrap_or_else(|| Ended::now(Ending::Expired))
            }
        };
        if let Some((key, cache)) = cached {
            self.steps
                .cache
                .put(key, &ended.ending, &cache, Instant::now());
        }
        (ended, resumption)
    }

    async fn invoke_once(
        &self,
        function: &str,
        invocation: Invocation,
        mode: InvocationMode,
    ) -> Ended {
        if invocation.event.len() > max_event_bytes(mode) {
            return Ended::now(Ending::Failed {
                kind: EVENT_TOO_LARGE.to_owned(),
                payload: String::new(),
            });
        }
        match mode {
            InvocationMode::Buffered => {
                let outcome = self.steps.lambda.invoke(function, invocation).await;
                Ended::now(to_ending(outcome, function))
            }
            InvocationMode::Streamed => self.invoke_streaming(function, invocation).await,
            InvocationMode::Asynchronous => {
                let accepted = self.steps.lambda.accept_named(function, invocation).await;
                Ended::now(match accepted {
                    Ok(()) => Ending::Accepted,
                    Err(error @ AcceptError::UnknownFunction(_)) => {
                        Ending::Unavailable(error.to_string())
                    }
                    Err(error) => {
                        tracing::error!("function {function}: {error}");
                        Ending::Unavailable(error.to_string())
                    }
                })
            }
        }
    }

    async fn invoke_streaming(&self, function: &str, invocation: Invocation) -> Ended {
        match self
            .steps
            .lambda
            .invoke_streaming(function, invocation)
            .await
        {
            Reply::Whole(outcome) => Ended::now(to_ending(outcome, function)),
            Reply::Stream(stream) => match StreamedBody::open(stream).await {
                Ok((head, body)) => Ended {
                    stream: Some(body),
                    ..Ended::now(Ending::StreamOpened(head))
                },
                Err(reason) => {
                    tracing::warn!("function {function}: {reason}");
                    Ended::now(Ending::Failed {
                        kind: "Runtime.TruncatedResponse".to_owned(),
                        payload: serde_json::json!({ "errorMessage": reason }).to_string(),
                    })
                }
            },
        }
    }
}

/// Whether a plugin has failed because of the length of the event that it made. A body of control characters, for
/// example, is six times as long in JSON.
fn is_too_large(error: &PluginError) -> bool {
    matches!(error.cause, CallError::Guest(GuestError::Copied(_)))
}

/// What is wrong with a plugin that has not replied after all steps that it may take.
pub(crate) fn too_many_steps() -> String {
    format!(
        "it has not replied after {MAX_STEPS} invocations and fetches, which is the most that one request may cause"
    )
}

/// AWS's maximum for an event, in bytes.
fn max_event_bytes(mode: InvocationMode) -> usize {
    match mode {
        InvocationMode::Asynchronous => ASYNC_EVENT_BYTES,
        InvocationMode::Buffered | InvocationMode::Streamed => SYNC_EVENT_BYTES,
    }
}

/// The facts about an invocation for endings of which the function's log says nothing.
struct Unlogged {
    event_bytes: usize,
    max_event_bytes: usize,
    wait: Duration,
}

impl Unlogged {
    /// What the developer has to know; `None` if the function's log says it.
    fn explain(&self, ending: &Ending) -> Option<String> {
        match ending {
            Ending::Failed { kind, .. } if kind == EVENT_TOO_LARGE => Some(format!(
                "the event has {} bytes, of which Lambda allows {}: the function was not invoked, as on AWS",
                self.event_bytes, self.max_event_bytes
            )),
            Ending::Failed { kind, .. } if kind == RESPONSE_TOO_LARGE => Some(format!(
                "its response is larger than Lambda allows, {RESPONSE_BYTES} bytes"
            )),
            Ending::Expired => Some(format!(
                "it has not answered within {} s, which is as long as the trigger waits; it runs on",
                self.wait.as_secs_f64()
            )),
            Ending::Throttled => Some("it is throttled and was not invoked".to_owned()),
            Ending::Unavailable(why) => Some(format!("it was not invoked: {why}")),
            _ => None,
        }
    }
}
