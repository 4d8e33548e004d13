//! A small external extension that subscribes to all telemetry and discards it.
//!
//! It registers for SHUTDOWN alone, so that an invocation does not wait for it: what it costs is the telemetry.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use lambkin_tests::wire::Responses;

/// The file in `extensions/` that runs it; an extension has to register under its file's name.
pub const NAME: &str = "telemetry";

/// Runs until it receives SHUTDOWN or the host exits.
///
/// # Errors
/// When the host refuses it.
pub fn run() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        if let Err(error) = listen(listener) {
            eprintln!("{NAME}: {error:#}");
        }
    });
    let mut host = Host::connect()?;
    let name = format!("Lambda-Extension-Name: {NAME}\r\n");
    let registered = host.ask(
        "POST /2020-01-01/extension/register",
        &name,
        r#"{"events":["SHUTDOWN"]}"#,
    )?;
    let identifier = registered
        .header("lambda-extension-identifier")
        .context("it got no identifier")?;
    let identifier = format!("Lambda-Extension-Identifier: {identifier}\r\n");
    let subscription = format!(
        r#"{{"schemaVersion":"2022-12-13","types":["platform","function","extension"],
            "destination":{{"protocol":"HTTP","URI":"http://sandbox.localdomain:{port}"}}}}"#
    );
    host.ask("PUT /2022-07-01/telemetry", &identifier, &subscription)?;
    host.ask("GET /2020-01-01/extension/event/next", &identifier, "")?;
    Ok(())
}

/// A connection to the host.
struct Host {
    address: String,
    connection: TcpStream,
    responses: Responses,
}

impl Host {
    fn connect() -> Result<Self> {
        let address = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
        let connection = TcpStream::connect(&address)?;
        connection.set_nodelay(true)?;
        Ok(Self {
            address,
            connection,
            responses: Responses::default(),
        })
    }

    fn ask(
        &mut self,
        request: &str,
        headers: &str,
        body: &str,
    ) -> Result<lambkin_tests::wire::Response> {
        let head = format!(
            "{request} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        self.connection.write_all((head + body).as_bytes())?;
        let response = self.responses.read_from(&mut self.connection)?;
        ensure!(
            response.status == 200,
            "{request} was answered {}: {}",
            response.status,
            String::from_utf8_lossy(&response.body)
        );
        Ok(response)
    }
}

fn listen(listener: TcpListener) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (connection, _) = listener.accept().await?;
            let service = service_fn(take);
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
        }
    })
}

async fn take(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, io::Error> {
    let read = request.into_body().collect().await;
    read.map_err(io::Error::other)?;
    Ok(Response::new(Full::default()))
}
