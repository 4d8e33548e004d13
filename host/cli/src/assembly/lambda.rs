//! The functions of a configuration, and their asynchronous invocation.

use lambkin_lambda::{Asynchronous, Function, FunctionSpec, Lambda, Log};

use super::storage::Storage;
use crate::config::Config;

/// The functions of a configuration.
pub fn lambda(config: &Config, log: &Log) -> Lambda {
    let function =
        |spec: &FunctionSpec| Function::new(spec.clone(), config.account.clone(), log.clone());
    Lambda::new(
        config.account.clone(),
        config.functions.iter().map(function),
        config.aliases.iter().cloned(),
    )
}

/// What accepts and runs asynchronous invocations. Without `storage` it opens the store when the first event is
/// accepted.
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
