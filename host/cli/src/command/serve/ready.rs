//! What is printed when everything listens: lines for people, or one line of JSON. Keys may be added to the JSON, never
//! removed.

use std::io::{self, Write};

use super::endpoints::{Endpoints, TriggerEndpoint};
use crate::assembly::AuthorityFiles;
use crate::config::Config;

/// Prints where everything is to standard output. A reader that has closed it has read enough, perhaps before this
/// process started anew.
pub fn announce(json: bool, config: &Config, endpoints: &Endpoints) -> anyhow::Result<()> {
    match print(json, config, endpoints) {
        Err(error) if is_broken_pipe(&error) => Ok(()),
        printed => printed,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn print(json: bool, config: &Config, endpoints: &Endpoints) -> anyhow::Result<()> {
    if json {
        return announce_json(config, endpoints);
    }
    let mut out = io::stdout().lock();
    let functions: Vec<&str> = config.function_names().collect();
    let names = if functions.is_empty() {
        "no functions".to_owned()
    } else {
        functions.join(", ")
    };
    let invoke = endpoints.invoke.url()?;
    writeln!(out, "invoke API  {invoke}  ({names})")?;
    let services = endpoints.services.iter().zip(&config.services);
    for ((service, listener), configured) in services {
        let plugin = configured.section.plugin.name();
        let (name, url) = (service.service.name(), listener.url()?);
        writeln!(out, "service {name}  {url}  ({plugin})")?;
    }
    for TriggerEndpoint { trigger, url, .. } in &endpoints.triggers {
        let events_from = match url {
            Some(url) => url.clone(),
            None => trigger.configured.description(),
        };
        let (name, plugin) = (&trigger.name, &trigger.plugin);
        writeln!(out, "trigger {name}  {events_from}  ({plugin})")?;
        for line in trigger.configured.summary() {
            writeln!(out, "    {line}")?;
        }
    }
    for (name, value) in &endpoints.outputs {
        writeln!(out, "output {name}  {value}")?;
    }
    if let Some(AuthorityFiles { authority, trusted }) = &endpoints.authority {
        let (file, trusted) = (authority.display(), trusted.display());
        writeln!(
            out,
            "certificates are from {file}, which clients have to trust:"
        )?;
        writeln!(out, "    curl --cacert {file} https://…")?;
        writeln!(out, "    NODE_EXTRA_CA_CERTS={file}")?;
        writeln!(out, "    AWS_CA_BUNDLE={trusted}")?;
    }
    Ok(out.flush()?)
}

fn announce_json(config: &Config, endpoints: &Endpoints) -> anyhow::Result<()> {
    let mut services = serde_json::Map::new();
    for (service, listener) in &endpoints.services {
        services.insert(service.service.name().to_owned(), listener.url()?.into());
    }
    let mut triggers = serde_json::Map::new();
    for TriggerEndpoint { trigger, url, .. } in &endpoints.triggers {
        if let Some(url) = url {
            triggers.insert(trigger.name.clone(), url.clone().into());
        }
    }
    let outputs: serde_json::Map<_, _> = endpoints
        .outputs
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let mut ready = serde_json::json!({
        "event": "ready",
        "invoke": endpoints.invoke.url()?,
        "services": services,
        "triggers": triggers,
        "functions": config.function_names().collect::<Vec<_>>(),
    });
    if let Some(ready) = ready.as_object_mut()
        && !outputs.is_empty()
    {
        ready.insert("outputs".to_owned(), outputs.into());
    }
    if let (Some(ready), Some(files)) = (ready.as_object_mut(), &endpoints.authority) {
        for (key, file) in [("authority", &files.authority), ("trusted", &files.trusted)] {
            ready.insert(key.to_owned(), file.display().to_string().into());
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{ready}")?;
    Ok(out.flush()?)
}
