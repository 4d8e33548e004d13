//! `lambkin man`: the manual pages, made from the definition of the command line.
//!
//! `lambkin.1` describes the program, and one page for each command, such as `lambkin-serve.1`, its arguments. `man` finds
//! them in a folder `man1` below one of its search path; packages put them into `/usr/share/man/man1`.
//!
//! On failure: which folder could not be made, or which page could not be written, and why. The pages before it remain.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;

use crate::args::Args;

/// Writes all pages to the folder, which is made if it does not exist, and says so on standard error.
pub fn run(folder: &Path) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(folder).with_context(|| {
        format!(
            "cannot make the folder {} for the manual pages",
            folder.display()
        )
    })?;
    let pages = pages()?;
    for (name, text) in &pages {
        let file = folder.join(name);
        fs::write(&file, text)
            .with_context(|| format!("cannot write the manual page {}", file.display()))?;
    }
    writeln!(
        io::stderr(),
        "wrote {} manual pages to {}",
        pages.len(),
        folder.display()
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The names and texts of all pages: the program's first, then those of its commands as `lambkin --help` lists them.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    // There is no page of `lambkin help`, which describes nothing but the others.
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    let commands = program
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        // The services of `lambkin event` have no pages that its own could refer to.
        .map(|command| command.clone().mut_subcommands(|inner| inner.hide(true)));
    std::iter::once(program.clone())
        .chain(commands)
        .map(|command| {
            let page = clap_mangen::Man::new(command);
            let mut text = Vec::new();
            page.render(&mut text)?;
            Ok((page.get_filename(), text))
        })
        .collect()
}
