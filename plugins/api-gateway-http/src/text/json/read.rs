//! Reads JSON one level at a time.
//!
//! A value stays a span of its text, whatever it holds, until someone asks for its type. So reading an object costs
//! little more than finding its end, nesting of any depth takes no stack, and numbers never become floats. The whole
//! text is checked against RFC 8259 all the same, except that half a surrogate pair in a string is no mistake.
//!
//! On failure: [`NotThat`], when the text is not JSON or not a value of the type asked for.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::plain_prefix;

/// The text is not JSON, or not of the type asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotThat;

/// A string. Half a surrogate pair, which JavaScript can return and UTF-8 can not carry, becomes U+FFFD.
///
/// # Errors
///
/// The text is not a JSON string.
pub fn string(json: &str) -> Result<Cow<'_, str>, NotThat> {
    let mut reader = Reader { rest: json };
    reader.skip_space();
    let quoted = reader.string()?;
    reader.end()?;
    Ok(unescaped(quoted))
}

/// The items of a list.
///
/// # Errors
///
/// The text is not a JSON list.
pub fn list(json: &str) -> Result<Vec<&str>, NotThat> {
    let mut reader = Reader { rest: json };
    let mut items = Vec::new();
    reader.expect(b'[')?;
    if !reader.take(b']') {
        loop {
            items.push(reader.value()?);
            if !reader.take(b',') {
                break;
            }
        }
        reader.expect(b']')?;
    }
    reader.end()?;
    Ok(items)
}

/// The members of an object, repeated keys included, in their order.
///
/// # Errors
///
/// The text is not a JSON object.
pub fn object(json: &str) -> Result<Vec<(Cow<'_, str>, &str)>, NotThat> {
    let mut members = Vec::new();
    each_member(json, |key, value| members.push((key, value)))?;
    Ok(members)
}

/// The members of an object that have these keys. Of a repeated key the last counts.
///
/// # Errors
///
/// The text is not a JSON object.
pub fn members<'a, const N: usize>(
    json: &'a str,
    keys: [&str; N],
) -> Result<[Option<&'a str>; N], NotThat> {
    let mut found = [None; N];
    each_member(json, |key, value| {
        if let Some(slot) = keys
            .iter()
            .position(|wanted| *wanted == key)
            .and_then(|at| found.get_mut(at))
        {
            *slot = Some(value);
        }
    })?;
    Ok(found)
}

fn each_member<'a>(
    json: &'a str,
    mut report: impl FnMut(Cow<'a, str>, &'a str),
) -> Result<(), NotThat> {
    let mut reader = Reader { rest: json };
    reader.expect(b'{')?;
    if !reader.take(b'}') {
        loop {
            let key = reader.key()?;
            report(unescaped(key), reader.value()?);
            if !reader.take(b',') {
                break;
            }
        }
        reader.expect(b'}')?;
    }
    reader.end()
}

