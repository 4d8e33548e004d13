//! The environment variables an external extension finds.

use std::collections::BTreeMap;

/// What AWS shows to runtimes alone. Keys that begin with an underscore are hidden as well.
const RUNTIME_ONLY: [&str; 7] = [
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// A runtime's variables without those AWS hides from extensions.
pub(crate) fn of_extension(runtime: &BTreeMap<String, String>) -> BTreeMap<String, String> {
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
    fn what_belongs_to_the_runtime_is_hidden_and_the_rest_is_not() {
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
        let extension = of_extension(&runtime);
        assert!(extension.keys().eq(visible.iter()), "{extension:?}");
    }
}
