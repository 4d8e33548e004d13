//! What is known while a template is expanded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use indexmap::IndexMap;

use crate::context::Context;
use crate::file::Place;
use crate::value::{Kind, Map, Value};

use super::attributes::{Attributes, copy_own};
use super::build::{At, PREFIX, referred};
use super::references;

/// The state of an expansion.
pub(super) struct Expansion<'c> {
    pub(super) context: &'c Context,
    /// The folder that paths start from.
    pub(super) folder: &'c Path,
    /// All resources: those of SAM are replaced one by one, generated ones follow.
    pub(super) resources: Map,
    /// Conditions that generated resources need.
    conditions: Map,
    /// What `!Ref Fn.Alias` means: the id and the property, and the generated resource.
    pub(super) references: BTreeMap<(String, String), String>,
    /// Roles that exist if something refers to them.
    roles: BTreeMap<String, (Place, Attributes)>,
    /// Properties that have no effect here, with the resources that have them.
    pub(super) without_effect: BTreeMap<String, Vec<String>>,
    /// The values of parameters that are known now.
    parameters: BTreeMap<String, String>,
    /// The events of type Api and HttpApi by the id of their APIs.
    pub(super) routes: IndexMap<String, Vec<Route>>,
}

/// What events of a function invoke: the function, or its alias.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The logical id of the function.
    pub(super) function: String,
    /// The logical id of the alias, if there is one.
    pub(super) alias: Option<String>,
    /// The attributes that resources of its events take over.
    pub(super) attributes: Attributes,
}

impl Target {
    /// The ARN.
    pub(super) fn arn(&self, at: At) -> Value {
        match &self.alias {
            Some(alias) => at.reference(alias),
            None => at.attribute(&self.function, "Arn"),
        }
    }

    /// The name, or the alias's ARN.
    pub(super) fn name(&self, at: At) -> Value {
        at.reference(self.alias.as_ref().unwrap_or(&self.function))
    }

    /// The ARN in `Fn::Sub`.
    pub(super) fn arn_in_sub(&self) -> String {
        match &self.alias {
            Some(alias) => format!("${{{alias}}}"),
            None => format!("${{{}.Arn}}", self.function),
        }
    }
}

/// An event of type Api or HttpApi.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// Where the event is.
    pub(super) place: Place,
    /// What it is called in messages: `Fn.Events.Get`.
    pub(super) name: String,
    /// What it invokes.
    pub(super) target: Target,
    /// The path.
    pub(super) path: String,
    /// The method as it is in OpenAPI: in lower case, or `x-amazon-apigateway-any-method`.
    pub(super) method: String,
    /// The event's properties.
    pub(super) properties: Value,
}

impl Route {
    /// What the event says about its callers. An empty map says nothing.
    pub(super) fn auth(&self) -> Option<&Value> {
        let auth = self.properties.get("Auth");
        auth.filter(|auth| auth.as_map().is_none_or(|auth| !auth.is_empty()))
    }
}

impl<'c> Expansion<'c> {
    pub(super) fn new(context: &'c Context, folder: &'c Path, root: &Map, resources: Map) -> Self {
        let mut parameters = BTreeMap::new();
        let declared = root.get("Parameters").and_then(Value::as_map);
        for (name, member) in declared.into_iter().flatten() {
            // What the user gives has become the default: see `template::parameters`.
            if let Some(value) = member.value.get("Default").and_then(Value::as_text) {
                parameters.insert(name.clone(), value.into_owned());
            }
        }
        let region = context.options.region.as_deref().unwrap_or("us-east-1");
        parameters.insert("AWS::Region".to_owned(), region.to_owned());
        parameters.insert("AWS::Partition".to_owned(), "aws".to_owned());
        Self {
            context,
            folder,
            resources,
            conditions: Map::default(),
            references: BTreeMap::new(),
            roles: BTreeMap::new(),
            without_effect: BTreeMap::new(),
            parameters,
            routes: IndexMap::new(),
        }
    }

    /// The ids of the resources of a type of SAM, without its first part.
    pub(super) fn ids_of(&self, kind: &str) -> Vec<String> {
        let of_kind = self.resources.iter().filter(|(_, member)| {
            let type_of = member.value.get("Type").and_then(Value::as_str);
            type_of.and_then(|name| name.strip_prefix(PREFIX)) == Some(kind)
        });
        of_kind.map(|(id, _)| id.clone()).collect()
    }

    /// A resource with the place of its key.
    pub(super) fn resource(&self, id: &str) -> Option<(Place, Value)> {
        let member = self.resources.member(id)?;
        Some((member.place, member.value.clone()))
    }

