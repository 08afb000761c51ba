//! The same conversation however the bytes come and go: every cut of what the client sends, every size of output.

use crate::cases::{few, thin};
use crate::client::{Answer, answers};
use crate::server::{Link, OPEN, Server, State, get, post, script};

/// What a client was told, and what it said.
#[derive(Debug, PartialEq, Eq)]
struct Talk {
    /// Responses without their chunks; and all bytes, where there are none.
    answers: Vec<Answer>,
    raw: String,
    came: Vec<String>,
    end: State,
}

/// The name of the session that [`talk`] begins.
fn sid() -> String {
    Server::new(OPEN).session().1
}

/// A client that sends `pieces`; then an event comes, then its session ends, then time goes by.
fn talk(pieces: &[&[u8]], size: usize) -> Talk {
    let mut server = Server::new(OPEN);
    let (key, _) = server.session();
    server.publish("hello");
    server.hub.send(key, ws_core::Message::Text("own")).expect("it fits");
    let mut link = Link::new(size);
    for piece in pieces {
        link.feed(&mut server, piece);
    }
    server.publish("two");
    link.turn(&mut server);
    server.hub.sessions_mut().close(key);
    link.turn(&mut server);
    server.wait(60_000);
    link.turn(&mut server);
    let said = link.take();
    // Who sends its body at once need not be told to go on.
    let said = said.replace("HTTP/1.1 100 Continue\r\n\r\n", "");
    // A head alone says what does not come.
    let is_chunked = said.contains("Transfer-Encoding: chunked") && !pieces.concat().starts_with(b"HEAD");
    let came = server.texts().into_iter().map(str::to_owned).collect();
    Talk {
        answers: if is_chunked { answers(said.as_bytes()) } else { Vec::new() },
        raw: if is_chunked { String::new() } else { said },
        came,
        end: link.state,
    }
}

/// The talk, at every cut and every size.
fn always(requests: &str) -> Talk {
    let bytes = requests.as_bytes();
    let expected = talk(&[bytes], 4096);
    let check = |pieces: &[&[u8]], size: usize| {
        let came = talk(pieces, size);
        let lens: Vec<_> = pieces.iter().map(|piece| piece.len()).collect();
        assert!(
            came == expected,
            "{requests:?}\n in pieces of {lens:?}, outputs of {size}, gives {came:?}\n but as a whole {expected:?}"
        );
    };
    let single: Vec<&[u8]> = bytes.chunks(if cfg!(miri) { 7 } else { 1 }).collect();
    for size in thin([9, 10, 64, 4096], 3) {
        check(&single, size);
    }
    for cut in thin(0..=bytes.len(), 400) {
        let (head, tail) = bytes.split_at(cut);
        check(&[head, tail], 4096);
        check(&[head, tail], 11);
    }
    for size in thin(9..700, 400) {
        check(&[bytes], size);
    }
    expected
}

fn statuses(talk: &Talk) -> Vec<u16> {
    let all = if talk.answers.is_empty() { answers(talk.raw.as_bytes()) } else { talk.answers.clone() };
    all.iter().map(Answer::status).collect()
}

/// Behind a stream that ends, the next request is answered; before that it waits.
#[test]
fn a_stream_and_what_comes_behind_it() {
    let queries = ["as=sse", "as=events", "as=xhr", "as=html&callback=fn", "as=multipart"];
    for query in queries.into_iter().take(few(5, 1)) {
        for since in thin(["since=16", "since=17.1", ""], 3) {
            let request = get(&format!("{query}&s={}&{since}", sid()));
            let came = always(&format!("{request}{}", get("since=18")));
            assert_eq!((statuses(&came), came.end), (vec![200, 204], State::Open), "{query}");
            let body = &came.answers[0].body;
            assert!(
                came.answers[0].is_whole && body.contains("two") && body.contains("{\"close\":[1000,\"\"]}")
            );
            assert_eq!(body.contains("hello"), since == "since=16", "{body}");
            assert_eq!(body.contains("own"), since != "since=17.1", "{body}");
        }
    }
}

#[test]
fn a_stream_over_http_1_0() {
    let request = get(&format!("as=xhr&s={}&since=16", sid())).replace("HTTP/1.1", "HTTP/1.0");
    let came = always(&format!("{request}{}", get("since=18")));
    assert_eq!((statuses(&came), came.end), (vec![200], State::Closed), "nothing is behind it");
    assert!(came.raw.ends_with("{\"close\":[1000,\"\"]}\n"), "{}", came.raw);
}

