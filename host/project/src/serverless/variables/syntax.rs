//! The syntax of the Serverless Framework's variables: `${source(parameters):address, fallback}` in a text.
//!
//! Contract: [`parse`] splits a text into what stands for itself and variables. What only looks like a variable, such as
//! the `${AWS::Region}` of `Fn::Sub`, stands for itself, and so does `\${`, without the backslash.
//!
//! On failure: a message, without a place.

/// How deep variables may be nested in each other's addresses.
const DEPTH: usize = 20;

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// A variable: what it is looked up in, one source after the other until there is a value.
    Variable(Vec<Source>),
}

/// Where a variable is looked up.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A value: `'text'`, `12`, `true`, `null`.
    Literal(Literal),
    /// `kind(parameters):address`
    Lookup {
        /// The name of the source: `self`, `env`, …
        kind: String,
        /// What is in brackets, separated by commas.
        parameters: Vec<Vec<Part>>,
        /// What follows the colon.
        address: Option<Vec<Part>>,
    },
}

/// A value that is written in a variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A text in quotes.
    Text(String),
    /// A number or a boolean.
    Plain(String),
    /// `null`
    Null,
}

/// The parts of a text. None if there are neither variables nor escapes in it.
pub fn parse(text: &str) -> Result<Option<Vec<Part>>, String> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut parser = Parser { text, at: 0 };
    let parts = parser.parts(&[], 0)?;
    Ok(match parts.as_slice() {
        [Part::Text(only)] if only == text => None,
        _ => Some(parts),
    })
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, letter: char) -> bool {
        let found = self.peek() == Some(letter);
        if found {
            self.at += letter.len_utf8();
        }
        found
    }

    fn spaces(&mut self) {
        while self.skip(' ') {}
    }

    /// Text and variables up to one of the characters in `until`, or the end.
    fn parts(&mut self, until: &[char], depth: usize) -> Result<Vec<Part>, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            if until.contains(&letter) {
                break;
            }
            match letter {
                '\\' => {
                    let rest = self.rest();
                    let after = rest.trim_start_matches('\\');
                    let count = rest.len() - after.len();
                    self.at += count;
                    if !after.starts_with("${") {
                        text.push_str(&"\\".repeat(count));
                        continue;
                    }
                    // Two stand for one, and one that is left over makes the variable a text.
                    text.push_str(&"\\".repeat(count / 2));
                    if count % 2 == 1 {
                        text.push_str("${");
                        self.at += 2;
                    }
                }
                '$' if self.rest().starts_with("${") => match self.variable(depth)? {
                    Some(sources) => {
                        if !text.is_empty() {
                            parts.push(Part::Text(std::mem::take(&mut text)));
                        }
                        parts.push(Part::Variable(sources));
                    }
                    None => {
                        text.push_str("${");
                        self.at += 2;
                    }
                },
                letter => {
                    text.push(letter);
                    self.at += letter.len_utf8();
                }
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(parts)
    }

    /// A variable, or none, and the position is as it was, if it only looks like one.
    fn variable(&mut self, depth: usize) -> Result<Option<Vec<Source>>, String> {
        if depth > DEPTH {
            return Err(format!("variables are nested more than {DEPTH} deep"));
        }
        let start = self.at;
        self.at += 2;
        let Some(kind) = self.kind() else {
            self.at = start;
            return Ok(None);
        };
        let first = self.lookup(kind, depth)?;
        let Some(first) = first else {
            self.at = start;
            return Ok(None);
        };
        let mut sources = vec![first];
        loop {
            self.spaces();
            if self.skip('}') {
                return Ok(Some(sources));
            }
            if !self.skip(',') {
                let shown: String = self
                    .text
                    .get(start..)
                    .unwrap_or_default()
                    .chars()
                    .take(80)
                    .collect();
                return Err(format!(
                    "the variable {shown} does not end: a `}}` is missing"
                ));
            }
            self.spaces();
            sources.push(self.source(depth)?);
        }
    }

    /// A name of a source, if one of them begins here: what follows is `:` or `(`.
    fn kind(&mut self) -> Option<String> {
        let rest = self.rest();
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
        let end = rest.find(|letter| !is_name(letter))?;
        let (name, after) = rest.split_at_checked(end)?;
        let is_source = name.starts_with(|first: char| first.is_ascii_lowercase())
            && after.starts_with([':', '(']);
        if !is_source {
            return None;
        }
        self.at += end;
        Some(name.to_owned())
    }

    /// What follows the name of a source. None for `name::`, which is no variable.
    fn lookup(&mut self, kind: String, depth: usize) -> Result<Option<Source>, String> {
        let mut parameters = Vec::new();
        let has_parameters = self.skip('(');
        if has_parameters {
            loop {
                self.spaces();
                if self.skip(')') {
                    break;
                }
                parameters.push(self.argument(&[',', ')', '}'], depth)?);
                self.spaces();
                if self.skip(',') {
                    continue;
                }
                if !self.skip(')') {
                    return Err(format!("in the variable ${{{kind}(…}}, a `)` is missing"));
                }
                break;
            }
            self.spaces();
        }
        let mut address = None;
        if self.skip(':') {
            self.spaces();
            match self.peek() {
                Some(':') if !has_parameters => return Ok(None),
                Some('}' | ',') => {}
                _ => address = Some(self.argument(&[',', '}'], depth)?),
            }
        }
        Ok(Some(Source::Lookup {
            kind,
            parameters,
            address,
        }))
    }

    /// A text in quotes, or text and variables up to one of the characters in `until`, without spaces around.
    fn argument(&mut self, until: &[char], depth: usize) -> Result<Vec<Part>, String> {
        if let Some(quoted) = self.quoted()? {
            return Ok(vec![Part::Text(quoted)]);
        }
        let mut parts = self.parts(until, depth + 1)?;
        if let Some(Part::Text(last)) = parts.last_mut() {
            last.truncate(last.trim_end().len());
        }
        Ok(parts)
    }

    /// What follows a comma: a value, or a further lookup.
    fn source(&mut self, depth: usize) -> Result<Source, String> {
        if let Some(quoted) = self.quoted()? {
            return Ok(Source::Literal(Literal::Text(quoted)));
        }
        if let Some(kind) = self.kind() {
            let name = kind.clone();
            let lookup = self.lookup(kind, depth)?;
            return lookup.ok_or_else(|| format!("`{name}::` is not a source of variables"));
        }
        let rest = self.rest();
        let end = rest.find([',', '}']).unwrap_or(rest.len());
        let (literal, _) = rest.split_at_checked(end).unwrap_or((rest, ""));
        self.at += end;
        match literal.trim() {
            "null" => Ok(Source::Literal(Literal::Null)),
            plain @ ("true" | "false") => Ok(Source::Literal(Literal::Plain(plain.to_owned()))),
            number if number.parse::<f64>().is_ok_and(f64::is_finite) => {
                Ok(Source::Literal(Literal::Plain(number.to_owned())))
            }
            other => Err(format!(
                "`{other}` is not a fallback of a variable: write a text in quotes, a number, or a source such as env:NAME"
            )),
        }
    }

    fn quoted(&mut self) -> Result<Option<String>, String> {
        let Some(quote @ ('\'' | '"')) = self.peek() else {
            return Ok(None);
        };
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.at += at + 1;
                return Ok(Some(text));
            }
            // Only texts in double quotes have escapes.
            if letter == '\\' && quote == '"' {
                match letters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, other)) => text.push(other),
                    None => {}
                }
            } else {
                text.push(letter);
            }
        }
        let shown: String = self.rest().chars().take(80).collect();
        Err(format!(
            "the text {shown} in a variable has no closing quote"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn lookup(kind: &str, parameters: &[&str], address: Option<&str>) -> Source {
        Source::Lookup {
            kind: kind.to_owned(),
            parameters: parameters
                .iter()
                .map(|parameter| vec![text(parameter)])
                .collect(),
            address: address.map(|address| vec![text(address)]),
        }
    }

    #[test]
    fn variables_have_sources_one_after_the_other() {
        let parts = parse("a-${opt:stage, self:custom.stage, 'dev'}-b")
            .unwrap()
            .unwrap();
        let sources = vec![
            lookup("opt", &[], Some("stage")),
            lookup("self", &[], Some("custom.stage")),
            Source::Literal(Literal::Text("dev".to_owned())),
        ];
        assert_eq!(parts, [text("a-"), Part::Variable(sources), text("-b")]);
        let parts = parse("${file(./a b.yml, x):c.d , 12}").unwrap().unwrap();
        let sources = vec![
            lookup("file", &["./a b.yml", "x"], Some("c.d")),
            Source::Literal(Literal::Plain("12".to_owned())),
        ];
        assert_eq!(parts, [Part::Variable(sources)]);
    }

    #[test]
    fn addresses_have_variables_in_them() {
        let parts = parse("${file(./${sls:stage}.json):${env:KEY}}")
            .unwrap()
            .unwrap();
        let [Part::Variable(sources)] = parts.as_slice() else {
            panic!("{parts:?}");
        };
        let expected = Source::Lookup {
            kind: "file".to_owned(),
            parameters: vec![vec![
                text("./"),
                Part::Variable(vec![lookup("sls", &[], Some("stage"))]),
                text(".json"),
            ]],
            address: Some(vec![Part::Variable(vec![lookup("env", &[], Some("KEY"))])]),
        };
        assert_eq!(*sources, [expected]);
    }

    #[test]
    fn what_only_looks_like_a_variable_is_text() {
        for same in [
            "${AWS::Region}",
            "$x",
            "${}",
            "${Table.Arn}",
            "${!Literal}",
            "${foo_bar}",
            "{a}$",
            "${aws::x}",
        ] {
            assert_eq!(parse(same).unwrap(), None, "{same}");
        }
        let parts = parse("${AWS::Region}-${sls:stage}").unwrap().unwrap();
        assert_eq!(
            parts,
            [
                text("${AWS::Region}-"),
                Part::Variable(vec![lookup("sls", &[], Some("stage"))])
            ]
        );
        assert_eq!(parse(r"\${self:a}").unwrap().unwrap(), [text("${self:a}")]);
        let parts = parse(r"\\${self:a}").unwrap().unwrap();
        assert_eq!(
            parts,
            [
                text("\\"),
                Part::Variable(vec![lookup("self", &[], Some("a"))])
            ]
        );
    }

    #[test]
    fn mistakes_are_told() {
        for (text, message) in [
            ("${self:a", "`}` is missing"),
            ("${self:a, b c}", "not a fallback"),
            ("${self:a, 'b}", "no closing quote"),
            ("${file(a}", "`)` is missing"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
        let deep = "${self:".repeat(100);
        assert!(parse(&deep).unwrap_err().contains("nested"));
    }
}
