//! The probe, a service and source that does what it is asked to (see `tests/probe`), on a store of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Frame};
use lambkin_plugin::{
    Grant, Plugin, PluginError, PluginHost, Service, ServiceSetup, SourceSetup, Surroundings,
};
use lambkin_store::queue::{Queues, Settings};
use lambkin_store::{Store, SystemClock};
use tempfile::TempDir;

use crate::fixture::host;

const PROBE: &[u8] = include_bytes!("../fixtures/probe.wasm");

pub async fn load(host: &PluginHost) -> Plugin {
    host.load("probe", Bytes::from_static(PROBE))
        .await
        .expect("the probe loads")
}

/// The configuration of a service without grants.
pub fn nothing(settings: &str) -> ServiceSetup {
    ServiceSetup {
        settings: settings.into(),
        region: "eu-central-1".into(),
        account: "123456789012".into(),
        queues: None,
        buckets: None,
        targets: None,
    }
}

/// The configuration of a source that may reach `network`.
pub fn source(settings: &str, network: &[&str]) -> SourceSetup {
    SourceSetup {
        settings: format!("\"{settings}\""),
        network: network.iter().map(|origin| (*origin).to_owned()).collect(),
        surroundings: Surroundings {
            name: "test".into(),
            address: None,
            region: "eu-central-1".into(),
            account: "123456789012".into(),
            environment: vec![("TOKEN".into(), "secret".into())],
            functions: Vec::new(),
            extra: Vec::new(),
        },
    }
}

/// A service "test" of the probe.
pub struct Probe {
    pub host: PluginHost,
    pub service: Service,
    pub queues: Queues,
    _folder: TempDir,
}

impl Probe {
    /// With no grants.
    pub async fn new() -> Self {
        Self::granted(None).await
    }

    /// With queues of these names.
    pub async fn with_queues(names: &[&str]) -> Self {
        Self::granted(Some(names)).await
    }

    async fn granted(names: Option<&[&str]>) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open(&folder.path().join("store")).await.unwrap();
        let queues = Queues::new(store, Arc::new(SystemClock));
        let mut setup = nothing("{}");
        setup.queues = names.map(|names| Grant {
            store: queues.clone(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        });
        let host = host();
        let service = load(&host).await.service("test", setup).await.unwrap();
        Self {
            host,
            service,
            queues,
            _folder: folder,
        }
    }

    pub async fn create(&self, queues: &[&str]) {
        for queue in queues {
            let settings = Settings::default();
            self.queues.create(queue, settings).await.unwrap();
        }
    }

    /// The status and the body of an answer.
    pub async fn get(&self, path: &str) -> Result<(u16, String), PluginError> {
        let answer = self.service.answer(request(path), peer()).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        Ok((status, String::from_utf8(body.into()).unwrap()))
    }

    /// The body of a good answer.
    pub async fn says(&self, path: &str) -> String {
        let (status, body) = self.get(path).await.unwrap();
        assert_eq!(status, 200, "{body}");
        body
    }
}

pub fn peer() -> SocketAddr {
    "192.0.2.1:4711".parse().unwrap()
}

pub fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path)
        .header("host", "localhost:9324")
        .body(Empty::new())
        .unwrap()
}

/// A body of this number of 64 KiB pieces.
pub struct Pieces(pub usize);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(left) = self.0.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.0 = left;
        let piece = Bytes::from_static(&[7; 64 << 10]);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}
