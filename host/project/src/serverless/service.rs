//! What a serverless.yml says, without variables and with its defaults.
//!
//! Contract: [`Service::read`] resolves the variables of the parts that are read, and no others, so that what is said about
//! deployment needs no values here.
//!
//! On failure: a [`ProjectError`] with the place, of what is not a service of AWS.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::keys;
use super::names;
use super::variables::Variables;
use crate::ProjectError;
use crate::cfn;
use crate::context::Context;
use crate::file::Place;
use crate::value::{Kind, Map, Value};

/// A service.
pub struct Service<'c> {
    /// What all parts share.
    pub context: &'c Context,
    /// Its folder.
    pub folder: PathBuf,
    /// Its name.
    pub name: String,
    /// The stage.
    pub stage: String,
    /// The region.
    pub region: String,
    /// `provider`, a map.
    pub provider: Value,
    /// The functions by their keys.
    pub functions: IndexMap<String, Function>,
    /// `layers`
    pub layers: Value,
    /// `package`
    pub package: Value,
    /// `resources`, merged if it is a list.
    pub resources: Value,
    /// The names of the plugins, with their places.
    pub plugins: Vec<(String, Place)>,
    /// `custom.serverless-offline`, if the plugin is used.
    pub offline: Value,
    /// The rest, with variables.
    pub variables: Variables<'c>,
}

/// A function.
pub struct Function {
    /// Its key.
    pub key: String,
    /// The place of the key.
    pub place: Place,
    /// What is said about it, a map.
    pub value: Value,
    /// Its name.
    pub name: Value,
    /// The alias that its triggers invoke.
    pub alias: Option<Alias>,
}

/// An alias that a setting makes.
#[derive(Clone, Copy)]
pub struct Alias {
    /// The name.
    pub name: &'static str,
    /// What follows the function's name in the logical id.
    pub id: &'static str,
}

impl Function {
    /// The beginning of the logical ids of what belongs to it.
    pub fn prefix(&self) -> String {
        names::normalized(&self.key)
    }

    /// The logical id of the function.
    pub fn id(&self) -> String {
        names::function(&self.key)
    }

    /// What triggers invoke: the ARN of the function, or that of its alias.
    pub fn target(&self, place: Place) -> Value {
        let arn = cfn::attribute(place, &self.id(), "Arn");
        match self.alias {
            Some(alias) => cfn::join(place, ":", vec![arn, Value::text(place, alias.name)]),
            None => arn,
        }
    }

    /// The parts of the URI by which API Gateway invokes the function.
    pub fn target_parts(&self, place: Place) -> Vec<Value> {
        let mut parts = vec![cfn::attribute(place, &self.id(), "Arn")];
        if let Some(alias) = self.alias {
            parts.push(Value::text(place, ":"));
            parts.push(Value::text(place, alias.name));
        }
        parts
    }

    /// A setting of the function, unless it is null.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.value.get(key)
    }

    /// Its events: the type, the place of it, and what is said about it.
    pub fn events(&self) -> impl Iterator<Item = (&str, Place, &Value)> {
        let events = self.get("events").map(Value::items).unwrap_or_default();
        events.iter().flat_map(|event| {
            let members = event.as_map().into_iter().flat_map(Map::iter);
            let members =
                members.map(|(kind, member)| (kind.as_str(), member.place, &member.value));
            // A type without anything about it.
            members.chain(event.as_str().map(|kind| (kind, event.place, event)))
        })
    }

    /// The events of a type.
    pub fn events_of<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = (Place, &'s Value)> {
        self.events()
            .filter(move |event| event.0 == kind)
            .map(|(_, place, value)| (place, value))
    }
}

