//! What an endpoint does not do: for pages of others, for parameters that mean nothing, for sessions that are none. Nothing is done
//! then, and nothing of the request stands in the answer.

use crate::cases::thin;
use crate::server::{OPEN, Server, State, ask, get, post, script};
use ws_core::http::OriginPolicy;
use ws_core::transport::{Endpoint, Rejection};

const CLOSED: Endpoint<'static> = Endpoint::new(OriginPolicy::SameOrigin);

/// An answer without anything of the request in it.
fn refusal(line: &str, further: &str, body: &str) -> String {
    let len = body.len();
    format!(
        "HTTP/1.1 {line}\r\nContent-Length: {len}\r\nContent-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\n\
         Cache-Control: no-store\r\n{further}Vary: Origin\r\n\r\n{body}"
    )
}

/// Every way to ask for something.
fn every_request(sid: &str) -> Vec<String> {
    let gets = [
        "as=sse&s=",
        "as=events&s=",
        "as=xhr&s=",
        "as=html&callback=fn&s=",
        "as=multipart&s=",
        "s=",
        "s=&wait=1000",
        "s=&callback=fn",
    ];
    let mut all: Vec<_> = gets.iter().map(|query| script(query)).collect();
    all.extend(
        gets.iter().map(|query| script(&query.replace("s=", &format!("s={sid}")).replace("as=AAAA", "as="))),
    );
    all.push(script(&format!("s={sid}&n=1&callback=fn&d=t1:x&close=1")));
    all.push(get("s=").replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    all.push(post(&format!("s={sid}&n=1&close=1"), "t1:x"));
    let others: Vec<_> = ["HEAD", "PUT", "DELETE", "OPTIONS"]
        .iter()
        .map(|method| get("s=").replacen("GET", method, 1))
        .collect();
    all.extend(others);
    all
}

#[test]
fn pages_of_others_are_refused_whatever_they_ask_for() {
    let origins =
        ["http://evil.example", "null", "http://h.evil", "https://h:80", "http://h/", "file://", "http://"];
    for origin in thin(origins, 1) {
        let mut server = Server::new(OPEN);
        let (key, sid) = server.session();
        let (_, mut listener) = ask(&mut server, &get(&format!("as=xhr&s={sid}&since=16")));
        for request in every_request(&sid) {
            let request = request.replace("Host: h\r\n", &format!("Host: h\r\nOrigin: {origin}\r\n"));
            let (said, link) = ask(&mut server, &request);
            let is_head = request.starts_with("HEAD");
            let is_post = request.starts_with("POST");
            let mut expected = refusal("403 Forbidden", "", "origin refused\n");
            if is_head {
                expected.truncate(expected.len() - "origin refused\n".len());
            }
            if is_post {
                // What it sent is not read.
                expected = expected.replace("403 Forbidden\r\n", "403 Forbidden\r\nConnection: close\r\n");
            }
            assert_eq!(said, expected, "{request}");
            assert_eq!(link.state, if is_post { State::Closed } else { State::Open });
            assert_eq!(server.only(), key, "no session has begun, and none has ended");
            listener.turn(&mut server);
            assert_eq!(listener.state, State::Idle, "nobody took its place");
        }
        assert!(server.got.is_empty());
        assert_eq!(server.hub.sessions().get(key).expect("open").inbox().received().get(), 0);
        listener.cut(&mut server);
        assert!(!server.is_attached(key));
    }
}

#[test]
fn what_means_nothing_is_refused() {
    let (query, name, session) = (Rejection::BadQuery, Rejection::BadCallback, Rejection::NoSession);
    let sid = "A".repeat(24);
    for (request, rejection) in [
        (get("as=no"), query),
        (get("as="), query),
        (get("as"), query),
        (get("as=SSE"), query),
        (get("as=sse%20"), query),
        (get("wait=x"), query),
        (get("wait="), query),
        (get("wait=-1"), query),
        (get("wait=1e3"), query),
        (get("wait=4294967296"), query),
        (get("as=html"), name),
        (get("as=html&callback="), name),
        (get("as=html&callback=a(b)"), name),
        (script("callback=alert(1)"), name),
        (script("callback=1a"), name),
        (script("callback=a-b"), name),
        (script("callback=%61"), name),
        (script(&format!("callback={}", "a".repeat(65))), name),
        (post("", ""), session),
        (post("s=&n=1", ""), session),
        (post("s=x&n=1", ""), session),
        (post(&format!("s={sid}&n=1"), ""), session),
        (post(&format!("s={}&n=1", &sid[1..]), ""), session),
        (post(&format!("s={sid}"), ""), query),
        (post(&format!("s={sid}&n="), ""), query),
        (post(&format!("s={sid}&n=x"), ""), query),
        (post(&format!("s={sid}&n=-1"), ""), query),
        (post(&format!("s={sid}&n=4294967296"), ""), query),
        (script(&format!("s={sid}&n=x&callback=fn&d=")), query),
        (script(&format!("s={sid}&callback=fn&d=")), query),
        (script(&format!("s={sid}&n=1&callback=fn&d=")), session),
        (script("n=1&callback=fn&d="), session),
    ] {
        let mut server = Server::new(OPEN);
        let (said, link) = ask(&mut server, &request);
        let (status, reason) = (rejection.status(), rejection.reason());
        let line = if status == 404 { "404 Not Found" } else { "400 Bad Request" };
        assert_eq!(said, refusal(line, "", reason), "{request}");
        assert_eq!((link.state, server.count()), (State::Open, 0), "{request}");
        assert_eq!(rejection.to_string(), reason.trim_end());
    }
    // Over a WebSocket too: a number that is none would make all that comes seem to have come before.
    let upgrade = "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let (said, _) = ask(&mut Server::new(OPEN), &get("s=&n=x").replace("\r\n\r\n", upgrade));
    assert_eq!(said, refusal("400 Bad Request", "", "bad parameter\n"));
}

/// A window that a page of another site has opened is its own `parent`, and its `opener` may be a page of this host by now. What it is
/// told to call must be a function of its own, and no method of something in there.
#[test]
fn a_document_calls_no_method_of_another_window() {
    for name in ["opener.led.click", "a.b", "a.", "opener.opener.document.forms.f.submit", "fn.call"] {
        for referer in ["", "Referer: http://h/page\r\n"] {
            let mut server = Server::new(OPEN);
            let request = format!("GET /e?as=html&callback={name} HTTP/1.1\r\nHost: h\r\n{referer}\r\n");
            let (said, link) = ask(&mut server, &request);
            assert_eq!(said, refusal("400 Bad Request", "", "bad name of a function\n"), "{name}");
            assert_eq!((link.state, server.count()), (State::Open, 0), "{name}");
        }
    }
    let (said, _) = ask(&mut Server::new(OPEN), &get("as=html&callback=_$fn_1"));
    assert!(said.contains("<script>parent._$fn_1("), "{said}");
    // A script is fetched by a page of this host alone.
    let (said, _) = ask(&mut Server::new(OPEN), &script("since=16&callback=a.b"));
    assert!(said.ends_with("/**/a.b({\"next\":\"16\",\"events\":[]});"), "{said}");
}

#[test]
fn other_methods_are_none() {
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "X"] {
        let (said, link) = ask(&mut Server::new(OPEN), &get("as=sse&s=").replacen("GET", method, 1));
        let allow = "Allow: GET, HEAD, POST, OPTIONS\r\n";
        assert_eq!(said, refusal("405 Method Not Allowed", allow, "method not allowed\n"), "{method}");
        assert_eq!(link.state, State::Open);
    }
}

