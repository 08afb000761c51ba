//! Every default of the core is in the table of `SECURITY.md`, with its reason, as it is in the code. Structures are taken apart
//! field by field, so that a new one does not compile until it is in the table.

#[path = "common/defaults.rs"]
mod defaults;

use defaults::{assert_table, bytes, millis, number, on, own};
use ws_core::bytes::percent::PercentDecoder;
use ws_core::connection::{CompressionBuffers, DeflatingSender};
use ws_core::deflate::negotiate::Terms;
use ws_core::deflate::{Buffers, Deflater, Effort, Fast, Inflater, Layout, Memory, Small, Work};
use ws_core::http::body::BodyReader;
use ws_core::http::exchange::Settings;
use ws_core::http::{HeadLimits, OriginPolicy};
use ws_core::transport::{
    Budget, CALLBACK_MAX, Endpoint, HtmlStream, ID_MAX, LongPoll, Multipart, PollBody, Rejection, SID_LEN,
    Sse, TYPE_MAX, XhrStream,
};
use ws_core::{Config, Limits, Timeouts, handshake};

#[test]
#[cfg_attr(miri, ignore = "it reads sources, and runs nothing of the library")]
fn the_table_of_defaults_is_that_of_the_code() {
    let Config { limits, timeouts } = Config::DEFAULT;
    assert_eq!((limits, timeouts), (Limits::DEFAULT, Timeouts::DEFAULT), "one row for both");
    let Limits { message, fragments, empty_fragments } = limits;
    let Timeouts { ping, pong, idle, close } = timeouts;
    let HeadLimits { bytes: head_bytes, fields } = HeadLimits::DEFAULT;
    let Settings { head, body, requests, first_timeout, head_timeout, body_timeout, idle_timeout } =
        Settings::DEFAULT;
    assert_eq!(head, HeadLimits::DEFAULT, "one row for both");
    let Endpoint { cors, jsonp, ping: sign, message: posted, poll, padding } =
        Endpoint::new(OriginPolicy::SameOrigin);
    assert_eq!(poll, PollBody::LIMIT, "one row for both");
    let Sse { style: _, retry, padding: sse_padding } = Sse::PLAIN;
    let terms = Terms::new(15, 15).accept([].into_iter()).expect("nothing is asked for");
    let effort = if Effort::default() == Effort::NORMAL { "NORMAL" } else { "another" };
    assert_table([
        ("Limits::DEFAULT.message", bytes(message)),
        ("Limits::DEFAULT.fragments", number(fragments)),
        ("Limits::DEFAULT.empty_fragments", number(empty_fragments)),
        ("Timeouts::DEFAULT.ping", millis(ping.millis())),
        ("Timeouts::DEFAULT.pong", millis(pong.millis())),
        ("Timeouts::DEFAULT.idle", millis(idle.millis())),
        ("Timeouts::DEFAULT.close", millis(close.millis())),
        ("handshake::TIMEOUT", millis(handshake::TIMEOUT.millis())),
        ("HeadLimits::DEFAULT.bytes", bytes(head_bytes as u64)),
        ("HeadLimits::DEFAULT.fields", number(fields as u64)),
        ("http/head.rs: NAME_MAX", bytes(own("http/head.rs", "NAME_MAX").parse::<u64>().expect("a number"))),
        ("http/head.rs: EMPTY_LINES_MAX", own("http/head.rs", "EMPTY_LINES_MAX")),
        ("Settings::DEFAULT.body", bytes(body)),
        ("Settings::DEFAULT.requests", number(requests)),
        ("Settings::DEFAULT.first_timeout", millis(first_timeout.millis())),
        ("Settings::DEFAULT.head_timeout", millis(head_timeout.millis())),
        ("Settings::DEFAULT.body_timeout", millis(body_timeout.millis())),
        ("Settings::DEFAULT.idle_timeout", millis(idle_timeout.millis())),
        ("BodyReader::EXTENSIONS_MAX", bytes(BodyReader::EXTENSIONS_MAX)),
        ("BodyReader::TRAILERS_MAX", bytes(BodyReader::TRAILERS_MAX)),
        ("Cors::new: credentials", on(cors.credentials)),
        ("Cors::new: methods", cors.methods.into()),
        ("Cors::new: headers", cors.headers.into()),
        ("Cors::new: max_age", format!("{} s", cors.max_age)),
        ("Endpoint::new: jsonp", on(jsonp)),
        ("Endpoint::new: ping", millis(sign.millis())),
        ("Endpoint::new: message", bytes(posted)),
        ("Endpoint::new: padding", bytes(padding)),
        ("PollBody::LIMIT", bytes(PollBody::LIMIT as u64)),
        ("LongPoll::WAIT_MAX", millis(LongPoll::WAIT_MAX.millis())),
        ("XhrStream::LIMIT", bytes(XhrStream::LIMIT)),
        ("HtmlStream::LIMIT", bytes(HtmlStream::LIMIT)),
        ("Multipart::LIMIT", bytes(Multipart::LIMIT)),
        ("Sse::PLAIN.retry", millis(retry.millis())),
        ("Sse::PLAIN.padding", bytes(sse_padding)),
        ("Budget::PATIENCE", millis(Budget::<1>::PATIENCE.millis())),
        ("Rejection::RETRY_AFTER", format!("{} s", Rejection::RETRY_AFTER)),
        ("SID_LEN", bytes(SID_LEN as u64)),
        ("CALLBACK_MAX", bytes(CALLBACK_MAX as u64)),
        ("event_stream::ID_MAX", bytes(ID_MAX as u64)),
        ("event_stream::TYPE_MAX", bytes(TYPE_MAX as u64)),
        ("Terms::new: deflate.takeover", on(terms.deflate.takeover)),
        ("Terms::new: inflate.takeover", on(terms.inflate.takeover)),
        ("DeflatingSender::THRESHOLD", bytes(DeflatingSender::THRESHOLD as u64)),
        ("Effort::default", effort.into()),
    ]);
}

