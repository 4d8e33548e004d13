//! The methods of Java's `String`, `List`, `Map` and numbers that templates can call.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use pattern::Pattern;

use crate::value::{Map, Value};

/// All methods, whatever they are called on.
pub const METHODS: [&str; 51] = [
    "add",
    "addAll",
    "charAt",
    "compareTo",
    "concat",
    "contains",
    "containsKey",
    "containsValue",
    "doubleValue",
    "endsWith",
    "entrySet",
    "equals",
    "equalsIgnoreCase",
    "get",
    "getKey",
    "getOrDefault",
    "getValue",
    "indexOf",
    "intValue",
    "isEmpty",
    "keySet",
    "lastIndexOf",
    "length",
    "longValue",
    "matches",
    "parseBoolean",
    "parseDouble",
    "parseInt",
    "parseLong",
    "put",
    "putAll",
    "putIfAbsent",
    "remove",
    "replace",
    "replaceAll",
    "replaceFirst",
    "set",
    "size",
    "split",
    "startsWith",
    "subList",
    "substring",
    "toArray",
    "toCharArray",
    "toLowerCase",
    "toString",
    "toUpperCase",
    "trim",
    "valueOf",
    "values",
    "clear",
];

/// Calls a method. One that the value does not have returns null.
///
/// # Errors
///
/// An argument that the method does not accept.
pub fn call(value: &Value, method: &str, arguments: &[Value]) -> Result<Value, String> {
    let first = arguments.first().cloned().unwrap_or(Value::Null);
    match method {
        "toString" => return Ok(Value::text(value.to_string())),
        "equals" => return Ok(Value::Boolean(value.equals(&first))),
        _ => {}
    }
    match value {
        Value::Text(text) => of_text(text, method, arguments),
        Value::List(list) => Ok(of_list(&mut list.items.borrow_mut(), method, arguments)),
        Value::Map(map) => Ok(of_map(&mut map.borrow_mut(), method, arguments)),
        Value::Integer(_) | Value::Float(_) => Ok(of_number(value, method, &first)),
        Value::Null | Value::Boolean(_) => Ok(Value::Null),
    }
}

