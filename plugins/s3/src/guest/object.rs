//! The trigger's side of the contract: generated bindings and the way between their types and the plugin's own. Nothing
//! here decides anything.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "generated items carry the documentation of the WIT file, and bindings can not be written without"
)]

use crate::object::{self, contract};

wit_bindgen::generate!({
    inline: "
        package lambkin:s3-object;
        world object {
            export lambkin:object-trigger/shaper@0.1.0;
        }
    ",
    path: ["../../wit/object-trigger"],
    world: "lambkin:s3-object/object",
    generate_all,
});

use exports::lambkin::object_trigger::shaper::{self as wit, Guest};

struct Plugin;

impl Guest for Plugin {
    fn configure(config: String, bucket: wit::Bucket) -> Result<wit::Setup, Vec<wit::Problem>> {
        let bucket = contract::Bucket {
            name: bucket.name,
            region: bucket.region,
            account: bucket.account,
        };
        match object::configure(&config, &bucket) {
            Ok(setup) => Ok(setup.into()),
            Err(problems) => Err(problems.into_iter().map(Into::into).collect()),
        }
    }

    fn shape(state: String, change: wit::Change) -> Result<Option<String>, String> {
        object::shape(&state, &change.into())
    }
}

export!(Plugin);

impl From<contract::Setup> for wit::Setup {
    fn from(setup: contract::Setup) -> Self {
        Self {
            state: setup.state,
            target: match setup.target {
                contract::Target::Function(name) => wit::Target::Function(name),
                contract::Target::Queue(name) => wit::Target::Queue(name),
            },
            summary: setup.summary,
            extra: Vec::new(),
        }
    }
}

impl From<contract::Problem> for wit::Problem {
    fn from(problem: contract::Problem) -> Self {
        Self {
            at: problem.at,
            message: problem.message,
            extra: Vec::new(),
        }
    }
}

impl From<wit::Change> for contract::Change {
    fn from(change: wit::Change) -> Self {
        Self {
            id: change.id,
            event: change.event,
            key: change.key,
            size: change.size,
            etag: change.etag,
            version: change.version,
            sequencer: change.sequencer,
            at_ms: change.at_ms,
            extra: change.extra,
        }
    }
}
