//! Triggers that a bucket has of its own, because a service has set them at run time (see `wit/store/store.wit`).
//!
//! They are configured when a change is to be delivered, if the bucket's attribute is another one than before. So a
//! change is delivered to the triggers that were committed before it.
//!
//! On failure: an attribute that is not what the contract says, or a trigger that the plugin refuses, is logged and has
//! no effect. An error of the store is returned, and the delivery waits.

use lambkin_lambda::Account;
use lambkin_plugin::{ObjectTrigger, Plugin, Reuse, Surroundings, allows};
use lambkin_store::object::{ObjectError, Objects};
use serde_json::Value;

/// A service whose plugin is also an object trigger: it can set triggers for the buckets it has access to.
#[derive(Debug, Clone)]
pub struct TriggerSetter {
    /// The names of the buckets, in which `*` stands for any characters.
    pub buckets: Vec<String>,
    /// The plugin.
    pub plugin: Plugin,
}

/// What own triggers are configured with.
#[derive(Debug, Clone)]
pub(crate) struct OwnTriggerSetup {
    /// The services that can set triggers, in the order of the configuration.
    pub(crate) setters: Vec<TriggerSetter>,
    /// The account and the region of the buckets.
    pub(crate) account: Account,
}

/// The own triggers of one bucket.
#[derive(Debug)]
pub(crate) struct OwnTriggers {
    bucket: String,
    objects: Objects,
    setup: OwnTriggerSetup,
    /// The attribute that the triggers were configured from.
    text: Option<String>,
    triggers: Vec<ObjectTrigger>,
}

impl OwnTriggers {
    pub(crate) fn new(bucket: &str, objects: &Objects, setup: &OwnTriggerSetup) -> Self {
        Self {
            bucket: bucket.to_owned(),
            objects: objects.clone(),
            setup: setup.clone(),
            text: None,
            triggers: Vec::new(),
        }
    }

    /// The triggers as they are now. Those of a deleted bucket are the last ones it had.
    pub(crate) async fn current(&mut self) -> Result<&[ObjectTrigger], ObjectError> {
        if self.text.is_none() && !self.objects.has_own_triggers(&self.bucket) {
            return Ok(&[]);
        }
        let text = match self.objects.own_triggers(&self.bucket).await {
            Ok(text) => text,
            Err(ObjectError::MissingBucket) => return Ok(&self.triggers),
            Err(error) => return Err(error),
        };
        if text != self.text {
            self.triggers = self.configure(text.as_deref().unwrap_or("[]")).await;
            self.text = text;
        }
        Ok(&self.triggers)
    }

    async fn configure(&self, text: &str) -> Vec<ObjectTrigger> {
        let bucket = &self.bucket;
        let members = match serde_json::from_str(text) {
            Ok(Value::Array(members)) => members,
            _ => {
                tracing::error!(
                    "bucket {bucket}: the triggers that a service has set are not a JSON array"
                );
                return Vec::new();
            }
        };
        let mut setters = self.setup.setters.iter();
        let setter = setters.find(|setter| allows(&setter.buckets, bucket));
        let Some(TriggerSetter { plugin, .. }) = setter else {
            if !members.is_empty() {
                tracing::warn!(
                    "bucket {bucket}: the triggers that a service has set have no effect, because no service of this \
                     configuration has access to the bucket and a plugin for them"
                );
            }
            return Vec::new();
        };
        let mut triggers = Vec::new();
        for member in members {
            let name = member
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let name = format!("{name} of bucket {bucket}");
            let config = member
                .get("config")
                .map_or("{}".to_owned(), Value::to_string);
            let surroundings = Surroundings {
                name,
                address: None,
                region: self.setup.account.region.clone(),
                account: self.setup.account.id.clone(),
                environment: Vec::new(),
                functions: Vec::new(),
                extra: Vec::new(),
            };
            let configured = plugin.object_trigger(&config, &surroundings, bucket, Reuse::DEFAULT);
            match configured.await {
                Ok(trigger) => triggers.push(trigger),
                Err(error) => tracing::error!("trigger {}: {error}", surroundings.name),
            }
        }
        triggers
    }
}
