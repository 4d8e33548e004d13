//! A store in memory for the tests. It implements the part of the contract that the service depends on, with a clock
//! that the test controls.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::service::store::*;

/// The time at which every test starts, in milliseconds since the Unix epoch.
pub const START_MS: u64 = 1_700_000_000_123;

#[derive(Default)]
struct State {
    now: Cell<u64>,
    ids: Cell<u64>,
    queues: RefCell<BTreeMap<String, Rc<QueueData>>>,
    deleted: RefCell<BTreeMap<String, u64>>,
    /// The error that every call returns, if set.
    error: RefCell<Option<StoreError>>,
    /// The error that every receive returns, if set.
    receive_error: RefCell<Option<StoreError>>,
}

struct QueueData {
    description: RefCell<Description>,
    messages: RefCell<Vec<StoredMessage>>,
    moves: RefCell<Vec<Move>>,
    /// The messages of each receive request attempt; `None` once one of them was changed.
    attempts: RefCell<BTreeMap<String, Option<Vec<Message>>>>,
}

struct StoredMessage {
    message: Message,
    due: u64,
    leased: bool,
    lease_start: u64,
}

/// A store with queues in memory.
#[derive(Clone)]
pub struct Memory(Rc<State>);

impl Memory {
    pub fn new() -> Self {
        let state = State::default();
        state.now.set(START_MS);
        Self(Rc::new(state))
    }

    pub fn now(&self) -> u64 {
        self.0.now.get()
    }

    pub fn advance(&self, seconds: u64) {
        self.0.now.set(self.now() + seconds * 1000);
    }

    pub fn fail_with(&self, error: StoreError) {
        *self.0.error.borrow_mut() = Some(error);
    }

    pub fn fail_receives_with(&self, error: StoreError) {
        *self.0.receive_error.borrow_mut() = Some(error);
    }

    /// Makes all moves of a queue's messages fail.
    pub fn fail_moves(&self, queue: &str, failure: &str) {
        let data = self.data(queue).unwrap();
        for task in data.moves.borrow_mut().iter_mut() {
            task.status = MoveStatus::Failed;
            task.failure_reason = Some(failure.to_owned());
        }
    }

    fn check(&self) -> Stored<()> {
        match &*self.0.error.borrow() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn id(&self) -> u64 {
        self.0.ids.set(self.0.ids.get() + 1);
        self.0.ids.get()
    }

    fn data(&self, name: &str) -> Stored<Rc<QueueData>> {
        self.check()?;
        let queues = self.0.queues.borrow();
        queues.get(name).cloned().ok_or(StoreError::Missing)
    }

    fn page(&self, after: Option<&str>, max: u32, wanted: impl Fn(&Description) -> bool) -> Page {
        let mut queues: Vec<_> = self
            .0
            .queues
            .borrow()
            .values()
            .map(|data| data.description.borrow().clone())
            .filter(|queue| after.is_none_or(|after| queue.name.as_str() > after) && wanted(queue))
            .collect();
        let max = max as usize;
        let more = queues.len() > max;
        queues.truncate(max);
        Page { queues, more }
    }
}

impl Store for Memory {
    fn open(&self, name: &str) -> Stored<Box<dyn Queue>> {
        let data = self.data(name)?;
        Ok(Box::new(MemoryQueue {
            store: self.clone(),
            data,
        }))
    }

    fn create(&self, name: &str, settings: &Settings) -> Stored<Box<dyn Queue>> {
        if name.starts_with("forbidden") {
            return Err(StoreError::Denied);
        }
        let data = Rc::new(QueueData {
            description: RefCell::new(Description {
                name: name.into(),
                settings: settings.clone(),
                created_at_ms: self.now(),
                changed_at_ms: self.now(),
                purged_at_ms: None,
            }),
            messages: RefCell::default(),
            moves: RefCell::default(),
            attempts: RefCell::default(),
        });
        self.0.queues.borrow_mut().insert(name.into(), data);
        self.open(name)
    }

    fn queues(&self, prefix: &str, after: Option<&str>, max: u32) -> Stored<Page> {
        self.check()?;
        Ok(self.page(after, max, |queue| queue.name.starts_with(prefix)))
    }

