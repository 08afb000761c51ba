//! A client over all techniques, a WebSocket among them, that is cut off anywhere, comes back with the last id that it has, and repeats what got
//! no ack: all messages once and in order, both ways, or it was told.

use crate::Dice;
use crate::cases::{few, thin};
use crate::client::{answers, events, member};
use crate::server::{Link, OPEN, Server, post, script};
use proptest::prelude::*;
use std::collections::HashMap;
use ws_core::transport::{Cursor, Listener, Listening, Progress, Seq, SessionWish, Sid, WebSocketStream};
use ws_core::{Client, Config, Connection, Event, Input, Kind, Message, MessageBuffer, Output};

/// How the client listens: the last one is a WebSocket.
const WAYS: [&str; 8] = [
    "as=sse",
    "as=xhr",
    "as=html&callback=fn",
    "as=multipart",
    "wait=20000",
    "wait=0",
    "callback=fn",
    "WebSocket",
];

#[derive(Clone, Debug)]
enum Act {
    /// So many events for all, and for the session.
    Happen(usize, usize),
    /// The client wants to say so many more.
    Say(usize),
    /// It listens in this way, through outputs of a size; so many events come meanwhile; so many bytes get through.
    Listen {
        way: usize,
        size: usize,
        meanwhile: usize,
        through: usize,
    },
    /// It sends what got no ack, by a script or by POST; so many bytes get through of it, and of the answer.
    Send {
        by_script: bool,
        through: usize,
        back: usize,
    },
    Wait(u64),
    /// The server ends a session.
    End,
    /// If sessions that nobody has heard of are in the way, the client waits until they are over.
    Recover,
}

/// What the server has of a client, and what there was to be had.
#[derive(Default)]
struct World {
    /// Events for all, by number.
    shared: HashMap<u32, String>,
    /// Those of each session, from 1 on.
    own: HashMap<String, Vec<String>>,
    /// What the client said in each session, from 1 on.
    said: HashMap<String, Vec<String>>,
    count: usize,
}

impl World {
    /// A text that is no other's.
    fn text(&mut self) -> String {
        self.count += 1;
        format!("m{}{}", self.count, "x".repeat(self.count * 7 % 40))
    }
}

/// The client.
#[derive(Default)]
struct Page {
    sid: Option<String>,
    last: Option<Cursor>,
    /// What has no ack, and the number of the first.
    queue: Vec<String>,
    acked: usize,
    /// How often it was told that something is missing, and how often that it is somebody else now.
    resets: usize,
    sessions: usize,
    /// It begins somewhere else than it was: it has to be told next that something is missing.
    is_owed_reset: bool,
}

impl Page {
    fn query(&self) -> String {
        let since = self.last.map_or(String::new(), |last| format!("&since={last}"));
        format!("s={}{since}", self.sid.as_deref().unwrap_or_default())
    }

    /// Reads an event, and checks that it is the one behind the last.
    fn read(&mut self, event: &str, world: &World) -> Result<(), TestCaseError> {
        prop_assert!(!self.is_owed_reset || event.contains("\"reset\""), "{} instead of a reset", event);
        self.is_owed_reset = false;
        let id = member(event, "id").map(|id| Cursor::parse(id).expect("an id"));
        if event.contains("\"open\"") {
            let id = id.expect("where it begins");
            let sid = member(event, "sid").expect("it wanted one").to_owned();
            if self.sid.as_deref() == Some(&sid) {
                prop_assert_eq!(Some(id), self.last, "it goes on where it was");
            } else {
                // It is somebody else: what got no ack begins with 1 again.
                self.is_owed_reset = self.last.is_some_and(|last| last.shared != id.shared);
                (self.sid, self.acked) = (Some(sid), 0);
                self.sessions += 1;
            }
            self.last = Some(id);
        } else if event.contains("\"reset\"") {
            self.resets += 1;
            self.last = id;
        } else if let Some(data) = member(event, "data") {
            let (id, last) = (id.expect("each has one"), self.last.expect("open comes first"));
            let expected = if id.own == last.own {
                prop_assert_eq!(id.shared, last.shared.next(), "{}", event);
                world.shared.get(&id.shared.get())
            } else {
                prop_assert_eq!((id.shared, id.own), (last.shared, last.own.next()), "{}", event);
                let own = world.own.get(self.sid.as_deref().expect("named"));
                own.and_then(|own| own.get(id.own.get() as usize - 1))
            };
            prop_assert_eq!(Some(data), expected.map(String::as_str));
            self.last = Some(id);
        } else if let Some((_, ack)) = event.split_once("{\"ack\":") {
            self.ack(ack.trim_end_matches('}').parse().expect("a number"));
        } else if event.contains("\"close\"") {
            (self.sid, self.acked) = (None, 0);
        }
        Ok(())
    }

