//! A caller of `InvokeWithResponseStream` that measures the times to the first piece and to the end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lambkin_tests::wire::Responses;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::Target;

/// The function waits this long between its two pieces.
pub const PAUSE: Duration = Duration::from_millis(20);

const PATH: &str = "/2021-11-15/functions/echo/response-streaming-invocations";
const PIECES: [&str; 2] = ["the first piece", "the second piece"];

/// From the request to the first piece and to the end of the response.
pub struct Times {
    /// To the first piece.
    pub first: Duration,
    /// To the end.
    pub whole: Duration,
}

/// Makes `calls` calls, one after the other, on one connection.
///
/// # Errors
/// When a call fails, or its response is anything but the two pieces, each at its time.
pub async fn calls(target: &Target, calls: usize) -> Result<Vec<Times>> {
    let mut connection = TcpStream::connect(target.address).await?;
    connection.set_nodelay(true)?;
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        times.push(call(target, &mut connection).await?);
    }
    Ok(times)
}

async fn call(target: &Target, connection: &mut TcpStream) -> Result<Times> {
    let [one, two] = PIECES;
    let event = format!(
        r#"{{"stream":{{"pieces":["{one}","{two}"],"pause_ms":{}}}}}"#,
        PAUSE.as_millis()
    );
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{event}",
        target.address,
        event.len()
    );
    let called = Instant::now();
    connection.write_all(request.as_bytes()).await?;
    let (mut responses, mut received, mut first) = (Responses::default(), Vec::new(), None);
    let mut piece = [0; 4096];
    loop {
        let read = connection.read(&mut piece).await?;
        ensure!(read > 0, "the connection was closed in the middle");
        let bytes = piece.get(..read).unwrap_or_default();
        received.extend_from_slice(bytes);
        if first.is_none() && contains(&received, one) {
            first = Some(called.elapsed());
        }
        responses.feed(bytes);
        let Some(response) = responses.take()? else {
            continue;
        };
        let is_right = response.status == 200
            && [one, two, "InvokeComplete"]
                .iter()
                .all(|text| contains(&response.body, text));
        let body = || String::from_utf8_lossy(&response.body);
        ensure!(is_right, "{event} was answered with {}", body());
        return Ok(Times {
            first: first.context("the first piece came in parts")?,
            whole: called.elapsed(),
        });
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    let mut windows = bytes.windows(text.len());
    windows.any(|window| window == text.as_bytes())
}
