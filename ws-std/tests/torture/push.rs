//! Conversations of events: each technique, from its request to its end.

use crate::stage::{Scene, serve};
use crate::wire::Act::{Elsewhere, End, Frame, Say};
use crate::wire::Event::{EndSession, Publish};
use crate::wire::Turn;

/// A stream that is told two events, whose session is over then; behind it a page is asked for on the same connection.
macro_rules! stream {
    ($name:literal, $query:literal) => {
        Scene {
            name: $name,
            turns: &[
                ("", Say(concat!("GET /events?s=&", $query, " HTTP/1.1\r\nHost: localhost\r\n\r\n"))),
                ("\"ping\":", Elsewhere(Publish("one"))),
                ("\"data\":\"one\"", Elsewhere(Publish("two"))),
                ("\"data\":\"two\"", Elsewhere(EndSession)),
                ("\r\n0\r\n\r\n", Say("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n")),
                ("<h1>hello</h1>", End),
            ],
            play: |w, s, h| serve(w, s, h),
            is_client: false,
        }
    };
}

/// A session is begun; then it is asked twice what there is, once in vain.
macro_rules! poll {
    ($name:literal, $query:literal, $nothing:literal) => {
        Scene {
            name: $name,
            turns: &[
                (
                    "",
                    Say(concat!(
                        "GET /events?s=&",
                        $query,
                        " HTTP/1.1\r\nHost: localhost\r\nReferer: http://localhost/\r\n\r\n"
                    )),
                ),
                ("\"ping\":", Elsewhere(Publish("one"))),
                (
                    "",
                    Say(concat!(
                        "GET /events?s=SID&since=NEXT&",
                        $query,
                        " HTTP/1.1\r\nHost: localhost\r\nReferer: http://localhost/\r\n\r\n"
                    )),
                ),
                (
                    "\"data\":\"one\"",
                    Say(concat!(
                        "GET /events?s=SID&since=NEXT&",
                        $query,
                        " HTTP/1.1\r\nHost: localhost\r\nReferer: http://localhost/\r\n\r\n"
                    )),
                ),
                ($nothing, End),
            ],
            play: |w, s, h| serve(w, s, h),
            is_client: false,
        }
    };
}

const UPLOADS: &[Turn] = &[
    ("", Say("GET /events?s= HTTP/1.1\r\nHost: localhost\r\n\r\n")),
    (
        "\"ping\":",
        Say("POST /events?s=SID&n=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\nt5:hellob3:abc"),
    ),
    (
        "{\"ack\":2}",
        Say(
            "POST /events?s=SID&n=3 HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
    ),
    ("HTTP/1.1 100 ", Say("6\r\nt7:go \r\n4\r\nalon\r\n0\r\n\r\n")),
    (
        "{\"ack\":3}",
        Say(
            "GET /events?s=SID&n=4&d=t5%3Aworld&callback=f HTTP/1.1\r\nHost: localhost\r\nReferer: http://localhost/\r\n\r\n",
        ),
    ),
    (
        "f({\"ack\":4}",
        Say(
            "OPTIONS /events HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n\r\n",
        ),
    ),
    (
        " 204 ",
        Say("POST /events?s=SID&n=5&close=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nt3:bye"),
    ),
    ("{\"ack\":5}", End),
];

pub(crate) const SCENES: &[Scene] = &[
    stream!("server-sent events", "as=sse"),
    stream!("XHR stream", "as=xhr"),
    stream!("HTML stream", "as=html&callback=f"),
    stream!("multipart stream", "as=multipart"),
    poll!("short poll", "x=1", " 204 "),
    poll!("long poll", "wait=5", " 204 "),
    poll!("JSONP", "wait=5&callback=f", "\"events\":[]"),
    Scene { name: "uploads", turns: UPLOADS, play: |w, s, h| serve(w, s, h), is_client: false },
    Scene {
        name: "push.v1",
        turns: &[
            (
                "",
                Say(
                    "GET /events?s=&n=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: push.v1\r\n\r\n",
                ),
            ),
            ("\"ping\":", Elsewhere(Publish("one"))),
            ("\"data\":\"one\"", Frame(0x81, b"hello")),
            ("{\"ack\":1}", Frame(0x89, b"there?")),
            ("there?", Elsewhere(Publish("two"))),
            ("\"data\":\"two\"", Frame(0x88, &[3, 232])),
            ("\u{3}", End),
        ],
        play: |w, s, h| serve(w, s, h),
        is_client: false,
    },
];
