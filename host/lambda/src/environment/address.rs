//! The address of a sandbox's Runtime API.
//!
//! By default it is a free port on the loopback interface, which differs from sandbox to sandbox. A fixed address,
//! which the command lines of other emulators can set, is used by one sandbox after the other. The listener of the
//! previous sandbox is closed in the background, so a new sandbox waits for that.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::limits::{ADDRESS_RETRY_PAUSE, ADDRESS_TIMEOUT};

/// Listens on the fixed address, if there is one, or on a free port. Fails if the address stays in use.
pub(crate) async fn listen(fixed: Option<SocketAddr>) -> io::Result<TcpListener> {
    let Some(address) = fixed else {
        return TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    };
    let give_up = Instant::now() + ADDRESS_TIMEOUT;
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < give_up => {
                sleep(ADDRESS_RETRY_PAUSE).await;
            }
            bound => return bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fixed_address_is_available_once_the_previous_listener_is_closed() {
        let first = listen(None).await.unwrap();
        let address = first.local_addr().unwrap();
        let second = tokio::spawn(listen(Some(address)));
        tokio::task::yield_now().await;
        drop(first);
        let second = second.await.unwrap().unwrap();
        assert_eq!(second.local_addr().unwrap(), address);
    }

    #[tokio::test]
    async fn an_address_that_stays_in_use_is_an_error() {
        let other = listen(None).await.unwrap();
        let error = listen(Some(other.local_addr().unwrap())).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
