//! The timers of HTTP triggers: what a plugin does by itself at intervals, such as the health checks of a load balancer.
//!
//! When a timer is due, its plugin's `shape` receives a request that no client has sent, and the steps that follow are
//! taken as for any request. The response goes to nobody; its lines for the log are logged, and its memory is what the
//! next request has.
//!
//! On failure: an error of the plugin is logged, the memory stays as it was, and the timer goes on.

use std::sync::Arc;

use lambkin_lambda::{new_request_id, new_trace_id, now_ms};
use lambkin_model::{Body, HttpRequest};
use lambkin_plugin::Timer;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::http_exchange::Steps;

/// A timer of a trigger that runs.
#[derive(Debug)]
pub(crate) struct RunningTimer {
    /// The plugin, and what its steps need.
    pub(crate) steps: Arc<Steps>,
    pub(crate) timer: Timer,
    /// The scheme of the trigger's listener.
    pub(crate) scheme: &'static str,
    /// The port of the trigger's listener.
    pub(crate) port: u16,
}

impl RunningTimer {
    /// Takes the plugin's steps now and at each interval, until `stop` is cancelled. What has begun then goes on to its
    /// end.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut due = interval(self.timer.interval);
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut memory = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = due.tick() => {}
            }
            let request = self.request(memory.as_deref());
            match self.steps.answer(&request).await {
                Ok(answered) => memory = answered.answer.memory,
                Err(error) => tracing::error!("{}: {error}", self.timer.name),
            }
        }
    }

    fn request(&self, memory: Option<&str>) -> HttpRequest {
        let at_ms = now_ms();
        HttpRequest {
            id: new_request_id().as_str().to_owned(),
            trace_id: new_trace_id(at_ms),
            at_ms,
            peer: String::new(),
            scheme: self.scheme,
            port: self.port,
            protocol: "HTTP/1.1".to_owned(),
            authority: String::new(),
            method: "GET".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            headers: Vec::new(),
            body: Some(Body::Empty),
            extra: HttpRequest::of_timer(&self.timer.name, memory),
        }
    }
}
