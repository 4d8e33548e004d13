//! Measures how fast the service `sqs` accepts messages and functions receive them, with empty and full queues, and how
//! fast `s3` accepts objects. Compares the queues with ElasticMQ if Java and Maven are installed.
//!
//!     cargo bench --workspace --bench queues
//!     cargo bench --workspace --bench queues -- --quick
//!
//! The exit code does not depend on the figures: it is 0 on success, and 2 on a wrong answer or if something could not
//! be run.

mod caller;
mod subject;

use std::net::UdpSocket;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use caller::{Caller, at_once};
use subject::Subject;

/// Number of concurrent clients.
const CLIENTS: usize = 16;

/// A typical message body.
const BODY: &str =
    r#"{"order":4711,"items":[{"sku":"A-17","count":2},{"sku":"B-3","count":1}],"customer":"ada"}"#;

/// The amount of measurements.
struct Plan {
    /// How long each rate is measured.
    span: Duration,
    /// Messages in the queue while it is measured nearly empty: enough that it does not run empty.
    few: usize,
    /// Additional messages in the queue while it is measured full.
    full: usize,
    /// Messages sent one by one to a function.
    pushed: usize,
    objects_mb: usize,
}

fn main() -> ExitCode {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let plan = if quick {
        Plan {
            span: Duration::from_millis(500),
            few: 4_000,
            full: 5_000,
            pushed: 50,
            objects_mb: 20,
        }
    } else {
        Plan {
            span: Duration::from_secs(5),
            few: 30_000,
            full: 1_000_000,
            pushed: 1_000,
            objects_mb: 500,
        }
    };
    match run(&plan) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("queues: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(plan: &Plan) -> Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    receiver.set_read_timeout(Some(Duration::from_secs(60)))?;
    let lambkin = Subject::lambkin(&receiver.local_addr()?.to_string())?;
    push(&lambkin, &receiver, plan)?;
    queue(&lambkin, plan)?;
    objects(&lambkin, plan)?;
    drop(lambkin);
    match Subject::elasticmq() {
        Ok(elasticmq) => queue(
            &elasticmq,
            &Plan {
                full: plan.full / 10,
                ..*plan
            },
        ),
        Err(reason) => {
            println!("elasticmq: not measured: {reason:#}");
            Ok(())
        }
    }
}

/// Measures the time from just before a message is sent until the function has it, one message after the other.
fn push(subject: &Subject, receiver: &UdpSocket, plan: &Plan) -> Result<()> {
    let mut caller = Caller::connect(&subject.sqs)?;
    let mut times = Vec::new();
    let mut piece = [0; 1024];
    for number in 0..plan.pushed + 10 {
        let body = number.to_string();
        let start = Instant::now();
        caller.sqs(
            "SendMessage",
            &json!({ "QueueUrl": subject.url("pushed"), "MessageBody": body }),
        )?;
        let length = receiver
            .recv(&mut piece)
            .context("the function was not called")?;
        let took = start.elapsed();
        ensure!(
            piece.get(..length) == Some(body.as_bytes()),
            "another message came first"
        );
        // The first messages start the process and warm it up.
        if number >= 10 {
            times.push(took);
        }
    }
    times.sort();
    let at = |share: usize| {
        times
            .get(times.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{}: from send to the function's start: median {:.2?}, 99th percentile {:.2?}",
        subject.name,
        at(50),
        at(99)
    );
    Ok(())
}

fn queue(subject: &Subject, plan: &Plan) -> Result<()> {
    let url = subject.url("filled");
    let send = json!({ "QueueUrl": url, "MessageBody": BODY });
    let sends = |name: &str| -> Result<f64> {
        let sent = at_once(CLIENTS, plan.span, &subject.sqs, |caller| {
            caller.sqs("SendMessage", &send).map(drop)
        })?;
        println!(
            "{}: messages sent per second, {CLIENTS} clients, {name}: {sent:.0}",
            subject.name
        );
        Ok(sent)
    };
    let cycles = |name: &str| -> Result<f64> {
        let receive = json!({ "QueueUrl": url, "MaxNumberOfMessages": 1 });
        let done = at_once(CLIENTS, plan.span, &subject.sqs, |caller| {
            let received = caller.sqs("ReceiveMessage", &receive)?;
            let receipt = received
                .pointer("/Messages/0/ReceiptHandle")
                .context("nothing was received")?;
            caller
                .sqs(
                    "DeleteMessage",
                    &json!({ "QueueUrl": url, "ReceiptHandle": receipt }),
                )
                .map(drop)
        })?;
        println!(
            "{}: messages received and deleted per second, {CLIENTS} clients, {name}: {done:.0}",
            subject.name
        );
        Ok(done)
    };
    // Warms up just-in-time compilers, and leaves enough messages that the queue does not run empty.
    at_once(CLIENTS, plan.span, &subject.sqs, |caller| {
        caller.sqs("SendMessage", &send).map(drop)
    })?;
    fill(subject, &url, plan.few)?;
    let few = sends("into a queue of some thousand")?;
    let taken = cycles("from it")?;
    fill(subject, &url, plan.full)?;
    let name = format!("with {} more in it", plan.full);
    let many = sends(&name)?;
    let taken_of_many = cycles(&name)?;
    println!(
        "{}: full beside nearly empty: {:.2} of the sends, {:.2} of the receives",
        subject.name,
        many / few,
        taken_of_many / taken
    );
    Ok(())
}

fn fill(subject: &Subject, url: &str, count: usize) -> Result<()> {
    let entries: Vec<Value> = (0..10)
        .map(|id| json!({ "Id": id.to_string(), "MessageBody": BODY }))
        .collect();
    let batch = json!({ "QueueUrl": url, "Entries": entries });
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let mut caller = Caller::connect(&subject.sqs)?;
                    for _ in 0..count / 40 {
                        caller.sqs("SendMessageBatch", &batch)?;
                    }
                    Ok(())
                })
            })
            .collect();
        senders
            .into_iter()
            .try_for_each(|sender| match sender.join() {
                Ok(result) => result,
                Err(_) => anyhow::bail!("a sender panicked"),
            })
    })
}

fn objects(subject: &Subject, plan: &Plan) -> Result<()> {
    let small = &vec![b'x'; 1_000];
    let mut number = 0;
    let puts = at_once(1, plan.span, &subject.s3, move |caller| {
        number += 1;
        caller
            .s3("PUT", &format!("/things/small-{}", number % 100), small)
            .map(drop)
    })?;
    let gets = at_once(1, plan.span, &subject.s3, |caller| {
        caller.s3("GET", "/things/small-1", &[]).map(drop)
    })?;
    println!(
        "{}: objects of 1 KB per second, one client: {puts:.0} put, {gets:.0} got",
        subject.name
    );
    let large = vec![b'x'; plan.objects_mb << 20];
    let mut caller = Caller::connect(&subject.s3)?;
    let start = Instant::now();
    caller.s3("PUT", "/things/large", &large)?;
    let up = start.elapsed();
    let start = Instant::now();
    let got = caller.s3("GET", "/things/large", &[])?;
    ensure!(got.len() == large.len(), "another object came back");
    let rate = |took: Duration| plan.objects_mb as f64 / took.as_secs_f64();
    println!(
        "{}: an object of {} MiB: {:.0} MiB/s up, {:.0} MiB/s down",
        subject.name,
        plan.objects_mb,
        rate(up),
        rate(start.elapsed())
    );
    Ok(())
}
