//! Messages of all kinds between two ends of ours.

use embassy_futures::join::{join, join4};
use embedded_io_async::ErrorKind;
use ws_core::connection::CompressionBuffers;
use ws_core::deflate::Effort;
use ws_embassy::{
    Client, CloseCode, Config, Error, Kind, Limits, Message, MessageBuffer, Options, Reader, Server, Writer,
    io,
};

use super::{Codec, Memory, Sent, begun, inflated, noise, prose};
use crate::cancel::{Received, buffers};
use crate::common::frames::{BINARY, TEXT};
use crate::pipe::{Pace, Sink, Source};
use crate::side::{Line, Seeded, Side, both_sides, frames_any, run};

both_sides! { what_is_shorter_than_the_threshold_is_plain a_message_in_pieces_is_compressed_however_short }

/// A message, and how it is sent.
struct Say {
    opcode: u8,
    message: Vec<u8>,
    /// In calls of so many bytes each, one before them that begins it, and one more that ends it; `None`: whole.
    pieces: Option<usize>,
}

fn talk() -> Vec<Say> {
    let say = |opcode, message, pieces| Say { opcode, message, pieces };
    let text = |message: &str| say(TEXT, message.into(), None);
    let binary = |message: Vec<u8>| say(BINARY, message, None);
    vec![
        text(""),
        text("a"),
        text(&"b".repeat(63)),
        text(&"b".repeat(64)),
        text(&"\u{20ac}\u{1f600}".repeat(99)),
        binary(Vec::new()),
        binary(noise(64)),
        binary(vec![0; 100_000]),
        binary(noise(3000)),
        text(&prose(5000)),
        text(&prose(5000)), // the same once more: a peer who takes over says it in fewer bytes
        say(TEXT, "\u{20ac}\u{e9}".repeat(20).into(), Some(1)),
        say(BINARY, Vec::new(), Some(1)),
        say(BINARY, noise(700), Some(100)),
        say(TEXT, prose(3000).into(), Some(513)),
        say(BINARY, vec![7; 5000], Some(512)),
        text("the end"),
    ]
}

/// How messages are read.
#[derive(Clone, Copy, Debug)]
enum How {
    /// Into a buffer of so many bytes.
    Read(usize),
    Lent,
    Whole,
}

type Tx<'a, 'b, S> = Writer<'a, 'b, io::Writer<'b, Sink>, S>;
type Rx<'a, 'b, S> = Reader<'a, 'b, io::Reader<'b, Source>, io::Writer<'b, Sink>, S>;

async fn say_all<S: Side>(mut writer: Tx<'_, '_, S>) -> Result<(), Error<ErrorKind>> {
    for Say { opcode, message, pieces } in talk() {
        let kind = if opcode == TEXT { Kind::Text } else { Kind::Binary };
        match pieces {
            None if kind == Kind::Text => {
                writer.send_text(std::str::from_utf8(&message).expect("text")).await?;
            }
            None => writer.send_binary(&message).await?,
            Some(len) => {
                writer.send(kind, &mut &[][..], false).await?;
                for mut piece in message.chunks(len) {
                    writer.send(kind, &mut piece, false).await?;
                    assert!(piece.is_empty());
                }
                writer.send(kind, &mut &[][..], true).await?;
                writer.flush().await?;
            }
        }
    }
    Ok(())
}

async fn hear_all<S: Side>(mut reader: Rx<'_, '_, S>, how: How) -> Vec<(u8, Vec<u8>)> {
    let (count, mut received) = (talk().len(), Received::default());
    let mut memory = vec![0; 100_000];
    let mut buffer = MessageBuffer::new(&mut memory);
    let mut buf = vec![0; if let How::Read(len) = how { len } else { 0 }];
    while received.messages.len() < count {
        match how {
            How::Read(_) => {
                let chunk = reader.read(&mut buf).await.expect("open").expect("no Close");
                received.push(chunk.kind, (chunk.first, chunk.last), chunk.payload);
            }
            How::Lent => {
                let take = reader.receive(|data| {
                    received.push(data.kind, (data.first, data.last), data.payload);
                });
                take.await.expect("open").expect("no Close");
            }
            How::Whole => match reader.read_message(&mut buffer).await.expect("open").expect("no Close") {
                Message::Text(text) => received.push(Kind::Text, (true, true), text.as_bytes()),
                Message::Binary(bytes) => received.push(Kind::Binary, (true, true), bytes),
            },
        }
    }
    received.messages
}

