//! The subject of the measurement: a server with queues, stopped when it is dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::caller::Caller;

/// The function; see `fixtures/bootstrap`.
const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_raw-bootstrap");

/// How long a subject may take to listen.
const START: Duration = Duration::from_secs(60);

/// A running server.
pub struct Subject {
    pub name: &'static str,
    /// Addresses.
    pub sqs: String,
    pub s3: String,
    account: &'static str,
    child: Child,
    _folder: TempDir,
}

impl Subject {
    /// Lambkin with two queues, the function behind one of them, and a bucket.
    pub fn lambkin(receiver: &str) -> Result<Self> {
        let folder = TempDir::with_prefix("lambkin-bench-")?;
        let config = format!(
            "invoke.listen = '127.0.0.1:0'\n[functions.f]\ncode = '{BOOTSTRAP}'\n\
             [functions.f.environment]\nRAW_BOOTSTRAP_RECORD = '/dev/null'\nRAW_BOOTSTRAP_TELL = '{receiver}'\n\
             [queues.pushed]\n[queues.filled]\n[buckets.things]\n\
             [services.sqs]\nplugin = 'sqs'\nlisten = '127.0.0.1:0'\nqueues = ['*']\n\
             [services.s3]\nplugin = 's3'\nlisten = '127.0.0.1:0'\nbuckets = ['*']\n\
             [triggers.pushed]\nplugin = 'sqs'\nqueue = 'pushed'\nfunction = 'f'\n"
        );
        fs::write(folder.path().join("lambkin.toml"), config)?;
        let log = fs::File::create(folder.path().join("log"))?;
        let mut child = Command::new(lambkin()?)
            .args(["serve", "--json"])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("its stdout")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).context("lambkin does not start")?;
        let address = |service: &str| -> Result<String> {
            let url = ready
                .pointer(&format!("/services/{service}"))
                .and_then(Value::as_str);
            Ok(url
                .context("its services")?
                .trim_start_matches("http://")
                .to_owned())
        };
        Ok(Self {
            name: "lambkin",
            sqs: address("sqs")?,
            s3: address("s3")?,
            account: "123456789012",
            child,
            _folder: folder,
        })
    }

    /// ElasticMQ, in memory as it is by default, with one queue.
    pub fn elasticmq() -> Result<Self> {
        let tools = target().join("bench-tools");
        let jars = tools.join("elasticmq");
        if !jars.is_dir() {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/tools.sh");
            let fetched = Command::new("sh")
                .arg(script)
                .arg(&tools)
                .arg("elasticmq")
                .output()?;
            ensure!(
                fetched.status.success(),
                "{}",
                String::from_utf8_lossy(&fetched.stderr).trim()
            );
        }
        let folder = TempDir::with_prefix("lambkin-bench-")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = format!(
            "include classpath(\"application.conf\")\n\
             node-address {{ protocol = http, host = localhost, port = {port}, context-path = \"\" }}\n\
             rest-sqs {{ enabled = true, bind-port = {port}, bind-hostname = \"127.0.0.1\", sqs-limits = strict }}\n\
             rest-stats {{ enabled = false }}\n"
        );
        fs::write(folder.path().join("elasticmq.conf"), config)?;
        let child = Command::new("java")
            .arg("-Dconfig.file=elasticmq.conf")
            .arg("-cp")
            .arg(jars.join("*"))
            .arg("org.elasticmq.server.Main")
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("java")?;
        let sqs = format!("127.0.0.1:{port}");
        let subject = Self {
            name: "elasticmq",
            sqs: sqs.clone(),
            s3: String::new(),
            account: "000000000000",
            child,
            _folder: folder,
        };
        let start = Instant::now();
        while TcpStream::connect(&sqs).is_err() {
            if start.elapsed() > START {
                bail!("it does not listen");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Caller::connect(&sqs)?.sqs("CreateQueue", &json!({ "QueueName": "filled" }))?;
        Ok(subject)
    }

    pub fn url(&self, queue: &str) -> String {
        format!("http://{}/{}/{queue}", self.sqs, self.account)
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone_already = self.child.wait();
    }
}

fn target() -> PathBuf {
    let beside = Path::new(BOOTSTRAP).parent().and_then(Path::parent);
    beside.map_or_else(|| PathBuf::from("target"), Path::to_owned)
}

/// The lambkin under test: `LAMBKIN_BIN`, or the one built into the same target folder as the benchmark.
fn lambkin() -> Result<PathBuf> {
    let path = match std::env::var_os("LAMBKIN_BIN") {
        Some(path) => PathBuf::from(path),
        None => target().join("release/lambkin"),
    };
    ensure!(
        path.is_file(),
        "there is no {}; build it with `cargo build --release -p lambkin`",
        path.display()
    );
    Ok(path)
}
