//! The values that object trigger plugins return, independent of the contract's version.

use crate::surroundings::FunctionReference;

/// The receiver of an object trigger's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A function.
    Function(FunctionReference),
    /// A standard queue.
    Queue(QueueReference),
}

/// A queue that a trigger's configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueReference {
    /// The queue's name.
    pub name: String,
    /// The path of keys that leads to the name. Empty for the section as a whole.
    pub at: Vec<String>,
}

/// The result of `configure`.
#[derive(Debug)]
pub(crate) struct Setup {
    pub state: String,
    pub target: Target,
    pub reusable: bool,
    pub summary: Vec<String>,
    pub warnings: Vec<String>,
}
