//! The parameters of a query, decoded.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::percent::decode_query;

/// A key and one value.
pub type Parameter<'a> = (Cow<'a, str>, Cow<'a, str>);

/// All parameters, sorted by key as in AWS's events; the values of a key keep their order. A key without `=` has an
/// empty value. An empty piece between two `&` is skipped.
pub fn parameters(query: &str) -> Vec<Parameter<'_>> {
    let mut parameters: Vec<_> = query
        .split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .map(|(key, value)| (decode_query(key), decode_query(value)))
        .collect();
    parameters.sort_by(|(left, _), (right, _)| left.cmp(right));
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        parameters(query)
    }

    #[test]
    fn keys_and_values_are_decoded_and_sorted() {
        assert_eq!(
            read("tag=C%23&b%20c=1+2&tag=x&a=b=c"),
            [("a", "b=c"), ("b c", "1 2"), ("tag", "C#"), ("tag", "x")]
                .map(|(k, v)| (k.into(), v.into()))
        );
    }

    #[test]
    fn empty_values_are_kept_and_empty_pieces_are_skipped() {
        assert_eq!(
            read("&a&&b=&=c&"),
            [("", "c"), ("a", ""), ("b", "")].map(|(k, v)| (k.into(), v.into()))
        );
        assert_eq!(read(""), []);
        assert_eq!(read("&"), []);
    }
}
