//! [`End`], one of the two that talk, and what it is to hear; and the [`Pipe`] between them.

use std::collections::VecDeque;

use ws_core::connection::Compression;
use ws_core::deflate::Layout;
use ws_core::{CloseCode, Connection, Event, Input, Kind, Output, PeerError, Role};

use crate::common::{Cuts, Guarded};

/// A message that was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) kind: Kind,
    pub(super) plain: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum Control {
    Ping,
    Pong,
}

/// One end, and what the other has sent to it.
pub(super) struct End<'m, R: Role, L: Layout> {
    ws: Connection<R>,
    compression: Compression<'m, L>,
    messages: VecDeque<Sent>,
    controls: VecDeque<(Control, Vec<u8>)>,
    /// What came of a message.
    begun: Option<Sent>,
    is_first: bool,
    over: Option<Over>,
}

/// Behind this nothing comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Failed(PeerError),
    Closed,
}

impl<'m, R: Role, L: Layout> End<'m, R, L> {
    pub(super) fn new(ws: Connection<R>, compression: Compression<'m, L>) -> Self {
        let (messages, controls) = (VecDeque::new(), VecDeque::new());
        Self { ws, compression, messages, controls, begun: None, is_first: true, over: None }
    }

    pub(super) fn expect(&mut self, sent: Sent) {
        self.messages.push_back(sent);
    }

    pub(super) fn expect_ping(&mut self, payload: &[u8]) {
        self.controls.push_back((Control::Ping, payload.to_vec()));
    }

    pub(super) fn expect_pong(&mut self, payload: &[u8]) {
        self.controls.push_back((Control::Pong, payload.to_vec()));
    }

    /// All has come.
    pub(super) fn assert_done(&self) {
        assert!(self.messages.is_empty() && self.controls.is_empty(), "{:?}", self.messages);
    }

    /// Compressed, unless it is too short.
    pub(super) fn send(&mut self, kind: Kind, mut piece: &[u8], last: bool, room: usize, pipe: &mut Pipe) {
        let Self { ws, compression, .. } = self;
        pipe.write(room, |out| compression.send(ws, kind, &mut piece, last, out).expect("it is open"));
        assert!(piece.is_empty(), "all of it was taken");
    }

    pub(super) fn send_plain(&mut self, kind: Kind, mut plain: &[u8], pipe: &mut Pipe) {
        pipe.write(300, |out| self.ws.send(kind, &mut plain, true, out).expect("it is open"));
    }

    pub(super) fn ping(&mut self, payload: &[u8], pipe: &mut Pipe) {
        pipe.write(140, |out| self.ws.ping(payload, out).expect("it is open"));
    }

    pub(super) fn pong(&mut self, payload: &[u8], pipe: &mut Pipe) {
        pipe.write(140, |out| self.ws.pong(payload, out).expect("it is open"));
    }

