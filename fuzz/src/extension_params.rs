//! `Sec-WebSocket-Extensions` against its grammar (RFC 6455 9.1), and the parameters of compression against their meaning (RFC 7692
//! 7.1): windows of 8 to 15 bits and no other, digits alone, nothing twice. What a server agrees on is the first offer that suits;
//! printed and parsed again it is the same, and a client understands it as the server does.

use ws_core::Instant;
use ws_core::deflate::negotiate::{Agreement, Declined, Direction, NAME, Parameters, Terms};
use ws_core::handshake::OriginPolicy;
use ws_core::handshake::extensions::{self, Offer};
use ws_core::handshake::server::{Handshake, Refusal};

use crate::common::extensions::{Compression, Extension, compression, parse, parse_all};
use crate::common::head::trim;
use crate::common::io::written;
use crate::common::{Cuts, Rng, io::read};

/// One byte: the server's terms. Then the lines of the field.
pub fn check(data: &[u8]) {
    let Some((byte, text)) = data.split_first() else { return };
    let server = End::of(*byte);
    let lines: Vec<_> = text.split(|b| *b == b'\n').collect();
    for line in &lines {
        if let Ok(text) = std::str::from_utf8(line) {
            grammar(text);
        }
    }
    if !text.iter().any(|b| b.is_ascii_control() && !matches!(b, b'\t' | b'\n')) {
        offered(&lines, server, Cuts::of(data));
    }
    between(&End::of(Rng::of(data).next() as u8), server);
}

/// What one end can do.
#[derive(Clone, Copy)]
struct End {
    inflate: Direction,
    deflate: Direction,
}

impl End {
    fn of(byte: u8) -> Self {
        Self {
            inflate: Direction { window_bits: 8 + (byte & 7), takeover: byte & 0x40 == 0 },
            deflate: Direction { window_bits: 8 + (byte >> 3 & 7), takeover: byte & 0x80 != 0 },
        }
    }

    fn terms(&self) -> Terms {
        let terms = Terms::new(self.inflate.window_bits, self.deflate.window_bits);
        let terms = if self.inflate.takeover { terms } else { terms.without_peer_takeover() };
        if self.deflate.takeover { terms.with_takeover() } else { terms }
    }

    /// Its answer to an offer (RFC 7692 7.1), printed: and how it inflates and deflates then.
    fn answer(&self, offer: Compression) -> Option<(String, Direction, Direction)> {
        let Compression { server_no_takeover, client_no_takeover, server_bits, client_bits } = offer;
        let most = self.inflate.window_bits;
        let inflate_bits = match client_bits {
            // A client that does not say so does not understand a limit.
            None => (most == 15).then_some(15)?,
            // One that has not said 8 itself may not be able to do with so little.
            Some(bits) if most == 8 && bits != 8 => return None,
            Some(0) => most,
            Some(bits) => bits.min(most),
        };
        let deflate_bits = match server_bits {
            None => self.deflate.window_bits,
            Some(0) => return None,
            Some(bits) => bits.min(self.deflate.window_bits),
        };
        let takeover = self.deflate.takeover && !server_no_takeover;
        let peer_takeover = self.inflate.takeover && !client_no_takeover;
        let mut text = NAME.to_string();
        if !takeover {
            text += "; server_no_context_takeover";
        }
        if !peer_takeover {
            text += "; client_no_context_takeover";
        }
        if server_bits.is_some() {
            text += &format!("; server_max_window_bits={deflate_bits}");
        }
        if client_bits.is_some() {
            text += &format!("; client_max_window_bits={inflate_bits}");
        }
        let inflate = Direction { window_bits: inflate_bits, takeover: peer_takeover };
        Some((text, inflate, Direction { window_bits: deflate_bits, takeover }))
    }
}

/// A line is taken apart as it should be, or refused as a whole.
fn grammar(line: &str) {
    let mut came = extensions::offers(line);
    let Some(expected) = parse(line.as_bytes()) else {
        assert!(matches!(came.next(), Some(Err(_))), "{line:?} is taken");
        assert!(came.next().is_none(), "{line:?} is refused, and something is taken from it");
        return;
    };
    for extension in &expected {
        let offer = came.next().expect("an offer").expect("it follows the grammar");
        assert_eq!(offer.name.as_bytes(), extension.name);
        same_params(&offer, extension);
        // Each by itself, as it is judged.
        let judged = ALL.confirm(params(&offer));
        let expected =
            compression(extension).filter(|read| read.server_bits != Some(0) && read.client_bits != Some(0));
        assert_eq!(judged.is_ok(), expected.is_some(), "{judged:?}");
    }
    assert!(came.next().is_none(), "one too many");
}

/// What anything goes with.
const ALL: Terms = Terms::new(15, 15).with_takeover();

