//! The environment variables of a runtime, as on AWS.
//!
//! From the host's environment, a runtime gets only `PATH` (the developer chose where interpreters are installed),
//! `HOME`, and the AWS credentials that are set. These override the default variables of the configuration, such as the
//! addresses of services. The function's own variables override both, except for those that AWS reserves. In a sandbox,
//! `PATH` is AWS's and there is no `HOME`, as the host's folders do not exist there. The variables of a container image
//! are as if they came from AWS: the function's own override them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::code::Entry;
use crate::spec::{Account, FunctionSpec, InitializationType, LogFormat};
use crate::telemetry::frame;
use crate::view::View;

/// The keys that AWS refuses in a function's configuration, in AWS's order.
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

/// A further reserved key, which follows the others in AWS's list.
const RESERVED_TASK_ROOT: &str = "LAMBDA_TASK_ROOT";

/// Copied from the host's environment if they are set and not empty. An empty credential would prevent the SDKs from
/// searching for others.
const CREDENTIALS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// Where AWS's X-Ray daemon receives segments. Without it, as here, they are lost, which the X-Ray SDKs are made for.
const XRAY_DAEMON_ADDRESS: &str = "169.254.100.1";
const XRAY_DAEMON_PORT: &str = "2000";

/// Whether AWS refuses this key in a function's configuration.
pub fn is_reserved(key: &str) -> bool {
    RESERVED.contains(&key) || key == RESERVED_TASK_ROOT
}

/// The properties of a sandbox that are passed to its processes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SandboxInfo<'a> {
    /// The address and port of the Runtime API and of the metadata endpoint.
    pub runtime_api: &'a str,
    pub metadata_token: &'a str,
    pub log_stream: &'a str,
    /// What the processes see of the host.
    pub view: &'a View<'a>,
    /// The folders with the programs that the runtime needs, in a sandbox.
    pub programs: &'a [PathBuf],
}

