//! Sessions over several connections: who listens, who is attached, and how it ends.

use crate::cases::thin;
use crate::client::{answers, events};
use crate::server::{Link, OPEN, Server, State, ask, at, get, post, script};
use proptest::prelude::*;
use ws_core::http::exchange::{Exchange, Settings};
use ws_core::transport::{Listener, Listening, Progress, Seq, SessionWish, Sid, UpstreamError, Visit};
use ws_core::{Duration, Input, Message, Output};

const STREAMS: [&str; 5] = ["as=sse", "as=events", "as=xhr", "as=html&callback=fn", "as=multipart"];
const POLLS: [&str; 2] = ["wait=20000", "wait=20000&callback=fn"];

fn listeners() -> impl Iterator<Item = &'static str> {
    STREAMS.into_iter().chain(POLLS)
}

const CLOSE: &str = r#"{"close":[1000,""]}"#;

#[test]
fn of_two_listeners_the_later_one_stays() {
    for first in listeners() {
        for second in thin(listeners(), 1) {
            let mut server = Server::new(OPEN);
            let (key, sid) = server.session();
            let request = |query| script(&format!("{query}&s={sid}&since=16"));
            let (_, mut earlier) = ask(&mut server, &request(first));
            let (_, mut later) = ask(&mut server, &request(second));
            assert_eq!((earlier.state, later.state), (State::Idle, State::Idle), "{first} {second}");
            earlier.turn(&mut server);
            let said = earlier.take();
            let is_poll = POLLS.contains(&first);
            match first {
                "wait=20000" => assert!(said.starts_with("HTTP/1.1 204 "), "{said}"),
                _ if is_poll => assert!(said.ends_with("/**/fn({\"next\":\"16\",\"events\":[]});"), "{said}"),
                _ => assert_eq!(said, "0\r\n\r\n", "it ends, and its session does not"),
            }
            assert_eq!(earlier.state, State::Open);
            assert!(server.is_attached(key));
            server.hub.send(key, Message::Text("own")).expect("it fits");
            later.turn(&mut server);
            assert!(later.text().contains("own"), "{second}: {}", later.text());
            // Now that it is known, the earlier connection may ask for something else.
            earlier.feed(&mut server, get("since=16").as_bytes());
            assert!(earlier.take().starts_with("HTTP/1.1 204 "));
            later.cut(&mut server);
            assert!(!server.is_attached(key));
        }
    }
}

/// A WebSocket is a listener like all others.
#[test]
fn a_websocket_takes_the_place_of_a_stream_and_gives_way_to_one() {
    let mut server = Server::new(OPEN);
    let (key, sid) = server.session();
    let wish = SessionWish::Known(Sid::parse(&sid).expect("a name"));
    let (_, mut stream) = ask(&mut server, &get(&format!("as=xhr&s={sid}&since=16")));
    let wanted = Listening { since: None, wish };
    let mut socket = Listener::begin(&wanted, &mut server.hub, at(0), &mut server.dice).expect("room");
    assert_eq!(
        (socket.session(), socket.is_current(&server.hub), socket.is_new()),
        (Some(key), Some(true), true)
    );
    stream.turn(&mut server);
    assert_eq!((stream.take().as_str(), stream.state), ("0\r\n\r\n", State::Open));
    assert_eq!(socket.accept(&mut server.hub, Seq::new(1)), Ok(true));
    assert_eq!(socket.accept(&mut server.hub, Seq::new(1)), Ok(false), "it has come before");
    assert_eq!(socket.accept(&mut server.hub, Seq::new(3)), Err(UpstreamError::Gap));
    stream.feed(&mut server, get(&format!("as=xhr&s={sid}&since=16")).as_bytes());
    assert_eq!(socket.is_current(&server.hub), Some(false));
    socket.end(&mut server.hub, at(0));
    socket.end(&mut server.hub, at(0));
    assert!(server.is_attached(key), "the stream is there");
    server.hub.sessions_mut().close(key);
    let nobody = Listening { since: None, wish: SessionWish::None };
    let mut nobody =
        Listener::begin(&nobody, &mut server.hub, at(0), &mut server.dice).expect("needs no room");
    assert_eq!((nobody.is_current(&server.hub), nobody.session(), server.count()), (Some(true), None, 0));
    assert_eq!(nobody.accept(&mut server.hub, Seq::new(7)), Ok(true), "each is new");
    nobody.end(&mut server.hub, at(0));
}

