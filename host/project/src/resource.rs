//! The intermediate form: CloudFormation templates, before and after their functions are evaluated.
//!
//! Every kind of project becomes [`Template`]s, whose macros have been expanded, and then a [`Stack`] with resolved
//! resources. [`crate::sections`] makes lambkin.toml of that alone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

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
    /// The path of the stack in the tree of CDK's constructs, if the template is from CDK.
    pub construct: Option<String>,
    /// The region that the project names.
    pub region: Option<String>,
    /// The assets of CDK's assembly by their hashes, if the template is from CDK.
    pub assets: Rc<BTreeMap<String, Asset>>,
}

/// An asset of CDK's assembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The file or folder, relative to the template.
    pub path: String,
    /// The Dockerfile in the folder, if the asset is an image.
    pub dockerfile: Option<String>,
}

impl Template {
    /// A template that is not from CDK.
    #[must_use]
    pub fn new(name: impl Into<String>, folder: impl Into<PathBuf>, root: Map) -> Self {
        Self {
            name: name.into(),
            folder: folder.into(),
            root,
            construct: None,
            region: None,
            assets: Rc::default(),
        }
    }
}

/// What a project consists of, resolved.
#[derive(Debug, Default)]
pub struct Stack {
    /// The resources by their paths, those of nested stacks included.
    pub resources: IndexMap<String, Resource>,
    /// The region of the ARNs in them; empty for the default.
    pub region: String,
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
    /// What `Ref` gives for it elsewhere in the project: a name, an ARN, an id, the URL of a queue. Empty if that exists
    /// on AWS only. Properties that name another resource hold this, or one of its attributes.
    pub reference: String,
    /// Where the resource is defined: its key in `Resources`.
    pub place: Place,
    /// The properties, a map.
    pub properties: Value,
    /// The metadata, a map or null.
    pub metadata: Value,
    /// The folder that relative paths in it start from.
    pub folder: PathBuf,
    /// The resources that its properties refer to.
    pub references: Vec<Reference>,
    /// Whether it is a function that only custom resources call, while a stack is deployed: CDK adds such functions.
    pub is_helper: bool,
}

/// That a property refers to a resource, with `Ref`, `Fn::GetAtt` or in `Fn::Sub`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where.
    pub place: Place,
    /// The outermost property: `Environment`.
    pub property: String,
    /// The path of the resource that is referred to.
    pub target: String,
    /// The attribute: `Arn`, or `Ref`.
    pub attribute: String,
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
    /// Adds a resource, in place of one with the same path.
    pub fn add(&mut self, resource: Resource) {
        self.resources.insert(resource.path.clone(), resource);
    }

    /// The resources of a type.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources
            .values()
            .filter(move |resource| resource.kind == kind)
    }

    /// The resource of a type for which `Ref` gives a text: the method's `AWS::ApiGateway::Resource`, for example.
    #[must_use]
    pub fn referred(&self, kind: &str, text: &str) -> Option<&Resource> {
        self.resources
            .values()
            .find(|resource| resource.kind == kind && resource.reference == text)
            .filter(|_| !text.is_empty())
    }

    /// The resource of a type with a name.
    #[must_use]
    pub fn named(&self, kind: &str, name: &str) -> Option<&Resource> {
        self.resources
            .values()
            .find(|resource| resource.kind == kind && resource.name == name)
    }

    /// The function that a text names, and the alias or version in it: an ARN, a partial ARN, a name, or the URI of an
    /// integration of API Gateway (`arn:…:lambda:path/2015-03-31/functions/ARN/invocations`).
    #[must_use]
    pub fn function_of<'t>(&self, text: &'t str) -> Option<(&Resource, Option<&'t str>)> {
        let (name, qualifier) = function_name(text)?;
        Some((self.named("AWS::Lambda::Function", name)?, qualifier))
    }

    /// The queue that an ARN, a URL or a name means.
    #[must_use]
    pub fn queue_of(&self, text: &str) -> Option<&Resource> {
        let kind = "AWS::SQS::Queue";
        self.referred(kind, text).or_else(|| {
            let name = text.rsplit([':', '/']).next().unwrap_or(text);
            self.named(kind, name)
        })
    }

    /// The bucket that an ARN or a name means.
    #[must_use]
    pub fn bucket_of(&self, text: &str) -> Option<&Resource> {
        self.named("AWS::S3::Bucket", text.rsplit(':').next().unwrap_or(text))
    }

    /// The topic that an ARN or a name means.
    #[must_use]
    pub fn topic_of(&self, text: &str) -> Option<&Resource> {
        self.named("AWS::SNS::Topic", text.rsplit(':').next().unwrap_or(text))
    }

    /// The REST, HTTP or WebSocket API with an id.
    #[must_use]
    pub fn api_of(&self, id: &str) -> Option<&Resource> {
        self.referred("AWS::ApiGateway::RestApi", id)
            .or_else(|| self.referred("AWS::ApiGatewayV2::Api", id))
    }
}

/// The name of the function in an ARN, a partial ARN, a name or an integration's URI, and the qualifier after it.
#[must_use]
pub fn function_name(text: &str) -> Option<(&str, Option<&str>)> {
    let text = match text.split_once("/functions/") {
        Some((_, rest)) => rest.split('/').next()?,
        None => text,
    };
    let rest = if text.starts_with("arn:") {
        text.splitn(6, ':').nth(5)?.strip_prefix("function:")?
    } else {
        text.split_once(":function:").map_or(text, |(_, rest)| rest)
    };
    let (name, qualifier) = match rest.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (rest, None),
    };
    (!name.is_empty()).then_some((name, qualifier))
}

impl Resource {
    /// A resource without properties, whose name is its logical id.
    #[must_use]
    pub fn new(
        path: impl Into<String>,
        kind: impl Into<String>,
        place: Place,
        folder: impl Into<PathBuf>,
    ) -> Self {
        let path = path.into();
        let id = path.rsplit('/').next().unwrap_or(&path).to_owned();
        Self {
            name: id.clone(),
            id,
            kind: kind.into(),
            reference: String::new(),
            place,
            properties: Value::new(place, crate::value::Kind::Map(Map::default())),
            metadata: Value::null(place),
            folder: folder.into(),
            references: Vec::new(),
            is_helper: false,
            path,
        }
    }

    /// A property, unless it is null.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.properties.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_by_all_their_names() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
        assert_eq!(function_name(arn), Some(("f", None)));
        assert_eq!(
            function_name(&format!("{arn}:live")),
            Some(("f", Some("live")))
        );
        let uri = format!(
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}:live/invocations"
        );
        assert_eq!(function_name(&uri), Some(("f", Some("live"))));
        assert_eq!(function_name("f:1"), Some(("f", Some("1"))));
        assert_eq!(function_name("123456789012:function:f"), Some(("f", None)));
        assert_eq!(function_name("arn:aws:sqs:us-east-1:1:q"), None);
        assert_eq!(function_name(""), None);
    }
}
