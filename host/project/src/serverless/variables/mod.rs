//! The Serverless Framework's variables, with their values.
//!
//! Contract: [`Variables`] replaces the variables in a value. Those that are a whole text keep the type of their
//! value. What is in the project is looked up: other parts of the file (`self`), data files, environment variables, options
//! and parameters. What exists on AWS only, and what has no value, is [`Kind::Unknown`] unless there is a fallback, so that
//! it is told where it is used. `--parameter SOURCE:ADDRESS=VALUE` gives any variable a value. Nothing is executed.
//!
//! On failure: mistakes in the syntax, variables that refer to themselves, and files that cannot be read have a place. The
//! size of what variables become is limited.

mod dotenv;
mod sources;
mod syntax;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::ProjectError;
use crate::context::Context;
use crate::file::{Place, TEMPLATE_BYTES};
use crate::value::{Kind, Map, Value};
use syntax::{Literal, Part, Source};

/// How deep values may be nested, those of variables included, each of which counts as [`HOP`].
const DEPTH: usize = 100;

/// How many levels a variable counts as.
const HOP: usize = 4;

/// How many values and bytes of text all variables together may become.
const SIZE: usize = 4 * 1024 * 1024;

/// What the stage is called if nobody says so.
const DEFAULT_STAGE: &str = "dev";

/// What the region is called if nobody says so.
const DEFAULT_REGION: &str = "us-east-1";

/// The variables of a serverless.yml.
pub struct Variables<'c> {
    context: &'c Context,
    folder: PathBuf,
    root: Value,
    /// What `.env` files set.
    environment: BTreeMap<String, String>,
    /// The properties that are being resolved.
    active: RefCell<Vec<String>>,
    properties: RefCell<HashMap<String, Value>>,
    files: RefCell<HashMap<PathBuf, Option<Value>>>,
    size: Cell<usize>,
}

/// What a source says.
enum Found {
    Value(Value),
    /// It has no such value.
    Missing(String),
    /// The value is not in the project.
    Elsewhere(String),
}

impl<'c> Variables<'c> {
    /// The variables of a file with this content, in this folder.
    pub fn new(context: &'c Context, folder: &Path, root: Value) -> Self {
        Self {
            context,
            folder: folder.to_owned(),
            root: plain_of_1_2(root),
            environment: BTreeMap::new(),
            active: RefCell::default(),
            properties: RefCell::default(),
            files: RefCell::default(),
            size: Cell::new(0),
        }
    }

    /// Reads the `.env` files of the service, if it uses them.
    pub fn read_environment(&mut self) -> Result<(), ProjectError> {
        let version = self.root.get("frameworkVersion").and_then(Value::as_str);
        let is_4 = version.is_some_and(|version| {
            version
                .trim_start_matches(['^', '~', '=', '>', ' '])
                .starts_with('4')
        });
        let has_plugin = self.root.get("plugins").is_some_and(|plugins| {
            let list = plugins.get("modules").unwrap_or(plugins);
            list.items()
                .iter()
                .any(|plugin| plugin.as_str() == Some("serverless-dotenv-plugin"))
        });
        let setting = self.root.get("useDotenv").and_then(Value::as_bool);
        if !setting.unwrap_or(is_4 || has_plugin) {
            return Ok(());
        }
        // What the first file sets counts. Version 3 reads one file only.
        for name in [format!(".env.{}", self.stage()?), ".env".to_owned()] {
            let path = self.folder.join(name);
            if !path.is_file() {
                continue;
            }
            let id = self
                .context
                .with_files(|files| files.read(&path, TEMPLATE_BYTES))?;
            dotenv::read(self.context.files().text(id), &mut self.environment);
            if !is_4 && !has_plugin {
                break;
            }
        }
        // The stage may depend on them.
        self.properties.borrow_mut().clear();
        Ok(())
    }

    /// What `.env` files set.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The file's content, variables and all.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// A property of the file, resolved. Null if it is not there.
    pub fn property(&self, path: &[&str]) -> Result<Value, ProjectError> {
        self.property_in(path, self.root.place, 0)
    }

