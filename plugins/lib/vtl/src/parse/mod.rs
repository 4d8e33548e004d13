//! Parses templates: the text between directives and references.

mod expression;

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use plugin_kit::nearest::nearest;

use crate::Error;
use crate::ast::Node;

/// The number of directives, brackets and texts within each other.
const MAX_DEPTH: u32 = 64;

const DIRECTIVES: [&str; 8] = [
    "set", "if", "elseif", "else", "end", "foreach", "break", "stop",
];

const UNSUPPORTED: [&str; 6] = ["macro", "parse", "include", "evaluate", "define", "literal"];

/// Parses a whole template.
pub fn template(text: &str) -> Result<Vec<Node>, Error> {
    let trimmed = text.trim_start();
    let skipped = text.get(..text.len() - trimmed.len()).unwrap_or_default();
    let mut parser = Parser {
        text: trimmed.trim_end(),
        at: 0,
        first_line: 1 + lines(skipped),
        depth: 0,
    };
    let (nodes, end) = parser.nodes()?;
    match end {
        Terminator::Text => Ok(nodes),
        other => parser.fail(format!("`#{}` without `#if`", other.name())),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    first_line: usize,
    depth: u32,
}

/// What ends a list of nodes.
#[derive(PartialEq, Eq)]
enum Terminator {
    Text,
    Elseif,
    Else,
    End,
}

impl Terminator {
    fn name(&self) -> &'static str {
        match self {
            Self::Text => "",
            Self::Elseif => "elseif",
            Self::Else => "else",
            Self::End => "end",
        }
    }
}

impl<'a> Parser<'a> {
    fn fail<T>(&self, message: impl Into<String>) -> Result<T, Error> {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        Err(Error {
            line: self.first_line + lines(before),
            message: message.into(),
            is_body: false,
        })
    }

    fn line(&self) -> usize {
        self.first_line + lines(self.text.get(..self.at).unwrap_or_default())
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes on behind a text, if it is the next one.
    fn eat(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail(format!("this is nested more than {MAX_DEPTH} levels deep"));
        }
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Parses until the template or the directive ends.
    fn nodes(&mut self) -> Result<(Vec<Node>, Terminator), Error> {
        let mut nodes = Vec::new();
        loop {
            let rest = self.rest();
            let Some(next) = rest.find(['$', '#', '\\']) else {
                push(&mut nodes, rest);
                self.at = self.text.len();
                return Ok((nodes, Terminator::Text));
            };
            push(&mut nodes, rest.get(..next).unwrap_or_default());
            self.at += next;
            if self.eat("\\") {
                self.escape(&mut nodes);
            } else if self.rest().starts_with('$') {
                match self.reference_node()? {
                    Some(node) => nodes.push(node),
                    None => {
                        self.at += 1;
                        push(&mut nodes, "$");
                    }
                }
            } else if let Some(end) = self.hash(&mut nodes)? {
                return Ok((nodes, end));
            }
        }
    }

    /// A backslash makes a reference or a directive behind it text, and is text before all else.
    fn escape(&mut self, nodes: &mut Vec<Node>) {
        let rest = self.rest();
        let name = rest.get(1..).unwrap_or_default();
        let is_reference = rest.starts_with('$')
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || "!{".contains(c));
        let is_directive = rest.starts_with('#') && DIRECTIVES.contains(&word(name));
        if is_reference || is_directive {
            push(nodes, rest.get(..1).unwrap_or_default());
            self.at += 1;
        } else {
            push(nodes, "\\");
        }
    }

