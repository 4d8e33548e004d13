//! Addresses in the form that other emulators accept.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context;

/// Reads `HOST:PORT`. Without a host, it stands for all addresses of the machine. `what` names the flag or variable.
pub fn read(what: &str, text: &str) -> anyhow::Result<SocketAddr> {
    let with_host = match text.strip_prefix(':') {
        Some(port) => format!("{}:{port}", Ipv4Addr::UNSPECIFIED),
        None => text.replace("localhost:", "127.0.0.1:"),
    };
    with_host.parse().with_context(|| {
        format!("{what} must be an address and a port, such as 127.0.0.1:9001, not {text:?}")
    })
}

/// Checks that an address that will be bound later is free. `what` names the flag or variable that asks for it.
pub fn check_free(what: &str, address: SocketAddr) -> anyhow::Result<()> {
    TcpListener::bind(address)
        .map(drop)
        .with_context(|| format!("cannot listen on {address}, which {what} asks for"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_may_be_missing_or_localhost() {
        for (text, address) in [
            ("127.0.0.1:9001", "127.0.0.1:9001"),
            (":8080", "0.0.0.0:8080"),
            ("localhost:1", "127.0.0.1:1"),
            ("[::1]:1", "[::1]:1"),
        ] {
            assert_eq!(read("--x", text).unwrap().to_string(), address);
        }
        let error = read("--x", "nope").unwrap_err().to_string();
        assert_eq!(
            error,
            "--x must be an address and a port, such as 127.0.0.1:9001, not \"nope\""
        );
    }

    #[test]
    fn an_address_in_use_is_reported_with_the_flag_that_asks_for_it() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap();
        let error = check_free("--x", address).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("cannot listen on {address}, which --x asks for")
        );
    }
}