/// Any page can fetch a script from anywhere: so this one is off; and where it is on, the page has to be one of the same host.
#[test]
fn scripts_are_for_pages_of_the_same_host() {
    let of = |host: &str, referer: &str| {
        format!("GET /e?since=16&callback=fn HTTP/1.1\r\nHost: {host}\r\n{referer}\r\n")
    };
    let forbidden = refusal("403 Forbidden", "", "scripts may not ask here\n");
    let (said, _) = ask(&mut Server::new(CLOSED), &of("good.example", "Referer: http://good.example/\r\n"));
    assert_eq!(said, forbidden, "off by default");
    for (host, referer) in [
        ("good.example", "http://good.example/"),
        ("good.example", "http://good.example"),
        ("good.example", "http://GOOD.example/a/b?c=http://evil/"),
        ("good.example", "http://good.example?a=b"),
        ("good.example", "https://good.example/"),
        ("good.example:8080", "http://good.example:8080/page"),
        ("good.example:80", "http://good.example/"),
        ("[::1]:8080", "http://[::1]:8080/"),
    ] {
        let (said, _) = ask(&mut Server::new(OPEN), &of(host, &format!("Referer: {referer}\r\n")));
        assert!(said.ends_with("\r\n\r\n/**/fn({\"next\":\"16\",\"events\":[]});"), "{referer}: {said}");
    }
    for (host, referer) in [
        ("good.example", None),
        ("good.example", Some("")),
        ("good.example", Some("http://evil.example/")),
        ("good.example", Some("http://good.example.evil/")),
        ("good.example", Some("http://evil-good.example/")),
        ("good.example", Some("http://evil/good.example/")),
        ("good.example", Some("http://evil?good.example/")),
        ("good.example", Some("http://evil#http://good.example/")),
        ("good.example", Some("http://good.example@evil/")),
        ("good.example", Some("http://evil@good.example/")),
        ("good.example", Some("http://good.example\\.evil/")),
        ("good.example", Some("http://good.example:8080/")),
        ("good.example:8080", Some("http://good.example/")),
        ("good.example", Some("//good.example/")),
        ("good.example", Some("good.example")),
        ("good.example", Some("http://")),
        ("good.example", Some("http:///good.example/")),
        ("good.example", Some("about:blank")),
        ("good.example", Some("ws://good.example/")),
        ("good.example", Some("http://g\u{f6}\u{f6}d.example/")),
    ] {
        let referer = referer.map_or(String::new(), |page| format!("Referer: {page}\r\n"));
        let (said, _) = ask(&mut Server::new(OPEN), &of(host, &referer));
        // A page of somebody else gets nothing at all.
        let strangers = forbidden.replace("25", "15").replace("scripts may not ask here", "origin refused");
        assert_eq!(said, if referer.is_empty() { &forbidden } else { &strangers }.as_str(), "{referer}");
    }
}