    /// What begins with `#`.
    fn hash(&mut self, nodes: &mut Vec<Node>) -> Result<Option<Terminator>, Error> {
        let rest = self.rest();
        if rest.starts_with("##") {
            let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
            self.at += end;
            return Ok(None);
        }
        for (open, close, is_text) in [("#*", "*#", false), ("#[[", "]]#", true)] {
            let Some(content) = rest.strip_prefix(open) else {
                continue;
            };
            let Some((inner, _)) = content.split_once(close) else {
                return self.fail(format!("`{open}` has no `{close}`"));
            };
            if is_text {
                push(nodes, inner);
            }
            self.at += open.len() + inner.len() + close.len();
            return Ok(None);
        }
        let (name, length) = match rest.strip_prefix("#{") {
            Some(inner) if inner.contains('}') => (word(inner), word(inner).len() + 3),
            _ => {
                let name = word(rest.get(1..).unwrap_or_default());
                (name, name.len() + 1)
            }
        };
        let is_call = rest
            .get(length..)
            .is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with('('));
        if UNSUPPORTED.contains(&name) && is_call || rest.starts_with("#@") {
            let known = DIRECTIVES.join(", #");
            return self.fail(format!("`#{name}` is not supported; there are #{known}"));
        }
        if !DIRECTIVES.contains(&name) {
            let near = nearest(name, &DIRECTIVES).filter(|_| is_call);
            if let Some(near) = near {
                return self.fail(format!("there is no `#{name}`; did you mean `#{near}`?"));
            }
            // As in Velocity, any other `#` is text.
            push(nodes, "#");
            self.at += 1;
            return Ok(None);
        }
        if name == "set" {
            drop_indent(nodes);
        }
        self.at += length;
        self.directive(name, nodes)
    }

    fn directive(
        &mut self,
        name: &str,
        nodes: &mut Vec<Node>,
    ) -> Result<Option<Terminator>, Error> {
        match name {
            "set" => {
                self.open("set")?;
                let Some(target) = self.reference()? else {
                    return self.fail("`#set` needs a variable: `#set($name = value)`");
                };
                self.skip_blanks();
                if !self.eat("=") {
                    return self.fail("`#set` needs `=`: `#set($name = value)`");
                }
                let value = self.expression()?;
                self.close("set")?;
                nodes.push(Node::Set { target, value });
                Ok(None)
            }
            "if" => self.nested(|parser| parser.condition()).map(|node| {
                nodes.push(node);
                None
            }),
            "foreach" => self.nested(Self::foreach).map(|node| {
                nodes.push(node);
                None
            }),
            "break" => {
                nodes.push(Node::Break);
                Ok(None)
            }
            "stop" => {
                nodes.push(Node::Stop);
                Ok(None)
            }
            "elseif" => Ok(Some(Terminator::Elseif)),
            "else" => {
                self.end_line();
                Ok(Some(Terminator::Else))
            }
            _ => {
                self.end_line();
                Ok(Some(Terminator::End))
            }
        }
    }

    fn condition(&mut self) -> Result<Node, Error> {
        let start = self.at;
        let (mut branches, mut otherwise) = (Vec::new(), Vec::new());
        let mut name = "if";
        loop {
            self.open(name)?;
            let condition = self.expression()?;
            self.close(name)?;
            let (body, end) = self.nodes()?;
            branches.push((condition, body));
            match end {
                Terminator::Elseif => name = "elseif",
                Terminator::Else => {
                    let (body, end) = self.nodes()?;
                    otherwise = body;
                    if end != Terminator::End {
                        return self.unclosed("if", start);
                    }
                    break;
                }
                Terminator::End => break,
                Terminator::Text => return self.unclosed("if", start),
            }
        }
        Ok(Node::If {
            branches,
            otherwise,
        })
    }

    fn foreach(&mut self) -> Result<Node, Error> {
        let start = self.at;
        self.open("foreach")?;
        let variable = match self.reference()? {
            Some(reference) if reference.path.is_empty() => reference.name,
            _ => return self.fail("`#foreach` needs a variable: `#foreach($item in $list)`"),
        };
        self.skip_blanks();
        if !self.eat("in") {
            return self.fail("`#foreach` needs `in`: `#foreach($item in $list)`");
        }
        let list = self.expression()?;
        self.close("foreach")?;
        let (body, end) = self.nodes()?;
        if end != Terminator::End {
            return self.unclosed("foreach", start);
        }
        Ok(Node::Foreach {
            variable,
            list,
            body,
        })
    }

    fn unclosed<T>(&mut self, name: &str, start: usize) -> Result<T, Error> {
        self.at = start;
        self.fail(format!("`#{name}` has no `#end`"))
    }

    fn open(&mut self, name: &str) -> Result<(), Error> {
        self.skip_blanks();
        if !self.eat("(") {
            return self.fail(format!("`#{name}` needs `(`"));
        }
        self.skip_blanks();
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), Error> {
        self.skip_blanks();
        if !self.eat(")") {
            let found: String = self.rest().chars().take(20).collect();
            return self.fail(format!(
                "`#{name}(` is not closed: {found:?} is not expected here"
            ));
        }
        self.end_line();
        Ok(())
    }

    /// The rest of a directive's line belongs to it, if there are blanks only.
    fn end_line(&mut self) {
        let rest = self.rest();
        let after = rest.trim_start_matches([' ', '\t']);
        let after = after.strip_prefix('\r').unwrap_or(after);
        if let Some(after) = after.strip_prefix('\n') {
            self.at += rest.len() - after.len();
        }
    }
}

/// Adds text to the last one.
fn push(nodes: &mut Vec<Node>, text: &str) {
    if text.is_empty() {
        return;
    }
    match nodes.last_mut() {
        Some(Node::Text(last)) => last.push_str(text),
        _ => nodes.push(Node::Text(text.to_owned())),
    }
}

/// Blanks between the start of the line and `#set` belong to it.
fn drop_indent(nodes: &mut [Node]) {
    if let Some(Node::Text(text)) = nodes.last_mut() {
        let kept = text.trim_end_matches([' ', '\t']).len();
        text.truncate(kept);
    }
}

/// The identifier that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

fn lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}
