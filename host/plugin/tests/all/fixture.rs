//! A host, sample values, and the fixtures.

use std::sync::Arc;
use std::time::Duration;

use lambkin_model::{
    Attribute, AttributeValue, Body, HttpHeader, HttpRequest, HttpResponse, Message, ObjectChange,
    Place,
};
use lambkin_plugin::{
    BatchTrigger, CallError, Compiler, ComponentError, ConfigureError, Ending, EventOrigin,
    FunctionInfo, FunctionReference, GuestError, HttpTrigger, LoadError, ObjectTrigger, Options,
    Plugin, PluginError, PluginHost, Reuse, Step, Surroundings, TriggerOutcome,
};

pub use crate::template::{Fixture, good, good_batch, good_object, slow_functions, together};

/// The configuration of [`Fixture::trigger`]. A valid plugin uses it as event, too.
pub const CONFIG: &str = r#"{"a":1}"#;

impl Fixture {
    pub async fn load(&self, host: &PluginHost) -> Result<Plugin, LoadError> {
        host.load("fixture", self.bytes()).await
    }

    /// The reason why it does not load.
    pub async fn refusal(&self) -> ComponentError {
        self.load(&host())
            .await
            .expect_err("the fixture is refused")
            .cause
    }

    /// The trigger "web", configured with [`CONFIG`].
    pub async fn trigger(&self, host: &PluginHost) -> HttpTrigger {
        let plugin = self.load(host).await.expect("the fixture loads");
        web(&plugin, CONFIG)
            .await
            .expect("the fixture accepts the configuration")
    }

    /// The trigger "orders", configured with [`CONFIG`].
    pub async fn batch(&self, host: &PluginHost) -> Result<BatchTrigger, ConfigureError> {
        let plugin = self.load(host).await.expect("the fixture loads");
        orders(&plugin).await
    }

    /// The trigger "uploads", configured with [`CONFIG`].
    pub async fn object(&self, host: &PluginHost) -> Result<ObjectTrigger, ConfigureError> {
        let plugin = self.load(host).await.expect("the fixture loads");
        uploads(&plugin).await
    }
}

/// The trigger "web".
pub async fn web(plugin: &Plugin, config: &str) -> Result<HttpTrigger, ConfigureError> {
    plugin
        .http_trigger(config, &surroundings("web"), &[], Reuse::DEFAULT)
        .await
}

/// The trigger "orders", configured with [`CONFIG`].
pub async fn orders(plugin: &Plugin) -> Result<BatchTrigger, ConfigureError> {
    plugin
        .batch_trigger(CONFIG, &surroundings("orders"), &origin(), Reuse::DEFAULT)
        .await
}

/// The trigger "uploads", configured with [`CONFIG`].
pub async fn uploads(plugin: &Plugin) -> Result<ObjectTrigger, ConfigureError> {
    plugin
        .object_trigger(CONFIG, &surroundings("uploads"), BUCKET, Reuse::DEFAULT)
        .await
}

/// What a trigger learns about the host. Its texts except for the name are JSON, so that a plugin can use each of them
/// as event.
pub fn surroundings(name: &str) -> Surroundings {
    Surroundings {
        name: name.into(),
        address: Some("\"127.0.0.1:8000\"".into()),
        region: "\"eu-central-1\"".into(),
        account: "\"123456789012\"".into(),
        environment: vec![("\"TOKEN\"".into(), "\"secret\"".into())],
        functions: vec![FunctionInfo {
            name: "\"f:live\"".into(),
            timeout: Duration::from_millis(1_234),
        }],
        extra: Vec::new(),
    }
}

/// A function that a configuration names without saying where.
pub fn function(name: &str) -> FunctionReference {
    FunctionReference {
        name: name.into(),
        at: Vec::new(),
    }
}

/// The outcome of an invocation that has just ended.
pub fn outcome(ending: Ending) -> TriggerOutcome {
    TriggerOutcome {
        ending,
        at_ms: 1_700_000_000_002,
        cached: false,
    }
}

/// The response of a step that has to be a reply.
pub fn reply(step: Step) -> HttpResponse {
    match step {
        Step::Reply(answer) => answer.response,
        other => panic!("not a reply: {other:?}"),
    }
}

/// The bucket of [`uploads`]. It is JSON.
pub const BUCKET: &str = "\"photos\"";

/// A queue. Its texts are JSON, so that a plugin can use each of them as event.
pub fn origin() -> EventOrigin {
    EventOrigin {
        name: "\"orders\"".into(),
        ordered: true,
        lease_ms: Some(7),
        region: "\"eu-central-1\"".into(),
        account: "\"123456789012\"".into(),
    }
}

