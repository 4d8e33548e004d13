//! What the parts of a REST API are written with.

use indexmap::IndexMap;

use super::models::Models;
use crate::context::Context;
use crate::document::{Document, Item};
use crate::file::Place;
use crate::resource::{Resource, Stack};
use crate::sections::authorizer::{Around, Authorizers, Definition, Style};
use crate::sections::stage::Stage;

/// What the parts of an API are written with.
pub struct Writer<'s> {
    /// Files and report.
    pub context: &'s Context,
    /// All resources.
    pub stack: &'s Stack,
    /// What has been written.
    pub document: &'s Document,
    /// The API.
    pub api: &'s Resource,
    /// The stage that is served.
    pub stage: Stage<'s>,
    /// The authorizers.
    pub authorizers: Authorizers,
    /// The models.
    pub models: Models,
    /// The routes, with their places.
    pub routes: IndexMap<String, (Place, Item)>,
    /// Whether a method needs an API key.
    pub needs_keys: bool,
}

impl Writer<'_> {
    /// Adds an authorizer of the API.
    pub fn authorizer(&mut self, definition: Definition<'_>) {
        let around = Around {
            context: self.context,
            stack: self.stack,
            document: self.document,
            trigger: &self.api.name,
            variables: &self.stage.variables,
            style: Style::Rest,
        };
        self.authorizers.add(around, definition);
    }
}
