//! One connection in two threads: [`Reader`] and [`Writer`].
//!
//! Two locks: what is written (the outbox and the stream), and the state of the connection. Who takes both takes them in
//! this order; nobody holds the second while the stream is waited for, and the reader holds neither while it reads.
//!
//! The reader never waits long to write, nor for the writer to have written: the peer may be writing too, and read only
//! once it is rid of that. A reply that the reader cannot write, because the writer is at it, is written by the
//! writer when it is done; what the stream does not take at once, the reader tries again after each read.
//!
//! | file | what |
//! | --- | --- |
//! | `reader.rs`, `writer.rs` | the two halves |
//! | here | what they share |

mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

use reader::Hearing;

use crate::buffers::{Outbox, Patience};
use crate::clock::Clock;
use crate::compression::Deflating;
use crate::link::{Link, ending, forget, note_broken, patience, why};
use crate::waiting::{Access, SHORT_NAP, is_end};
use crate::{Error, Transport, WebSocket};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use ws_core::{Connection, Output, Role, UsageError};

#[derive(Debug)]
struct Shared<S, R: Role> {
    outgoing: Mutex<Outgoing<S>>,
    ws: Mutex<Connection<R>>,
    /// The writer has encoded something, and with it what was owed; goes with `ws`.
    encoded: Condvar,
    clock: Clock,
}

#[derive(Debug)]
struct Outgoing<S> {
    stream: S,
    outbox: Outbox,
    deflating: Option<Deflating>,
    /// The stream takes no more, and why.
    broken: Option<io::Error>,
}

/// How much of what is to be written has been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    All,
    /// The stream does not take it now.
    NotYet,
    /// The writer is at it.
    ByWriter,
}

/// What [`WebSocket::split`] makes.
pub type Halves<S, R> = (Reader<S, R>, Writer<S, R>);

pub(crate) fn split<S: Transport, R: Role>(socket: WebSocket<S, R>, other: S) -> Halves<S, R> {
    let WebSocket { link, incoming, agreed } = socket;
    let Link { stream, ws, clock, outbox, deflating, timer, is_shut, broken } = link;
    let outgoing = Mutex::new(Outgoing { stream: other, outbox, deflating, broken });
    let shared = Arc::new(Shared { outgoing, ws: Mutex::new(ws), encoded: Condvar::new(), clock });
    let hearing = Hearing { stream, timer, is_shut, held_since: None, shared: shared.clone() };
    (Reader { incoming, agreed, hearing }, Writer { shared })
}

impl<S: Transport, R: Role> Shared<S, R> {
    fn ws(&self) -> MutexGuard<'_, Connection<R>> {
        self.ws.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing<S>> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle_timeout(&self) {
        self.ws().handle_timeout(self.clock.now());
    }

    fn patience(&self) -> Patience {
        patience(&self.ws(), self.clock)
    }

    /// How the connection ended, once it has.
    fn ending(&self) -> Result<(), Error> {
        let result = ending(&self.ws());
        result.map_err(|error| match self.outgoing.try_lock() {
            Ok(outgoing) => why(error, outgoing.broken.as_ref()),
            Err(_) => error,
        })
    }

    /// For the writer: repeats `encode` until it is done, and writes out what is in its way.
    fn encode(
        &self,
        patience: Patience,
        mut encode: impl FnMut(&Self, &mut Option<Deflating>, &mut Output<'_>) -> Result<bool, UsageError>,
    ) -> Result<(), Error> {
        let mut outgoing = self.outgoing();
        let result = loop {
            if !outgoing.outbox.has_room()
                && let Err(error) = outgoing.flush(patience)
            {
                break Err(error);
            }
            let Outgoing { outbox, deflating, .. } = &mut *outgoing;
            let done = outbox.encode(|out| encode(self, deflating, out));
            self.encoded.notify_one();
            match done {
                Ok(true) => break Ok(()),
                Ok(false) => {
                    if let Err(error) = outgoing.flush(patience) {
                        break Err(error);
                    }
                }
                Err(error) => break Err(error.into()),
            }
        };
        drop(outgoing);
        if let Ok(()) | Err(Error::Usage(_) | Error::WouldBlock) = result {
            self.write_owed()?;
        }
        result
    }

    /// For the writer, done with its own: writes what the reader left to it meanwhile.
    fn write_owed(&self) -> Result<(), Error> {
        self.encoded.notify_one();
        while self.ws().wants_transmit() {
            match self.settle(self.patience()) {
                Ok(Settled::All) => {}
                Ok(Settled::NotYet | Settled::ByWriter) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn settle_patiently(&self) -> Result<Settled, Error> {
        self.settle(self.patience())
    }

    /// Writes what is encoded or owed, unless the other half is writing: then that half does it, once it is done.
    fn settle(&self, patience: Patience) -> Result<Settled, Error> {
        loop {
            let mut outgoing = match self.outgoing.try_lock() {
                Ok(outgoing) => outgoing,
                Err(TryLockError::Poisoned(error)) => error.into_inner(),
                Err(TryLockError::WouldBlock) => return Ok(Settled::ByWriter),
            };
            match self.transmit(&mut outgoing, patience) {
                Ok(()) => {}
                Err(Error::WouldBlock) => return Ok(Settled::NotYet),
                // The peer is gone. It may have said something before, which is read first.
                Err(error) if is_end(&error) => forget(&mut outgoing.outbox, &mut self.ws()),
                Err(error) => return Err(error),
            }
            drop(outgoing);
            if !self.ws().wants_transmit() {
                return Ok(Settled::All);
            }
        }
    }

    /// Writes all that is encoded or owed.
    fn transmit(&self, outgoing: &mut Outgoing<S>, patience: Patience) -> Result<(), Error> {
        loop {
            if outgoing.outbox.has_room() {
                outgoing.outbox.encode(|out| self.ws().transmit(out));
            }
            outgoing.flush(patience)?;
            if !self.ws().wants_transmit() {
                return Ok(());
            }
        }
    }

    /// Waits until the writer has encoded something or is done, for a while, if it `is_needed`.
    fn wait_for_writer(&self, is_needed: impl FnOnce(&Connection<R>) -> bool) {
        let ws = self.ws();
        if is_needed(&ws) {
            drop(self.encoded.wait_timeout(ws, SHORT_NAP));
        }
    }
}

impl<S: Transport, R: Role> Access<R> for &Shared<S, R> {
    fn with<T>(&mut self, look: impl FnOnce(&mut Connection<R>) -> T) -> T {
        look(&mut self.ws())
    }
}

impl<S: Transport> Outgoing<S> {
    fn flush(&mut self, patience: Patience) -> Result<(), Error> {
        match self.broken {
            // Even if nothing waits: the reader may have forgotten it.
            Some(_) => Err(Error::Io(io::ErrorKind::BrokenPipe.into())),
            None => note_broken(self.outbox.flush(&mut self.stream, patience), &mut self.broken),
        }
    }
}
