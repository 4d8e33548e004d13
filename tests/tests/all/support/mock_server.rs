//! A small HTTP server inside the test: it records every request and answers as the test says.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;

/// One recorded request.
#[derive(Clone, Debug)]
pub struct Request {
    pub at: Instant,
    /// The request line and the headers.
    pub head: String,
    /// Bytes that are not UTF-8 are replaced.
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = headers.find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(value.trim())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A status and a body; `None` leaves the request unanswered until the client closes the connection.
pub type Answer<Body = String> = Option<(u16, Body)>;

/// The server. It runs until the end of the test process.
pub struct MockServer {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl MockServer {
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::with_bodies(answer)
    }

    /// Like [`start`](Self::start), with bodies that need not be text.
    pub fn with_bodies<Body: AsRef<[u8]>>(
        answer: impl Fn(&Request) -> Answer<Body> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (recorded, answer) = (Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let (recorded, answer) = (Arc::clone(&recorded), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &recorded, answer.as_ref()));
            }
        });
        Self { url, requests }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// All requests so far, in the order of their arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Serves the only request of a connection.
fn serve<Body: AsRef<[u8]>>(
    mut stream: TcpStream,
    recorded: &Mutex<Vec<Request>>,
    answer: &impl Fn(&Request) -> Answer<Body>,
) -> io::Result<()> {
    let request = read(&mut BufReader::new(&stream))?;
    recorded.lock().unwrap().push(request.clone());
    let Some((status, body)) = answer(&request) else {
        stream.read_to_end(&mut Vec::new())?;
        return Ok(());
    };
    write!(
        stream,
        "HTTP/1.1 {status} As the test says\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.as_ref().len()
    )?;
    stream.write_all(body.as_ref())
}

fn read(from: &mut impl BufRead) -> io::Result<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let mut request = Request {
        at: Instant::now(),
        head,
        body: String::new(),
    };
    let length = request.header("content-length").map(str::parse);
    let length = length.and_then(Result::ok).unwrap_or_default();
    let mut body = Vec::new();
    from.take(length).read_to_end(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Ok(request)
}
