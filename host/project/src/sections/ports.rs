//! The addresses of listeners: those that users of other tools know.
//!
//! Contract: the first API has port 3000, further ones have 3003, 3004 and so on; the first WebSocket API has 3001, where
//! that is not the port of the Invoke API. An address is chosen once: the document says which ones are taken.

use crate::context::{Context, Ports};
use crate::document::{Document, Item};

/// The address of the service `sqs`.
pub const SQS: &str = "127.0.0.1:9324";

/// The address of the service `s3`.
pub const S3: &str = "127.0.0.1:9000";

/// The first port of an API with HTTP.
const HTTP: u16 = 3000;

/// The first port of a WebSocket API.
const WEBSOCKET: u16 = 3001;

/// The ports of all other APIs begin here: the two before are those of Invoke APIs.
const FURTHER: u16 = 3003;

/// The address of the Invoke API, unless it is Lambkin's usual one.
#[must_use]
pub fn invoke(context: &Context) -> Option<&'static str> {
    match context.options.ports {
        Ports::Lambkin => None,
        Ports::Sam => Some("127.0.0.1:3001"),
        Ports::Offline => Some("127.0.0.1:3002"),
    }
}

/// An address for another API with HTTP, a function URL or a load balancer.
#[must_use]
pub fn http(document: &Document) -> String {
    free(document, HTTP)
}

/// An address for another WebSocket API.
#[must_use]
pub fn websocket(context: &Context, document: &Document) -> String {
    free(
        document,
        match context.options.ports {
            Ports::Sam => FURTHER,
            Ports::Lambkin | Ports::Offline => WEBSOCKET,
        },
    )
}

fn free(document: &Document, first: u16) -> String {
    let triggers = document.root.get("triggers").and_then(Item::as_table);
    let taken: Vec<&str> = triggers
        .into_iter()
        .flat_map(|triggers| triggers.iter())
        .filter_map(|(_, entry)| match entry.item.as_table()?.get("listen")? {
            Item::Text(listen) => Some(listen.as_str()),
            _ => None,
        })
        .chain([SQS, S3, "127.0.0.1:9001"])
        .collect();
    let ports = std::iter::once(first).chain(FURTHER..=u16::MAX);
    let mut listens = ports.map(|port| format!("127.0.0.1:{port}"));
    let free = listens.find(|listen| !taken.contains(&listen.as_str()));
    free.unwrap_or_else(|| "127.0.0.1:0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Options;

    #[test]
    fn each_api_has_an_address() {
        let context = |ports| {
            Context::new(Options {
                ports,
                ..Options::default()
            })
        };
        let mut document = Document::default();
        let mut add = |name: &str, context: &Context, websocket: bool| {
            let listen = match websocket {
                true => super::websocket(context, &document),
                false => http(&document),
            };
            let trigger = document.root.table("triggers").table(name);
            trigger.set("listen", listen.as_str(), None);
            listen
        };
        let usual = context(Ports::Lambkin);
        assert_eq!(add("a", &usual, false), "127.0.0.1:3000");
        assert_eq!(add("b", &usual, false), "127.0.0.1:3003");
        assert_eq!(add("c", &usual, true), "127.0.0.1:3001");
        assert_eq!(add("d", &usual, true), "127.0.0.1:3004");
        assert_eq!(add("e", &context(Ports::Sam), true), "127.0.0.1:3005");
        assert_eq!(invoke(&context(Ports::Sam)), Some("127.0.0.1:3001"));
        assert_eq!(invoke(&context(Ports::Offline)), Some("127.0.0.1:3002"));
    }
}
