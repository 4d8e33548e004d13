//! The source role: exports `lambkin:source` and sends its requests over `wasi:http`.

use std::time::{SystemTime, UNIX_EPOCH};

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, Method, OutgoingBody, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

use crate::poll::Settings;
use crate::poll::contract::{
    self, Action, Error, Guest, Part, Polled, Position, Problem, Progress, Setup, Surroundings,
    Verdict,
};
use crate::poll::sign::{self, Credentials};
use crate::poll::wire::{self, MAX_MESSAGES, Request};

/// The region to sign for if neither the configuration nor the URL names one.
const REGION: &str = "us-east-1";

/// Bytes read from a body at once.
const CHUNK: u64 = 64 * 1024;

/// Maximum length of a response, in bytes: ten messages of 1 MiB with escapes.
const MAX_RESPONSE_BYTES: usize = 32 << 20;

struct Poller;

contract::export!(Poller with_types_in contract);

impl Guest for Poller {
    fn configure(config: String, _: Surroundings) -> Result<Setup, Vec<Problem>> {
        let settings = Settings::read(&config)
            .map_err(|problems| problems.into_iter().map(Problem::from).collect::<Vec<_>>())?;
        Ok(Setup {
            state: settings.to_json(),
            name: settings.name().to_owned(),
            ordered: settings.name().ends_with(".fifo"),
            region: settings.region.clone(),
            account: Some(settings.account().to_owned()),
            max_messages: MAX_MESSAGES,
            progress: Progress::Receipts,
            warnings: Vec::new(),
            extra: Vec::new(),
        })
    }

    /// A queue has none.
    fn parts(_: String) -> Result<Vec<Part>, Error> {
        Ok(Vec::new())
    }

    fn poll(state: String, _: Position, max_messages: u32, wait_ms: u32) -> Result<Polled, Error> {
        let settings = settings_of(&state)?;
        let response = send(
            &settings,
            &wire::receive(&settings.queue_url, max_messages, wait_ms),
        )?;
        Ok(Polled {
            messages: wire::messages(&response)?,
            cursor: None,
            ended: false,
            extra: Vec::new(),
        })
    }

    fn settle(state: String, verdicts: Vec<Verdict>) -> Result<(), Error> {
        let settings = settings_of(&state)?;
        let mut done = Vec::new();
        let mut again = Vec::new();
        for Verdict { receipt, action } in verdicts {
            match action {
                Action::Ack => done.push(receipt),
                Action::Retry(Some(after_ms)) => again.push((receipt, after_ms)),
                // The queue's own redrive policy moves dead letters.
                Action::Retry(None) | Action::DeadLetter(_) => {}
            }
        }
        let requests = wire::delete(&settings.queue_url, &done).into_iter();
        let mut result = Ok(());
        for request in requests.chain(wire::change_visibility(&settings.queue_url, &again)) {
            let response = send(&settings, &request)?;
            // A failure for one message must not keep back the verdicts on the others.
            result = result.and(wire::check_entries(&response));
        }
        result
    }
}

fn settings_of(state: &str) -> Result<Settings, Error> {
    Settings::read(state)
        .map_err(|_| Error::Permanent("the state was not written by this plugin".to_owned()))
}

/// Signs and sends a request; returns the body of a successful response.
fn send(settings: &Settings, request: &Request) -> Result<Vec<u8>, Error> {
    let variables = wasip2::cli::environment::get_environment();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let signed = sign::headers(
        &Credentials::from_variables(&variables),
        settings.authority(),
        settings.region.as_deref().unwrap_or(REGION),
        request.target,
        &request.body,
        now.map_or(0, |since| since.as_secs()),
    );
    let (status, body) =
        self::request(settings, &signed, request.body.as_bytes()).map_err(|reason| {
            Error::Transient(format!("{} cannot be reached: {reason}", settings.endpoint))
        })?;
    wire::check(status, &body)?;
    Ok(body)
}

/// Sends a request; returns the status and body of the response. The error says why there is none.
fn request(
    settings: &Settings,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<(u16, Vec<u8>), String> {
    let mut fields: Vec<(String, Vec<u8>)> = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect();
    fields.push((
        "content-length".to_owned(),
        body.len().to_string().into_bytes(),
    ));
    let request =
        OutgoingRequest::new(Fields::from_list(&fields).map_err(|error| error.to_string())?);
    let scheme = if settings.endpoint.starts_with("https:") {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let refused = |()| "the host rejected the request".to_owned();
    request.set_method(&Method::Post).map_err(refused)?;
    request.set_scheme(Some(&scheme)).map_err(refused)?;
    request
        .set_authority(Some(settings.authority()))
        .map_err(refused)?;
    request.set_path_with_query(Some("/")).map_err(refused)?;
    let outgoing = request.body().map_err(refused)?;
    let pending = outgoing_handler::handle(request, None).map_err(|error| describe(&error))?;
    {
        let stream = outgoing.write().map_err(refused)?;
        for chunk in body.chunks(4096) {
            stream
                .blocking_write_and_flush(chunk)
                .map_err(|error| error.to_string())?;
        }
    }
    OutgoingBody::finish(outgoing, None).map_err(|error| error.to_string())?;
    pending.subscribe().block();
    let response = match pending.get() {
        Some(Ok(Ok(response))) => response,
        Some(Ok(Err(error))) => return Err(describe(&error)),
        Some(Err(())) | None => return Err("the host returned no response".to_owned()),
    };
    let status = response.status();
    let lengths = response.headers().get("content-length");
    let length: usize = lengths
        .first()
        .and_then(|length| str::from_utf8(length).ok()?.parse().ok())
        .unwrap_or_default();
    let incoming = response.consume().map_err(refused)?;
    let stream = incoming.stream().map_err(refused)?;
    // A vector that grows while it is filled takes up to three times the memory.
    let mut whole = Vec::with_capacity(length.min(MAX_RESPONSE_BYTES));
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) => whole.extend(chunk),
            Err(StreamError::Closed) => return Ok((status, whole)),
            Err(error) => return Err(error.to_string()),
        }
        if whole.len() > MAX_RESPONSE_BYTES {
            return Err("the response is too long".to_owned());
        }
    }
}

/// The cause of a failed request, for the operator. For errors without a code of their own the host sends the text.
fn describe(error: &ErrorCode) -> String {
    match error {
        ErrorCode::InternalError(Some(reason)) => reason.clone(),
        ErrorCode::ConnectionRefused => "nothing listens there (connection refused)".to_owned(),
        ErrorCode::ConnectionTimeout => "the connection timed out".to_owned(),
        ErrorCode::ConnectionTerminated => "the connection ended before the response".to_owned(),
        ErrorCode::DnsError(_) => "its name cannot be resolved".to_owned(),
        ErrorCode::HttpRequestDenied => {
            "the host denied it: add this origin to `network` in `poll`".to_owned()
        }
        other => other.to_string(),
    }
}
