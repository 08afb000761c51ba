//! The feed: what it takes on the wire, compressed and not.

use super::*;
use std::io;
use ws_std::Plain;

/// Keeps all that was read.
struct Recorder {
    stream: TcpStream,
    read: Arc<Mutex<Vec<u8>>>,
}

impl Read for Recorder {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buf)?;
        self.read.lock().unwrap().extend_from_slice(&buf[..n]);
        Ok(n)
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The first bytes of frames that a server sent, and where each frame ends.
fn frames(mut bytes: &[u8]) -> Vec<(u8, usize)> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while let [first, len, rest @ ..] = bytes {
        let size = match (*len, rest) {
            (126, [high, low, ..]) => 4 + usize::from(u16::from_be_bytes([*high, *low])),
            (126.., _) => panic!("a frame that no feed sends"),
            (len, _) => 2 + usize::from(len),
        };
        at += size;
        frames.push((*first, at));
        bytes = bytes.get(size..).unwrap_or_default();
    }
    frames
}

/// What the feed says of itself is what was seen here.
#[test]
fn the_feed_tells_what_it_takes_on_the_wire() {
    let demo = Demo::start();
    for (query, options, is_compressed) in
        [("", COMPRESSED, true), ("?compression=off", COMPRESSED, false), ("", Options::DEFAULT, false)]
    {
        let read = Arc::new(Mutex::new(Vec::new()));
        let stream = TcpStream::connect(demo.address).unwrap();
        let stream = Recorder { stream, read: Arc::clone(&read) };
        let mut ws = Connect::new(&format!("ws://{}/feed{query}", demo.address))
            .subprotocols(&["feed.v1"])
            .options(options)
            .over(Plain(stream))
            .unwrap();
        let agreed = ws.extensions().to_owned();
        assert_eq!(agreed.starts_with("permessage-deflate"), is_compressed, "{agreed}");
        let (mut payload, mut told) = (vec![0], Vec::new());
        while told.len() < 5 {
            let Message::Text(text) = ws.read().unwrap().unwrap() else { panic!("not text") };
            let message: serde_json::Value = serde_json::from_str(text).unwrap();
            if payload.len() == 1 {
                assert_eq!(message["type"], "opened");
                let offers = message["offered"].as_str().unwrap().starts_with("permessage-deflate");
                assert_eq!((offers, &message["agreed"]), (options == COMPRESSED, &agreed.as_str().into()));
            } else {
                assert_eq!(
                    (&message["type"], message["sensors"][5]["volts"].is_f64()),
                    (&"sample".into(), true)
                );
                told.push(
                    ["messages", "payload", "wire"]
                        .map(|what| message["before"][what].as_u64().unwrap() as usize),
                );
            }
            payload.push(payload.last().unwrap() + text.len());
        }
        ws.close(CloseCode::NORMAL, "").unwrap();
        let read = read.lock().unwrap();
        let head = read.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        let frames = frames(&read[head..]);
        for [messages, payload_told, wire] in told {
            assert_eq!((payload_told, wire), (payload[messages], frames[messages - 1].1));
            assert_eq!(wire < payload_told, is_compressed, "{wire} for {payload_told}");
            // Text, whole; with RSV1, if it is compressed (RFC 7692 6).
            assert_eq!(frames[messages].0, if is_compressed { 0xc1 } else { 0x81 });
        }
    }
}

#[test]
fn only_the_feed_is_compressed() {
    let demo = Demo::start();
    let url = format!("ws://{}/ws", demo.address);
    let ws = Connect::new(&url).subprotocols(&["demo.v1"]).options(COMPRESSED).open().unwrap();
    assert_eq!(ws.extensions(), "");
}
