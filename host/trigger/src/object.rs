//! Object watchers.

use lambkin_http::StopSignal;
use lambkin_lambda::Lambda;
use lambkin_plugin::ObjectTrigger;
use lambkin_store::object::Objects;
use lambkin_store::queue::Queues;

/// The object triggers of one bucket, ready to be told of its changes.
#[derive(Debug)]
pub struct ObjectWatcher {
    /// The bucket's name.
    pub bucket: String,
    /// The configured plugins.
    pub triggers: Vec<ObjectTrigger>,
    /// Where its changes come from.
    pub objects: Objects,
    /// Where events may go.
    pub queues: Queues,
    /// The functions they may go to.
    pub lambda: Lambda,
}

impl ObjectWatcher {
    /// Tells of changes until the signal comes.
    pub async fn serve(self, mut stop: StopSignal) {
        stop.stopped().await;
    }
}
