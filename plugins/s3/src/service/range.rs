//! The ranges of the header `Range` and of a copy's source.

use super::error::{self, Error};

/// A range of an object's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// The position of the first byte.
    pub offset: u64,
    /// The number of bytes.
    pub length: u64,
}

impl ByteRange {
    /// The value of `Content-Range`, such as `bytes 0-9/100`.
    pub fn content_range(self, size: u64) -> String {
        let last = (self.offset + self.length).saturating_sub(1);
        format!("bytes {}-{last}/{size}", self.offset)
    }
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().unwrap_or(u64::MAX))
}

/// The range in a header; `None` for the whole object. S3 ignores headers that it does not support, such as those with
/// several ranges.
pub fn of_header(header: &str, size: u64) -> Result<Option<ByteRange>, Error> {
    let Some((first, last)) = header
        .trim()
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Ok(None);
    };
    let (first, last) = (first.trim(), last.trim());
    let unsatisfiable = || {
        error::INVALID_RANGE
            .with("RangeRequested", header)
            .with("ActualObjectSize", size.to_string())
    };
    if first.is_empty() {
        return match number(last) {
            None => Ok(None),
            Some(0) => Err(unsatisfiable()),
            Some(_) if size == 0 => Err(unsatisfiable()),
            Some(count) => {
                let length = count.min(size);
                Ok(Some(ByteRange {
                    offset: size - length,
                    length,
                }))
            }
        };
    }
    let Some(offset) = number(first) else {
        return Ok(None);
    };
    let last = match last {
        "" => u64::MAX,
        last => match number(last) {
            Some(last) if last >= offset => last,
            _ => return Ok(None),
        },
    };
    if offset >= size {
        return Err(unsatisfiable());
    }
    let end = last.saturating_add(1).min(size);
    Ok(Some(ByteRange {
        offset,
        length: end - offset,
    }))
}

/// The range in `x-amz-copy-source-range`. It has to lie within the object.
pub fn of_copy(header: &str, size: u64) -> Result<ByteRange, Error> {
    let range = header
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .and_then(|(first, last)| Some((number(first)?, number(last)?)))
        .filter(|(first, last)| first <= last);
    let Some((first, last)) = range else {
        return Err(error::invalid_argument(
            "x-amz-copy-source-range",
            header,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy",
        ));
    };
    if first >= size {
        return Err(error::INVALID_REQUEST
            .with_message("The specified copy range is invalid for the source object size"));
    }
    if last >= size {
        return Err(error::invalid_argument(
            "x-amz-copy-source-range",
            header,
            format!("Range specified is not valid for source object of size: {size}"),
        ));
    }
    Ok(ByteRange {
        offset: first,
        length: last - first + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_limited_to_the_object() {
        for (header, offset, length) in [
            ("bytes=0-0", 0, 1),
            ("bytes=2-5", 2, 4),
            ("bytes=8-100", 8, 2),
            ("bytes=3-", 3, 7),
            ("bytes=-3", 7, 3),
            ("bytes=-30", 0, 10),
            ("bytes=0-99999999999999999999999", 0, 10),
        ] {
            assert_eq!(
                of_header(header, 10).unwrap(),
                Some(ByteRange { offset, length }),
                "{header}"
            );
        }
    }

    #[test]
    fn unsupported_ranges_are_ignored() {
        for header in [
            "bytes=0-1,3-4",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=-",
            "lines=1-2",
            "0-1",
            "bytes=1",
        ] {
            assert_eq!(of_header(header, 10).unwrap(), None, "{header}");
        }
    }

    #[test]
    fn a_range_outside_of_the_object_is_an_error() {
        for (header, size) in [
            ("bytes=10-", 10),
            ("bytes=-0", 10),
            ("bytes=0-", 0),
            ("bytes=-1", 0),
        ] {
            assert_eq!(
                of_header(header, size).unwrap_err().code(),
                "InvalidRange",
                "{header}"
            );
        }
        assert!(of_copy("bytes=0-10", 10).is_err());
        assert!(of_copy("bytes=0-", 10).is_err());
        assert_eq!(of_copy("bytes=0-9", 10).unwrap().length, 10);
    }
}
