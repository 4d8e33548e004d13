//! Definitions of keys: the one source of what the [`Reader`](super::reader::Reader) accepts, of the tables in
//! the reference below `docs/` and of the JSON Schema.
//!
//! Each file of this folder defines the keys it reads as a list of [`Key`]s beside the code that reads them. The reader
//! hands out defined keys only, so a key without a definition cannot be read, and a definition that nothing reads is
//! reported as an unknown key as soon as a file uses it.

use toml::de::DeValue;

use super::value::{integer, number};

/// A key of `lambkin.toml`.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    pub presence: Presence,
    /// What the key means: full sentences in Markdown, without the type, the range and the default.
    pub doc: &'static str,
}

/// Whether a key can be left out, and what applies then.
#[derive(Debug, Clone, Copy)]
pub enum Presence {
    Required,
    /// Left out, it has no effect, or the one that its documentation states.
    Optional,
    /// Left out, it has this value, written as in TOML.
    Default(&'static str),
}

/// The values that a key accepts. A file may restrict them further, with a message of its own.
#[derive(Debug)]
pub enum Kind {
    Text,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// One of these strings, in upper or lower case.
    ChoiceInAnyCase(&'static [&'static str]),
    Flag,
    /// A whole number.
    Integer {
        min: u64,
        max: u64,
        unit: &'static str,
    },
    /// A number above 0, with or without a fraction.
    Number {
        max: f64,
        unit: &'static str,
    },
    Texts,
    TextOrTexts,
    Table(&'static Table),
    /// `true`, `false`, or a table, which stands for `true`.
    FlagOrTable(&'static Table),
    /// A table whose keys the operator chooses, such as `[functions.NAME]`.
    Entries {
        /// Stands for the operator's keys in the documentation.
        #[cfg_attr(
            not(test),
            expect(dead_code, reason = "for the reference, which tests generate")
        )]
        name: &'static str,
        /// A regular expression for the operator's keys.
        pattern: &'static str,
        entry: Entry,
    },
}

/// The values of a table whose keys the operator chooses.
#[derive(Debug)]
pub enum Entry {
    Table(&'static Table),
    TextOrTable(&'static Table),
    /// A string; a whole number, `true` and `false` are taken as their text.
    Text,
    /// A number above 0.
    Number {
        max: f64,
    },
}

/// The keys of a table.
#[derive(Debug)]
pub struct Table {
    /// Lists of keys, each defined by the file that reads it.
    pub keys: &'static [&'static [Key]],
    /// The roles that the plugin of this table can have. All keys that are not in `keys` are then the plugin's
    /// settings.
    pub roles: &'static [Role],
}

/// A role of a plugin in a table of `lambkin.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Role {
    /// The name of the role, as in `plugins/*/settings.json`.
    pub name: &'static str,
    /// The key that gives the plugin this role; `None` if every such table does.
    pub key: Option<&'static str>,
}

impl Key {
    pub const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            presence: Presence::Required,
            doc,
        }
    }

    pub const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            presence: Presence::Optional,
            doc,
        }
    }

    /// A key with a default, written as in TOML.
    pub const fn with_default(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            presence: Presence::Default(default),
            doc,
        }
    }
}

impl Table {
    /// A table of these keys and no others.
    pub const fn new(keys: &'static [&'static [Key]]) -> Self {
        Self { keys, roles: &[] }
    }

    /// All keys, in the order of their definitions.
    pub fn iter(&self) -> impl Iterator<Item = &'static Key> + Clone {
        self.keys.iter().copied().flatten()
    }

    /// The definition of a key.
    pub fn find(&self, name: &str) -> Option<&'static Key> {
        self.iter().find(|key| key.name == name)
    }
}

impl Kind {
    /// Whether a value is of this kind.
    pub fn accepts(&self, value: &DeValue<'_>) -> bool {
        let is_text = || value.as_str().is_some();
        let is_list_of_texts = || {
            let items = value.as_array();
            items.is_some_and(|items| items.iter().all(|item| item.get_ref().is_str()))
        };
        match self {
            Self::Text => is_text(),
            Self::Choice(_) | Self::ChoiceInAnyCase(_) => self.choice(value).is_some(),
            Self::Flag => value.is_bool(),
            Self::Integer { min, max, .. } => integer(value)
                .and_then(|integer| u64::try_from(integer).ok())
                .is_some_and(|integer| (*min..=*max).contains(&integer)),
            Self::Number { max, .. } => {
                number(value).is_some_and(|number| is_in_range(number, *max))
            }
            Self::Texts => is_list_of_texts(),
            Self::TextOrTexts => is_text() || is_list_of_texts(),
            Self::Table(_) | Self::Entries { .. } => value.is_table(),
            Self::FlagOrTable(_) => value.is_bool() || value.is_table(),
        }
    }

    /// The choice that a value stands for.
    pub fn choice(&self, value: &DeValue<'_>) -> Option<&'static str> {
        let text = value.as_str()?;
        match self {
            Self::Choice(choices) => choices.iter().find(|choice| **choice == text),
            Self::ChoiceInAnyCase(choices) => {
                let mut choices = choices.iter();
                choices.find(|choice| choice.eq_ignore_ascii_case(text))
            }
            _ => None,
        }
        .copied()
    }

    /// The unit of a number.
    pub fn unit(&self) -> Option<&'static str> {
        match self {
            Self::Integer { unit, .. } | Self::Number { unit, .. } => Some(unit),
            _ => None,
        }
    }

    /// The accepted values in words, to follow "must be".
    pub fn expected(&self) -> String {
        match self {
            Self::Text => "a string".to_owned(),
            Self::Choice(choices) | Self::ChoiceInAnyCase(choices) => one_of(choices),
            Self::Flag => "true or false".to_owned(),
            Self::Integer { min, max, unit: "" } => format!("a whole number from {min} to {max}"),
            Self::Integer { min, max, unit } => {
                format!("a whole number of {unit} from {min} to {max}")
            }
            Self::Number { max, unit } => format!("a number of {unit} above 0 and up to {max}"),
            Self::Texts => "a list of strings".to_owned(),
            Self::TextOrTexts => "a string or a list of strings".to_owned(),
            Self::Table(_) | Self::Entries { .. } => "a table".to_owned(),
            Self::FlagOrTable(_) => "`true`, `false` or a table".to_owned(),
        }
    }
}

/// Whether a number is above 0 and up to `max`.
pub fn is_in_range(number: f64, max: f64) -> bool {
    number > 0.0 && number <= max
}

/// `"a", "b" or "c"`
fn one_of(choices: &[&str]) -> String {
    let quoted: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}
