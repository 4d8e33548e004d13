//! `lambkin invoke`: invokes a function once and prints its result.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use lambkin_http::Allowlist;
use lambkin_lambda::limits::SYNC_EVENT_BYTES;
use lambkin_lambda::{
    Account, Function, FunctionSpec, Lambda, Log, LogStyle, new_request_id, new_trace_id, now_ms,
};
use lambkin_model::{Invocation, InvokeError};
use tokio_util::sync::CancellationToken;

use crate::args::{GlobalArgs, Invoke};
use crate::assembly;
use crate::config::{
    self, AdHoc, Config, SandboxChoice, explain_handler, is_image, meant_handler, nearest,
};
use crate::event_input;
use crate::messages;

/// The exit code if the function returned an error, crashed or timed out.
pub const EXIT_FUNCTION_FAILED: u8 = 1;

/// Invokes the function, prints the result to standard output, and ends the function's processes.
pub async fn run(global: &GlobalArgs, args: &Invoke) -> anyhow::Result<ExitCode> {
    let log = messages::start_log(LogStyle::default())?;
    // Functions find each other here, as with `lambkin serve`.
    let listener = lambkin_http::bind((Ipv4Addr::LOCALHOST, 0).into()).await?;
    let (lambda, name) = find(global, args, listener.local_addr()?, &log).await?;
    let event = event_input::read(args.event.as_deref(), args.event_file.as_deref())?;
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
            print(&error.payload, ExitCode::from(EXIT_FUNCTION_FAILED))
        }
        Err(error) => bail!("the function could not be invoked: {error}"),
    }
}

/// The function of the configuration with this name, the function at this path, or the one of the current folder with
/// this handler. They find the address of the Invoke API in a variable.
async fn find(
    global: &GlobalArgs,
    args: &Invoke,
    invoke: SocketAddr,
    log: &Log,
) -> anyhow::Result<(Lambda, String)> {
    let wanted = args.function.as_str();
    let path = Path::new(wanted);
    let has_config = global.config.exists();
    if is_image(path) && (wanted.contains(['/', '.']) || !has_config) {
        return invoke_image(args, wanted, invoke, log).await;
    }
    let here = Path::new(".");
    let meant = meant_handler(here, wanted);
    // A file that exists is meant before a handler: `./app.py` could also be the function `py` of `./app`.
    let is_a_file = path.is_file() && wanted.contains(['/', '.']);
    let looks_like_a_path = is_a_file || (wanted.contains('/') && meant.is_none());
    if looks_like_a_path || wanted.ends_with(".zip") || (path.exists() && !has_config) {
        return ad_hoc(args, path, args.handler.as_deref(), invoke, log).await;
    }
    if has_config {
        let mut config = Config::read_with(&global.config, args.sandbox)?;
        let notes = assembly::choose_sandboxes(&mut config, args.sandbox).await?;
        config.notes.extend(notes);
        messages::print_notes(&config.notes);
        messages::print_notes(&config.problems);
        assembly::offer_endpoints(&mut config, invoke);
        let lambda = assembly::lambda(&config, log);
        if lambda.function(wanted).is_some() {
            if args.handler.is_some() || args.runtime.is_some() {
                bail!(
                    "--handler and --runtime are for code that {} does not configure; function {wanted} has its keys \
                     `handler` and `runtime` there",
                    global.config.display()
                );
            }
            return Ok((lambda, wanted.to_owned()));
        }
        if meant.is_none() {
            bail!("{}", not_defined(global, wanted, &lambda));
        }
    }
    let Some(meant) = meant else {
        if let Some(handlers) = explain_handler(here, wanted) {
            bail!(
                "{wanted:?} is no handler and no path, and there is no {} whose function it could be: {handlers}",
                global.config.display()
            );
        }
        // The error says what else could have been meant.
        Config::read(&global.config)?;
        bail!(
            "{} has just appeared; run the command again",
            global.config.display()
        );
    };
    ad_hoc(args, here, Some(&meant.handler), invoke, log).await
}

fn not_defined(global: &GlobalArgs, wanted: &str, lambda: &Lambda) -> String {
    let names: Vec<&str> = lambda.names().collect();
    let hint = match nearest(wanted, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "it defines no functions".to_owned(),
        None => format!("it defines: {}", names.join(", ")),
    };
    format!(
        "{} defines no function {wanted:?}; {hint}",
        global.config.display()
    )
}

/// A container image without a configuration.
async fn invoke_image(
    args: &Invoke,
    image: &str,
    invoke: SocketAddr,
    log: &Log,
) -> anyhow::Result<(Lambda, String)> {
    if args.handler.is_some() || args.runtime.is_some() {
        bail!(
            "--handler and --runtime are for code; {image} is a container image, whose command `image-config` replaces \
             in lambkin.toml"
        );
    }
    let mut spec = config::ad_hoc_image(image, Path::new("")).map_err(anyhow::Error::msg)?;
    let choice = args.sandbox.unwrap_or(SandboxChoice::Auto);
    let notes = assembly::choose_sandbox(&mut spec, choice).await?;
    messages::print_notes(&notes);
    Ok(only_function(spec, invoke, log))
}

/// A function without a configuration.
async fn ad_hoc(
    args: &Invoke,
    code: &Path,
    handler: Option<&str>,
    invoke: SocketAddr,
    log: &Log,
) -> anyhow::Result<(Lambda, String)> {
    let runtime = args.runtime.as_deref().map(config::read_name).transpose();
    let choice = args.sandbox.unwrap_or_default();
    let wanted = AdHoc {
        code,
        sandbox: choice,
        handler,
        runtime: runtime.map_err(|message| anyhow!("--runtime: {message}"))?,
    };
    let (mut spec, notes) = config::ad_hoc(wanted, Path::new(""))?;
    messages::print_notes(&notes);
    let notes = assembly::choose_sandbox(&mut spec, choice).await?;
    messages::print_notes(&notes);
    Ok(only_function(spec, invoke, log))
}

/// A function as the only one there is.
fn only_function(mut spec: FunctionSpec, invoke: SocketAddr, log: &Log) -> (Lambda, String) {
    assembly::offer_invoke_api(&mut spec, invoke);
    let account = Account {
        region: "us-east-1".to_owned(),
        id: "123456789012".to_owned(),
    };
    let name = spec.name.clone();
    let function = Function::new(spec, account.clone(), log.clone());
    (Lambda::new(account, [function], []), name)
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