/// A place in a text.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Skips a value, however deep, and returns its span.
    fn value(&mut self) -> Result<&'a str, NotThat> {
        self.skip_space();
        let start = self.rest;
        let mut closers = Vec::new();
        loop {
            match self.peek() {
                Some(b'{') => {
                    self.skip(1);
                    if !self.take(b'}') {
                        closers.push(b'}');
                        self.key()?;
                        self.skip_space();
                        continue;
                    }
                }
                Some(b'[') => {
                    self.skip(1);
                    if !self.take(b']') {
                        closers.push(b']');
                        continue;
                    }
                }
                Some(b'"') => drop(self.string()?),
                _ => self.scalar()?,
            }
            if self.close(&mut closers)? {
                return Ok(start
                    .get(..start.len() - self.rest.len())
                    .unwrap_or_default());
            }
        }
    }

    /// After a value: closes what ends here and goes on to the next value. True if there is none.
    fn close(&mut self, closers: &mut Vec<u8>) -> Result<bool, NotThat> {
        while let Some(&closer) = closers.last() {
            if self.take(b',') {
                if closer == b'}' {
                    self.key()?;
                }
                self.skip_space();
                return Ok(false);
            }
            self.expect(closer)?;
            closers.pop();
        }
        Ok(true)
    }

    /// Skips a key and its colon; returns the key between its quotes.
    fn key(&mut self) -> Result<&'a str, NotThat> {
        self.skip_space();
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Skips a string and returns what is between its quotes.
    fn string(&mut self) -> Result<&'a str, NotThat> {
        let start = self.rest.strip_prefix('"').ok_or(NotThat)?;
        let mut left = start.as_bytes();
        let after = loop {
            left = left.get(plain_prefix(left)..).unwrap_or_default();
            left = match left {
                [b'"', after @ ..] => break after,
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    after @ ..,
                ] => after,
                [b'\\', b'u', digits @ ..] if hex(digits).is_some() => digits,
                _ => return Err(NotThat),
            };
        };
        let rest = start.len() - after.len();
        self.rest = start.get(rest..).unwrap_or_default();
        Ok(start.get(..rest - 1).unwrap_or_default())
    }

    /// Skips a number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Result<(), NotThat> {
        for word in ["true", "false", "null"] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(());
            }
        }
        self.skip_if(|byte| byte == b'-');
        if !self.skip_if(|byte| byte == b'0') {
            self.digits()?;
        }
        if self.skip_if(|byte| byte == b'.') {
            self.digits()?;
        }
        if self.skip_if(|byte| matches!(byte, b'e' | b'E')) {
            self.skip_if(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), NotThat> {
        let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        self.skip(count);
        if count == 0 { Err(NotThat) } else { Ok(()) }
    }

    fn skip_if(&mut self, fits: impl FnOnce(u8) -> bool) -> bool {
        let skips = self.peek().is_some_and(fits);
        self.skip(usize::from(skips));
        skips
    }

    /// Skips space and then this byte, if it is there, and the space after it.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let takes = self.skip_if(|next| next == byte);
        if takes {
            self.skip_space();
        }
        takes
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotThat> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(NotThat)
        }
    }

    fn end(&mut self) -> Result<(), NotThat> {
        self.skip_space();
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(NotThat)
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}

/// The text of a valid string, given what is between its quotes.
fn unescaped(quoted: &str) -> Cow<'_, str> {
    if plain_prefix(quoted.as_bytes()) == quoted.len() {
        return Cow::Borrowed(quoted);
    }
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some((run, escape)) = rest.split_at_checked(plain_prefix(rest.as_bytes())) {
        text.push_str(run);
        let Some(escape) = escape.strip_prefix('\\') else {
            break;
        };
        let (char, after) = escaped(escape);
        text.push(char);
        rest = after;
    }
    Cow::Owned(text)
}

/// The character of a valid escape after its backslash, and what follows it.
fn escaped(rest: &str) -> (char, &str) {
    let after = |bytes: usize| rest.get(bytes..).unwrap_or_default();
    let char = match rest.as_bytes() {
        [b'b', ..] => '\u{8}',
        [b'f', ..] => '\u{c}',
        [b'n', ..] => '\n',
        [b'r', ..] => '\r',
        [b't', ..] => '\t',
        [b'u', digits @ ..] => {
            let unit = hex(digits).unwrap_or_default();
            let low = after(5)
                .strip_prefix("\\u")
                .and_then(|low| hex(low.as_bytes()));
            let pair = char::decode_utf16([unit, low.unwrap_or_default()]).next();
            let is_pair = low.is_some() && matches!(pair, Some(Ok(char)) if char.len_utf16() == 2);
            let char = pair
                .and_then(Result::ok)
                .unwrap_or(char::REPLACEMENT_CHARACTER);
            return (char, after(if is_pair { 11 } else { 5 }));
        }
        [char, ..] => char::from(*char),
        [] => char::REPLACEMENT_CHARACTER,
    };
    (char, after(1))
}

