//! One run of a conversation: [`Scene`], what the server or client under test has to work with ([`Stage`]), and what came of it
//! ([`Outcome`]). Beside it another connection listens to the same hub.

use crate::common::frames::decode;
use crate::wire::{Act, Elsewhere, Event, Fault, Left, Turn, Wire, last};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use ws_core::transport::{EventRing, Hub, Seq, Sessions, Sid};
use ws_std::http::{Hosts, HttpOptions, PolicyFile, Requests};
use ws_std::push::{Endpoint, Push};
use ws_std::{Config, Error, Message, Options, OriginPolicy, Timeouts, Transport};

pub(crate) const SESSIONS: usize = 4;
const LIFETIME: ws_core::Duration = ws_core::Duration::from_secs(3600);

/// A conversation.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// What the peer does.
    pub(crate) turns: &'static [Turn],
    /// What our side does; it says what it was handed out.
    pub(crate) play: for<'w, 'm> fn(Wire<'w>, &Stage<'_, 'm>, &mut Vec<String>) -> Result<(), Error>,
    /// We are the client, who draws keys at random.
    pub(crate) is_client: bool,
}

pub(crate) struct Stage<'p, 'm> {
    pub(crate) push: &'p Push<'m, SESSIONS>,
    /// Deadlines are short.
    is_hasty: bool,
}

pub(crate) static EVENTS: Endpoint<'static> =
    Endpoint { jsonp: true, message: 1000, ..Endpoint::new(OriginPolicy::SameOrigin) };

impl Stage<'_, '_> {
    /// Buffers so small that there are many calls.
    pub(crate) fn options(&self) -> Options {
        let small = Options { read_buffer: 64, write_buffer: 256, ..Options::DEFAULT };
        if !self.is_hasty {
            return small;
        }
        let time = ws_core::Duration::from_millis(20);
        let timeouts = Timeouts { ping: time, pong: time, idle: time, close: time };
        let soon = Duration::from_millis(20);
        let config = Config::DEFAULT.with_timeouts(timeouts);
        Options { config, handshake_timeout: soon, send_timeout: soon, ..small }
    }

    pub(crate) fn http_options(&self) -> HttpOptions<'static> {
        let mut options = HttpOptions::new(Hosts::Addresses(&["localhost"]));
        options.policy = Some(PolicyFile::new("example.com", "80").unwrap());
        // The name of a session in one piece, for the peer to read.
        options.socket = Options { write_buffer: 512, ..self.options() };
        if self.is_hasty {
            let time = ws_core::Duration::from_millis(20);
            options.requests.first_timeout = time;
            options.requests.head_timeout = time;
            options.requests.body_timeout = time;
            options.requests.idle_timeout = time;
        }
        options
    }
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<(), Error>,
    pub(crate) heard: Vec<String>,
    /// Byte by byte; `None` where chance decides.
    pub(crate) said: Vec<Option<u8>>,
    pub(crate) left: Left,
}

impl Outcome {
    pub(crate) fn text(&self) -> String {
        let bytes: Vec<_> = self.said.iter().map(|byte| byte.unwrap_or(b'?')).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What was said is what is said without faults, as far as it goes; then that the request was late, or came only in part, or that there
    /// is no other handle of the stream.
    pub(crate) fn has_apologised(&self, smooth: &Self) -> bool {
        let (ours, theirs) = (self.text(), smooth.text());
        ["HTTP/1.1 408 ", "HTTP/1.1 400 ", "HTTP/1.1 503 "]
            .iter()
            .any(|begin| ours.rfind(begin).is_some_and(|at| theirs.starts_with(&ours[..at])))
    }
}

/// What the other connection does: it listens, until it has heard the last.
const WITNESS: &[Turn] = &[
    ("", Act::Say("GET /events?as=xhr&s= HTTP/1.1\r\nHost: localhost\r\n\r\n")),
    ("\"data\":\"last\"", Act::Elsewhere(Event::EndSession)),
    ("\"close\":[1000", Act::End),
];

/// Runs `scene`, and sees that nothing is left of it and that others were served meanwhile.
pub(crate) fn run(scene: &Scene, fault: Option<Fault>, is_hasty: bool) -> Outcome {
    let at = format!("{} {fault:?}", scene.name);
    let (mut ring, mut own) = ([0; 2048], [0; SESSIONS * 256]);
    let hub = Hub::new(EventRing::new(&mut ring, Seq::new(100)), Sessions::new(&mut own, LIFETIME));
    let push = Push::new(hub).unwrap();
    let published = Mutex::new(Vec::new());
    let elsewhere = || -> Elsewhere<'_> {
        Box::new(|event, said| match event {
            Event::Publish(text) => {
                push.publish(Message::Text(text)).unwrap();
                published.lock().unwrap().push(text);
            }
            Event::EndSession => {
                let sid = last(said, "sid").unwrap();
                push.with(|hub| {
                    let key = hub.sessions().find(&Sid::parse(&sid).unwrap()).unwrap();
                    hub.sessions_mut().close(key);
                });
            }
        })
    };
    let witness = Wire::new(WITNESS, None, elsewhere());
    let (mut result, mut heard) = (Ok(Ok(())), Vec::new());
    let wire = Wire::new(scene.turns, fault, elsewhere());
    thread::scope(|scope| {
        let (stream, patient) = (witness.another(), Stage { push: &push, is_hasty: false });
        let listening = scope.spawn(move || {
            let mut client = Requests::new(stream, patient.http_options()).unwrap();
            while client.read().unwrap().is_some() {
                client.push(patient.push, &EVENTS, |_, _, _| ()).unwrap();
            }
        });
        witness.wait_for("\"open\"");
        let stage = Stage { push: &push, is_hasty };
        // Whatever comes of it, the other connection is to come to its end.
        result = catch_unwind(AssertUnwindSafe(|| (scene.play)(wire.another(), &stage, &mut heard)));
        push.publish(Message::Text("last")).unwrap();
        witness.wait_for("\"close\":[1000");
        listening.join().unwrap();
    });
    let result = result.unwrap_or_else(|panic| resume_unwind(panic));
    published.lock().unwrap().push("last");
    let told = String::from_utf8(witness.left().output).unwrap();
    let told: Vec<_> =
        told.split("\"data\":\"").skip(1).map(|text| text.split('"').next().unwrap()).collect();
    assert_eq!(told, *published.lock().unwrap(), "{at}: the other connection");

