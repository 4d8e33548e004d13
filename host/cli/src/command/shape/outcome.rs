//! Outcomes that the user gives with `--outcome`.

use std::path::Path;

use anyhow::bail;
use lambkin_plugin::Ending;
use serde_json::value::RawValue;

use crate::event_input;

/// Reads an outcome: the name of one, or a function's result or error.
pub fn read(text: &str) -> anyhow::Result<Ending> {
    Ok(match text {
        "timed-out" => Ending::TimedOut,
        "expired" => Ending::Expired,
        "throttled" => Ending::Throttled,
        "accepted" => Ending::Accepted,
        "unavailable" => Ending::Unavailable("the user said so".to_owned()),
        _ => match text.strip_prefix("failed:") {
            Some(path) => Ending::Failed {
                kind: "handler".to_owned(),
                payload: content(path)?,
            },
            None => Ending::Completed(content(text)?),
        },
    })
}

/// JSON, the content of a file, with or without `@` before its name, or standard input for `-`.
fn content(text: &str) -> anyhow::Result<String> {
    let name = text.strip_prefix('@');
    let path = Path::new(name.unwrap_or(text));
    if name.is_some() || path == Path::new("-") || path.exists() {
        let bytes = event_input::file_or_input(path, "the outcome")?;
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let Err(error) = serde_json::from_str::<&RawValue>(text) else {
        return Ok(text.to_owned());
    };
    if text.starts_with(['{', '[', '"']) {
        bail!("the outcome {text} is not JSON: {error}");
    }
    bail!(
        "the outcome {text:?} is neither JSON nor a file nor one of timed-out, expired, throttled, accepted, unavailable \
         and failed:…"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_a_name_or_json_or_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "{}").unwrap();
        let path = file.path().display();
        assert_eq!(read("timed-out").unwrap(), Ending::TimedOut);
        assert_eq!(
            read(&path.to_string()).unwrap(),
            Ending::Completed("{}".to_owned())
        );
        let failed = Ending::Failed {
            kind: "handler".to_owned(),
            payload: "{}".to_owned(),
        };
        assert_eq!(read(&format!("failed:{path}")).unwrap(), failed);
        assert_eq!(
            read(&format!("@{path}")).unwrap(),
            Ending::Completed("{}".to_owned())
        );
        assert_eq!(
            read(r#"{"a": 1}"#).unwrap(),
            Ending::Completed(r#"{"a": 1}"#.to_owned())
        );
        assert_eq!(read("failed:{}").unwrap(), failed);
        let error = read("{\"a\"").unwrap_err().to_string();
        assert!(error.contains("is not JSON: EOF"), "{error}");
        let error = read("timedout").unwrap_err().to_string();
        assert!(error.contains("one of timed-out, expired"), "{error}");
    }
}
