//! `lambkin invoke`: invokes a function once and prints its result.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use lambkin_http::Allowlist;
use lambkin_lambda::limits::SYNC_EVENT_BYTES;
use lambkin_lambda::{
    Account, Function, Lambda, Log, LogStyle, new_request_id, new_trace_id, now_ms,
};
use lambkin_model::{Invocation, InvokeError};
use tokio_util::sync::CancellationToken;

use crate::args::{GlobalArgs, Invoke};
use crate::assembly;
use crate::config::{self, Config, nearest};
use crate::event_input;
use crate::messages;

/// The exit code if the function returned an error, crashed or timed out.
pub const EXIT_FUNCTION_FAILED: u8 = 1;

/// Invokes the function, prints the result to standard output, and ends the function's processes.
pub async fn run(global: &GlobalArgs, args: &Invoke) -> anyhow::Result<ExitCode> {
    let log = messages::start_log(LogStyle::default())?;
    // Functions find each other here, as with `lambkin serve`.
    let listener = lambkin_http::bind((Ipv4Addr::LOCALHOST, 0).into()).await?;
    let (lambda, name) = find(global, &args.function, listener.local_addr()?, &log)?;
    let event = event_input::read(args.event.as_deref(), args.event_file.as_deref())?;
    serde_json::from_str::<&serde_json::value::RawValue>(&event)
        .with_context(|| format!("the event is not JSON: {}", excerpt(&event)))?;
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
            print(&error.payload, ExitCode::from(EXIT_FUNCTION_FAILED))
        }
        Err(error) => bail!("the function could not be invoked: {error}"),
    }
}

/// The function of the configuration with this name, or the function at this path.
/// They find the address of the Invoke API in a variable.
fn find(
    global: &GlobalArgs,
    wanted: &str,
    invoke: SocketAddr,
    log: &Log,
) -> anyhow::Result<(Lambda, String)> {
    let path = Path::new(wanted);
    let looks_like_a_path = wanted.contains('/') || wanted.ends_with(".zip");
    if looks_like_a_path || (path.exists() && !global.config.exists()) {
        let mut spec = config::ad_hoc(path, Path::new(""))?;
        assembly::offer_invoke_api(&mut spec, invoke);
        let account = Account {
            region: "us-east-1".to_owned(),
            id: "123456789012".to_owned(),
        };
        let name = spec.name.clone();
        return Ok((
            Lambda::new(
                account.clone(),
                [Function::new(spec, account, log.clone())],
                [],
            ),
            name,
        ));
    }
    let mut config = Config::read(&global.config)?;
    assembly::offer_endpoints(&mut config, &[], invoke);
    let lambda = assembly::lambda(&config, log);
    if lambda.function(wanted).is_none() {
        let names: Vec<&str> = lambda.names().collect();
        let hint = match nearest(wanted, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "it defines no functions".to_owned(),
            None => format!("it defines: {}", names.join(", ")),
        };
        bail!(
            "{} defines no function {wanted:?}; {hint}",
            global.config.display()
        );
    }
    Ok((lambda, wanted.to_owned()))
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
