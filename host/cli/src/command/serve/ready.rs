//! What is said when everything listens: lines for people, or one line of JSON whose keys are only ever added to.

use std::io::Write;

use tokio::net::TcpListener;

use super::fronts::Fronts;
use crate::config::Config;

/// Says where everything is, on standard output.
pub fn announce(
    json: bool,
    config: &Config,
    invoke: &TcpListener,
    fronts: &Fronts,
) -> anyhow::Result<()> {
    if json {
        return announce_json(invoke, fronts);
    }
    let mut out = std::io::stdout().lock();
    let functions: Vec<&str> = config.function_names().collect();
    let names = if functions.is_empty() {
        "no functions".to_owned()
    } else {
        functions.join(", ")
    };
    writeln!(out, "invoke API  {}  ({names})", url(invoke)?)?;
    for ((service, listener), configured) in fronts.services.iter().zip(&config.services) {
        let plugin = configured.section.plugin.name();
        let (name, url) = (service.service.name(), url(listener)?);
        writeln!(out, "service {name}  {url}  ({plugin})")?;
    }
    for (trigger, listener) in &fronts.triggers {
        let feed = match listener {
            Some(listener) => url(listener)?,
            None => trigger.feed(),
        };
        writeln!(
            out,
            "trigger {}  {feed}  ({})",
            trigger.name, trigger.plugin
        )?;
        for line in trigger.summary() {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(out.flush()?)
}

fn announce_json(invoke: &TcpListener, fronts: &Fronts) -> anyhow::Result<()> {
    let mut services = serde_json::Map::new();
    for (service, listener) in &fronts.services {
        services.insert(service.service.name().to_owned(), url(listener)?.into());
    }
    let mut triggers = serde_json::Map::new();
    for (trigger, listener) in &fronts.triggers {
        if let Some(listener) = listener {
            triggers.insert(trigger.name.clone(), url(listener)?.into());
        }
    }
    let ready = serde_json::json!({
        "event": "ready",
        "invoke": url(invoke)?,
        "services": services,
        "triggers": triggers,
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ready}")?;
    Ok(out.flush()?)
}

fn url(listener: &TcpListener) -> anyhow::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}
