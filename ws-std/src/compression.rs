//! permessage-deflate (RFC 7692): what to offer and to agree on, [`Compression`]; and the two halves of it with the memory that
//! they work in, [`Inflating`] and [`Deflating`]. What they do is `ws-core`'s.

use crate::waiting::Access;
use self_cell::{MutBorrow, self_cell};
use std::fmt;
use ws_core::connection::{DeflatingSender, InflatingReceiver};
use ws_core::deflate::negotiate::{Agreement, Direction, NAME, Terms};
use ws_core::deflate::{Deflater, Effort, Fast, Inflater, Layout, Memory, SizeError, Work};
use ws_core::{Connection, Event, Input, Kind, Output, PeerError, Role, UsageError};

/// Compression of messages, permessage-deflate (RFC 7692): offered by a client, agreed on by a server if it is offered. Put it
/// into [`Options::compression`](crate::Options::compression).
///
/// ```
/// use ws_std::{Compression, Options};
///
/// let options = Options::DEFAULT.with_compression(Compression::DEFAULT);
/// // A feed of telemetry, in which nothing is secret, to many clients: 4 KiB of window each.
/// let feed = Options::DEFAULT.with_compression(Compression::new(12, 12).with_takeover());
/// # assert!(feed.compression.unwrap().memory() < options.compression.unwrap().memory());
/// ```
///
/// What the limit of a message counts is what it inflates to; above that it is not inflated, and the peer is told 1009.
///
/// # Memory
///
/// Nothing until the handshake has agreed on it. Then, for windows of `i` bytes to inflate and `d` to deflate,
/// `i + 3 d + 2 heads + tokens` bytes and some 7,600, where `heads` is a quarter of `d`, at most 4,096, and `tokens` is `d`, at
/// least 1,024 and at most 16,384; a peer may ask for a smaller `d`. [`memory`](Self::memory) is the sum; where
/// pointers have 64 bits:
///
/// | window bits | bytes a connection |
/// | ---: | ---: |
/// | 15 | 163,240 |
/// | 12 | 30,120 |
/// | 10 | 13,224 |
/// | 9 | 10,920 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "goes into `Options::compression`"]
pub struct Compression {
    inflate_bits: u8,
    deflate_bits: u8,
    takeover: bool,
    peer_takeover: bool,
    effort: Effort,
    threshold: usize,
}

impl Compression {
    /// With the largest windows, 32 KiB, each message of ours by itself.
    pub const DEFAULT: Self = Self::new(15, 15);

    /// With windows of `2^bits` bytes, 8 to 15 bits each; others become the nearest of these.
    ///
    /// To inflate in less than 15 bits asks something of the peer. A client that cannot be held to it, as some browsers'
    /// cannot, is sent and sends plain messages; a server that does not agree to it likewise. Have 9 bits at least: in 8 hardly any
    /// peer can be made to deflate, since zlib cannot.
    pub const fn new(inflate_bits: u8, deflate_bits: u8) -> Self {
        Self {
            inflate_bits,
            deflate_bits,
            takeover: false,
            peer_takeover: true,
            effort: Effort::NORMAL,
            threshold: DeflatingSender::THRESHOLD,
        }
    }

    /// The same, but what is sent may refer to earlier messages: short and similar ones become several times shorter. Only for
    /// connections on which no secrets are sent, or no text of strangers: where both stand in one window, the length of a
    /// message tells whether they are alike (as the attacks CRIME and BREACH did; RFC 7692 8).
    pub const fn with_takeover(self) -> Self {
        Self { takeover: true, ..self }
    }

    /// The same, but the peer may not refer to earlier messages.
    pub const fn without_peer_takeover(self) -> Self {
        Self { peer_takeover: false, ..self }
    }

    /// The same with more or less work to find matches; [`Effort::NORMAL`] unless set.
    pub const fn with_effort(self, effort: Effort) -> Self {
        Self { effort, ..self }
    }