    fn resolve_in(&self, value: &Value, depth: usize) -> Result<Value, ProjectError> {
        let place = value.place;
        if depth > DEPTH {
            let message = "variables have values with variables, and so on, too deep";
            return Err(self.context.error(place, message));
        }
        match &value.kind {
            Kind::Text(text) | Kind::Plain(text) => {
                let parts =
                    syntax::parse(text).map_err(|message| self.context.error(place, &message))?;
                match parts {
                    Some(parts) => self.text(&parts, place, depth),
                    None => Ok(value.clone()),
                }
            }
            Kind::List(items) => {
                let items = items.iter().map(|item| self.resolve_in(item, depth + 1));
                Ok(Value::list(place, items.collect::<Result<_, _>>()?))
            }
            Kind::Map(map) => {
                let mut resolved = Map::default();
                for (key, member) in map {
                    let value = self.resolve_in(&member.value, depth + 1)?;
                    resolved.insert(key, member.place, value);
                }
                Ok(Value::new(place, Kind::Map(resolved)))
            }
            Kind::Null | Kind::Unknown(_) => Ok(value.clone()),
        }
    }

    /// A text with its variables replaced, or the value of the variable that is the whole text.
    fn text(&self, parts: &[Part], place: Place, depth: usize) -> Result<Value, ProjectError> {
        if let [Part::Variable(sources)] = parts {
            return self.variable(sources, place, depth);
        }
        let mut whole = String::new();
        for part in parts {
            match part {
                Part::Text(text) => whole.push_str(text),
                Part::Variable(sources) => {
                    let value = self.variable(sources, place, depth)?;
                    match &value.kind {
                        Kind::Text(text) | Kind::Plain(text) => whole.push_str(text),
                        Kind::Unknown(_) => return Ok(Value::new(place, value.kind)),
                        _ => {
                            let shown = shown(sources);
                            let described = value.described();
                            let message =
                                format!("{shown} is {described}, which cannot be a part of a text");
                            return Err(self.context.error(place, &message));
                        }
                    }
                }
            }
            self.count(1 + whole.len(), place)?;
        }
        Ok(Value::text(place, whole))
    }

    fn variable(
        &self,
        sources: &[Source],
        place: Place,
        depth: usize,
    ) -> Result<Value, ProjectError> {
        let mut elsewhere = None;
        let mut missing = None;
        for source in sources {
            let found = match source {
                Source::Literal(literal) => Found::Value(match literal {
                    Literal::Text(text) => Value::text(place, text),
                    Literal::Plain(text) => plain_of_1_2(Value::plain(place, text)),
                    Literal::Null => return Ok(Value::null(place)),
                }),
                Source::Lookup {
                    kind,
                    parameters,
                    address,
                } => self.lookup(kind, parameters, address.as_deref(), place, depth)?,
            };
            match found {
                Found::Value(value) => {
                    self.count(size(&value), place)?;
                    if let Some(why) = elsewhere {
                        let text = format!("{why}; its fallback, {}, is used", shown_value(&value));
                        self.context.report.note(place, text);
                    }
                    return Ok(value);
                }
                Found::Missing(why) => missing = missing.or(Some(why)),
                Found::Elsewhere(why) => elsewhere = elsewhere.or(Some(why)),
            }
        }
        let why = elsewhere
            .or(missing)
            .unwrap_or_else(|| "a variable has no source".to_owned());
        Ok(Value::new(place, Kind::Unknown(why)))
    }

    /// A text that must be one: an address, or a parameter.
    fn argument(
        &self,
        parts: &[Part],
        place: Place,
        depth: usize,
    ) -> Result<Result<String, String>, ProjectError> {
        if let [Part::Text(text)] = parts {
            return Ok(Ok(text.clone()));
        }
        let value = self.text(parts, place, depth)?;
        Ok(match value.kind {
            Kind::Text(text) | Kind::Plain(text) => Ok(text),
            Kind::Unknown(why) => Err(why),
            Kind::Null => Ok(String::new()),
            _ => {
                let message = format!(
                    "an address of a variable is {}, not a text",
                    value.described()
                );
                return Err(self.context.error(place, &message));
            }
        })
    }

