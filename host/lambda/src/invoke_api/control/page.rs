//! One page of a list, and the marker of the next.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Error;
use crate::limits::LIST_PAGE_ITEMS;

/// AWS's own bound of `MaxItems`.
const MAX_ITEMS: usize = 10_000;

/// A part of a list that does not change.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    /// What to ask for next; to a caller it means nothing.
    pub next: Option<String>,
}

impl<T: Clone> Page<T> {
    pub(super) fn of(all: &[T], marker: Option<&str>, most: Option<&str>) -> Result<Self, Error> {
        let start = marker.map_or(Ok(0), position)?;
        let most = most.map_or(Ok(LIST_PAGE_ITEMS), count)?;
        let left = all.get(start..).unwrap_or_default();
        let items = left.get(..most.min(left.len())).unwrap_or_default();
        let end = start + items.len();
        Ok(Self {
            items: items.to_vec(),
            next: (end < all.len()).then(|| BASE64.encode(end.to_string())),
        })
    }
}

fn position(marker: &str) -> Result<usize, Error> {
    let decoded = BASE64.decode(marker).ok();
    decoded
        .and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok())
        .ok_or_else(|| {
            let message =
                format!("The marker {marker:?} is not one that a list operation returned.");
            Error::invalid_parameter(message)
        })
}

fn count(most: &str) -> Result<usize, Error> {
    let number = most.parse().ok();
    number
        .filter(|number| (1..=MAX_ITEMS).contains(number))
        .map(|number| number.min(LIST_PAGE_ITEMS))
        .ok_or_else(|| {
            let bounds = format!("MaxItems must be a number from 1 to {MAX_ITEMS}, not {most:?}.");
            Error::invalid_parameter(bounds)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let all: Vec<u32> = (0..120).collect();
        let mut seen = Vec::new();
        let mut marker = None;
        loop {
            let page = Page::of(&all, marker.as_deref(), None).unwrap();
            assert!(page.items.len() <= LIST_PAGE_ITEMS);
            seen.extend(page.items);
            match page.next {
                Some(next) => marker = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, all);
        assert_eq!(Page::of(&all, None, Some("7")).unwrap().items, all[..7]);
        assert_eq!(Page::of(&all, None, Some("10000")).unwrap().items.len(), 50);
    }

    #[test]
    fn what_is_no_marker_or_no_number_is_refused() {
        for (marker, most) in [
            (Some("%"), None),
            (Some("eA=="), None),
            (None, Some("0")),
            (None, Some("x")),
            (None, Some("10001")),
        ] {
            assert!(Page::of(&[1], marker, most).is_err());
        }
        let far = BASE64.encode("18446744073709551615");
        assert_eq!(Page::of(&[1], Some(&far), None).unwrap().next, None);
    }
}
