//! Wiring: from a configuration to functions, plugins, stores and front doors.

mod functions;
mod plugins;
mod services;
mod storage;
mod triggers;

use std::path::PathBuf;

use lambkin_lambda::{Asynchronous, Function, Lambda, Log};
use lambkin_plugin::ConfigureError;

use crate::config::{Config, Diagnostic, Section};

use functions::{resolve, unknown_function};
pub use plugins::Plugins;
pub use services::{configure_service, offer_services};
pub use storage::Storage;
pub use triggers::{Front, Joined, configure_trigger, warning};

/// The functions of a configuration.
pub fn lambda(config: &Config, log: &Log) -> Lambda {
    let function = |spec: &lambkin_lambda::FunctionSpec| {
        Function::new(spec.clone(), config.account.clone(), log.clone())
    };
    Lambda::new(
        config.account.clone(),
        config.functions.iter().map(function),
        config.aliases.iter().cloned(),
    )
}

/// What accepts and runs the events of asynchronous invocations. It opens a store of its own when it needs one, unless
/// there is one.
pub fn asynchronous(config: &Config, storage: Option<&Storage>) -> Asynchronous {
    let settings = &config.asynchronous;
    match storage {
        None => Asynchronous::new(&settings.store, settings.config.clone()),
        Some(storage) => Asynchronous::with_store(
            &settings.store,
            settings.config.clone(),
            storage.store.clone(),
        ),
    }
}

/// Why a plugin did not accept its section, where the operator wrote it.
fn diagnostics_of(error: ConfigureError, section: &Section) -> Vec<Diagnostic> {
    match error {
        ConfigureError::Problems(problems) => problems
            .into_iter()
            .map(|problem| section.diagnostic_at(&problem.at, problem.message))
            .collect(),
        error => vec![section.plugin_diagnostic(error.to_string())],
    }
}

/// `$XDG_CACHE_HOME/lambkin`, else `~/.cache/lambkin`; none without a home.
fn user_cache() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = set("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(base.join("lambkin"))
}