#[test]
fn a_session_that_is_ended_says_so_to_who_listens() {
    for query in listeners() {
        for by_script in [false, true] {
            let mut server = Server::new(OPEN);
            let (_, sid) = server.session();
            let (_, mut link) = ask(&mut server, &script(&format!("{query}&s={sid}&since=16")));
            assert_eq!(link.state, State::Idle);
            let bye = format!("s={sid}&n=1&close=1");
            let (said, _) = if by_script {
                ask(&mut server, &script(&format!("{bye}&callback=fn&d=t3:bye")))
            } else {
                ask(&mut server, &post(&bye, "t3:bye"))
            };
            assert!(said.contains("{\"ack\":1}") && server.texts() == ["bye"], "{said}");
            assert_eq!(server.count(), 0);
            link.turn(&mut server);
            assert!(link.text().contains(CLOSE), "{query}: {}", link.text());
            assert!(!link.text().contains("\"open\"") || STREAMS.contains(&query));
            assert_eq!(link.state, State::Open, "{query}: it has ended");
            let (said, _) = ask(&mut server, &post(&format!("s={sid}&n=2"), ""));
            assert!(said.starts_with("HTTP/1.1 404 "), "{said}");
        }
    }
    // Only `close=1` does.
    let mut server = Server::new(OPEN);
    let (_, sid) = server.session();
    for close in ["close=0", "close=", "close", "closed=1"] {
        ask(&mut server, &post(&format!("s={sid}&n=1&{close}"), ""));
        assert_eq!(server.count(), 1, "{close}");
    }
    // What is not whole ends nothing.
    let (said, _) = ask(&mut server, &post(&format!("s={sid}&n=1&close=1"), "t3:by"));
    assert!(said.starts_with("HTTP/1.1 400 ") && server.count() == 1, "{said}");
}

#[test]
fn a_session_lives_for_its_time_behind_its_last_visit() {
    let mut server = Server::new(OPEN);
    let (key, sid) = server.session();
    server.wait(29_999);
    let (_, mut link) = ask(&mut server, &get(&format!("as=sse&s={sid}&since=16")));
    server.wait(1_000_000);
    assert!(server.is_attached(key), "it listens");
    link.cut(&mut server);
    server.wait(29_999);
    ask(&mut server, &post(&format!("s={sid}&n=1"), ""));
    server.wait(29_999);
    ask(&mut server, &get(&format!("s={sid}&since=16")));
    server.wait(29_999);
    assert_eq!(server.count(), 1);
    server.wait(1);
    assert_eq!(server.count(), 0);
}

#[test]
fn when_all_places_are_taken_a_client_comes_back_later() {
    let full = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 21\r\n\
                Content-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nRetry-After: 2\r\nVary: Origin\r\n\r\n\
                all places are taken\n";
    for query in listeners() {
        let mut server = Server::new(OPEN);
        let (key, sid) = server.session();
        server.session();
        let (said, link) = ask(&mut server, &script(&format!("{query}&s=")));
        assert_eq!((said.as_str(), link.state), (full, State::Closed), "{query}: sockets are scarce");
        let (said, mut other) = ask(&mut server, &script(&format!("{query}&s={sid}&since=16")));
        assert_ne!(said, full, "who has one may come");
        other.cut(&mut server);
        let (said, mut other) = ask(&mut server, &script(&format!("{query}&since=16")));
        assert_ne!(said, full, "and who wants none");
        other.cut(&mut server);
        server.hub.sessions_mut().close(key);
        let (said, mut link) = ask(&mut server, &script(&format!("{query}&s=")));
        assert!(said.starts_with("HTTP/1.1 200 "), "{query}: {said}");
        assert_eq!(server.count(), 2);
        link.cut(&mut server);
        // Those whose time is over make room by themselves.
        server.millis += 30_000;
        let (said, _) = ask(&mut server, &script(&format!("{query}&s=")));
        assert!(said.starts_with("HTTP/1.1 200 "), "{query}: {said}");
        assert_eq!(server.count(), 1);
    }
}

