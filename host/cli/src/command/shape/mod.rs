//! `lambkin shape`: the event that a trigger makes of a request, of messages or of a change of an object, without invoking
//! anything.

mod batch;
mod http;
mod indent;
mod object;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use lambkin_plugin::{BatchTrigger, Decision, HttpTrigger, ObjectTrigger, Target};

use crate::args::{GlobalArgs, Shape};
use crate::assembly::{self, Front, Plugins};
use crate::config::{Config, FIFO_SUFFIX, Trigger, nearest};
use indent::indent;

/// Prints the event to standard output; to standard error, whom it is for.
pub async fn run(global: &GlobalArgs, args: &Shape) -> anyhow::Result<ExitCode> {
    let config = Config::read(&global.config)?;
    let trigger = find(&config, &args.trigger)?;
    let plugins = Plugins::load(global, &[], &[trigger]).await?;
    let joined = match assembly::configure_trigger(&plugins, trigger, &config).await {
        Ok(joined) => joined,
        Err(problems) => bail!("{}", config.render(&problems)),
    };
    match joined.front {
        Front::Http(listen, http) => shape_request(args, listen, &http).await?,
        Front::Queue(name, batch) => {
            shape_messages(args, name.ends_with(FIFO_SUFFIX), &batch).await?;
        }
        Front::Poll(source, batch) => {
            shape_messages(args, source.origin().ordered, &batch).await?;
        }
        Front::Bucket(bucket, object) => shape_change(args, &bucket, &object).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn find<'a>(config: &'a Config, wanted: &str) -> anyhow::Result<&'a Trigger> {
    if let Some(trigger) = config
        .triggers
        .iter()
        .find(|trigger| trigger.name == wanted)
    {
        return Ok(trigger);
    }
    let names = || config.triggers.iter().map(|trigger| trigger.name.as_str());
    match nearest(wanted, names()) {
        Some(near) => bail!("there is no trigger {wanted:?}; did you mean `{near}`?"),
        None => bail!(
            "there is no trigger {wanted:?}; defined are: {}",
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}

async fn shape_request(
    args: &Shape,
    listen: std::net::SocketAddr,
    trigger: &HttpTrigger,
) -> anyhow::Result<()> {
    match trigger.shape(&http::request(args, listen)?).await? {
        Decision::Invoke(shaped) => {
            eprintln!("invokes {} with", shaped.function);
            print(&shaped.event)
        }
        Decision::Reply(response) => {
            eprintln!("answers without invoking a function:");
            let mut out = std::io::stdout().lock();
            http::print_response(&mut out, response)?;
            Ok(out.flush()?)
        }
    }
}

async fn shape_messages(args: &Shape, ordered: bool, trigger: &BatchTrigger) -> anyhow::Result<()> {
    let messages = batch::messages(args, ordered)?;
    let most = trigger.batching().max_messages;
    if messages.len() > most {
        bail!(
            "{} messages are more than one batch of {}, which takes {most}",
            messages.len(),
            args.trigger
        );
    }
    let shaped = trigger.shape(&messages).await?;
    for (index, message) in messages.iter().enumerate() {
        if shaped.skipped.contains(&message.id) {
            eprintln!(
                "message {} is not wanted, and removed from the queue",
                index + 1
            );
        }
    }
    match shaped.event {
        Some(event) => {
            eprintln!("invokes {} with", trigger.function());
            print(&event)
        }
        None => {
            eprintln!("invokes no function");
            Ok(())
        }
    }
}

async fn shape_change(args: &Shape, bucket: &str, trigger: &ObjectTrigger) -> anyhow::Result<()> {
    let change = object::change(args, bucket)?;
    let Some(event) = trigger.shape(&change).await? else {
        eprintln!("{} of {} is not wanted", change.event, change.key);
        return Ok(());
    };
    match trigger.target() {
        Target::Function(function) => eprintln!("invokes {function} with"),
        Target::Queue(queue) => eprintln!("sends to the queue {queue}"),
    }
    print(&event)
}

fn print(event: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", indent(event))?;
    Ok(out.flush()?)
}

/// What was typed, or what is in the file it names.
fn read_body(data: &str) -> anyhow::Result<Vec<u8>> {
    match data.strip_prefix('@') {
        Some(path) => {
            std::fs::read(path).with_context(|| format!("can not read the body from {path}"))
        }
        None => Ok(data.as_bytes().to_vec()),
    }
}

/// The time that made-up messages and changes have: 2026-01-01T00:00:00Z.
const AT_MS: u64 = 1_767_225_600_000;

/// The UUID of the made-up thing of this number.
fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
