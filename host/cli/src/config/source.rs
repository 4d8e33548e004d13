//! The text of a configuration file, and diagnostics that point into it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use lambkin_project::file::{Files, Place};

/// The path and the text of a configuration file.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    text: String,
    /// What the text was made from, if it was not written by the user.
    origin: Option<Origin>,
}

/// The files that a text was made from.
#[derive(Debug)]
pub struct Origin {
    pub files: Files,
    /// Which bytes of the text come from which place; outer parts precede the parts in them.
    pub places: Vec<(Span, Place)>,
}

/// A range of the file, in bytes.
pub type Span = Range<usize>;

/// One mistake, and where in the file it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub span: Span,
    /// The key path of the mistake: `functions.hello.timeout`.
    pub key: String,
    pub message: String,
}

impl Source {
    pub fn new(path: &Path, text: String) -> Self {
        Self {
            path: path.to_owned(),
            text,
            origin: None,
        }
    }

    /// A text that was made from other files.
    pub fn made(path: &Path, text: String, origin: Origin) -> Self {
        Self {
            origin: Some(origin),
            ..Self::new(path, text)
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The diagnostic as text: `lambkin.toml:7:3: functions.hello.tiemout: …`, then the line, then a mark below the
    /// span.
    pub fn render<'a>(&'a self, diagnostic: &'a Diagnostic) -> impl fmt::Display + 'a {
        Rendered {
            source: self,
            diagnostic,
        }
    }

    /// Several diagnostics as text, an empty line between them.
    pub fn render_all(&self, diagnostics: &[Diagnostic]) -> String {
        let rendered = diagnostics.iter().map(|it| self.render(it).to_string());
        rendered.collect::<Vec<_>>().join("\n\n")
    }

    /// The line and the column of a byte offset, both counted from 1, and the text of the line.
    fn locate(&self, at: usize) -> (usize, usize, &str) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let text = self
            .text
            .get(line_start..)
            .and_then(|rest| rest.lines().next())
            .unwrap_or_default();
        (line, column, text)
    }
}

impl Origin {
    /// The place of the innermost part that a span begins in.
    fn place_of(&self, span: &Span) -> Option<Place> {
        let mut parts = self.places.iter().rev();
        let (_, place) = parts.find(|(part, _)| part.contains(&span.start))?;
        Some(*place)
    }
}

struct Rendered<'a> {
    source: &'a Source,
    diagnostic: &'a Diagnostic,
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic { span, key, message } = self.diagnostic;
        if let Some(origin) = &self.source.origin
            && let Some(place) = origin.place_of(span)
        {
            let message = match key.as_str() {
                "" => message.clone(),
                key => format!("{key}: {message}"),
            };
            return origin.files.explained(place, &message).fmt(f);
        }
        let (line, column, text) = self.source.locate(span.start);
        write!(f, "{}:{line}:{column}: ", self.source.path.display())?;
        if !key.is_empty() {
            write!(f, "{key}: ")?;
        }
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let rest_of_line = text.chars().count().saturating_sub(column - 1);
        let marks = span.len().clamp(1, rest_of_line.max(1));
        write!(
            f,
            "{message}\n{margin} |\n{number} | {text}\n{margin} | {}{}",
            " ".repeat(column - 1),
            "^".repeat(marks)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_its_line() {
        let source = Source::new(
            Path::new("lambkin.toml"),
            "a = 1\n[é]\nfoo = 2\n".to_owned(),
        );
        let span = source.text().find("foo").map(|at| at..at + 3).unwrap();
        let diagnostic = Diagnostic {
            span,
            key: "é.foo".to_owned(),
            message: "no such key".to_owned(),
        };
        assert_eq!(
            source.render(&diagnostic).to_string(),
            "lambkin.toml:3:1: é.foo: no such key\n  |\n3 | foo = 2\n  | ^^^"
        );
    }

    #[test]
    fn a_diagnostic_may_point_at_the_end_of_the_file() {
        let source = Source::new(Path::new("x.toml"), "a =".to_owned());
        let diagnostic = Diagnostic {
            span: 3..3,
            key: String::new(),
            message: "a value is missing".to_owned(),
        };
        assert_eq!(
            source.render(&diagnostic).to_string(),
            "x.toml:1:4: a value is missing\n  |\n1 | a =\n  |    ^"
        );
    }
}
