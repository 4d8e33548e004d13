//! Parses references and expressions.

use alloc::borrow::ToOwned as _;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use plugin_kit::nearest::nearest;

use super::{Parser, Terminator};
use crate::Error;
use crate::ast::{Access, Expression, Node, Operator, Reference};
use crate::context;
use crate::json_path;
use crate::methods::METHODS;
use crate::scope::{INPUT_FUNCTIONS, UTIL_FUNCTIONS};

/// Operators, from the weakest to the strongest. Words come before signs that they begin with.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("||", Operator::Or), ("or", Operator::Or)],
    &[("&&", Operator::And), ("and", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("eq", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("ne", Operator::NotEqual),
    ],
    &[
        ("<=", Operator::LessOrEqual),
        ("le", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("ge", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        ("lt", Operator::Less),
        (">", Operator::Greater),
        ("gt", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("%", Operator::Remainder),
    ],
];

impl Parser<'_> {
    /// A reference in text; `None` if the `$` here does not begin one.
    pub(super) fn reference_node(&mut self) -> Result<Option<Node>, Error> {
        let start = self.at;
        let is_quiet = self.rest().starts_with("$!");
        let Some(reference) = self.reference()? else {
            self.at = start;
            return Ok(None);
        };
        let source = match is_quiet {
            true => "",
            false => self.text.get(start..self.at).unwrap_or_default(),
        };
        Ok(Some(Node::Reference {
            reference,
            source: source.to_owned(),
        }))
    }

    /// `$name`, `$!name`, `${name}`, `$!{name}` and what follows.
    pub(super) fn reference(&mut self) -> Result<Option<Reference>, Error> {
        let line = self.line();
        if !self.eat("$") {
            return Ok(None);
        }
        self.eat("!");
        let is_formal = self.eat("{");
        let name = self.identifier();
        if name.is_empty() {
            return Ok(None);
        }
        let path = self.nested(|parser| parser.path(&name))?;
        if is_formal && !self.eat("}") {
            return self.fail(format!("`${{{name}` has no `}}`"));
        }
        let members = path.iter().map_while(|access| match access {
            Access::Member(name) => Some(name.as_str()),
            Access::Call(..) | Access::Index(_) => None,
        });
        if name == "context"
            && let Err(message) = context::check(members)
        {
            return Err(Error {
                line,
                message,
                is_body: false,
            });
        }
        Ok(Some(Reference { line, name, path }))
    }

    fn path(&mut self, name: &str) -> Result<Vec<Access>, Error> {
        let mut path = Vec::new();
        loop {
            if self.rest().starts_with('[') {
                self.at += 1;
                path.push(Access::Index(self.expression()?));
                self.skip_blanks();
                if !self.eat("]") {
                    return self
                        .fail("`[` has no `]`; write `${name}[` for text behind a reference");
                }
                continue;
            }
            let start = self.at;
            if !self.eat(".") {
                return Ok(path);
            }
            let member = self.identifier();
            if member.is_empty() {
                self.at = start;
                return Ok(path);
            }
            if self.eat("(") {
                let is_first = path.is_empty();
                self.check_method(name, &member, is_first)?;
                let arguments = self.items(")")?;
                if let ("input", "json" | "path", [Expression::Text(text)]) =
                    (name, member.as_str(), arguments.as_slice())
                    && is_first
                    && let Err(message) = json_path::check(text)
                {
                    return self.fail(message);
                }
                path.push(Access::Call(member, arguments));
            } else {
                if path.is_empty() {
                    self.check_member(name, &member)?;
                }
                path.push(Access::Member(member));
            }
        }
    }

    /// Checks what follows `$input` or `$util`, if it is no call.
    fn check_member(&self, object: &str, member: &str) -> Result<(), Error> {
        let functions: &[&str] = match object {
            "input" if member == "body" => return Ok(()),
            "input" => &INPUT_FUNCTIONS,
            "util" => &UTIL_FUNCTIONS,
            _ => return Ok(()),
        };
        let body = if object == "input" {
            "$input.body and "
        } else {
            ""
        };
        let hint = match nearest(member, functions) {
            Some(near) => format!("did you mean `${object}.{near}(…)`?"),
            None => format!("there are {body}the functions {}", functions.join(", ")),
        };
        self.fail(format!("`${object}.{member}` does not exist; {hint}"))
    }

    fn check_method(&self, object: &str, method: &str, is_first: bool) -> Result<(), Error> {
        let (what, known): (&str, &[&str]) = match object {
            "input" if is_first => ("$input", &INPUT_FUNCTIONS),
            "util" if is_first => ("$util", &UTIL_FUNCTIONS),
            _ => ("texts, numbers, lists and maps", &METHODS),
        };
        if known.contains(&method) {
            return Ok(());
        }
        self.fail(match nearest(method, known) {
            Some(near) => format!("there is no method `{method}`; did you mean `{near}`?"),
            None => format!(
                "the method `{method}` is not supported; those of {what} are {}",
                known.join(", ")
            ),
        })
    }

    fn identifier(&mut self) -> String {
        let rest = self.rest();
        let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !rest.starts_with(is_start) {
            return String::new();
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
        let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        // A hyphen is a part of a name, but not its end.
        let name = name.trim_end_matches('-');
        self.at += name.len();
        name.to_owned()
    }

    /// Expressions up to a bracket.
    fn items(&mut self, close: &str) -> Result<Vec<Expression>, Error> {
        let mut items = Vec::new();
        loop {
            self.skip_blanks();
            if self.eat(close) {
                return Ok(items);
            }
            if !items.is_empty() && !self.eat(",") {
                return self.fail(format!("`,` or `{close}` is missing"));
            }
            items.push(self.expression()?);
        }
    }

    /// An expression.
    pub(super) fn expression(&mut self) -> Result<Expression, Error> {
        self.nested(|parser| parser.level(0))
    }

    fn level(&mut self, level: usize) -> Result<Expression, Error> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.level(level + 1)?;
        loop {
            self.skip_blanks();
            let rest = self.rest();
            let next = operators.iter().find(|(sign, _)| {
                let is_word = sign.starts_with(|c: char| c.is_ascii_alphabetic());
                let after = rest.strip_prefix(sign);
                after
                    .is_some_and(|after| !is_word || after.starts_with([' ', '\t', '(', '$', '\n']))
            });
            let Some((sign, operator)) = next else {
                return Ok(left);
            };
            self.at += sign.len();
            let right = self.level(level + 1)?;
            left = Expression::Binary(*operator, Box::new((left, right)));
        }
    }

    fn unary(&mut self) -> Result<Expression, Error> {
        self.skip_blanks();
        let rest = self.rest();
        if self.eat("!") || rest.starts_with("not ") && self.eat("not") {
            let value = self.nested(Self::unary)?;
            return Ok(Expression::Not(Box::new(value)));
        }
        if rest.starts_with('-')
            && !rest
                .get(1..)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            self.at += 1;
            let value = self.nested(Self::unary)?;
            return Ok(Expression::Negative(Box::new(value)));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Expression, Error> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return self.fail("a value is missing");
        };
        match first {
            '$' => match self.reference()? {
                Some(reference) => Ok(Expression::Reference(reference)),
                None => self.fail("a name is missing behind `$`"),
            },
            '\'' => Ok(Expression::Text(self.quoted('\'')?.replace("''", "'"))),
            '"' => self.interpolated(),
            '(' => {
                self.at += 1;
                let value = self.expression()?;
                self.skip_blanks();
                match self.eat(")") {
                    true => Ok(value),
                    false => self.fail("`(` has no `)`"),
                }
            }
            '[' => self.list(),
            '{' => self.map(),
            '-' | '0'..='9' => self.number(),
            _ => {
                for (word, value) in [
                    ("true", Expression::Boolean(true)),
                    ("false", Expression::Boolean(false)),
                    ("null", Expression::Null),
                ] {
                    if super::word(rest) == word {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                let found: String = rest.chars().take(20).collect();
                self.fail(format!(
                    "{found:?} is not a value: there are references, numbers, texts in quotes, lists, maps, true and false"
                ))
            }
        }
    }

    /// The content of a text in quotes, in which two quotes stand for one.
    fn quoted(&mut self, quote: char) -> Result<String, Error> {
        let content = self.rest().get(1..).unwrap_or_default();
        let mut end = 0;
        loop {
            let found = content.get(end..).and_then(|rest| rest.find(quote));
            let Some(found) = found else {
                return self.fail(format!("the text has no {quote} at its end"));
            };
            end += found;
            let is_double = content
                .get(end + 1..)
                .is_some_and(|it| it.starts_with(quote));
            if !is_double {
                break;
            }
            end += 2;
        }
        self.at += end + 2;
        Ok(content.get(..end).unwrap_or_default().to_owned())
    }

    fn interpolated(&mut self) -> Result<Expression, Error> {
        let first_line = self.line();
        let text = self.quoted('"')?.replace("\"\"", "\"");
        if !text.contains(['$', '#']) {
            return Ok(Expression::Text(text));
        }
        let mut parser = Parser {
            text: &text,
            at: 0,
            first_line,
            depth: self.depth,
        };
        let (nodes, end) = parser.nested(Parser::nodes)?;
        match end {
            Terminator::Text => Ok(Expression::Interpolated(nodes)),
            _ => parser.fail("a directive in the text begins outside of it"),
        }
    }

    fn list(&mut self) -> Result<Expression, Error> {
        self.at += 1;
        self.skip_blanks();
        if self.eat("]") {
            return Ok(Expression::List(Vec::new()));
        }
        let first = self.expression()?;
        self.skip_blanks();
        if self.eat("..") {
            let last = self.expression()?;
            self.skip_blanks();
            return match self.eat("]") {
                true => Ok(Expression::Range(Box::new((first, last)))),
                false => self.fail("`[` has no `]`"),
            };
        }
        let mut items = Vec::from([first]);
        while self.eat(",") {
            items.push(self.expression()?);
            self.skip_blanks();
        }
        match self.eat("]") {
            true => Ok(Expression::List(items)),
            false => self.fail("`,` or `]` is missing"),
        }
    }

    fn map(&mut self) -> Result<Expression, Error> {
        self.at += 1;
        let mut entries = Vec::new();
        loop {
            self.skip_blanks();
            if self.eat("}") {
                return Ok(Expression::Map(entries));
            }
            if !entries.is_empty() && !self.eat(",") {
                return self.fail("`,` or `}` is missing");
            }
            let key = self.expression()?;
            self.skip_blanks();
            if !self.eat(":") {
                return self.fail("an entry of a map is a key, `:` and a value");
            }
            entries.push((key, self.expression()?));
        }
    }

    fn number(&mut self) -> Result<Expression, Error> {
        let rest = self.rest();
        let digits =
            |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let sign = usize::from(rest.starts_with('-'));
        let mut length = sign + digits(rest.get(sign..).unwrap_or_default());
        let fraction = rest.get(length..).and_then(|rest| rest.strip_prefix('.'));
        // In `[1..5]` there are two dots.
        let decimals = fraction.map(digits).filter(|digits| *digits > 0);
        length += decimals.map_or(0, |digits| digits + 1);
        let text = rest.get(..length).unwrap_or_default();
        self.at += length;
        let value = match decimals {
            Some(_) => text.parse().ok().map(Expression::Float),
            None => text.parse().ok().map(Expression::Integer),
        };
        match value {
            Some(value) => Ok(value),
            None => self.fail(format!("{text} is not a number that fits into 64 bits")),
        }
    }
}