impl<'c> Service<'c> {
    /// Reads a service from the content of its file.
    pub fn read(context: &'c Context, path: &Path, root: Value) -> Result<Self, ProjectError> {
        let folder = folder_of(path);
        if root.as_map().is_none() {
            let message = format!(
                "a serverless.yml is a map with `service`, `provider` and `functions`, not {}",
                root.described()
            );
            return Err(context.error(root.place, &message));
        }
        let place = root.place;
        let mut variables = Variables::new(context, &folder, root);
        variables.read_environment()?;
        keys::check_sections(context, variables.root());
        let name = variables.property(&["service"])?;
        let name = match name.get("name").unwrap_or(&name) {
            value if value.as_str().is_some() => value.as_str().unwrap_or_default().to_owned(),
            value => {
                let why = value.as_unknown().unwrap_or("write `service: NAME`");
                let message = format!("the service has no name: {why}");
                return Err(context.error(value.place, &message));
            }
        };
        let mut provider = variables.property(&["provider"])?;
        if let Some(name) = provider.as_str() {
            provider = Value::map(
                provider.place,
                [("name", Value::text(provider.place, name))],
            );
        }
        match provider.text_of("name").as_deref() {
            Some("aws") => {}
            Some(other) => {
                let place = provider
                    .get("name")
                    .map_or(provider.place, |name| name.place);
                let message =
                    format!("the provider is {other}; only functions of `aws` can be run");
                return Err(context.error(place, &message));
            }
            None => {
                let message = "the service has no provider: write `provider: {name: aws, runtime: nodejs22.x}`";
                return Err(context.error(provider.place, message));
            }
        }
        keys::check_provider(context, &provider);
        let stage = variables.stage()?;
        let region = variables.region()?;
        let mut service = Self {
            context,
            folder,
            name,
            stage,
            region,
            provider,
            functions: IndexMap::new(),
            layers: variables.property(&["layers"])?,
            package: variables.property(&["package"])?,
            resources: merged(context, variables.property(&["resources"])?, "resources")?,
            plugins: Vec::new(),
            offline: Value::null(place),
            variables,
        };
        service.read_plugins()?;
        service.read_functions()?;
        if service.has_plugin("serverless-offline") {
            let path = ["custom", "serverless-offline"];
            service.offline = service.variables.property(&path)?;
        }
        if service.has_plugin("serverless-dotenv-plugin") {
            service.add_environment();
        }
        Ok(service)
    }

    fn read_functions(&mut self) -> Result<(), ProjectError> {
        let functions = merged(
            self.context,
            self.variables.property(&["functions"])?,
            "functions",
        )?;
        let Some(map) = functions.as_map() else {
            return Ok(());
        };
        for (key, member) in map {
            match &member.value.kind {
                Kind::Map(_) => {}
                Kind::Null => continue,
                _ => {
                    let described = member.value.described();
                    let message =
                        format!("the function {key} is {described}, not a map with a handler");
                    return Err(self.context.error(member.place, &message));
                }
            }
            let value = member.value.clone();
            keys::check_function(self.context, key, &value);
            let default = format!("{}-{}-{key}", self.name, self.stage);
            let name = value.get("name").cloned();
            let is_set = |key| {
                value
                    .get(key)
                    .is_some_and(|value| value.as_bool() != Some(false))
            };
            let alias = if is_set("durableConfig") {
                Some(Alias {
                    name: "durable",
                    id: "DurableLambdaAlias",
                })
            } else if is_set("provisionedConcurrency")
                && value
                    .get("provisionedConcurrency")
                    .and_then(Value::as_integer)
                    != Some(0)
            {
                Some(Alias {
                    name: "provisioned",
                    id: "ProvConcLambdaAlias",
                })
            } else if is_set("snapStart") {
                Some(Alias {
                    name: "snapstart",
                    id: "SnapStartLambdaAlias",
                })
            } else {
                None
            };
            let function = Function {
                key: key.clone(),
                place: member.place,
                name: name.unwrap_or_else(|| Value::text(member.place, default)),
                value,
                alias,
            };
            self.functions.insert(key.clone(), function);
        }
        Ok(())
    }