#[test]
fn pages_of_others_take_no_places_though_they_say_no_origin() {
    for target in
        ["/?s=", "/?as=sse&s=", "/?as=xhr", "/?as=multipart", "/?as=html&callback=fn", "/?wait=9000"]
    {
        for (fields, is_let_in) in [
            ("", true), // no page
            ("Referer: http://h/page\r\n", true),
            ("Referer: http://evil/\r\n", false),
            ("Referer: http://evil/\r\nSec-Fetch-Site: same-origin\r\n", false),
            ("Sec-Fetch-Site: cross-site\r\n", false),
            ("Sec-Fetch-Site: same-site\r\n", false),
            ("Sec-Fetch-Site: same-origin\r\n", true),
            ("Sec-Fetch-Site: none\r\n", true),
            ("Origin: http://h\r\nSec-Fetch-Site: same-origin\r\nReferer: http://h/\r\n", true),
        ] {
            let mut server = Server::new(OPEN);
            let (said, _) = ask(&mut server, &format!("GET {target} HTTP/1.1\r\nHost: h\r\n{fields}\r\n"));
            let expected = if is_let_in { "HTTP/1.1 200 " } else { "HTTP/1.1 403 " };
            assert!(said.starts_with(expected), "{target} {fields}: {said}");
            assert!(is_let_in || server.hub.sessions().keys().next().is_none());
        }
    }
}

#[test]
fn a_session_is_known_by_its_name_as_long_as_it_lives() {
    let mut server = Server::new(OPEN);
    let (ended, old) = server.session();
    server.hub.sessions_mut().close(ended);
    let (key, sid) = server.session(); // in the same place
    server.publish("a");
    assert_ne!(old, sid);
    for unknown in [old.as_str(), "AAAAAAAAAAAAAAAAAAAAAAAA", "short", ""] {
        for query in ["as=xhr&since=16", "since=16&wait=1000"] {
            let (said, mut link) = ask(&mut server, &get(&format!("{query}&s={unknown}")));
            let new = server.hub.sessions().keys().find(|other| *other != key).expect("a new one");
            let new_sid = server.sid(new);
            assert!(said.contains(&format!("{{\"id\":\"16\",\"open\":{{\"sid\":\"{new_sid}\",")), "{said}");
            assert!(said.contains("{\"id\":\"17\",\"data\":\"a\"}"), "what is for all is not lost: {said}");
            link.cut(&mut server);
            server.hub.sessions_mut().close(new);
        }
        let (said, _) = ask(&mut server, &post(&format!("s={unknown}&n=1"), ""));
        assert_eq!(said, refusal("404 Not Found", "", "no such session\n"));
    }
    let (said, _) = ask(&mut server, &get(&format!("since=17&s={sid}")));
    assert!(said.starts_with("HTTP/1.1 204 "), "{said}");
    // Whose time is over is gone, even if nobody has looked yet.
    server.millis += 30_000;
    let (said, _) = ask(&mut server, &post(&format!("s={sid}&n=1"), ""));
    assert_eq!(said, refusal("404 Not Found", "", "no such session\n"));
}

/// Nobody is told how much of a name was right: one of which a single letter is wrong is answered as one of nobody's.
#[test]
fn a_name_that_is_nearly_right_is_answered_as_any_other() {
    let mut server = Server::new(OPEN);
    let (key, sid) = server.session();
    let stranger = "B".repeat(24);
    let said = |server: &mut Server, sid: &str| ask(server, &post(&format!("s={sid}&n=1"), "")).0;
    let expected = said(&mut server, &stranger);
    assert_eq!(expected, refusal("404 Not Found", "", "no such session\n"));
    for at in thin(0..sid.len(), 8) {
        let mut near = sid.clone();
        near.replace_range(at..=at, if &sid[at..=at] == "A" { "B" } else { "A" });
        assert_eq!(said(&mut server, &near), expected, "all but character {at} is right");
    }
    assert_eq!(server.hub.sessions().get(key).expect("open").inbox().received().get(), 0);
    assert!(said(&mut server, &sid).starts_with("HTTP/1.1 200 "));
}

