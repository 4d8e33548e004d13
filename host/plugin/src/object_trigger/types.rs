//! The values that object trigger plugins return, independent of the contract's version.

/// The receiver of an object trigger's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A function. A qualifier may follow the name: `resize:live`.
    Function(String),
    /// A standard queue, by name.
    Queue(String),
}

/// The result of `configure`.
#[derive(Debug)]
pub(crate) struct Setup {
    pub state: String,
    pub target: Target,
    pub summary: Vec<String>,
}
