//! HTTP triggers, `listen = "127.0.0.1:8000"`: HTTP requests at an address.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use lambkin_http::{CertificateSource, Listener, share_of_files};
use lambkin_plugin::{FunctionReference, HttpTrigger, Role, Surroundings, WebSocketTrigger};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::event_source::{BoxFuture, ConfiguredTrigger, EventSource, Setup, SetupError};
use crate::http_exchange::Steps;
use crate::http_handler::HttpHandler;
use crate::http_port::Route;
use crate::http_preview::{Listening, preview};
use crate::http_timer::RunningTimer;
use crate::limits::{WEBSOCKET_FILES_DIVISOR, WEBSOCKETS};
use crate::place::Place;
use crate::preview::{Outcomes, Preview, PreviewError, Sample};
use crate::step_cache::StepCache;
use crate::trigger_context::TriggerContext;
use crate::websocket;
use crate::websocket::open_connections::OpenConnections;
use crate::websocket::websockets::WebSockets;

/// The places for the WebSocket connections of all triggers of the process.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let places = share_of_files(WEBSOCKET_FILES_DIVISOR, WEBSOCKETS);
    Arc::new(Semaphore::new(places))
});

/// An address to listen on.
#[derive(Debug, Clone)]
pub struct HttpSource {
    /// The address. Port 0 stands for any free port.
    pub address: SocketAddr,
    /// The certificate of the connections, if they are encrypted.
    pub certificate: Option<CertificateSource>,
    /// Which requests at the address are for the trigger.
    pub place: Place,
}

impl EventSource for HttpSource {
    fn listen_address(&self) -> Option<SocketAddr> {
        Some(self.address)
    }

    fn certificate(&self) -> Option<&CertificateSource> {
        self.certificate.as_ref()
    }

    fn place(&self) -> Option<&Place> {
        Some(&self.place)
    }

    fn configure<'a>(
        &'a self,
        setup: Setup<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn ConfiguredTrigger>, SetupError>> {
        Box::pin(async move {
            let mut extra = vec![("network".to_owned(), setup.grants.network.join(" "))];
            if !self.place.path_prefix.is_empty() {
                extra.push(("path-prefix".to_owned(), self.place.path_prefix.clone()));
            }
            let surroundings = Surroundings {
                address: Some(self.address.to_string()),
                extra,
                ..setup.surroundings()
            };
            let (plugin, settings) = (setup.plugin.plugin, setup.plugin.settings);
            let (network, reuse) = (&setup.grants.network, setup.grants.reuse);
            let configured = if plugin.plays(Role::WebSocketTrigger) {
                let connections = Arc::new(OpenConnections::new(Arc::clone(&PLACES)));
                let reachable = Arc::<OpenConnections>::clone(&connections);
                let trigger =
                    plugin.websocket_trigger(settings, &surroundings, network, reuse, reachable);
                trigger
                    .await
                    .map(|trigger| (trigger.http().clone(), Some((trigger, connections))))
            } else {
                let trigger = plugin.http_trigger(settings, &surroundings, network, reuse);
                trigger.await.map(|trigger| (trigger, None))
            };
            let (trigger, websockets) = configured.map_err(SetupError::Trigger)?;
            Ok(Box::new(ConfiguredHttp {
                name: setup.name.to_owned(),
                place: self.place.clone(),
                address: self.address,
                scheme: match self.certificate {
                    Some(_) => "https",
                    None => "http",
                },
                trigger,
                websockets,
            }) as Box<dyn ConfiguredTrigger>)
        })
    }
}

/// An HTTP trigger whose plugin has accepted its settings.
struct ConfiguredHttp {
    name: String,
    place: Place,
    address: SocketAddr,
    scheme: &'static str,
    trigger: HttpTrigger,
    /// If the plugin handles WebSocket connections.
    websockets: Option<(WebSocketTrigger, Arc<OpenConnections>)>,
}

impl ConfiguredTrigger for ConfiguredHttp {
    fn functions(&self) -> Vec<&FunctionReference> {
        self.trigger.functions().iter().collect()
    }

    fn description(&self) -> String {
        let url = format!("{}://{}", self.scheme, self.address);
        if self.place == Place::default() {
            return url;
        }
        format!("{url} ({})", self.place)
    }

    fn summary(&self) -> &[String] {
        self.trigger.summary()
    }

    fn warnings(&self) -> &[String] {
        self.trigger.warnings()
    }

    fn preview<'a>(
        &'a self,
        sample: &'a Sample,
        outcomes: &'a mut Outcomes,
    ) -> BoxFuture<'a, Result<Preview, PreviewError>> {
        let listener = Listening {
            scheme: self.scheme,
            address: self.address,
            place: &self.place,
        };
        match &self.websockets {
            Some((trigger, _)) => Box::pin(websocket::preview::preview(
                trigger, listener, sample, outcomes,
            )),
            None => Box::pin(preview(&self.trigger, listener, sample, outcomes)),
        }
    }

    fn spawn(self: Box<Self>, context: &mut TriggerContext<'_>, listener: Option<Listener>) {
        let steps = Arc::new(Steps {
            trigger: self.trigger,
            lambda: context.lambda().clone(),
            cache: StepCache::default(),
        });
        let of_timers = Arc::clone(&steps);
        let websockets = self.websockets.map(|(trigger, connections)| WebSockets {
            trigger,
            connections,
            steps: Arc::clone(&steps),
            stop: context.stop(),
            detached: TaskTracker::new(),
        });
        let handler = HttpHandler {
            steps,
            websockets: websockets.map(Arc::new),
        };
        let route = Route {
            name: self.name,
            place: self.place,
            handler,
        };
        context.listen(self.address, listener, route);
        let port = context.port(self.address);
        for timer in of_timers.trigger.timers() {
            let running = RunningTimer {
                steps: Arc::clone(&of_timers),
                timer: timer.clone(),
                scheme: self.scheme,
                port,
            };
            context.spawn(|stop| running.run(stop));
        }
    }
}
