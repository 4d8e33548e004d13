//! HTTP triggers, `listen = "127.0.0.1:8000"`: HTTP requests at an address.

use std::net::SocketAddr;

use lambkin_lambda::{new_request_id, new_trace_id, now_ms};
use lambkin_model::{Body, HttpRequest};
use lambkin_plugin::{Decision, HttpTrigger};
use tokio::net::TcpListener;

use crate::event_source::{BoxFuture, ConfiguredTrigger, EventSource, Setup, SetupError};
use crate::http_listener::HttpListener;
use crate::preview::{Output, Preview, PreviewError, Sample};
use crate::trigger_context::TriggerContext;

/// An address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpSource {
    /// The address. Port 0 stands for any free port.
    pub address: SocketAddr,
}

impl EventSource for HttpSource {
    fn listen_address(&self) -> Option<SocketAddr> {
        Some(self.address)
    }

    fn configure<'a>(
        &'a self,
        setup: Setup<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn ConfiguredTrigger>, SetupError>> {
        Box::pin(async move {
            let trigger = setup
                .plugin
                .plugin
                .http_trigger(setup.name, setup.plugin.settings)
                .await
                .map_err(SetupError::Trigger)?;
            Ok(Box::new(ConfiguredHttp {
                address: self.address,
                trigger,
            }) as Box<dyn ConfiguredTrigger>)
        })
    }
}

/// An HTTP trigger whose plugin has accepted its settings.
struct ConfiguredHttp {
    address: SocketAddr,
    trigger: HttpTrigger,
}

impl ConfiguredTrigger for ConfiguredHttp {
    fn functions(&self) -> Vec<&str> {
        let functions = self.trigger.functions();
        functions.iter().map(String::as_str).collect()
    }

    fn description(&self) -> String {
        self.address.to_string()
    }

    fn summary(&self) -> &[String] {
        self.trigger.summary()
    }

    fn preview<'a>(&'a self, sample: &'a Sample) -> BoxFuture<'a, Result<Preview, PreviewError>> {
        Box::pin(async move {
            let request = request(sample, self.address).map_err(PreviewError::Sample)?;
            let (note, output) = match self.trigger.shape(&request).await? {
                Decision::Invoke(shaped) => (
                    format!("invokes {} with", shaped.function),
                    Output::Event(shaped.event),
                ),
                Decision::Reply(response) => (
                    "answers without invoking a function:".to_owned(),
                    Output::Response(response),
                ),
            };
            Ok(Preview {
                notes: vec![note],
                output: Some(output),
            })
        })
    }

    fn spawn(self: Box<Self>, context: &mut TriggerContext<'_>, listener: Option<TcpListener>) {
        // `listen_address` asks for one.
        let Some(listener) = listener else { return };
        let http = HttpListener {
            trigger: self.trigger,
            lambda: context.lambda().clone(),
            allowlist: context.allowlist().clone(),
        };
        context.spawn(|stop| http.serve(listener, stop));
    }
}

/// The request that the user typed, as a client on this machine would send it.
fn request(sample: &Sample, address: SocketAddr) -> Result<HttpRequest, String> {
    let (Some(method), Some(target)) = (&sample.action, &sample.target) else {
        return Err(format!(
            "the trigger {0} takes HTTP requests: lambkin shape {0} GET '/orders/7?full=1'",
            sample.trigger
        ));
    };
    if !target.starts_with('/') {
        return Err(format!(
            "the target {target:?} must start with `/`, as in `/orders/7?full=1`"
        ));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = match sample.bodies.as_slice() {
        [] => Vec::new(),
        [body] => body.clone(),
        _ => return Err("an HTTP request has one body; give --body once".to_owned()),
    };
    let mut headers = vec![("host".to_owned(), address.to_string())];
    for field in &sample.fields {
        let (name, value) = field
            .split_once(':')
            .ok_or_else(|| format!("the header {field:?} has no `:`"))?;
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    if !body.is_empty() && !headers.iter().any(|(name, _)| name == "content-length") {
        headers.push(("content-length".to_owned(), body.len().to_string()));
    }
    let at_ms = now_ms();
    Ok(HttpRequest {
        id: new_request_id().as_str().to_owned(),
        trace_id: new_trace_id(at_ms),
        at_ms,
        peer: "127.0.0.1".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        authority: address.to_string(),
        method: method.clone(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Body::from_bytes(body.into()),
    })
}
