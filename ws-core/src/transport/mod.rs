//! Ways to push messages to a browser where WebSocket does not get through, and WebSocket beside them: one file a technique.
//!
//! Bodies alone are written and read here; heads, chunks and lengths are of [`http`](crate::http), and sockets of the adapters.
//! All techniques carry the same events out of the same memory:
//!
//! ```text
//!  publish ──► EventRing ──┐                ┌─► Stream<Sse | XhrStream | HtmlStream | Multipart>
//!                          ├─► News ────────┼─► PollBody (short and long polling, JSONP)
//!  send ─────► Session ────┘  by a Cursor   └─► WebSocketStream
//!                 ▲
//!                 └── Inbox ◄── Upstream (POST), messages of a WebSocket
//! ```
//!
//! A message for all lies once in an [`EventRing`], and one for a client alone in the ring of its [`Session`]. A listener is a
//! [`Cursor`], how far it has come, and nothing else; [`Hub`] holds both kinds of rings, and [`News`] is what a listener has still
//! to be given.
//!
//! What a server does about a request, from its head to the end of the answer, is said here once for all adapters:
//!
//! ```text
//!  Request ── Endpoint::asked ──► Asked ──┬─► Visit       any technique over HTTP: receive, transmit, end
//!                                         ├─► Listener    a WebSocket, with a WebSocketStream
//!                                         └─► Rejection   403, 404, 503 ...
//!  Budget                                 who may hold a socket, and who gives way
//! ```
//!
//! # Which technique
//!
//! | technique | how the page asks | requests | holds a socket | latency | take it |
//! | --- | --- | --- | --- | --- | --- |
//! | WebSocket, [`WebSocketStream`] | `new WebSocket(E, "push.v1")` | one | yes | none | first |
//! | SSE, [`Sse`] | `new EventSource(E)` | one | yes | none | from server to page, or second |
//! | XHR streaming, [`XhrStream`] | `fetch(E)` | one for 64 KiB | yes | none | where SSE does not get through |
//! | HTML streaming, [`HtmlStream`] | `<iframe src=E>` | one for 128 KiB | yes | none | in old browsers |
//! | multipart, [`Multipart`], [`Images`] | `<img src=E>`, `fetch(E)` | one | yes | a frame | for pictures |
//! | long polling, [`LongPoll`] | `fetch(E + "?wait=20000")` | one for each answer | nearly always | a round trip | where proxies hold streams back |
//! | short polling, [`PollBody`] | `fetch(E)` now and then | one each time | no | half the interval | for many pages on few sockets |
//! | JSONP, [`Callback`] | `<script src=E>` | one for each answer | as the poll | as the poll | last; off by default |
//! | Flash, [`PolicyFile`] | a Flash file | one | yes | none | never: no browser runs it |
//!
//! # What is in a query
//!
//! | parameter | what it says |
//! | --- | --- |
//! | `as=` | `websocket`, so that one whose upgrade a proxy took out is told so; else what the answer is: `sse` (events in JSON), `events` (SSE, messages as they are), `xhr`, `html`, `multipart`. Without it: a poll |
//! | `since=17.4` | the cursor to go on behind; so does `Last-Event-ID`, which counts more. Without it: what comes from now on |
//! | `s=` | the session: 24 characters, a [`Sid`]. One that has ended, or none behind the `=`: a new one. Without it: no session |
//! | `n=7` | the number of the first message that the client sends with this request, or over this WebSocket |
//! | `wait=20000` | long polling: how long to wait, in milliseconds |
//! | `callback=fn` | JSONP and HTML streaming: the function to call; with `as=html` its name has no dot |
//! | `d=` | JSONP: records of messages, percent-encoded |
//! | `close=1` | beside messages: the session ends behind them |
//!
//! [`percent::parameter`](crate::bytes::percent::parameter) finds one.
//!
//! # Events on the wire
//!
//! An event is an object of JSON in all techniques but two: [`SseStyle::Plain`] and the binary messages of a WebSocket
//! have forms of their own. A client passes over members and objects that it does not know.
//!
//! | event | means |
//! | --- | --- |
//! | `{"id":"17.4","data":"text"}` | a text |
//! | `{"id":"17.4","b64":"…"}` | a binary message, in Base64 |
//! | `{"id":"17.4","open":{"sid":"…","ping":25000}}` | first of all: where the listener begins; its session, if it has one; how many milliseconds it may be quiet before it is dead (0: no matter how long) |
//! | `{"ack":9}` | the client's messages up to number 9 have come |
//! | `{"ping":1}` | a sign of life |
//! | `{"id":"17.4","reset":1}` | events are missing before this: they have left the ring |
//! | `{"close":[1000,"reason"]}` | the session is over |
//!
//! `id` is a [`Cursor`]: keep the last one, and say it as `since=` to go on behind it, over any technique. Its first number
//! counts the events for all, the second, if there is one, those of the session. Strings are escaped so that they are safe inside of
//! `<script>` too; see [`json`](crate::bytes::json).
//!
//! * Polls answer `{"next":"17.4","events":[…]}`; `next` is the next `since=`. 204: there is nothing.
//! * XHR streaming: an event, then LF. Lines may be empty.
//! * HTML streaming: `<script>parent.fn({…})</script>`. JSONP: `/**/fn({…});`.
//! * Multipart: an event is a part of the type `application/json`.
//! * SSE: `id: 17.4`, `data: {…}`; or in the plain style `data: text`, the types `b64` and `control` for the others.
//! * WebSocket: text messages are events; binary ones are the id, a NUL, and the bytes.
//!
//! # Messages of the client
//!
//! A WebSocket takes them as they are. Otherwise they go by `POST E?s=sid&n=7` as records, `t5:hellob3:xyz`, and the answer is
//! `{"ack":8}`. Each has a number, from 1 on; one that comes twice counts once, so a client repeats what got no ack, over whichever
//! technique. [`Upstream`] reads them. 404: the session is over; listen anew. 409: messages are missing before these, or another POST
//! came behind this one.
//!
//! A session has one listener at a time: of two, the later one counts, and the earlier ends. A WebSocket that its client closes with 1000
//! ends the session, as `close=1` does; any other end leaves it for its lifetime. 503 with `Retry-After`: come back by the same
//! technique; there is no room just now.
//!
//! # What is lost, and when
//!
//! Nothing, as long as the events since the last id are in the ring when the client comes back, and its session lives. Else it is told so:
//! by `reset` or by an `open` with another session. Nor does anything come twice, with one exception: where a session was forgotten, nobody
//! knows which of the client's messages without an ack had come, and it sends them again. A client that reads so slowly that an event leaves the ring while it is half out
//! gets [`Lost`]: its connection ends, and it comes back.

