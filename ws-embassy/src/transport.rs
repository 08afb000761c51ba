//! What a [`WebSocket`](crate::WebSocket) runs on: a half that is read ([`ReadHalf`]) and a half that is written
//! ([`WriteHalf`]). [`tcp`](crate::tcp) and [`io`](crate::io) implement them; nothing here knows of frames.
//!
//! Both lend memory to a function instead of filling memory that is handed in, so that frames are decoded and encoded
//! where TCP keeps its bytes.
#![expect(async_fn_in_trait, reason = "all runs on one executor, so no future has to be `Send`")]

/// The reading half of a transport.
pub trait ReadHalf {
    /// Why it cannot be read.
    type Error;

    /// Waits until something was read, and lends it to `f`, which returns how many bytes of it, from the front, it has
    /// done with, and a result. The rest is lent again. `None`: the peer has ended its direction, and all was lent.
    ///
    /// Cancel-safe: a future that is dropped has lost nothing, and `f` was not called.
    async fn read_with<O>(
        &mut self,
        f: impl FnOnce(&mut [u8]) -> (usize, O),
    ) -> Result<Option<O>, Self::Error>;
}

/// The writing half of a transport.
pub trait WriteHalf {
    /// Why it cannot be written.
    type Error;

    /// Waits until there is room for [`ROOM_MIN`] bytes at least, and lends it to `f`, which returns how many bytes, from
    /// the front, it has filled, and a result.
    ///
    /// Cancel-safe: a future that is dropped has written nothing, and `f` was not called.
    async fn write_with<O>(&mut self, f: impl FnOnce(&mut [u8]) -> (usize, O)) -> Result<O, Self::Error>;

    /// Waits until everything written is on its way. Cancel-safe: what is not yet goes with the next call.
    async fn flush(&mut self) -> Result<(), Self::Error>;

    /// Waits until the peer has taken something of what was written. `true`: the room to be lent is as large as it gets.
    /// Cancel-safe.
    async fn drain(&mut self) -> Result<bool, Self::Error>;

    /// Whether the peer has taken something of what was written since this was asked last, also between calls and in those that
    /// were dropped; or has all of it.
    ///
    /// It is asked before each of the calls above, and nothing else but `true` begins the count of
    /// [`send_timeout`](crate::Options::send_timeout) anew. So each of them has to end within that time if the peer takes enough, and
    /// room that there was anyway is no reason to say `true`.
    fn has_taken(&mut self) -> bool;
}

/// The least room that [`WriteHalf::write_with`] lends: a frame's header, as a client, and some payload.
pub const ROOM_MIN: usize = 16;
