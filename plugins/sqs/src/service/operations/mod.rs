//! The operations of SQS, independent of the protocol: one file per group.

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

/// An operation of SQS.
pub struct Operation {
    pub name: &'static str,
    /// Whether it concerns no single queue, so that AWS rejects it at a queue's URL.
    pub of_all_queues: bool,
    /// Carries out the operation.
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

/// All operations, the most frequent first.
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

/// The operation with this name.
pub fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}