/// Whichever way a request ends, nobody is attached behind it.
#[test]
fn each_way_out_detaches() {
    let cut_at = |request: &str| {
        for cut in thin(0..=request.len(), 40) {
            let mut server = Server::new(OPEN);
            let (key, _) = server.session();
            let mut link = Link::new(64);
            link.feed(&mut server, &request.as_bytes()[..cut]);
            assert_eq!(server.is_attached(key), link.attached.is_some(), "{request:?} up to {cut}");
            link.cut(&mut server);
            assert!(!server.is_attached(key), "{request:?} up to {cut}");
        }
    };
    let sid = Server::new(OPEN).session().1;
    for query in listeners() {
        cut_at(&script(&format!("{query}&s={sid}&since=16")));
    }
    let to = |n: u32| format!("s={sid}&n={n}");
    cut_at(&post(&to(1), "t2:hit3:abc"));
    cut_at(&post(&to(1), "t2:hix"));
    cut_at(&post(&to(1), "t2:h"));
    cut_at(&post(&to(1), "t9999:"));
    cut_at(&post(&to(2), "t2:hi"));
    cut_at(&post(&format!("{}&close=0", to(1)), "t2:hi"));
    cut_at(&post(&to(1), "").replace(
        "Content-Length: 0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n2\r\nt1\r\n2\r\n:x\r\nbad\r\n",
    ));
    for d in ["t2:hi", "t2:h", "%", "x"] {
        cut_at(&script(&format!("{}&callback=fn&d={d}", to(1))));
    }
}

#[test]
fn of_two_posts_the_later_one_counts() {
    let mut server = Server::new(OPEN);
    let (key, sid) = server.session();
    let (one, other) =
        (post(&format!("s={sid}&n=1"), "t2:hit3:abc"), post(&format!("s={sid}&n=1"), "t2:hit3:xyz"));
    let mut first = Link::new(512);
    first.feed(&mut server, &one.as_bytes()[..one.len() - 2]);
    assert_eq!(server.texts(), ["hi"]);
    let (said, _) = ask(&mut server, &other);
    assert!(said.ends_with("{\"ack\":2}"), "{said}");
    assert!(server.is_attached(key), "the first is there still");
    first.feed(&mut server, &one.as_bytes()[one.len() - 2..]);
    let said = first.take();
    assert!(said.starts_with("HTTP/1.1 409 Conflict\r\n"), "{said}");
    assert!(said.ends_with("the client sent another request instead of this one"), "{said}");
    assert_eq!(server.texts(), ["hi", "xyz"], "each once");
    assert!(!server.is_attached(key));
}

/// Elsewhere a body of a type that is not known was never answered, and its connection stayed.
#[test]
fn a_body_of_any_type_is_taken_and_answered() {
    const TYPES: [&str; 6] = [
        "",
        "Content-Type: application/octet-stream\r\n",
        "Content-Type: text/plain;charset=UTF-8\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\n",
        "Content-Type: x\r\n",
        "Content-Type:\r\n",
    ];
    let mut server = Server::new(OPEN);
    let (_, sid) = server.session();
    for (n, field) in (1..).zip(TYPES) {
        let request = post(&format!("s={sid}&n={n}"), "t2:hi");
        let request = request.replacen("Host: h\r\n", &format!("Host: h\r\n{field}"), 1);
        let (said, link) = ask(&mut server, &request);
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{field}{said}");
        assert!(said.ends_with(&format!("{{\"ack\":{n}}}")), "{field}{said}");
        assert_eq!(link.state, State::Open, "{field}");
    }
    assert_eq!(server.texts(), ["hi"; TYPES.len()]);
}

