//! Pages of lists.

use crate::service::store::{Mark, Query};

/// The first page of a sorted list after the query's position, with its common prefixes and the next position.
pub fn page<T>(
    entries: Vec<(String, Option<String>, T)>,
    query: &Query,
) -> (Vec<T>, Vec<String>, Option<Mark>) {
    let mut items = Vec::new();
    let mut prefixes: Vec<String> = Vec::new();
    let mut last: Option<Mark> = None;
    let mut skipping = query.after.as_ref().is_some_and(|(_, id)| id.is_some());
    for (key, id, item) in entries {
        if !key.starts_with(&query.prefix) {
            continue;
        }
        let common = (!query.delimiter.is_empty())
            .then(|| key[query.prefix.len()..].find(&query.delimiter))
            .flatten()
            .map(|at| key[..query.prefix.len() + at + query.delimiter.len()].to_owned());
        if let Some((after, after_id)) = &query.after {
            if key < *after || common.as_ref() == Some(after) {
                continue;
            }
            if key == *after {
                if skipping {
                    skipping = id != *after_id;
                    continue;
                }
                if after_id.is_none() {
                    continue;
                }
            }
        }
        if common.is_some() && prefixes.last() == common.as_ref() {
            continue;
        }
        if items.len() + prefixes.len() == query.max as usize {
            return (items, prefixes, last);
        }
        match common {
            Some(common) => {
                last = Some((common.clone(), None));
                prefixes.push(common);
            }
            None => {
                last = Some((key, id));
                items.push(item);
            }
        }
    }
    (items, prefixes, None)
}
