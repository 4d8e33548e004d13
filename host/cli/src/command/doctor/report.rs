//! The text that `lambkin doctor` prints: sections with rows, each of which has an answer, or what would help.

use std::fmt::Write as _;

/// The text that is printed.
#[derive(Default)]
pub struct Report(String);

impl Report {
    /// The whole text.
    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn section(&mut self, title: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.0, "{gap}{title}"); // writing to a String does not fail
    }

    /// A row, with what is wrong or would help below it if the answer is no.
    pub fn row(&mut self, what: &str, works: Result<(), String>) {
        let answer = if works.is_ok() { "yes" } else { "no " };
        let _ = writeln!(self.0, "  {answer}  {what}");
        self.lines(&works.err().unwrap_or_default());
    }

    /// A row that needs no answer. Nothing is printed of an empty one.
    pub fn fact(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            let _ = writeln!(self.0, "       {name}: {value}");
        }
    }

    /// Text of several lines below a title.
    pub fn note(&mut self, title: &str, text: &str) {
        let _ = writeln!(self.0, "       {title}:");
        for line in text.lines() {
            let _ = writeln!(self.0, "         {line}");
        }
    }

    fn lines(&mut self, text: &str) {
        for line in text.lines() {
            let _ = writeln!(self.0, "       {line}");
        }
    }
}
