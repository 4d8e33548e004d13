//! AWS Lambda functions and their triggers in tests: runs `lambkin serve` on free ports.
//!
//! Contract: after [`Lambkin::start`], everything of the project listens; when the value is dropped, it is ended, and no
//! process of the project is left.
//!
//! On failure: [`Error`], with what Lambkin has logged.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long [`Lambkin::wait_for_log`] waits.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Why something was not done.
#[derive(Debug)]
pub enum Error {
    /// A function has failed: its error, with `errorType` and `errorMessage`.
    Function(Value),
    /// Lambkin did not do what was asked.
    Lambkin(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(error) => write!(f, "the function failed: {error}"),
            Self::Lambkin(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

/// A running project.
#[derive(Debug)]
pub struct Lambkin {
    child: Child,
    ready: Value,
    log: Arc<(Mutex<String>, Condvar)>,
}

impl Lambkin {
    /// Runs the project in a folder, or that of a file. The program is that of the variable `LAMBKIN`, else the one in `PATH`.
    ///
    /// # Errors
    ///
    /// [`Error::Lambkin`], if it does not start.
    pub fn start(project: impl AsRef<Path>) -> Result<Self, Error> {
        Self::start_with(project, &[])
    }

    /// As [`Lambkin::start`], with further arguments of `lambkin serve`.
    ///
    /// # Errors
    ///
    /// [`Error::Lambkin`], if it does not start.
    pub fn start_with(project: impl AsRef<Path>, arguments: &[&str]) -> Result<Self, Error> {
        let program = std::env::var_os("LAMBKIN").unwrap_or_else(|| "lambkin".into());
        let project =
            std::path::absolute(project).map_err(|error| Error::Lambkin(error.to_string()))?;
        let mut command = Command::new(program);
        command
            .args(["serve", "--json", "--free-ports"])
            .args(arguments);
        match project.parent().filter(|_| !project.is_dir()) {
            Some(folder) => command.arg("--config").arg(&project).current_dir(folder),
            None => command.current_dir(&project),
        };
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            Error::Lambkin(format!(
                "install lambkin, or set LAMBKIN to its path: {error}"
            ))
        })?;
        let log = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let reader = child
            .stderr
            .take()
            .map(|from| collect(from, Arc::clone(&log)));
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            let _ = BufReader::new(out).read_line(&mut line); // an empty line is reported below
        }
        let mut lambkin = Self {
            child,
            ready: Value::Null,
            log,
        };
        match serde_json::from_str(&line) {
            Ok(ready) => lambkin.ready = ready,
            Err(_) => {
                let _ = lambkin.child.wait(); // its status says nothing more
                let _ = reader.map(std::thread::JoinHandle::join);
                let log = lambkin.log();
                return Err(Error::Lambkin(format!(
                    "lambkin serve did not start:\n{log}"
                )));
            }
        }
        Ok(lambkin)
    }

    /// Invokes a function by its name, logical id or ARN, and returns its result.
    ///
    /// # Errors
    ///
    /// [`Error::Function`] if the function fails, [`Error::Lambkin`] if it was not invoked.
    pub fn invoke(&self, function: &str, event: &Value) -> Result<Value, Error> {
        let host = self.ready["invoke"]
            .as_str()
            .unwrap_or_default()
            .trim_start_matches("http://");
        let not_invoked =
            |why: String| Error::Lambkin(format!("{function} was not invoked: {why}"));
        let (head, body) = post(host, function, &event.to_string())
            .map_err(|error| not_invoked(error.to_string()))?;
        let payload = serde_json::from_slice(&body).unwrap_or_default();
        if head.split(' ').nth(1) != Some("200") {
            return Err(not_invoked(format!(
                "{} {payload}",
                head.lines().next().unwrap_or_default()
            )));
        }
        if head
            .to_ascii_lowercase()
            .contains("\r\nx-amz-function-error:")
        {
            return Err(Error::Function(payload));
        }
        Ok(payload)
    }

    /// The URL of a trigger or of a service, without a `/` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Lambkin`], if there is none.
    pub fn url(&self, name: &str) -> Result<&str, Error> {
        let kinds = [&self.ready["triggers"], &self.ready["services"]];
        if let Some(url) = kinds.iter().find_map(|kind| kind[name].as_str()) {
            return Ok(url);
        }
        let known: Vec<&str> = kinds
            .iter()
            .filter_map(|kind| kind.as_object())
            .flat_map(|kind| kind.keys().map(String::as_str))
            .collect();
        let known = known.join(", ");
        Err(Error::Lambkin(format!(
            "there is no trigger and no service {name:?} with a URL; there are: {known}"
        )))
    }

    /// An output of the project's templates.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&str> {
        self.ready["outputs"][name].as_str()
    }

    /// What functions and Lambkin have logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until a text was logged.
    ///
    /// # Errors
    ///
    /// [`Error::Lambkin`] with the log, after [`TIMEOUT`].
    pub fn wait_for_log(&self, text: &str) -> Result<(), Error> {
        let (log, changed) = &*self.log;
        let end = Instant::now() + TIMEOUT;
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        while !log.contains(text) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Lambkin(format!("{text:?} was not logged:\n{log}")));
            }
            let waited = changed.wait_timeout(log, left);
            log = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}

impl Drop for Lambkin {
    fn drop(&mut self) {
        // No process of a function outlives it.
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

fn collect(
    from: impl Read + Send + 'static,
    log: Arc<(Mutex<String>, Condvar)>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n') {
            let Ok(line) = line else { return };
            let mut text = log.0.lock().unwrap_or_else(PoisonError::into_inner);
            text.push_str(&String::from_utf8_lossy(&line));
            text.push('\n');
            log.1.notify_all();
        }
    })
}

/// Sends an event, and returns the head and the body of the response.
fn post(host: &str, function: &str, event: &str) -> std::io::Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(host)?;
    let length = event.len();
    write!(
        stream,
        "POST /2015-03-31/functions/{function}/invocations HTTP/1.0\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{event}"
    )?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    let end = response.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let body = response.split_off(end.map_or(response.len(), |end| end + 4));
    Ok((String::from_utf8_lossy(&response).into_owned(), body))
}