    /// Receives all of `input`; what is owed for it is put behind `back`, with the payloads of the Pongs among it.
    fn receive(&mut self, bytes: &mut [u8], limit: usize, is_damaged: bool, back: &mut Back) {
        let mut input = Input::new(bytes);
        loop {
            let before = input.rest().len();
            let result = self.compression.receive_up_to(&mut self.ws, &mut input, limit);
            let took = before - input.rest().len();
            match result {
                Err(error) => return self.fail(error, &mut input, is_damaged, back),
                Ok(Some(event)) => {
                    assert_eq!(self.over, None, "{event:?} behind the end");
                    if let Event::Data(data) = event {
                        assert!(took > 0 || !data.payload.is_empty() || data.last, "a piece of nothing");
                        let begun = self.begun.get_or_insert_with(|| {
                            assert!(data.first, "a message that goes on was begun");
                            Sent { kind: data.kind, plain: vec![] }
                        });
                        assert_eq!((data.kind, data.first), (begun.kind, self.is_first));
                        begun.plain.extend_from_slice(data.payload);
                        self.is_first = data.last;
                        let limit = self.ws.config().limits.message as usize;
                        assert!(begun.plain.len() <= limit, "{} bytes of {limit}", begun.plain.len());
                        if !is_damaged {
                            let sent = self.messages.front().expect("a message that was sent");
                            assert!(
                                sent.kind == begun.kind && sent.plain.starts_with(&begun.plain),
                                "it is what was sent"
                            );
                            assert!(!data.last || sent.plain == begun.plain, "it is all that was sent");
                        }
                        if data.last {
                            assert!(begun.kind == Kind::Binary || is_text(&begun.plain), "text is UTF-8");
                            self.messages.pop_front();
                            self.begun = None;
                        }
                        continue;
                    }
                    match event {
                        Event::Ping => {
                            back.pongs.push_back(self.ws.control().to_vec());
                            self.control(Control::Ping, is_damaged);
                        }
                        Event::Pong => self.control(Control::Pong, is_damaged),
                        Event::Close(_) => {
                            assert!(is_damaged, "nobody closes");
                            self.over = Some(Over::Closed);
                        }
                        event => panic!("{event:?}"),
                    }
                }
                Ok(None) if input.is_empty() => {
                    assert!(!self.compression.wants_receive(), "it said that there was no more");
                    break;
                }
                // In the way of the next control frame.
                Ok(None) => assert!(self.transmit(back) > 0, "input is left, and nothing is owed"),
            }
        }
        self.transmit(back);
    }

    fn control(&mut self, control: Control, is_damaged: bool) {
        if !is_damaged {
            let expected = self.controls.pop_front().expect("one that was sent");
            assert_eq!(expected, (control, self.ws.control().to_vec()));
        }
    }

    /// Nothing comes behind it, and it is said to the peer.
    fn fail(&mut self, error: PeerError, input: &mut Input<'_>, is_damaged: bool, back: &mut Back) {
        let limit = self.ws.config().limits.message as usize;
        if let Some(Over::Failed(first)) = self.over {
            assert_eq!(error, first, "the error is not to change");
            return;
        }
        assert_eq!(self.over, None, "{error} behind a Close");
        if !is_damaged {
            let sent = self.messages.front().expect("a message that was sent");
            let begun = self.begun.as_ref().map_or(0, |begun| begun.plain.len());
            match error {
                PeerError::MessageTooBig => {
                    assert!(sent.plain.len() > limit, "{} bytes of {limit}", sent.plain.len())
                }
                PeerError::InvalidUtf8 => {
                    assert!(sent.kind == Kind::Text);
                    let invalid = core::str::from_utf8(&sent.plain).expect_err("text that is UTF-8");
                    // Up to the byte that offends, which may be in the middle of a character.
                    let valid = invalid.valid_up_to();
                    assert!((valid..valid + 4).contains(&begun), "{begun} bytes, {invalid}");
                }
                error => panic!("{error}, though nothing is wrong"),
            }
        }
        self.over = Some(Over::Failed(error));
        for _ in 0..2 {
            let again = self.compression.receive(&mut self.ws, input);
            assert!(again == Err(error), "{again:?} behind {error}");
        }
        let at = back.bytes.len();
        self.transmit(back);
        let code = error.close_code().expect("a code for each error of the peer's");
        // A Pong may be owed from before; the Close is the last that is sent.
        let masked = usize::from(R::MASKS) * 4;
        let sent = &back.bytes[at..];
        let close = &sent[sent.len() - 4 - masked..];
        let unmasked = [0, 1].map(|i| if R::MASKS { close[6 + i] ^ close[2 + i] } else { close[2 + i] });
        assert_eq!((close[0], close[1] & 0x7f, unmasked), (0x88, 2, code.get().to_be_bytes()));
        assert!(!self.ws.wants_transmit(), "nothing is sent behind a Close");
        let closing = self.ws.ping(b"", &mut Output::new(&mut [0; 9]));
        assert!(closing.is_err() && CloseCode::new(code.get()) == Some(code));
    }

