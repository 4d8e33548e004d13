//! The bare relay: the minimum that a program between a caller and a bootstrap has to do over HTTP.
//!
//! It takes a caller's body, hands it to a bootstrap that waits in `next`, and hands the bootstrap's body back.
//! It keeps no state machine, writes no log, checks nothing and never times out, so what it costs is the price of
//! the sockets, of HTTP and of two hand-overs between tasks. It is a limit to measure against, not an emulator.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Serves callers on `port` of the loopback with this many bootstraps, until the process is ended.
///
/// # Errors
/// When it cannot listen or cannot start a bootstrap.
pub fn serve(port: u16, bootstraps: usize, bootstrap: &Path) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the relay's threads")?;
    runtime.block_on(async {
        let callers = TcpListener::bind(("127.0.0.1", port)).await?;
        let runtimes = TcpListener::bind(("127.0.0.1", 0)).await?;
        let runtime_api = runtimes.local_addr()?.to_string();
        let pool = Arc::<Pool>::default();
        let accepting = tokio::spawn(accept_runtimes(runtimes, pool.clone()));
        let mut children = Vec::with_capacity(bootstraps);
        for _ in 0..bootstraps {
            let child = Command::new(bootstrap)
                .env("AWS_LAMBDA_RUNTIME_API", &runtime_api)
                .spawn()
                .with_context(|| format!("cannot start {}", bootstrap.display()))?;
            children.push(child);
        }
        accept_callers(callers, pool).await?;
        accepting.await?
    })
}

/// An event on its way to a bootstrap, and where the answer goes.
struct Job {
    event: Bytes,
    answer: oneshot::Sender<Bytes>,
}

/// Bootstraps without an event, or events without a bootstrap.
#[derive(Default)]
struct Pool {
    queues: Mutex<Queues>,
}

#[derive(Default)]
struct Queues {
    idle: Vec<oneshot::Sender<Job>>,
    waiting: VecDeque<Job>,
}

impl Pool {
    fn submit(&self, mut job: Job) {
        let mut queues = locked(&self.queues);
        while let Some(idle) = queues.idle.pop() {
            match idle.send(job) {
                Ok(()) => return,
                Err(back) => job = back, // that bootstrap has gone
            }
        }
        queues.waiting.push_back(job);
    }

    async fn next(&self) -> Option<Job> {
        let job = {
            let mut queues = locked(&self.queues);
            if let Some(job) = queues.waiting.pop_front() {
                return Some(job);
            }
            let (idle, job) = oneshot::channel();
            queues.idle.push(idle);
            job
        };
        job.await.ok()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept_callers(listener: TcpListener, pool: Arc<Pool>) -> Result<()> {
    loop {
        let connection = accept(&listener).await?;
        let pool = pool.clone();
        let service = service_fn(move |request| invoke(pool.clone(), request));
        tokio::spawn(http1::Builder::new().serve_connection(connection, service));
    }
}

async fn invoke(
    pool: Arc<Pool>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let event = request.into_body().collect().await?.to_bytes();
    let (answer, answered) = oneshot::channel();
    pool.submit(Job { event, answer });
    Ok(match answered.await {
        Ok(body) => Response::new(Full::new(body)),
        Err(_) => status(502),
    })
}

async fn accept_runtimes(listener: TcpListener, pool: Arc<Pool>) -> Result<()> {
    loop {
        let connection = accept(&listener).await?;
        let runtime = Arc::new(Runtime {
            pool: pool.clone(),
            running: Mutex::new(None),
        });
        let service = service_fn(move |request| runtime.clone().serve(request));
        tokio::spawn(http1::Builder::new().serve_connection(connection, service));
    }
}

/// One bootstrap's connection. It runs one event at a time, so the answer needs no id to find its caller.
struct Runtime {
    pool: Arc<Pool>,
    running: Mutex<Option<oneshot::Sender<Bytes>>>,
}

impl Runtime {
    async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, hyper::Error> {
        if request.method() == Method::GET {
            return Ok(self.next().await.unwrap_or_else(|| status(500)));
        }
        let body = request.into_body().collect().await?.to_bytes();
        if let Some(answer) = locked(&self.running).take() {
            let _ = answer.send(body); // the caller may have disconnected
        }
        Ok(status(202))
    }

    async fn next(&self) -> Option<Response<Full<Bytes>>> {
        let job = self.pool.next().await?;
        *locked(&self.running) = Some(job.answer);
        Response::builder()
            .header("Content-Type", "application/json")
            .header(
                "Lambda-Runtime-Aws-Request-Id",
                "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            )
            .header("Lambda-Runtime-Deadline-Ms", "4102444800000")
            .header(
                "Lambda-Runtime-Invoked-Function-Arn",
                "arn:aws:lambda:us-east-1:123456789012:function:echo",
            )
            .body(Full::new(job.event))
            .ok()
    }
}

async fn accept(listener: &TcpListener) -> Result<TokioIo<TcpStream>> {
    let (connection, _) = listener
        .accept()
        .await
        .context("cannot accept a connection")?;
    connection.set_nodelay(true)?;
    Ok(TokioIo::new(connection))
}

fn status(code: u16) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = hyper::StatusCode::from_u16(code).unwrap_or_default();
    response
}
