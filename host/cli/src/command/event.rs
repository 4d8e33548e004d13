//! `lambkin event`: prints a sample event, or lists those that there are.
//!
//! A built-in plugin makes the event, with a trigger that exists in memory only: `lambkin.toml` is not read, and
//! nothing listens. On failure: the sample, the field, and what would be legal; or what the plugin says of the sample.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{anyhow, bail};
use lambkin_model::HttpResponse;
use lambkin_plugin::{ConfigureError, FunctionInfo};
use lambkin_trigger::{Grants, Outcomes, PluginSetup, PreviewError, Setup, SetupError, Shown};

use super::shape::indent;
use crate::args::GlobalArgs;
use crate::assembly;
use crate::sample::{
    EventArguments, FUNCTION, SampleArguments, SampleTrigger, Values, list, named, service,
};

/// Prints the event, or what there is to choose from, to standard output.
pub async fn run(global: &GlobalArgs, args: &EventArguments) -> anyhow::Result<ExitCode> {
    let text = match (&args.service, &args.kind) {
        (None, _) => list(None),
        (Some(name), None) => list(Some(service(name).map_err(anyhow::Error::msg)?)),
        (Some(service), Some(kind)) => {
            let event = make(global, service, kind, &args.fields).await?;
            format!("{}\n", indent(&event))
        }
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The event of the option `--event`, if it is given.
pub async fn of_option(
    global: &GlobalArgs,
    args: &SampleArguments,
) -> anyhow::Result<Option<String>> {
    let Some(name) = &args.event else {
        return Ok(None);
    };
    let Some((service, kind)) = name.split_once('/') else {
        let service = service(name).map_err(|error| anyhow!("--event: {error}"))?;
        bail!(
            "--event {service} needs a type, such as `--event s3/put`; `lambkin event {service}` lists them"
        );
    };
    let event = make(global, service, kind, &args.fields).await;
    event
        .map(Some)
        .map_err(|error| anyhow!("--event {name}: {error:#}"))
}

/// Makes the event of a sample.
async fn make(
    global: &GlobalArgs,
    service: &str,
    kind: &str,
    fields: &[(String, Vec<String>)],
) -> anyhow::Result<String> {
    let definition = named(service, kind).map_err(anyhow::Error::msg)?;
    let fields = fields
        .iter()
        .map(|(name, values)| (name.as_str(), values.clone()));
    let values = Values::read(definition, fields).map_err(anyhow::Error::msg)?;
    let SampleTrigger {
        source,
        settings,
        account,
        sample,
    } = (definition.make)(&values)?;
    let plugin = assembly::built_in_plugin(global, definition.service()).await?;
    let functions = [FunctionInfo {
        name: FUNCTION.to_owned(),
        timeout: Duration::from_secs(3),
    }];
    let setup = Setup {
        name: FUNCTION,
        account: &account,
        functions: &functions,
        plugin: PluginSetup {
            plugin: &plugin,
            settings: &settings.to_string(),
        },
        grants: &Grants::default(),
        source: None,
    };
    let configured = source.configure(setup).await;
    let configured = configured.map_err(|error| refused(definition.service(), error))?;
    // The first step that invokes a function has the event.
    let mut outcomes = Outcomes::Given(VecDeque::new());
    let preview = configured.preview(&sample, &mut outcomes).await;
    let preview = preview.map_err(|error| match error {
        PreviewError::Sample(message) => anyhow!("{}: {message}", definition.name),
        PreviewError::Plugin(error) => error.into(),
    })?;
    let mut answer = None;
    for shown in preview.0 {
        match shown {
            Shown::Event(event) => return Ok(event),
            Shown::Response(response) => answer = Some(response),
            Shown::Note(_) | Shown::Action(_) => {}
        }
    }
    bail!("{}", no_event(definition.name, answer))
}

/// Why the plugin has not accepted the trigger: fields become its settings.
fn refused(plugin: &str, error: SetupError) -> anyhow::Error {
    let (SetupError::Trigger(error) | SetupError::Source(error)) = error;
    match error {
        ConfigureError::Problems(problems) => {
            let problems = problems.iter().map(|problem| {
                let at = problem.at.join(".");
                format!("{at}: {}", problem.message)
            });
            let problems: Vec<String> = problems.collect();
            anyhow!(
                "the plugin {plugin} refuses the sample: {}",
                problems.join("; ")
            )
        }
        other => other.into(),
    }
}

fn no_event(sample: &str, answer: Option<HttpResponse>) -> String {
    match answer {
        Some(response) => {
            let status = response.status;
            let body = response.body.into_bytes();
            format!(
                "{sample}: the request reaches no function, and is answered with status {status}: {}; a --path has to \
                 fit --resource, and a request has to be within the limits of AWS",
                String::from_utf8_lossy(&body)
            )
        }
        None => format!("{sample}: the plugin makes no event of it"),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::args;

    fn parse(words: &str) -> Result<args::Command, String> {
        let words = std::iter::once("lambkin").chain(words.split(' '));
        let parsed = args::Args::try_parse_from(words);
        parsed
            .map(|args| args.command)
            .map_err(|error| error.to_string())
    }

    fn typed(words: &str) -> EventArguments {
        match parse(words).unwrap() {
            args::Command::Event(event) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_commands_are_consistent() {
        args::Args::command().debug_assert();
    }

    #[test]
    fn a_sample_is_two_words_or_one() {
        for words in [
            "event s3 put --bucket b --key=k",
            "event s3/put --bucket b --key k",
        ] {
            let event = typed(words);
            assert_eq!(event.service.as_deref(), Some("s3"));
            assert_eq!(event.kind.as_deref(), Some("put"));
            let fields = [("bucket", "b"), ("key", "k")];
            let fields = fields.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
            assert_eq!(event.fields, fields);
        }
        let none = typed("event");
        assert_eq!((none.service, none.kind), (None, None));
        let unknown = typed("event sns notification --topic t");
        assert_eq!(unknown.kind.as_deref(), Some("notification"));
        assert_eq!(
            typed("event s3 putt --bucket b").kind.as_deref(),
            Some("putt")
        );
    }

    #[test]
    fn names_of_sam_are_accepted() {
        let event = typed("event apigateway authorizer --restApiId abc --resource request");
        let (name, values) = &event.fields[0];
        assert_eq!((name.as_str(), values[0].as_str()), ("api-id", "abc"));
    }

    #[test]
    fn an_unknown_option_is_answered_with_the_nearest() {
        let error = parse("event s3 put --bukcet b").unwrap_err();
        assert!(error.contains("'--bucket'"), "{error}");
        let error = parse("event s3/put --bukcet b").unwrap_err();
        assert!(error.contains("'--bucket'"), "{error}");
        let error = parse("invoke f --event s3/put --bukcet b").unwrap_err();
        assert!(error.contains("'--bucket'"), "{error}");
    }

    #[test]
    fn an_invocation_has_one_event() {
        let error = parse("invoke f {} --event s3/put").unwrap_err();
        assert!(error.contains("cannot be used with"), "{error}");
        let error = parse("invoke f --event s3/put -e event.json").unwrap_err();
        assert!(error.contains("cannot be used with"), "{error}");
        let error = parse("invoke f --bucket b").unwrap_err();
        assert!(error.contains("--event <SERVICE/TYPE>"), "{error}");
    }

    #[test]
    fn the_stage_of_an_invocation_is_that_of_the_project() {
        let words = "lambkin invoke f --event apigateway/aws-proxy --api-stage s --stage dev";
        let args = args::Args::try_parse_from(words.split(' ')).unwrap();
        assert_eq!(args.global.project.stage.as_deref(), Some("dev"));
        let args::Command::Invoke(invoke) = args.command else {
            panic!("not invoke")
        };
        let stage = ("api-stage".to_owned(), vec!["s".to_owned()]);
        assert_eq!(invoke.sample.fields, [stage]);
        parse("invoke f --stage dev").unwrap();
        for option in ["stage", "api-stage"] {
            let event = typed(&format!("event apigateway aws-proxy --{option} s"));
            let stage = ("stage".to_owned(), vec!["s".to_owned()]);
            assert_eq!(event.fields, [stage]);
        }
    }

    #[test]
    fn fields_of_an_invocation_are_at_any_place() {
        let words = "invoke --bucket b f --event s3/put --client-context {} --key k";
        let args::Command::Invoke(invoke) = parse(words).unwrap() else {
            panic!("not invoke")
        };
        assert_eq!(invoke.target.function, "f");
        assert_eq!(invoke.sample.event.as_deref(), Some("s3/put"));
        assert_eq!(invoke.sample.fields.len(), 2);
    }
}
