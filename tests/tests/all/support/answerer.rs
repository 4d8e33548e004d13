//! A small HTTP server of the test's own: notes what it is asked, and answers as the test says.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Instant,
    /// The request line and the headers.
    pub head: String,
    pub body: String,
}

impl Asked {
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

/// A status and a body; `None` leaves the request without an answer until the client goes.
pub type Answer = Option<(u16, String)>;

/// The server. It ends with the test run.
pub struct Answerer {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Answerer {
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &noted, answer.as_ref()));
            }
        });
        Self { url, asked }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// One request on a connection, which is all that a client that makes one for each has.
fn serve(
    mut stream: TcpStream,
    noted: &Mutex<Vec<Asked>>,
    answer: &impl Fn(&Asked) -> Answer,
) -> io::Result<()> {
    let asked = read(&mut BufReader::new(&stream))?;
    noted.lock().unwrap().push(asked.clone());
    let Some((status, body)) = answer(&asked) else {
        stream.read_to_end(&mut Vec::new())?;
        return Ok(());
    };
    write!(
        stream,
        "HTTP/1.1 {status} As told\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn read(from: &mut impl BufRead) -> io::Result<Asked> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let mut asked = Asked {
        at: Instant::now(),
        head,
        body: String::new(),
    };
    let length = asked.header("content-length").map(str::parse);
    let length = length.and_then(Result::ok).unwrap_or_default();
    from.take(length).read_to_string(&mut asked.body)?;
    Ok(asked)
}
