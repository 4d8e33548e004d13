//! Renders a template.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::ast::{Access, Expression, Node, Operator, Reference};
use crate::scope::{Refusal, Scope, util};
use crate::value::Value;
use crate::{Error, MAX_ITERATIONS, MAX_OUTPUT, MAX_STEPS, methods};

/// How a list of nodes ended.
#[derive(PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Stop,
}

struct Evaluator<'a> {
    scope: &'a Scope<'a>,
    variables: BTreeMap<String, Value>,
    output: String,
    steps: u32,
    line: usize,
}

/// Renders a template.
pub fn render(nodes: &[Node], scope: &Scope<'_>) -> Result<String, Error> {
    let mut evaluator = Evaluator {
        scope,
        variables: BTreeMap::new(),
        output: String::new(),
        steps: 0,
        line: 1,
    };
    evaluator.nodes(nodes)?;
    Ok(evaluator.output)
}

impl Evaluator<'_> {
    fn fail<T>(&self, message: String) -> Result<T, Error> {
        let line = self.line;
        Err(Error {
            line,
            message,
            is_body: false,
        })
    }

    fn step(&mut self) -> Result<(), Error> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return self.fail(format!("the template takes more than {MAX_STEPS} steps"));
        }
        if self.output.len() > MAX_OUTPUT {
            return self.fail(format!("the template writes more than {MAX_OUTPUT} bytes"));
        }
        Ok(())
    }

    fn nodes(&mut self, nodes: &[Node]) -> Result<Flow, Error> {
        for node in nodes {
            self.step()?;
            let flow = self.node(node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, node: &Node) -> Result<Flow, Error> {
        match node {
            Node::Text(text) => self.output.push_str(text),
            Node::Reference { reference, source } => match self.reference(reference)? {
                Some(value) => value.write(&mut self.output, 0),
                None => self.output.push_str(source),
            },
            Node::Set { target, value } => {
                let value = self.value(value)?;
                // As in Velocity, nothing is set to null.
                if !matches!(value, Value::Null) {
                    self.set(target, value)?;
                }
            }
            Node::If {
                branches,
                otherwise,
            } => {
                for (condition, body) in branches {
                    if self.value(condition)?.is_true() {
                        return self.nodes(body);
                    }
                }
                return self.nodes(otherwise);
            }
            Node::Foreach {
                variable,
                list,
                body,
            } => return self.foreach(variable, list, body),
            Node::Break => return Ok(Flow::Break),
            Node::Stop => return Ok(Flow::Stop),
        }
        Ok(Flow::Next)
    }

    fn foreach(&mut self, variable: &str, list: &Expression, body: &[Node]) -> Result<Flow, Error> {
        let items = match self.value(list)? {
            Value::List(list) => list.items.borrow().clone(),
            Value::Map(map) => {
                let map = map.borrow();
                map.entries()
                    .iter()
                    .map(|(_, value)| value.clone())
                    .collect()
            }
            _ => Vec::new(),
        };
        let names = [variable, "foreach", "velocityCount", "velocityHasNext"];
        let before = names.map(|name| self.variables.get(name).cloned());
        let parent = before.get(1).cloned().flatten().unwrap_or(Value::Null);
        let count = items.len();
        let mut end = Flow::Next;
        for (at, item) in items.into_iter().enumerate().take(MAX_ITERATIONS) {
            let number = |number: usize| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
            let has_next = Value::Boolean(at + 1 < count);
            let state = Value::map([
                ("index", number(at)),
                ("count", number(at + 1)),
                ("hasNext", has_next.clone()),
                ("first", Value::Boolean(at == 0)),
                ("last", Value::Boolean(at + 1 == count)),
                ("parent", parent.clone()),
            ]);
            for (name, value) in names.iter().zip([item, state, number(at + 1), has_next]) {
                self.variables.insert((*name).to_string(), value);
            }
            match self.nodes(body)? {
                Flow::Next => {}
                Flow::Break => break,
                Flow::Stop => {
                    end = Flow::Stop;
                    break;
                }
            }
        }
        for (name, value) in names.iter().zip(before) {
            match value {
                Some(value) => self.variables.insert((*name).to_string(), value),
                None => self.variables.remove(*name),
            };
        }
        Ok(end)
    }

    fn set(&mut self, target: &Reference, value: Value) -> Result<(), Error> {
        self.line = target.line;
        let Some((last, path)) = target.path.split_last() else {
            self.variables.insert(target.name.clone(), value);
            return Ok(());
        };
        let Some(container) = self.walk(&target.name, path)? else {
            return Ok(());
        };
        let key = match last {
            Access::Member(name) => Value::text(name.as_str()),
            Access::Index(index) => self.value(index)?,
            Access::Call(..) => return self.fail("a call cannot be set".to_string()),
        };
        match container {
            Value::Map(map) => {
                map.borrow_mut().put(&key.to_string(), value);
            }
            list @ Value::List(_) => {
                let set = methods::call(&list, "set", &[key, value]);
                set.or_else(|message| self.fail(message))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The value of a reference; `None` if the variable is not defined.
    fn reference(&mut self, reference: &Reference) -> Result<Option<Value>, Error> {
        self.line = reference.line;
        self.walk(&reference.name, &reference.path)
    }

    fn walk(&mut self, name: &str, path: &[Access]) -> Result<Option<Value>, Error> {
        let mut path = path.iter();
        let mut value = match self.variables.get(name) {
            Some(value) => value.clone(),
            None => match name {
                "context" => self.scope.context.clone(),
                "stageVariables" => self.scope.stage_variables.clone(),
                "input" | "util" => match path.next() {
                    Some(Access::Call(function, arguments)) => {
                        let arguments = self.values(arguments)?;
                        let result = match name {
                            "input" => self.scope.input(function, &arguments),
                            _ => util(function, &arguments),
                        };
                        let line = self.line;
                        result.map_err(|Refusal { message, is_body }| Error {
                            line,
                            message,
                            is_body,
                        })?
                    }
                    Some(_) if name == "input" => self.scope.body(),
                    _ => return Ok(None),
                },
                _ => return Ok(None),
            },
        };
        for access in path {
            self.step()?;
            value = match access {
                Access::Member(name) => value.member(name),
                Access::Index(index) => {
                    let index = self.value(index)?;
                    match &value {
                        Value::List(list) => item(&list.items.borrow(), &index),
                        value => value.member(&index.to_string()),
                    }
                }
                Access::Call(method, arguments) => {
                    let arguments = self.values(arguments)?;
                    let result = methods::call(&value, method, &arguments);
                    result.or_else(|message| self.fail(message))?
                }
            };
        }
        Ok(Some(value))
    }

    fn values(&mut self, expressions: &[Expression]) -> Result<Vec<Value>, Error> {
        expressions.iter().map(|it| self.value(it)).collect()
    }

    fn value(&mut self, expression: &Expression) -> Result<Value, Error> {
        self.step()?;
        Ok(match expression {
            Expression::Null => Value::Null,
            Expression::Boolean(value) => Value::Boolean(*value),
            Expression::Integer(number) => Value::Integer(*number),
            Expression::Float(number) => Value::Float(*number),
            Expression::Text(text) => Value::text(text.as_str()),
            Expression::Interpolated(nodes) => {
                let outer = core::mem::take(&mut self.output);
                let result = self.nodes(nodes);
                let text = core::mem::replace(&mut self.output, outer);
                result?;
                Value::text(text)
            }
            Expression::Reference(reference) => self.reference(reference)?.unwrap_or(Value::Null),
            Expression::List(items) => Value::list(self.values(items)?),
            Expression::Range(bounds) => {
                let (first, last) = &**bounds;
                let (Value::Integer(first), Value::Integer(last)) =
                    (self.value(first)?, self.value(last)?)
                else {
                    return Ok(Value::Null);
                };
                let numbers: Vec<Value> = match first <= last {
                    true => (first..=last)
                        .take(MAX_ITERATIONS)
                        .map(Value::Integer)
                        .collect(),
                    false => (last..=first)
                        .rev()
                        .take(MAX_ITERATIONS)
                        .map(Value::Integer)
                        .collect(),
                };
                Value::list(numbers)
            }
            Expression::Map(entries) => {
                let mut pairs = Vec::new();
                for (key, value) in entries {
                    pairs.push((self.value(key)?.to_string(), self.value(value)?));
                }
                Value::map(pairs)
            }
            Expression::Not(value) => Value::Boolean(!self.value(value)?.is_true()),
            Expression::Negative(value) => match self.value(value)? {
                Value::Integer(number) => Value::Integer(number.wrapping_neg()),
                Value::Float(number) => Value::Float(-number),
                _ => Value::Null,
            },
            Expression::Binary(operator, sides) => {
                let left = self.value(&sides.0)?;
                match operator {
                    Operator::And if !left.is_true() => Value::Boolean(false),
                    Operator::Or if left.is_true() => Value::Boolean(true),
                    _ => {
                        let right = self.value(&sides.1)?;
                        binary(*operator, &left, &right)
                    }
                }
            }
        })
    }
}

/// An item of a list, which a negative index counts from the end.
fn item(items: &[Value], index: &Value) -> Value {
    let place = match index {
        Value::Integer(at) if *at < 0 => usize::try_from(at.unsigned_abs())
            .ok()
            .and_then(|back| items.len().checked_sub(back)),
        Value::Integer(at) => usize::try_from(*at).ok(),
        other => other.to_string().parse().ok(),
    };
    let item = place.and_then(|place| items.get(place));
    item.cloned().unwrap_or(Value::Null)
}

fn binary(operator: Operator, left: &Value, right: &Value) -> Value {
    let compare = |holds: fn(f64, f64) -> bool| {
        let numbers = left.number().zip(right.number());
        Value::Boolean(numbers.is_some_and(|(left, right)| holds(left, right)))
    };
    match operator {
        Operator::Or | Operator::And => Value::Boolean(right.is_true()),
        Operator::Equal => Value::Boolean(left.equals(right)),
        Operator::NotEqual => Value::Boolean(!left.equals(right)),
        Operator::Less => compare(|left, right| left < right),
        Operator::LessOrEqual => compare(|left, right| left <= right),
        Operator::Greater => compare(|left, right| left > right),
        Operator::GreaterOrEqual => compare(|left, right| left >= right),
        Operator::Add if matches!(left, Value::Text(_)) || matches!(right, Value::Text(_)) => {
            Value::text(format!("{left}{right}"))
        }
        _ => arithmetic(operator, left, right),
    }
}

/// Null if a side is not a number, and for a division by zero.
fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Value {
    if let (Value::Integer(left), Value::Integer(right)) = (left, right) {
        let result = match operator {
            Operator::Add => left.checked_add(*right),
            Operator::Subtract => left.checked_sub(*right),
            Operator::Multiply => left.checked_mul(*right),
            Operator::Divide => left.checked_div(*right),
            _ => left.checked_rem(*right),
        };
        return result.map_or(Value::Null, Value::Integer);
    }
    let Some((left, right)) = left.number().zip(right.number()) else {
        return Value::Null;
    };
    match operator {
        Operator::Add => Value::Float(left + right),
        Operator::Subtract => Value::Float(left - right),
        Operator::Multiply => Value::Float(left * right),
        _ if right == 0.0 => Value::Null,
        Operator::Divide => Value::Float(left / right),
        _ => Value::Float(left % right),
    }
}