/// All environment variables of the runtime in one sandbox.
pub(crate) fn runtime_variables(
    function: &FunctionSpec,
    account: &Account,
    sandbox: &SandboxInfo<'_>,
) -> BTreeMap<String, String> {
    if function.exact_variables {
        return exact_variables(function, sandbox);
    }
    let task_root = sandbox.view.code();
    let root = task_root.display();
    let own_path = sandbox.view.search_path(sandbox.programs);
    let mut variables = BTreeMap::new();
    let mut set = |key: &str, value: String| variables.insert(key.to_owned(), value);

    for (key, value) in &function.default_variables {
        set(key, value.clone());
    }
    let of_host: &[&str] = match own_path {
        Some(_) => &[],
        None => &["PATH", "HOME"],
    };
    for key in of_host.iter().chain(&CREDENTIALS) {
        if let Some(value) = std::env::var(key).ok().filter(|value| !value.is_empty()) {
            set(key, value);
        }
    }
    set("LANG", "en_US.UTF-8".to_owned());
    set("TZ", ":UTC".to_owned());
    set(
        "LD_LIBRARY_PATH",
        format!("{root}:{root}/lib:{}", in_layers(sandbox.view, "lib")),
    );
    match own_path {
        Some(path) => set("PATH", path),
        None if function.layers.is_empty() => None,
        None => {
            let own = std::env::var("PATH").unwrap_or_default();
            set("PATH", format!("{own}:{}", in_layers(sandbox.view, "bin")))
        }
    };
    set("PWD", sandbox.view.directory().display().to_string());
    set("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".to_owned());
    set(
        "AWS_XRAY_DAEMON_ADDRESS",
        format!("{XRAY_DAEMON_ADDRESS}:{XRAY_DAEMON_PORT}"),
    );
    set("_AWS_XRAY_DAEMON_ADDRESS", XRAY_DAEMON_ADDRESS.to_owned());
    set("_AWS_XRAY_DAEMON_PORT", XRAY_DAEMON_PORT.to_owned());
    if let Entry::Managed(managed) = &function.code.entry {
        for (key, value) in managed.current_variables() {
            set(&key, sandbox.view.text(&value));
        }
    }
    let of_image = match &function.code.entry {
        Entry::Image(image) => image.get().variables.clone(),
        _ => Vec::new(),
    };
    for (key, value) in of_image.iter().cloned().chain(function.variables.get()) {
        set(&key, value);
    }

    set("_HANDLER", function.current_handler());
    set("AWS_REGION", account.region.clone());
    set("AWS_DEFAULT_REGION", account.region.clone());
    set("AWS_LAMBDA_FUNCTION_NAME", function.name.clone());
    set("AWS_LAMBDA_FUNCTION_VERSION", function.version.clone());
    set(
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        function.memory_mb.to_string(),
    );
    set(
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        function.initialization_type().as_str().to_owned(),
    );
    // Environments that are restored from the same snapshot have different log streams.
    if function.initialization_type() != InitializationType::SnapStart {
        set(
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", function.name),
        );
        set("AWS_LAMBDA_LOG_STREAM_NAME", sandbox.log_stream.to_owned());
    }
    let address = sandbox.runtime_api;
    set("AWS_LAMBDA_RUNTIME_API", address.to_owned());
    set("AWS_LAMBDA_METADATA_API", address.to_owned());
    set(
        "AWS_LAMBDA_METADATA_TOKEN",
        sandbox.metadata_token.to_owned(),
    );
    if function.lifecycle.concurrency > 1 {
        let concurrency = function.lifecycle.concurrency.to_string();
        set("AWS_LAMBDA_MAX_CONCURRENCY", concurrency);
    }
    if function.logging.format == LogFormat::Json {
        set("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned());
    }
    if function.logging.framed {
        set(frame::VARIABLE, "1".to_owned());
    }
    if let Some(level) = &function.logging.level {
        set("AWS_LAMBDA_LOG_LEVEL", level.clone());
    }
    set("LAMBDA_TASK_ROOT", root.to_string());
    set("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned());
    // An image knows where its code and its runtime are.
    for (key, value) in of_image {
        if ["LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"].contains(&key.as_str()) {
            set(&key, value);
        }
    }
    variables
}

/// A search path for one folder of `/opt`: the folder in each layer, from the last layer to the first, then the
/// machine's, which is that of the merged layers in a sandbox.
fn in_layers(view: &View<'_>, folder: &str) -> String {
    let layers = view.layers();
    let mut path: String = layers
        .iter()
        .rev()
        .map(|layer| format!("{}:", layer.join(folder).display()))
        .collect();
    path.push_str("/opt/");
    path.push_str(folder);
    path
}

/// The given variables, and those that only the sandbox knows.
fn exact_variables(function: &FunctionSpec, sandbox: &SandboxInfo<'_>) -> BTreeMap<String, String> {
    let mut variables = function.default_variables.clone();
    if let Entry::Managed(managed) = &function.code.entry {
        variables.extend(managed.current_variables());
    }
    variables.extend(function.variables.get());
    let address = sandbox.runtime_api;
    for (key, value) in [
        ("AWS_LAMBDA_RUNTIME_API", address),
        ("AWS_LAMBDA_METADATA_API", address),
        ("AWS_LAMBDA_METADATA_TOKEN", sandbox.metadata_token),
    ] {
        variables.insert(key.to_owned(), value.to_owned());
    }
    variables
        .entry("AWS_LAMBDA_LOG_STREAM_NAME".to_owned())
        .or_insert_with(|| sandbox.log_stream.to_owned());
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables_of(function: &FunctionSpec) -> BTreeMap<String, String> {
        let account = Account {
            region: "us-east-1".to_owned(),
            id: "123456789012".to_owned(),
        };
        let sandbox = SandboxInfo {
            runtime_api: "127.0.0.1:1",
            metadata_token: "token",
            log_stream: "stream",
            view: &View::of(function),
            programs: &[],
        };
        runtime_variables(function, &account, &sandbox)
    }

    #[test]
    fn other_variables_override_the_default_variables() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let defaults = [
            pair("AWS_ENDPOINT_URL_S3", "http://default"),
            pair("AWS_ENDPOINT_URL_SQS", "http://default"),
            pair("AWS_REGION", "default"),
        ];
        let function = FunctionSpec {
            default_variables: defaults.into(),
            variables: BTreeMap::from([pair("AWS_ENDPOINT_URL_SQS", "http://own")]).into(),
            ..FunctionSpec::example()
        };
        let variables = variables_of(&function);
        assert_eq!(variables["AWS_ENDPOINT_URL_S3"], "http://default");
        assert_eq!(variables["AWS_ENDPOINT_URL_SQS"], "http://own");
        assert_eq!(variables["AWS_REGION"], "us-east-1");
        let exact = FunctionSpec {
            exact_variables: true,
            ..function
        };
        let variables = variables_of(&exact);
        assert_eq!(variables["AWS_ENDPOINT_URL_S3"], "http://default");
        assert_eq!(variables["AWS_ENDPOINT_URL_SQS"], "http://own");
    }

    #[test]
    fn a_sandbox_has_the_paths_of_aws_and_nothing_of_the_hosts() {
        let function = FunctionSpec {
            sandbox: crate::spec::SandboxMode::Namespace,
            layers: vec![PathBuf::from("/some/layer")],
            ..FunctionSpec::example()
        };
        let variables = variables_of(&function);
        for (key, value) in [
            ("PATH", Some("/usr/local/bin:/usr/bin:/bin:/opt/bin")),
            ("LAMBDA_TASK_ROOT", Some("/var/task")),
            ("PWD", Some("/var/task")),
            ("LD_LIBRARY_PATH", Some("/var/task:/var/task/lib:/opt/lib")),
            ("HOME", None),
        ] {
            assert_eq!(variables.get(key).map(String::as_str), value, "{key}");
        }
    }

    #[test]
    fn the_variables_of_an_image_are_between_awss_and_the_functions() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let image = crate::image::Image {
            variables: vec![
                pair("PATH", "/of/image"),
                pair("LAMBDA_TASK_ROOT", "/function"),
                pair("AWS_REGION", "of image"),
                pair("OWN", "of image"),
                pair("OTHER", "of image"),
            ],
            entry_point: vec!["/entry".to_owned(), "app.handler".to_owned()],
            working_directory: Some(PathBuf::from("/srv")),
            ..Default::default()
        };
        let function = FunctionSpec {
            code: crate::code::Code::of_image(image),
            sandbox: crate::spec::SandboxMode::Image,
            variables: BTreeMap::from([pair("OWN", "own")]).into(),
            ..FunctionSpec::example()
        };
        let variables = variables_of(&function);
        for (key, value) in [
            ("PATH", Some("/of/image")),
            ("LAMBDA_TASK_ROOT", Some("/function")),
            ("LAMBDA_RUNTIME_DIR", Some("/var/runtime")),
            ("AWS_REGION", Some("us-east-1")),
            ("OWN", Some("own")),
            ("OTHER", Some("of image")),
            ("PWD", Some("/srv")),
            ("_HANDLER", Some("app.handler")),
            ("HOME", None),
        ] {
            assert_eq!(variables.get(key).map(String::as_str), value, "{key}");
        }
    }

    #[test]
    fn functions_with_snapshots_have_no_names_of_logs() {
        let mut function = FunctionSpec::example();
        function.lifecycle.snap_start = true;
        assert_eq!(
            function.initialization_type(),
            InitializationType::SnapStart
        );
        let variables = variables_of(&function);
        let names = variables.keys().filter(|key| key.contains("_LOG_"));
        assert_eq!(names.count(), 0);
    }

    #[test]
    fn every_variable_that_lambda_documents_is_set() {
        let variables = variables_of(&FunctionSpec::example());
        for key in [
            "AWS_DEFAULT_REGION",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            "AWS_LAMBDA_FUNCTION_NAME",
            "AWS_LAMBDA_FUNCTION_VERSION",
            "AWS_LAMBDA_INITIALIZATION_TYPE",
            "AWS_LAMBDA_LOG_GROUP_NAME",
            "AWS_LAMBDA_LOG_STREAM_NAME",
            "AWS_LAMBDA_METADATA_API",
            "AWS_LAMBDA_METADATA_TOKEN",
            "AWS_LAMBDA_RUNTIME_API",
            "AWS_REGION",
            "LAMBDA_RUNTIME_DIR",
            "LAMBDA_TASK_ROOT",
            "LANG",
            "LD_LIBRARY_PATH",
            "PATH",
            "PWD",
            "TZ",
            "_HANDLER",
        ] {
            assert!(variables.contains_key(key), "{key}");
        }
        let values = [
            ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
            ("AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"),
            ("_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1"),
            ("_AWS_XRAY_DAEMON_PORT", "2000"),
        ];
        for (key, value) in values {
            assert_eq!(variables[key], value, "{key}");
        }
    }
}
