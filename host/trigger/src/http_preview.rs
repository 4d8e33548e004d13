//! What an HTTP trigger's plugin makes of a request that the user typed.

use std::net::SocketAddr;

use bytes::Bytes;
use lambkin_lambda::{new_request_id, new_trace_id, now_ms};
use lambkin_model::{Body, HttpHeader, HttpRequest};
use lambkin_plugin::{
    CacheEntry, Ending, Fetched, HttpTrigger, InvocationMode, Occasion, Resumption, Shaped, Step,
};

use crate::http_exchange::too_many_steps;
use crate::limits::MAX_STEPS;
use crate::place::{Place, host_of};
use crate::preview::{
    Arrival, Outcomes, Preview, PreviewError, SAMPLE_TIME_MS, Sample, Shown, sample_id,
    sample_outcome, sample_trace_id,
};

/// What the steps are taken for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    Request(&'a HttpRequest),
    /// A message or the end of a WebSocket connection, with its id.
    Message(&'a str),
}

/// Where a trigger listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listening<'a> {
    pub(crate) scheme: &'static str,
    pub(crate) address: SocketAddr,
    /// Which requests at the address are for the trigger.
    pub(crate) place: &'a Place,
}

/// Shows what the plugin makes of a request.
pub(crate) async fn preview(
    trigger: &HttpTrigger,
    listener: Listening<'_>,
    sample: &Sample,
    outcomes: &mut Outcomes,
) -> Result<Preview, PreviewError> {
    let request = request(sample, listener).map_err(PreviewError::Sample)?;
    let step = trigger.shape(&request).await?;
    let is_ignored = sample.is_test && ignores_tests(trigger, &request, &step).await?;
    let mut preview = walk(trigger, step, Subject::Request(&request), outcomes).await?;
    if is_ignored {
        preview.0.insert(0, Shown::Note(IGNORED_TEST.to_owned()));
    }
    Ok(preview)
}

/// What is said about a test of the API whose event is that of any other request.
pub(crate) const IGNORED_TEST: &str = "note: --test-invoke makes no difference to this plugin; it is for api-gateway-rest, and \
    for plugins that know the key `test-invoke` of a request";

/// Whether a plugin makes the same invocation of a test as of a request that is none. (Answers are often the same.)
async fn ignores_tests(
    trigger: &HttpTrigger,
    test: &HttpRequest,
    step: &Step,
) -> Result<bool, PreviewError> {
    let Step::Invoke(Shaped {
        function, event, ..
    }) = step
    else {
        return Ok(false);
    };
    let mut request = test.clone();
    request.extra.retain(|key| *key != HttpRequest::TEST);
    Ok(match trigger.shape(&request).await? {
        Step::Invoke(shaped) => (&shaped.function, &shaped.event) == (function, event),
        _ => false,
    })
}

/// Shows each step of the plugin, from this one on, until it replies or there is no outcome to go on with.
pub(crate) async fn walk(
    trigger: &HttpTrigger,
    first: Step,
    subject: Subject<'_>,
    outcomes: &mut Outcomes,
) -> Result<Preview, PreviewError> {
    let mut preview = Preview::default();
    let mut step = first;
    for number in 0..=MAX_STEPS {
        let (ending, resumption) = match step {
            Step::Reply(answer) => {
                preview.note(if number == 0 {
                    "answers without invoking a function:"
                } else {
                    "answers:"
                });
                for warning in answer.warnings {
                    preview.note(format!("warning: {warning}"));
                }
                for note in answer.notes {
                    preview.note(format!("note: {note}"));
                }
                match subject {
                    Subject::Request(_) => preview.push(Shown::Response(answer.response)),
                    Subject::Message(_) => preview.note(match answer.response.body {
                        Body::Empty => "nothing is sent to the client".to_owned(),
                        Body::Text(text) => format!("the client receives {text}"),
                        Body::Binary(bytes) => format!("the client receives {} bytes", bytes.len()),
                    }),
                }
                return Ok(preview);
            }
            Step::Invoke(shaped) => {
                let event = describe(&shaped, &mut preview);
                let ending = outcomes.of_invocation(&shaped.function, &event).await;
                preview.push(Shown::Event(event));
                (ending, shaped.resumption)
            }
            Step::Fetch(fetch) => {
                preview.note(format!("fetches {} {}", fetch.method, fetch.url));
                describe_rest(fetch.cache.as_ref(), &fetch.resumption, &mut preview);
                let ending = match outcomes {
                    Outcomes::Given(endings) => endings.pop_front().map(as_fetched),
                    Outcomes::Invoked(_) => Some(trigger.fetch(&fetch).await),
                };
                (ending, fetch.resumption)
            }
        };
        let Some(ending) = ending else {
            return Ok(preview);
        };
        let outcome = sample_outcome(ending);
        let request = match subject {
            Subject::Request(request) => resumption.with_request.then_some(request),
            Subject::Message(_) => None,
        };
        step = trigger.resume(&resumption.token, &outcome, request).await?;
    }
    let id = match subject {
        Subject::Request(request) => &request.id,
        Subject::Message(id) => id,
    };
    Err(trigger.misstep(id, too_many_steps()).into())
}

