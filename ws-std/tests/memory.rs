//! What a connection costs, counted by the allocator: at most 16 KiB by default, whatever a peer declares, and no more than
//! what it has sent; with compression what its windows take, whatever a message inflates to.

mod common;

use common::frames::{BINARY, RSV1, TEXT, frame, header};
use common::script::{Plan, Script};
use common::{OFFER, REQUEST, bomb, request};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use ws_std::{
    Answer, Compression, Connect, Error, Options, OriginPolicy, OwnedMessage, PeerError, Server, WebSocket,
    accept_with,
};

/// The system's allocator, which counts the bytes that each thread holds, and the most it has held.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let held = HELD.get() + bytes;
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

// SAFETY: every call is handed on as it is to the system's allocator, which keeps the promises; counting beside it
// allocates nothing, since the cells begin as constants and have no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the promises about `layout`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: `at` is from `alloc` above, with the same layout.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `work` leaves allocated, and the most that it had at a time.
fn cost<T>(work: impl FnOnce() -> T) -> (T, usize, usize) {
    let before = HELD.get();
    MOST.set(before);
    let result = work();
    (result, (HELD.get() - before) as usize, (MOST.get() - before) as usize)
}

/// The script's own memory is allocated before anything is counted.
fn script(frames: &[u8]) -> Script {
    Script::with_room(Plan::SMOOTH, [REQUEST, frames].concat(), 1 << 12)
}

fn serve(script: &Script, options: &Options) -> WebSocket<Script, Server> {
    let opened = accept_with(script.clone(), options, &[], |_| Answer::accept(OriginPolicy::Any));
    opened.unwrap().expect("it was accepted")
}

const KIB: usize = 1024;

#[test]
fn a_connection_takes_16_kib_at_most() {
    // The longest message, in two pieces and in many.
    let two = [frame(true, 0x02, &[1; 4000]), frame(true, 0x80, &[1; 8 * KIB - 4000])].concat();
    let mut many = frame(true, 0x02, b"");
    many.extend(frame(true, 0x00, &[1; 64]).repeat(8 * KIB / 64));
    many.extend(frame(true, 0x80, b""));
    for message in [two, many] {
        let script = script(&message);
        let (mut ws, held, most) = cost(|| serve(&script, &Options::DEFAULT));
        let state = size_of_val(&ws);
        assert!(most + state <= 16 * KIB, "{most} bytes during the handshake");
        assert!(held + state <= 7 * KIB, "{held} bytes once it is open");
        let (len, more, most) = cost(|| ws.read().unwrap().unwrap().as_bytes().len());
        assert_eq!(len, 8 * KIB);
        assert!(held + most + state <= 16 * KIB, "{held} and {most} bytes at a time, {state} of state");
        let ((), again, _) = cost(|| {
            ws.send_binary(&[0; 100]).unwrap();
            assert!(ws.read().is_err());
        });
        assert_eq!(again, 0, "nothing grows any further, {more} bytes are kept");
    }
}

#[test]
fn a_client_takes_16_kib_at_most() {
    let script = Script::server(Plan::SMOOTH, frame(false, TEXT, b"hello"));
    let (mut ws, _, most) = cost(|| Connect::new("ws://h/chat").over(script.clone()).unwrap());
    assert!(most + size_of_val(&ws) <= 16 * KIB, "{most} bytes during the handshake");
    let ((), more, _) = cost(|| assert!(ws.read().unwrap().is_some()));
    assert_eq!(more, 0, "a message in one piece is not copied");
}

/// Without a limit, since with one it is refused by its header.
#[test]
fn a_declared_length_allocates_nothing() {
    let options = Options::DEFAULT.with_message_limit(usize::MAX);
    let script = script(&[header(true, BINARY, 1 << 40), vec![0; 4], b"ten bytes.".to_vec()].concat());
    let mut ws = serve(&script, &options);
    let (error, held, most) = cost(|| ws.read().map(drop).unwrap_err());
    assert!(matches!(error, Error::Lost), "{error:?}");
    assert!(held <= 10 && most <= 10, "{held} bytes, {most} at a time, for 10 bytes that came");
}