/// What ends a response stays whole, whatever becomes of the session between two pieces of it.
#[test]
fn nothing_comes_between_the_bytes_of_an_end() {
    for size in 1..5 {
        let mut server = Server::new(OPEN);
        let (key, sid) = server.session();
        let mut request = get(&format!("as=xhr&s={sid}&since=16")).into_bytes();
        let mut store = [0; 512];
        let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
        assert_eq!(exchange.receive(&mut Input::new(&mut request)), Ok(true));
        let asked = OPEN.asked(&exchange.request());
        let mut visit = Visit::new(&OPEN, asked, &mut server.hub, at(0), &mut server.dice);
        let transmit = |visit: &mut Visit, server: &mut Server, size: usize| {
            let mut tx = vec![0; size];
            let mut out = Output::new(&mut tx);
            let progress = visit.transmit(&OPEN, &exchange, &mut server.hub, at(0), &mut out);
            (progress, String::from_utf8(out.filled().to_vec()).expect("text"))
        };
        assert_eq!(transmit(&mut visit, &mut server, 4096).0, Ok(Progress::Idle));
        server.hub.sessions_mut().get_mut(key).expect("open").listen(); // somebody else does
        let (progress, mut end) = transmit(&mut visit, &mut server, size);
        assert_eq!((progress, end.len()), (Ok(Progress::Full), size));
        server.hub.sessions_mut().close(key);
        let (progress, rest) = transmit(&mut visit, &mut server, 4096);
        end.push_str(&rest);
        assert_eq!((progress, end.as_str()), (Ok(Progress::Ended), "0\r\n\r\n"));
        visit.end(&mut server.hub, at(0));
    }
}

/// Who reads so slowly that an event leaves while it is half out is reset, and told when it comes back.
#[test]
fn who_reads_too_slowly_is_reset() {
    for query in ["as=xhr", "wait=1000"] {
        let mut server = Server::with_memory(OPEN, 128, 256);
        let (key, sid) = server.session();
        server.publish(&"x".repeat(60));
        let mut request = get(&format!("{query}&s={sid}&since=16")).into_bytes();
        let mut store = [0; 512];
        let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, at(0));
        assert_eq!(exchange.receive(&mut Input::new(&mut request)), Ok(true));
        let asked = OPEN.asked(&exchange.request());
        let mut visit = Visit::new(&OPEN, asked, &mut server.hub, at(0), &mut server.dice);
        let mut tx = [0; 16];
        let mut last = String::new();
        let is_lost = loop {
            let mut out = Output::new(&mut tx);
            match visit.transmit(&OPEN, &exchange, &mut server.hub, at(0), &mut out) {
                Ok(Progress::Full) => last.push_str(std::str::from_utf8(out.filled()).expect("text")),
                other => break other.is_err(),
            }
            if last.contains("xx") {
                server.publish(&"y".repeat(60));
                server.publish(&"z".repeat(60));
            }
        };
        assert!(is_lost, "{query}");
        visit.end(&mut server.hub, at(0));
        assert!(!server.is_attached(key));
        let (said, _) = ask(&mut server, &get(&format!("{query}&s={sid}&since=16")));
        assert!(said.contains("\"reset\":1") && said.contains("zzz") && !said.contains("xxx"), "{said}");
    }
}

#[test]
fn a_stream_gives_a_sign_of_life() {
    let mut server = Server::new(OPEN);
    let (_, mut link) = ask(&mut server, &get("as=xhr&since=16"));
    assert_eq!(link.poll_timeout(), Some(at(0).after(Duration::from_secs(15))));
    server.wait(14_999);
    link.turn(&mut server);
    assert_eq!(link.take(), "");
    server.wait(1);
    link.turn(&mut server);
    assert_eq!(link.take(), "000b\r\n{\"ping\":1}\n\r\n");
    assert_eq!(link.poll_timeout(), Some(at(30_000)));
}

