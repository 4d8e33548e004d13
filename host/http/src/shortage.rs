//! Whether a listener is short of connections or of places, so that it gives up idle and slow peers.
//!
//! The listener reports that it has as many connections as it may have. A handler may report that its requests wait
//! for places that other requests hold while their bodies arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// The shortage of one listener. Clones share it.
#[derive(Debug, Clone)]
pub struct Shortage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: watch::Sender<Short>,
    waiting: AtomicUsize,
}

/// What a listener is short of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Short {
    /// It has as many connections as it may have: idle connections are closed, and slow heads and readers too.
    pub connections: bool,
    /// Requests wait for places: bodies that are slow are given up.
    pub places: bool,
}

impl Short {
    pub(crate) fn of_anything(self) -> bool {
        self.connections || self.places
    }
}

impl Default for Shortage {
    fn default() -> Self {
        Self(Arc::new(Inner {
            state: watch::Sender::default(),
            waiting: AtomicUsize::new(0),
        }))
    }
}

impl Shortage {
    /// Reports that a request waits for a place until the result is dropped.
    #[must_use]
    pub fn wait_for_place(&self) -> WaitsForPlace {
        if self.0.waiting.fetch_add(1, Ordering::Relaxed) == 0 {
            self.update(|short| short.places = true);
        }
        WaitsForPlace(self.clone())
    }

    pub(crate) fn set_connections(&self, are_short: bool) {
        self.update(|short| short.connections = are_short);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Short> {
        self.0.state.subscribe()
    }

    fn update(&self, change: impl FnOnce(&mut Short)) {
        self.0.state.send_if_modified(|short| {
            let before = *short;
            change(short);
            *short != before
        });
    }
}

/// A request that waits for a place.
#[derive(Debug)]
pub struct WaitsForPlace(Shortage);

impl Drop for WaitsForPlace {
    fn drop(&mut self) {
        let Self(shortage) = self;
        if shortage.0.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            // Another request may have begun to wait in between.
            let waiting = &shortage.0.waiting;
            shortage.update(|short| short.places = waiting.load(Ordering::Relaxed) > 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_short_while_a_request_waits() {
        let shortage = Shortage::default();
        let seen = shortage.watch();
        let waits = [shortage.wait_for_place(), shortage.wait_for_place()];
        assert!(seen.borrow().places && seen.borrow().of_anything());
        let [first, second] = waits;
        drop(first);
        assert!(seen.borrow().places);
        drop(second);
        assert!(!seen.borrow().of_anything());
    }
}
