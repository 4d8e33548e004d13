//! What plugins print, and the rest of the inert WASI.

use std::io;
use std::sync::{Arc, Mutex};

use lambkin_plugin::limits;
use tracing_subscriber::fmt::MakeWriter;

use crate::fixture::{Fixture, drained, good, host, request};

/// Imports of a guest that prints.
const IMPORTS: &str = r#"
    (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
    (alias export $error "error" (type $io-error))
    (import "wasi:io/streams@0.2.0" (instance $streams
        (export "output-stream" (type $output (sub resource)))
        (alias outer 1 $io-error (type $inner-error))
        (type $stream-error' (variant (case "last-operation-failed" (own $inner-error)) (case "closed")))
        (export "stream-error" (type $stream-error (eq $stream-error')))
        (export "[method]output-stream.blocking-write-and-flush" (func
            (param "self" (borrow $output)) (param "contents" (list u8))
            (result (result (error $stream-error)))))))
    (alias export $streams "output-stream" (type $output))
    (import "wasi:cli/stdout@0.2.0" (instance $stdout
        (alias outer 1 $output (type $inner-output))
        (export "output-stream" (type $output (eq $inner-output)))
        (export "get-stdout" (func (result (own $output))))))
"#;

const WITH: &str = r#"
    (with "wasi:io/error@0.2.0" (instance $error))
    (with "wasi:io/streams@0.2.0" (instance $streams))
    (with "wasi:cli/stdout@0.2.0" (instance $stdout))
"#;

const CORE_IMPORTS: &str = r#"
    (import "host" "stdout" (func $stdout (result i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (data (i32.const 0x700) "one\ntwo\1b[2J\r\n")
"#;

/// A plugin whose `shape` prints before it goes on.
fn printing(print: &str) -> Fixture {
    let lower = r#"
        (export "stdout" (func $get-stdout)) (export "write" (func $write-stdout))"#;
    let core = format!(
        r#"
        (alias export $stdout "get-stdout" (func $get))
        (core func $get-stdout (canon lower (func $get)))
        (alias export $streams "[method]output-stream.blocking-write-and-flush" (func $put))
        (core func $write-stdout (canon lower (func $put) (memory $memory)))
        {}"#,
        include_str!("../fixtures/core.wat")
    );
    let shape = format!(
        "{print} (call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments)))"
    );
    good()
        .with("imports", IMPORTS)
        .with("with", WITH)
        .with("lower", lower)
        .with("core", &core)
        .with("module", CORE_IMPORTS)
        .with("shape", &shape)
}

/// Everything logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Runs one `shape` and gives what was logged meanwhile.
async fn logged(fixture: Fixture) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .without_time()
        .with_ansi(false)
        .finish();
    let host = host();
    let trigger = fixture.trigger(&host).await;
    let guard = tracing::subscriber::set_default(subscriber);
    trigger
        .shape(&request())
        .await
        .expect("printing is no fault");
    drop(guard);
    drained(&host).await;
    log.text()
}

#[tokio::test]
async fn each_line_becomes_an_event_that_names_its_origin() {
    let print = "(call $write (call $stdout) (i32.const 0x700) (i32.const 13) (i32.const 0x800))";
    let log = logged(printing(print)).await;
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].contains("lambkin::plugin: one "), "{log}");
    assert!(
        lines[1].contains(r"lambkin::plugin: two\u{1b}[2J "),
        "{log}"
    );
    for part in [
        "plugin=\"fixture\"",
        "trigger=\"web\"",
        "function=\"shape\"",
        "request=\"b4a5f2f6-",
    ] {
        assert!(
            lines.iter().all(|line| line.contains(part)),
            "{part}: {log}"
        );
    }
}

#[tokio::test]
async fn a_flood_of_output_is_cut_and_the_log_says_so() {
    // 100 times 4 KiB of the letter that 0x78 stands for.
    let flood = "
        (local $n i32)
        (memory.fill (i32.const 0x4000) (i32.const 0x78) (i32.const 0x1000))
        (loop $on
            (call $write (call $stdout) (i32.const 0x4000) (i32.const 0x1000) (i32.const 0x800))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $n) (i32.const 100))))";
    let log = logged(printing(flood)).await;
    assert_eq!(
        log.matches('x').count() - log.matches("fixture").count(),
        limits::LOG_BYTES,
        "{}",
        log.len()
    );
    let dropped = 100 * 0x1000 - limits::LOG_BYTES;
    assert!(
        log.contains(&format!(
            "{dropped} more bytes of output were dropped: a call may print 64 KiB"
        )),
        "{log}"
    );
}