fn options() -> Options {
    let limits = Limits { message: 100_000, fragments: u32::MAX, ..Limits::DEFAULT };
    Options { config: Config::DEFAULT.with_limits(limits), ..Options::DEFAULT }
}

/// Both say and hear all at once, in two tasks each, and close.
fn converse(
    capacity: usize,
    sizes: [(usize, usize); 2],
    pace: Pace,
    how: [How; 2],
    takeover: bool,
    codecs: (&mut Codec<'_>, &mut Codec<'_>),
) {
    let line = Line::new(capacity);
    let [(mut ra, mut wa), (mut rb, mut wb)] = sizes.map(buffers);
    let expected: Vec<_> = talk().into_iter().map(|say| (say.opcode, say.message)).collect();
    run(async {
        let options = options();
        let mut a = line.open_with::<Server>((pace, pace), (&mut ra, &mut wa), &options, codecs.0);
        let mut b =
            line.mirror().open_with::<Client<Seeded>>((pace, pace), (&mut rb, &mut wb), &options, codecs.1);
        let ((from_b, to_b), (from_a, to_a)) = (a.split(), b.split());
        let (said, heard_of_b, answered, heard_of_a) =
            join4(say_all(to_b), hear_all(from_b, how[0]), say_all(to_a), hear_all(from_a, how[1])).await;
        assert_eq!((said, answered), (Ok(()), Ok(())));
        assert!(heard_of_b == expected, "what the client said, {how:?}");
        assert!(heard_of_a == expected, "what the server said, {how:?}");
        let (closed, end) = join(b.close(CloseCode::NORMAL, ""), a.receive(|_| ())).await;
        assert_eq!((closed, end), (Ok(()), Ok(None)));
        assert!(a.was_clean() && b.was_clean());
    });
    let server = inflated(frames_any::<Server>(&line.to_peer.log()), takeover);
    let client = inflated(frames_any::<Client<Seeded>>(&line.to_us.log()), takeover);
    for sent in [server, client] {
        assert_eq!(sent.len(), expected.len());
        for (Sent { opcode, message, compressed }, say) in sent.iter().zip(talk()) {
            assert!((*opcode, message) == (say.opcode, &say.message));
            let is_short = say.pieces.is_none() && message.len() < 64;
            assert_eq!(compressed.is_none(), is_short, "{} bytes, by {:?}", message.len(), say.pieces);
        }
        let [zeros, noise, prose, again] = [7, 8, 9, 10].map(|n| sent[n].compressed.expect("a long one"));
        assert!(zeros < 1000, "{zeros} bytes for 100 kB of zeros");
        assert!((3000..3100).contains(&noise), "{noise} bytes for noise");
        assert!(prose < 2500, "{prose} bytes for prose of 5000");
        assert!(again.abs_diff(prose) < 100 && (takeover || again == prose), "{prose}, {again}");
    }
}

#[test]
fn all_messages_go_both_ways_at_once() {
    use How::{Lent, Read, Whole};
    let cases = [
        (usize::MAX, [(1, 16), (512, 512)], Pace::Ready, [Read(100), Whole]),
        (64, [(256, 256), (64, 23)], Pace::Ready, [Read(7), Lent]),
        (13, [(64, 17), (7, 64)], Pace::Byte, [Lent, Read(100)]),
        (300, [(100, 1460), (1460, 100)], Pace::Any(5), [Whole, Read(1)]),
        (5, [(2048, 2048), (2, 16)], Pace::Any(6), [Read(1000), Read(7)]),
        (usize::MAX, [(40, 40), (33, 77)], Pace::Any(7), [Read(1), Whole]),
    ];
    for (capacity, sizes, pace, how) in cases {
        let (mut one, mut other) = (Memory::new(), Memory::new());
        let (mut one, mut other) = (one.begun::<Server>(), other.begun::<Client<Seeded>>());
        converse(capacity, sizes, pace, how, false, (&mut one, &mut other));
    }
}