fn same_params(offer: &Offer<'_>, extension: &Extension<'_>) {
    let mut came = offer.params();
    for (name, value) in &extension.params {
        let param = came.next().expect("a parameter");
        assert_eq!(param.name.as_bytes(), *name);
        assert_eq!(param.value.is_some(), value.is_some());
        if let (Some(came), Some(value)) = (param.value, value) {
            assert!(came.bytes().eq(value.iter().copied()), "{value:?}");
            assert!(std::str::from_utf8(value).is_ok_and(|text| came == *text));
            let is_decimal = value.iter().all(u8::is_ascii_digit) && (value[0] != b'0' || value.len() == 1);
            let number =
                std::str::from_utf8(value).ok().filter(|_| is_decimal).and_then(|text| text.parse().ok());
            assert_eq!(came.decimal(), number, "{value:?}");
        }
    }
    assert!(came.next().is_none(), "one too many");
}

fn params<'a>(offer: &Offer<'a>) -> impl Iterator<Item = (&'a str, Option<Option<u32>>)> {
    offer.params().map(|param| (param.name, param.value.map(|value| value.decimal())))
}

/// A server's answer to a client that sends these lines.
fn offered(lines: &[&[u8]], server: End, cuts: Cuts) {
    let mut head = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        .to_vec();
    for line in lines {
        head.extend_from_slice(b"Sec-WebSocket-Extensions:");
        head.extend_from_slice(line);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    let mut store = [0; 4096];
    let mut handshake = Handshake::new(&mut store, &[], Instant::from_millis(0));
    let came = read(&head, cuts, |input| handshake.receive(input));
    if lines.len() > 90 {
        return; // too many, which is another target's matter
    }
    assert_eq!(came, (Ok(true), head.len()));
    let offers = parse_all(lines.iter().map(|line| trim(line)));
    let Some(offers) = offers else {
        assert_eq!(handshake.accept(OriginPolicy::Any).err(), Some(Refusal::Grammar));
        return;
    };
    let mut accept = handshake.accept(OriginPolicy::Any).expect("nothing is wrong");
    let mut suited = offers
        .iter()
        .filter(|offer| offer.name == NAME.as_bytes())
        .filter_map(|offer| server.answer(compression(offer)?));
    let agreed = accept.compress_if_offered(&server.terms());
    let size = 1 + head.len() % 97;
    let head = String::from_utf8(written(size, |out| accept.transmit(out))).unwrap();
    let mut printed = head.split("\r\n").filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    let Some((text, inflate, deflate)) = suited.next() else {
        assert!(agreed.is_none() && printed.next().is_none(), "{head:?}");
        return;
    };
    let agreed = agreed.expect("one offer suits");
    assert_eq!((agreed.inflate, agreed.deflate), (inflate, deflate));
    assert_eq!(printed.next(), Some(&*text));
    assert!(printed.next().is_none());
    grammar(&text);
    let mut parsed = extensions::offers(&text);
    understood(&parsed.next().unwrap().unwrap(), &agreed);
}

/// A client that anything goes with reads the answer as the server meant it.
fn understood(answer: &Offer<'_>, agreed: &Agreement) {
    let read = ALL.confirm(params(answer)).expect("a client takes what a server says");
    assert_eq!(read.answer, agreed.answer, "printed and parsed, it is the same");
    mirrored(&read, agreed);
}

/// The window to inflate in is no smaller than the one that the other deflates with, and none refers to what is forgotten.
fn mirrored(client: &Agreement, server: &Agreement) {
    for (inflate, deflate) in [(client.inflate, server.deflate), (server.inflate, client.deflate)] {
        assert!((8..=15).contains(&deflate.window_bits) && inflate.window_bits <= 15);
        assert!(inflate.window_bits >= deflate.window_bits, "{client:?}, {server:?}");
        assert!(inflate.takeover || !deflate.takeover, "{client:?}, {server:?}");
    }
}

/// Any two ends of ours understand each other, or do not compress.
fn between(client: &End, server: End) {
    let offer = client.terms().offer();
    match server.terms().accept(pairs(&offer)) {
        Ok(agreed) => {
            let read =
                client.terms().confirm(pairs(&agreed.answer)).expect("a client takes what it asked for");
            assert!(read.inflate.window_bits <= client.inflate.window_bits && read.answer == agreed.answer);
            mirrored(&read, &agreed);
        }
        Err(why) => assert!(why == Declined::Window && server.inflate.window_bits == 8, "{why:?}"),
    }
}

fn pairs(parameters: &Parameters) -> impl Iterator<Item = (&'static str, Option<Option<u32>>)> {
    parameters.iter().map(|(name, bits)| (name, bits.map(|bits| Some(bits.into()))))
}