    fn delete(&self, name: &str) -> Stored<()> {
        self.0.queues.borrow_mut().remove(name);
        self.0.deleted.borrow_mut().insert(name.into(), self.now());
        Ok(())
    }

    fn deleted_at(&self, name: &str) -> Option<u64> {
        self.0.deleted.borrow().get(name).copied()
    }

    fn cancel_move(&self, handle: &str) -> Stored<u64> {
        for data in self.0.queues.borrow().values() {
            for task in data.moves.borrow_mut().iter_mut() {
                if task.handle == handle {
                    task.status = MoveStatus::Cancelled;
                    return Ok(task.moved);
                }
            }
        }
        Err(StoreError::Missing)
    }
}

struct MemoryQueue {
    store: Memory,
    data: Rc<QueueData>,
}

impl MemoryQueue {
    fn ordered(&self) -> bool {
        self.data.description.borrow().settings.ordered
    }

    fn apply(
        &self,
        receipt: &str,
        act: impl FnOnce(&mut Vec<StoredMessage>, usize) -> ReceiptResult,
    ) -> ReceiptResult {
        let Some((id, number)) = receipt
            .strip_prefix("receipt-")
            .and_then(|rest| rest.rsplit_once('-'))
        else {
            return ReceiptResult::Malformed;
        };
        let mut messages = self.data.messages.borrow_mut();
        let Some(index) = messages.iter().position(|held| held.message.id == id) else {
            return ReceiptResult::Gone;
        };
        if messages[index].message.receive_count.to_string() != number {
            return ReceiptResult::Stale;
        }
        act(&mut messages, index)
    }
}

impl Queue for MemoryQueue {
    fn describe(&self) -> Stored<Description> {
        self.store.check()?;
        Ok(self.data.description.borrow().clone())
    }

    fn counts(&self) -> Stored<Counts> {
        let now = self.store.now();
        let messages = self.data.messages.borrow();
        let count = |wanted: &dyn Fn(&StoredMessage) -> bool| {
            messages.iter().filter(|m| wanted(m)).count() as u64
        };
        Ok(Counts {
            visible: count(&|held| held.due <= now),
            leased: count(&|held| held.due > now && held.leased),
            delayed: count(&|held| held.due > now && !held.leased),
        })
    }

    fn change(&self, settings: &Settings) -> Stored<()> {
        let mut description = self.data.description.borrow_mut();
        description.settings = settings.clone();
        description.changed_at_ms = self.store.now();
        Ok(())
    }

    fn send(&self, entries: &[Entry]) -> Stored<Vec<Sent>> {
        self.store.check()?;
        let now = self.store.now();
        let delay = self.data.description.borrow().settings.delay_ms;
        let mut sent = Vec::new();
        for entry in entries {
            let id = format!("00000000-0000-4000-8000-{:012}", self.store.id());
            let sequence = self.ordered().then(|| format!("{:020}", self.store.id()));
            sent.push(Sent {
                id: id.clone(),
                sequence: sequence.clone(),
                duplicate: false,
            });
            let message = Message {
                id,
                receipt: String::new(),
                body: entry.body.clone(),
                attributes: entry.attributes.clone(),
                extra: entry.extra.clone(),
                group: entry.group.clone(),
                deduplication: entry.deduplication.clone(),
                sequence,
                sent_at_ms: now,
                first_received_at_ms: 0,
                receive_count: 0,
                dead_letter_source: None,
            };
            self.data.messages.borrow_mut().push(StoredMessage {
                message,
                due: now + entry.delay_ms.unwrap_or(delay),
                leased: false,
                lease_start: 0,
            });
        }
        Ok(sent)
    }

