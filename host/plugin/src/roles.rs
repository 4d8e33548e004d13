//! The roles that a component plays, each behind the adapter for its contract.
//!
//! An adapter is made in two steps: [`Adapter::find`] looks for the functions in the compiled component, and
//! [`Adapter::check`] compares their types with the contract's in an instance, once, at load. A component that has passed
//! both for every role it exports can be called in each of them.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower,
};

use crate::call::Function;
use crate::error::ComponentError;
use crate::inspect::Inspection;
use crate::role::Role;
use crate::state::State;
use crate::text::quote;
use crate::{batch_trigger, http_trigger, object_trigger, service, source};

/// One adapter per role.
#[derive(Default)]
pub(crate) struct Roles {
    pub http_trigger: Option<Arc<http_trigger::v0_1::Shaper>>,
    pub batch_trigger: Option<Arc<batch_trigger::v0_1::Shaper>>,
    pub object_trigger: Option<Arc<object_trigger::v0_1::Shaper>>,
    pub service: Option<Arc<service::Handler>>,
    /// Checks a service's settings.
    pub settings: Option<Arc<service::Settings>>,
    pub source: Option<Arc<source::v0_1::Poller>>,
}

/// A role's functions in one component. Errors name the first difference from the contract.
pub(crate) trait Adapter: Sized {
    /// Finds the functions in the exported interface.
    fn find(exports: &Exports<'_>) -> Result<Self, String>;

    /// Compares the functions' types with the contract's.
    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String>;
}

impl Roles {
    /// Finds the functions of every role that the inspection saw.
    pub(crate) fn find(
        component: &InstancePre<State>,
        inspection: &Inspection,
    ) -> Result<Self, ComponentError> {
        Ok(Self {
            http_trigger: find(component, inspection, Role::HttpTrigger)?,
            batch_trigger: find(component, inspection, Role::BatchTrigger)?,
            object_trigger: find(component, inspection, Role::ObjectTrigger)?,
            service: find(component, inspection, Role::Service)?,
            settings: find_in(component, inspection.settings.as_deref())?,
            source: find(component, inspection, Role::Source)?,
        })
    }

    /// Compares the types of all functions with the contracts'.
    pub(crate) fn check(
        &self,
        inspection: &Inspection,
        types: &mut TypeCheck<'_>,
    ) -> Result<(), ComponentError> {
        check(&self.http_trigger, inspection, Role::HttpTrigger, types)?;
        check(&self.batch_trigger, inspection, Role::BatchTrigger, types)?;
        check(&self.object_trigger, inspection, Role::ObjectTrigger, types)?;
        check(&self.service, inspection, Role::Service, types)?;
        check_in(&self.settings, inspection.settings.as_deref(), types)?;
        check(&self.source, inspection, Role::Source, types)
    }
}

fn find<A: Adapter>(
    component: &InstancePre<State>,
    inspection: &Inspection,
    role: Role,
) -> Result<Option<Arc<A>>, ComponentError> {
    find_in(component, inspection.interface(role))
}

fn find_in<A: Adapter>(
    component: &InstancePre<State>,
    interface: Option<&str>,
) -> Result<Option<Arc<A>>, ComponentError> {
    let Some(interface) = interface else {
        return Ok(None);
    };
    let adapter = Exports::find(component, interface).and_then(|exports| A::find(&exports));
    adapter
        .map(|adapter| Some(Arc::new(adapter)))
        .map_err(|difference| other_revision(interface, difference))
}

fn check<A: Adapter>(
    adapter: &Option<Arc<A>>,
    inspection: &Inspection,
    role: Role,
    types: &mut TypeCheck<'_>,
) -> Result<(), ComponentError> {
    check_in(adapter, inspection.interface(role), types)
}

fn check_in<A: Adapter>(
    adapter: &Option<Arc<A>>,
    interface: Option<&str>,
    types: &mut TypeCheck<'_>,
) -> Result<(), ComponentError> {
    match (adapter, interface) {
        (Some(adapter), Some(interface)) => adapter
            .check(types)
            .map_err(|difference| other_revision(interface, difference)),
        _ => Ok(()),
    }
}

fn other_revision(interface: &str, difference: String) -> ComponentError {
    ComponentError::OtherRevision {
        interface: interface.to_owned(),
        difference,
    }
}

/// An exported interface of a component.
pub(crate) struct Exports<'a> {
    component: &'a InstancePre<State>,
    interface: ComponentExportIndex,
}

impl<'a> Exports<'a> {
    fn find(component: &'a InstancePre<State>, interface: &str) -> Result<Self, String> {
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

/// An instance made once to look at.
pub(crate) struct TypeCheck<'a> {
    pub instance: &'a Instance,
    pub store: &'a mut Store<State>,
}

impl TypeCheck<'_> {
    /// Compares a function's type with the one that calls will use.
    pub(crate) fn check<P, R>(&mut self, name: &str, function: &Function) -> Result<(), String>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let function = self
            .instance
            .get_typed_func::<P, R>(&mut *self.store, &function.export);
        function
            .map(drop)
            .map_err(|error| format!("function {name}: {}", quote(&format!("{error:#}"))))
    }
}
