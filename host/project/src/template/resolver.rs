//! What the evaluation of a project's templates shares: scopes, one for each stack, and limits.
//!
//! Contract: values are evaluated when they are needed and kept, so that the order of a template's sections means nothing
//! and branches that are not taken are not looked at. What refers to itself is found, not followed.
//!
//! On failure: a mistake in a template is refused, with its place, and its value is unknown from then on; too many or too
//! deeply nested values are a [`ProjectError`].

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;

use indexmap::IndexMap;

use crate::ProjectError;
use crate::context::Context;
use crate::file::Place;
use crate::resource::{Reference, Template};
use crate::value::{Kind, Map, Value};

/// How deep values may be nested, those included that references lead to.
const DEPTH: usize = 200;

/// How many references may lead from one to the next.
const REFERENCES: usize = 40;

/// How many values all templates together may have after their functions were evaluated.
const VALUES: usize = 2_000_000;

/// How many bytes their texts may have.
const BYTES: usize = 64 * 1024 * 1024;

/// The evaluation of a project's templates.
pub(super) struct Resolver<'c> {
    pub context: &'c Context,
    pub region: String,
    /// The outermost stacks.
    pub roots: RefCell<Vec<Rc<Scope>>>,
    /// Names that are taken, by what they are names of.
    pub taken: RefCell<HashSet<(&'static str, String)>>,
    /// Names that resources of several outermost stacks would have.
    pub shared: RefCell<Shared>,
    /// Values of the user that were taken for exports of other stacks.
    pub used: RefCell<HashSet<String>>,
    /// The number of nested stacks.
    pub nested: Cell<usize>,
    /// What has been evaluated of resources, and the outputs of stacks: `Fn.Arn`.
    kept: RefCell<HashMap<String, Value>>,
    /// What is being evaluated.
    active: RefCell<Vec<String>>,
    /// The references of the property that is being evaluated.
    seen: RefCell<Option<(String, Vec<Reference>)>>,
    depth: Cell<usize>,
    values: Cell<usize>,
    bytes: Cell<usize>,
}

/// What several outermost stacks have in common.
#[derive(Default)]
pub(super) struct Shared {
    /// Names, by what they are names of.
    pub names: HashSet<(&'static str, String)>,
    /// The paths of the stacks.
    pub stacks: HashSet<String>,
}

/// A stack whose template is being evaluated.
pub(super) struct Scope {
    pub template: Template,
    /// The path of the stack in the tree of CDK's constructs.
    pub construct: String,
    /// What precedes the logical ids in paths: nothing, or the path of the stack and `/`.
    pub prefix: String,
    pub parameters: IndexMap<String, Parameter>,
    /// Whether mistakes are noted, because what they are in has no effect here.
    pub is_lenient: Cell<bool>,
    /// The nested stacks, by their logical ids; none for those whose templates cannot be had.
    pub stacks: RefCell<HashMap<String, Option<Rc<Scope>>>>,
    /// The templates around this one, and its own, to find one that contains itself.
    pub files: Vec<PathBuf>,
    /// The numbers of the versions, by their logical ids.
    pub versions: RefCell<Option<HashMap<String, usize>>>,
}

/// A parameter's value.
pub(super) struct Parameter {
    pub value: Value,
    /// What is noted when it is used: that the value is a placeholder.
    pub note: Option<(Place, String)>,
}

impl<'c> Resolver<'c> {
    /// A resolver for templates in a region, unless the user names another one.
    pub fn new(context: &'c Context, region: Option<&str>) -> Self {
        let region = context.options.region.as_deref().or(region);
        Self {
            context,
            region: region.unwrap_or("us-east-1").to_owned(),
            roots: RefCell::default(),
            taken: RefCell::default(),
            shared: RefCell::default(),
            used: RefCell::default(),
            nested: Cell::new(0),
            kept: RefCell::default(),
            active: RefCell::default(),
            seen: RefCell::default(),
            depth: Cell::new(0),
            values: Cell::new(0),
            bytes: Cell::new(0),
        }
    }

    /// The first part of ARNs of a service, up to the account: `arn:aws:sqs:us-east-1:123456789012:`.
    pub fn arn(&self, service: &str, rest: &str) -> String {
        let partition = self.partition();
        let (region, account) = (&self.region, &self.context.options.account);
        format!("arn:{partition}:{service}:{region}:{account}:{rest}")
    }

    pub fn partition(&self) -> &'static str {
        plugin_kit::arn::partition(&self.region)
    }

    /// Evaluates something one level deeper.
    pub fn deeper<T>(
        &self,
        place: Place,
        evaluate: impl FnOnce() -> Result<T, ProjectError>,
    ) -> Result<T, ProjectError> {
        self.depth.set(self.depth.get() + 1);
        if self.depth.get() > DEPTH {
            let message = format!("values are nested more than {DEPTH} deep");
            return Err(self.context.error(place, &message));
        }
        self.values.set(self.values.get() + 1);
        if self.values.get() > VALUES {
            let message = format!("the templates have more than {VALUES} values");
            return Err(self.context.error(place, &message));
        }
        let result = evaluate();
        self.depth.set(self.depth.get() - 1);
        result
    }

    /// A value at another place. Its parts are counted.
    pub fn copy(&self, place: Place, value: &Value) -> Result<Value, ProjectError> {
        self.count(place, value)?;
        Ok(Value::new(place, value.kind.clone()))
    }