    /// The type of a resource.
    pub(super) fn type_of(&self, id: &str) -> Option<&str> {
        self.resources.get(id)?.get("Type")?.as_str()
    }

    /// The properties of a resource, made if there are none. None if they are no map.
    pub(super) fn properties_mut(&mut self, id: &str) -> Option<&mut Map> {
        let place = self.resources.place_of(id)?;
        let resource = self.resources.get_mut(id)?.as_map_mut()?;
        super::build::child(resource, "Properties", place)
    }

    /// Replaces a resource of SAM by the one that has its id.
    pub(super) fn replace(&mut self, id: &str, kind: &str, properties: Map) {
        let Some((place, old)) = self.resource(id) else {
            return;
        };
        let mut resource = resource_of(place, kind, properties);
        Attributes::of(&old).write(&mut resource);
        copy_own(&old, &mut resource);
        let value = Value::new(place, Kind::Map(resource));
        self.resources.insert(id, place, value);
    }

    /// Adds a resource. One that the template has under this id is refused.
    pub(super) fn add(
        &mut self,
        id: &str,
        place: Place,
        kind: &str,
        properties: Map,
        attributes: &Attributes,
    ) {
        if self.resources.contains(id) {
            let text = format!("SAM makes an {kind} with the id {id}, which another resource has");
            self.refuse(place, text);
            return;
        }
        let mut resource = resource_of(place, kind, properties);
        attributes.write(&mut resource);
        let value = Value::new(place, Kind::Map(resource));
        self.resources.insert(id, place, value);
    }

    /// Adds a condition.
    pub(super) fn add_condition(&mut self, name: &str, condition: Value) {
        self.conditions.insert(name, condition.place, condition);
    }

    /// Says that a role exists if something refers to it.
    pub(super) fn add_role(&mut self, id: String, place: Place, attributes: Attributes) {
        self.roles.insert(id, (place, attributes));
    }

    /// What `!Ref ID.PROPERTY` means.
    pub(super) fn refer(&mut self, id: &str, property: &str, to: &str) {
        let key = (id.to_owned(), property.to_owned());
        self.references.insert(key, to.to_owned());
    }

    /// The text of a value whose parameters are known now: a text, `Ref` of a parameter, or `Fn::Sub` of parameters.
    pub(super) fn literal(&self, value: &Value) -> Option<String> {
        if let Some(text) = value.as_text() {
            return Some(text.into_owned());
        }
        if let Some(name) = referred(value) {
            return self.parameters.get(name).cloned();
        }
        let mut text = value.get("Fn::Sub")?.as_str()?;
        let mut result = String::new();
        while let Some((before, rest)) = text.split_once("${") {
            let (name, after) = rest.split_once('}')?;
            result.push_str(before);
            result.push_str(self.parameters.get(name)?);
            text = after;
        }
        result.push_str(text);
        Some(result)
    }

    /// Refuses something in the report.
    pub(super) fn refuse(&self, place: Place, text: impl Into<String>) {
        self.context.report.refuse(place, text);
    }

    /// Notes something in the report.
    pub(super) fn note(&self, place: Place, text: impl Into<String>) {
        self.context.report.note(place, text);
    }

    /// Notes properties that have no effect here, each with the resources that have it.
    fn note_without_effect(&self) {
        for (property, ids) in &self.without_effect {
            let ids = match ids.as_slice() {
                few if few.len() <= 3 => few.join(", "),
                many => format!("{} resources", many.len()),
            };
            let text = format!("{property} has no effect here: {ids}");
            self.context.report.note(None, text);
        }
    }

    /// Puts the resources into the template, and lets references to generated resources refer to them.
    pub(super) fn finish(mut self, root: &mut Map, place: Place) {
        self.note_without_effect();
        let mut used = BTreeSet::new();
        for member in self.resources.iter().chain(root.iter()) {
            references::roles(&member.1.value, &mut used);
        }
        for (id, (place, attributes)) in std::mem::take(&mut self.roles) {
            if used.contains(&id) && !self.resources.contains(&id) {
                self.add(&id, place, "AWS::IAM::Role", Map::default(), &attributes);
            }
        }
        if !self.conditions.is_empty()
            && let Some(conditions) = super::build::child(root, "Conditions", place)
        {
            for (name, member) in self.conditions {
                conditions.insert(name, member.place, member.value);
            }
        }
        let resources = Value::new(place, Kind::Map(self.resources));
        root.insert("Resources", place, resources);
        references::rewrite(root, &self.references);
    }
}

fn resource_of(place: Place, kind: &str, properties: Map) -> Map {
    let mut resource = Map::default();
    resource.insert("Type", place, Value::text(place, kind));
    let properties = Value::new(place, Kind::Map(properties));
    resource.insert("Properties", place, properties);
    resource
}
