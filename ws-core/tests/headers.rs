//! Every header a peer can begin a frame with, against a table written from RFC 6455 5.2 to 5.5, cut anywhere; the shortest
//! form of each length; and limits on messages at the edges of the integers that hold them.

mod common;

use common::{Driver, ENDS, End, FREE, LENGTHS, Seen, TestKeys, at, binary, decode_one, few, incoming, thin};
use ws_core::frame::encode_header;
use ws_core::{
    Client, CloseCode, Connection, Event, Input, Kind, Limits, Output, PeerError, Role, Server, UsageError,
};

/// What a connection was in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Nothing,
    Text,
    Binary,
}

/// What the table says of a header: refused after that many of its bytes, or taken.
type Verdict = Result<(), (usize, PeerError)>;

/// The table. `long`: the extended length, in the form that the second byte announces.
fn oracle(end: End, inside: Inside, b0: u8, b1: u8, long: u64) -> Verdict {
    let (opcode, fin, mask, len7) = (b0 & 15, b0 & 0x80 != 0, b1 & 0x80 != 0, b1 & 0x7f);
    let is_control = opcode >= 8;
    let first = match opcode {
        _ if b0 & 0x70 != 0 => Err(PeerError::ReservedBits), // 5.2
        3..=7 | 11..=15 => Err(PeerError::ReservedOpcode),   // 5.2
        0 if inside == Inside::Nothing => Err(PeerError::NothingToContinue), // 5.4
        1 | 2 if inside != Inside::Nothing => Err(PeerError::MessageInMessage), // 5.4
        8..=10 if !fin => Err(PeerError::FragmentedControl), // 5.5
        _ => Ok(()),
    };
    first.map_err(|error| (1, error))?;
    let second = match (end, mask) {
        (End::Server, false) => Err(PeerError::UnmaskedFrame), // 5.1
        (End::Client, true) => Err(PeerError::MaskedFrame),    // 5.1
        _ if is_control && len7 > 125 => Err(PeerError::LongControl), // 5.5
        _ => Ok(()),
    };
    second.map_err(|error| (2, error))?;
    match len7 {
        126 if long < 126 => Err((4, PeerError::BadLength)), // 5.2: the shortest form
        127 if long >> 63 != 0 => Err((3, PeerError::BadLength)), // 5.2: the top bit
        127 if long < 0x1_0000 => Err((10, PeerError::BadLength)), // 5.2: the shortest form
        _ => Ok(()),
    }
}

/// Connections in the middle of nothing, a text and a binary message.
fn prepared<R: Role>(new: impl Fn() -> Connection<R>, end: End) -> impl Fn(Inside) -> Connection<R> {
    move |inside| {
        let mut ws = new();
        let mut begin = match inside {
            Inside::Nothing => vec![],
            Inside::Text => incoming(end, 0x01, b""),
            Inside::Binary => incoming(end, 0x02, b""),
        };
        let mut input = Input::new(&mut begin);
        while !input.is_empty() {
            assert!(ws.receive(&mut input).is_ok());
        }
        ws
    }
}

/// Feeds `header` in pieces, and tells after how many bytes it was refused. Nothing of a message may come out, but
/// for the empty piece that announces a frame without payload or one whose payload is to come.
fn verdict<R: Role>(ws: &mut Connection<R>, header: &[u8], cuts: Cuts) -> Verdict {
    let mut bytes = [0; 14];
    let bytes = &mut bytes[..header.len()];
    bytes.copy_from_slice(header);
    let (mut steps, mut before, mut rest) = (0, 0, bytes);
    while !rest.is_empty() {
        let len = cuts.first(before, rest.len());
        let (piece, later) = rest.split_at_mut(len);
        let mut input = Input::new(piece);
        loop {
            steps += 1;
            assert!(steps <= 2 * header.len() + 4, "no end with {header:x?}");
            match ws.receive(&mut input) {
                Err(error) => return Err((before + len, error)),
                Ok(Some(Event::Data(data))) => assert!(data.payload.is_empty(), "{header:x?}"),
                Ok(Some(_)) => {}
                Ok(None) => {}
            }
            if input.is_empty() {
                break;
            }
        }
        (before, rest) = (before + len, later);
    }
    Ok(())
}

