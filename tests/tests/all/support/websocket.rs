//! WebSocket clients.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use super::{Reply, Server, http};

/// Much longer than anything here takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client of a WebSocket connection, whose head is kept.
pub struct Client {
    pub socket: WebSocket<TcpStream>,
    pub head: String,
}

impl Server {
    /// Asks the trigger `web` for a connection.
    #[track_caller]
    pub fn connect(&self, target: &str, headers: &[(&str, &str)]) -> Client {
        match self.try_connect(target, headers) {
            Ok(client) => client,
            Err(head) => panic!("no connection: {head}"),
        }
    }

    /// Asks the trigger `web` for a connection. Otherwise returns the response's head.
    #[track_caller]
    pub fn try_connect(&self, target: &str, headers: &[(&str, &str)]) -> Result<Client, String> {
        let url = self.trigger_url("web");
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        Client::open(address, target, headers)
    }

    /// Calls the management API of the trigger `web`.
    #[track_caller]
    pub fn manage(&self, method: &str, connection: &str, body: &[u8]) -> Reply {
        let path = format!("/prod/@connections/{}", connection.replace('=', "%3D"));
        http::request(self.trigger_url("web"), method, &path, &[], body)
    }
}

/// Reads byte by byte, so that nothing of the first frame is lost.
fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).expect("a head") == 0 {
            break;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

impl Client {
    /// Asks a listener for a connection. Otherwise returns the response's head.
    #[track_caller]
    pub fn open(address: &str, target: &str, headers: &[(&str, &str)]) -> Result<Self, String> {
        let mut stream = TcpStream::connect(address).expect("the listener");
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        )
        .unwrap();
        let head = read_head(&mut stream);
        if !head.starts_with("HTTP/1.1 101 ") {
            return Err(head);
        }
        let lower = head.to_ascii_lowercase();
        assert!(lower.contains("upgrade: websocket"), "{head}");
        assert!(
            head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            "the key's digest: {head}"
        );
        // Longer messages and frames than the server takes.
        let config = WebSocketConfig::default();
        let socket = WebSocket::from_raw_socket(stream, Role::Client, Some(config));
        Ok(Self { socket, head })
    }

    #[track_caller]
    pub fn send(&mut self, text: impl ToString) {
        self.socket.send(Message::text(text.to_string())).unwrap();
    }

    /// The next message, which has to be text.
    #[track_caller]
    pub fn text(&mut self) -> String {
        match self.socket.read().expect("a message") {
            Message::Text(text) => text.as_str().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    /// The next message, which has to be JSON.
    #[track_caller]
    pub fn json(&mut self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The code and the reason of the server's close frame, which has to be next.
    #[track_caller]
    pub fn closed(&mut self) -> (u16, String) {
        match self.socket.read().expect("a close frame") {
            Message::Close(Some(CloseFrame { code, reason })) => {
                (code.into(), reason.as_str().to_owned())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Closes the connection with a close frame, and waits for the server's.
    #[track_caller]
    pub fn close(mut self, frame: Option<(u16, &str)>) {
        let frame = frame.map(|(code, reason)| CloseFrame {
            code: code.into(),
            reason: reason.into(),
        });
        self.socket.close(frame).unwrap();
        while self.socket.read().is_ok() {}
    }

    /// Ends the connection without a close frame.
    pub fn vanish(self) {
        let _ = self.socket.get_ref().shutdown(Shutdown::Both); // it may have ended
    }
}
