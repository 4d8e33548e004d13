//! The address of a sandbox's Runtime API.
//!
//! By default it is a free port at a random address of the loopback interface, where that has all of 127/8 as on Linux:
//! another program does not find it by trying ports. A fixed address, which the command lines of other emulators can
//! set, is used by one sandbox after the other. The listener of the previous sandbox is closed in the background, so a
//! new sandbox waits for that.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::limits::{ADDRESS_RETRY_PAUSE, ADDRESS_TIMEOUT};

/// Listens on the fixed address, if there is one, or on a free port. Fails if the address stays in use.
pub(crate) async fn listen(fixed: Option<SocketAddr>) -> io::Result<TcpListener> {
    let Some(address) = fixed else {
        return match TcpListener::bind((random_loopback(), 0)).await {
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
            bound => bound,
        };
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

/// A random address in 127/8, except for those that end in 0 or 255.
fn random_loopback() -> Ipv4Addr {
    let [second, third, fourth, ..] = Uuid::new_v4().into_bytes();
    Ipv4Addr::new(127, second, third, 1 + fourth % 254)
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
