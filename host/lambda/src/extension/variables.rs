//! The environment variables of an external extension.

use std::collections::BTreeMap;

/// The variables that AWS sets for runtimes only. Variables whose names begin with an underscore are hidden as well.
const RUNTIME_ONLY: [&str; 7] = [
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// A runtime's variables without those that AWS hides from extensions.
pub(crate) fn extension_variables(runtime: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let visible = |key: &str| !key.starts_with('_') && !RUNTIME_ONLY.contains(&key);
    let pairs = runtime.iter().filter(|(key, _)| visible(key));
    pairs
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_the_runtime_are_hidden_and_the_rest_is_not() {
        let hidden = [
            "AWS_EXECUTION_ENV",
            "AWS_LAMBDA_LOG_GROUP_NAME",
            "AWS_LAMBDA_LOG_STREAM_NAME",
            "AWS_XRAY_CONTEXT_MISSING",
            "AWS_XRAY_DAEMON_ADDRESS",
            "LAMBDA_RUNTIME_DIR",
            "LAMBDA_TASK_ROOT",
            "_AWS_XRAY_DAEMON_ADDRESS",
            "_AWS_XRAY_DAEMON_PORT",
            "_HANDLER",
        ];
        let visible = [
            "AWS_ACCESS_KEY_ID",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            "AWS_LAMBDA_FUNCTION_NAME",
            "AWS_LAMBDA_FUNCTION_VERSION",
            "AWS_LAMBDA_INITIALIZATION_TYPE",
            "AWS_LAMBDA_RUNTIME_API",
            "AWS_REGION",
            "CUSTOMERS_OWN",
            "PATH",
        ];
        let all = hidden.iter().chain(&visible);
        let runtime = all.map(|key| ((*key).to_owned(), "x".to_owned())).collect();
        let extension = extension_variables(&runtime);
        assert!(extension.keys().eq(visible.iter()), "{extension:?}");
    }
}