    fn receive(
        &self,
        attempt: Option<&str>,
        max: u32,
        lease_ms: Option<u64>,
        wait_ms: u32,
    ) -> Stored<Vec<Message>> {
        self.store.check()?;
        if let Some(error) = &*self.store.0.receive_error.borrow() {
            return Err(error.clone());
        }
        let attempt = attempt.filter(|_| self.ordered());
        let known = attempt.and_then(|name| self.data.attempts.borrow().get(name).cloned());
        match known {
            Some(Some(messages)) => return Ok(messages),
            Some(None) => return Err(StoreError::Invalid("changed since".to_owned())),
            None => {}
        }
        // The tests have one thread, so no message can arrive while it waits.
        self.store.advance(u64::from(wait_ms) / 1000);
        let now = self.store.now();
        let lease = lease_ms.unwrap_or(self.data.description.borrow().settings.lease_ms);
        let mut received = Vec::new();
        for held in self.data.messages.borrow_mut().iter_mut() {
            if received.len() < max as usize && held.due <= now {
                held.message.receive_count += 1;
                if held.message.receive_count == 1 {
                    held.message.first_received_at_ms = now;
                }
                held.message.receipt =
                    format!("receipt-{}-{}", held.message.id, held.message.receive_count);
                (held.due, held.leased, held.lease_start) = (now + lease, true, now);
                received.push(held.message.clone());
            }
        }
        if let Some(name) = attempt {
            let given = Some(received.clone());
            self.data.attempts.borrow_mut().insert(name.into(), given);
        }
        Ok(received)
    }

    fn remove(&self, receipts: &[String]) -> Stored<Vec<ReceiptResult>> {
        for given in self.data.attempts.borrow_mut().values_mut() {
            *given = None;
        }
        let (now, ordered) = (self.store.now(), self.ordered());
        let apply = |messages: &mut Vec<StoredMessage>, index: usize| {
            if ordered && messages[index].due <= now {
                return ReceiptResult::Stale;
            }
            messages.remove(index);
            ReceiptResult::Done
        };
        Ok(receipts
            .iter()
            .map(|receipt| self.apply(receipt, apply))
            .collect())
    }

    fn change_leases(&self, changes: &[(String, u64)]) -> Stored<Vec<ReceiptResult>> {
        let now = self.store.now();
        let apply = |messages: &mut Vec<StoredMessage>, index: usize, lease: u64| {
            let held = &mut messages[index];
            if held.due <= now {
                return ReceiptResult::NotLeased;
            }
            if now + lease > held.lease_start + 43_200_000 {
                return ReceiptResult::TooLong;
            }
            held.due = now + lease;
            ReceiptResult::Done
        };
        Ok(changes
            .iter()
            .map(|(receipt, lease)| {
                self.apply(receipt, |messages, index| apply(messages, index, *lease))
            })
            .collect())
    }

    fn purge(&self) -> Stored<()> {
        self.data.messages.borrow_mut().clear();
        self.data.description.borrow_mut().purged_at_ms = Some(self.store.now());
        Ok(())
    }

    fn dead_letter_sources(&self, after: Option<&str>, max: u32) -> Stored<Page> {
        let name = self.data.description.borrow().name.clone();
        Ok(self.store.page(after, max, |queue| {
            let dead_letter = queue.settings.dead_letter.as_ref();
            dead_letter.is_some_and(|dead_letter| dead_letter.queue == name)
        }))
    }

    fn start_move(&self, destination: Option<&str>, per_second: Option<u32>) -> Stored<String> {
        if destination.is_some_and(|name| name.ends_with(".fifo") != self.ordered()) {
            return Err(StoreError::Invalid("another kind of queue".to_owned()));
        }
        let mut moves = self.data.moves.borrow_mut();
        if moves.iter().any(|task| task.status == MoveStatus::Running) {
            return Err(StoreError::Exists);
        }
        let handle = format!("move-{}", self.store.id());
        let task = Move {
            handle: handle.clone(),
            source: self.data.description.borrow().name.clone(),
            destination: destination.map(str::to_owned),
            per_second,
            status: MoveStatus::Running,
            moved: 2,
            expected: 10,
            started_at_ms: self.store.now(),
            failure_reason: None,
        };
        moves.insert(0, task);
        Ok(handle)
    }

    fn moves(&self, max: u32) -> Stored<Vec<Move>> {
        Ok(self
            .data
            .moves
            .borrow()
            .iter()
            .take(max as usize)
            .cloned()
            .collect())
    }
}
