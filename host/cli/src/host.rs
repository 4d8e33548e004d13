//! Wiring: from a configuration to functions, plugins and front doors.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use lambkin_lambda::{Asynchronous, Function, Lambda, Log};
use lambkin_plugin::{ConfigureError, HttpTrigger, Options, Plugin, PluginHost};

use crate::args::Place;
use crate::config::{Config, PluginSource, Problem, Trigger, nearest};

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

/// What accepts and runs the events of asynchronous invocations.
pub fn asynchronous(config: &Config) -> Asynchronous {
    let settings = &config.asynchronous;
    Asynchronous::new(&settings.store, settings.config.clone())
}

/// The plugin host, with the cache the operator wants.
pub fn plugin_host(place: &Place) -> anyhow::Result<PluginHost> {
    let cache = if place.no_cache {
        None
    } else {
        place.cache_dir.clone().or_else(user_cache)
    };
    Ok(PluginHost::new(Options { cache })?)
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

/// Loads the plugin of a trigger. An error points at the trigger's `plugin` key.
async fn load(host: &PluginHost, trigger: &Trigger, config: &Config) -> anyhow::Result<Plugin> {
    let bytes = match &trigger.plugin {
        PluginSource::BuiltIn(name) => Bytes::from_static(
            lambkin_builtin::find(name)
                .ok_or_else(|| anyhow!("there is no built-in plugin {name}"))?,
        ),
        PluginSource::File(path) => std::fs::read(path)
            .with_context(|| format!("can not read {}", path.display()))?
            .into(),
    };
    let loaded = host.load(&trigger.plugin.name(), bytes).await;
    loaded.map_err(|error| {
        anyhow!(
            "{}",
            config.render(&[trigger.plugin_problem(error.to_string())])
        )
    })
}

/// Loads and configures the plugin of a trigger, and checks that its functions exist.
pub async fn http_trigger(
    host: &PluginHost,
    trigger: &Trigger,
    config: &Config,
) -> anyhow::Result<HttpTrigger> {
    let plugin = load(host, trigger, config).await?;
    let configured = match plugin.http_trigger(&trigger.name, &trigger.settings).await {
        Ok(configured) => configured,
        Err(ConfigureError::Problems(problems)) => {
            let problems: Vec<Problem> = problems
                .into_iter()
                .map(|problem| trigger.problem(&problem.at, problem.message))
                .collect();
            bail!("{}", config.render(&problems));
        }
        Err(error) => bail!(
            "{}",
            config.render(&[trigger.plugin_problem(error.to_string())])
        ),
    };
    let unknown: Vec<Problem> = configured
        .functions()
        .iter()
        .filter_map(|function| unknown_function(function, trigger, config))
        .collect();
    if !unknown.is_empty() {
        bail!("{}", config.render(&unknown));
    }
    Ok(configured)
}

fn unknown_function(function: &str, trigger: &Trigger, config: &Config) -> Option<Problem> {
    let (name, qualifier) = match function.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (function, None),
    };
    let (what, wrong, known): (_, _, Vec<&str>) = match qualifier {
        _ if !config.function_names().any(|known| known == name) => {
            ("function", name, config.function_names().collect())
        }
        Some(qualifier) if !config.qualifiers(name).any(|known| known == qualifier) => (
            "version or alias",
            qualifier,
            config.qualifiers(name).collect(),
        ),
        _ => return None,
    };
    let hint = match nearest(wrong, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("defined are: {}", known.join(", ")),
    };
    Some(trigger.problem(
        &[],
        format!(
            "invokes the {what} {wrong:?}{}, which is not defined; {hint}",
            of(what, name)
        ),
    ))
}

/// Whose version is missing.
fn of(what: &str, name: &str) -> String {
    match what {
        "function" => String::new(),
        _ => format!(" of {name}"),
    }
}

/// All triggers, configured, at the same time.
pub async fn http_triggers(
    host: &PluginHost,
    config: &Arc<Config>,
) -> Vec<anyhow::Result<HttpTrigger>> {
    let mut tasks = Vec::new();
    for index in 0..config.triggers.len() {
        let (host, config) = (host.clone(), Arc::clone(config));
        tasks.push(tokio::spawn(async move {
            let trigger = config
                .triggers
                .get(index)
                .context("a trigger has vanished")?;
            http_trigger(&host, trigger, &config).await
        }));
    }
    let mut triggers = Vec::new();
    for task in tasks {
        triggers.push(
            task.await
                .unwrap_or_else(|panic| Err(anyhow!("loading a plugin failed: {panic}"))),
        );
    }
    triggers
}
