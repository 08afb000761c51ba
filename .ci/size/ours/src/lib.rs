//! Ours, in three sizes: [`echo`] is the loop of the documentation of `ws-core`, [`serve`] puts the opening handshake
//! before it, [`connect`] the client's. [`inflate`] and [`deflate`] stand beside them.

#![no_std]

use core::ops::Range;
use ws_core::deflate::{Deflater, Effort, InflateError, Inflater, Memory, Small, Work};
use ws_core::handshake::{OriginPolicy, client, server};
use ws_core::{Config, Connection, Entropy, Event, Input, Instant, Output, Role};

const NOW: Instant = Instant::from_millis(0);

/// Echoes until the connection ends; the bytes `at` in `rx` came already.
pub fn echo<R: Role>(ws: &mut Connection<R>, rx: &mut [u8], out: &mut Output<'_>, mut at: Range<usize>) {
    while !ws.wants_shutdown() {
        let mut input = Input::new(rx.get_mut(at).unwrap_or_default());
        while !input.is_empty() || ws.wants_transmit() {
            if let Ok(Some(Event::Data(data))) = ws.receive(&mut input) {
                let mut rest: &[u8] = data.payload;
                while let Ok(false) = ws.send(data.kind, &mut rest, data.last, out) {
                    flush(out);
                }
            }
            ws.transmit(out);
            flush(out);
        }
        at = 0..transport::read(rx);
        if at.is_empty() {
            ws.receive_eof();
        }
    }
}

/// Answers one client: with the opening handshake and the echo, or with its refusal.
pub fn serve() {
    let rx = transport::memory();
    let mut out = Output::new(transport::memory());
    let mut handshake = server::Handshake::new(transport::memory(), &[], NOW);
    let (done, left) = read(rx, |input| handshake.receive(input));
    match done.and_then(|_| handshake.accept(OriginPolicy::SameOrigin)) {
        Ok(mut accept) => {
            while !accept.transmit(&mut out) {
                flush(&mut out);
            }
            let mut ws = Connection::server(Config::DEFAULT, NOW);
            echo(&mut ws, rx, &mut out, left);
        }
        Err(refusal) => {
            let mut response = refusal.response();
            while !response.transmit(&mut out) {
                flush(&mut out);
            }
            flush(&mut out);
        }
    }
}

/// Connects to a server, and echoes what it sends.
pub fn connect() {
    let rx = transport::memory();
    let mut out = Output::new(transport::memory());
    let request = client::Request::new("h", "/");
    let Ok(mut handshake) = client::Handshake::new(request, &mut Random, transport::memory(), &[], NOW)
    else {
        return;
    };
    while !handshake.transmit(&mut out) {
        flush(&mut out);
    }
    flush(&mut out);
    let (done, left) = read(rx, |input| handshake.receive(input));
    if done.is_ok() {
        let mut ws = Connection::client(Config::DEFAULT, Random, NOW);
        echo(&mut ws, rx, &mut out, left);
    }
}

/// Inflates messages, each of one read, until one is bad.
pub fn inflate() {
    let mut tables = Small::new();
    if let Some(mut inflater) = Inflater::new(transport::memory(), &mut tables) {
        let rx = transport::memory();
        while inflate_one(&mut inflater, rx).is_ok() {}
    }
}

fn inflate_one(inflater: &mut Inflater<'_, Small>, rx: &mut [u8]) -> Result<(), InflateError> {
    let n = transport::read(rx);
    let mut input = rx.get(..n).unwrap_or_default();
    inflater.reset();
    while !input.is_empty() {
        transport::write(inflater.inflate(&mut input, 1024)?);
    }
    while let Some(bytes) = inflater.finish(1024)? {
        transport::write(bytes);
    }
    Ok(())
}

/// Deflates messages, each of one read. The sizes are known to nobody, so that it does with and without heads.
pub fn deflate() {
    let (mut heads, mut links, mut work) = ([0; 128], [0; 512], Work::new());
    let memory = Memory {
        window: lend(transport::memory()),
        heads: lend(&mut heads),
        links: lend(&mut links),
        work: &mut work,
        tokens: transport::memory(),
    };
    let Ok(mut deflater) = Deflater::new(memory, Effort::SMALL) else { return };
    let (rx, tx) = (transport::memory(), transport::memory());
    loop {
        let n = transport::read(rx);
        let mut input = rx.get(..n).unwrap_or_default();
        deflater.reset();
        let mut done = false;
        while !done {
            let progress = deflater.deflate(&mut input, tx, true);
            transport::write(tx.get(..progress.written).unwrap_or_default());
            done = progress.done;
        }
    }
}

/// As much of it as nobody foresees.
fn lend<T>(memory: &mut [T]) -> &mut [T] {
    memory.get_mut(..transport::read(&mut [])).unwrap_or_default()
}

/// Reads until `receive` is done, and says where in `rx` the bytes behind that lie.
fn read<E>(
    rx: &mut [u8],
    mut receive: impl FnMut(&mut Input<'_>) -> Result<bool, E>,
) -> (Result<bool, E>, Range<usize>) {
    loop {
        let n = transport::read(rx);
        let mut input = Input::new(rx.get_mut(..n).unwrap_or_default());
        let done = receive(&mut input);
        let used = input.consumed();
        if n == 0 || !matches!(done, Ok(false)) {
            return (done, used..n);
        }
    }
}

fn flush(out: &mut Output<'_>) {
    transport::write(out.filled());
    out.clear();
}

struct Random;

impl Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        transport::random(bytes);
    }
}
