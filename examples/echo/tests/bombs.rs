//! Messages that inflate to more than the server takes: each ends in 1009, or 1007 where the stream is bad, and the server's
//! memory stays what it was before the first. `BOMBS=10000` for so many of them; at `--release` they take about a twentieth of a second each.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::{env, fs, thread};

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

/// Bits, the first one lowest (RFC 1951 3.1.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    hold: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u64, bits: u32) -> &mut Self {
        self.hold |= value << self.count;
        self.count += bits;
        while self.count >= 8 {
            self.bytes.push(self.hold as u8);
            self.hold >>= 8;
            self.count -= 8;
        }
        self
    }

    /// Codes of a block, the first bit highest.
    fn code(&mut self, value: u64, bits: u32) -> &mut Self {
        self.put(value.reverse_bits() >> (64 - bits), bits)
    }

    /// Matches of length 258 at `distance`, 1 to 4, by the fixed codes.
    fn run(&mut self, matches: usize, distance: u64) -> &mut Self {
        for _ in 0..matches {
            self.code(0b1100_0101, 8).code(distance - 1, 5);
        }
        self
    }

    /// The end of the block, and of the message with the header of another block.
    fn end(&mut self, header: u64) -> Vec<u8> {
        self.code(0, 7).put(header, 3).put(0, 7);
        std::mem::take(self).bytes
    }
}

/// More than 16 MiB.
const MATCHES: usize = (16 << 20) / 258 + 1000;

/// Frames, and the code of the Close that they bring.
fn bombs() -> Vec<(Vec<u8>, u16)> {
    let stored = 0b000;
    let abcd = || {
        let mut bits = Bits::default();
        bits.put(0b010, 3).code(0x91, 8).code(0x92, 8).code(0x93, 8).code(0x94, 8);
        bits
    };
    let same = abcd().run(MATCHES, 1).end(stored);
    let words = abcd().run(MATCHES, 4).end(stored);
    // A block for each match, and an empty stored one behind each.
    let mut many = vec![0, 4, 0, 0xfb, 0xff, b'a', b'b', b'c', b'd'];
    let block = Bits::default().put(0b010, 3).run(1, 2).end(stored);
    many.extend([block.as_slice(), &[0, 0, 0xff, 0xff]].concat().repeat(MATCHES));
    let broken = abcd().run(MATCHES / 2, 1).end(0b110); // of the kind that there is not
    let mut pieces = frame(0x41, &same[..1000]);
    for piece in same[1000..].chunks(1000) {
        pieces.extend(frame(0x00, piece));
    }
    let (binary, text) = (frame(0xc2, &same), frame(0xc1, &words));
    vec![
        (binary, 1009),
        (text, 1009),
        (frame(0xc2, &many), 1009),
        (pieces, 1009),
        (frame(0xc2, &broken), 1007),
    ]
}

/// With a masking key of zeros.
fn frame(b0: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![b0, 0x80 | 127];
    bytes.extend((payload.len() as u64).to_be_bytes());
    if payload.len() < 0x1_0000 {
        bytes.splice(1.., [0x80 | 126, (payload.len() >> 8) as u8, payload.len() as u8]);
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// The code of the Close that ends what the server says.
fn throw(address: &str, bomb: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(REQUEST).expect("it reads");
    let mut said = Vec::new();
    let mut other = stream.try_clone().expect("another handle");
    thread::scope(|scope| {
        // It need not read to the end.
        scope.spawn(move || _ = other.write_all(bomb));
        stream.read_to_end(&mut said).expect("an end in peace");
    });
    let [.., 0x88, 2, a, b] = said[..] else { panic!("no Close at the end of {} bytes", said.len()) };
    u16::from_be_bytes([a, b])
}

/// The server agrees to compress, sends a message back, and closes: all that a connection takes has been there once.
fn behave(address: &str) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(REQUEST).expect("it reads");
    stream.write_all(&frame(0x82, &[0x55; 100_000])).expect("it reads");
    stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xe8]).expect("it reads");
    let mut said = Vec::new();
    stream.read_to_end(&mut said).expect("an end in peace");
    assert!(said.ends_with(&[0x88, 2, 3, 0xe8]), "no Close at the end of {} bytes", said.len());
}

/// The most memory that a process has had, in KiB.
fn peak(server: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Memory for the connections that overlap, in KiB: far less than the 16 MiB that a bomb has become when it is refused.
const ROOM: u64 = 2 << 10;

#[test]
fn bombs_end_and_cost_nothing() {
    let count = env::var("BOMBS").map_or(10, |count| count.parse().expect("a number"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_echo-server"));
    command.arg("127.0.0.1:0").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Running(command.spawn().expect("the server starts"));
    let mut lines = BufReader::new(server.0.stdout.take().expect("a pipe")).lines();
    let url = lines.next().expect("a line").expect("text");
    let address = url.strip_prefix("listening on ws://").expect("an address");
    let bombs = bombs();
    behave(address);
    let before = peak(&server.0);
    // By then the threads of the server and their memory have been there, those that overlap among them.
    let warm = bombs.len().max(count / 5);
    let mut first = None;
    for (n, (bomb, code)) in bombs.iter().cycle().take(count).enumerate() {
        assert_eq!(throw(address, bomb), *code, "bomb {n} of {} bytes", bomb.len());
        if n + 1 == warm {
            first = peak(&server.0);
        }
    }
    if let (Some(before), Some(first), Some(last)) = (before, first, peak(&server.0)) {
        let said = format!("{before} KiB before, {first} KiB behind {warm}, {last} KiB behind all {count}");
        println!("{said}");
        assert!(last < before + ROOM, "{said}");
        assert!(last < first + 1024, "{said}");
    }
}