/// A message may refer to those before it. What each reader holds then is the window of all messages so far.
#[test]
fn all_messages_go_both_ways_with_takeover_too() {
    for (capacity, pace, how) in [(64, Pace::Ready, How::Read(7)), (300, Pace::Any(8), How::Whole)] {
        let (mut one, mut other) = (Memory::new(), Memory::new());
        let mut one = one.begun_with_takeover::<Server>();
        let mut other = other.begun_with_takeover::<Client<Seeded>>();
        converse(capacity, [(64, 64), (256, 33)], pace, [how, How::Lent], true, (&mut one, &mut other));
    }
}

/// Other sizes of memory, and no heads to search by.
#[test]
fn memory_of_other_sizes_does_too() {
    let mut one = CompressionBuffers::<512, 512, 0, 0, 736>::new();
    let mut other = CompressionBuffers::<4096, 512, 256, 512, 4096>::new();
    let mut one = begun::<Server>(one.compression(Effort::SMALL));
    let mut other = begun::<Client<Seeded>>(other.compression(Effort::NORMAL));
    let how = [How::Lent, How::Whole];
    converse(1460, [(512, 512), (512, 512)], Pace::Ready, how, false, (&mut one, &mut other));
}

/// The one that sends, alone: what it wrote.
fn sent_by<S: Side>(mut codec: Codec<'_>, send: impl AsyncFn(Tx<'_, '_, S>)) -> Vec<Sent> {
    let line = Line::new(usize::MAX);
    run(async {
        let (mut read, mut write) = ([0; 16], [0; 32]);
        let paces = (Pace::Ready, Pace::Ready);
        let mut ws = line.open_with::<S>(paces, (&mut read, &mut write), &Options::DEFAULT, &mut codec);
        send(ws.split().1).await;
    });
    inflated(frames_any::<S>(&line.to_peer.log()), false)
}

fn what_is_shorter_than_the_threshold_is_plain<S: Side>() {
    // The last is longer than what is compressed at once.
    for threshold in [None, Some(0), Some(16), Some(100), Some(1200)] {
        let lens: Vec<usize> = (0..=120).chain(505..520).chain(1190..1210).collect();
        let mut memory = Memory::new();
        let mut codec = memory.begun::<S>();
        if let Some(bytes) = threshold {
            codec = codec.with_threshold(bytes);
        }
        let sent = sent_by::<S>(codec, async |mut writer| {
            for len in &lens {
                writer.send_text(&"x".repeat(*len)).await.expect("open");
            }
        });
        for (len, message) in lens.iter().zip(&sent) {
            assert_eq!(message.is(), (TEXT, vec![b'x'; *len]));
            assert_eq!(message.compressed.is_none(), *len < threshold.unwrap_or(64), "{len}, {threshold:?}");
        }
        assert_eq!(sent.len(), lens.len());
    }
}

fn a_message_in_pieces_is_compressed_however_short<S: Side>() {
    let mut memory = Memory::new();
    let sent = sent_by::<S>(memory.begun::<S>(), async |mut writer| {
        for len in [0, 1, 5] {
            writer.send(Kind::Binary, &mut &[1; 5][..len], false).await.expect("open");
            writer.send(Kind::Binary, &mut &[][..], true).await.expect("open");
        }
        writer.flush().await.expect("open");
    });
    assert_eq!(sent.iter().map(Sent::is).collect::<Vec<_>>(), [0, 1, 5].map(|len| (BINARY, vec![1; len])));
    assert!(sent.iter().all(|message| message.compressed.is_some()));
}
