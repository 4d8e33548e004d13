//! The intermediate form: CloudFormation templates, before and after their functions are evaluated.
//!
//! Every kind of project becomes [`Template`]s, whose macros have been expanded, and then a [`Stack`] with resolved
//! resources. [`crate::sections`] makes lambkin.toml of that alone.

use std::path::PathBuf;

use indexmap::IndexMap;

use crate::file::Place;
use crate::value::{Map, Value};

/// A template whose intrinsic functions are not yet evaluated. All its sections are in `root`, by their names in
/// CloudFormation: `Parameters`, `Mappings`, `Conditions`, `Resources`, `Outputs`, …
#[derive(Debug, Clone)]
pub struct Template {
    /// The stack's name, for `AWS::StackName`.
    pub name: String,
    /// The folder that relative paths in it start from.
    pub folder: PathBuf,
    /// The sections.
    pub root: Map,
}

/// What a project consists of, resolved.
#[derive(Debug, Default)]
pub struct Stack {
    /// The resources by their paths, those of nested stacks included.
    pub resources: IndexMap<String, Resource>,
    /// The outputs of the outermost templates.
    pub outputs: Vec<Output>,
}

/// A resource whose properties are values: no intrinsic functions are left, and what exists on AWS only is
/// [`crate::value::Kind::Unknown`].
#[derive(Debug, Clone)]
pub struct Resource {
    /// The path: the logical id, for those of nested stacks after that of the stack and `/`.
    pub path: String,
    /// The logical id.
    pub id: String,
    /// The type: `AWS::Lambda::Function`.
    pub kind: String,
    /// The name here of what it stands for: of a function, a queue, a bucket, a topic, the trigger of an API.
    pub name: String,
    /// Where the resource is defined: its key in `Resources`.
    pub place: Place,
    /// The properties, a map.
    pub properties: Value,
    /// The metadata, a map or null.
    pub metadata: Value,
    /// The folder that relative paths in it start from.
    pub folder: PathBuf,
}

/// An output of a stack.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its key.
    pub name: String,
    /// What it describes, if it says so.
    pub description: Option<String>,
    /// Its value; references to local URLs are resolved when the listeners are bound.
    pub value: Value,
}

impl Stack {
    /// The resources of a type.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources
            .values()
            .filter(move |resource| resource.kind == kind)
    }
}

impl Resource {
    /// A property, unless it is null.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.properties.get(key)
    }
}
