//! `lambkin invoke`: invokes a function once and prints its result.

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use lambkin_http::Allowlist;
use lambkin_lambda::limits::SYNC_EVENT_BYTES;
use lambkin_lambda::{LogStyle, NOT_STARTED, new_request_id, new_trace_id, now_ms};
use lambkin_model::{FunctionErrorKind, Invocation, InvokeError};
use tokio_util::sync::CancellationToken;

use super::event;
use super::target::{self, Found, Purpose};
use crate::args::{GlobalArgs, Invoke};
use crate::event_input;
use crate::messages;

/// The exit code if the function returned an error, crashed or timed out.
pub const EXIT_FUNCTION_FAILED: u8 = 1;

/// The exit code if the function's program could not be started.
const EXIT_NOT_STARTED: u8 = 2;

/// Invokes the function, prints the result to standard output, and ends the function's processes.
pub async fn run(global: &GlobalArgs, args: &Invoke) -> anyhow::Result<ExitCode> {
    let sample = event::of_option(global, &args.sample).await?;
    let log = messages::start_log(LogStyle::default())?;
    // Functions find each other here, as with `lambkin serve`.
    let listener = lambkin_http::bind((Ipv4Addr::LOCALHOST, 0).into()).await?;
    let address = Some(listener.local_addr()?);
    let Found { lambda, name } =
        target::find(global, &args.target, Purpose::Invoke, address, &log).await?;
    let event = match sample {
        Some(event) => event,
        None => event_input::read(args.event.as_deref(), args.event_file.as_deref())?,
    };
    serde_json::from_str::<&serde_json::value::RawValue>(&event).with_context(|| {
        let text = excerpt(&event);
        let is_file = args
            .event
            .as_deref()
            .is_some_and(|event| Path::new(event).is_file());
        match is_file {
            true => format!("the event is not JSON, but the name of a file; to read it: -e {text}"),
            false => format!("the event is not JSON: {text}"),
        }
    })?;
    if event.len() > SYNC_EVENT_BYTES {
        bail!(
            "the event has {} bytes, of which Lambda allows {SYNC_EVENT_BYTES}; AWS answers it with status 413",
            event.len()
        );
    }
    let client_context = args.client_context.as_deref().map(compact).transpose()?;
    let invocation = Invocation {
        client_context,
        // The log has these lines already. Asking for the tail makes the call wait for the REPORT line.
        wants_log_tail: true,
        ..Invocation::new(new_request_id(), event.into_bytes(), new_trace_id(now_ms()))
    };
    let stop = CancellationToken::new();
    let server = lambkin_invoke_api::serve(listener, Allowlist::default(), stop, lambda.clone());
    let invoked = tokio::select! {
        invoked = lambda.invoke(&name, invocation) => invoked,
        // It ends only when it is cancelled.
        () = server => bail!("the Invoke API for the function has ended"),
    };
    lambda.close().await;
    log.flush();
    match invoked.result {
        Ok(payload) => print(&payload, ExitCode::SUCCESS),
        Err(InvokeError::Function(error)) => {
            let code = match error.kind {
                FunctionErrorKind::Platform(NOT_STARTED) => EXIT_NOT_STARTED,
                _ => EXIT_FUNCTION_FAILED,
            };
            print(&error.payload, ExitCode::from(code))
        }
        Err(error) => bail!("the function could not be invoked: {error}"),
    }
}

/// JSON on one line, as the header for the runtime requires.
fn compact(json: &str) -> anyhow::Result<String> {
    let value: serde_json::Value = serde_json::from_str(json)
        .with_context(|| format!("the client context is not JSON: {}", excerpt(json)))?;
    Ok(value.to_string())
}

fn excerpt(text: &str) -> String {
    let start: String = text.chars().take(60).collect();
    if start.len() < text.len() {
        format!("{start}…")
    } else {
        start
    }
}

fn print(payload: &[u8], code: ExitCode) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(payload)?;
    if !payload.ends_with(b"\n") {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(code)
}
