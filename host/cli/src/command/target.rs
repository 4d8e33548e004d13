//! What the argument FUNCTION of `invoke`, `doctor` and `exec` means: a function of the configuration, one at a path, or a
//! handler in the current folder.
//!
//! On failure: the error says what has been looked for where, and the nearest name.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use lambkin_image::Source;
use lambkin_lambda::{Account, Function, FunctionSpec, Lambda, Log};

use crate::args::{GlobalArgs, Target};
use crate::assembly;
use crate::command::unknown_target;
use crate::config::{
    self, AdHoc, Config, SandboxChoice, explain_handler, meant_handler, name_of, names_image,
    nearest,
};
use crate::messages;

/// What a command does with a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Invokes it.
    Invoke,
    /// Starts it or another command without invoking it: no debugger is started.
    Inspect,
}

/// The functions that were found, of which one is meant.
pub struct Found {
    pub lambda: Lambda,
    pub name: String,
}

impl Found {
    /// The function that is meant.
    pub fn function(&self) -> anyhow::Result<&Arc<Function>> {
        let found = self.lambda.function(&self.name);
        found.ok_or_else(|| anyhow!("the function {} has gone", self.name))
    }
}

/// The function of the configuration with this name, the function at this path, or the one of the current folder with
/// this handler. They find the Invoke API at the address `invoke`, if there is one.
pub async fn find(
    global: &GlobalArgs,
    args: &Target,
    purpose: Purpose,
    invoke: Option<SocketAddr>,
    log: &Log,
) -> anyhow::Result<Found> {
    let wanted = args.function.as_str();
    let path = Path::new(wanted);
    let has_config = global.config.exists();
    if names_image(wanted) && (wanted.contains(['/', '.']) || !has_config) {
        return image(args, wanted, invoke, log).await;
    }
    let here = Path::new(".");
    let meant = meant_handler(here, wanted);
    // `lambkin serve` gives this name to the function of a folder.
    if !has_config && meant.is_none() && !path.exists() && wanted == name_of(here) {
        return ad_hoc(args, here, args.handler.as_deref(), invoke, log).await;
    }
    // A file that exists is meant before a handler: `./app.py` could also be the function `py` of `./app`.
    let is_a_file = path.is_file() && wanted.contains(['/', '.']);
    // `Stack/Function` is the path of a construct.
    let is_construct = has_config && !wanted.starts_with(['.', '/']) && !path.exists();
    let looks_like_a_path = is_a_file || (wanted.contains('/') && meant.is_none() && !is_construct);
    if looks_like_a_path || wanted.ends_with(".zip") || (path.exists() && !has_config) {
        return ad_hoc(args, path, args.handler.as_deref(), invoke, log).await;
    }
    if has_config {
        let mut config = Config::read_with(&global.config, &global.choices(args.sandbox))?;
        if purpose == Purpose::Inspect {
            config.leave_undebugged(&global.config);
        }
        // One call is made, whose start need not fail twice.
        for spec in &mut config.functions {
            spec.lifecycle.repeats_init = false;
        }
        let notes = assembly::choose_sandboxes(&mut config, args.sandbox).await?;
        config.notes.extend(notes);
        let address = invoke.unwrap_or(config.invoke.listen);
        assembly::offer_endpoints(&mut config, address);
        let lambda = assembly::lambda(&config, log);
        let other = config.named(wanted).map(str::to_owned);
        let wanted = other.as_deref().unwrap_or(wanted);
        if lambda.function(wanted).is_some() {
            print_notes(&config, wanted, purpose);
            if args.handler.is_some() || args.runtime.is_some() {
                bail!(
                    "--handler and --runtime are for code that {} does not configure; function {wanted} has its keys \
                     `handler` and `runtime` there",
                    global.config.display()
                );
            }
            return Ok(Found {
                lambda,
                name: wanted.to_owned(),
            });
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
        bail!("{}", unknown_target::explain(&global.config, wanted));
    };
    ad_hoc(args, here, Some(&meant.handler), invoke, log).await
}

/// Prints what the developer should know: of all functions, as they may invoke each other, or of one that is inspected.
fn print_notes(config: &Config, wanted: &str, purpose: Purpose) {
    let name = wanted.split(':').next().unwrap_or(wanted);
    let of_others = |note: &&String| {
        let mut others = config.function_names().filter(|other| *other != name);
        purpose == Purpose::Inspect
            && others.any(|other| note.starts_with(&format!("function {other}")))
    };
    let notes = config.notes.iter().chain(&config.problems);
    let kept: Vec<String> = notes.filter(|note| !of_others(note)).cloned().collect();
    messages::print_notes(&kept);
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

/// A function without a configuration.
async fn ad_hoc(
    args: &Target,
    code: &Path,
    handler: Option<&str>,
    invoke: Option<SocketAddr>,
    log: &Log,
) -> anyhow::Result<Found> {
    let runtime = args.runtime.as_deref().map(config::read_name).transpose();
    if let Some(error) = unknown_target::explain_image(code) {
        bail!("{error}");
    }
    let choice = args.sandbox.unwrap_or_default();
    let wanted = AdHoc {
        code,
        sandbox: choice,
        handler,
        runtime: runtime.map_err(|message| anyhow!("--runtime: {message}"))?,
    };
    if code.is_file()
        && let Some(error) = Source::unbuilt(code)
    {
        bail!("{error}");
    }
    let (mut spec, notes) = config::ad_hoc(wanted, Path::new(""))?;
    // A Dockerfile beside code that can be started, or is meant to be, does not matter.
    let is_startable = spec.check_program().is_ok() || code.join("bootstrap").exists();
    if !is_startable
        && handler.is_none()
        && notes.is_empty()
        && let Some(error) = Source::unbuilt(code)
    {
        bail!("{error}");
    }
    messages::print_notes(&notes);
    let notes = assembly::choose_sandbox(&mut spec, choice).await?;
    messages::print_notes(&notes);
    Ok(only_function(spec, invoke, log))
}

/// A container image without a configuration.
async fn image(
    args: &Target,
    image: &str,
    invoke: Option<SocketAddr>,
    log: &Log,
) -> anyhow::Result<Found> {
    if args.handler.is_some() || args.runtime.is_some() {
        bail!(
            "--handler and --runtime are for code; {image} is a container image, whose command `image-config` replaces in \
             lambkin.toml"
        );
    }
    let mut spec = config::ad_hoc_image(image, Path::new("")).map_err(anyhow::Error::msg)?;
    let choice = args.sandbox.unwrap_or(SandboxChoice::Auto);
    let notes = assembly::choose_sandbox(&mut spec, choice).await?;
    messages::print_notes(&notes);
    Ok(only_function(spec, invoke, log))
}

/// A function as the only one there is.
fn only_function(mut spec: FunctionSpec, invoke: Option<SocketAddr>, log: &Log) -> Found {
    spec.lifecycle.repeats_init = false;
    if let Some(invoke) = invoke {
        assembly::offer_invoke_api(&mut spec, invoke);
    }
    let account = Account {
        region: "us-east-1".to_owned(),
        id: "123456789012".to_owned(),
    };
    let name = spec.name.clone();
    let function = Function::new(spec, account.clone(), log.clone());
    Found {
        lambda: Lambda::new(account, [function], []),
        name,
    }
}
