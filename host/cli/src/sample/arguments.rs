//! Samples on the command line: the commands and options are made from the table.
//!
//! `lambkin event` has a subcommand for each service, and that one for each type, with the type's fields as options.
//! In `lambkin invoke`, `--event` names the sample, and all fields are options. On failure: clap says which option or
//! value is wrong; names and values that it does not know are kept, and refused by [`named`](super::named) and
//! [`Values::read`](super::Values::read).

use std::ffi::OsString;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use super::definition::Definition;
use super::field::Field;
use super::table::{SAMPLES, kinds, services};

/// A field that was given, with its values.
type Given = (String, Vec<String>);

/// The arguments of `lambkin event`.
#[derive(Debug, Clone, Default)]
pub struct EventArguments {
    /// The service, as typed.
    pub service: Option<String>,
    /// The type, as typed.
    pub kind: Option<String>,
    /// The fields that were given, by their names.
    pub fields: Vec<Given>,
}

/// The arguments of a command that can use a sample in place of an event.
#[derive(Debug, Clone, Default)]
pub struct SampleArguments {
    /// The service and the type, as typed.
    pub event: Option<String>,
    /// The fields that were given, by their names.
    pub fields: Vec<Given>,
}

/// The id of the option `--event`, beside the positional argument of that name.
const SAMPLE: &str = "sample";

impl Args for EventArguments {
    fn augment_args(command: Command) -> Command {
        let services = services().into_iter().map(|service| {
            let types = kinds(service).map(|(kind, sample)| type_command(kind, sample));
            Command::new(service)
                .about(about(service))
                .allow_external_subcommands(true)
                .disable_help_subcommand(true)
                .subcommand_value_name("TYPE")
                .subcommand_help_heading("Types")
                .subcommands(types)
        });
        command
            .allow_external_subcommands(true)
            .disable_help_subcommand(true)
            .subcommand_value_name("SERVICE TYPE")
            .subcommand_help_heading("Services")
            .subcommands(services)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for EventArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let Some((service, matches)) = matches.subcommand() else {
            return Ok(Self::default());
        };
        // The form of `--event`, which does not name a subcommand.
        if let Some((service, kind)) = service.split_once('/') {
            let words = [service, kind].map(OsString::from);
            let rest = matches.get_many::<OsString>("").into_iter().flatten();
            let words = words.into_iter().chain(rest.cloned());
            let command = Command::new("lambkin event").no_binary_name(true);
            let matches = Self::augment_args(command).try_get_matches_from(words)?;
            return Self::from_arg_matches(&matches);
        }
        // An unknown service has its words in place of a subcommand.
        let (kind, fields) = match matches.subcommand() {
            Some((kind, matches)) => (Some(kind.to_owned()), given(matches, |field| field.name)),
            None => (first_word(matches), Vec::new()),
        };
        Ok(Self {
            service: Some(service.to_owned()),
            kind,
            fields,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for SampleArguments {
    fn augment_args(command: Command) -> Command {
        let event = Arg::new(SAMPLE)
            .long("event")
            .value_name("SERVICE/TYPE")
            .value_parser(Names)
            .hide_possible_values(true)
            .help(
                "A sample event, such as `s3/put`, and its fields as further options, such as `--bucket photos`. \
                 `lambkin event` lists all samples, and `lambkin event s3 put --help` the fields of one",
            );
        let options = all_fields().into_iter().map(|field| {
            let option = option(field, field.option());
            option.help(field.help).hide(true).requires(SAMPLE)
        });
        command.arg(event).args(options)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SampleArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self {
            event: matches.get_one::<String>(SAMPLE).cloned(),
            fields: given(matches, Field::option),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Completes the names of samples, and accepts every text: a wrong one is answered with the nearest name.
#[derive(Clone)]
struct Names;

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = SAMPLES.iter().flat_map(|sample| {
            let names = std::iter::once(&sample.name).chain(sample.aliases);
            names.map(|name| PossibleValue::new(name).help(sample.about))
        });
        Some(Box::new(names))
    }
}

fn about(service: &str) -> String {
    match lambkin_builtin::find(service) {
        Some(_) => format!("Events of the built-in plugin {service}"),
        None => {
            "Events of the built-in plugins of API Gateway, by the names that AWS SAM has for them"
                .to_owned()
        }
    }
}

fn type_command(kind: &'static str, sample: &'static Definition) -> Command {
    let options = sample.fields.iter().map(|field| {
        let help = match field.default {
            "" => field.help.to_owned(),
            default => format!("{} [default: {default}]", field.help),
        };
        option(field, field.name).help(help).help_heading("Fields")
    });
    Command::new(kind).about(sample.about).args(options)
}

/// The option of a field with one of its names; the other one is accepted, too, unless the field's own name is taken. Its
/// value is text, which [`Values::read`](super::Values::read) checks.
fn option(field: &'static Field, name: &'static str) -> Arg {
    let option = Arg::new(name)
        .long(name)
        .value_name(field.value)
        .action(ArgAction::Append)
        .value_parser(StringValueParser::new());
    match field.alias {
        Some(alias) if alias != name => option.alias(alias),
        _ => option,
    }
}

/// One field of each name.
fn all_fields() -> Vec<&'static Field> {
    let mut all: Vec<&'static Field> = SAMPLES.iter().flat_map(|sample| sample.fields).collect();
    all.sort_by_key(|field| field.name);
    all.dedup_by_key(|field| field.name);
    all
}

/// The fields that were given, each as the option with this one of its names.
fn given(matches: &ArgMatches, name: fn(&Field) -> &'static str) -> Vec<Given> {
    let fields = all_fields().into_iter();
    let given = fields.filter_map(|field| {
        let name = name(field);
        let values = matches.try_get_many::<String>(name).ok()??;
        Some((name.to_owned(), values.cloned().collect()))
    });
    given.collect()
}

/// The first of the words that clap has not taken for anything.
fn first_word(matches: &ArgMatches) -> Option<String> {
    let mut words = matches.try_get_many::<OsString>("").ok()??;
    words.next().map(|word| word.to_string_lossy().into_owned())
}