fn text_at(arguments: &[Value], index: usize) -> String {
    arguments
        .get(index)
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Indices of texts count characters: outside of Unicode's first plane Java counts two.
fn of_text(text: &str, method: &str, arguments: &[Value]) -> Result<Value, String> {
    let first = text_at(arguments, 0);
    let first = first.as_str();
    let place = |at: Option<usize>| match at.and_then(|at| text.get(..at)) {
        Some(before) => integer(before.chars().count()),
        None => Value::Integer(-1),
    };
    let pattern = || {
        Pattern::new(first)
            .map_err(|error| format!("{first:?} is not a pattern for {method}: {error}"))
    };
    Ok(match method {
        "length" | "size" => integer(text.chars().count()),
        "isEmpty" => Value::Boolean(text.is_empty()),
        "contains" => Value::Boolean(text.contains(first)),
        "startsWith" => Value::Boolean(text.starts_with(first)),
        "endsWith" => Value::Boolean(text.ends_with(first)),
        "equalsIgnoreCase" => Value::Boolean(text.to_lowercase() == first.to_lowercase()),
        "indexOf" => place(text.find(first)),
        "lastIndexOf" => place(text.rfind(first)),
        "toLowerCase" => Value::text(text.to_lowercase()),
        "toUpperCase" => Value::text(text.to_uppercase()),
        "trim" => Value::text(text.trim()),
        "concat" => Value::text(format!("{text}{first}")),
        "compareTo" => Value::Integer(match text.cmp(first) {
            core::cmp::Ordering::Less => -1,
            core::cmp::Ordering::Equal => 0,
            core::cmp::Ordering::Greater => 1,
        }),
        "replace" => Value::text(text.replace(first, &text_at(arguments, 1))),
        "replaceAll" => {
            let replacement = text_at(arguments, 1);
            Value::text(match literal(first) {
                Some(found) if !replacement.contains(['$', '\\']) => {
                    text.replace(&found, &replacement)
                }
                _ => pattern()?.replace(text, &replacement, true),
            })
        }
        "replaceFirst" => Value::text(pattern()?.replace(text, &text_at(arguments, 1), false)),
        "split" => {
            let mut parts: Vec<_> = match literal(first) {
                Some(found) => text.split(&*found).map(Value::text).collect(),
                None => pattern()?
                    .split(text)
                    .into_iter()
                    .map(Value::text)
                    .collect(),
            };
            // Java drops empty texts at the end.
            while parts.len() > 1 && parts.last().is_some_and(|it| it.to_string().is_empty()) {
                parts.pop();
            }
            Value::list(parts)
        }
        "matches" => {
            let pattern = Pattern::whole(first)
                .map_err(|error| format!("{first:?} is not a pattern for matches: {error}"))?;
            Value::Boolean(pattern.matches(text))
        }
        "substring" => {
            let count = text.chars().count();
            let from = index(arguments.first()).ok_or("substring needs an index")?;
            let to = index(arguments.get(1)).unwrap_or(count);
            if from > to || to > count {
                return Err(format!("substring({from}, {to}) is outside of {text:?}"));
            }
            Value::text(text.chars().skip(from).take(to - from).collect::<String>())
        }
        "charAt" => {
            let at = index(arguments.first()).unwrap_or_default();
            let char = text.chars().nth(at);
            char.map_or(Value::Null, |char| Value::text(char.to_string()))
        }
        "toCharArray" => {
            let chars = text.chars().map(|char| Value::text(char.to_string()));
            Value::list(chars.collect())
        }
        "parseInt" | "parseLong" | "parseDouble" | "parseBoolean" | "valueOf" => {
            parsed(method, first)
        }
        _ => Value::Null,
    })
}

/// The text that a pattern matches, if it is only one. Most patterns are: `,`, `\\|`, `\\'`. To compile them for every
/// item of a list takes more memory than a call has.
fn literal(pattern: &str) -> Option<String> {
    let mut text = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => text.push(chars.next().filter(char::is_ascii_punctuation)?),
            '.' | '[' | ']' | '{' | '}' | '(' | ')' | '*' | '+' | '?' | '^' | '$' | '|' => {
                return None;
            }
            char => text.push(char),
        }
    }
    (!text.is_empty()).then_some(text)
}

/// `Integer.parseInt` and its like, which templates call on any value of the class.
fn parsed(method: &str, text: &str) -> Value {
    let float = || text.trim().parse().map_or(Value::Null, Value::Float);
    match method {
        "parseBoolean" => Value::Boolean(text.eq_ignore_ascii_case("true")),
        "parseDouble" => float(),
        "valueOf" => text.parse().map_or_else(|_| float(), Value::Integer),
        _ => text.trim().parse().map_or(Value::Null, Value::Integer),
    }
}

fn of_number(value: &Value, method: &str, first: &Value) -> Value {
    match method {
        "intValue" | "longValue" => match value {
            Value::Float(number) => {
                let text = number.to_string();
                let whole = text.split('.').next().unwrap_or_default();
                whole.parse().map_or(Value::Null, Value::Integer)
            }
            value => value.clone(),
        },
        "doubleValue" => value.number().map_or(Value::Null, Value::Float),
        "compareTo" => match value.number().zip(first.number()) {
            Some((a, b)) if a < b => Value::Integer(-1),
            Some((a, b)) if a > b => Value::Integer(1),
            Some(_) => Value::Integer(0),
            None => Value::Null,
        },
        "parseInt" | "parseLong" | "parseDouble" | "parseBoolean" | "valueOf" => {
            parsed(method, &first.to_string())
        }
        _ => Value::Null,
    }
}

