//! The operations that invoke a function.

/// An operation that invokes a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Invoke,
    InvokeWithResponseStream,
    InvokeAsync,
}

impl Operation {
    /// The operation of a path, and the function's name in the path, which may be percent-encoded.
    pub(crate) fn of(path: &str) -> Option<(Self, &str)> {
        let (operation, name) = if let Some(rest) = path.strip_prefix("/2015-03-31/functions/") {
            (Self::Invoke, rest.strip_suffix("/invocations")?)
        } else if let Some(rest) = path.strip_prefix("/2021-11-15/functions/") {
            let name = rest.strip_suffix("/response-streaming-invocations")?;
            (Self::InvokeWithResponseStream, name)
        } else {
            let rest = path.strip_prefix("/2014-11-13/functions/")?;
            // Some SDKs end the path with a slash.
            let name = rest.strip_suffix('/').unwrap_or(rest);
            (Self::InvokeAsync, name.strip_suffix("/invoke-async")?)
        };
        (!name.is_empty() && !name.contains('/')).then_some((operation, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_operations() {
        for (path, expected) in [
            (
                "/2015-03-31/functions/f/invocations",
                Some((Operation::Invoke, "f")),
            ),
            (
                "/2021-11-15/functions/f%3Alive/response-streaming-invocations",
                Some((Operation::InvokeWithResponseStream, "f%3Alive")),
            ),
            (
                "/2014-11-13/functions/f/invoke-async",
                Some((Operation::InvokeAsync, "f")),
            ),
            (
                "/2014-11-13/functions/f/invoke-async/",
                Some((Operation::InvokeAsync, "f")),
            ),
            ("/2015-03-31/functions/f/invocations/", None),
            ("/2015-03-31/functions//invocations", None),
            ("/2015-03-31/functions/a/b/invocations", None),
            ("/2015-03-31/functions/f", None),
            ("/", None),
        ] {
            assert_eq!(Operation::of(path), expected, "{path}");
        }
    }
}
