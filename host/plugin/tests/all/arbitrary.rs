//! Results that are arbitrary bytes. Whatever a plugin returns, the host has a result that keeps the contract, or an
//! error that blames the plugin.
//!
//! `LAMBKIN_FUZZ_SEED` gives other results than the usual ones, `LAMBKIN_FUZZ_ROUNDS` more of them.

use std::env;

use lambkin_model::Body;
use lambkin_plugin::{CallError, ConfigureError, Ending, PluginError, Step};

use crate::fixture::{drained, good, host, outcome, request, web};

/// Bytes for texts, at addresses that [`Numbers::result`] knows.
const TEXTS: &str = r#"(data (i32.const 0x170) "{}") (data (i32.const 0x150) "x-a")
    (data (i32.const 0x160) "\50\01\00\00\03\00\00\00\70\01\00\00\02\00\00\00")"#;

/// A body that returns the bytes at an address as its result, after it has copied them to where they are aligned.
fn returns(address: &str) -> String {
    format!("(memory.copy (i32.const 0x800) {address} (i32.const {SIZE})) (i32.const 0x800)")
}

/// The size of a result, in bytes.
const SIZE: usize = 96;

/// The body of the request of a `shape`.
const BODY: &str = "(i32.load offset=104 (local.get $arguments))";

/// A valid reply, invocation, fetch, and result of `configure`, as far as they are not zero.
const VALID: [&[u32]; 4] = [
    &[0, 0, 200, 0, 0, 0, 0x160, 1, 1, 0x170, 2],
    &[0, 1, 0x100, 1, 0x170, 2, 0, 0, 0, 1, 0x170, 2, 5, 0x110, 5],
    &[
        0, 2, 0x170, 2, 0x100, 1, 0x160, 1, 0x170, 2, 8, 1, 0x170, 2, 5, 0x110, 5,
    ],
    &[0, 0x170, 2, 0x140, 1, 10_000],
];

/// A sequence of numbers that looks random.
struct Numbers(u64);

impl Numbers {
    fn new() -> Self {
        let seed = env::var("LAMBKIN_FUZZ_SEED").ok();
        Self(seed.and_then(|seed| seed.parse().ok()).unwrap_or(1))
    }

    fn below(&mut self, end: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// A valid result in which some words are replaced by others that mean something: cases, lengths, statuses,
    /// addresses. All bytes are ASCII if the result has to be a text.
    fn result(&mut self, ascii: bool) -> Vec<u8> {
        const WORDS: [u32; 16] = [
            0,
            1,
            2,
            3,
            5,
            8,
            100,
            200,
            0x100,
            0x110,
            0x140,
            0x170,
            0x160,
            0x1_0000,
            0x7fff_0000,
            0x7f7f_7f7f,
        ];
        let mut words = [0; SIZE / 4];
        let valid = VALID[self.below(VALID.len() as u64) as usize];
        words[..valid.len()].copy_from_slice(valid);
        for _ in 0..self.below(4) {
            let mut word = WORDS[self.below(WORDS.len() as u64) as usize];
            match self.below(8) {
                0 => word = u32::MAX,
                1 => word = self.below(1 << 32) as u32,
                2 => word = word.wrapping_add(self.below(100) as u32),
                _ => {}
            }
            words[self.below(17) as usize] = word;
        }
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        if ascii {
            bytes.iter_mut().for_each(|byte| *byte &= 0x7f);
        }
        bytes
    }
}

fn rounds() -> usize {
    let rounds = env::var("LAMBKIN_FUZZ_ROUNDS").ok();
    rounds
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(3_000)
}

fn blames_the_plugin(error: &PluginError) {
    assert!(
        matches!(error.cause, CallError::Guest(_) | CallError::Reported(_)),
        "{error}"
    );
    let message = error.to_string();
    assert!(!message.contains(char::is_control), "{message:?}");
    assert!(message.len() < 10_000, "{message}");
}

#[tokio::test]
async fn whatever_shape_returns_is_valid_or_an_error() {
    let host = host();
    let trigger = good()
        .with("module", TEXTS)
        .with("shape", &returns(BODY))
        .trigger(&host)
        .await;
    let mut numbers = Numbers::new();
    let (mut replies, mut invocations, mut fetches) = (0, 0, 0);
    for _ in 0..rounds() {
        let mut request = request();
        request.body = Some(Body::Binary(numbers.result(false).into()));
        match trigger.shape(&request).await {
            Ok(Step::Reply(answer)) => {
                assert!((200..=999).contains(&answer.response.status));
                replies += 1;
            }
            Ok(Step::Fetch(fetch)) => {
                assert!(!fetch.method.is_empty());
                fetches += 1;
            }
            Ok(Step::Invoke(shaped)) => {
                assert_eq!(shaped.function, "f");
                serde_json::from_str::<serde_json::Value>(&shaped.event).expect("JSON");
                invocations += 1;
            }
            Err(error) => blames_the_plugin(&error),
        }
    }
    assert!(
        replies > 0 && invocations > 0 && fetches > 0,
        "{replies}, {invocations}, {fetches}"
    );
    drained(&host).await;
}

#[tokio::test]
async fn whatever_resume_returns_is_valid_or_an_error() {
    let host = host();
    let trigger = good()
        .with("module", TEXTS)
        .with("resume", &returns("(local.get $token)"))
        .trigger(&host)
        .await;
    let mut numbers = Numbers::new();
    let mut responses = 0;
    for _ in 0..rounds() {
        let token = String::from_utf8(numbers.result(true)).expect("ASCII");
        let timed_out = outcome(Ending::TimedOut);
        match trigger.resume(&token, &timed_out, None).await {
            Ok(Step::Reply(answer)) => {
                assert!((200..=999).contains(&answer.response.status));
                responses += 1;
            }
            Ok(Step::Invoke(_) | Step::Fetch(_)) => {}
            Err(error) => blames_the_plugin(&error),
        }
    }
    assert!(responses > 0);
    drained(&host).await;
}

#[tokio::test]
async fn whatever_configure_returns_is_valid_or_an_error() {
    let host = host();
    let plugin = good()
        .with("module", TEXTS)
        .with("configure", &returns("(local.get $config)"))
        .load(&host)
        .await
        .expect("it loads");
    let mut numbers = Numbers::new();
    let mut accepted = 0;
    for _ in 0..rounds() {
        let config = String::from_utf8(numbers.result(true)).expect("ASCII");
        match web(&plugin, &config).await {
            Ok(_) => accepted += 1,
            Err(ConfigureError::Plugin(error)) => blames_the_plugin(&error),
            Err(ConfigureError::Problems(problems)) => {
                for problem in problems {
                    assert!(!problem.message.contains(char::is_control));
                }
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(accepted > 0);
    drained(&host).await;
}
