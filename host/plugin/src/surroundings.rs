//! What a plugin learns about the host and its section of `lambkin.toml`, and the functions that it names.

use std::time::Duration;

/// What `configure` receives beside the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The trigger's name in `lambkin.toml`.
    pub name: String,
    /// The address that the trigger listens on. `None` for a trigger without a listener.
    pub address: Option<String>,
    /// The AWS region for ARNs and events.
    pub region: String,
    /// The AWS account id for ARNs and events.
    pub account: String,
    /// The environment variables that the operator grants.
    pub environment: Vec<(String, String)>,
    /// The functions that the configuration defines, with their versions and aliases.
    pub functions: Vec<FunctionInfo>,
    /// Further keys and values, which the contract names.
    pub extra: Vec<(String, String)>,
}

/// A function that a trigger may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionInfo {
    /// The name, with a qualifier for versions and aliases: `orders`, `orders:live`.
    pub name: String,
    /// The function's timeout.
    pub timeout: Duration,
}

/// A function that a trigger's configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionReference {
    /// The name. A qualifier may follow it: `orders:live`.
    pub name: String,
    /// The path of keys that leads to the name. Empty for the section as a whole.
    pub at: Vec<String>,
}
