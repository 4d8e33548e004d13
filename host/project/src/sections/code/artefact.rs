//! What builds have made: `.aws-sam/build/ID` of `sam build`.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::document::Table;

use super::source;
use super::subject::{Function, set};

/// The folder that `sam build` has made for a function, if it has.
pub fn of(function: &Function<'_>) -> Option<PathBuf> {
    let built = folder(function);
    built.is_dir().then_some(built)
}

/// The folder that `sam build` makes for a function.
pub fn folder(function: &Function<'_>) -> PathBuf {
    function
        .project()
        .join(".aws-sam/build")
        .join(function.shown_name())
}

/// When a folder or file was made.
pub fn time(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

/// Notes that the source of a function is newer than what it is served from, with the command that builds it again.
pub fn tell_age(function: &Function<'_>, source: &Path, built: &Path, command: &str) {
    let made = time(built);
    let newest = function.seen.newest(source, || source::newest(source));
    // What is beside a program, in a folder of its own, are other programs.
    let beside = built
        .parent()
        .filter(|folder| built.is_file() && *folder != source);
    let is_source = |file: &Path| {
        !file.starts_with(built) && !beside.is_some_and(|beside| file.starts_with(beside))
    };
    let Some((file, changed)) = newest.filter(|(file, _)| is_source(file)) else {
        return;
    };
    if made.is_some_and(|made| changed > made) {
        function.note(format!(
            "{} runs from {}, and {} is newer: build it again with: {command}",
            function.shown_name(),
            function.shown(built),
            function.shown(&file)
        ));
    }
}

/// Serves what a build has made, and tells if the source is newer.
pub fn built(
    function: &Function<'_>,
    source: &Path,
    built: &Path,
    command: &str,
    table: &mut Table,
) -> bool {
    set(function, table, built);
    function.note(format!(
        "{} runs from {}, which a build has made",
        function.shown_name(),
        function.shown(built)
    ));
    tell_age(function, source, built, command);
    true
}

/// Refuses code that has to be built, with the command that does.
pub fn refuse(function: &Function<'_>, source: &Path, command: &str) -> bool {
    function.refuse(format!(
        "the code of {}, {}, has to be built: {command}",
        function.shown_name(),
        function.shown(source)
    ));
    false
}
