//! Where the event of a command comes from: an argument, a file or standard input.
//!
//! Without an argument and a file, standard input is read if it is a pipe, a socket or a file, and the event is `{}` if
//! it is a terminal, `/dev/null` or empty. If nothing has arrived after [`PATIENCE`], a line says what is waited for: a
//! program may have passed on a pipe that it never closes.
//!
//! On failure: what could not be read, or in which encoding it seems to be.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, anyhow};

use crate::text;

/// How long standard input is read before a line says so.
const PATIENCE: Duration = Duration::from_secs(1);

/// The event of these arguments, as text. A byte order mark is removed, and UTF-16 is decoded.
pub fn read(argument: Option<&str>, file: Option<&Path>) -> anyhow::Result<String> {
    let (bytes, name) = match (argument, file) {
        (Some(event), _) => (event.as_bytes().to_vec(), "the event".to_owned()),
        (None, Some(path)) if path != Path::new("-") => {
            let bytes = file_or_input(path, "the event")?;
            (bytes, format!("the event in {}", path.display()))
        }
        (None, Some(_)) => (standard_input()?, ON_STANDARD_INPUT.to_owned()),
        (None, None) if has_input() => (standard_input()?, ON_STANDARD_INPUT.to_owned()),
        (None, None) => return Ok("{}".to_owned()),
    };
    let event = text::decode(bytes).map_err(|why| anyhow!("{name} {why}"))?;
    let is_left_out = argument.or(file.and_then(Path::to_str)).is_none();
    Ok(if is_left_out && event.trim().is_empty() {
        "{}".to_owned()
    } else {
        event
    })
}

const ON_STANDARD_INPUT: &str = "the event on standard input";

/// Whether standard input is something that a caller has written, rather than a terminal or `/dev/null`.
fn has_input() -> bool {
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    let about = input.map(File::from).and_then(|file| file.metadata());
    about.is_ok_and(|about| {
        let kind = about.file_type();
        kind.is_file() || kind.is_fifo() || kind.is_socket()
    })
}

/// What is in a file, or for `-` on standard input. `what` is that for people.
pub fn file_or_input(path: &Path, what: &str) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        return standard_input();
    }
    crate::regular_file::read(path)
        .with_context(|| format!("cannot read {what} from {}", path.display()))
}

/// A text itself, or for `@FILE` the content of the file, and for `@-` standard input. `what` is that for people.
pub fn text_or_file(argument: &str, what: &str) -> anyhow::Result<Vec<u8>> {
    let Some(path) = argument.strip_prefix('@') else {
        return Ok(argument.as_bytes().to_vec());
    };
    let content = file_or_input(path.as_ref(), what)?;
    if text::begins_with_mark(&content) {
        eprintln!("note: {path} begins with a byte order mark, which stays a part of {what}");
    }
    Ok(content)
}

/// All of standard input.
pub fn standard_input() -> anyhow::Result<Vec<u8>> {
    let (finished, reading) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = std::io::stdin().read_to_end(&mut bytes);
        let _ = finished.send(read.map(|_| bytes));
    });
    let read = reading.recv_timeout(PATIENCE).or_else(|_| {
        eprintln!(
            "waiting for the event on standard input, which has to be closed at its end; an event as argument, `-e FILE` or \
             `</dev/null` do without"
        );
        reading.recv()
    });
    read.context("the thread that reads standard input has ended")?
        .context("cannot read the event from standard input")
}
