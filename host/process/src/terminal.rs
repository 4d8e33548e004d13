//! A terminal of its own for a program in the foreground, connected to the one that the host was started in.
//!
//! A program in a sandbox never gets the host's terminal itself: it could read what is typed for others, and on some
//! systems type into it. It gets the other end of a pseudoterminal, of which a new session is made, so that job control
//! works in a shell, and keys such as Ctrl-C act on what runs in it. The host passes on everything in both directions, and
//! its own terminal is in raw mode meanwhile.
//!
//! On failure: an error, and the terminal is as before. If it goes away, the program's input ends.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{
    OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};

use crate::streams::Streams;

/// The two ends of a pseudoterminal and the host's terminal. Dropping it makes the host's terminal what it was before.
#[derive(Debug)]
pub(crate) struct Terminal {
    master: OwnedFd,
    /// The device of the program's end, if it has a path here.
    device: Option<PathBuf>,
    before: Termios,
    output: Option<JoinHandle<()>>,
}

/// The streams of a program in the foreground: the host's own or, if its standard input is a terminal, those of them that
/// are terminals replaced by a new one.
pub(crate) fn streams() -> io::Result<(Streams, Option<Terminal>)> {
    let own = [
        rustix::stdio::stdin(),
        rustix::stdio::stdout(),
        rustix::stdio::stderr(),
    ];
    let copy = |stream: BorrowedFd<'_>| stream.try_clone_to_owned();
    if !isatty(own[0]) {
        return Ok(([copy(own[0])?, copy(own[1])?, copy(own[2])?], None));
    }
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let other = ioctl_tiocgptpeer(&master, flags)?;
    let before = tcgetattr(own[0])?;
    tcsetattr(&other, OptionalActions::Now, &before)?;
    let stream = |stream: BorrowedFd<'_>| match isatty(stream) {
        true => other.try_clone(),
        false => copy(stream),
    };
    let streams = [stream(own[0])?, stream(own[1])?, stream(own[2])?];
    let device = ptsname(&master, Vec::new())?.into_string().ok();
    let device = device.map(PathBuf::from).filter(|path| path.exists());
    let terminal = Terminal {
        master,
        device,
        before,
        output: None,
    };
    terminal.resize();
    Ok((streams, Some(terminal)))
}

impl Terminal {
    /// The device of the program's end: `/dev/pts/3`. `None` if it has no path on this machine.
    pub(crate) fn device(&self) -> Option<&Path> {
        self.device.as_deref()
    }

    /// Starts to pass on what is typed and what is printed.
    pub(crate) fn connect(&mut self) -> io::Result<()> {
        let mut raw = self.before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw)?;
        let input = File::from(self.master.try_clone()?);
        let output = File::from(self.master.try_clone()?);
        // Reads until the host ends: what is typed afterwards is for the shell, which has not been read then.
        thread::spawn(move || copy(io::stdin(), input));
        self.output = Some(thread::spawn(move || copy(output, io::stdout())));
        Ok(())
    }

    /// Gives the program's terminal the size of the host's.
    pub(crate) fn resize(&self) {
        if let Ok(size) = tcgetwinsize(rustix::stdio::stdin()) {
            let _ = tcsetwinsize(&self.master, size); // the size is a matter of looks
        }
    }

    /// Waits until everything that was printed has been passed on. All processes of the program must have ended.
    pub(crate) fn finish(mut self) {
        if let Some(output) = self.output.take() {
            let _ = output.join(); // it has no result
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before); // it has gone
    }
}

/// Makes a terminal that of this process's session, which has none.
pub(crate) fn adopt(terminal: impl AsFd) -> io::Result<()> {
    if isatty(&terminal) {
        rustix::process::ioctl_tiocsctty(&terminal)?;
    }
    Ok(())
}

/// Copies until one side is closed; of a pseudoterminal, reading then fails.
fn copy(mut from: impl Read, mut to: impl Write) {
    let mut buffer = [0; 4096];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                let bytes = buffer.get(..length).unwrap_or_default();
                if to.write_all(bytes).and_then(|()| to.flush()).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
