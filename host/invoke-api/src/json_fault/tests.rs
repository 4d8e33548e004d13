use super::scalar::MINUS;
use super::*;

/// Pairs of an event, of which each character is one byte, and the message of `ObjectMapper.readTree` of
/// jackson-databind 2.12.7 with `FAIL_ON_TRAILING_TOKENS`.
const JACKSON: &str = include_str!("jackson-2.12.7.json");

#[test]
fn the_messages_and_columns_are_those_of_jackson() {
    let cases: Vec<(String, String)> = serde_json::from_str(JACKSON).unwrap();
    assert!(cases.len() > 80);
    for (event, message) in cases {
        let event: Vec<u8> = event.chars().map(|byte| byte as u8).collect();
        assert_eq!(
            explain(&event, "accepted"),
            message,
            "{}",
            event.escape_ascii()
        );
    }
}

/// Messages of AWS that users have published, cut before the source, which their terminals have changed.
#[test]
fn messages_that_users_of_aws_have_published_are_reproduced() {
    let expected = format!("was expecting {VALUES}");
    for (event, start, end) in [
        (
            &b"test data"[..],
            format!("Unrecognized token 'test': {expected}"),
            "; line: 1, column: 6]",
        ),
        (
            &b"0D\xfea\xff\xfe"[..],
            "Unexpected character ('D' (code 68)): Expected space separating root-level values"
                .to_owned(),
            "; line: 1, column: 3]",
        ),
        (
            &b"\xc2\x97\xfe"[..],
            "Invalid UTF-8 start byte 0x97".to_owned(),
            "; line: 1, column: 3]",
        ),
        (
            &b"\x91\xa9j"[..],
            format!(
                "Unexpected character ((CTRL-CHAR, code 145)): expected a valid value {VALUES}"
            ),
            "; line: 1, column: 2]",
        ),
        (
            &b"------WebKitFormBoundary"[..],
            format!("Unexpected character ('-' (code 45)) in numeric value: {MINUS}"),
            "; line: 1, column: 3]",
        ),
    ] {
        let message = explain(event, "");
        assert!(
            message.starts_with(&format!("{start}\n at [Source: (byte[])")),
            "{message}"
        );
        assert!(message.ends_with(end), "{message}");
    }
}
