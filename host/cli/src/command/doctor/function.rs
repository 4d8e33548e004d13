//! `lambkin doctor FUNCTION`: says what would be started for a function, what is wrong with it, and whether it starts.
//!
//! Nothing is invoked. If nothing is wrong so far, the function's processes are started as for a first call, until they ask
//! for an event, and ended: a module that cannot be imported is found in this way. What they print follows their error.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use lambkin_lambda::{
    Entry, Function, FunctionSpec, Log, LogStyle, SandboxMode, StartError, StartPlan,
};

use super::report::Report;
use crate::args::{GlobalArgs, Target};
use crate::command::target::{self, Purpose};
use crate::config::full_name;

/// The exit code if the function does not start.
const EXIT_FAILED: u8 = 1;

/// Prints the report to standard output.
pub async fn run(global: &GlobalArgs, args: &Target) -> anyhow::Result<ExitCode> {
    let log = Log::kept(LogStyle::default());
    let found = target::find(global, args, Purpose::Inspect, None, &log).await?;
    let function = found.function()?;
    let mut report = Report::default();
    let works = examine(function, &log, &mut report).await;
    found.lambda.close().await;
    io::stdout().lock().write_all(report.text().as_bytes())?;
    Ok(match works {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(EXIT_FAILED),
    })
}

/// Reports on a function. Returns whether it starts.
async fn examine(function: &Arc<Function>, log: &Log, report: &mut Report) -> bool {
    let spec = function.spec();
    let plan = spec.start_plan(function.account());
    let started = match &plan {
        Ok(_) => Some(function.try_start().await),
        Err(_) => None,
    };
    report.section(&format!("function {}", full_name(spec)));
    // What is wrong comes first.
    match (&plan, &started) {
        (Err(error), _) => report.row("it can be started", Err(error.to_string())),
        (_, Some(Ok(took))) => report.row(
            &format!(
                "it starts and asks for an event, in {} ms",
                took.as_millis()
            ),
            Ok(()),
        ),
        (_, Some(Err(error))) => {
            report.row("it starts and asks for an event", Err(explain(error)));
            let printed = log.kept_text();
            if !printed.is_empty() {
                report.note("printed while it started", &printed);
            }
        }
        (Ok(_), None) => {}
    }
    describe(spec, report);
    if let Ok(plan) = &plan {
        describe_plan(spec, plan, report);
    }
    plan.is_ok() && started.is_some_and(|started| started.is_ok())
}

fn explain(error: &StartError) -> String {
    let message = format!("{}: {}", error.error_type, error.message);
    // Stacks of Node.js begin with the message.
    let is_new = |line: &&String| message.lines().all(|said| said != line.as_str());
    let stack = error.stack.iter().filter(is_new).cloned();
    let mut lines: Vec<String> = std::iter::once(message.clone()).chain(stack).collect();
    lines.extend(error.hints.iter().cloned());
    lines.join("\n")
}

/// What the configuration says.
fn describe(spec: &FunctionSpec, report: &mut Report) {
    let code = match &spec.code.archive {
        Some(archive) => archive.display().to_string(),
        None => spec.code.resolved_root().display().to_string(),
    };
    report.fact("code", &code);
    if !spec.handler.is_empty() {
        report.fact("handler", &spec.handler);
    }
    for layer in spec.layer_folders() {
        report.fact("layer", &layer.display().to_string());
    }
    let sandbox = match spec.sandbox {
        SandboxMode::Process => "process: it sees the whole machine",
        SandboxMode::Namespace => "namespace: it has the file system of Lambda",
        SandboxMode::Image => "image: it has the file system of its container image",
    };
    report.fact("sandbox", sandbox);
}

/// What would be started.
fn describe_plan(spec: &FunctionSpec, plan: &StartPlan, report: &mut Report) {
    if let Entry::Managed(managed) = &spec.code.entry
        && let Some(runtime) = managed.variables.get("AWS_EXECUTION_ENV")
    {
        report.fact("runtime", runtime.trim_start_matches("AWS_Lambda_"));
        report.fact("interpreter", &managed.interpreter);
    }
    if let Some(wrapper) = &plan.wrapper {
        report.fact("started through", &wrapper.display().to_string());
    }
    report.fact("program", &plan.program.display().to_string());
    for argument in &plan.arguments {
        report.fact("argument", argument);
    }
    report.fact("working directory", &plan.directory.display().to_string());
    // Their values may be secret.
    let own = spec.variables.get();
    let names = |is_own: bool| {
        let keys = plan
            .variables
            .keys()
            .filter(|key| own.contains_key(*key) == is_own);
        keys.cloned().collect::<Vec<_>>().join(", ")
    };
    report.fact("variables of its own", &names(true));
    report.fact("variables of Lambda", &names(false));
}
