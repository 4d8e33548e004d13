//! `lambkin shape`: prints the event that a trigger makes of a request, of messages or of a change of an object,
//! without invoking anything.

mod indent;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use lambkin_model::HttpResponse;
use lambkin_trigger::{Output, Sample};

use crate::args::{GlobalArgs, Shape};
use crate::assembly::{self, Plugins};
use crate::config::{Config, Trigger, nearest};
use crate::text;
use indent::indent;

/// Prints the event, or the plugin's response, to standard output, and what would happen to it to standard error.
pub async fn run(global: &GlobalArgs, args: &Shape) -> anyhow::Result<ExitCode> {
    let config = Config::read(&global.config)?;
    let trigger = find(&config, &args.trigger)?;
    let plugins = Plugins::load(global, &[], &[trigger]).await?;
    let trigger = match assembly::configure_trigger(&plugins, trigger, &config).await {
        Ok(trigger) => trigger,
        Err(diagnostics) => bail!("{}", config.render(&diagnostics)),
    };
    let preview = trigger.configured.preview(&sample(args)?).await?;
    for note in preview.notes {
        eprintln!("{note}");
    }
    let mut out = io::stdout().lock();
    match preview.output {
        Some(Output::Event(event)) => writeln!(out, "{}", indent(&event))?,
        Some(Output::Response(response)) => write_response(&mut out, response)?,
        None => {}
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
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

fn sample(args: &Shape) -> anyhow::Result<Sample> {
    Ok(Sample {
        trigger: args.trigger.clone(),
        action: args.action.clone(),
        target: args.target.clone(),
        fields: args.headers.clone(),
        bodies: args
            .data
            .iter()
            .map(|data| read_body(data))
            .collect::<anyhow::Result<_>>()?,
    })
}

/// The text itself, or for `@FILE` the content of the file.
fn read_body(data: &str) -> anyhow::Result<Vec<u8>> {
    match data.strip_prefix('@') {
        Some(path) => {
            let body = crate::regular_file::read(path.as_ref())
                .with_context(|| format!("cannot read the body from {path}"))?;
            if text::begins_with_mark(&body) {
                eprintln!(
                    "note: {path} begins with a byte order mark, which is sent as a part of the body"
                );
            }
            Ok(body)
        }
        None => Ok(data.as_bytes().to_vec()),
    }
}

/// Prints a response as HTTP/1.1 would send it, without the headers that frame the body.
fn write_response(out: &mut impl Write, response: HttpResponse) -> io::Result<()> {
    writeln!(out, "HTTP/1.1 {}", response.status)?;
    for (name, value) in &response.headers {
        writeln!(out, "{name}: {value}")?;
    }
    writeln!(out)?;
    out.write_all(&response.body.into_bytes())?;
    writeln!(out)
}
