//! Adapters: a component's functions, found and checked against a contract.
//!
//! An adapter is made in two steps when a component is loaded. [`Adapter::find`] looks the functions up in the compiled
//! component; [`Adapter::check`] compares their types with the contract's in an instance. Later calls need neither.

use std::fmt;

use wasmtime::Store;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower,
};

use crate::state::State;
use crate::text::quote;

/// The functions of one exported interface. Errors describe the first difference from the contract.
pub(crate) trait Adapter: Sized {
    /// Finds the functions in the exported interface.
    fn find(exports: &ExportedInterface<'_>) -> Result<Self, String>;

    /// Compares the functions' types with the contract's.
    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String>;
}

/// An exported function: the component, ready to be instantiated, and the function's place in it.
pub(crate) struct Function {
    pub component: InstancePre<State>,
    pub export: ComponentExportIndex,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").finish_non_exhaustive()
    }
}

/// An interface that a component exports.
pub(crate) struct ExportedInterface<'a> {
    component: &'a InstancePre<State>,
    interface: ComponentExportIndex,
}

impl<'a> ExportedInterface<'a> {
    /// Finds an interface by its name and version.
    pub(crate) fn find(component: &'a InstancePre<State>, interface: &str) -> Result<Self, String> {
        let interface = component
            .component()
            .get_export_index(None, interface)
            .ok_or("the interface itself is missing")?;
        Ok(Self {
            component,
            interface,
        })
    }

    /// Finds a function by its name.
    pub(crate) fn function(&self, name: &str) -> Result<Function, String> {
        let component = self.component.component();
        let export = component.get_export_index(Some(&self.interface), name);
        Ok(Function {
            component: self.component.clone(),
            export: export.ok_or_else(|| format!("function {name} is missing"))?,
        })
    }
}

/// Compares the types of functions with the contract's, in an instance that is made for this purpose.
pub(crate) struct TypeCheck<'a> {
    pub instance: &'a Instance,
    pub store: &'a mut Store<State>,
}

impl TypeCheck<'_> {
    /// Compares a function's type with the type that calls use.
    pub(crate) fn check<P, R>(&mut self, name: &str, function: &Function) -> Result<(), String>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        self.instance
            .get_typed_func::<P, R>(&mut *self.store, &function.export)
            .map(drop)
            .map_err(|error| format!("function {name}: {}", quote(&format!("{error:#}"))))
    }
}
