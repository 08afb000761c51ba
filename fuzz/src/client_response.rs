//! Bytes as the answer to a client's request: the connection opens only if they are a 101 with the accept value of the client's
//! key, `Upgrade: websocket` alone, `Connection` with `Upgrade` in it, a subprotocol and compression out of what was offered, and
//! no body (RFC 6455 4.1, RFC 7692 7.1); else the client says something that is wrong with them. The cuts do not matter, and bytes
//! behind the head are left to the frames.

use ws_core::Instant;
use ws_core::deflate::negotiate::{Agreement, Direction, Terms};
use ws_core::handshake::client::{Error, Handshake, Request};
use ws_core::http::{HeadError, HeadLimits, Version};

use crate::common::extensions::{Compression, compression, parse_all};
use crate::common::fields::SINGLE_OF_RESPONSES;
use crate::common::head::{Head, Rules, Verdict};
use crate::common::io::read;
use crate::common::{Cuts, Rng, accept::accept};

const SUBPROTOCOLS: [&str; 2] = ["chat", "soap"];
const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";

/// One byte: what is offered. Then the answer; or, if its top bit is set, a byte for each of its lines: see `script`.
pub fn check(data: &[u8]) {
    let Some((offer, data)) = data.split_first() else { return };
    if offer & 0x80 == 0 {
        answered(*offer, data);
    } else {
        answered(*offer, &script(data));
    }
}

/// What was offered by a client that says so little.
#[derive(Clone, Copy)]
struct Offer {
    subprotocols: bool,
    /// How it inflates and deflates.
    compression: Option<(Direction, Direction)>,
}

impl Offer {
    fn of(byte: u8) -> Self {
        let inflate = Direction { window_bits: 8 + (byte >> 2 & 7), takeover: byte & 0x20 == 0 };
        let deflate = Direction { window_bits: 15, takeover: byte & 0x40 != 0 };
        Self { subprotocols: byte & 1 != 0, compression: (byte & 2 != 0).then_some((inflate, deflate)) }
    }

    fn terms((inflate, deflate): (Direction, Direction)) -> Terms {
        let terms = Terms::new(inflate.window_bits, deflate.window_bits);
        let terms = if inflate.takeover { terms } else { terms.without_peer_takeover() };
        if deflate.takeover { terms.with_takeover() } else { terms }
    }
}

fn answered(byte: u8, data: &[u8]) {
    let offer = Offer::of(byte);
    let mut store = [0xaa; 8192]; // whatever a head may have
    let request = Request {
        subprotocols: if offer.subprotocols { &SUBPROTOCOLS } else { &[] },
        ..Request::new("h", "/")
    };
    let mut handshake =
        Handshake::new(request, &mut SampleNonce, &mut store, &[], Instant::from_millis(0)).unwrap();
    if let Some(directions) = offer.compression {
        handshake = handshake.with_compression(Offer::terms(directions));
    }
    let came = read(data, Cuts::of(data), |input| handshake.receive(input));
    let (verdict, before) = last(data);
    let is_open = came.0 == Ok(true);
    assert!(is_open || (handshake.protocol().is_none() && handshake.compression().is_none()));
    match verdict {
        Verdict::More => {
            assert_eq!(came, (Ok(false), data.len()));
            assert_eq!(handshake.response().status(), 0, "half a response is shown");
        }
        Verdict::Refused { error, len, .. } => {
            let (Err(came), taken) = came else { panic!("{came:?}, but {error}") };
            assert_eq!(taken, before + len);
            // Of a head that is only too long, the status is known.
            let is_known = matches!(error, HeadError::LongHead | HeadError::ManyFields);
            let is_status = is_known && matches!(came, Error::Refused { status: 200.. });
            assert!(came == Error::Head(error) || is_status, "{came:?}, but {error:?}");
        }
        Verdict::Head(head) => {
            assert_eq!(came.1, before + head.len);
            assert_eq!(handshake.response().status(), head.status());
            if head.status() != 101 {
                assert_eq!(came.0, Err(Error::Refused { status: head.status() }));
                return;
            }
            let agreed = agreed(&head, offer);
            let faults = faults(&head, offer, agreed);
            match came.0 {
                Ok(_) => {
                    assert!(faults.is_empty(), "open, but {faults:?}");
                    assert_eq!(handshake.protocol().map(str::as_bytes), head.first("sec-websocket-protocol"));
                    let came =
                        handshake.compression().map(|Agreement { inflate, deflate, .. }| (inflate, deflate));
                    assert_eq!(Ok(came), agreed);
                }
                // Why compression will not do is the error's own matter.
                Err(Error::Compression(_)) => assert!(faults.contains(&Error::Extension), "{faults:?}"),
                Err(error) => assert!(faults.contains(&error), "{error:?}, but wrong is {faults:?}"),
            }
        }
    }
}

