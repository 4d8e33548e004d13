//! The front doors, each with the settings that applications usually have.

/// A front door.
pub struct Door {
    /// The trigger's name.
    pub name: &'static str,
    /// The settings of the trigger.
    settings: &'static str,
    /// What the paths of all requests begin with.
    pub prefix: &'static str,
}

impl Door {
    /// The trigger, for `lambkin.toml`.
    pub fn trigger(&self) -> String {
        let Self { name, settings, .. } = self;
        format!("[triggers.{name}]\nlisten = '127.0.0.1:0'\n{settings}\n")
    }
}

pub const HTTP_2: &str = "http-2";
pub const HTTP_1: &str = "http-1";
pub const REST: &str = "rest";
pub const URL: &str = "url";
pub const ALB: &str = "alb";
pub const STREAMED_REST: &str = "streamed-rest";
pub const ALB_LISTS: &str = "alb-lists";

pub const DOORS: [Door; 6] = [
    Door {
        name: HTTP_2,
        settings: "function = 'app'\nplugin = 'api-gateway-http'",
        prefix: "",
    },
    Door {
        name: HTTP_1,
        settings: "function = 'app'\nplugin = 'api-gateway-http'\npayload-format-version = '1.0'",
        prefix: "",
    },
    Door {
        name: REST,
        settings: "function = 'app'\nplugin = 'api-gateway-rest'\nbinary-media-types = ['*/*']",
        prefix: "/prod",
    },
    Door {
        name: URL,
        settings: "function = 'app'\nplugin = 'function-url'",
        prefix: "",
    },
    Door {
        name: ALB,
        settings: "function = 'app'\nplugin = 'alb'",
        prefix: "",
    },
    Door {
        name: ALB_LISTS,
        settings: "function = 'app'\nplugin = 'alb'\nmulti-value-headers = true",
        prefix: "",
    },
];

/// The doors that pass on what a function has written so far.
pub const STREAMED: [Door; 2] = [
    Door {
        name: "streamed-url",
        settings: "function = 'app'\nplugin = 'function-url'\ninvoke-mode = 'RESPONSE_STREAM'",
        prefix: "",
    },
    Door {
        name: STREAMED_REST,
        settings: "plugin = 'api-gateway-rest'\nbinary-media-types = ['*/*']\n\
                   routes = { 'ANY /{proxy+}' = { function = 'app', response-transfer-mode = 'STREAM' } }",
        prefix: "/prod",
    },
];
