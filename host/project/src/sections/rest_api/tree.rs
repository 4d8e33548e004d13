//! Methods of `AWS::ApiGateway::Resource` and `AWS::ApiGateway::Method`.

use crate::resource::Resource;
use crate::value::Value;

use super::method::Method;
use super::writer::Writer;
use crate::sections::authorizer::{Asked, Definition};
use crate::sections::reference;

/// How deep resources may be nested.
const DEPTH: usize = 100;

impl Writer<'_> {
    /// Writes the methods of the API's resources.
    pub(super) fn tree(&mut self) {
        let (stack, api) = (self.stack, self.api);
        let part = |kind| reference::parts(stack, kind, "RestApiId", api);
        for authorizer in part("AWS::ApiGateway::Authorizer") {
            self.authorizer(Definition {
                name: &authorizer.name,
                place: authorizer.place,
                properties: &authorizer.properties,
                header: None,
                issuer: None,
            });
        }
        for model in part("AWS::ApiGateway::Model") {
            self.model_resource(model);
        }
        for method in part("AWS::ApiGateway::Method") {
            let name = method
                .properties
                .text_of("HttpMethod")
                .unwrap_or("ANY".into());
            let key = match self.path(method) {
                Ok(path) => format!("{} {path}", name.to_uppercase()),
                Err(why) => {
                    let message = format!("the method {} {why}: it is not served", method.path);
                    self.context.report.refuse(method.place, message);
                    continue;
                }
            };
            let asked = Asked {
                route: method,
                kind: "AWS::ApiGateway::Authorizer",
            };
            let guard = self.authorizers.asked(stack, asked);
            let (required, models) = self.validated(method);
            self.method(Method {
                key,
                place: method.place,
                integration: method.get("Integration"),
                guard,
                needs_key: method.get("ApiKeyRequired").and_then(Value::as_bool) == Some(true),
                operation_name: method.get("OperationName"),
                required,
                models,
            });
        }
    }

    /// The path of a method.
    fn path(&self, method: &Resource) -> Result<String, String> {
        let mut parts = Vec::new();
        let mut id = method.get("ResourceId");
        for _ in 0..DEPTH {
            if let Some(value) = id
                && let Some(why) = value.as_unknown()
            {
                let message = format!("{} is taken to be below the root: {why}", method.path);
                self.context.report.note(value.place, message);
            }
            // Whatever is no resource of the project is the root.
            let Some(resource) = reference::find(self.stack, "AWS::ApiGateway::Resource", id)
            else {
                parts.reverse();
                return Ok(format!("/{}", parts.join("/")));
            };
            let Some(part) = resource.properties.text_of("PathPart") else {
                return Err(format!("is below {}, which has no PathPart", resource.path));
            };
            parts.push(part.into_owned());
            id = resource.get("ParentId");
        }
        Err("is below a resource that is its own parent".to_owned())
    }
}
