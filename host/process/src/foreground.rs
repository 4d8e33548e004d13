//! A program in a sandbox that has the host's standard streams and terminal, instead of pipes.
//!
//! Contract: as with any [`Process`], nothing outlives the call. Signals for the host are passed on to the program; a
//! second one ends everything.
//!
//! On failure: an error if the program's supervisor or terminal cannot be made; what else goes wrong is the program's
//! [`Exit`], with the [`Failure`] of its sandbox, if that is the reason.

use std::io;
use std::path::Path;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;
use crate::process::Process;
use crate::protocol::Launch;
use crate::sandbox::Failure;
use crate::terminal;

/// Runs a program until it has ended, and then ends all its processes. The launch must have a sandbox.
pub async fn run_in_foreground(launch: &Launch) -> io::Result<(Exit, Option<Failure>)> {
    let (streams, mut terminal) = terminal::streams()?;
    // From here on they do not end the host by themselves.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let mut hangups = signal(SignalKind::hangup())?;
    let mut sizes = signal(SignalKind::window_change())?;
    let mut launch = launch.clone();
    if let Some(sandbox) = &mut launch.sandbox {
        let device = terminal.as_ref().and_then(terminal::Terminal::device);
        sandbox.terminal = device.map(Path::to_owned);
    }
    let mut process = Process::spawn_in_foreground(&launch, streams)?;
    if let Some(terminal) = &mut terminal {
        terminal.connect()?;
    }
    let mut was_asked = false;
    let exit = loop {
        let passed = tokio::select! {
            exit = process.exited() => break exit,
            _ = sizes.recv() => {
                terminal.iter().for_each(terminal::Terminal::resize);
                continue;
            }
            _ = interrupts.recv() => Signal::INT,
            _ = terminations.recv() => Signal::TERM,
            _ = hangups.recv() => Signal::HUP,
        };
        // Ctrl-C is pressed several times by impatient people; the others are not sent twice without reason.
        if was_asked && passed != Signal::INT {
            break Exit::Signal(passed.as_raw());
        }
        was_asked |= passed != Signal::INT;
        match passed {
            Signal::INT => process.interrupt(),
            _ => process.terminate(),
        }
    };
    process.kill().await;
    if let Some(terminal) = terminal {
        terminal.finish();
    }
    Ok((exit, process.failure().cloned()))
}
