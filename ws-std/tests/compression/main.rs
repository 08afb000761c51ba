//! permessage-deflate (RFC 7692) on streams: what is agreed on, what goes over, what may not come. The memory of it is in
//! `../memory.rs`, the protocol itself in the tests of `ws-core`.
//!
//! | file | what |
//! | --- | --- |
//! | `agreed.rs` | the handshake of both ends |
//! | `chosen.rs` | by what a server says for each request |
//! | `messages.rs` | messages of many sizes there and back, whole, in pieces, by two threads |
//! | `interrupted.rs` | the same over a stream that stutters |
//! | `refused.rs` | streams that are none, bombs |
//! | here | what they share |

#[path = "../common/mod.rs"]
mod common;

mod agreed;
mod chosen;
mod interrupted;
mod messages;
mod refused;

use common::frames::{CLOSE, Frame, RSV1};
use common::script::Script;
use std::net::{TcpListener, TcpStream};
use std::thread;
use ws_core::deflate::{Inflater, Small};
use ws_std::{
    Answer, Client, Compression, Connect, Error, Options, OriginPolicy, OsSeeded, Server, WebSocket,
    accept_with,
};

const MIB: usize = 1 << 20;

const OPTIONS: Options = Options::DEFAULT.with_compression(Compression::DEFAULT);

fn with(compression: Compression) -> Options {
    Options::DEFAULT.with_message_limit(4 * MIB).with_compression(compression)
}

/// Both ends of a connection.
fn pair(
    client: &Options,
    server: &Options,
) -> (WebSocket<TcpStream, Client<OsSeeded>>, WebSocket<TcpStream, Server>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::scope(|scope| {
        let accepting = scope.spawn(|| serve(listener.accept().unwrap().0, server).unwrap());
        let client = Connect::new(&url).options(*client).open().unwrap();
        (client, accepting.join().unwrap())
    })
}

fn serve<S: ws_std::Transport>(stream: S, options: &Options) -> Result<WebSocket<S, Server>, Error> {
    let opened = accept_with(stream, options, &[], |_| Answer::accept(OriginPolicy::Any))?;
    Ok(opened.expect("it was accepted"))
}

/// A message, and the length that it took on the wire if it was compressed.
type Inflated = (Vec<u8>, Option<usize>);

/// The messages that are in `frames`, up to a Close, whose payload comes with them.
fn inflated(frames: Vec<Frame>, takeover: bool) -> (Vec<Inflated>, Option<Vec<u8>>) {
    let (mut window, mut tables) = (vec![0; 1 << 15], Small::new());
    let mut inflater = Inflater::new(&mut window, &mut tables).unwrap();
    let (mut messages, mut payload, mut is_compressed) = (Vec::new(), Vec::new(), false);
    for (b0, piece) in frames {
        match b0 & 0x0f {
            0 => {}
            1 | 2 => is_compressed = b0 & RSV1 != 0,
            _ if b0 == CLOSE => return (messages, Some(piece)),
            _ => continue,
        }
        payload.extend(piece);
        if b0 & 0x80 == 0 {
            continue;
        }
        let whole = std::mem::take(&mut payload);
        if !is_compressed {
            messages.push((whole, None));
            continue;
        }
        if !takeover {
            inflater.reset();
        }
        let (mut rest, mut bytes) = (whole.as_slice(), Vec::new());
        while !rest.is_empty() {
            bytes.extend_from_slice(inflater.inflate(&mut rest, 1 << 20).unwrap());
        }
        while let Some(more) = inflater.finish(1 << 20).unwrap() {
            bytes.extend_from_slice(more);
        }
        messages.push((bytes, Some(whole.len())));
    }
    (messages, None)
}

/// What a server has said over `script`.
fn said(script: &Script, takeover: bool) -> (Vec<Inflated>, Option<Vec<u8>>) {
    let (frames, left) = common::frames::decode(false, &script.frames());
    assert_eq!(left, 0, "a frame is torn");
    inflated(frames, takeover)
}

/// Numbers that look random.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    /// Text that compresses well.
    fn text(&mut self, len: usize) -> String {
        let words = ["temperature", "humidity", "{\"id\":", "},", "12", "3", " ", "true", "null"];
        let mut text = String::new();
        while text.len() < len {
            text += words[self.below(words.len())];
        }
        text.truncate(len);
        text
    }

    /// Bytes that do not.
    fn noise(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}
