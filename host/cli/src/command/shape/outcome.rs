//! Outcomes that the user gives with `--outcome`.

use std::path::Path;

use anyhow::{Context, bail};
use lambkin_plugin::Ending;

/// Reads an outcome: the name of one, or a file with a function's result or error.
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

fn content(path: &str) -> anyhow::Result<String> {
    let path = Path::new(path);
    if !path.exists() {
        bail!(
            "the outcome {:?} is neither a file nor one of timed-out, expired, throttled, accepted, unavailable and \
             failed:FILE",
            path.display()
        );
    }
    let bytes = crate::regular_file::read(path)
        .with_context(|| format!("cannot read the outcome from {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_a_name_or_a_file() {
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
        let error = read("timedout").unwrap_err().to_string();
        assert!(error.contains("one of timed-out, expired"), "{error}");
    }
}
