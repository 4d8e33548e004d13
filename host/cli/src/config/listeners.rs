//! The addresses that the program will listen on.

use std::net::SocketAddr;

use super::reader::{Diagnostics, Spanned};

/// The addresses that sections of the file have claimed so far, each with the key that claims it.
#[derive(Debug, Default)]
pub struct Listeners(Vec<(SocketAddr, String)>);

impl Listeners {
    /// Reads an address and claims it. Returns `None` after it has reported that the text is not an address or that
    /// another listener has the address. Any number of listeners may ask for a free port with port 0.
    pub fn add(
        &mut self,
        listen: &Spanned<String>,
        diagnostics: &Diagnostics,
    ) -> Option<SocketAddr> {
        let text = listen.value.replace("localhost:", "127.0.0.1:");
        let Ok(address) = text.parse::<SocketAddr>() else {
            let message = format!(
                "must be an address and a port, such as \"127.0.0.1:8000\", not {:?}",
                listen.value
            );
            diagnostics.add(listen.span.clone(), &listen.key, message);
            return None;
        };
        let same = |(other, _): &&(SocketAddr, String)| *other == address && address.port() != 0;
        if let Some((_, other)) = self.0.iter().find(same) {
            let message = format!(
                "{address} is taken by {other}; each listener needs its own port (0 picks a free one)"
            );
            diagnostics.add(listen.span.clone(), &listen.key, message);
            return None;
        }
        self.0.push((address, listen.key.clone()));
        Some(address)
    }
}