    fn property_in(
        &self,
        path: &[&str],
        place: Place,
        depth: usize,
    ) -> Result<Value, ProjectError> {
        let name = path.join(".");
        if let Some(known) = self.properties.borrow().get(&name) {
            return Ok(known.clone());
        }
        if self.active.borrow().contains(&name) {
            let mut chain = self.active.borrow().clone();
            chain.push(name);
            let message = format!("a variable refers to itself: {}", chain.join(" → "));
            return Err(self.context.error(place, &message));
        }
        self.active.borrow_mut().push(name.clone());
        let value = self.followed(&self.root, path, place, depth);
        self.active.borrow_mut().pop();
        let mut value = value?;
        // Older versions of the framework fill these in.
        if value.is_null() {
            match name.as_str() {
                "provider.stage" => value = Value::text(place, DEFAULT_STAGE),
                "provider.region" => value = Value::text(place, DEFAULT_REGION),
                _ => {}
            }
        }
        self.count(size(&value), place)?;
        self.properties.borrow_mut().insert(name, value.clone());
        Ok(value)
    }

    /// What is at a path in a value, resolved; variables on the way, too. Null if it is not there.
    fn followed(
        &self,
        value: &Value,
        path: &[&str],
        place: Place,
        depth: usize,
    ) -> Result<Value, ProjectError> {
        let mut current = Cow::Borrowed(value);
        for key in path {
            if current.as_str().is_some() {
                current = Cow::Owned(self.resolve_in(&current, depth + HOP)?);
            }
            if current.as_unknown().is_some() {
                return Ok(current.into_owned());
            }
            // Large parts of a file are not copied on the way to a small one.
            let next = match &current {
                Cow::Borrowed(value) => child(value, key).map(Cow::Borrowed),
                Cow::Owned(value) => child(value, key).cloned().map(Cow::Owned),
            };
            match next {
                Some(next) => current = next,
                None => return Ok(Value::null(place)),
            }
        }
        self.resolve_in(&current, depth + HOP)
    }

    fn count(&self, more: usize, place: Place) -> Result<(), ProjectError> {
        let size = self.size.get().saturating_add(more);
        self.size.set(size);
        if size > SIZE {
            let message = format!("the variables become more than {SIZE} values and bytes of text");
            return Err(self.context.error(place, &message));
        }
        Ok(())
    }
}

