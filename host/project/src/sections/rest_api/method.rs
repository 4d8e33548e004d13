//! Methods of a REST API, whatever they come from, and how they are written.

use crate::document::{Item, Table};
use crate::file::Place;
use crate::value::Value;

use super::writer::Writer;
use crate::sections::authorizer::{self, Guard};
use crate::sections::read::one_of;
use crate::sections::reference::Why;

/// A method before it is written.
#[derive(Debug)]
pub struct Method<'v> {
    /// `GET /orders/{id}`
    pub key: String,
    /// Where it is.
    pub place: Place,
    /// Its integration.
    pub integration: Option<&'v Value>,
    /// Who may call it.
    pub guard: Guard,
    /// Whether a request needs an API key.
    pub needs_key: bool,
    /// Its name.
    pub operation_name: Option<&'v Value>,
    /// What may not be missing: `querystring.NAME`, `header.NAME`.
    pub required: Vec<String>,
    /// Content types, each with the name of a model.
    pub models: Vec<(String, String)>,
}

impl Writer<'_> {
    /// Writes a method, in place of one with the same key.
    pub(super) fn method(&mut self, method: Method<'_>) {
        match self.item(&method) {
            Ok(item) => {
                self.needs_keys |= method.needs_key;
                self.routes.insert(method.key, (method.place, item));
            }
            Err(why) => why.tell(self.context, method.place, &method.key, "it is not served"),
        }
    }

    /// The value of a route; an error says what the method does instead.
    fn item(&mut self, method: &Method<'_>) -> Result<Item, Why> {
        if let Guard::Unknown(why) = &method.guard {
            return Err(why.clone());
        }
        let Some(integration) = method.integration else {
            return Err("has no integration".into());
        };
        let mut table = self.integration(method, integration)?;
        authorizer::set_guard(&mut table, &method.guard, method.place);
        if method.needs_key {
            table.set("api-key-required", true, method.place);
        }
        if !method.required.is_empty() {
            table.set("required-parameters", method.required.clone(), method.place);
        }
        if !method.models.is_empty() {
            let mut models = Table::default();
            for (content_type, model) in &method.models {
                models.set(content_type, model.as_str(), None);
            }
            table.set("request-models", models, method.place);
        }
        if let Some(name) = method.operation_name
            && let Some(text) = name.as_str().filter(|text| is_operation_name(text))
        {
            table.set("operation-name", text, name.place);
        }
        let only = table.iter().count() == 1;
        Ok(match table.get("function") {
            Some(Item::Text(function)) if only => Item::Text(function.clone()),
            _ => Item::Table(table),
        })
    }
}

fn is_operation_name(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(is_legal)
}

/// The type of an integration, in upper case.
pub fn kind(integration: &Value) -> String {
    let kind = one_of(integration, &["Type", "type"]).and_then(Value::as_text);
    kind.unwrap_or_default().to_uppercase()
}
