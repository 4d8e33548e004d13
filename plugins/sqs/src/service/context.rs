//! What surrounds a request: the store, the configuration, an id and the time.

use crate::service::settings::Settings;
use crate::service::store::Store;

/// What the service knows besides the request itself.
pub struct Context<'a> {
    /// The queues that the service may use.
    pub store: &'a dyn Store,
    /// The AWS region, such as `us-east-1`.
    pub region: &'a str,
    /// The AWS account id: twelve digits.
    pub account: &'a str,
    /// The service's settings from `lambkin.toml`.
    pub settings: Settings,
    /// A UUID, returned as AWS's request id.
    pub request_id: String,
    /// The time of the request, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}