    fn read_plugins(&mut self) -> Result<(), ProjectError> {
        let plugins = self.variables.property(&["plugins"])?;
        let list = plugins.get("modules").unwrap_or(&plugins);
        for plugin in list.items() {
            if let Some(name) = plugin.as_str() {
                self.plugins.push((name.to_owned(), plugin.place));
            }
        }
        Ok(())
    }

    /// The name of its stack.
    pub fn stack_name(&self) -> String {
        match self.provider.get("stackName").and_then(Value::as_str) {
            Some(name) => name.to_owned(),
            None => format!("{}-{}", self.name, self.stage),
        }
    }

    /// Whether the project uses a plugin.
    pub fn has_plugin(&self, name: &str) -> bool {
        self.plugins.iter().any(|(plugin, _)| plugin == name)
    }

    /// Whether authorizers are asked.
    pub fn has_authorizers(&self) -> bool {
        self.offline.get("noAuth").and_then(Value::as_bool) != Some(true)
    }

    /// Adds the variables of `.env` files to the environment of all functions.
    fn add_environment(&mut self) {
        let place = self.provider.place;
        let variables: Vec<(String, Value)> = (self.variables.environment().iter())
            .map(|(name, value)| (name.clone(), Value::text(place, value)))
            .collect();
        let mut environment = Value::map(place, variables);
        if let Some(own) = self.provider.get("environment") {
            merge(&mut environment, own);
        }
        if let Some(provider) = self.provider.as_map_mut() {
            provider.insert("environment", place, environment);
        }
    }

    /// A setting of the function, else of the provider.
    pub fn setting<'s>(&'s self, function: &'s Function, key: &str) -> Option<&'s Value> {
        function.get(key).or_else(|| self.provider.get(key))
    }

    /// Refuses something, at a place.
    pub fn refuse(&self, place: Place, text: impl Into<String>) {
        self.context.report.refuse(place, text);
    }

    /// The text of a value that has to be one here. What is not is refused, with what it would be.
    pub fn needed_text(&self, value: &Value, what: &str) -> Option<String> {
        match value.as_str() {
            Some(text) => Some(text.to_owned()),
            None => {
                let why = match value.as_unknown() {
                    Some(why) => why.to_owned(),
                    None => format!("it is {}, and must be a text", value.described()),
                };
                self.refuse(value.place, format!("{what} is not known: {why}"));
                None
            }
        }
    }
}

/// The folder of a file, so that paths can be joined to it.
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A map, or a list of maps as one map.
fn merged(context: &Context, value: Value, what: &str) -> Result<Value, ProjectError> {
    match &value.kind {
        Kind::Map(_) | Kind::Null => Ok(value),
        Kind::List(items) => {
            let mut all = Value::new(value.place, Kind::Map(Map::default()));
            for item in items {
                match &item.kind {
                    Kind::Map(_) => merge(&mut all, item),
                    Kind::Null => {}
                    _ => {
                        let message = not_a_map(item, what);
                        return Err(context.error(item.place, &message));
                    }
                }
            }
            Ok(all)
        }
        _ => {
            let message = not_a_map(&value, what);
            Err(context.error(value.place, &message))
        }
    }
}

fn not_a_map(value: &Value, what: &str) -> String {
    match value.as_unknown() {
        Some(why) => format!("{what} is not known: {why}"),
        None => format!(
            "`{what}` is a map, or a list of maps, not {}",
            value.described()
        ),
    }
}

/// Lays a value over another, as the framework does: maps are merged, and lists item by item.
pub fn merge(below: &mut Value, over: &Value) {
    match (&mut below.kind, &over.kind) {
        (Kind::Map(below), Kind::Map(over)) => {
            for (key, member) in over {
                match below.get_mut(key) {
                    Some(value) => merge(value, &member.value),
                    None => {
                        below.insert(key, member.place, member.value.clone());
                    }
                }
            }
        }
        (Kind::List(below), Kind::List(over)) => {
            for (index, item) in over.iter().enumerate() {
                match below.get_mut(index) {
                    Some(value) => merge(value, item),
                    None => below.push(item.clone()),
                }
            }
        }
        _ => *below = over.clone(),
    }
}
