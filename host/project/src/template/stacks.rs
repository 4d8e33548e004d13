//! Stacks: the outermost ones, those nested in them, and what they export to each other.
//!
//! Contract: a nested stack whose template is a file here is part of the project. Its parameters are those that the stack
//! around it gives, and `Fn::GetAtt` of it gives its outputs.
//!
//! On failure: a template that is elsewhere, or that contains itself, is refused.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use indexmap::IndexMap;

use super::load::{self, Source};
use super::parameters;
use super::resolver::{Resolver, Scope, meant, unknown};
use crate::ProjectError;
use crate::file::{GENERATED_BYTES, Place};
use crate::resource::Template;
use crate::value::Value;

/// How many nested stacks a project may have, and how deep they may be nested.
const STACKS: usize = 200;
const DEPTH: usize = 8;

impl Resolver<'_> {
    /// An outermost stack. Its macros are expanded.
    pub fn root(&self, mut template: Template, is_only: bool) -> Result<Rc<Scope>, ProjectError> {
        let given = parameters::given_by_user(self.context, &template);
        let parameters = parameters::parameters(self.context, &template, &given)?;
        parameters::settle(&mut template, &parameters);
        load::expand(self.context, &mut template)?;
        let mut scope = Scope::new(template, parameters);
        if !is_only {
            scope.prefix = format!("{}/", scope.template.name);
        }
        Ok(Rc::new(scope))
    }

    /// The stack that a resource is, if its template is a file here.
    pub fn stack(
        &self,
        scope: &Scope,
        place: Place,
        id: &str,
    ) -> Result<Option<Rc<Scope>>, ProjectError> {
        if let Some(stack) = scope.stacks.borrow().get(id) {
            return Ok(stack.clone());
        }
        let key = format!("the stack {id}");
        self.once(scope, place, &key, || {
            let stack = self.deeper(place, || self.make_stack(scope, id))?;
            scope.stacks.borrow_mut().insert(id.to_owned(), stack);
            Ok(Value::null(place))
        })?;
        Ok(scope.stacks.borrow().get(id).cloned().flatten())
    }

    fn make_stack(&self, scope: &Scope, id: &str) -> Result<Option<Rc<Scope>>, ProjectError> {
        let Some(resource) = scope.resource(id) else {
            return Ok(None);
        };
        let place = resource.place;
        let Some(path) = self.template_of(scope, id, resource)? else {
            return Ok(None);
        };
        if scope.files.contains(&path) || scope.files.len() >= DEPTH {
            let shown = path.display();
            let message = format!(
                "the stack {id} contains itself, or is nested more than {DEPTH} deep: {shown}"
            );
            self.context.report.refuse(place, message);
            return Ok(None);
        }
        self.nested.set(self.nested.get() + 1);
        if self.nested.get() > STACKS {
            let message = format!("there are more than {STACKS} nested stacks");
            return Err(self.context.error(place, &message));
        }
        let mut given = IndexMap::new();
        if let Some(parameters) = resource.at(&["Properties", "Parameters"]) {
            for (name, value) in parameters.members() {
                if let Some(value) = self.evaluate(scope, value)? {
                    given.insert(name.to_owned(), value);
                }
            }
        }
        let name = format!("{}-{id}", scope.template.name);
        let mut template = load::load(
            self.context,
            Source {
                path: &path,
                name: &name,
                given: Some(&given),
                assets: Rc::clone(&scope.template.assets),
                limit: GENERATED_BYTES,
            },
        )?;
        let values = parameters::parameters(self.context, &template, &given)?;
        for name in given.keys().filter(|name| !values.contains_key(*name)) {
            let known = values.keys().map(String::as_str);
            let note = format!(
                "the stack {id} has no parameter {name}{}",
                meant(name, known)
            );
            self.context.report.note(place, note);
        }
        parameters::settle(&mut template, &values);
        load::expand(self.context, &mut template)?;
        let mut files = scope.files.clone();
        files.push(path);
        let mut stack = Scope::new(template, values);
        stack.construct = scope.construct.clone();
        stack.prefix = format!("{}{id}/", scope.prefix);
        stack.files = files;
        Ok(Some(Rc::new(stack)))
    }

    /// The file of a nested stack's template.
    fn template_of(
        &self,
        scope: &Scope,
        id: &str,
        resource: &Value,
    ) -> Result<Option<PathBuf>, ProjectError> {
        let is_asset = resource
            .at(&["Metadata", "aws:asset:property"])
            .and_then(Value::as_str)
            == Some("TemplateURL");
        let asset = resource
            .at(&["Metadata", "aws:asset:path"])
            .filter(|_| is_asset);
        let location = ["TemplateURL", "Location"]
            .into_iter()
            .find_map(|key| scope.property(id, key));
        let Some(location) = asset.or(location) else {
            let message = format!("the stack {id} has no TemplateURL");
            self.context.report.refuse(resource.place, message);
            return Ok(None);
        };
        let value = self.value_of(scope, location)?;
        let text = value
            .as_str()
            .map(|text| text.strip_prefix("file://").unwrap_or(text));
        let path = match text {
            Some(text) if !text.contains("://") => scope.template.folder.join(text),
            // The expansion of SAM's resources has refused an application of the repository.
            None if value.as_map().is_some()
                && scope.kind(id) == Some("AWS::Serverless::Application") =>
            {
                return Ok(None);
            }
            _ => {
                let at = match (text, value.as_unknown()) {
                    (Some(url), _) => format!("at {url}"),
                    (None, Some(why)) => format!("not known: {why}"),
                    (None, None) => format!("no text, but {}", value.described()),
                };
                let message = format!(
                    "the resources of the stack {id} are not here: its template is {at}; \
                    download it and name the file instead"
                );
                self.context.report.refuse(value.place, message);
                return Ok(None);
            }
        };
        let path = tidy(&path);
        if path.symlink_metadata().is_err() {
            let shown = path.display();
            let message = format!("the template of the stack {id} is not there: {shown}");
            self.context.report.refuse(value.place, message);
            return Ok(None);
        }
        Ok(Some(path))
    }

    /// An output of a nested stack: `Outputs.NAME`.
    pub fn nested_output(
        &self,
        scope: &Scope,
        place: Place,
        id: &str,
        attribute: &str,
    ) -> Result<Value, ProjectError> {
        let Some(name) = attribute.strip_prefix("Outputs.") else {
            return Ok(self.mistake(
                scope,
                place,
                format!("a stack has outputs only: {id}.Outputs.NAME"),
            ));
        };
        match self.stack(scope, place, id)? {
            Some(stack) => self.output(scope, &stack, place, name),
            None => Ok(unknown(
                place,
                format!("the template of the stack {id} is not here"),
            )),
        }
    }

    /// The value of a stack's output.
    pub fn output(
        &self,
        scope: &Scope,
        stack: &Scope,
        place: Place,
        name: &str,
    ) -> Result<Value, ProjectError> {
        let outputs = stack.section("Outputs");
        let Some(output) = outputs.and_then(|outputs| outputs.get(name)) else {
            let known = outputs.into_iter().flatten().map(|(name, _)| name.as_str());
            let message = format!(
                "the stack {} has no output {name}{}",
                stack.template.name,
                meant(name, known)
            );
            return Ok(self.mistake(scope, place, message));
        };
        if !self.is_included(stack, output)? {
            return Ok(unknown(
                place,
                format!("the output {name} is left out by its condition"),
            ));
        }
        let Some(value) = output.get("Value") else {
            return Ok(self.mistake(
                stack,
                output.place,
                format!("the output {name} has no Value"),
            ));
        };
        self.once(stack, place, &format!("the output {name}"), || {
            self.deeper(place, || self.value_of(stack, value))
        })
    }

    /// The export of another stack of the project, or one that the user gives.
    pub fn import(&self, scope: &Scope, place: Place, export: &str) -> Result<Value, ProjectError> {
        let roots = self.roots.borrow().clone();
        for root in &roots {
            for (name, member) in root.section("Outputs").into_iter().flatten() {
                let Some(exported) = member.value.at(&["Export", "Name"]) else {
                    continue;
                };
                let exported = self.value_of(root, exported)?;
                if exported.as_text().as_deref() == Some(export) {
                    return self.output(scope, root, place, name);
                }
            }
        }
        if let Some(value) = self.context.options.parameters.get(export) {
            self.used.borrow_mut().insert(export.to_owned());
            return Ok(Value::text(place, value));
        }
        let why = format!(
            "{export} is exported by a stack that is not here; --parameter '{export}=VALUE' sets it"
        );
        Ok(unknown(place, why))
    }

    /// `Fn::GetStackOutput`, with which CDK refers to another stack.
    pub fn stack_output(
        &self,
        scope: &Scope,
        place: Place,
        argument: &Value,
    ) -> Result<Option<Value>, ProjectError> {
        let stack = argument
            .get("StackName")
            .map(|name| self.value_of(scope, name))
            .transpose()?;
        let output = argument
            .get("OutputName")
            .map(|name| self.value_of(scope, name))
            .transpose()?;
        let (Some(stack), Some(output)) = (
            stack.as_ref().and_then(Value::as_str),
            output.as_ref().and_then(Value::as_str),
        ) else {
            let message = "Fn::GetStackOutput takes {StackName: STACK, OutputName: OUTPUT}";
            return Ok(Some(self.mistake(scope, place, message)));
        };
        let roots = self.roots.borrow().clone();
        if let Some(root) = roots.iter().find(|root| root.template.name == stack) {
            return self.output(scope, root, place, output).map(Some);
        }
        let given = self
            .context
            .options
            .parameters
            .get(&format!("{stack}.{output}"));
        Ok(Some(match given {
            Some(value) => Value::text(place, value),
            None => unknown(
                place,
                format!(
                    "{output} is an output of the stack {stack}, which is not here; \
                    --parameter {stack}.{output}=VALUE sets it"
                ),
            ),
        }))
    }
}

/// A path without `.` and `..` where that is possible by its text alone.
fn tidy(path: &Path) -> PathBuf {
    use std::path::Component;

    let mut tidy = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(tidy.components().next_back(), Some(Component::Normal(_))) =>
            {
                tidy.pop();
            }
            component => tidy.push(component),
        }
    }
    tidy
}