    fn ack(&mut self, ack: usize) {
        let more = ack.saturating_sub(self.acked).min(self.queue.len());
        self.queue.drain(..more);
        self.acked += more;
    }
}

/// Listens in a way; `through`: bytes that get to the client.
fn listen(
    (way, size, meanwhile, through): (usize, usize, usize, usize),
    server: &mut Server,
    world: &mut World,
    page: &mut Page,
) -> Result<(), TestCaseError> {
    if WAYS[way] == "WebSocket" {
        return listen_by_websocket((size, meanwhile, through), server, world, page);
    }
    let mut link = Link::new(size);
    link.feed(server, script(&format!("{}&{}", WAYS[way], page.query())).as_bytes());
    know(server, world);
    happen(meanwhile, 0, server, world);
    link.turn(server);
    server.wait(1);
    link.cut(server);
    let came = &link.said[..through.min(link.said.len())];
    for answer in answers(came) {
        prop_assert!(matches!(answer.status(), 200 | 204 | 503), "{:?}", answer);
        let before = page.last;
        let all = events(&answer);
        for event in &all {
            page.read(event, world)?;
        }
        if let Some(next) = member(&answer.body, "next").filter(|_| answer.is_whole)
            && !answer.body.contains("\"close\"")
        {
            prop_assert!(page.last == Cursor::parse(next) || (all.is_empty() && page.last == before));
        }
    }
    Ok(())
}

/// The same by a WebSocket, which sends what got no ack too.
fn listen_by_websocket(
    (size, meanwhile, through): (usize, usize, usize),
    server: &mut Server,
    world: &mut World,
    page: &mut Page,
) -> Result<(), TestCaseError> {
    let wish = page.sid.as_deref().and_then(Sid::parse).map_or(SessionWish::New, SessionWish::Known);
    let listening = Listening { since: page.last, wish };
    let now = server.now();
    let Some(mut listener) = Listener::begin(&listening, &mut server.hub, now, &mut server.dice) else {
        return Ok(());
    };
    know(server, world);
    let mut ws = Connection::server(Config::DEFAULT, now);
    let mut client: Connection<Client<Dice>> = Connection::client(Config::DEFAULT, Dice(7), now);
    let sid = listener.sid(&server.hub).expect("it wanted one");
    let mut stream = WebSocketStream::new(listener.cursor(), OPEN.ping, now).with_session(sid);
    happen(meanwhile, 0, server, world);
    // What the client sends, if it is still who it was; its first `through` bytes.
    let mut sent = Vec::new();
    if server.sid(listener.session().expect("it has one")) == page.sid.clone().unwrap_or_default() {
        for text in &page.queue {
            let (mut tx, mut rest) = ([0; 128], text.as_bytes());
            let mut out = Output::new(&mut tx);
            prop_assert_eq!(client.send(Kind::Text, &mut rest, true, &mut out), Ok(true));
            sent.extend_from_slice(out.filled());
        }
    }
    sent.truncate(through);
    let (mut n, mut memory) = (Seq::new(page.acked as u32 + 1), [0; 256]);
    let (mut buffer, mut input) = (MessageBuffer::new(&mut memory), Input::new(&mut sent));
    while let Some(event) = ws.receive(&mut input).expect("valid frames") {
        let Event::Data(data) = event else { panic!("{event:?}") };
        if let Some(Message::Text(text)) = buffer.push(data).expect("it fits") {
            if listener.accept(&mut server.hub, n).expect("none is missing") {
                server.got.push((listener.session().expect("it has one"), text.to_owned()));
            }
            stream.acknowledge(n);
            n = n.next();
        }
    }
    let mut bytes = Vec::new();
    loop {
        let mut tx = vec![0; size.max(10)];
        let mut out = Output::new(&mut tx);
        let news = server.hub.news(listener.session());
        let progress = stream.transmit(&mut ws, &news, now, &mut out);
        bytes.extend_from_slice(out.filled());
        listener.take(&mut server.hub, stream.cursor());
        match progress.expect("nothing leaves meanwhile") {
            Progress::Full => prop_assert!(!out.is_empty(), "no progress"),
            _ => break,
        }
    }
    listener.end(&mut server.hub, now);
    bytes.truncate(through);
    let (mut memory, mut input) = ([0; 512], Input::new(&mut bytes));
    let mut buffer = MessageBuffer::new(&mut memory);
    while let Some(event) = client.receive(&mut input).expect("valid frames") {
        let Event::Data(data) = event else { panic!("{event:?}") };
        if let Some(Message::Text(text)) = buffer.push(data).expect("it fits") {
            page.read(text, world)?;
        }
    }
    Ok(())
}