/// The messages `m1` and `m2`. Their texts are JSON.
pub fn messages() -> Vec<Message> {
    let message = |id: &str| Message {
        id: id.into(),
        receipt: "\"receipt\"".into(),
        body: "\"body\"".into(),
        attributes: vec![
            Attribute {
                name: "\"a\"".into(),
                data_type: "\"String\"".into(),
                value: AttributeValue::Text("\"text\"".into()),
            },
            Attribute {
                name: "\"b\"".into(),
                data_type: "\"Binary\"".into(),
                value: AttributeValue::Binary("\"bytes\"".into()),
            },
        ],
        group: Some("\"group\"".into()),
        deduplication: Some("\"deduplication\"".into()),
        key: Some("\"key\"".into()),
        place: Some(Place {
            part: "\"part\"".into(),
            cursor: "cursor".into(),
        }),
        sequence: Some("\"sequence\"".into()),
        sent_at: 1_700_000_000_000,
        first_received_at: Some(1_700_000_000_001),
        receives: Some(3),
        source: Some("\"source\"".into()),
        extra: vec![("\"key\"".into(), "\"value\"".into())],
    };
    vec![message("m1"), message("m2")]
}

/// A change. Its texts are JSON.
pub fn change() -> ObjectChange {
    ObjectChange {
        id: "\"id\"".into(),
        bucket: "\"photos\"".into(),
        event: "\"ObjectCreated:Put\"".into(),
        key: "\"in/a b.jpg\"".into(),
        size: Some(5_000_000_000),
        etag: Some("\"etag\"".into()),
        version: Some("\"version\"".into()),
        sequencer: 6_000_000_000,
        at: 1_700_000_000_000,
        extra: vec![("\"key\"".into(), "\"value\"".into())],
    }
}

/// What is wrong with a result.
pub fn invalid(error: &PluginError) -> String {
    match fault(error) {
        GuestError::Invalid(reason) => reason.clone(),
        other => panic!("{other:?}"),
    }
}

/// What is wrong with the result of a `configure`.
pub fn invalid_setup<T>(result: Result<T, ConfigureError>) -> String {
    match result {
        Err(ConfigureError::Plugin(error)) => invalid(&error),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it is accepted"),
    }
}

/// The default options, with this program as the compiler.
pub fn options() -> Options {
    Options {
        compiler: compiler(),
        ..Options::default()
    }
}

/// This program as the compiler's process: it runs the test `compiler::process`.
pub fn compiler() -> Compiler {
    Compiler {
        program: std::env::current_exe().expect("this program's path"),
        arguments: ["--ignored", "--exact", "compiler::process"]
            .map(Into::into)
            .into(),
        ..Compiler::default()
    }
}

/// A host without a cache.
pub fn host() -> PluginHost {
    PluginHost::new(options()).expect("the engine starts")
}

pub fn request() -> HttpRequest {
    HttpRequest {
        id: "b4a5f2f6-0000-4000-8000-000000000000".into(),
        trace_id: "Root=1-00000000-000000000000000000000000".into(),
        at_ms: 1_700_000_000_000,
        peer: "127.0.0.1".into(),
        scheme: "http",
        port: 8000,
        protocol: "HTTP/1.1".into(),
        authority: "localhost:8000".into(),
        method: "GET".into(),
        path: "/hello".into(),
        query: String::new(),
        headers: vec![header("accept", None, "*/*")],
        body: Some(Body::Empty),
        extra: Vec::new(),
    }
}

pub fn header(name: &str, name_as_sent: Option<&str>, value: &str) -> HttpHeader {
    HttpHeader {
        name: name.into(),
        name_as_sent: name_as_sent.map(str::to_owned),
        value: value.into(),
    }
}

/// Checks that an error names the plugin and the function, and returns the defect of the plugin.
pub fn fault(error: &PluginError) -> &GuestError {
    let message = error.to_string();
    let start = format!(
        "plugin fixture of trigger {}: {} failed after ",
        error.trigger, error.function
    );
    assert!(message.starts_with(&start), "{message}");
    assert!(message.contains("report it to"), "{message}");
    match &error.cause {
        CallError::Guest(fault) => fault,
        other => panic!("not the plugin's fault: {other:?}"),
    }
}

/// Waits until the pool is empty.
pub async fn drained(host: &PluginHost) {
    let limit = tokio::time::sleep(Duration::from_secs(5));
    tokio::pin!(limit);
    loop {
        let running = host
            .pool_usage()
            .expect("the tests' machine has the address space for a pool");
        if running == Default::default() {
            return;
        }
        tokio::select! {
            () = &mut limit => panic!("still in the pool: {running:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
}

/// A valid trigger on the same host as a defective one.
pub struct Neighbours {
    pub host: PluginHost,
    pub good: Arc<HttpTrigger>,
}

impl Neighbours {
    pub async fn new() -> Self {
        let host = host();
        let good = Arc::new(good().trigger(&host).await);
        Self { host, good }
    }

    /// Checks that a failed call left nothing in the pool, and that the valid trigger still works.
    pub async fn unharmed(&self) {
        drained(&self.host).await;
        self.good
            .shape(&request())
            .await
            .expect("the valid plugin still works");
    }
}
