//! From a configuration to what runs: functions, plugins, the store, services and triggers.

mod certificates;
mod functions;
mod lambda;
mod layers;
mod plugins;
mod reading;
mod sandbox;
mod services;
mod storage;
mod triggers;
mod urls;

pub use certificates::{AuthorityFiles, Certificates};
pub use lambda::{asynchronous, lambda};
pub use layers::oversize;
pub use plugins::{Plugins, built_in_plugin};
pub use reading::read_config;
pub use sandbox::{choose_sandbox, choose_sandboxes};
pub use services::{
    configure_service, offer_endpoints, offer_invoke_api, offer_listeners, trigger_setters,
};
pub use storage::Storage;
pub use triggers::{Trigger, configure_trigger, warnings};
pub use urls::{Addresses, Urls, outputs};
