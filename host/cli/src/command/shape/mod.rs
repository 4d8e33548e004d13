//! `lambkin shape`: prints the event that a trigger makes of a request, of messages or of a change of an object, and
//! what its plugin makes of an outcome.
//!
//! Nothing is invoked, unless the user asks for it.

mod indent;
mod outcome;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::ExitCode;

use anyhow::bail;
use lambkin_http::Allowlist;
use lambkin_lambda::LogStyle;
use lambkin_model::HttpResponse;
use lambkin_trigger::{ConfiguredTrigger, Outcomes, Place, Preview, Sample, Shown};
use tokio_util::sync::CancellationToken;

use crate::args::{GlobalArgs, Shape};
use crate::assembly::{self, Plugins};
use crate::config::{Config, Trigger, nearest};
use crate::{event_input, messages};
pub use indent::indent;

/// Prints events, and the plugin's response or settlement, to standard output, and notes about them to standard error.
pub async fn run(global: &GlobalArgs, args: &Shape) -> anyhow::Result<ExitCode> {
    let mut config = Config::read_with(&global.config, &global.choices(None))?;
    let trigger = find(&config, &args.trigger)?;
    let sample = Sample {
        neighbors: neighbors(trigger, &config),
        ..sample(args)?
    };
    if args.test_invoke && trigger.source.listen_address().is_none() {
        eprintln!(
            "note: --test-invoke has no effect: the trigger {} takes no requests",
            trigger.name
        );
    }
    let plugins = Plugins::load(global, &[], &[trigger]).await?;
    let trigger = match assembly::configure_trigger(&plugins, trigger, &config).await {
        Ok(trigger) => trigger,
        Err(diagnostics) => bail!("{}", config.render(&diagnostics)),
    };
    let preview = if args.invoke {
        preview_with_functions(&*trigger.configured, &sample, &mut config).await?
    } else {
        let outcomes = args.outcomes.iter().map(|it| outcome::read(it));
        let outcomes = outcomes.collect::<anyhow::Result<VecDeque<_>>>()?;
        let mut outcomes = Outcomes::Given(outcomes);
        trigger.configured.preview(&sample, &mut outcomes).await?
    };
    write(preview)?;
    Ok(ExitCode::SUCCESS)
}

/// Invokes the functions of the configuration for the preview, as `lambkin invoke` does.
async fn preview_with_functions(
    trigger: &dyn ConfiguredTrigger,
    sample: &Sample,
    config: &mut Config,
) -> anyhow::Result<Preview> {
    let log = messages::start_log(LogStyle::default())?;
    let listener = lambkin_http::bind((Ipv4Addr::LOCALHOST, 0).into()).await?;
    let notes = assembly::choose_sandboxes(config, None).await?;
    messages::print_notes(&notes);
    assembly::offer_endpoints(config, listener.local_addr()?);
    let lambda = assembly::lambda(config, &log);
    let stop = CancellationToken::new();
    let server = lambkin_invoke_api::serve(listener, Allowlist::default(), stop, lambda.clone());
    let mut outcomes = Outcomes::Invoked(lambda.clone());
    let preview = tokio::select! {
        preview = trigger.preview(sample, &mut outcomes) => preview,
        // It ends only when it is cancelled.
        () = server => bail!("the Invoke API for the function has ended"),
    };
    lambda.close().await;
    log.flush();
    Ok(preview?)
}

fn write(preview: Preview) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for shown in preview.0 {
        match shown {
            Shown::Note(note) => {
                out.flush()?;
                eprintln!("{note}");
            }
            Shown::Event(event) => writeln!(out, "{}", indent(&event))?,
            Shown::Response(response) => write_response(&mut out, response)?,
            Shown::Action(action) => writeln!(out, "{action}")?,
        }
    }
    out.flush()
}

fn find<'a>(config: &'a Config, wanted: &str) -> anyhow::Result<&'a Trigger> {
    let mut triggers = config.triggers.iter();
    if let Some(trigger) = triggers.find(|trigger| trigger.name == wanted) {
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

/// The names and places of the other triggers at the same address. With port 0, each has its own.
fn neighbors(trigger: &Trigger, config: &Config) -> Vec<(String, Place)> {
    let address = trigger.source.listen_address();
    let address = address.filter(|address| address.port() != 0);
    let others = config.triggers.iter().filter(|other| {
        other.name != trigger.name && address.is_some() && other.source.listen_address() == address
    });
    others
        .filter_map(|other| Some((other.name.clone(), other.source.place()?.clone())))
        .collect()
}

fn sample(args: &Shape) -> anyhow::Result<Sample> {
    Ok(Sample {
        trigger: args.trigger.clone(),
        action: args.action.clone(),
        target: args.target.clone(),
        fields: args.headers.clone(),
        bodies: args
            .data
            .iter()
            .map(|data| event_input::text_or_file(data, "the body"))
            .collect::<anyhow::Result<_>>()?,
        is_test: args.test_invoke,
        ..Sample::default()
    })
}

/// Prints a response as HTTP/1.1 would send it, without the headers that frame the body.
fn write_response(out: &mut impl Write, response: HttpResponse) -> io::Result<()> {
    match response.reason {
        Some(reason) => writeln!(out, "HTTP/1.1 {} {reason}", response.status)?,
        None => writeln!(out, "HTTP/1.1 {}", response.status)?,
    }
    for (name, value) in &response.headers {
        writeln!(out, "{name}: {value}")?;
    }
    writeln!(out)?;
    out.write_all(&response.body.into_bytes())?;
    writeln!(out)
}
