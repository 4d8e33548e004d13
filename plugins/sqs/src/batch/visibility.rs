//! The warning about a visibility timeout that is too short.
//!
//! AWS refuses an event source mapping whose queue has a shorter visibility timeout than the function's timeout, and
//! recommends one that also covers the batching window. Here such a mapping is accepted with a warning, so that tests
//! can use short timeouts.

use super::contract::{FunctionInfo, Source};

/// The warning for this source and function, in AWS's words. `None` if the timeout is long enough, or if the visibility
/// timeout or the function is unknown.
pub fn warning(
    source: &Source,
    function: &str,
    functions: &[FunctionInfo],
    window_ms: u32,
) -> Option<String> {
    let function = functions.iter().find(|known| known.name == function)?;
    let visibility_ms = source.lease_ms?;
    let timeout_ms = u64::from(function.timeout_ms);
    let window_ms = u64::from(window_ms);
    let (visibility, timeout) = (seconds(visibility_ms), seconds(timeout_ms));
    if visibility_ms < timeout_ms {
        return Some(format!(
            "Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds; \
             a message may be delivered again while the function is still processing it"
        ));
    }
    (visibility_ms < window_ms + timeout_ms).then(|| {
        format!(
            "Queue visibility timeout: {visibility} seconds is less than MaximumBatchingWindowInSeconds: {} seconds \
             and Function timeout: {timeout} seconds together; a message may be delivered again while its batch waits, \
             which ends that wait, or while the function is still processing it",
            seconds(window_ms)
        )
    })
}

/// A duration in seconds, with as many decimals as it needs. Formatting a floating-point number would add 25 KB to the
/// component.
fn seconds(ms: u64) -> String {
    let text = format!("{}.{:03}", ms / 1000, ms % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning_for(function: &str, window_ms: u32) -> Option<String> {
        let source = Source {
            name: "orders".to_owned(),
            ordered: false,
            lease_ms: Some(30_000),
            region: String::new(),
            account: String::new(),
            extra: Vec::new(),
        };
        let info = |name: &str, timeout_ms| FunctionInfo {
            name: name.to_owned(),
            timeout_ms,
        };
        let functions = [
            info("quick", 30_000),
            info("slow", 3_000),
            info("slow:live", 60_500),
        ];
        warning(&source, function, &functions, window_ms)
    }

    #[test]
    fn a_visibility_timeout_shorter_than_the_function_is_reported_in_awss_words() {
        for function in ["quick", "slow", "nobody"] {
            assert_eq!(warning_for(function, 0), None);
        }
        let warning = warning_for("slow:live", 0).unwrap();
        let words =
            "Queue visibility timeout: 30 seconds is less than Function timeout: 60.5 seconds";
        assert!(warning.starts_with(words), "{warning}");
    }

    #[test]
    fn the_batching_window_counts_as_well() {
        assert_eq!(warning_for("slow", 27_000), None);
        let warning = warning_for("slow", 28_000).unwrap();
        assert!(warning.contains("while its batch waits"), "{warning}");
    }

    #[test]
    fn an_unknown_visibility_timeout_gives_no_warning() {
        let source = Source {
            name: "orders".to_owned(),
            ordered: false,
            lease_ms: None,
            region: String::new(),
            account: String::new(),
            extra: Vec::new(),
        };
        let function = FunctionInfo {
            name: "f".to_owned(),
            timeout_ms: 1,
        };
        assert_eq!(warning(&source, "f", &[function], 300_000), None);
    }
}