/// What may happen to two sessions and six connections.
#[derive(Clone, Debug)]
enum Act {
    /// A connection asks, in which way, as whom, and sends all but so many bytes of it.
    Ask(usize, usize, usize, usize),
    /// It sends the rest.
    Rest(usize),
    Cut(usize),
    Publish,
    Close(usize),
    Wait(u64),
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    /// Nobody is attached twice, or detached twice: beside the visits that there are.
    #[test]
    fn any_life_of_sessions(acts in prop::collection::vec(prop_oneof![
        6 => (0..6usize, 0..11usize, 0..5usize, prop_oneof![Just(0), 0..40usize]).prop_map(|(l, w, s, r)| Act::Ask(l, w, s, r)),
        2 => (0..6usize).prop_map(Act::Rest),
        2 => (0..6usize).prop_map(Act::Cut),
        1 => Just(Act::Publish),
        1 => (0..5usize).prop_map(Act::Close),
        1 => (0..40_000u64).prop_map(Act::Wait),
    ], 0..60)) {
        let mut server = Server::new(OPEN);
        let mut links: Vec<(Link, Vec<u8>)> = (0..6).map(|_| (Link::new(64), Vec::new())).collect();
        let mut sids = vec!["A".repeat(24)];
        for act in acts {
            match act {
                Act::Ask(link, way, as_whom, rest) => {
                    let (link, later) = &mut links[link];
                    if link.state != State::Open || !later.is_empty() {
                        link.cut(&mut server);
                        *link = Link::new(64);
                        later.clear();
                    }
                    let sid = if as_whom == 0 { "" } else { &sids[sids.len().saturating_sub(as_whom)] };
                    let request = match way {
                        0..7 => script(&format!("{}&s={sid}&since=16", listeners().nth(way).expect("one"))),
                        7 => script(&format!("s={sid}&since=16")),
                        8 => script(&format!("s={sid}&n=1&callback=fn&d=t1:x")),
                        9 => post(&format!("s={sid}&n=1"), "t3:abct5:hello"),
                        _ => post(&format!("s={sid}&n=1&close=1"), "t1:x"),
                    };
                    let (now, behind) = request.as_bytes().split_at(request.len() - rest);
                    *later = behind.to_vec();
                    link.feed(&mut server, now);
                }
                Act::Rest(link) => {
                    let (link, later) = &mut links[link];
                    link.feed(&mut server, &std::mem::take(later));
                }
                Act::Cut(link) => links[link].0.cut(&mut server),
                Act::Publish => server.publish("hello"),
                Act::Close(which) => {
                    let key = server.hub.sessions().keys().nth(which);
                    key.into_iter().for_each(|key| server.hub.sessions_mut().close(key));
                }
                Act::Wait(millis) => server.wait(millis),
            }
            let keys: Vec<_> = server.hub.sessions().keys().collect();
            for key in &keys {
                let sid = server.sid(*key);
                if !sids.contains(&sid) {
                    sids.push(sid);
                }
            }
            for key in keys {
                let there = links.iter().filter(|(link, _)| link.attached == Some(key)).count();
                prop_assert_eq!(server.is_attached(key), there > 0, "{} are there", there);
            }
            // Of those that listen to one session, at most one stays when all have had their turn.
            links.iter_mut().for_each(|(link, _)| link.turn(&mut server));
            for key in server.hub.sessions().keys() {
                let idle = |(link, _): &&(Link, Vec<u8>)| link.state == State::Idle && link.attached == Some(key);
                prop_assert!(links.iter().filter(idle).count() <= 1);
            }
        }
        links.iter_mut().for_each(|(link, _)| link.cut(&mut server));
        for key in server.hub.sessions().keys() {
            prop_assert!(!server.is_attached(key), "somebody was forgotten");
        }
        server.wait(30_000);
        prop_assert_eq!(server.count(), 0);
        for (link, _) in &links {
            for answer in answers(&link.said) {
                prop_assert!(answer.status() != 500);
                _ = events(&answer);
            }
        }
    }
}
