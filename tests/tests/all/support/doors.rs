//! One function behind every front door, which records its events.

use std::fs;

use serde_json::Value;

use super::{Project, RAW_BOOTSTRAP, Server};

/// The front doors, which are the names of their plugins and of the triggers here.
pub const DOORS: [&str; 4] = [
    "api-gateway-http",
    "function-url",
    "alb",
    "api-gateway-rest",
];

/// A function behind every door that answers `done`.
pub struct Doors {
    pub project: Project,
    pub server: Server,
}

impl Doors {
    /// Doors with further settings in each trigger, among them `listen`. The server's data is in the project's folder.
    pub fn start(settings: &str) -> Self {
        let project = Project::new("");
        let door = |name: &str| {
            // Without the stage in the path.
            let own = match name {
                "api-gateway-rest" => "base-path = ''\n",
                _ => "",
            };
            format!("[triggers.{name}]\nplugin = '{name}'\nfunction = 'echo'\n{own}{settings}\n")
        };
        let events = project.path().join("events");
        let config = format!(
            "invoke.listen = '127.0.0.1:0'\n[functions.echo]\ncode = '{RAW_BOOTSTRAP}'\n\
             [functions.echo.environment]\nRAW_BOOTSTRAP_RECORD = '{}'\n\
             RAW_BOOTSTRAP_ANSWER = '{{\"statusCode\":200,\"body\":\"done\"}}'\n{}",
            events.display(),
            DOORS.map(door).concat()
        );
        project.file("lambkin.toml", config);
        let data = project.path().join("data");
        let data = data.to_str().expect("UTF-8");
        let server = project.serve_with(&[], &[("XDG_DATA_HOME", data)]);
        Self { project, server }
    }

    /// The last event of the function.
    #[track_caller]
    pub fn last_event(&self) -> Value {
        let events = fs::read_to_string(self.project.path().join("events")).unwrap_or_default();
        let last = events.lines().last().expect("an event");
        serde_json::from_str(last).expect("JSON")
    }
}