/// Sends what got no ack.
fn send(
    by_script: bool,
    (through, back): (usize, usize),
    server: &mut Server,
    world: &mut World,
    page: &mut Page,
) {
    let Some(sid) = page.sid.clone() else { return };
    let records: String = page.queue.iter().map(|text| format!("t{}:{text}", text.len())).collect();
    let to = format!("s={sid}&n={}", page.acked + 1);
    let request =
        if by_script { script(&format!("{to}&callback=fn&d={records}")) } else { post(&to, &records) };
    let said = world.said.entry(sid).or_default();
    said.truncate(page.acked);
    said.extend(page.queue.iter().cloned());
    let mut link = Link::new(64);
    link.feed(server, &request.as_bytes()[..through.min(request.len())]);
    link.cut(server);
    for answer in answers(&link.said[..back.min(link.said.len())]) {
        if answer.status() == 404 {
            (page.sid, page.acked) = (None, 0);
        } else if let Some((_, ack)) = answer.body.split_once("{\"ack\":").filter(|_| answer.is_whole) {
            page.ack(ack.trim_end_matches(['}', ')', ';']).parse().expect("a number"));
        }
    }
}

/// Events for all, and for each session.
fn happen(shared: usize, own: usize, server: &mut Server, world: &mut World) {
    for _ in 0..shared {
        let text = world.text();
        let seq = server.hub.publish(Message::Text(&text)).expect("it fits");
        world.shared.insert(seq.get(), text);
    }
    for key in server.hub.sessions().keys().collect::<Vec<_>>() {
        for _ in 0..own {
            let text = world.text();
            // If it is full, nothing was sent.
            if let Ok(seq) = server.hub.send(key, Message::Text(&text)) {
                let all = world.own.entry(server.sid(key)).or_default();
                all.push(text);
                assert_eq!(seq.get() as usize, all.len());
            }
        }
    }
}

