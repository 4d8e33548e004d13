//! A caller on one kept-alive connection that checks every response.

use std::collections::HashSet;
use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use lambkin_tests::wire::{Response, Responses};
use serde_json::Value;

/// A connection to the Invoke API.
pub struct Caller {
    address: String,
    connection: TcpStream,
    responses: Responses,
}

/// The outcomes of calls.
#[derive(Debug, Default)]
pub struct Outcomes {
    pub answered: usize,
    /// Calls whose process exited before it responded.
    pub exited: usize,
    pub request_ids: HashSet<String>,
}

impl Outcomes {
    #[track_caller]
    pub fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.exited += other.exited;
        for id in other.request_ids {
            assert!(self.request_ids.insert(id), "a request id was used twice");
        }
    }

    /// Checks a response: it is the event itself, or the error that the process of this call has exited.
    #[track_caller]
    pub fn check(&mut self, event: &str, response: &Response) {
        let body = String::from_utf8_lossy(&response.body).into_owned();
        assert_eq!(response.status, 200, "{event} was answered with {body}");
        let id = response.header("x-amzn-requestid").expect("its id");
        assert!(self.request_ids.insert(id.to_owned()), "{id} came twice");
        if response.header("x-amz-function-error").is_none() {
            assert_eq!(body, event, "the response of another call");
            self.answered += 1;
            return;
        }
        let error: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(error["errorType"], "Runtime.ExitError", "{event}: {body}");
        let message = error["errorMessage"].as_str().expect("a message");
        let beginning = format!("RequestId: {id} Error: Runtime exited");
        assert!(message.starts_with(&beginning), "{event}: {id}: {body}");
        self.exited += 1;
    }
}

impl Caller {
    pub fn connect(url: &str) -> Self {
        let address = url.trim_start_matches("http://").to_owned();
        let connection = TcpStream::connect(&address).expect("the server listens");
        connection.set_nodelay(true).expect("a socket's mode");
        // A call that is never answered fails its test instead of blocking the whole run.
        let timeout = Some(Duration::from_secs(60));
        connection.set_read_timeout(timeout).expect("a timeout");
        Self {
            address,
            connection,
            responses: Responses::default(),
        }
    }

    pub fn send(&mut self, function: &str, event: &str) -> io::Result<()> {
        let request = format!(
            "POST /2015-03-31/functions/{function}/invocations HTTP/1.1\r\nhost: {}\r\n\
             content-length: {}\r\n\r\n{event}",
            self.address,
            event.len()
        );
        self.connection.write_all(request.as_bytes())
    }

    pub fn receive(&mut self) -> io::Result<Response> {
        self.responses.read_from(&mut self.connection)
    }
}
