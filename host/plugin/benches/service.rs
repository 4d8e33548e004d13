//! How many trivial requests a service answers, in process: a fresh instance each.
//!
//!     cargo test --release --workspace --bench service

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot continue has failed"
)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty, Full};
use lambkin_plugin::{Options, PluginHost, Service, ServiceSetup};

const PROBE: &[u8] = include_bytes!("../tests/fixtures/probe.wasm");
const TIME: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(lambkin_plugin::COMPILER_ARGUMENT) {
        return lambkin_plugin::compile_for_host();
    }
    measure();
    ExitCode::SUCCESS
}

#[tokio::main(flavor = "multi_thread")]
async fn measure() {
    let host = PluginHost::new(Options::default()).unwrap();
    let plugin = host.load("probe", Bytes::from_static(PROBE)).await.unwrap();
    let setup = ServiceSetup {
        settings: "{}".into(),
        region: "us-east-1".into(),
        account: "000000000000".into(),
        queues: None,
        buckets: None,
        targets: None,
    };
    let service = plugin.service("bench", setup).await.unwrap();
    for clients in [1, 2, 16] {
        let per_second = rate(&service, clients).await;
        let each = 1e6 * clients as f64 / per_second;
        println!("{clients:3} at a time: {per_second:8.0} requests/s, {each:6.1} µs each");
    }
    transfer(&service).await;
}

async fn rate(service: &Service, clients: usize) -> f64 {
    let (count, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            let (service, count) = (service.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                while start.elapsed() < TIME {
                    let request = Request::get("/hello").header("host", "a");
                    let request = request.body(Empty::<Bytes>::new()).unwrap();
                    let answer = service
                        .answer(request, SocketAddr::from(([127, 0, 0, 1], 1)))
                        .await;
                    answer.unwrap().into_body().collect().await.unwrap();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    count.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

async fn transfer(service: &Service) {
    let megabytes = 256;
    let body = Bytes::from(vec![0; megabytes << 20]);
    let up = Request::post("/length")
        .header("host", "a")
        .body(Full::new(body))
        .unwrap();
    let start = Instant::now();
    let answer = service
        .answer(up, SocketAddr::from(([127, 0, 0, 1], 1)))
        .await
        .unwrap();
    answer.into_body().collect().await.unwrap();
    let up = megabytes as f64 / start.elapsed().as_secs_f64();
    let path = format!("/zeros/{}", megabytes << 20);
    let down = Request::get(path)
        .header("host", "a")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let start = Instant::now();
    let answer = service
        .answer(down, SocketAddr::from(([127, 0, 0, 1], 1)))
        .await
        .unwrap();
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        frame.unwrap();
    }
    let down = megabytes as f64 / start.elapsed().as_secs_f64();
    println!("bodies: {up:.0} MiB/s in, {down:.0} MiB/s out");
}
