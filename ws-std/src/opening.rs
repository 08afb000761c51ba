//! Reading and writing the opening handshake, until the moment by which all of it has to be done.

use crate::buffers::{Inbox, Outbox};
use crate::clock::Deadline;
use crate::{Error, Transport, Waited};
use std::thread;
use std::time::Duration;
use ws_core::Output;

fn left(deadline: Deadline) -> Result<Duration, Error> {
    deadline.left().ok_or(Error::TimedOut(Waited::Handshake))
}

/// A stream that never blocks has no way to wait but to be asked again.
fn again(error: Error) -> Result<(), Error> {
    match error {
        Error::WouldBlock => {
            thread::yield_now();
            Ok(())
        }
        error => Err(error),
    }
}

/// Reads until there is something to decode.
pub(crate) fn read<S: Transport>(stream: &mut S, inbox: &mut Inbox, deadline: Deadline) -> Result<(), Error> {
    while inbox.is_empty() {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match inbox.fill(stream) {
            Ok(0) => return Err(Error::Lost),
            Ok(_) => {}
            Err(error) => again(error.into())?,
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
        while outbox.len() > 0 {
            stream.set_write_timeout(Some(left(deadline)?))?;
            outbox.write_some(stream).or_else(|error| again(error.into()))?;
        }
        if done {
            return stream.flush().or_else(|error| again(error.into()));
        }
    }
}
