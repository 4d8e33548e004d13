//! What a sample event is: its names, its fields, and the trigger in memory that shapes it.

use std::collections::BTreeMap;

use lambkin_lambda::Account;
use lambkin_trigger::{EventSource, Sample};
use serde_json::Value;

use super::field::{self, Field};
use crate::config::nearest;
use crate::event_input;

/// The function that the trigger of a sample names.
pub const FUNCTION: &str = "sample";

/// A sample event.
#[derive(Debug)]
pub struct Definition {
    /// The canonical name, as `--event` takes it: a service and a type, such as `s3/put`. The service is the built-in
    /// plugin that makes the event.
    pub name: &'static str,
    /// Further names, in the same form. Those of `sam local generate-event` are among them.
    pub aliases: &'static [&'static str],
    /// What it is the event of, in a few words.
    pub about: &'static str,
    /// What the user can choose.
    pub fields: &'static [Field],
    /// Makes the trigger and what happens to it.
    pub make: fn(&Values) -> anyhow::Result<SampleTrigger>,
}

impl Definition {
    /// The service: the name of the built-in plugin that makes the event.
    pub fn service(&self) -> &'static str {
        split(self.name).0
    }

    /// The service and the type of each name, the canonical one first.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let names = std::iter::once(self.name).chain(self.aliases.iter().copied());
        names.map(split)
    }

    /// The field with this name or alias.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        let mut fields = self.fields.iter();
        fields.find(|field| field.name == name || field.alias == Some(name))
    }
}

/// The service and the type of a name.
fn split(name: &'static str) -> (&'static str, &'static str) {
    name.split_once('/').unwrap_or((name, ""))
}

/// A trigger that exists in memory only, and what it is to shape.
#[derive(Debug)]
pub struct SampleTrigger {
    /// Where its events come from.
    pub source: Box<dyn EventSource>,
    /// The settings of its plugin, as in `lambkin.toml`. They name [`FUNCTION`].
    pub settings: Value,
    pub account: Account,
    /// What happens to it.
    pub sample: Sample,
}

/// The values of a sample's fields.
#[derive(Debug)]
pub struct Values {
    definition: &'static Definition,
    given: BTreeMap<&'static str, Vec<String>>,
}

impl Values {
    /// Checks what the user has given: the name of each field with its values.
    pub fn read<'a>(
        definition: &'static Definition,
        fields: impl IntoIterator<Item = (&'a str, Vec<String>)>,
    ) -> Result<Self, String> {
        let mut given = BTreeMap::new();
        for (name, values) in fields {
            let field = definition
                .field(name)
                .ok_or_else(|| unknown_field(definition, name))?;
            if values.len() > 1 && !field.repeats {
                return Err(format!(
                    "--{name} is given {} times; {} has one",
                    values.len(),
                    definition.name
                ));
            }
            for value in &values {
                (field.check)(value)
                    .map_err(|rule| format!("--{name} {rule}, not {}", excerpt(value)))?;
            }
            given.insert(field.name, values);
        }
        let values = Self { definition, given };
        values.check_partition()?;
        Ok(values)
    }

    /// The sample whose values they are.
    pub fn definition(&self) -> &'static Definition {
        self.definition
    }

    /// What the user has given.
    pub fn given(&self, field: &Field) -> Option<&str> {
        self.given.get(field.name)?.first().map(String::as_str)
    }

    /// What the user has given, or the default.
    pub fn text(&self, field: &Field) -> &str {
        let default = self.definition.field(field.name);
        let default = default.map_or(field.default, |field| field.default);
        self.given(field).unwrap_or(default)
    }

    /// Every value of a field that may be repeated, without a default.
    pub fn all(&self, field: &Field) -> &[String] {
        self.given.get(field.name).map_or(&[], Vec::as_slice)
    }

    /// The bodies that the user has given; files among them are read.
    pub fn bodies(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let bodies = self.all(&field::BODY).iter();
        bodies
            .map(|body| event_input::text_or_file(body, "the body"))
            .collect()
    }

    /// The region and the account.
    pub fn account(&self) -> Account {
        Account {
            region: self.text(&field::REGION).to_owned(),
            id: self.text(&field::ACCOUNT).to_owned(),
        }
    }

    /// The partition of an ARN follows from its region.
    fn check_partition(&self) -> Result<(), String> {
        let region = self.text(&field::REGION);
        let partition = lambkin_model::partition(region);
        match self.given(&field::PARTITION) {
            Some(given) if given != partition => Err(format!(
                "--partition {given} is not the partition of the region {region}, which is {partition}; choose a \
                 --region of {given}"
            )),
            _ => Ok(()),
        }
    }
}

fn unknown_field(definition: &Definition, name: &str) -> String {
    let names = || definition.fields.iter().map(Field::option);
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean --{near}?"),
        None => format!(
            "its fields are: --{}",
            names().collect::<Vec<_>>().join(", --")
        ),
    };
    format!("{} has no field --{name}; {hint}", definition.name)
}

/// The beginning of a value, in quotes.
fn excerpt(value: &str) -> String {
    const SHOWN: usize = 60;
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", value.get(..end).unwrap_or_default()),
        None => format!("{value:?}"),
    }
}