/// How a header is cut. What a connection keeps of one that is cut is the bytes that have come, so that these are all the
/// ways there are for it to come to where it is.
#[derive(Clone, Copy, Debug)]
enum Cuts {
    /// In two, behind so many bytes; behind none, it comes whole.
    At(usize),
    /// Into single bytes.
    Everywhere,
}

impl Cuts {
    /// How long the piece is that follows `before` bytes, of the `rest` that are left.
    fn first(self, before: usize, rest: usize) -> usize {
        match self {
            Self::At(at) if before < at => at.min(rest),
            Self::At(_) => rest,
            Self::Everywhere => 1,
        }
    }

    /// How many bytes have come when the one at `at` - 1 has.
    fn reached(self, at: usize, len: usize) -> usize {
        match self {
            Self::At(cut) if at <= cut => cut,
            Self::At(_) => len,
            Self::Everywhere => at,
        }
    }
}

/// What the frame means whose header was taken: feeds its payload, or the first byte of one that is long.
fn assert_meaning<R: Role>(ws: &mut Connection<R>, inside: Inside, b0: u8, len: u64, masked: bool) {
    let (opcode, fin) = (b0 & 15, b0 & 0x80 != 0);
    if opcode >= 8 {
        let key = if masked { [0x37, 0xfa, 0x21, 0x3d] } else { [0; 4] };
        let mut payload: Vec<u8> = key.iter().cycle().map(|key| b'a' ^ key).take(len as usize).collect();
        let result = ws.receive(&mut Input::new(&mut payload));
        match (opcode, len) {
            // 5.5.1: one byte is no code, and what "aa" makes is none that may be sent.
            (8, 1..) => assert_eq!(result, Err(PeerError::BadClose)),
            (8, _) => assert_eq!(ws.close_received(), Some(None)),
            _ => assert_eq!(ws.control(), vec![b'a'; len as usize]),
        }
        return;
    }
    if len == 0 {
        return; // its event came with the header
    }
    let mut payload = [if masked { 0x37 ^ b'a' } else { b'a' }];
    let mut input = Input::new(&mut payload);
    let Ok(Some(Event::Data(data))) = ws.receive(&mut input) else { panic!("{b0:x} {len}") };
    let kind = if opcode == 1 || (opcode == 0 && inside == Inside::Text) { Kind::Text } else { Kind::Binary };
    assert_eq!((data.kind, data.payload), (kind, &b"a"[..]));
    assert_eq!((data.remaining, data.last), (len - 1, fin && len == 1));
}

/// All two-byte headers, their extended lengths and splits, for one role; returns how many were fed.
fn walk<R: Role>(end: End, new: impl Fn() -> Connection<R>) -> usize {
    let prepare = prepared(new, end);
    // The last of each has no two bytes that could be taken for each other.
    let eight: Vec<u64> =
        LENGTHS.into_iter().chain(u64::MAX - 12..u64::MAX - 1).chain([0x0102_0304_0506_0708]).collect();
    let two: Vec<u64> = LENGTHS[..6].iter().copied().chain([0x0102]).collect();
    let mut fed = 0;
    for inside in [Inside::Nothing, Inside::Text, Inside::Binary] {
        for [b0, b1] in thin(0..=u16::MAX, 2003).map(u16::to_be_bytes) {
            let longs: &[u64] = match b1 & 0x7f {
                127 => &eight,
                126 => &two,
                _ => &[0],
            };
            for long in longs {
                let mut header = [b0, b1, 0, 0, 0, 0, 0, 0, 0, 0, 0x37, 0xfa, 0x21, 0x3d];
                let mut len = match b1 & 0x7f {
                    126 => {
                        header[2..4].copy_from_slice(&(*long as u16).to_be_bytes());
                        4
                    }
                    127 => {
                        header[2..10].copy_from_slice(&long.to_be_bytes());
                        10
                    }
                    _ => 2,
                };
                if end == End::Server {
                    header.copy_within(10..14, len);
                    len += 4;
                }
                let header = &header[..len];
                let expected = oracle(end, inside, b0, b1, *long);
                for cuts in (0..len).map(Cuts::At).chain([Cuts::Everywhere]) {
                    let mut ws = prepare(inside);
                    let found = verdict(&mut ws, header, cuts);
                    fed += 1;
                    let case = || format!("{end:?} {inside:?} {header:x?} cut {cuts:?}");
                    match (expected, found) {
                        (Ok(()), Ok(())) => {
                            assert!(ws.close_sent().is_none() || b0 == 0x88, "{}", case());
                            let payload = if b1 & 0x7f < 126 { u64::from(b1 & 0x7f) } else { *long };
                            assert_meaning(&mut ws, inside, b0, payload, end == End::Server);
                        }
                        (Err((at, error)), Err((by, found))) => {
                            assert_eq!(found, error, "{}", case());
                            // As soon as the byte that shows it is there: in the piece that brings it.
                            assert_eq!(by, cuts.reached(at, len), "{}", case());
                            assert_eq!(ws.close_sent(), Some(Some(CloseCode::PROTOCOL_ERROR)), "{}", case());
                        }
                        _ => panic!("{expected:?} expected, {found:?} found: {}", case()),
                    }
                }
            }
        }
    }
    fed
}