    let left = wire.left();
    assert_eq!(left.handles, 0, "{at}: somebody still holds the stream");
    assert_eq!(left.vain, 0, "{at}: writes to a peer that is gone");
    let (attached, kept) = push.with(|hub| {
        let keys: Vec<_> = hub.sessions().keys().collect();
        let attached = keys.iter().filter(|key| hub.sessions().get(**key).unwrap().left().is_none()).count();
        hub.sessions_mut().handle_timeout(push.now().after(LIFETIME).after(LIFETIME));
        (attached, hub.sessions().keys().count())
    });
    assert_eq!((attached, kept), (0, 0), "{at}: sessions that are held, and that stay");
    let said = if scene.is_client { unmasked(&left.output) } else { without_chance(&left.output) };
    Outcome { result, heard, said, left }
}

/// What a server has said, but for the names of sessions.
fn without_chance(output: &[u8]) -> Vec<Option<u8>> {
    let mut said: Vec<_> = output.iter().copied().map(Some).collect();
    let begin = b"\"sid\":\"";
    for at in 0..output.len() {
        if output[at..].starts_with(begin) {
            let name = output[at + begin.len()..].iter().position(|byte| *byte == b'"');
            let len = name.unwrap_or(usize::MAX);
            said.iter_mut().skip(at + begin.len()).take(len).for_each(|byte| *byte = None);
        }
    }
    said
}

/// What a client has said, but for its keys: whole frames, behind its request.
fn unmasked(output: &[u8]) -> Vec<Option<u8>> {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
    let mut said: Vec<_> = output[..end.unwrap_or(output.len())].iter().copied().map(Some).collect();
    let begin = b"Sec-WebSocket-Key: ";
    if let Some(at) = output.windows(begin.len()).position(|window| window == begin) {
        said.iter_mut().skip(at + begin.len()).take(24).for_each(|byte| *byte = None);
    }
    if let Some(end) = end {
        for (b0, payload) in decode(true, &output[end..]).0 {
            said.extend([Some(b0), Some(payload.len() as u8)]);
            said.extend(payload.into_iter().map(Some));
        }
    }
    said
}

/// A server as an application would write it.
pub(crate) fn serve<S: Transport + Send>(
    stream: S,
    stage: &Stage<'_, '_>,
    heard: &mut Vec<String>,
) -> Result<(), Error> {
    let heard = Arc::new(Mutex::new(heard));
    let mut client = Requests::new(stream, stage.http_options())?;
    while let Some(request) = client.read()? {
        let path = request.target().path.to_owned();
        match (request.method(), path.as_str()) {
            (_, "/events") => client.push(stage.push, &EVENTS, |_, _, message| {
                heard.lock().unwrap().push(format!("{message:?}"));
            })?,
            (_, path) => {
                let mut heard = heard.lock().unwrap();
                heard.push(path.to_owned());
                if crate::http::answer(&mut client, path, &mut heard)?.is_none() {
                    let answer = ws_std::Answer::accept(OriginPolicy::SameOrigin);
                    let Some(ws) = client.accept(answer)? else { return Ok(()) };
                    return crate::websocket::echo(ws, &mut heard);
                }
            }
        }
    }
    Ok(())
}
