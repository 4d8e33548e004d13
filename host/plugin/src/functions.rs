//! The functions that a component exports, by role.
//!
//! When a component is loaded, [`Functions::find`] looks its functions up and [`Functions::check`] compares their
//! types with the contracts. If both succeed, every function can be called.

use std::sync::Arc;

use wasmtime::component::InstancePre;

use crate::adapter::{Adapter, ExportedInterface, TypeCheck};
use crate::error::ComponentError;
use crate::inspect::Inspection;
use crate::role::Role;
use crate::state::State;
use crate::{batch_trigger, http_trigger, object_trigger, service, source, websocket_trigger};

/// One adapter for each role that the component plays.
#[derive(Default)]
pub(crate) struct Functions {
    pub http_trigger: Option<Arc<http_trigger::v0_2::Shaper>>,
    pub websocket_trigger: Option<Arc<websocket_trigger::v0_2::MessageShaper>>,
    pub batch_trigger: Option<Arc<batch_trigger::v0_2::Shaper>>,
    pub object_trigger: Option<Arc<object_trigger::v0_2::Shaper>>,
    pub service: Option<Arc<service::Handler>>,
    /// Checks a service's settings.
    pub settings: Option<Arc<service::Settings>>,
    pub source: Option<Arc<source::v0_2::Poller>>,
}

impl Functions {
    /// Finds the functions of every role that the inspection found.
    pub(crate) fn find(
        component: &InstancePre<State>,
        inspection: &Inspection,
    ) -> Result<Self, ComponentError> {
        let of = |role| inspection.interface(role);
        Ok(Self {
            http_trigger: find(component, of(Role::HttpTrigger))?,
            websocket_trigger: find(component, of(Role::WebSocketTrigger))?,
            batch_trigger: find(component, of(Role::BatchTrigger))?,
            object_trigger: find(component, of(Role::ObjectTrigger))?,
            service: find(component, of(Role::Service))?,
            settings: find(component, inspection.settings.as_deref())?,
            source: find(component, of(Role::Source))?,
        })
    }

    /// Compares the types of all functions with the contracts'.
    pub(crate) fn check(
        &self,
        inspection: &Inspection,
        types: &mut TypeCheck<'_>,
    ) -> Result<(), ComponentError> {
        let of = |role| inspection.interface(role);
        check(&self.http_trigger, of(Role::HttpTrigger), types)?;
        check(&self.websocket_trigger, of(Role::WebSocketTrigger), types)?;
        check(&self.batch_trigger, of(Role::BatchTrigger), types)?;
        check(&self.object_trigger, of(Role::ObjectTrigger), types)?;
        check(&self.service, of(Role::Service), types)?;
        check(&self.settings, inspection.settings.as_deref(), types)?;
        check(&self.source, of(Role::Source), types)
    }
}

fn find<A: Adapter>(
    component: &InstancePre<State>,
    interface: Option<&str>,
) -> Result<Option<Arc<A>>, ComponentError> {
    let Some(interface) = interface else {
        return Ok(None);
    };
    ExportedInterface::find(component, interface)
        .and_then(|exports| A::find(&exports))
        .map(|adapter| Some(Arc::new(adapter)))
        .map_err(|difference| other_revision(interface, difference))
}

fn check<A: Adapter>(
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
