//! JSONPath: `$.a.b`, `$['a']`, `$.a[0]`, `[-1]`, `[0,2]`, `[1:3]`, `*` and `..`. Filters and functions are refused.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::value::Value;

enum Step {
    Members(Vec<String>),
    Items(Vec<i64>),
    Slice(Option<i64>, Option<i64>),
    All,
    /// The next step applies to a value and to all that it contains.
    Deep,
}

/// The value that a path leads to. `None` if there is none. A path that may lead to several values returns a list.
///
/// # Errors
///
/// The path is not supported.
pub fn find(root: &Value, path: &str) -> Result<Option<Value>, String> {
    let steps = parse(path)?;
    let is_definite = steps.iter().all(|step| match step {
        Step::Members(names) => names.len() == 1,
        Step::Items(indices) => indices.len() == 1,
        Step::Slice(..) | Step::All | Step::Deep => false,
    });
    let mut found = Vec::from([root.clone()]);
    let mut is_deep = false;
    for step in &steps {
        if matches!(step, Step::Deep) {
            is_deep = true;
            continue;
        }
        if core::mem::take(&mut is_deep) {
            let mut all = Vec::new();
            found.iter().for_each(|value| collect(value, &mut all));
            found = all;
        }
        found = found.iter().flat_map(|value| apply(step, value)).collect();
    }
    match is_definite {
        true => Ok(found.pop()),
        false => Ok(Some(Value::json_list(found))),
    }
}

/// Checks a path.
///
/// # Errors
///
/// The path is not supported.
pub fn check(path: &str) -> Result<(), String> {
    parse(path).map(drop)
}

fn children(value: &Value) -> Vec<Value> {
    match value {
        Value::List(list) => list.items.borrow().clone(),
        Value::Map(map) => {
            let map = map.borrow();
            map.entries()
                .iter()
                .map(|(_, value)| value.clone())
                .collect()
        }
        _ => Vec::new(),
    }
}

fn collect(value: &Value, all: &mut Vec<Value>) {
    all.push(value.clone());
    children(value).iter().for_each(|child| collect(child, all));
}

fn apply(step: &Step, value: &Value) -> Vec<Value> {
    match (step, value) {
        (Step::Members(names), Value::Map(map)) => {
            let map = map.borrow();
            names.iter().filter_map(|name| map.get(name)).collect()
        }
        (Step::Items(indices), Value::List(list)) => {
            let items = list.items.borrow();
            let item = |index: &i64| items.get(place(*index, items.len())?).cloned();
            indices.iter().filter_map(item).collect()
        }
        (Step::Slice(from, to), Value::List(list)) => {
            let items = list.items.borrow();
            let bound = |index: i64| match place(index, items.len()) {
                Some(place) => place.min(items.len()),
                None => 0,
            };
            let from = from.map_or(0, bound);
            let to = to.map_or(items.len(), bound);
            items
                .get(from..to)
                .map(<[Value]>::to_vec)
                .unwrap_or_default()
        }
        (Step::All, value) => children(value),
        _ => Vec::new(),
    }
}

/// The place of an index, which may count from the end.
fn place(index: i64, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

fn parse(path: &str) -> Result<Vec<Step>, String> {
    let refuse = |what: &str| {
        Err(format!(
            "{what} in the JSONPath {path:?}; supported are $.a.b, $['a'], [0], [0,1], [1:3], * and .."
        ))
    };
    let mut rest = path.trim();
    match rest.strip_prefix('$') {
        Some(after) => rest = after,
        None if rest.starts_with('@') => return refuse("`@` is not supported"),
        None => {}
    }
    let mut steps = Vec::new();
    let mut is_first = true;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("..") {
            steps.push(Step::Deep);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            rest = after;
        } else if !rest.starts_with('[') && !is_first {
            return refuse("`.` or `[` is missing");
        }
        is_first = false;
        if let Some(inner) = rest.strip_prefix('[') {
            let Some((inside, after)) = bracket(inner) else {
                return refuse("`[` has no `]`");
            };
            match inside_brackets(inside.trim()) {
                Some(step) => steps.push(step),
                None => return refuse(&format!("`[{inside}]` is not supported")),
            }
            rest = after;
            continue;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        match name {
            "" => return refuse("a name is missing"),
            "*" => steps.push(Step::All),
            name if name.ends_with(')') => return refuse("functions are not supported"),
            name => steps.push(Step::Members(Vec::from([name.to_owned()]))),
        }
        rest = after;
    }
    Ok(steps)
}

/// What is in brackets, and what follows: quotes may contain brackets.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (None, '\'' | '"') => quote = Some(char),
            (Some(open), char) if open == char => quote = None,
            (None, ']') => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn inside_brackets(text: &str) -> Option<Step> {
    if text == "*" {
        return Some(Step::All);
    }
    if text.starts_with(['\'', '"']) {
        let names = text.split(',').map(|name| {
            let name = name.trim();
            let quote = name.chars().next()?;
            let inner = name.strip_prefix(quote)?.strip_suffix(quote)?;
            Some(inner.to_string())
        });
        return names.collect::<Option<Vec<_>>>().map(Step::Members);
    }
    if let Some((from, to)) = text.split_once(':') {
        let bound = |text: &str| match text.trim() {
            "" => Some(None),
            number => number.parse().ok().map(Some),
        };
        return Some(Step::Slice(bound(from)?, bound(to)?));
    }
    let indices = text.split(',').map(|index| index.trim().parse().ok());
    indices.collect::<Option<Vec<_>>>().map(Step::Items)
}
