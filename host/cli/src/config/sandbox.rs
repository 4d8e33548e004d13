//! How the processes of functions are kept apart from the machine: keys of a function, and of the whole file.

use clap::ValueEnum;

use super::key::{Key, Kind};
use super::reader::{Diagnostics, Reader};

/// `sandbox` at the top of the file.
pub const DEFAULT_KEYS: &[Key] = &[Key::with_default(
    "sandbox",
    MODES,
    "\"process\"",
    "How functions are kept apart from the machine that do not say it themselves, see the key of the same name of \
     functions.",
)];

/// Keys that each version of a function can set.
pub const KEYS: &[Key] = &[
    Key::optional(
        "sandbox",
        MODES,
        "How the processes are kept apart from the machine and from other functions, see section *Sandboxes*: not at all \
         (`process`), by namespaces of Linux with the file system of a Lambda environment (`namespace`), or in the best \
         way that works here (`auto`). A function from a container image runs in its image, and nowhere else. Left out, the key of the same name at the top of `lambkin.toml` applies. \
         `--sandbox` overrides both.",
    ),
    Key::with_default(
        "ephemeral-storage",
        Kind::Integer {
            min: 1,
            max: 10_240,
            unit: "MB",
        },
        "512",
        "The size of `/tmp` in sandbox mode `namespace` and in images, where each MB also allows 256 files and folders. \
         On AWS it is at least 512 MB.",
    ),
];

const MODES: Kind = Kind::Choice(&["process", "namespace", "auto"]);

/// What is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum SandboxChoice {
    /// Processes that see the whole machine
    #[default]
    Process,
    /// Namespaces of Linux: read-only code at /var/task, layers at /opt, a /tmp of their own, user 993
    Namespace,
    /// Namespaces if they work here, else processes; which of them is printed
    Auto,
}

/// Reads `sandbox`.
pub fn read(table: &mut Reader<'_>) -> Option<SandboxChoice> {
    table.choice("sandbox").map(|found| match found.value {
        "namespace" => SandboxChoice::Namespace,
        "auto" => SandboxChoice::Auto,
        _ => SandboxChoice::Process,
    })
}

/// Reads `sandbox` of a function with an image, which has a mode of its own.
pub fn read_with_image(table: &mut Reader<'_>, diagnostics: &Diagnostics) -> Option<SandboxChoice> {
    let found = table.choice("sandbox")?;
    if found.value != "auto" {
        let message = "cannot be combined with `image`: the files of an image are a function's root only in namespaces of \
                       their own, which need Linux with user namespaces (`lambkin doctor` says what is missing); remove \
                       it, or write \"auto\", which is the same";
        diagnostics.add(found.span, &found.key, message);
    }
    None
}