fn of_list(items: &mut Vec<Value>, method: &str, arguments: &[Value]) -> Value {
    let first = arguments.first().cloned().unwrap_or(Value::Null);
    let find = |items: &[Value]| items.iter().position(|item| item.equals(&first));
    match method {
        "size" | "length" => integer(items.len()),
        "isEmpty" => Value::Boolean(items.is_empty()),
        "get" => match index(Some(&first)).and_then(|at| items.get(at)) {
            Some(item) => item.clone(),
            None => Value::Null,
        },
        "add" if arguments.len() == 2 => {
            let at = index(Some(&first)).unwrap_or_default().min(items.len());
            items.insert(at, arguments.get(1).cloned().unwrap_or(Value::Null));
            Value::Null
        }
        "add" => {
            items.push(first);
            Value::Boolean(true)
        }
        "addAll" => {
            let others = match &first {
                // The list itself cannot be borrowed twice.
                Value::List(list) => match list.items.try_borrow() {
                    Ok(others) => others.clone(),
                    Err(_) => items.clone(),
                },
                _ => Vec::new(),
            };
            items.extend(others);
            Value::Boolean(true)
        }
        "set" => {
            let at = index(Some(&first)).and_then(|at| items.get_mut(at));
            let new = arguments.get(1).cloned().unwrap_or(Value::Null);
            at.map_or(Value::Null, |item| core::mem::replace(item, new))
        }
        "remove" => match &first {
            Value::Integer(_) => match index(Some(&first)).filter(|at| *at < items.len()) {
                Some(at) => items.remove(at),
                None => Value::Null,
            },
            _ => {
                let found = find(items).map(|at| items.remove(at));
                Value::Boolean(found.is_some())
            }
        },
        "clear" => {
            items.clear();
            Value::Null
        }
        "contains" => Value::Boolean(find(items).is_some()),
        "indexOf" => find(items).map_or(Value::Integer(-1), integer),
        "subList" => {
            let from = index(Some(&first)).unwrap_or_default();
            let to = index(arguments.get(1)).unwrap_or(items.len());
            let part = items.get(from..to).map(<[Value]>::to_vec);
            Value::list(part.unwrap_or_default())
        }
        "toArray" | "values" => Value::list(items.clone()),
        _ => Value::Null,
    }
}

fn of_map(map: &mut Map, method: &str, arguments: &[Value]) -> Value {
    let key = text_at(arguments, 0);
    let key = key.as_str();
    let second = || arguments.get(1).cloned().unwrap_or(Value::Null);
    match method {
        "size" => integer(map.entries().len()),
        "isEmpty" => Value::Boolean(map.entries().is_empty()),
        "get" => map.get(key).unwrap_or(Value::Null),
        "getOrDefault" => map.get(key).unwrap_or_else(second),
        "getKey" => map.get("key").unwrap_or(Value::Null),
        "getValue" => map.get("value").unwrap_or(Value::Null),
        "containsKey" => Value::Boolean(map.get(key).is_some()),
        "containsValue" => {
            let first = arguments.first().cloned().unwrap_or(Value::Null);
            let mut entries = map.entries().iter();
            Value::Boolean(entries.any(|(_, value)| value.equals(&first)))
        }
        "put" => map.put(key, second()).unwrap_or(Value::Null),
        "putIfAbsent" => match map.get(key) {
            Some(old) => old,
            None => map.put(key, second()).unwrap_or(Value::Null),
        },
        "putAll" => {
            if let Some(Value::Map(other)) = arguments.first()
                && let Ok(other) = other.try_borrow()
            {
                for (key, value) in other.entries() {
                    map.put(key, value.clone());
                }
            }
            Value::Null
        }
        "remove" => map.remove(key).unwrap_or(Value::Null),
        "clear" => {
            *map = Map::default();
            Value::Null
        }
        "keySet" => {
            let keys = map.entries().iter();
            Value::list(keys.map(|(key, _)| Value::Text(key.clone())).collect())
        }
        "values" => {
            let entries = map.entries().iter();
            Value::list(entries.map(|(_, value)| value.clone()).collect())
        }
        "entrySet" => {
            let entry = |(key, value): &(alloc::rc::Rc<str>, Value)| {
                Value::map([("key", Value::Text(key.clone())), ("value", value.clone())])
            };
            Value::list(map.entries().iter().map(entry).collect())
        }
        _ => Value::Null,
    }
}

fn integer(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn index(value: Option<&Value>) -> Option<usize> {
    match value? {
        Value::Integer(number) => usize::try_from(*number).ok(),
        other => other.to_string().parse().ok(),
    }
}
