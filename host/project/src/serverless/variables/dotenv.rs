//! `.env` files, whose variables `${env:NAME}` reads besides those of the process.
//!
//! Contract: lines `NAME=VALUE`, with or without `export`, values in quotes or not, comments behind `#`. Other lines are
//! skipped, as by the Serverless Framework.

use std::collections::BTreeMap;

/// Adds the variables of a file, unless they are known.
pub fn read(text: &str, variables: &mut BTreeMap<String, String>) {
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let name = name.trim();
        let is_legal = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
        if name.is_empty() || !name.chars().all(is_legal) {
            continue;
        }
        let entry = variables.entry(name.to_owned());
        entry.or_insert_with(|| unquoted(value.trim()));
    }
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\'', '`'] {
        if let Some((inside, _)) = value
            .strip_prefix(quote)
            .and_then(|rest| rest.split_once(quote))
        {
            return match quote {
                '"' => inside.replace("\\n", "\n").replace("\\r", "\r"),
                _ => inside.to_owned(),
            };
        }
    }
    let end = if value.starts_with('#') {
        Some(0)
    } else {
        value.find(" #")
    };
    let value = end.and_then(|end| value.get(..end)).unwrap_or(value);
    value.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_variables() {
        let mut variables = BTreeMap::from([("KNOWN".to_owned(), "kept".to_owned())]);
        let text = "# a comment\nA=1\nexport B = \"two # \\n\" # more\nC='x=y'\nD=a # b\nE=\nKNOWN=no\nnot a line\n=x\n";
        read(text, &mut variables);
        let pairs: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("A", "1"),
                ("B", "two # \n"),
                ("C", "x=y"),
                ("D", "a"),
                ("E", ""),
                ("KNOWN", "kept")
            ]
        );
    }
}
