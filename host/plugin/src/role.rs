//! Roles: what a component can be for the host.
//!
//! A component has a role if it exports the role's interface in a version that this host supports. One component may
//! have several roles. The host ignores other exports.

use std::fmt;

use crate::contract::Contract;

/// A role of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Exports `lambkin:http-trigger/http-shaper`.
    HttpTrigger,
    /// Exports `lambkin:websocket-trigger/websocket-shaper`, beside `lambkin:http-trigger/http-shaper`.
    WebSocketTrigger,
    /// Exports `lambkin:batch-trigger/batch-shaper`.
    BatchTrigger,
    /// Exports `lambkin:object-trigger/object-shaper`.
    ObjectTrigger,
    /// Exports `wasi:http/incoming-handler`.
    Service,
    /// Exports `lambkin:source/poller`.
    Source,
}

impl Role {
    /// All roles, in the order in which messages list them.
    pub(crate) const ALL: [Self; 6] = [
        Self::HttpTrigger,
        Self::WebSocketTrigger,
        Self::BatchTrigger,
        Self::ObjectTrigger,
        Self::Service,
        Self::Source,
    ];

    /// The interface that a component exports to have the role.
    pub(crate) fn contract(self) -> Contract {
        Contract(match self {
            Self::HttpTrigger => "lambkin:http-trigger/http-shaper@0.2.x",
            Self::WebSocketTrigger => "lambkin:websocket-trigger/websocket-shaper@0.2.x",
            Self::BatchTrigger => "lambkin:batch-trigger/batch-shaper@0.2.x",
            Self::ObjectTrigger => "lambkin:object-trigger/object-shaper@0.2.x",
            Self::Service => "wasi:http/incoming-handler@0.2.x",
            Self::Source => "lambkin:source/poller@0.2.x",
        })
    }

    /// Whether a component in this role has access to queues, objects or HTTP. Components in the other roles only
    /// compute.
    pub(crate) fn is_privileged(self) -> bool {
        matches!(self, Self::Service | Self::Source)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HttpTrigger => "http-trigger",
            Self::WebSocketTrigger => "websocket-trigger",
            Self::BatchTrigger => "batch-trigger",
            Self::ObjectTrigger => "object-trigger",
            Self::Service => "service",
            Self::Source => "source",
        })
    }
}