mod any;
mod budget;
mod cursor;
mod event;
mod event_stream;
pub mod flash;
mod html_stream;
mod hub;
mod jsonp;
mod listener;
mod long_polling;
mod multipart;
mod ring;
mod route;
mod session;
mod short_polling;
mod sse;
mod stream;
mod upload;
mod upstream;
mod visit;
pub mod websocket;
mod xhr_stream;

pub use any::AnyFormat;
pub use budget::{Budget, Use};
pub use cursor::{Cursor, Seq};
pub use event::Control;
pub use event_stream::{EventStream, EventStreamError, ID_MAX, StreamEvent, TYPE_MAX};
pub use flash::{PolicyFile, PolicyRequest};
pub use html_stream::HtmlStream;
pub use hub::{Hub, News, Next, Outlet};
pub use jsonp::{CALLBACK_MAX, Callback};
pub use listener::Listener;
pub use long_polling::LongPoll;
pub use multipart::{Images, Multipart, Part};
pub use ring::{Event, EventRing, Lookup, RECORD_HEAD, RingView};
pub use route::{Asked, Endpoint, Listening, Rejection, Sending, SessionWish};
pub use session::{SID_LEN, SendError, Session, SessionKey, Sessions, Sid};
pub use short_polling::PollBody;
pub use sse::{Sse, SseStyle};
pub use stream::{Format, Lost, Progress, Stream};
pub use upload::Deliver;
pub use upstream::{AckBody, Inbox, Upstream, UpstreamError};
pub use visit::Visit;
pub use websocket::{WebSocketError, WebSocketStream};
pub use xhr_stream::XhrStream;

/// The other side of all this, for pages: the script of `PushSocket`, which is used as a `WebSocket` is and finds the technique that
/// gets through by itself. Serve it as `text/javascript`, best gzip'd. How to use it stands at its head.
///
/// # Memory
///
/// Who does not name it does not link it.
pub const CLIENT: &str = include_str!("client.js");
