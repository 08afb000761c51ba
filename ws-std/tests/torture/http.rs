//! Conversations of HTTP: pages, bodies, streams, a WebSocket behind a page, and the policy that Flash Player asks for.

use crate::stage::{Scene, serve};
use crate::wire::Act::{End, Frame, Say};
use std::io::Write;
use ws_std::http::{Content, Requests};
use ws_std::{Error, Transport};

pub(crate) const SCENES: &[Scene] = &[
    Scene {
        name: "pages",
        turns: &[
            ("", Say("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n")),
            ("<h1>hello</h1>", Say("GET /page HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"1\"\r\n\r\n")),
            // Two at once, the second a HEAD.
            (
                " 304 ",
                Say(
                    "GET /long HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /long HTTP/1.1\r\nHost: localhost\r\n\r\n",
                ),
            ),
            ("xxxxHTTP/1.1 200 ", Say("GET /silent HTTP/1.1\r\nHost: localhost\r\n\r\n")),
            ("no valid answer\n", End), // which closes
        ],
        play: |w, s, h| serve(w, s, h),
        is_client: false,
    },
    Scene {
        name: "bodies",
        turns: &[
            ("", Say("POST /note HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nfirst")),
            (
                "heard 5",
                Say(
                    "POST /note HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n",
                ),
            ),
            ("HTTP/1.1 100 ", Say("second")),
            (
                "heard 6",
                Say(
                    "POST /note HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nthi\r\n2\r\nrd\r\n0\r\n\r\n",
                ),
            ),
            ("heard 5", Say("GET /parts HTTP/1.1\r\nHost: localhost\r\n\r\n")),
            ("0\r\n\r\n", Say("POST /note HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nlast!")),
            ("heard 5", End),
        ],
        play: |w, s, h| serve(w, s, h),
        is_client: false,
    },
    Scene {
        name: "another host",
        turns: &[("", Say("GET /page HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n")), ("this name\n", End)],
        play: |w, s, h| serve(w, s, h),
        is_client: false,
    },
    Scene {
        name: "a page, then a WebSocket",
        turns: &[
            ("", Say("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n")),
            (
                "<h1>hello</h1>",
                Say(
                    "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                ),
            ),
            ("\r\n\r\n", Frame(0x81, b"hello")),
            ("hello", Frame(0x88, &[3, 232])),
            ("\u{3}", End),
        ],
        play: |w, s, h| serve(w, s, h),
        is_client: false,
    },
    Scene {
        name: "the policy of Flash",
        turns: &[("", Say("<policy-file-request/>\0")), ("</cross-domain-policy>\0", End)],
        play: |w, s, h| serve(w, s, h),
        is_client: false,
    },
];

static PAGE: Content<'static> = Content::plain("text/html", "\"1\"", b"<h1>hello</h1>");

/// Answers a request. `None`: it is for a WebSocket.
pub(crate) fn answer<S: Transport>(
    client: &mut Requests<'_, S>,
    path: &str,
    heard: &mut Vec<String>,
) -> Result<Option<()>, Error> {
    match path {
        "/page" => client.content(&PAGE)?,
        "/long" => client.respond(200, &[("Content-Type", "text/plain")], &[b'x'; 700])?,
        "/note" => {
            let note = client.body(100)?;
            heard.push(String::from_utf8(note.clone()).unwrap());
            client.respond(200, &[], format!("heard {}", note.len()).as_bytes())?;
        }
        "/parts" => {
            let mut body = client.stream(200, &[])?;
            for part in ["one ", "two ", "three"] {
                Write::write_all(&mut body, part.as_bytes())?;
            }
            body.finish()?;
        }
        "/silent" => {}
        "/echo" => return Ok(None),
        _ => client.respond(404, &[], b"nothing here\n")?,
    }
    Ok(Some(()))
}