/// What an attacker would like to see come back.
const MARKUP: [&str; 4] =
    ["<script>alert(9)</script>", "\"-alert(9)-\"", "');alert(9)//", "%3Cscript%3Ealert(9)%3C/script%3E"];

#[test]
fn nothing_of_a_request_comes_back() {
    for markup in thin(MARKUP, 1) {
        let mut requests = Vec::new();
        for name in ["as", "s", "since", "n", "wait", "callback", "d", "close", "x", markup] {
            for rest in [
                "",
                "as=sse&",
                "as=events&",
                "as=xhr&",
                "as=html&callback=fn&",
                "as=multipart&",
                "callback=fn&",
            ] {
                requests.push(script(&format!("{name}={markup}&{rest}")));
                requests.push(script(&format!("{rest}{name}={markup}")));
            }
            requests.push(post(&format!("{name}={markup}"), markup));
        }
        requests.push(format!("GET /{markup} HTTP/1.1\r\nHost: h\r\n\r\n"));
        requests.push(format!("{markup} / HTTP/1.1\r\nHost: h\r\n\r\n"));
        let fields = [
            "Origin",
            "Referer",
            "Last-Event-ID",
            "Host",
            "Accept",
            "User-Agent",
            "Cookie",
            "Content-Type",
            "Expect",
            "Connection",
            "Upgrade",
            "Access-Control-Request-Method",
            "Access-Control-Request-Headers",
            "Transfer-Encoding",
        ];
        for field in fields {
            for request in [get("as=sse"), get(""), script("callback=fn"), post("s=x&n=1", "")] {
                requests.push(request.replace("\r\n\r\n", &format!("\r\n{field}: {markup}\r\n\r\n")));
            }
            let preflight =
                format!("OPTIONS /e HTTP/1.1\r\nHost: h\r\nOrigin: http://h\r\n{field}: {markup}\r\n\r\n");
            requests.push(preflight.replace("\r\n\r\n", "\r\nAccess-Control-Request-Method: GET\r\n\r\n"));
        }
        let mut server = Server::new(OPEN);
        let (_, sid) = server.session();
        for body in
            [markup.to_owned(), format!("t{markup}:"), format!("x5:{markup}"), format!("t1:x{markup}")]
        {
            requests.push(post(&format!("s={sid}&n=1"), &body));
            requests.push(script(&format!("s={sid}&n=1&callback=fn&d={body}")));
        }
        for request in thin(requests, 5) {
            let (said, mut link) = ask(&mut server, &request);
            assert!(said.starts_with("HTTP/1.1 "), "{request}");
            assert!(!said.to_lowercase().contains("alert"), "{request}\n gives {said}");
            link.cut(&mut server);
            let others: Vec<_> = server.hub.sessions().keys().filter(|key| server.sid(*key) != sid).collect();
            others.into_iter().for_each(|key| server.hub.sessions_mut().close(key));
        }
    }
}

/// No line break of a request can end a field of an answer: not one that is encoded, and not one that is not.
#[test]
fn no_line_break_gets_into_a_field() {
    for (bad, line) in
        [("%0d%0aX-Evil:1", "%0d%0a"), ("\r\nX-Evil:1", "\r\n"), ("\rX-Evil:1", "\r"), ("\nX-Evil:1", "\n")]
    {
        for name in ["as", "s", "since", "n", "wait", "callback", "d"] {
            let mut server = Server::new(OPEN);
            let (said, _) = ask(&mut server, &script(&format!("as=sse&{name}={bad}")));
            assert!(!said.contains("Evil"), "{name} {line:?}: {said}");
            let (said, _) = ask(&mut server, &script(&format!("{name}={bad}")));
            assert!(!said.contains("Evil"), "{name} {line:?}: {said}");
        }
        for field in ["Origin", "Referer", "Last-Event-ID", "Access-Control-Request-Headers"] {
            let request = get("as=sse").replace("\r\n\r\n", &format!("\r\n{field}: http://h{bad}\r\n\r\n"));
            for policy in [OriginPolicy::SameOrigin, OriginPolicy::Any] {
                let (said, _) = ask(&mut Server::new(Endpoint::new(policy)), &request);
                assert!(!said.contains("Evil"), "{field} {line:?}: {said}");
            }
        }
    }
}
