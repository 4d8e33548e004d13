//! The function whose code is chosen, and what has been found out about folders that functions share.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::context::Context;
use crate::document::Table;
use crate::file::Place;
use crate::resource::Resource;
use crate::sections::path;
use crate::value::Value;

/// What has been found out about folders, so that it is looked for once if many functions have one.
#[derive(Debug, Default)]
pub struct Seen {
    missing: RefCell<HashMap<PathBuf, Vec<String>>>,
    newest: RefCell<HashMap<PathBuf, Option<(PathBuf, SystemTime)>>>,
}

impl Seen {
    /// The packages that are missing in a folder, with `find` if that is not known yet.
    pub fn missing(&self, folder: &Path, find: impl FnOnce() -> Vec<String>) -> Vec<String> {
        let mut missing = self.missing.borrow_mut();
        missing
            .entry(folder.to_owned())
            .or_insert_with(find)
            .clone()
    }

    /// The file of a folder that was changed last, with `find` if that is not known yet.
    pub fn newest(
        &self,
        folder: &Path,
        find: impl FnOnce() -> Option<(PathBuf, SystemTime)>,
    ) -> Option<(PathBuf, SystemTime)> {
        let mut newest = self.newest.borrow_mut();
        newest.entry(folder.to_owned()).or_insert_with(find).clone()
    }
}

/// A function, and what its code depends on.
pub struct Function<'a> {
    pub context: &'a Context,
    pub resource: &'a Resource,
    pub seen: &'a Seen,
    /// Where the code is named.
    pub place: Place,
    /// `Runtime`, empty if there is none.
    pub runtime: String,
    /// `Handler`, empty if there is none.
    pub handler: String,
}

impl Function<'_> {
    /// Refuses the code.
    pub fn refuse(&self, message: impl Into<String>) {
        self.context.report.refuse(self.place, message);
    }

    /// Notes something about the code.
    pub fn note(&self, message: impl Into<String>) {
        self.context.report.note(self.place, message);
    }

    /// A path as messages and lambkin.toml have it.
    pub fn shown(&self, path: &Path) -> String {
        path::written(self.context, path)
    }

    /// A member of the metadata.
    pub fn metadata(&self, key: &str) -> Option<&Value> {
        self.resource.metadata.get(key)
    }

    /// `Metadata.BuildMethod`
    pub fn build_method(&self) -> Option<&str> {
        self.metadata("BuildMethod")?.as_str()
    }

    /// How messages name the function.
    pub fn shown_name(&self) -> &str {
        &self.resource.path
    }

    /// The project's folder.
    pub fn project(&self) -> &Path {
        &self.context.options.folder
    }
}

/// Sets the code, which is watched.
pub fn set(function: &Function<'_>, table: &mut Table, path: &Path) {
    table.set("code", function.shown(path), function.place);
    table.set("watch", true, None);
}