#[test]
fn every_header_to_a_server() {
    let fed = walk::<Server>(End::Server, || Connection::server(FREE, at(0)));
    println!("{fed} headers and ways to cut one");
    assert!(cfg!(miri) || fed > 65_536 * 3, "{fed}");
}

#[test]
fn every_header_to_a_client() {
    let fed = walk::<Client<TestKeys>>(End::Client, || Connection::client(FREE, TestKeys::default(), at(0)));
    println!("{fed} headers and ways to cut one");
    assert!(cfg!(miri) || fed > 65_536 * 3, "{fed}");
}

const SIZES: [usize; 10] = [0, 1, 124, 125, 126, 127, 65534, 65535, 65536, 65537];

/// How long the header of a frame is without a key (RFC 6455 5.2).
fn shortest(len: usize) -> usize {
    match len {
        0..=125 => 2,
        126..=65535 => 4,
        _ => 10,
    }
}

#[test]
fn each_length_is_encoded_in_its_shortest_form_and_read_back() {
    for end in ENDS {
        for len in thin(SIZES, 4) {
            let payload: Vec<u8> = (0..len).map(|i| (i ^ (i >> 8)) as u8).collect();
            let mut sent = Driver::new(end);
            sent.out = 70_000;
            sent.send(Kind::Binary, &payload, true);
            assert_eq!(sent.sent.len(), shortest(len) + end.key_len() + len, "{len}");
            let mut begun = Driver::new(end);
            begun.out = 1000;
            begun.drain(|ws, out| ws.begin(Kind::Binary, len as u64, true, out).unwrap());
            let mut rest = &payload[..];
            begun.drain(|ws, out| ws.payload(&mut rest, out).unwrap());
            assert_eq!(begun.sent, sent.sent, "{len}");
            let frame = decode_one(end, &sent.sent).unwrap();
            assert!(frame.b0 == 0x82 && frame.payload == payload, "{len}");
            let mut peer = Driver::new(end.peer());
            peer.feed(&sent.sent);
            assert!(peer.seen == [binary(&payload)], "{len}");
        }
    }
    for len in thin(SIZES, 4) {
        let header = encode_header(Kind::Binary, len as u64).unwrap();
        let mut peer = Driver::new(End::Client);
        peer.feed(header.as_bytes()).feed(&vec![7; len]);
        assert_eq!(header.as_bytes().len(), shortest(len));
        assert!(peer.seen == [binary(&vec![7; len])], "{len}");
    }
    for len in LENGTHS.into_iter().filter(|len| *len > 0xffff) {
        let header = encode_header(Kind::Text, len);
        if len >> 63 != 0 {
            assert_eq!(header.err(), Some(UsageError::TooMuchPayload), "{len}");
            continue;
        }
        assert_eq!(header.unwrap().as_bytes(), [&[0x81, 127][..], &len.to_be_bytes()].concat());
    }
}

