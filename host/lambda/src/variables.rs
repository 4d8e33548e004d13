//! The environment variables a runtime finds, as on AWS.
//!
//! Nothing of the host's own environment gets through but `PATH` (interpreters live where the developer installed
//! them), `HOME`, and AWS credentials that are set. The function's own variables come last and may replace whatever AWS
//! lets them replace.

use std::collections::BTreeMap;

use crate::function::{Account, FunctionSpec};

/// Keys that AWS refuses in a function's configuration.
const RESERVED: [&str; 20] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
];

/// `LAMBDA_TASK_ROOT` is reserved too; it stands apart because the table above is AWS's alphabet.
const RESERVED_TASK_ROOT: &str = "LAMBDA_TASK_ROOT";

/// Taken over from the host when they are set and not empty: an empty credential would break the SDKs' own search.
const CREDENTIALS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// Whether AWS refuses this key in a function's configuration.
pub fn is_reserved(key: &str) -> bool {
    RESERVED.contains(&key) || key == RESERVED_TASK_ROOT
}

/// Everything the runtime of one environment gets.
pub(crate) fn of_runtime(
    function: &FunctionSpec,
    account: &Account,
    runtime_api: &str,
    log_stream: &str,
) -> BTreeMap<String, String> {
    if function.exact_variables {
        return exactly(&function.variables, runtime_api, log_stream);
    }
    let root = function.code.task_root.display();
    let mut variables = BTreeMap::new();
    let mut set = |key: &str, value: String| variables.insert(key.to_owned(), value);

    for key in ["PATH", "HOME"].iter().chain(&CREDENTIALS) {
        if let Some(value) = std::env::var(key).ok().filter(|value| !value.is_empty()) {
            set(key, value);
        }
    }
    set("LANG", "en_US.UTF-8".to_owned());
    set("TZ", ":UTC".to_owned());
    set("LD_LIBRARY_PATH", format!("{root}:{root}/lib:/opt/lib"));
    set("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".to_owned());
    for (key, value) in &function.variables {
        set(key, value.clone());
    }

    set("_HANDLER", function.handler.clone());
    set("AWS_REGION", account.region.clone());
    set("AWS_DEFAULT_REGION", account.region.clone());
    set("AWS_LAMBDA_FUNCTION_NAME", function.name.clone());
    set("AWS_LAMBDA_FUNCTION_VERSION", function.version.clone());
    set(
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        function.memory_mb.to_string(),
    );
    set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned());
    set(
        "AWS_LAMBDA_LOG_GROUP_NAME",
        format!("/aws/lambda/{}", function.name),
    );
    set("AWS_LAMBDA_LOG_STREAM_NAME", log_stream.to_owned());
    set("AWS_LAMBDA_RUNTIME_API", runtime_api.to_owned());
    set("LAMBDA_TASK_ROOT", root.to_string());
    set("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned());
    variables
}

/// The given variables, and what only the environment itself knows.
fn exactly(
    given: &BTreeMap<String, String>,
    runtime_api: &str,
    log_stream: &str,
) -> BTreeMap<String, String> {
    let mut variables = given.clone();
    variables.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), runtime_api.to_owned());
    variables
        .entry("AWS_LAMBDA_LOG_STREAM_NAME".to_owned())
        .or_insert_with(|| log_stream.to_owned());
    variables
}
