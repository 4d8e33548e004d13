//! The listener of the HTTP triggers at one address.
//!
//! Each request is for the trigger whose [`Place`] it fits best; most listeners have one trigger, for all requests.
//!
//! On failure: a request that fits no place gets 404 with the triggers that there are.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::HOST;
use http::{Request, StatusCode};
use lambkin_http::{
    Allowlist, CrossOrigin, ForeignPages, Listener, RequestBody, Response, Server, header,
};
use tokio_util::sync::CancellationToken;

use crate::http_handler::{HttpHandler, Reached, message};
use crate::place::{Place, host_of};

/// A trigger and its requests.
#[derive(Debug)]
pub(crate) struct Route {
    /// The trigger's name.
    pub(crate) name: String,
    /// Which requests are for it.
    pub(crate) place: Place,
    pub(crate) handler: HttpHandler,
}

/// The listener of one address, with its triggers.
#[derive(Debug)]
pub(crate) struct HttpPort {
    /// As configured.
    pub(crate) address: SocketAddr,
    pub(crate) listener: Listener,
    pub(crate) routes: Vec<Route>,
}

impl HttpPort {
    /// The port that the listener has.
    pub(crate) fn port(&self) -> u16 {
        let bound = self.listener.socket.local_addr();
        bound.unwrap_or(self.address).port()
    }

    /// Serves requests until `stop` is cancelled, then lets those under way finish. `allowlist` has the hosts, besides
    /// local ones, that clients may name; those of the triggers' places are allowed, too. Which pages may use the
    /// functions is up to their CORS.
    pub(crate) async fn serve(self, allowlist: Allowlist, stop: CancellationToken) {
        let Self {
            listener, routes, ..
        } = self;
        let reached = Reached {
            scheme: listener.scheme(),
            address: listener.socket.local_addr().ok(),
        };
        let hosts = routes.iter().flat_map(|route| &route.place.host_names);
        let rules = CrossOrigin::new(allowlist.with_hosts(hosts), ForeignPages::Accepted);
        let shared = Arc::new((routes, reached));
        let of_requests = Arc::clone(&shared);
        let handler = move |request, peer| {
            let shared = Arc::clone(&of_requests);
            async move {
                let (routes, reached) = &*shared;
                match choose(routes, &request) {
                    Some(route) => route.handler.answer(request, peer, reached).await,
                    None => not_found(routes, &request),
                }
            }
        };
        Server::for_clients(rules, stop)
            .keep_heads_as_sent()
            .with_certificate(listener.certificate)
            .serve(listener.socket, handler)
            .await;
        for websockets in shared
            .0
            .iter()
            .filter_map(|route| route.handler.websockets.as_ref())
        {
            websockets.finish().await;
        }
    }
}

fn choose<'a>(routes: &'a [Route], request: &Request<RequestBody>) -> Option<&'a Route> {
    if let [route] = routes
        && route.place == Place::default()
    {
        return Some(route);
    }
    let (host, path) = (host(request), request.uri().path());
    let fits = routes
        .iter()
        .filter_map(|route| Some((route.place.fit(&host, path)?, route)));
    fits.max_by_key(|(fit, _)| *fit).map(|(_, route)| route)
}

/// The host that a request is to, without a port.
fn host(request: &Request<RequestBody>) -> String {
    match request.uri().authority() {
        Some(authority) => host_of(authority.as_str()),
        None => host_of(header(request.headers(), HOST).unwrap_or_default()),
    }
}

fn not_found(routes: &[Route], request: &Request<RequestBody>) -> Response {
    let there_are: Vec<String> = routes
        .iter()
        .map(|route| format!("{} ({})", route.name, route.place))
        .collect();
    let text = format!(
        "no trigger is for the host {} and the path {}; at this address there are: {}",
        host(request),
        request.uri().path(),
        there_are.join("; ")
    );
    message(StatusCode::NOT_FOUND, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_port_is_the_one_that_the_system_has_assigned() {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let socket = tokio::net::TcpListener::bind(address).await.unwrap();
        let bound = socket.local_addr().unwrap().port();
        let port = HttpPort {
            address,
            listener: Listener {
                socket,
                certificate: None,
            },
            routes: Vec::new(),
        };
        assert_ne!(bound, 0);
        assert_eq!(port.port(), bound);
    }
}