/// Outputs whose room ends around the edge of a form: what fits goes out, in its shortest form, and nothing is lost.
#[test]
fn an_output_of_any_size_is_filled_with_frames_that_fit() {
    for end in ENDS {
        let least = if end == End::Client { 7 } else { 3 };
        let payload: Vec<u8> = (0..few(70_000, 1000)).map(|i| (i ^ (i >> 8)) as u8).collect();
        let head = end.key_len();
        let edges = [2 + 125, 4 + 125, 4 + 126, 4 + 127, 4 + 65535, 10 + 65535, 10 + 65536];
        let around = edges.iter().flat_map(|edge| edge + head - 3..=edge + head + 3);
        for out in thin((least..140).chain(around), 60) {
            let mut driver = Driver::new(end);
            driver.out = out;
            let body = if out < 1000 { &payload[..few(1000, 100)] } else { &payload };
            driver.send(Kind::Binary, body, true);
            let sent: Vec<u8> = driver.replies().into_iter().flat_map(|(_, payload)| payload).collect();
            assert!(sent == body, "{end:?} {out}");
        }
        let mut driver = Driver::new(end);
        let mut buf = vec![0; least - 1];
        let result = driver.ws.send(Kind::Binary, &mut &b"x"[..], true, &mut Output::new(&mut buf));
        assert_eq!(result, Err(UsageError::OutputTooSmall));
    }
}

fn header_of(end: End, b0: u8, len: u64) -> Vec<u8> {
    let mut bytes = encode_header(Kind::Binary, len).unwrap().as_bytes().to_vec();
    bytes[0] = b0;
    if end == End::Server {
        bytes[1] |= 0x80;
        bytes.extend([0; 4]);
    }
    bytes
}

/// A frame of `have` bytes, of which few are fed, cannot be completed here; so what was had before is small, and the
/// limit and the length that comes are at the edges.
#[test]
fn limits_hold_at_the_edges_of_the_integers() {
    let limits = [0, 1, 5, 0xffff, (1 << 31) - 1, 1 << 31, u32::MAX - 2, u32::MAX - 1];
    for end in ENDS {
        for limit in limits {
            for have in [0u64, 1, 4, 5] {
                if have > u64::from(limit) {
                    continue;
                }
                let room = u64::from(limit) - have;
                let near = [0, 1, room.saturating_sub(1), room, room + 1, room + 2];
                for len in thin(near.into_iter().chain(LENGTHS).filter(|len| len >> 63 == 0), 5) {
                    let config = FREE.with_limits(Limits { message: limit, ..FREE.limits });
                    let mut driver = Driver::with(end, config);
                    driver.frame(0x02, &vec![b'x'; have as usize]);
                    let seen = driver.seen.len();
                    driver.feed(&header_of(end, 0x80, len));
                    let error = (len > room).then_some(PeerError::MessageTooBig);
                    assert_eq!(driver.failed(), error, "{end:?} limit {limit} have {have} len {len}");
                    assert!(error.is_none() || driver.seen.len() == seen + 1, "nothing of it is delivered");
                }
            }
        }
        // No limit: the longest length there is, behind what came already.
        let mut driver = Driver::new(end);
        driver.frame(0x02, b"x").feed(&header_of(end, 0x00, (1 << 63) - 1)).feed(&[0; 100]);
        assert_eq!(driver.failed(), None);
        assert!(matches!(&driver.seen[..], [Seen::Data(Kind::Binary, bytes, _)] if bytes.len() == 101));
    }
}

#[test]
fn a_length_declared_costs_nothing_until_it_comes() {
    for end in ENDS {
        let mut driver = Driver::new(end);
        let before = size_of_val(&driver.ws);
        driver.feed(&header_of(end, 0x82, 1 << 40));
        assert_eq!(driver.seen, [], "nothing has come");
        driver.feed(b"abcd");
        assert!(matches!(&driver.seen[..], [Seen::Data(Kind::Binary, bytes, _)] if bytes.len() == 4));
        assert_eq!(size_of_val(&driver.ws), before);
    }
}