/// The member of a map, or the item of a list.
fn child<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match &value.kind {
        Kind::Map(map) => map.get(key),
        Kind::List(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

/// How many values and bytes of text a value has.
fn size(value: &Value) -> usize {
    match &value.kind {
        Kind::Null => 1,
        Kind::Plain(text) | Kind::Text(text) | Kind::Unknown(text) => 1 + text.len(),
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(map) => {
            let members = map
                .iter()
                .map(|(key, member)| key.len() + size(&member.value));
            1 + members.sum::<usize>()
        }
    }
}

/// Sources as they are written, in short.
fn shown(sources: &[Source]) -> String {
    let Some(Source::Lookup { kind, address, .. }) = sources.first() else {
        return "a variable".to_owned();
    };
    match address.as_deref() {
        Some([Part::Text(address)]) => format!("${{{kind}:{address}}}"),
        _ => format!("${{{kind}…}}"),
    }
}

fn shown_value(value: &Value) -> String {
    match &value.kind {
        Kind::Plain(text) => text.clone(),
        Kind::Text(text) => format!("\"{text}\""),
        _ => value.described().to_owned(),
    }
}

/// A value whose scalars without quotes are numbers and booleans of YAML 1.2, as JavaScript prints them; all others are
/// texts. `yes` is a text to the Serverless Framework, and `1.10` is `1.1`.
pub fn plain_of_1_2(mut value: Value) -> Value {
    normalize(&mut value);
    value
}

fn normalize(value: &mut Value) {
    match &mut value.kind {
        Kind::Plain(text) => value.kind = scalar(text),
        Kind::List(items) => items.iter_mut().for_each(normalize),
        Kind::Map(map) => map.values_mut().for_each(normalize),
        Kind::Null | Kind::Text(_) | Kind::Unknown(_) => {}
    }
}

fn scalar(text: &str) -> Kind {
    let lower = match text {
        "true" | "True" | "TRUE" => "true",
        "false" | "False" | "FALSE" => "false",
        _ => return number(text).map_or_else(|| Kind::Text(text.to_owned()), Kind::Plain),
    };
    Kind::Plain(lower.to_owned())
}

/// A number as JavaScript prints it.
fn number(text: &str) -> Option<String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = if text.starts_with('-') { "-" } else { "" };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            let number = u64::from_str_radix(&digits.replace('_', ""), radix).ok()?;
            return Some(format!("{sign}{number}"));
        }
    }
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"._eE+-".contains(&byte));
    if !is_number {
        return None;
    }
    let number: f64 = digits.replace('_', "").parse().ok()?;
    number.is_finite().then(|| format!("{sign}{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<serde_json::Value, String> {
        let context = Context::default();
        let root = context
            .load_text(Path::new("serverless.yml"), text)
            .unwrap();
        let variables = Variables::new(&context, Path::new("."), root);
        let value = variables.resolve_in(variables.root(), 0);
        value
            .map(|value| value.to_json())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_variable_that_is_the_whole_text_keeps_its_type() {
        let text = "custom: {n: 12, l: [1, '${self:custom.n}'], t: 'a'}\n\
            a: ${self:custom.n}\nb: ${self:custom.l}\nc: x${self:custom.n}${self:custom.t}\n\
            d: ${self:custom.none, self:custom.t}\ne: ${self:custom.none, true}\nf: ${self:custom.l.1}\n";
        let json = resolved(text).unwrap();
        assert_eq!(
            [
                &json["a"], &json["b"], &json["c"], &json["d"], &json["e"], &json["f"]
            ],
            [
                &serde_json::json!(12),
                &serde_json::json!([1, 12]),
                &serde_json::json!("x12a"),
                &serde_json::json!("a"),
                &serde_json::json!(true),
                &serde_json::json!(12)
            ]
        );
    }

    #[test]
    fn scalars_are_those_of_yaml_1_2() {
        let json =
            resolved("[yes, on, True, 0755, 1.10, 1e3, 0x1F, 2010-09-09, -1, 1.2.3]").unwrap();
        assert_eq!(
            json,
            serde_json::json!([
                "yes",
                "on",
                true,
                755,
                1.1,
                1000,
                31,
                "2010-09-09",
                -1,
                "1.2.3"
            ])
        );
    }

    #[test]
    fn a_variable_that_refers_to_itself_is_a_mistake() {
        let error =
            resolved("custom:\n  a: ${self:custom.b}\n  b: x${self:custom.a}\n").unwrap_err();
        assert!(error.starts_with("serverless.yml:2:6"), "{error}");
        assert!(error.contains("custom.b → custom.a → custom.b"), "{error}");
        assert!(resolved("custom:\n  a: ${self:custom}\n").is_err());
        assert!(resolved("a: ${self:}\n").is_err());
    }

    #[test]
    fn a_small_file_cannot_fill_the_memory() {
        let mut text = "custom:\n  a0: xxxxxxxxxx\n  l0: [x, x]\n".to_owned();
        for n in 1..60 {
            let before = n - 1;
            text.push_str(&format!(
                "  a{n}: ${{self:custom.a{before}}}${{self:custom.a{before}}}\n"
            ));
            text.push_str(&format!(
                "  l{n}: ['${{self:custom.l{before}}}', '${{self:custom.l{before}}}']\n"
            ));
        }
        assert!(resolved(&text).unwrap_err().contains("more than"));
        let mut text = "custom:\n  a0: x\n".to_owned();
        for n in 1..5000 {
            text.push_str(&format!("  a{n}: ${{self:custom.a{}}}\n", n - 1));
        }
        let last = format!("b: ${{self:custom.a4999}}\n{text}");
        assert!(resolved(&last).unwrap_err().contains("deep"));
    }
}
