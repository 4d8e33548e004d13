//! `lambkin rie`: runs one function as a drop-in replacement for AWS's Runtime Interface Emulator (RIE).
//!
//! As with RIE, the lines START, END and REPORT and the function's standard output go to standard output; the
//! function's standard error and the program's messages go to standard error. A signal ends everything at once.

use std::process::ExitCode;

use anyhow::Context;
use lambkin_invoke_api::emulator::rie;
use lambkin_lambda::{Destination, Entry, Function, Lambda, LogStyle, Managed};
use tokio_util::sync::CancellationToken;

use super::signals::Signals;
use crate::assembly::offer_invoke_api;
use crate::compat::address::check_free;
use crate::compat::container::loopback_note;
use crate::compat::rie::{EMULATOR, Settings};
use crate::messages;

/// Runs until a signal comes.
pub async fn run(mut settings: Settings) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    if let Some(address) = settings.function.runtime_api {
        check_free("--runtime-api-address", address)?;
    }
    let listener = lambkin_http::bind(settings.listen).await.with_context(|| {
        format!(
            "cannot listen on {}; choose another address with --runtime-interface-emulator-address",
            settings.listen
        )
    })?;
    announce(&settings, &listener)?;
    offer_invoke_api(&mut settings.function, listener.local_addr()?);
    let log = messages::start_log(LogStyle {
        function_stdout: Destination::Stdout,
        platform: Destination::Stdout,
        ..LogStyle::default()
    })?;
    messages::print_notes(&settings.notes);
    let allowlist = settings.function.allowlist.clone();
    let function = Function::new(settings.function, settings.account.clone(), log.clone());
    let lambda = Lambda::new(settings.account, [function], []);
    tokio::select! {
        () = rie::serve(listener, allowlist, CancellationToken::new(), lambda.clone()) => {}
        () = signals.received() => {}
    }
    lambda.close().await;
    log.flush();
    Ok(ExitCode::SUCCESS)
}

fn announce(settings: &Settings, listener: &tokio::net::TcpListener) -> anyhow::Result<()> {
    if settings.init_caching {
        tracing::warn!(
            "--enable-init-caching has no effect: lambkin has no snapshots to restore from"
        );
    }
    let function = &settings.function;
    let program = match &function.code.entry {
        Entry::Command(words) => words.first().map_or("", String::as_str),
        Entry::Managed(Managed {
            command: Ok(words), ..
        }) => words.first().map_or("", String::as_str),
        _ => "bootstrap",
    };
    tracing::info!(
        "exec '{program}' (cwd={}, handler={})",
        function.code.task_root.display(),
        function.handler
    );
    if let Err(error) = function.check_program() {
        tracing::error!("{error}");
    }
    let address = listener.local_addr()?;
    tracing::info!("listening on http://{address}");
    if settings.on_loopback_by_default {
        let how = format!("use {EMULATOR} 0.0.0.0:{}", address.port());
        tracing::info!("{}", loopback_note(&how));
    }
    Ok(())
}
