//! A client on one kept-alive connection that uses as little processor time as possible.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use lambkin_tests::wire::Responses;
use serde_json::Value;

pub struct Caller {
    connection: TcpStream,
    responses: Responses,
    address: String,
}

impl Caller {
    pub fn connect(address: &str) -> Result<Self> {
        let connection = TcpStream::connect(address)?;
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self {
            connection,
            responses: Responses::default(),
            address: address.to_owned(),
        })
    }

    /// A call of SQS's JSON protocol that succeeds.
    pub fn sqs(&mut self, operation: &str, input: &Value) -> Result<Value> {
        let headers = format!(
            "content-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.{operation}\r\n"
        );
        let body = self.call("POST", "/", &headers, input.to_string().as_bytes())?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// A call of S3's protocol that succeeds.
    pub fn s3(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>> {
        // An access key whose signatures are not verified.
        self.call(method, path, "authorization: AWS bench:00\r\n", body)
    }

    fn call(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Result<Vec<u8>> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{headers}content-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        if body.len() < 64 * 1024 {
            self.connection
                .write_all(&[head.as_bytes(), body].concat())?;
        } else {
            self.connection.write_all(head.as_bytes())?;
            self.connection.write_all(body)?;
        }
        let response = self.responses.read_from(&mut self.connection)?;
        ensure!(
            response.status < 300,
            "{method} {path}: {} {}",
            response.status,
            String::from_utf8_lossy(&response.body)
        );
        Ok(response.body)
    }
}

/// Calls per second of several clients, each on its own thread.
pub fn at_once(
    clients: usize,
    span: Duration,
    address: &str,
    work: impl FnMut(&mut Caller) -> Result<()> + Clone + Send,
) -> Result<f64> {
    let count = &AtomicUsize::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|_| {
                let mut work = work.clone();
                scope.spawn(move || -> Result<()> {
                    let mut caller = Caller::connect(address)?;
                    while start.elapsed() < span {
                        work(&mut caller)?;
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(())
                })
            })
            .collect();
        for thread in threads {
            match thread.join() {
                Ok(result) => result?,
                Err(_) => bail!("a client panicked"),
            }
        }
        Ok(count.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
    })
}
