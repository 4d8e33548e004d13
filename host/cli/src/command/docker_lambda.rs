//! `lambkin docker-lambda`: runs one function as a drop-in replacement for docker-lambda, for one event or until a
//! signal comes.
//!
//! For one event, the result is the last line on standard output, and everything else goes to standard error. In
//! stay-open mode, the function's standard output and standard error are passed on unchanged. After SIGHUP the next
//! invocation starts a new process; SIGINT and SIGTERM end everything at once.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use lambkin_invoke_api::emulator::docker_lambda;
use lambkin_lambda::{Function, Log, new_request_id, new_trace_id, now_ms};
use lambkin_model::{Invocation, InvokeError};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::invoke::EXIT_FUNCTION_FAILED;
use super::signals::Signals;
use crate::assembly::offer_invoke_api;
use crate::compat::address::check_free;
use crate::compat::container::loopback_note;
use crate::compat::docker_lambda::{Input, LAYERS, LISTEN_ON_ALL, Mode, Settings};
use crate::config::FunctionInputs;
use crate::event_input;
use crate::messages;
use crate::watch::{self, Watched};

/// Runs the function once, or until a signal comes.
pub async fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    if let Some(address) = settings.function.runtime_api {
        check_free("DOCKER_LAMBDA_RUNTIME_PORT", address)?;
    }
    let log = messages::start_log(settings.log_style)?;
    messages::print_notes(&settings.notes);
    let mut spec = settings.function;
    let mode = match settings.mode {
        Mode::Once(input) => Ready::Once(input),
        Mode::StayOpen {
            listen,
            on_loopback_by_default,
        } => {
            let listener = bind(listen).await?;
            offer_invoke_api(&mut spec, listener.local_addr()?);
            Ready::StayOpen(listener, on_loopback_by_default)
        }
    };
    let function = Function::new(spec, settings.account, log.clone());
    if settings.watch {
        watch(&function, &log)?;
    }
    let code = match mode {
        Ready::Once(input) => once(&function, input, &log).await,
        Ready::StayOpen(listener, on_loopback) => stay_open(&function, listener, on_loopback).await,
    };
    function.close().await;
    log.flush();
    code
}

/// A [`Mode`] whose listener is bound.
enum Ready {
    Once(Input),
    /// The listener, and whether it is on the loopback interface because no address was given.
    StayOpen(TcpListener, bool),
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    lambkin_http::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; choose another port with DOCKER_LAMBDA_API_PORT")
    })
}

/// Starts restarting the function when its code or a layer changes. Its variables stay the same.
fn watch(function: &Arc<Function>, log: &Log) -> anyhow::Result<()> {
    let spec = function.spec();
    let layers = Path::new(LAYERS);
    let mut inputs = FunctionInputs::new(std::env::temp_dir());
    inputs.code.clone_from(&spec.code.task_root);
    inputs.layers = layers
        .is_dir()
        .then(|| layers.to_owned())
        .into_iter()
        .collect();
    inputs.variables.own = spec.variables.get();
    let project = watch::project_of(&spec.code.task_root);
    let watched = Watched::new(Arc::clone(function), inputs, project)?;
    watch::start(vec![watched], None, None, log.clone())
}

async fn once(function: &Arc<Function>, input: Input, log: &Log) -> anyhow::Result<ExitCode> {
    let event = match input.event {
        Some(event) => event.into_bytes(),
        None => event_input::standard_input()?,
    };
    let trace_id = input.trace_id.unwrap_or_else(|| new_trace_id(now_ms()));
    let invocation = Invocation {
        cognito_identity: input.cognito_identity,
        client_context: input.client_context,
        // Asking for the tail makes the call wait for the REPORT line.
        wants_log_tail: true,
        ..Invocation::new(new_request_id(), event, trace_id)
    };
    let outcome = function.invoke(invocation).await;
    log.flush();
    let (payload, code) = match outcome.result {
        Ok(payload) => (payload, ExitCode::SUCCESS),
        Err(InvokeError::Function(error)) => (error.payload, ExitCode::from(EXIT_FUNCTION_FAILED)),
        Err(error) => bail!("the function could not be invoked: {error}"),
    };
    let mut out = std::io::stdout().lock();
    out.write_all(b"\n")?;
    out.write_all(&on_one_line(&payload))?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(code)
}

/// JSON without line ends, which are insignificant there. Other text is returned unchanged.
fn on_one_line(payload: &[u8]) -> Vec<u8> {
    let mut line = payload.to_vec();
    if serde_json::from_slice::<&serde_json::value::RawValue>(payload).is_ok() {
        line.retain(|byte| !matches!(byte, b'\n' | b'\r'));
    }
    line
}

async fn stay_open(
    function: &Arc<Function>,
    listener: TcpListener,
    on_loopback_by_default: bool,
) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let mut hangups = signal(SignalKind::hangup())?;
    let port = listener.local_addr()?.port();
    eprintln!("Lambda API listening on port {port}...");
    if on_loopback_by_default {
        eprintln!("{}", loopback_note(LISTEN_ON_ALL));
    }
    let server = docker_lambda::serve(
        listener,
        function.spec().allowlist.clone(),
        CancellationToken::new(),
        Arc::clone(function),
    );
    tokio::pin!(server);
    loop {
        tokio::select! {
            () = &mut server => break,
            () = signals.received() => break,
            _ = hangups.recv() => {
                eprintln!("SIGHUP received, restarting bootstrap...");
                function.retire_environments();
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::on_one_line;

    #[test]
    fn json_is_put_on_one_line_and_other_text_is_unchanged() {
        assert_eq!(
            on_one_line(b"{\r\n \"a\": \"b\\n\"\n}"),
            br#"{ "a": "b\n"}"#
        );
        assert_eq!(on_one_line(b"two\nlines"), b"two\nlines");
    }
}