/// A poll waits for nothing if there is a request behind it.
#[test]
fn a_poll_and_what_comes_behind_it() {
    let sid = sid();
    let own = format!("s={sid}&since=17.1&wait=20000");
    let requests =
        [get(&own), post(&format!("s={sid}&n=1"), "t2:hi"), get("since=16&wait=20000"), get("since=17")];
    let came = always(&requests.concat());
    assert_eq!((statuses(&came), came.end), (vec![204, 200, 200, 204], State::Open));
    assert_eq!(came.came, ["hi"]);
    // The last of them waits.
    let came = always(&[get(&own), script(&format!("{own}&callback=fn"))].concat());
    assert_eq!(statuses(&came), [204, 200]);
    assert!(
        came.raw.ends_with(r#"/**/fn({"next":"18.1","events":[{"id":"18.1","data":"two"}]});"#),
        "{}",
        came.raw
    );
}

#[test]
fn posts_behind_each_other() {
    let sid = sid();
    let requests = [
        post(&format!("s={sid}&n=1"), "t2:hit3:abc"),
        post(&format!("s={sid}&n=1"), "t2:hit3:abct0:"),
        post(&format!("s={sid}&n=4"), "t5:hello"),
        get(&format!("s={sid}&since=16")),
        post(&format!("s={sid}&n=6"), ""),
        get("since=17"),
    ];
    let came = always(&requests.concat());
    assert_eq!(came.came, ["hi", "abc", "", "hello"]);
    // There was nothing in it that was not read, so the connection goes on behind 409.
    assert_eq!((statuses(&came), came.end), (vec![200, 200, 200, 200, 409, 204], State::Open));
    for ack in ["{\"ack\":2}", "{\"ack\":3}", "{\"ack\":4}"] {
        assert!(came.raw.contains(ack), "{}", came.raw);
    }
}

#[test]
fn a_body_in_chunks_with_extensions_and_trailers() {
    let head = format!("POST /events?s={}&n=1 HTTP/1.1\r\nHost: h\r\n", sid());
    let body = "Transfer-Encoding: chunked\r\n\r\n3;a=b;c=\"d;\r\"\r\nt2:\r\n";
    let bad = always(&format!("{head}{body}"));
    assert_eq!((statuses(&bad), bad.end), (vec![400], State::Closed), "a bare CR");
    let body = "Transfer-Encoding: chunked\r\n\r\n3;a=b;c=\"d;\"\r\nt2:\r\n0000001\r\nh\r\n4 ; x\r\nit1:\r\n1\r\n!\r\n0;last\r\nX: y\r\nZ: 1\r\n\r\n";
    let came = always(&format!("{head}{body}{}", get("since=17")));
    assert_eq!((statuses(&came), came.end), (vec![200, 204], State::Open));
    assert_eq!(came.came, ["hi", "!"]);
}

#[test]
fn a_client_that_waits_to_be_told() {
    let sid = sid();
    let head = format!(
        "POST /events?s={sid}&n=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    );
    let came = always(&format!("{head}t2:hi{}", get("since=17")));
    assert_eq!((statuses(&came), came.came), (vec![200, 204], vec!["hi".to_owned()]));
    // It is told when it waits, once, and then answered.
    let mut server = Server::new(OPEN);
    server.session();
    let mut link = Link::new(4096);
    link.feed(&mut server, head.as_bytes());
    assert_eq!(link.take(), "HTTP/1.1 100 Continue\r\n\r\n");
    link.turn(&mut server);
    assert_eq!(link.take(), "");
    link.feed(&mut server, b"t2:hi");
    assert!(link.take().starts_with("HTTP/1.1 200 OK\r\n") && link.state == State::Open);
    // Who is refused is not, and its body never comes (RFC 9110 10.1.1).
    let mut link = Link::new(4096);
    link.feed(&mut server, head.replace("n=1", "n=9").as_bytes());
    assert!(link.take().starts_with("HTTP/1.1 409 Conflict\r\nConnection: close\r\n"));
    assert_eq!(link.state, State::Closed);
}

#[test]
fn messages_in_queries() {
    let sid = sid();
    let requests = [
        script(&format!("s={sid}&n=1&callback=fn&d=t2:hit3:%61%62%63")),
        script(&format!("s={sid}&n=1&callback=a.b&d=t2:hi")),
        script(&format!("s={sid}&n=3&callback=fn&d=t2:%")),
        script("since=16&callback=fn"),
        script(&format!("s={sid}&n=3&callback=fn&d=t1:x&close=1")),
        script(&format!("s={sid}&n=3&callback=fn&d=")),
    ];
    let came = always(&requests.concat());
    assert_eq!(came.came, ["hi", "abc", "x"]);
    assert_eq!((statuses(&came), came.end), (vec![200, 200, 400, 200, 200, 404], State::Open));
}

#[test]
fn what_is_refused() {
    let origin = "\r\nOrigin: http://h\r\nAccess-Control-Request-Method: POST\r\n\r\n";
    let requests = [
        get("").replacen("GET", "OPTIONS", 1).replace("\r\n\r\n", origin),
        get("as=no"),
        get("callback=fn"),
        get("").replace("\r\n\r\n", "\r\nOrigin: http://evil\r\n\r\n"),
        get("").replacen("GET", "PUT", 1),
        get("since=17"),
        post("s=x&n=1", "t1:x"),
        get("since=17"),
    ];
    let came = always(&requests.concat());
    assert_eq!((statuses(&came), came.end), (vec![204, 400, 403, 403, 405, 204, 404], State::Closed));
    assert!(came.came.is_empty());
}

#[test]
fn heads_alone() {
    let queries =
        ["as=sse&s=", "since=16", "since=17&wait=1000", "as=multipart", "as=no", "as=html&callback=fn"];
    let requests: String = queries.iter().map(|query| get(query).replacen("GET", "HEAD", 1)).collect();
    let came = always(&(requests + &get("since=17")));
    assert_eq!(came.end, State::Open);
    let heads: Vec<&str> = came.raw.split_terminator("\r\n\r\n").collect();
    let statuses: Vec<&str> = heads.iter().map(|head| &head[..12]).collect();
    let [ok, nothing, bad] = ["HTTP/1.1 200", "HTTP/1.1 204", "HTTP/1.1 400"];
    assert_eq!(statuses, [ok, ok, nothing, ok, bad, ok, nothing], "and nothing between them");
}
