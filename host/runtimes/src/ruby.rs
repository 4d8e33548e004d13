//! How Ruby is started.

use std::path::{Path, PathBuf};

use crate::found::Found;

/// Whether the project's bundle has AWS's client.
pub(crate) fn has_own_client(code: &Path) -> bool {
    lambkin_files::read_small_text(&code.join("Gemfile.lock"))
        .is_some_and(|lock| lock.contains("aws_lambda_ric ("))
}

/// `RUBYLIB`: the code, and the layers, later ones first.
pub(crate) fn libraries(layers: &[PathBuf], code: &Path) -> String {
    let machine = [PathBuf::from("/opt")];
    let layers = if layers.is_empty() { &machine } else { layers };
    let layers = layers.iter().rev().map(|layer| layer.join("ruby/lib"));
    let folders = std::iter::once(code.to_owned()).chain(layers);
    let folders: Vec<String> = folders.map(|folder| folder.display().to_string()).collect();
    folders.join(":")
}

/// The arguments with the project's own client, or with the one in `clients`.
pub(crate) fn command(
    own_client: bool,
    found: &Found,
    clients: &Path,
    handler: &str,
) -> Vec<String> {
    // Without a locale of that encoding, as in most containers, Ruby would read files as US-ASCII.
    let mut arguments = vec!["-Eutf-8".to_owned()];
    if own_client {
        let bundle = found.program.with_file_name("bundle");
        let bundle = bundle.to_string_lossy().into_owned();
        arguments.extend([
            bundle,
            "exec".to_owned(),
            "aws_lambda_ric".to_owned(),
            handler.to_owned(),
        ]);
    } else {
        arguments.push(
            clients
                .join("ruby/client.rb")
                .to_string_lossy()
                .into_owned(),
        );
    }
    arguments
}