    fn count(&self, place: Place, value: &Value) -> Result<(), ProjectError> {
        self.values.set(self.values.get().saturating_add(1));
        if self.values.get() > VALUES {
            let message = format!("the templates have more than {VALUES} values");
            return Err(self.context.error(place, &message));
        }
        match &value.kind {
            Kind::Null => Ok(()),
            Kind::Plain(text) | Kind::Text(text) | Kind::Unknown(text) => self.made(place, text),
            Kind::List(items) => items.iter().try_for_each(|item| self.count(place, item)),
            Kind::Map(map) => map
                .iter()
                .try_for_each(|(_, member)| self.count(place, &member.value)),
        }
    }

    /// Counts the bytes of a text that was made.
    pub fn made(&self, place: Place, text: &str) -> Result<(), ProjectError> {
        self.bytes.set(self.bytes.get().saturating_add(text.len()));
        if self.bytes.get() > BYTES {
            let message = format!("the texts in the templates have more than {BYTES} bytes");
            return Err(self.context.error(place, &message));
        }
        Ok(())
    }

    /// The value of something with a name, evaluated once. What refers to itself is a mistake.
    pub fn once(
        &self,
        scope: &Scope,
        place: Place,
        key: &str,
        evaluate: impl FnOnce() -> Result<Value, ProjectError>,
    ) -> Result<Value, ProjectError> {
        let key = format!("{}{key}", scope.prefix);
        if let Some(value) = self.kept.borrow().get(&key) {
            return self.copy(place, value);
        }
        let start = self
            .active
            .borrow()
            .iter()
            .position(|active| *active == key);
        if let Some(start) = start {
            let mut way: Vec<String> = self.active.borrow().iter().skip(start).cloned().collect();
            way.push(key);
            let way = way.join(", which needs ");
            return Ok(self.mistake(scope, place, format!("this refers to itself: {way}")));
        }
        if self.active.borrow().len() >= REFERENCES {
            let message = format!("more than {REFERENCES} references lead from one to the next");
            return Err(self.context.error(place, &message));
        }
        self.active.borrow_mut().push(key.clone());
        let value = self.unseen(evaluate);
        self.active.borrow_mut().pop();
        let value = value?;
        let copy = self.copy(place, &value);
        self.kept.borrow_mut().insert(key, value);
        copy
    }

    /// Evaluates something whose references are not those of the property at hand.
    fn unseen<T>(&self, evaluate: impl FnOnce() -> T) -> T {
        let before = self.seen.borrow_mut().take();
        let result = evaluate();
        *self.seen.borrow_mut() = before;
        result
    }

    /// Evaluates a property, with the references in it.
    pub fn watched<T>(&self, property: &str, evaluate: impl FnOnce() -> T) -> (T, Vec<Reference>) {
        *self.seen.borrow_mut() = Some((property.to_owned(), Vec::new()));
        let result = evaluate();
        let seen = self.seen.borrow_mut().take();
        (result, seen.map(|(_, seen)| seen).unwrap_or_default())
    }

    /// Tells that the property at hand refers to a resource.
    pub fn refers(&self, scope: &Scope, place: Place, id: &str, attribute: &str) {
        if let Some((property, seen)) = self.seen.borrow_mut().as_mut() {
            seen.push(Reference {
                place,
                property: property.clone(),
                target: format!("{}{id}", scope.prefix),
                attribute: attribute.to_owned(),
            });
        }
    }

    /// Refuses a mistake in a template, unless it is in something without an effect. The value is unknown.
    pub fn mistake(&self, scope: &Scope, place: Place, text: impl Into<String>) -> Value {
        let text = text.into();
        if scope.is_lenient.get() {
            self.context.report.note(place, text.clone());
        } else {
            self.context.report.refuse(place, text.clone());
        }
        Value::new(place, Kind::Unknown(text))
    }
}

impl Scope {
    /// The stack of an outermost template, the only one.
    pub fn new(template: Template, parameters: IndexMap<String, Parameter>) -> Self {
        let construct = template.construct.as_ref().unwrap_or(&template.name);
        Self {
            construct: construct.clone(),
            template,
            prefix: String::new(),
            parameters,
            is_lenient: Cell::new(false),
            stacks: RefCell::default(),
            files: Vec::new(),
            versions: RefCell::default(),
        }
    }

    /// A section of the template, if it is there.
    pub fn section(&self, name: &str) -> Option<&Map> {
        self.template.root.get(name)?.as_map()
    }

    /// A resource, as it is written.
    pub fn resource(&self, id: &str) -> Option<&Value> {
        self.section("Resources")?.get(id)
    }

    /// The type of a resource.
    pub fn kind(&self, id: &str) -> Option<&str> {
        self.resource(id)?.get("Type")?.as_str()
    }

    /// A property of a resource, as it is written.
    pub fn property(&self, id: &str, key: &str) -> Option<&Value> {
        self.resource(id)?.get("Properties")?.get(key)
    }
}

/// A value that exists on AWS only.
pub(super) fn unknown(place: Place, why: impl Into<String>) -> Value {
    Value::new(place, Kind::Unknown(why.into()))
}

/// `; did you mean X?` if one of the names is like the one that was written.
pub(super) fn meant<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match plugin_kit::nearest::nearest(typed, &known) {
        Some(nearest) => format!("; did you mean {nearest}?"),
        None => String::new(),
    }
}
