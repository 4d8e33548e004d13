//! The service's store: the host's queues, imported as `lambkin:store/queues`.

use crate::service::contract::queues;
use crate::service::store::{
    Counts, Description, Entry, Message, Move, Page, Queue, ReceiptResult, Sent, Settings, Store,
    Stored,
};

/// The host's queues.
pub struct HostStore;

impl Store for HostStore {
    fn open(&self, name: &str) -> Stored<Box<dyn Queue>> {
        Ok(Box::new(queues::open(name)?))
    }

    fn create(&self, name: &str, settings: &Settings) -> Stored<Box<dyn Queue>> {
        Ok(Box::new(queues::create(name, settings)?))
    }

    fn queues(&self, prefix: &str, after: Option<&str>, max: u32) -> Stored<Page> {
        queues::queues(prefix, after, max)
    }

    fn delete(&self, name: &str) -> Stored<()> {
        queues::delete(name)
    }

    fn deleted_at(&self, name: &str) -> Option<u64> {
        queues::deleted_at(name)
    }

    fn cancel_move(&self, handle: &str) -> Stored<u64> {
        queues::cancel_move(handle)
    }
}

// Inherent methods take precedence: `Self::describe(self)` calls the resource's method, not the trait's.
impl Queue for queues::Queue {
    fn describe(&self) -> Stored<Description> {
        Self::describe(self)
    }

    fn counts(&self) -> Stored<Counts> {
        Self::counts(self)
    }

    fn change(&self, settings: &Settings) -> Stored<()> {
        Self::change(self, settings)
    }

    fn send(&self, entries: &[Entry]) -> Stored<Vec<Sent>> {
        Self::send(self, entries)
    }

    fn receive(
        &self,
        attempt: Option<&str>,
        max: u32,
        lease_ms: Option<u64>,
        wait_ms: u32,
    ) -> Stored<Vec<Message>> {
        match attempt {
            Some(attempt) => self.receive_with_attempt_id(attempt, max, lease_ms, wait_ms),
            None => Self::receive(self, max, lease_ms, wait_ms),
        }
    }

    fn remove(&self, receipts: &[String]) -> Stored<Vec<ReceiptResult>> {
        Self::remove(self, receipts)
    }

    fn change_leases(&self, changes: &[(String, u64)]) -> Stored<Vec<ReceiptResult>> {
        Self::change_leases(self, changes)
    }

    fn purge(&self) -> Stored<()> {
        Self::purge(self)
    }

    fn dead_letter_sources(&self, after: Option<&str>, max: u32) -> Stored<Page> {
        Self::dead_letter_sources(self, after, max)
    }

    fn start_move(&self, destination: Option<&str>, per_second: Option<u32>) -> Stored<String> {
        Self::start_move(self, destination, per_second)
    }

    fn moves(&self, max: u32) -> Stored<Vec<Move>> {
        Self::moves(self, max)
    }
}