/// The response that counts, and the bytes of the interim ones before it (RFC 9110 15.2).
fn last(data: &[u8]) -> (Verdict<'_>, usize) {
    let (mut at, mut fields) = (0, 0);
    loop {
        let HeadLimits { bytes, fields: most } = HeadLimits::DEFAULT;
        let limits = HeadLimits { bytes: bytes - at, fields: most - fields };
        let rules = Rules { is_request: false, single: &SINGLE_OF_RESPONSES, limits };
        match rules.read(&data[at..]) {
            Verdict::Head(head) if matches!(head.status(), 100 | 102..=199) => {
                (at, fields) = (at + head.len, fields + head.fields.len());
            }
            verdict => return (verdict, at),
        }
    }
}

/// RFC 6455 4.1.
fn faults(head: &Head<'_>, offer: Offer, agreed: Result<Option<(Direction, Direction)>, ()>) -> Vec<Error> {
    let mut faults = Vec::new();
    let mut ask = |is_right: bool, otherwise| {
        if !is_right {
            faults.push(otherwise);
        }
    };
    let mut upgrades = head.all(b"upgrade");
    let is_upgrade = upgrades.next().is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"));
    ask(head.version() == Version::Http11 && is_upgrade && upgrades.next().is_none(), Error::Upgrade);
    ask(head.has_word("connection", "upgrade"), Error::Connection);
    ask(head.first("sec-websocket-accept") == Some(&accept(KEY)), Error::Accept);
    ask(agreed.is_ok(), Error::Extension);
    let was_offered =
        |name: &[u8]| offer.subprotocols && SUBPROTOCOLS.iter().any(|offered| offered.as_bytes() == name);
    ask(head.first("sec-websocket-protocol").is_none_or(was_offered), Error::Subprotocol);
    let length = head.first("content-length").is_none_or(|length| length == b"0");
    ask(length && head.first("transfer-encoding").is_none(), Error::Body);
    faults
}

/// How both ends compress, if they do; an error if the answer is not within the offer.
fn agreed(head: &Head<'_>, offer: Offer) -> Result<Option<(Direction, Direction)>, ()> {
    let answers = parse_all(head.all(b"sec-websocket-extensions")).ok_or(())?;
    let (answer, (inflate, deflate)) = match (&answers[..], offer.compression) {
        ([], _) => return Ok(None),
        ([answer], Some(offered)) if answer.name == b"permessage-deflate" => (answer, offered),
        _ => return Err(()),
    };
    let Compression { server_no_takeover, client_no_takeover, server_bits, client_bits } =
        compression(answer).ok_or(())?;
    // In an answer, both have values (RFC 7692 7.1.2).
    let (server_bits, client_bits) = (server_bits.unwrap_or(15), client_bits.unwrap_or(15));
    if server_bits == 0 || client_bits == 0 || server_bits > inflate.window_bits {
        return Err(());
    }
    if !inflate.takeover && !server_no_takeover {
        return Err(());
    }
    Ok(Some((
        Direction { window_bits: server_bits, takeover: !server_no_takeover },
        Direction {
            window_bits: client_bits.min(deflate.window_bits),
            takeover: deflate.takeover && !client_no_takeover,
        },
    )))
}

/// An answer, a line for each byte: so that most have the accept value, and all else is tried with it. In half of them, a few
/// bytes are changed then.
fn script(bytes: &[u8]) -> Vec<u8> {
    let mut rng = Rng::of(bytes);
    let mut answer = Vec::new();
    for byte in bytes {
        answer.extend_from_slice(LINES[usize::from(*byte) % LINES.len()].as_bytes());
    }
    if !answer.is_empty() && rng.below(2) == 0 {
        let flips = rng.below(1 + answer.len() / 40);
        for _ in 0..flips {
            let at = rng.below(answer.len());
            answer[at] = rng.next() as u8;
        }
    }
    answer
}

const LINES: &[&str] = &[
    // All that it takes.
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    "\r\n",
    "\u{81}\u{0}",
    "HTTP/1.1 101 Switching Protocols\r\n",
    "HTTP/1.1 101\r\n",
    "HTTP/1.0 101 \r\n",
    "HTTP/1.9 101 \u{e9}\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    "HTTP/1.1 200 OK\r\n",
    "Upgrade: websocket\r\n",
    "upgrade:WebSocket \r\n",
    "Upgrade: websocket, h2c\r\n",
    "Connection: Upgrade\r\n",
    "connection: keep-alive,upgrade\r\n",
    "Connection: close\r\n",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    "sec-websocket-accept:\ts3pPLMBiTxaQ9kYGzzhZRbK+xOo=\t\r\n",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n",
    "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    "Sec-WebSocket-Protocol: chat\r\n",
    "Sec-WebSocket-Protocol: soap\r\n",
    "Sec-WebSocket-Protocol: Chat\r\n",
    "Sec-WebSocket-Protocol: chat, soap\r\n",
    "Sec-WebSocket-Protocol:\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"12\"; server_no_context_takeover\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10; client_no_context_takeover\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_no_context_takeover\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=16\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=08\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate\r\n",
    "Sec-WebSocket-Extensions: x\r\n",
    "Sec-WebSocket-Extensions: ,\r\n",
    "Sec-WebSocket-Extensions: \u{e9}\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Set-Cookie: a=b\r\n",
    " folded\r\n",
];

/// RFC 6455 1.3: that of the sample key.
struct SampleNonce;

impl ws_core::Entropy for SampleNonce {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(b"the sample nonce");
    }
}
