//! What a step of an HTTP trigger asks of the network and of the cache.

use std::time::Duration;

use bytes::Bytes;

/// What `resume` needs beside the outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumption {
    /// The token for [`HttpTrigger::resume`](crate::HttpTrigger::resume), up to
    /// [`TOKEN_BYTES`](crate::limits::TOKEN_BYTES).
    pub token: String,
    /// Whether [`HttpTrigger::resume`](crate::HttpTrigger::resume) needs the request again.
    pub with_request: bool,
}

/// Permission to answer from the trigger's cache, and to store there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// What the result depends on, beside the function or the document.
    pub key: String,
    /// How long the result is kept, up to [`CACHE_TTL`](crate::limits::CACHE_TTL).
    pub ttl: Duration,
}

/// A document to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The absolute URL.
    pub url: String,
    /// The method, as an HTTP token.
    pub method: String,
    /// The headers, which are valid HTTP.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// The longest time for the whole exchange, up to [`FETCH_WAIT`](crate::limits::FETCH_WAIT).
    pub wait: Duration,
    /// Whether the response may come from the cache and be stored there.
    pub cache: Option<CacheEntry>,
    /// How the plugin goes on.
    pub resumption: Resumption,
}
