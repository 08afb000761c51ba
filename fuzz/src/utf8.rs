//! Text is checked against `core::str::from_utf8`, wherever messages, fragments and reads are cut: what is delivered is
//! the valid prefix up to the offending byte, and the verdict is the same.

use ws_core::{CloseCode, Config, Connection, Event, Input, Instant, Kind};

use crate::common::Cuts;

/// The bytes are the payload of one text message.
pub fn check(data: &[u8]) {
    let expected = expected(data);
    let cuts = Cuts::of(data);
    // The same cuts once as reads of one frame, once as fragments.
    assert_eq!(in_reads(data, cuts.clone()), expected, "reads of {cuts:?}");
    assert_eq!(in_fragments(data, cuts.clone()), expected, "fragments of {cuts:?}");
}

/// How many bytes are delivered, and whether the message ends well.
fn expected(data: &[u8]) -> (usize, bool) {
    match core::str::from_utf8(data) {
        Ok(_) => (data.len(), true),
        Err(error) => match error.error_len() {
            None => (data.len() - 1, false), // no text ends with its last byte
            Some(len) => {
                let start = error.valid_up_to();
                // A byte that begins nothing offends by itself, one that does not go on with what came before by its place.
                let is_lead = matches!(data[start], 0xc2..=0xf4);
                (start + if is_lead { len } else { 0 }, false)
            }
        },
    }
}

fn in_reads(data: &[u8], mut cuts: Cuts) -> (usize, bool) {
    let mut receiver = Receiver::new(data);
    receiver.header(0x81, data.len());
    let mut rest = data;
    while !rest.is_empty() && receiver.read(cuts.next(&mut rest)) {}
    receiver.verdict
}

fn in_fragments(data: &[u8], mut cuts: Cuts) -> (usize, bool) {
    let mut receiver = Receiver::new(data);
    let mut rest = data;
    let mut opcode = 1;
    loop {
        let piece = cuts.next(&mut rest);
        let fin = if rest.is_empty() { 0x80 } else { 0 };
        receiver.header(fin | opcode, piece.len());
        if !receiver.read(piece) || rest.is_empty() {
            return receiver.verdict;
        }
        opcode = 0;
    }
}

struct Receiver<'d> {
    ws: Connection<ws_core::Client<NoKeys>>,
    data: &'d [u8],
    /// Bytes delivered; whether the message ended.
    verdict: (usize, bool),
}

/// Nothing is sent here but a Close, whose key nobody reads.
struct NoKeys;

impl ws_core::Entropy for NoKeys {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl<'d> Receiver<'d> {
    fn new(data: &'d [u8]) -> Self {
        let mut config = Config::DEFAULT;
        config.limits = ws_core::Limits { message: u32::MAX, fragments: u32::MAX, ..config.limits };
        Self { ws: Connection::client(config, NoKeys, Instant::from_millis(0)), data, verdict: (0, false) }
    }

    fn header(&mut self, b0: u8, len: usize) {
        let (n, bytes) = (len as u64, (len as u64).to_be_bytes());
        match n {
            0..=125 => self.read(&[b0, n as u8]),
            126..=0xffff => self.read(&[b0, 126, bytes[6], bytes[7]]),
            _ => self.read(&[&[b0, 127], &bytes[..]].concat()),
        };
    }

    /// Whether more is wanted.
    fn read(&mut self, piece: &[u8]) -> bool {
        let mut buf = piece.to_vec();
        let mut input = Input::new(&mut buf);
        loop {
            match self.ws.receive(&mut input) {
                Ok(None) => return true,
                Ok(Some(Event::Data(data))) => {
                    assert_eq!(data.kind, Kind::Text);
                    let at = self.verdict.0;
                    assert_eq!(data.payload, &self.data[at..at + data.payload.len()], "it is what was sent");
                    self.verdict = (at + data.payload.len(), data.last);
                }
                Ok(Some(event)) => panic!("{event:?}"),
                Err(error) => {
                    assert_eq!(error.close_code(), Some(CloseCode::INVALID_PAYLOAD), "{error}");
                    return false;
                }
            }
        }
    }
}