/// The number of four hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u16> {
    let digits = digits.first_chunk::<4>()?;
    digits.iter().try_fold(0, |number, digit| {
        let digit = char::from(*digit)
            .to_digit(16)
            .and_then(|digit| u16::try_from(digit).ok())?;
        Some(number << 4 | digit)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Texts that are JSON, nearly JSON, or nothing like it once a byte of them is gone or another.
    const SEEDS: [&str; 8] = [
        r#"{"a":1,"b":{"a":[2,{"a":3}]},"\u0063":"x","a":4}"#,
        r#" { "a" : [ ] , "b" : { } , "c" : [ 1 , -0.5e+3 , 0 , 1E9 ] } "#,
        r#"["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00",true,false,null,[[[]]],{}]"#,
        r#""plain""#,
        r#""\u0041\ud83d\ude00é""#,
        "-12.50e-07",
        "[01, 1., .5, 1e, --1, +1, NaN, tru, nul]",
        "{\"a\":\"\u{1}\",}",
    ];

    /// Each seed, and each seed with every byte left out, doubled or replaced.
    fn mutations() -> impl Iterator<Item = String> {
        SEEDS.into_iter().flat_map(|seed| {
            let change = |at: usize, put: &[u8]| {
                let bytes = [&seed.as_bytes()[..at], put, &seed.as_bytes()[at + 1..]].concat();
                String::from_utf8_lossy(&bytes).into_owned()
            };
            let at_each = (0..seed.len()).flat_map(move |at| {
                let byte = seed.as_bytes()[at];
                let replaced = b"{}[]\",:\\0eu \n-x"
                    .iter()
                    .map(move |other| change(at, &[*other]));
                replaced.chain([change(at, &[]), change(at, &[byte, byte])])
            });
            [seed.to_owned()].into_iter().chain(at_each)
        })
    }

    #[test]
    fn values_are_told_from_other_text_as_a_known_parser_does() {
        let (mut good, mut bad) = (0, 0);
        for text in mutations() {
            // serde_json alone refuses half a surrogate pair, and numbers beyond a double.
            let expected = serde_json::from_str::<Value>(
                &text
                    .replace("\\ud83d", "\\u0041")
                    .replace("\\ude00", "\\u0041"),
            );
            if text.contains("e0") || text.contains("E0") || text.contains("E9") {
                continue;
            }
            let mut reader = Reader { rest: &text };
            let read = reader.value().map(|_| ()).and_then(|()| reader.end());
            assert_eq!(read.is_ok(), expected.is_ok(), "{text}: {expected:?}");
            *(if read.is_ok() { &mut good } else { &mut bad }) += 1;
        }
        assert!(good > 200 && bad > 200, "{good} {bad}");
    }

    #[test]
    fn objects_lists_and_strings_read_as_a_known_parser_reads_them() {
        for text in mutations() {
            let Ok(expected) = serde_json::from_str::<Value>(&text) else {
                continue;
            };
            let parse = |json: &str| serde_json::from_str::<Value>(json).unwrap();
            assert_eq!(string(&text).ok().as_deref(), expected.as_str(), "{text}");
            let items = list(&text)
                .ok()
                .map(|items| items.into_iter().map(parse).collect::<Vec<_>>());
            assert_eq!(items.as_ref(), expected.as_array(), "{text}");
            let members = object(&text).ok().map(|members| {
                members
                    .into_iter()
                    .map(|(key, value)| (key.into_owned(), parse(value)))
                    .collect()
            });
            assert_eq!(members.as_ref(), expected.as_object(), "{text}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_becomes_a_replacement_character() {
        for (json, expected) in [
            (r#""a\ud83d.""#, "a\u{fffd}."),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
        ] {
            assert_eq!(string(json).unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn a_string_without_escapes_is_not_copied() {
        assert!(matches!(
            string(r#""plain é""#),
            Ok(Cow::Borrowed("plain é"))
        ));
    }

    #[test]
    fn of_a_repeated_key_the_last_counts() {
        let [a, c, d] = members(SEEDS[0], ["a", "c", "d"]).unwrap();
        assert_eq!((a, c, d), (Some("4"), Some("\"x\""), None));
    }

    #[test]
    fn nesting_of_any_depth_is_read() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(members(&deep, ["a"]).unwrap()[0].unwrap().len(), 200_000);
        assert_eq!(members(&"{\"a\":[".repeat(100_000), ["a"]), Err(NotThat));
    }
}
