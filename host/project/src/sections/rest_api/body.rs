//! Methods of an OpenAPI body.

use crate::value::Value;

use super::method::Method;
use super::writer::Writer;
use crate::sections::authorizer::{Definition, Guard};
use crate::sections::openapi::{self, Need};

impl Writer<'_> {
    /// Writes the operations of a document.
    pub(super) fn body(&mut self, body: &Value) {
        for scheme in openapi::schemes(body) {
            if let Some(properties) = scheme.authorizer() {
                self.authorizer(Definition {
                    name: scheme.name,
                    place: scheme.place,
                    properties,
                    header: scheme.header(),
                    issuer: scheme.issuer(),
                });
            }
        }
        self.model_schemas(body);
        for operation in openapi::operations(body) {
            let mut guard = Guard::Open;
            let mut needs_key = false;
            for need in openapi::needs(body, &operation) {
                match need {
                    Need::ApiKey => needs_key = true,
                    Need::Signature => guard = self.authorizers.iam(operation.place),
                    Need::Authorizer(name, scopes) => guard = self.authorizers.guard(&name, scopes),
                }
            }
            let (required, models) = self.validated_operation(body, &operation);
            self.method(Method {
                key: format!(
                    "{} {}",
                    operation.method,
                    self.full_path(body, operation.path)
                ),
                place: operation.place,
                integration: operation.integration(body),
                guard,
                needs_key,
                operation_name: operation.value.get("operationId"),
                required,
                models,
            });
        }
    }

    /// The path of an operation, behind the document's base path if the API asks for it. Slashes at the end do not count.
    fn full_path(&self, body: &Value, path: &str) -> String {
        let mode = self.api.properties.at(&["Parameters", "basepath"]);
        let of_server = || {
            let server = body.get("servers")?.items().first()?;
            server.at(&["variables", "basePath", "default"])
        };
        let base = match mode.and_then(Value::as_str) {
            Some("prepend") => body.get("basePath").or_else(of_server),
            _ => None,
        };
        let base = base
            .and_then(Value::as_str)
            .unwrap_or_default()
            .trim_matches('/');
        let base = match base {
            "" => String::new(),
            base => format!("/{base}"),
        };
        let joined = format!("{base}{path}");
        match joined.trim_end_matches('/') {
            "" => "/".to_owned(),
            path => path.to_owned(),
        }
    }
}