#[test]
fn a_length_above_the_limit_allocates_nothing() {
    for declared in [8 * KIB as u64 + 1, 1 << 40, (1 << 63) - 1] {
        let script = script(&[header(true, BINARY, declared), vec![0; 4]].concat());
        let mut ws = serve(&script, &Options::DEFAULT);
        let (error, held, most) = cost(|| ws.read().map(drop).unwrap_err());
        assert!(matches!(error, Error::Peer(PeerError::MessageTooBig)), "{error:?}");
        assert_eq!((held, most), (0, 0));
    }
}

#[test]
fn buffers_grow_with_what_came() {
    let options = Options::DEFAULT.with_message_limit(64 << 20);
    for came in [1, 1000, 4 * KIB, 100 * KIB, 1000 * KIB] {
        let mut frames = header(true, BINARY, 32 << 20);
        frames.extend([0; 4]);
        frames.extend(vec![0; came]);
        let script = script(&frames);
        let mut ws = serve(&script, &options);
        let (_, held, most) = cost(|| ws.read().map(drop).unwrap_err());
        assert!(held <= 2 * came, "{held} bytes for {came}");
        // While it grows, the smaller buffer is still there.
        assert!(most <= 3 * came, "{most} bytes at a time for {came}");
    }
}

/// A fragment costs no more than its bytes.
#[test]
fn fragments_are_not_kept_apart() {
    let mut frames = frame(true, 0x02, b"x");
    frames.extend(frame(true, 0x00, b"x").repeat(1000));
    let script = script(&frames);
    let mut ws = serve(&script, &Options::DEFAULT);
    let (_, held, _) = cost(|| ws.read().map(drop).unwrap_err());
    assert!(held <= 2 * 1001, "{held} bytes");
}

/// A script whose client offers compression.
fn offering(offer: &str, frames: &[u8]) -> Script {
    Script::with_room(Plan::SMOOTH, [request(offer), frames.to_vec()].concat(), 1 << 12)
}

/// The name of the extension and its parameters are kept too.
const NAMES: usize = 200;

#[test]
fn compression_takes_what_it_says_once_it_was_agreed_on() {
    let takes = |compression: Compression, offer: &str| {
        let options = Options::DEFAULT.with_compression(compression);
        let (with, without) = (offering(offer, b""), script(b""));
        let (_plain, plain, _) = cost(|| serve(&without, &options));
        let (_ws, held, _) = cost(|| serve(&with, &options));
        held - plain
    };
    for bits in 8..=15 {
        let compression = Compression::new(bits, bits);
        // Such a window is agreed on with whoever offers it.
        let offer = if bits == 8 { "permessage-deflate; client_max_window_bits=8" } else { OFFER };
        let (taken, said) = (takes(compression, offer), compression.memory());
        assert!((said..said + NAMES).contains(&taken), "{bits} bits: {taken} bytes, not {said}");
    }
    // No more than the client can take.
    let offer = "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9";
    let (taken, said) = (takes(Compression::DEFAULT, offer), Compression::new(9, 9).memory());
    assert!((said..said + NAMES).contains(&taken), "{taken} bytes, not {said}");
    // And of a client the same.
    let options = Options::DEFAULT.with_compression(Compression::DEFAULT);
    let open = |options: Options| {
        let script = Script::server(Plan::SMOOTH, Vec::new());
        cost(|| Connect::new("ws://h/").options(options).over(script.clone()).unwrap())
    };
    let ((_ws, held, _), (_plain, plain, _)) = (open(options), open(Options::DEFAULT));
    let (taken, said) = (held - plain, Compression::DEFAULT.memory());
    assert!((said..said + 1024).contains(&taken), "{taken} bytes, not {said}"); // with the script's answer
}

#[test]
fn compression_takes_nothing_where_it_was_not_agreed_on() {
    let options = Options::DEFAULT.with_compression(Compression::DEFAULT);
    for offer in ["permessage-deflate; x", "permessage-bzip2", ""] {
        let frames = frame(true, BINARY, &[7; 4000]);
        let script = if offer.is_empty() { script(&frames) } else { offering(offer, &frames) };
        let run = |options: &Options| {
            let (mut ws, ..) = cost(|| serve(&script.again(), options));
            let (_, read, _) = cost(|| ws.read().unwrap().is_some());
            let (_, sent, _) = cost(|| ws.send_binary(&[7; 4000]).unwrap());
            drop(ws);
            let (_ws, held, most) = cost(|| serve(&script.again(), options));
            (held, most, read, sent)
        };
        assert_eq!(run(&options), run(&Options::DEFAULT), "{offer}");
    }
}

