//! What SQS can be asked for: one file per group of operations, the same for both protocols.

mod allow;
mod attributes;
mod batch;
mod delete;
mod kept;
mod message;
mod message_attributes;
mod moves;
mod page;
mod permissions;
mod policy;
mod queues;
mod receive;
mod redrive;
mod send;
mod tags;
mod visibility;

use crate::service::call::Call;
use crate::service::error::SqsError;
use crate::service::input::Input;
use crate::service::output::Output;

/// Something SQS can be asked for.
pub struct Operation {
    pub name: &'static str,
    /// Whether it is about queues at large, so that a queue's own URL is no place to ask for it.
    pub of_all_queues: bool,
    /// Carries the operation out.
    pub handler: fn(&Call<'_>, &Input<'_>) -> Result<Output, SqsError>,
}

macro_rules! operations {
    ($($name:literal $handler:path;)*) => {
        &[$(Operation {
            name: $name,
            of_all_queues: matches!($name.as_bytes(), b"CreateQueue" | b"ListQueues"),
            handler: $handler,
        }),*]
    };
}

/// The most frequent first.
static OPERATIONS: &[Operation] = operations! {
    "SendMessage" send::one;
    "ReceiveMessage" receive::receive;
    "DeleteMessage" delete::one;
    "SendMessageBatch" send::batch;
    "DeleteMessageBatch" delete::batch;
    "ChangeMessageVisibility" visibility::one;
    "ChangeMessageVisibilityBatch" visibility::batch;
    "GetQueueUrl" queues::get_url;
    "GetQueueAttributes" attributes::get;
    "SetQueueAttributes" attributes::set;
    "CreateQueue" queues::create;
    "DeleteQueue" queues::delete;
    "ListQueues" queues::list;
    "PurgeQueue" queues::purge;
    "TagQueue" tags::tag;
    "UntagQueue" tags::untag;
    "ListQueueTags" tags::list;
    "ListDeadLetterSourceQueues" redrive::list_sources;
    "StartMessageMoveTask" moves::start;
    "CancelMessageMoveTask" moves::cancel;
    "ListMessageMoveTasks" moves::list;
    "AddPermission" permissions::add;
    "RemovePermission" permissions::remove;
};

/// The operation of this name.
pub fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}
