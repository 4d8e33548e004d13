//! All resources of a project's stacks, resolved.
//!
//! Contract: resources whose condition is false are left out, with a note. Those of nested stacks follow where the stack
//! is.

use std::rc::Rc;

use super::resolver::{Resolver, Scope, meant};
use super::{helpers, urls};
use crate::ProjectError;
use crate::resource::{Output, Resource, Stack};
use crate::value::{Kind, Map, Value};

/// Types whose resources do not change what runs here: mistakes in them are notes.
const WITHOUT_EFFECT: [&str; 12] = [
    "AWS::ApiGateway::Account",
    "AWS::CDK::Metadata",
    "AWS::CloudFront::",
    "AWS::CloudWatch::",
    "AWS::CodeDeploy::",
    "AWS::EC2::",
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::Lambda::Permission",
    "AWS::Logs::",
    "AWS::Route53::",
    "AWS::S3::BucketPolicy",
];

impl Resolver<'_> {
    /// The resources and outputs of the outermost stacks.
    pub fn walk(&self, roots: &[Rc<Scope>]) -> Result<Stack, ProjectError> {
        let mut stack = Stack {
            region: self.region.clone(),
            ..Stack::default()
        };
        for root in roots {
            self.walk_resources(root, &mut stack)?;
        }
        for root in roots {
            root.is_lenient.set(true);
            self.walk_outputs(root, &mut stack)?;
        }
        let is_from_cdk = roots.iter().any(|root| root.template.construct.is_some());
        helpers::mark(&mut stack, is_from_cdk);
        self.note_unused();
        urls::replace(self.context, &mut stack);
        Ok(stack)
    }

    fn walk_resources(&self, scope: &Rc<Scope>, stack: &mut Stack) -> Result<(), ProjectError> {
        for (id, member) in scope.section("Resources").into_iter().flatten() {
            let kind = scope.kind(id).unwrap_or_default();
            let is_quiet = WITHOUT_EFFECT.iter().any(|quiet| kind.starts_with(quiet));
            scope.is_lenient.set(is_quiet);
            if !self.is_included(scope, &member.value)? {
                if !is_quiet {
                    let name = member.value.text_of("Condition").unwrap_or_default();
                    let note = format!("{id} is left out: the condition {name} is false");
                    self.context.report.note(member.place, note);
                }
                continue;
            }
            if matches!(
                kind,
                "AWS::CloudFormation::Stack" | "AWS::Serverless::Application"
            ) {
                if let Some(nested) = self.stack(scope, member.place, id)? {
                    self.walk_resources(&nested, stack)?;
                }
                continue;
            }
            let mut resource = Resource::new(
                format!("{}{id}", scope.prefix),
                kind,
                member.place,
                &scope.template.folder,
            );
            resource.name = self.name(scope, member.place, id)?;
            let reference = self.attribute(scope, member.place, id, "Ref")?;
            resource.reference = reference.as_str().unwrap_or_default().to_owned();
            let mut properties = Map::default();
            let own = member.value.get("Properties").and_then(Value::as_map);
            for (key, property) in own.into_iter().flatten() {
                let (value, references) =
                    self.watched(key, || self.evaluate(scope, &property.value));
                if let Some(value) = value? {
                    properties.insert(key, property.place, value);
                }
                resource.references.extend(references);
            }
            let place = member
                .value
                .get("Properties")
                .map_or(member.place, |value| value.place);
            resource.properties = Value::new(place, Kind::Map(properties));
            scope.is_lenient.set(true);
            if let Some(metadata) = member.value.get("Metadata") {
                resource.metadata = self.value_of(scope, metadata)?;
            }
            stack.add(resource);
        }
        Ok(())
    }

    /// Notes values that the user gives to parameters that there are not.
    fn note_unused(&self) {
        let roots = self.roots.borrow();
        let known: Vec<&str> = roots
            .iter()
            .flat_map(|root| root.parameters.keys())
            .map(String::as_str)
            .collect();
        let used = self.used.borrow();
        for name in self.context.options.parameters.keys() {
            // Those of other forms are for exports of other stacks, and for dynamic references.
            let is_parameter = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if is_parameter
                && !known.is_empty()
                && !known.contains(&name.as_str())
                && !used.contains(name)
            {
                let note = format!(
                    "there is no parameter {name}{}",
                    meant(name, known.iter().copied())
                );
                self.context.report.note(None, note);
            }
        }
    }

    fn walk_outputs(&self, scope: &Scope, stack: &mut Stack) -> Result<(), ProjectError> {
        for (name, member) in scope.section("Outputs").into_iter().flatten() {
            // What CDK exports from one stack to another is not for users.
            if name.starts_with("ExportsOutput") || !self.is_included(scope, &member.value)? {
                continue;
            }
            let is_only = scope.prefix.is_empty();
            stack.outputs.push(Output {
                name: match is_only {
                    true => name.clone(),
                    false => format!("{}.{name}", scope.template.name),
                },
                description: member.value.text_of("Description").map(Into::into),
                value: self.output(scope, scope, member.place, name)?,
            });
        }
        Ok(())
    }
}
