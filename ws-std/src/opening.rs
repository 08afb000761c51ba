//! Reading and writing the opening handshake, until the moment by which all of it has to be done.

use crate::buffers::{Inbox, Outbox};
use crate::clock::{Deadline, Late};
use crate::waiting::{Again, cut};
use crate::{Error, Transport, Waited};
use std::io::ErrorKind;
use ws_core::Output;

impl From<Late> for Error {
    fn from(_: Late) -> Self {
        Self::TimedOut(Waited::Handshake)
    }
}

/// Reads until there is something to decode.
pub(crate) fn read<S: Transport>(stream: &mut S, inbox: &mut Inbox, deadline: Deadline) -> Result<(), Error> {
    let mut again = Again::default();
    while inbox.is_empty() {
        stream.set_read_timeout(deadline.left()?.map(cut))?;
        match inbox.fill(stream) {
            Ok(0) => return Err(Error::Lost),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => again.unless_failed(error.into())?,
        }
    }
    Ok(())
}

/// Writes what `encode` writes, until it says that it is done.
pub(crate) fn write<S: Transport>(
    stream: &mut S,
    outbox: &mut Outbox,
    deadline: Deadline,
    mut encode: impl FnMut(&mut Output<'_>) -> bool,
) -> Result<(), Error> {
    loop {
        let done = outbox.encode(&mut encode);
        let mut again = Again::default();
        while !outbox.is_settled() {
            stream.set_write_timeout(deadline.left()?.map(cut))?;
            match outbox.write_some(stream) {
                Ok(()) => again = Again::default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => again.unless_failed(error.into())?,
            }
        }
        if done {
            return Ok(());
        }
    }
}

/// Behind the answer to a client that opened no WebSocket: ends our direction, then reads and forgets until the client
/// ends its own. Closing with unread input would reset the connection, and may take the answer along.
pub(crate) fn linger<S: Transport>(stream: &mut S, inbox: &mut Inbox, deadline: Deadline) {
    if stream.shutdown_write().is_err() {
        return;
    }
    inbox.clear();
    while read(stream, inbox, deadline).is_ok() {
        inbox.clear();
    }
}
