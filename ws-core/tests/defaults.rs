//! Every default of the core is in the table of `SECURITY.md`, with its reason, as it is in the code. Structures are taken apart
//! field by field, so that a new one does not compile until it is in the table.

#[path = "common/defaults.rs"]
mod defaults;

use defaults::{assert_table, bytes, millis, number, on, own};
use ws_core::connection::DeflatingSender;
use ws_core::deflate::negotiate::Terms;
use ws_core::http::body::BodyReader;
use ws_core::http::exchange::Settings;
use ws_core::http::{HeadLimits, OriginPolicy};
use ws_core::transport::{
    Budget, CALLBACK_MAX, Endpoint, HtmlStream, ID_MAX, LongPoll, Multipart, PollBody, SID_LEN, Sse,
    TYPE_MAX, XhrStream,
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
        ("SID_LEN", bytes(SID_LEN as u64)),
        ("CALLBACK_MAX", bytes(CALLBACK_MAX as u64)),
        ("event_stream::ID_MAX", bytes(ID_MAX as u64)),
        ("event_stream::TYPE_MAX", bytes(TYPE_MAX as u64)),
        ("Terms::new: deflate.takeover", on(terms.deflate.takeover)),
        ("Terms::new: inflate.takeover", on(terms.inflate.takeover)),
        ("DeflatingSender::THRESHOLD", bytes(DeflatingSender::THRESHOLD as u64)),
    ]);
}