/// Of each session, whichever the client comes to know of, it is known what was said.
fn know(server: &Server, world: &mut World) {
    for key in server.hub.sessions().keys() {
        world.said.entry(server.sid(key)).or_default();
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let through = || prop_oneof![Just(usize::MAX), 0..2000usize];
    prop::collection::vec(
        prop_oneof![
            4 => (0..4usize, 0..3usize).prop_map(|(shared, own)| Act::Happen(shared, own)),
            3 => (1..4usize).prop_map(Act::Say),
            8 => (0..8usize, 9..200usize, 0..4usize, through())
                .prop_map(|(way, size, meanwhile, through)| Act::Listen { way, size, meanwhile, through }),
            5 => (any::<bool>(), through(), through())
                .prop_map(|(by_script, through, back)| Act::Send { by_script, through, back }),
            2 => (0..20_000u64).prop_map(Act::Wait),
            1 => Just(Act::End),
        ],
        0..few(50, 10),
    )
}

/// Lives through `acts` with rings of these sizes, then listens and sends without being cut off. How often it was told that something is
/// missing; and that it is somebody else.
fn live(acts: Vec<Act>, shared: usize, own: usize) -> Result<(usize, usize), TestCaseError> {
    let mut server = Server::with_memory(OPEN, shared, own);
    let (mut world, mut page) = (World::default(), Page::default());
    let mut sent = HashMap::new();
    let last = thin(0..8, 1).flat_map(|way| {
        let listen = Act::Listen { way, size: 99, meanwhile: 0, through: usize::MAX };
        [listen, Act::Send { by_script: way % 2 == 0, through: usize::MAX, back: usize::MAX }]
    });
    for act in acts.into_iter().chain([Act::Recover]).chain(last) {
        match act {
            Act::Happen(shared, own) => happen(shared, own, &mut server, &mut world),
            Act::Say(count) => {
                for _ in 0..count {
                    let text = world.text();
                    page.queue.push(text);
                }
            }
            Act::Listen { way, size, meanwhile, through } => {
                if let Some(sid) = &page.sid {
                    let said = world.said.entry(sid.clone()).or_default();
                    said.truncate(page.acked);
                    said.extend(page.queue.iter().cloned());
                }
                listen((way, size, meanwhile, through), &mut server, &mut world, &mut page)?;
            }
            Act::Send { by_script, through, back } => {
                send(by_script, (through, back), &mut server, &mut world, &mut page);
            }
            Act::Wait(millis) => server.wait(millis),
            Act::Recover => {
                let is_known = |sid: &String| server.hub.sessions().keys().any(|key| server.sid(key) == *sid);
                if !page.sid.as_ref().is_some_and(is_known) {
                    server.wait(30_000);
                }
            }
            Act::End => {
                let key = server.hub.sessions().keys().next();
                key.into_iter().for_each(|key| server.hub.sessions_mut().close(key));
            }
        }
        for key in server.hub.sessions().keys().collect::<Vec<_>>() {
            prop_assert!(!server.is_attached(key), "nobody is there now");
            sent.insert(format!("{key:?}"), server.sid(key));
        }
    }
    // What came of each session is what was said in it, from the first on.
    let mut came: HashMap<&str, Vec<&str>> = HashMap::new();
    for (key, text) in &server.got {
        came.entry(&sent[&format!("{key:?}")]).or_default().push(text);
    }
    for (sid, came) in &came {
        let said = &world.said[*sid];
        prop_assert!(said.len() >= came.len() && said[..came.len()] == came[..], "{:?} of {:?}", came, said);
    }
    // And at the end all has come, both ways.
    let sid = page.sid.clone().expect("it has listened");
    prop_assert!(page.queue.is_empty(), "{:?} got no ack", page.queue);
    prop_assert_eq!(came.get(sid.as_str()).map_or(0, Vec::len), page.acked);
    let last = page.last.expect("it has listened");
    prop_assert_eq!(last.shared, server.hub.ring().view().newest());
    prop_assert_eq!(last.own.get() as usize, world.own.get(&sid).map_or(0, Vec::len));
    Ok((page.resets, page.sessions))
}

proptest! {
    #![proptest_config(crate::cases::cases(400))]

    /// Where all is kept, nothing is missing.
    #[test]
    fn nothing_is_lost_and_nothing_comes_twice(acts in acts()) {
        let (resets, _) = live(acts, 1 << 16, 1 << 16)?;
        prop_assert_eq!(resets, 0);
    }

    /// Where little is kept, what is missing is told: what comes is still what was sent, in order.
    #[test]
    fn what_is_lost_is_told(acts in acts(), shared in 100..500usize, own in 200..600usize) {
        live(acts, shared, own)?;
    }
}

/// It does happen, in both.
#[test]
fn a_client_without_luck_is_told() {
    let listen = |way, through| Act::Listen { way, size: 64, meanwhile: 1, through };
    let acts = vec![
        listen(1, usize::MAX),
        Act::Happen(40, 0),
        listen(7, usize::MAX),
        Act::End,
        listen(0, usize::MAX),
    ];
    assert_eq!(live(acts, 300, 300).expect("lives"), (1, 2));
    let (resets, sessions) =
        live(vec![listen(0, 0), listen(4, 10), listen(7, 3)], 1 << 16, 1 << 16).expect("lives");
    assert_eq!((resets, sessions), (0, 1));
}
