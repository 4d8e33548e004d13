//! `lambkin queue`: prints what is in the store, without receiving anything. A host may be using the store at the same
//! time.
//!
//! Bodies are printed unchanged, each followed by a line end. With `--json` each message or queue is one JSON object on
//! one line, which is unambiguous.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use lambkin_lambda::now_ms;
use lambkin_store::{QueueStatistics, Reader, WaitingMessage};
use serde_json::{Value, json};

use crate::args::{GlobalArgs, Queue};
use crate::config::{Config, nearest};

/// Prints the messages of one queue, or a line about every queue, to standard output.
pub fn run(global: &GlobalArgs, args: &Queue) -> anyhow::Result<ExitCode> {
    let config = Config::read_with(&global.config, &global.choices(None))?;
    let path = config.asynchronous.store;
    let mut out = std::io::stdout().lock();
    // The store does not exist until something has been put into it.
    let store = path.exists().then(|| Reader::open(&path)).transpose()?;
    let queues = match &store {
        Some(store) => store.statistics(now_ms())?,
        None => Vec::new(),
    };
    let Some(wanted) = &args.name else {
        for queue in &queues {
            write_queue(&mut out, queue, args.json)?;
        }
        return finished(out);
    };
    let messages = match &store {
        Some(store) => store.messages(wanted)?,
        None => Vec::new(),
    };
    let names = || queues.iter().map(|queue| queue.queue.as_str());
    if messages.is_empty()
        && names().all(|name| name != wanted)
        && let Some(near) = nearest(wanted, names())
    {
        bail!("the queue {wanted:?} is empty; did you mean `{near}`?");
    }
    for message in &messages {
        write_message(&mut out, message, args.json)?;
    }
    finished(out)
}

fn finished(mut out: impl Write) -> anyhow::Result<ExitCode> {
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn write_queue(out: &mut impl Write, queue: &QueueStatistics, json: bool) -> std::io::Result<()> {
    let QueueStatistics {
        queue,
        due,
        delayed,
        leased,
    } = queue;
    if json {
        let line = json!({ "queue": queue, "due": due, "delayed": delayed, "leased": leased });
        return writeln!(out, "{line}");
    }
    writeln!(
        out,
        "{queue}: {due} due, {delayed} delayed, {leased} in flight"
    )
}

fn write_message(
    out: &mut impl Write,
    message: &WaitingMessage,
    json: bool,
) -> std::io::Result<()> {
    if !json {
        out.write_all(&message.body)?;
        return writeln!(out);
    }
    let body = match std::str::from_utf8(&message.body) {
        Ok(text) => json!(text),
        Err(_) => json!({ "bytes": message.body }),
    };
    let attributes: Value =
        serde_json::from_str(&message.attributes).unwrap_or_else(|_| json!(message.attributes));
    let mut line = json!({
        "id": message.id,
        "sentAt": message.sent_at,
        "dueAt": message.due_at,
        "receiveCount": message.receives,
        "attributes": attributes,
        "body": body,
    });
    if let (Some(id), Some(line)) = (&message.message_id, line.as_object_mut()) {
        line.insert("messageId".to_owned(), json!(id));
    }
    writeln!(out, "{line}")
}
