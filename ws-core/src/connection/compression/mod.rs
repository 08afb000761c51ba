//! Compressed messages over a connection (RFC 7692 6): [`Compression`], which goes between it and who drives it. Who does not
//! compress links nothing of this. What stands in a compressed message is `deflate`'s; which frames are legal, `frame`'s.
//!
//! | file | what |
//! | --- | --- |
//! | `inflating.rs` | messages in |
//! | `deflating.rs` | messages out |
//! | `buffers.rs` | memory for both in one piece |
//! | here | both in one |

mod buffers;
mod deflating;
mod inflating;

pub use buffers::CompressionBuffers;
pub use deflating::DeflatingSender;
pub use inflating::InflatingReceiver;

use super::{Connection, Event, Role};
use crate::bytes::{Input, Output};
use crate::deflate::negotiate::{Agreement, Terms};
use crate::deflate::{Deflater, Inflater, Layout, SizeError};
use crate::error::{PeerError, UsageError};
use crate::frame::Kind;

/// permessage-deflate on a connection: used in place of [`Connection::receive`] and [`Connection::send`], with the connection
/// given to each call. All else is asked of the connection itself.
///
/// It serves one connection after the other: [`begin`](Self::begin) it behind each handshake that agreed on its
/// [`terms`](Self::terms).
///
/// ```
/// use ws_core::connection::Compression;
/// use ws_core::deflate::{Buffers, Effort, Inflater, Small};
/// use ws_core::{Config, Connection, Event, Input, Instant, Output, Server};
///
/// // With 512 bytes of window each way.
/// let (mut window, mut tables, mut buffers) = ([0; 512], Small::new(), Buffers::<512, 0, 0, 736>::new());
/// let inflater = Inflater::new(&mut window, &mut tables).expect("a window");
/// let mut compression = Compression::new(inflater, buffers.deflater(Effort::SMALL));
/// let terms = compression.terms(); // for the handshake, which makes an agreement of it
/// # let agreement = terms.accept([("client_max_window_bits", None)].into_iter()).unwrap();
/// compression.begin(&agreement)?;
/// let mut ws = Connection::<Server>::server(Config::DEFAULT, Instant::from_millis(0));
///
/// // "Hello", as in RFC 7692 7.2.3.1, but masked with zeros.
/// let mut read = *b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00";
/// let mut input = Input::new(&mut read);
/// while let Some(event) = compression.receive(&mut ws, &mut input)? {
///     let Event::Data(data) = event else { continue };
///     assert_eq!((data.payload, data.last), (&b"Hello"[..], true)); // lent until the next call
/// }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Memory
///
/// What is lent, and 192 bytes where pointers have 32 bits. The formulas stand at [`Inflater`] and [`Buffers`](crate::deflate::Buffers);
/// [`CompressionBuffers`] are all of it in one piece.
pub struct Compression<'m, L: Layout> {
    receiver: InflatingReceiver<'m, L>,
    sender: DeflatingSender<'m>,
    terms: Terms,
}

impl<'m, L: Layout> Compression<'m, L> {
    /// Messages shorter than this are sent as they are, unless set otherwise: hardly any gets shorter by itself, and each costs
    /// time.
    pub const THRESHOLD: usize = DeflatingSender::THRESHOLD;

    /// Of one for each direction. How to size the window to inflate in: see [`Inflater`]; with less than 256 bytes, do not
    /// offer it: [`begin`](Self::begin) refuses whatever was agreed on.
    pub fn new(inflater: Inflater<'m, L>, deflater: Deflater<'m>) -> Self {
        let (receiver, sender) = (InflatingReceiver::new(inflater), DeflatingSender::new(deflater));
        let terms = Terms::new(receiver.window_bits(), sender.window_bits());
        Self { receiver, sender, terms }
    }

    /// The same, on terms [with takeover](Terms::with_takeover): only for what holds no secrets, or no text of strangers.
    #[must_use]
    pub const fn with_takeover(self) -> Self {
        let Self { receiver, sender, terms } = self;
        Self { receiver, sender, terms: terms.with_takeover() }
    }

    /// The same, on terms [without the peer's takeover](Terms::without_peer_takeover).
    #[must_use]
    pub const fn without_peer_takeover(self) -> Self {
        let Self { receiver, sender, terms } = self;
        Self { receiver, sender, terms: terms.without_peer_takeover() }
    }

    /// What the memory is good for: to be offered by a client, or for a server to answer from. A handshake may agree on less than
    /// this, not on more.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// For a connection whose handshake has agreed on this: to be called before its first message.
    ///
    /// # Errors
    ///
    /// [`SizeError::Window`] if there is not that much memory to inflate in: other [`terms`](Self::terms) were agreed on.
    pub fn begin(&mut self, agreement: &Agreement) -> Result<(), SizeError> {
        self.sender.begin(agreement);
        self.receiver.begin(agreement)
    }

    /// As [`DeflatingSender::with_threshold`].
    #[must_use]
    pub const fn with_threshold(mut self, bytes: usize) -> Self {
        self.sender.set_threshold(bytes);
        self
    }

    /// Both directions, each by itself: to send on what was received while it is lent, or for two tasks.
    pub const fn split(&mut self) -> (&mut InflatingReceiver<'m, L>, &mut DeflatingSender<'m>) {
        (&mut self.receiver, &mut self.sender)
    }

    /// As [`InflatingReceiver::receive`].
    ///
    /// # Errors
    ///
    /// The same.
    #[inline]
    pub fn receive<'a, 'b: 'a, R: Role>(
        &'a mut self,
        ws: &mut Connection<R>,
        input: &mut Input<'b>,
    ) -> Result<Option<Event<'a>>, PeerError> {
        self.receiver.receive(ws, input)
    }

    /// As [`InflatingReceiver::receive_up_to`].
    ///
    /// # Errors
    ///
    /// The same.
    #[inline]
    pub fn receive_up_to<'a, 'b: 'a, R: Role>(
        &'a mut self,
        ws: &mut Connection<R>,
        input: &mut Input<'b>,
        limit: usize,
    ) -> Result<Option<Event<'a>>, PeerError> {
        self.receiver.receive_up_to(ws, input, limit)
    }

    /// As [`InflatingReceiver::wants_receive`].
    pub fn wants_receive(&self) -> bool {
        self.receiver.wants_receive()
    }

    /// As [`DeflatingSender::send`].
    ///
    /// # Errors
    ///
    /// The same.
    #[must_use = "`Ok(false)` asks to be called again"]
    #[inline]
    pub fn send<R: Role>(
        &mut self,
        ws: &mut Connection<R>,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
        out: &mut Output<'_>,
    ) -> Result<bool, UsageError> {
        self.sender.send(ws, kind, payload, last, out)
    }
}

impl<L: Layout> core::fmt::Debug for Compression<'_, L> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Compression({:?}, {:?})", self.receiver, self.sender)
    }
}

#[cfg(feature = "defmt")]
impl<L: Layout> defmt::Format for Compression<'_, L> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Compression({}, {})", self.receiver, self.sender);
    }
}