/// What was given to the handshake is given back, and what was chosen is taken once it is agreed on.
#[test]
fn what_is_chosen_for_a_request_is_all_that_is_taken() {
    let plain = Options::DEFAULT;
    let compressed = Options::DEFAULT.with_compression(Compression::DEFAULT);
    let large = Options { read_buffer: 64 * KIB, write_buffer: 64 * KIB, ..compressed };
    for script in [script(b""), offering(OFFER, b""), offering("permessage-deflate; x", b"")] {
        for (given, chosen) in
            [(plain, large), (large, plain), (compressed, plain), (plain, compressed), (large, large)]
        {
            let (_expected, expected, _) = cost(|| serve(&script.again(), &chosen));
            let (ws, held, _) = cost(|| {
                accept_with(script.again(), &given, &[], |_| {
                    Answer::accept(OriginPolicy::Any).options(chosen)
                })
            });
            assert!(ws.is_ok_and(|ws| ws.is_some()));
            assert_eq!(held, expected, "{given:?}, then {chosen:?}");
        }
    }
}

/// 64 MiB in 400 KiB, read whole, in pieces, and with each limit.
#[test]
fn a_bomb_takes_no_more_than_the_limit() {
    let frames = frame(true, BINARY | RSV1, &bomb(250_000));
    for limit in [100, 8 * KIB, 100 * KIB, 8 << 20] {
        for is_whole in [true, false] {
            let options = Options::DEFAULT.with_compression(Compression::DEFAULT).with_message_limit(limit);
            let script = offering(OFFER, &frames);
            let mut ws = serve(&script, &options);
            let (error, _, most) = cost(|| {
                loop {
                    let result = match is_whole {
                        true => ws.read().map(|message| message.is_some()),
                        false => ws.read_chunk().map(|chunk| chunk.is_some()),
                    };
                    if let Err(error) = result {
                        break error;
                    }
                }
            });
            assert!(matches!(error, Error::Peer(PeerError::MessageTooBig)), "{error:?}");
            // While a large buffer grows, the smaller one is still there.
            let bound = match (is_whole, limit <= 8 * KIB) {
                (false, _) => 0,
                (true, true) => limit,
                (true, false) => 2 * limit,
            };
            assert!(most <= bound, "{most} bytes with a limit of {limit}, whole: {is_whole}");
        }
    }
}

/// Nor does what is sent need more than there is.
#[test]
fn a_compressed_message_in_one_piece_is_not_copied() {
    let hello = frame(true, TEXT | RSV1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    let script = offering(OFFER, &[hello.clone(), hello].concat());
    let mut ws = serve(&script, &Options::DEFAULT.with_compression(Compression::DEFAULT));
    let ((), held, most) = cost(|| {
        for _ in 0..2 {
            assert_eq!(ws.read().unwrap().unwrap().as_bytes(), b"Hello");
            ws.send_binary(&[7; 4000]).unwrap();
        }
    });
    assert_eq!((held, most), (0, 0));
}

/// What was allocated is given back, whatever the end was.
#[test]
fn nothing_leaks() {
    let endings: [&[u8]; 4] =
        [&frame(true, 0x88, &[3, 232]), &frame(true, 0x83, b"bad"), &frame(true, 0x01, b"cut"), b""];
    for frames in endings {
        let script = script(frames);
        let ((), held, _) = cost(|| {
            let mut ws = serve(&script, &Options::DEFAULT);
            let _ = ws.read().map(|message| message.map(OwnedMessage::from));
        });
        assert_eq!(held, 0);
        let compressed = offering(OFFER, frames);
        let ((), held, _) = cost(|| {
            let mut ws = serve(&compressed, &Options::DEFAULT.with_compression(Compression::DEFAULT));
            let _ = ws.read().map(|message| message.map(OwnedMessage::from));
        });
        assert_eq!(held, 0);
        let refused = Script::with_room(Plan::SMOOTH, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(), 1 << 12);
        let ((), held, most) = cost(|| {
            let result =
                accept_with(refused.clone(), &Options::DEFAULT, &[], |_| Answer::respond(404, b"no"));
            assert!(matches!(result, Ok(None)));
        });
        assert_eq!(held, 0);
        assert!(most <= 16 * KIB, "{most}");
    }
}