    fn transmit(&mut self, back: &mut Back) -> usize {
        let mut written = 0;
        while self.ws.wants_transmit() {
            let mut buf = [0; 140];
            let mut out = Output::new(&mut buf);
            let n = self.ws.transmit(&mut out);
            assert!(n > 0, "it wants to, and there is room");
            back.bytes.extend_from_slice(out.filled());
            written += n;
        }
        written
    }
}

fn is_text(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_ok()
}

/// What is owed for what came.
#[derive(Default)]
struct Back {
    bytes: Vec<u8>,
    pongs: VecDeque<Vec<u8>>,
}

/// Between the two.
pub(super) struct Pipe {
    /// What one end has sent.
    bytes: Vec<u8>,
    out: Vec<u8>,
    read: Guarded<u8>,
    cuts: Cuts,
    /// What a call may lend of a compressed message.
    lent: usize,
    /// Bytes carried so far, of which this one is flipped, by these bits.
    carried: usize,
    flip: Option<(usize, u8)>,
}

impl Pipe {
    pub(super) fn new() -> Self {
        let read = Guarded::new(1 << 20, 0xca);
        Self { bytes: vec![], out: vec![0; 4096], read, cuts: Cuts::Whole, lent: 1, carried: 0, flip: None }
    }

    pub(super) fn begin(&mut self, flip: Option<(usize, u8)>, cuts: Cuts, lent: usize) {
        self.bytes.clear();
        self.lent = lent;
        (self.carried, self.flip, self.cuts) = (0, flip, cuts);
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.flip.is_some_and(|(at, _)| at < self.carried)
    }

    /// By outputs of so many bytes, each of which a call fills, until one is done.
    fn write(&mut self, room: usize, mut call: impl FnMut(&mut Output<'_>) -> bool) {
        loop {
            let mut out = Output::new(&mut self.out[..room]);
            let done = call(&mut out);
            self.bytes.extend_from_slice(out.filled());
            assert!(done || !out.filled().is_empty(), "an empty output is full");
            if done {
                return;
            }
        }
    }

    /// Brings over what was sent, and back what that is answered with; `false` if one of the two has failed or closed.
    pub(super) fn carry<R: Role, L: Layout, Q: Role, M: Layout>(
        &mut self,
        from: &mut End<'_, R, L>,
        to: &mut End<'_, Q, M>,
    ) -> bool {
        let bytes = std::mem::take(&mut self.bytes);
        let mut back = Back::default();
        self.deliver(&bytes, to, &mut back);
        for pong in std::mem::take(&mut back.pongs) {
            from.controls.push_back((Control::Pong, pong));
        }
        let mut none = Back::default();
        if to.over.is_none() {
            self.deliver(&back.bytes, from, &mut none);
        }
        self.bytes = bytes;
        self.bytes.clear();
        to.over.is_none() && from.over.is_none()
    }

    fn deliver<R: Role, L: Layout>(&mut self, mut rest: &[u8], to: &mut End<'_, R, L>, back: &mut Back) {
        while !rest.is_empty() {
            // The byte that is flipped is the first of a read: what was before it was delivered.
            let before = match self.flip {
                Some((at, _)) if at > self.carried => (at - self.carried).min(rest.len()),
                _ => rest.len(),
            };
            let (mut part, behind) = rest.split_at(before);
            while !part.is_empty() {
                let piece = self.cuts.next(&mut part);
                let read = self.read.lend(piece.len(), 0);
                read.copy_from_slice(piece);
                if let Some((at, bits)) = self.flip
                    && at == self.carried
                {
                    read[0] ^= bits;
                }
                self.carried += piece.len();
                let is_damaged = self.flip.is_some_and(|(at, _)| at < self.carried);
                to.receive(read, self.lent, is_damaged, back);
                self.read.assert_intact();
            }
            rest = behind;
        }
    }
}
