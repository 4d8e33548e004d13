//! One page of a list, and the marker of the next one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::error::ApiError;
use crate::limits::LIST_PAGE_ITEMS;

/// AWS's maximum of `MaxItems`.
const MAX_ITEMS: usize = 10_000;

/// A page of a list. The list does not change while the host runs, so the marker is a position in it.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    /// The marker of the next page, which is opaque to callers; `None` for the last page.
    pub next: Option<String>,
}

impl<T: Clone> Page<T> {
    pub(super) fn of(
        all: &[T],
        marker: Option<&str>,
        max_items: Option<&str>,
    ) -> Result<Self, ApiError> {
        let start = marker.map_or(Ok(0), position)?;
        let max = max_items.map_or(Ok(LIST_PAGE_ITEMS), count)?;
        let rest = all.get(start..).unwrap_or_default();
        let items = rest.get(..max.min(rest.len())).unwrap_or_default();
        let end = start + items.len();
        Ok(Self {
            items: items.to_vec(),
            next: (end < all.len()).then(|| BASE64.encode(end.to_string())),
        })
    }
}

fn position(marker: &str) -> Result<usize, ApiError> {
    let decoded = BASE64.decode(marker).ok();
    decoded
        .and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok())
        .ok_or_else(|| {
            let message =
                format!("The marker {marker:?} is not one that a list operation returned.");
            ApiError::invalid_parameter(message)
        })
}

fn count(max_items: &str) -> Result<usize, ApiError> {
    let number = max_items.parse().ok();
    number
        .filter(|number| (1..=MAX_ITEMS).contains(number))
        .map(|number| number.min(LIST_PAGE_ITEMS))
        .ok_or_else(|| {
            let message =
                format!("MaxItems must be a number from 1 to {MAX_ITEMS}, not {max_items:?}.");
            ApiError::invalid_parameter(message)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_lead_to_the_end_of_the_list() {
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
    fn an_invalid_marker_or_number_is_refused() {
        for (marker, max_items) in [
            (Some("%"), None),
            (Some("eA=="), None),
            (None, Some("0")),
            (None, Some("x")),
            (None, Some("10001")),
        ] {
            assert!(Page::of(&[1], marker, max_items).is_err());
        }
        let beyond_the_end = BASE64.encode("18446744073709551615");
        assert_eq!(
            Page::of(&[1], Some(&beyond_the_end), None).unwrap().next,
            None
        );
    }
}
