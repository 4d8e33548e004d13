//! `lambkin check`: prints what would run and reports what is wrong.
//!
//! Every plugin is loaded and configured as by `serve`, and every address is bound and released at once. No function is
//! started and no store is opened.

use std::io::Write;
use std::process::ExitCode;

use lambkin_http::CertificateSource;
use lambkin_lambda::{Entry, FunctionSpec, SandboxMode};
use lambkin_plugin::allows;
use lambkin_store::object::Versioning;

use crate::args::{Check, GlobalArgs};
use crate::assembly::{self, Plugins};
use crate::command::serve::try_addresses;
use crate::config::{Bucket, Config, Queue, Service, full_name};
use crate::messages;

/// The exit code if something in the configuration would not work.
const EXIT_PROBLEMS: u8 = 1;

/// Prints what would run to standard output, and problems to standard error.
pub async fn run(global: &GlobalArgs, args: &Check) -> anyhow::Result<ExitCode> {
    let mut config = assembly::read_config(global, &global.choices(args.sandbox)).await?;
    let mut problems = config.problems.clone();
    match assembly::choose_sandboxes(&mut config, args.sandbox).await {
        Ok(notes) => config.notes.extend(notes),
        Err(error) => problems.push(error.to_string()),
    }
    config.notes.extend(assembly::oversize(&config));
    messages::print_notes(&config.notes);
    let mut out = std::io::stdout().lock();
    let (listen, tls) = (
        config.invoke.listen,
        tls(config.invoke.certificate.as_ref()),
    );
    writeln!(out, "invoke API on {listen}{tls}")?;
    for function in &config.functions {
        match function.check_program() {
            Ok(program) => writeln!(
                out,
                "function {}: {}",
                full_name(function),
                describe(function, &program)
            )?,
            Err(error) => problems.push(format!("function {}: {error}", full_name(function))),
        }
    }
    for queue in &config.queues {
        writeln!(out, "queue {}: {}", queue.name, describe_queue(queue))?;
    }
    for bucket in &config.buckets {
        writeln!(out, "bucket {}: {}", bucket.name, describe_bucket(bucket))?;
    }
    check_plugins(global, &config, &mut out, &mut problems).await?;
    let (taken, notes) = try_addresses(&config, &global.config).await;
    problems.extend(taken);
    for note in notes {
        eprintln!("note: {note}");
    }
    out.flush()?;
    for problem in &problems {
        eprintln!("error: {problem}\n");
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_PROBLEMS)
    })
}

/// Prints services and triggers as their plugins have understood them.
async fn check_plugins(
    global: &GlobalArgs,
    config: &Config,
    out: &mut impl Write,
    problems: &mut Vec<String>,
) -> anyhow::Result<()> {
    let triggers: Vec<_> = config.triggers.iter().collect();
    let plugins = Plugins::load(global, &config.services, &triggers).await?;
    for service in &config.services {
        match assembly::configure_service(&plugins, service, config, None).await {
            Ok(_) => write_service(out, service, config)?,
            Err(diagnostics) => problems.push(config.render(&diagnostics)),
        }
    }
    for trigger in triggers {
        let trigger = match assembly::configure_trigger(&plugins, trigger, config).await {
            Ok(trigger) => trigger,
            Err(diagnostics) => {
                problems.push(config.render(&diagnostics));
                continue;
            }
        };
        let (name, plugin) = (&trigger.name, &trigger.plugin);
        let description = trigger.configured.description();
        writeln!(out, "trigger {name}: {plugin} on {description}")?;
        for line in trigger.configured.summary() {
            writeln!(out, "    {line}")?;
        }
        for warning in assembly::warnings(&trigger) {
            eprintln!("warning: {warning}");
        }
    }
    Ok(())
}

fn describe(function: &FunctionSpec, program: &std::path::Path) -> String {
    let image = match &function.code.entry {
        Entry::Image(image) => {
            let image = image.get();
            format!("image {} (id {}), ", image.name, image.short_id())
        }
        _ => String::new(),
    };
    let handler = match function.current_handler() {
        none if none.is_empty() => String::new(),
        handler => format!(", handler {handler}"),
    };
    let sandbox = match function.sandbox {
        SandboxMode::Process => "process",
        SandboxMode::Namespace => "namespace",
        SandboxMode::Image => "image",
    };
    format!(
        "{image}{}{handler}, {} s, {} MB, up to {} environments, sandbox {sandbox}",
        program.display(),
        function.timeout.as_secs_f64(),
        function.memory_mb,
        function.concurrency,
    )
}

fn describe_queue(queue: &Queue) -> String {
    let settings = &queue.settings;
    let kind = if settings.ordered { "FIFO" } else { "standard" };
    let visibility = settings.lease_ms / 1000;
    let dead_letters = settings
        .dead_letter
        .as_ref()
        .map_or_else(String::new, |dead| {
            format!(", to {} after {} receives", dead.queue, dead.max_receives)
        });
    format!("{kind}, visibility timeout {visibility} s{dead_letters}")
}

fn describe_bucket(bucket: &Bucket) -> String {
    match (&bucket.folder, bucket.versioning) {
        (Some(folder), _) => format!("the folder {}", folder.display()),
        (None, Versioning::Off) => "without versions".to_owned(),
        (None, _) => "with versions".to_owned(),
    }
}

/// What follows the address of a listener.
fn tls(certificate: Option<&CertificateSource>) -> &'static str {
    match certificate {
        Some(_) => " (https)",
        None => "",
    }
}

fn write_service(out: &mut impl Write, service: &Service, config: &Config) -> std::io::Result<()> {
    let (name, plugin) = (&service.name, service.section.plugin.name());
    let (listen, tls) = (service.listen, tls(service.certificate.as_ref()));
    writeln!(out, "service {name}: {plugin} on {listen}{tls}")?;
    writeln!(out, "    functions find it in {}", service.variable())?;
    let queues = config.queues.iter().map(|queue| queue.name.as_str());
    let buckets = config.buckets.iter().map(|bucket| bucket.name.as_str());
    write_grant(out, "queues", service.queues.as_deref(), queues)?;
    write_grant(out, "buckets", service.buckets.as_deref(), buckets)
}

/// Prints the queues or buckets that a service may use: the granted patterns, and the defined names that match.
fn write_grant<'a>(
    out: &mut impl Write,
    what: &str,
    patterns: Option<&[String]>,
    defined: impl Iterator<Item = &'a str>,
) -> std::io::Result<()> {
    let Some(patterns) = patterns else {
        return Ok(());
    };
    let granted: Vec<&str> = defined.filter(|name| allows(patterns, name)).collect();
    let granted = match granted.as_slice() {
        [] => "none is defined".to_owned(),
        names => names.join(", "),
    };
    writeln!(
        out,
        "    may use the {what} {}: {granted}",
        patterns.join(", ")
    )
}