/// Who leaves the choice to `Default` gets what has a name, and memory without anything in it.
#[test]
fn default_is_the_constant_of_that_name() {
    assert_eq!(Config::default(), Config::DEFAULT);
    assert_eq!(Limits::default(), Limits::DEFAULT);
    assert_eq!(Timeouts::default(), Timeouts::DEFAULT);
    assert_eq!(HeadLimits::default(), HeadLimits::DEFAULT);
    assert_eq!(Settings::default(), Settings::DEFAULT);
    assert_eq!(Effort::default(), Effort::NORMAL);
    assert!(PercentDecoder::default().is_complete());
    // What is made of memory by default is ready, and knows nothing yet.
    let mut buffers = Buffers::<512, 16, 512, 736>::default();
    let mut both = CompressionBuffers::<512, 512, 16, 512, 736>::default();
    let (mut window, mut tokens, mut work) = ([7; 512], [7; 736], Work::default());
    let memory =
        Memory { window: &mut window, heads: &mut [], links: &mut [], tokens: &mut tokens, work: &mut work };
    let empty = "Deflater(0 of 512 B)";
    assert_eq!(format!("{:?}", Deflater::new(memory, Effort::SMALL).expect("sizes that do")), empty);
    assert_eq!(format!("{:?}", buffers.deflater(Effort::SMALL)), empty);
    let compression = format!("Compression(Inflater(0 of 512 B), {empty})");
    assert_eq!(format!("{:?}", both.compression(Effort::SMALL)), compression);
    inflates(Small::default());
    inflates(Fast::default());
}

fn inflates<L: Layout>(mut tables: L) {
    let mut window = [7; 512];
    let mut inflater = Inflater::new(&mut window, &mut tables).expect("a window");
    let mut hello = &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..]; // RFC 7692 7.2.3.1
    assert_eq!(inflater.inflate(&mut hello, 512), Ok(&b"Hello"[..]));
}
