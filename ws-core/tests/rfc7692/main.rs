//! Compressed messages over a connection (RFC 7692 6, 7.2): `examples`, those of the RFC and their like at every split and every
//! size of output; `refused`, what may not come; `memory`, what it takes; `pieces`, what either end can ask; `sessions`, random talk of a client and a server over pipes that cut it anywhere.
//! What is compressed in them, by itself, is in `../inflate` and `../deflate`; the handshake in `../handshake`.

#[path = "../common/cases.rs"]
mod cases;
mod examples;
mod memory;
mod pieces;
mod refused;
mod sessions;
#[path = "../common/tables.rs"]
mod tables;

use ws_core::connection::Compression;
use ws_core::deflate::negotiate::{Agreement, Terms};
use ws_core::deflate::{Buffers, Effort, Fast, Inflater, Layout, Small};
use ws_core::{Config, Connection, Event, Input, Instant, Kind, Output, PeerError, Role};

const START: Instant = Instant::from_millis(0);

/// The memory of one end, for any window.
struct Room {
    window: Vec<u8>,
    small: Small,
    fast: Fast,
    buffers: Box<Buffers<32_768, 1024, 32_768, 4096>>,
}

impl Room {
    fn new() -> Self {
        let (window, buffers) = (vec![0xaa; 33_000], Box::new(Buffers::new()));
        Self { window, small: Small::new(), fast: Fast::new(), buffers }
    }

    /// With the window just large enough.
    fn small(&mut self, agreement: &Agreement) -> Compression<'_, Small> {
        let window = &mut self.window[..agreement.inflate.window()];
        let inflater = Inflater::new(window, &mut self.small).expect("a window");
        begun(Compression::new(inflater, self.buffers.deflater(Effort::QUICK)), agreement)
    }

    fn fast(&mut self, agreement: &Agreement) -> Compression<'_, Fast> {
        let window = &mut self.window[..agreement.inflate.window() + 32];
        let inflater = Inflater::new(window, &mut self.fast).expect("a window");
        begun(Compression::new(inflater, self.buffers.deflater(Effort::QUICK)), agreement)
    }
}

fn begun<'m, L: Layout>(mut compression: Compression<'m, L>, agreement: &Agreement) -> Compression<'m, L> {
    compression.begin(agreement).expect("a window just large enough");
    compression
}

/// What a server and a client with these terms agree on: first the server's view, then the client's. To a server with a window
/// of 8 bits the client says that it can do with that.
fn agree(server: Terms, client: Terms) -> (Agreement, Agreement) {
    let value = |(name, bits): (&'static str, Option<u8>)| (name, bits.map(|bits| Some(bits.into())));
    let least = |(name, bits)| (name, if name == "client_max_window_bits" { Some(Some(8)) } else { bits });
    let offer = client.offer();
    let there = server.accept(offer.iter().map(value));
    let there = there.or_else(|_| server.accept(offer.iter().map(value).map(least)));
    let there = there.expect("an offer that will do");
    (there, client.confirm(there.answer.iter().map(value)).expect("an answer that will do"))
}

/// What was seen of the peer, whichever way it was cut.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Seen {
    messages: Vec<(Kind, Vec<u8>)>,
    /// Of a message that is not whole.
    begun: Option<(Kind, Vec<u8>)>,
    in_message: bool,
    pings: usize,
    pongs: usize,
    closed: bool,
    error: Option<PeerError>,
}

/// Receives all of `bytes`.
fn receive<R: Role, L: Layout>(
    ws: &mut Connection<R>,
    compression: &mut Compression<'_, L>,
    bytes: &mut [u8],
    seen: &mut Seen,
) {
    let mut input = Input::new(bytes);
    let mut scratch = [0; 256];
    loop {
        match compression.receive(ws, &mut input) {
            Ok(Some(Event::Data(data))) => {
                let (kind, whole) = seen.begun.get_or_insert((data.kind, Vec::new()));
                assert_eq!((*kind, data.first), (data.kind, whole.is_empty() && !seen.in_message));
                seen.in_message = true;
                whole.extend_from_slice(data.payload);
                if data.last {
                    seen.messages.extend(seen.begun.take());
                    seen.in_message = false;
                }
            }
            Ok(Some(Event::Ping)) => seen.pings += 1,
            Ok(Some(Event::Pong)) => seen.pongs += 1,
            Ok(Some(Event::Close(_))) => seen.closed = true,
            Ok(Some(_)) => unreachable!("no other event"),
            Ok(None) if input.is_empty() => {
                assert!(!compression.wants_receive());
                return;
            }
            Ok(None) => {
                let mut out = Output::new(&mut scratch);
                assert_ne!(ws.transmit(&mut out), 0, "input is left, and nothing is owed");
            }
            Err(error) => {
                seen.error = Some(error);
                return;
            }
        }
    }
}

/// A frame of a client's, masked; `b0` is its first byte.
fn frame(b0: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![b0];
    match payload.len() {
        n @ 0..=125 => bytes.push(0x80 | n as u8),
        n @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend((n as u16).to_be_bytes());
        }
        n => {
            bytes.push(0x80 | 127);
            bytes.extend((n as u64).to_be_bytes());
        }
    }
    let key = [0x5a, 0xa5, 0x3c, 0xc3];
    bytes.extend(key);
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

const CONFIG: Config = Config::DEFAULT;