    /// The same, with messages shorter than `bytes` sent as they are; 64 unless set. With takeover, 16 may be better.
    pub const fn with_threshold(self, bytes: usize) -> Self {
        Self { threshold: bytes, ..self }
    }

    /// Bytes that a connection takes for it, at most.
    pub const fn memory(&self) -> usize {
        let inflate = Direction { window_bits: self.inflate_bits, takeover: self.peer_takeover };
        let deflate = Direction { window_bits: self.deflate_bits, takeover: self.takeover };
        Inflating::memory(inflate).saturating_add(Deflating::memory(deflate))
    }

    pub(crate) const fn terms(&self) -> Terms {
        let terms = Terms::new(self.inflate_bits, self.deflate_bits);
        let terms = if self.takeover { terms.with_takeover() } else { terms };
        if self.peer_takeover { terms } else { terms.without_peer_takeover() }
    }

    /// What works as was agreed on.
    pub(crate) fn begin(&self, agreement: &Agreement) -> Result<(Inflating, Deflating), SizeError> {
        Ok((Inflating::new(agreement)?, Deflating::new(agreement, self)?))
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What was agreed on, as it stands in `Sec-WebSocket-Extensions`.
pub(crate) fn written(agreement: &Agreement) -> String {
    agreement.answer.iter().fold(NAME.to_owned(), |text, (name, value)| match value {
        Some(value) => format!("{text}; {name}={value}"),
        None => format!("{text}; {name}"),
    })
}

/// The half that inflates what comes in.
pub(crate) struct Inflating(InflatingCell);

type Receiver<'m> = InflatingReceiver<'m, Fast>;

self_cell! {
    struct InflatingCell {
        owner: MutBorrow<InflateMemory>,
        #[covariant]
        dependent: Receiver,
    }
}

struct InflateMemory {
    window: Box<[u8]>,
    tables: Fast,
}

impl Inflating {
    fn new(agreement: &Agreement) -> Result<Self, SizeError> {
        let window = zeros(window_len(agreement.inflate));
        let memory = MutBorrow::new(InflateMemory { window, tables: Fast::new() });
        let cell = InflatingCell::try_new(memory, |memory| {
            let InflateMemory { window, tables } = memory.borrow_mut();
            let inflater = Inflater::new(window, tables).ok_or(SizeError::Window)?;
            let mut receiver = InflatingReceiver::new(inflater);
            receiver.begin(agreement)?;
            Ok(receiver)
        });
        Ok(Self(cell?))
    }

    const fn memory(direction: Direction) -> usize {
        size_of::<(MutBorrow<InflateMemory>, Receiver<'_>)>().saturating_add(window_len(direction))
    }

    /// Lets `look` see the next event. Work and errors are those of [`InflatingReceiver::receive`].
    pub(crate) fn receive<R: Role, T>(
        &mut self,
        ws: &mut Connection<R>,
        input: &mut Input<'_>,
        look: impl FnOnce(Option<Event<'_>>) -> T,
    ) -> Result<T, PeerError> {
        self.0.with_dependent_mut(|_, receiver| receiver.receive(ws, input).map(look))
    }

    /// The payload that was seen last, if it was inflated.
    pub(crate) fn lent(&self) -> &[u8] {
        self.0.borrow_dependent().lent()
    }
}

const fn window_len(direction: Direction) -> usize {
    direction.window().saturating_add(Fast::SLACK)
}

impl fmt::Debug for Inflating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.borrow_dependent().fmt(f)
    }
}

/// The half that deflates what goes out.
pub(crate) struct Deflating(DeflatingCell);

self_cell! {
    struct DeflatingCell {
        owner: MutBorrow<DeflateMemory>,
        #[covariant]
        dependent: DeflatingSender,
    }
}

struct DeflateMemory {
    window: Box<[u8]>,
    heads: Box<[u16]>,
    links: Box<[u16]>,
    work: Work,
    tokens: Box<[u8]>,
}

/// Bytes deflated at once. Another thread may wait for the connection meanwhile.
const PIECE: usize = 32 * 1024;

impl Deflating {
    fn new(agreement: &Agreement, options: &Compression) -> Result<Self, SizeError> {
        let window = agreement.deflate.window();
        let memory = MutBorrow::new(DeflateMemory {
            window: zeros(window),
            heads: zeros(heads(window)),
            links: zeros(window),
            work: Work::new(),
            tokens: zeros(tokens(window)),
        });
        let cell = DeflatingCell::try_new(memory, |memory| {
            let DeflateMemory { window, heads, links, work, tokens } = memory.borrow_mut();
            let memory = Memory { window, heads, links, work, tokens };
            let deflater = Deflater::new(memory, options.effort)?;
            let mut sender = DeflatingSender::new(deflater).with_threshold(options.threshold);
            sender.begin(agreement);
            Ok::<_, SizeError>(sender)
        });
        Ok(Self(cell?))
    }

    const fn memory(direction: Direction) -> usize {
        let window = direction.window();
        size_of::<(MutBorrow<DeflateMemory>, DeflatingSender<'_>)>()
            .saturating_add(window.saturating_mul(3))
            .saturating_add(heads(window).saturating_mul(2))
            .saturating_add(tokens(window))
    }

    /// As [`Connection::send`].
    fn send<R: Role>(
        &mut self,
        mut ws: impl Access<R>,
        kind: Kind,
        payload: &mut &[u8],
        last: bool,
        out: &mut Output<'_>,
    ) -> Result<bool, UsageError> {
        loop {
            let done = ws.with(|ws| {
                self.0.with_dependent_mut(|_, sender| {
                    let is_plain = last && sender.sends_plain(ws, payload.len());
                    let most = if is_plain { payload.len() } else { PIECE };
                    let (mut piece, later) = payload.split_at_checked(most).unwrap_or((payload, &[]));
                    let len = piece.len();
                    let done = sender.send(ws, kind, &mut piece, last && later.is_empty(), out);
                    *payload = payload.get(len.saturating_sub(piece.len())..).unwrap_or_default();
                    done
                })
            })?;
            if !done || payload.is_empty() {
                return Ok(done);
            }
        }
    }
}

/// As [`Connection::send`], compressed if that was agreed on.
pub(crate) fn send<R: Role>(
    mut ws: impl Access<R>,
    deflating: &mut Option<Deflating>,
    kind: Kind,
    payload: &mut &[u8],
    last: bool,
    out: &mut Output<'_>,
) -> Result<bool, UsageError> {
    match deflating {
        Some(deflating) => deflating.send(ws, kind, payload, last, out),
        None => ws.with(|ws| ws.send(kind, payload, last, out)),
    }
}

/// See [`Memory::heads`] and [`Memory::tokens`] for what is good.
const fn heads(window: usize) -> usize {
    if window / 4 < 4096 { window / 4 } else { 4096 }
}

const fn tokens(window: usize) -> usize {
    match window {
        0..1024 => 1024,
        1024..16_384 => window,
        _ => 16_384,
    }
}

fn zeros<T: Copy + Default>(len: usize) -> Box<[T]> {
    vec![T::default(); len].into_boxed_slice()
}

impl fmt::Debug for Deflating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.borrow_dependent().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn the_table_of_the_memory_is_right() {
        let rows = include_str!("compression.rs").lines().filter_map(|line| line.strip_prefix("/// | "));
        let mut checked = 0;
        for row in rows.filter(|row| row.starts_with(|c: char| c.is_ascii_digit())) {
            let (bits, bytes) = row.trim_end_matches(" |").split_once(" | ").unwrap();
            let (bits, bytes) = (bits.parse().unwrap(), bytes.replace(',', "").parse().unwrap());
            assert_eq!(Compression::new(bits, bits).memory(), bytes, "{row}");
            checked += 1;
        }
        assert_eq!(checked, 4);
    }
}
