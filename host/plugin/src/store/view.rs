//! The data that a guest's calls of the store work on, and the checks that both interfaces share.

use wasmtime::component::{HasData, Linker, ResourceTable};

use super::bindings::{objects, queues};
use super::grants::Grants;

/// The data that a guest's calls of the store work on.
pub(crate) struct StoreView<'a> {
    /// The guest's handles.
    pub table: &'a mut ResourceTable,
    /// What it has access to.
    pub grants: &'a Grants,
}

/// The key by which a linker finds the [`StoreView`] in a store's data.
struct Store;

impl HasData for Store {
    type Data<'a> = StoreView<'a>;
}

/// Links both interfaces.
pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> StoreView<'_>,
) -> wasmtime::Result<()> {
    queues::add_to_linker::<T, Store>(linker, view)?;
    objects::add_to_linker::<T, Store>(linker, view)
}

/// Checks a size. `what_has` begins the error: "the key has".
pub(super) fn check_size(what_has: &str, size: usize, max: usize) -> Result<(), String> {
    if size > max {
        return Err(format!("{what_has} {size} bytes, and may have {max}"));
    }
    Ok(())
}

/// Checks the number of items in one call.
pub(super) fn check_count(what: &str, count: usize, max: usize) -> Result<(), String> {
    if count > max {
        return Err(format!("{count} {what} at once, and there may be {max}"));
    }
    Ok(())
}

/// The bytes of names and values together.
pub(super) fn pairs_size(pairs: &[(String, String)]) -> usize {
    pairs
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}
