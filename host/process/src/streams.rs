//! The standard streams of a program in the foreground, which the host hands to the process that starts it.
//!
//! Contract: one byte with three descriptors precedes the launch on the socket. On failure: an error; the program is not
//! started.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Standard input, output and error.
pub(crate) type Streams = [OwnedFd; 3];

/// The byte that the descriptors come with.
const MARK: u8 = b's';

/// Sends the streams. The receiver has copies of the descriptors.
pub(crate) fn send(socket: impl AsFd, streams: &Streams) -> io::Result<()> {
    let descriptors: Vec<BorrowedFd<'_>> = streams.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("the streams do not fit into a message"));
    }
    let bytes = [IoSlice::new(&[MARK])];
    sendmsg(socket, &bytes, &mut ancillary, SendFlags::empty())?;
    Ok(())
}

/// Receives the streams.
pub(crate) fn receive(socket: impl AsFd) -> io::Result<Streams> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    recvmsg(socket, &mut bytes, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut received = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            received.extend(descriptors);
        }
    }
    let missing = |_| io::Error::other("the streams of the program were not received");
    received.try_into().map_err(missing)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn streams_and_what_follows_arrive() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        let null = || OwnedFd::from(File::open("/dev/null").unwrap());
        send(&ours, &[null(), writer.into(), null()]).unwrap();
        ours.write_all(b"launch").unwrap();
        drop(ours);
        let [_, output, _] = receive(&theirs).unwrap();
        let mut rest = String::new();
        theirs.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "launch");
        File::from(output).write_all(b"written").unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "written");
    }

    #[test]
    fn other_messages_have_no_streams() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"x").unwrap();
        assert!(receive(&theirs).is_err());
        drop(ours);
        assert!(receive(&theirs).is_err());
    }
}