/// Notes how the function is invoked. Returns the event.
fn describe(shaped: &Shaped, preview: &mut Preview) -> String {
    let how = match shaped.mode {
        InvocationMode::Buffered => "",
        InvocationMode::Streamed => ", whose response is streamed,",
        InvocationMode::Asynchronous => " asynchronously",
    };
    if let Some(wait) = shaped.wait {
        preview.note(format!("waits up to {} s", wait.as_secs_f64()));
    }
    describe_rest(shaped.cache.as_ref(), &shaped.resumption, preview);
    preview.note(format!("invokes {}{how} with", shaped.function));
    shaped.event.clone()
}

fn describe_rest(cache: Option<&CacheEntry>, resumption: &Resumption, preview: &mut Preview) {
    if let Some(CacheEntry { key, ttl }) = cache {
        let seconds = ttl.as_secs_f64();
        preview.note(format!(
            "keeps the result for {seconds} s under the key {key:?}"
        ));
    }
    if !resumption.token.is_empty() {
        preview.note(format!("remembers the token {:?}", resumption.token));
    }
}

/// A result that the user gave, as a document.
fn as_fetched(ending: Ending) -> Ending {
    match ending {
        Ending::Completed(document) => Ending::Fetched(Fetched {
            status: 200,
            headers: Vec::new(),
            body: Bytes::from(document),
        }),
        other => other,
    }
}

/// The request that the user typed, as a client on this machine would send it. It is refused if it would not reach the
/// trigger.
pub(crate) fn request(
    sample: &Sample,
    Listening {
        scheme,
        address,
        place,
    }: Listening<'_>,
) -> Result<HttpRequest, String> {
    let (Some(method), Some(target)) = (&sample.action, &sample.target) else {
        return Err(format!(
            "the trigger {0} takes HTTP requests: lambkin shape {0} GET '/orders/7?full=1'",
            sample.trigger
        ));
    };
    if !target.starts_with('/') {
        return Err(format!(
            "the target {target:?} must start with `/`, as in `/orders/7?full=1`"
        ));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = match sample.bodies.as_slice() {
        [] => Vec::new(),
        [body] => body.clone(),
        _ => return Err("an HTTP request has one body; give --body once".to_owned()),
    };
    let mut authority = match (&sample.arrival, place.sample_host()) {
        (Some(arrival), _) => arrival.host.clone(),
        (None, Some(host)) => format!("{host}:{}", address.port()),
        (None, None) => address.to_string(),
    };
    let mut headers = Vec::new();
    for field in &sample.fields {
        let (name, value) = field
            .split_once(':')
            .ok_or_else(|| format!("the header {field:?} has no `:`"))?;
        let header = header(name.trim(), value.trim());
        if header.name == "host" {
            authority.clone_from(&header.value);
        } else {
            headers.push(header);
        }
    }
    if !sample.is_test {
        check_reach(sample, place, &host_of(&authority), path)?;
    }
    if !sample.is_test {
        headers.insert(0, header("Host", &authority));
    }
    if !sample.is_test
        && !body.is_empty()
        && !headers.iter().any(|header| header.name == "content-length")
    {
        headers.push(header("Content-Length", &body.len().to_string()));
    }
    let Occasion {
        id,
        trace_id,
        at_ms,
    } = occasion(sample, now_ms());
    let (peer, scheme, port) = match &sample.arrival {
        None => ("127.0.0.1", scheme, address.port()),
        Some(Arrival { scheme, peer, .. }) => {
            let port = if *scheme == "https" { 443 } else { 80 };
            (peer.as_str(), *scheme, port)
        }
    };
    Ok(HttpRequest {
        id,
        trace_id,
        at_ms,
        peer: peer.to_owned(),
        scheme,
        port,
        protocol: "HTTP/1.1".to_owned(),
        authority,
        method: method.clone(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Some(Body::from_bytes(body.into())),
        extra: Vec::from_iter(sample.is_test.then_some(HttpRequest::TEST)),
    })
}

/// The ids and the time of a request or a message: at `at_ms`, unless they are always the same.
pub(crate) fn occasion(sample: &Sample, at_ms: u64) -> Occasion {
    match sample.arrival {
        None => Occasion {
            id: new_request_id().as_str().to_owned(),
            trace_id: new_trace_id(at_ms),
            at_ms,
        },
        Some(_) => Occasion {
            id: sample_id(1),
            trace_id: sample_trace_id(),
            at_ms: SAMPLE_TIME_MS,
        },
    }
}

/// Refuses a request that the trigger's place does not take, or that another trigger at its address has.
fn check_reach(sample: &Sample, place: &Place, host: &str, path: &str) -> Result<(), String> {
    let trigger = &sample.trigger;
    let Some(fit) = place.fit(host, path) else {
        return Err(format!(
            "the trigger {trigger} is for {place}; a request to the host {host} and the path {path} does not reach it"
        ));
    };
    let others = sample.neighbors.iter();
    let better = others
        .filter_map(|(name, place)| Some((place.fit(host, path)?, name, place)))
        .filter(|(other, ..)| *other > fit)
        .max_by_key(|(other, ..)| *other);
    match better {
        None => Ok(()),
        Some((_, name, place)) => Err(format!(
            "a request to the host {host} and the path {path} reaches the trigger {name} ({place}) at the same address, \
             not {trigger}: lambkin shape {name} …"
        )),
    }
}

fn header(name: &str, value: &str) -> HttpHeader {
    let lower = name.to_ascii_lowercase();
    HttpHeader {
        name_as_sent: (lower != name).then(|| name.to_owned()),
        name: lower,
        value: value.to_owned(),
    }
}
