//! What pages of other servers are told.

use crate::{asked, at_every_size};
use ws_core::http::exchange::{Exchange, Settings};
use ws_core::http::{Cors, OriginPolicy, Response};
use ws_core::transport::{Asked, Endpoint, Rejection};
use ws_core::{Input, Instant};

const LIST: OriginPolicy<'_> = OriginPolicy::List(&["https://good.example", "null"]);
const GOOD: &str = "Origin: https://good.example\r\n";
const EVIL: &str = "Origin: https://evil.example\r\n";
const ASKS: &str = "Access-Control-Request-Method: POST\r\n";

fn fields(cors: &Cors<'_>, fields: &str) -> Vec<String> {
    asked("POST / HTTP/1.1", fields, |request| {
        let told = cors.fields(&request);
        let response = Response::new(200, &[("A", "b")], b"").unwrap().with_fields(told.as_slice()).unwrap();
        let text = at_every_size(1, || response.clone(), |response, out| response.transmit(out));
        let (_, text) = text.split_once("A: b\r\n").unwrap();
        text.trim_end().lines().map(str::to_owned).collect()
    })
}

#[test]
fn a_page_that_is_let_in_is_named() {
    let cors = Cors::new(LIST);
    let origin = "Access-Control-Allow-Origin: https://good.example";
    assert_eq!(fields(&cors, GOOD), ["Vary: Origin", origin]);
    let with = Cors { credentials: true, ..cors };
    assert_eq!(fields(&with, GOOD), ["Vary: Origin", origin, "Access-Control-Allow-Credentials: true"]);
    assert_eq!(fields(&with, "Origin: null\r\n")[1], "Access-Control-Allow-Origin: null");
    // What is not let in learns nothing; caches are told all the same.
    for other in ["", EVIL, "Origin: https://good.example.evil\r\n", "Origin: http://good.example\r\n"] {
        assert_eq!(fields(&with, other), ["Vary: Origin"], "{other}");
    }
    let same = Cors::new(OriginPolicy::SameOrigin);
    assert_eq!(fields(&same, "Origin: http://h\r\n")[1], "Access-Control-Allow-Origin: http://h");
    assert_eq!(fields(&same, GOOD), ["Vary: Origin"]);
}

/// CVE-2020-28481 and its like: a star, or whoever asks, with credentials.
#[test]
fn the_star_goes_without_credentials() {
    let cors = Cors { credentials: true, ..Cors::new(OriginPolicy::Any) };
    for origin in ["", GOOD, EVIL, "Origin: null\r\n"] {
        assert_eq!(fields(&cors, origin), ["Access-Control-Allow-Origin: *"], "{origin}");
    }
}

#[test]
fn what_changes_something_can_be_refused() {
    let admits = |cors: Cors<'_>, fields| asked("POST / HTTP/1.1", fields, |request| cors.admits(&request));
    assert!(admits(Cors::new(LIST), GOOD) && admits(Cors::new(LIST), ""));
    assert!(!admits(Cors::new(LIST), EVIL));
    assert!(admits(Cors::new(OriginPolicy::Any), EVIL));
    // No browser sends one that is no text; what does is not taken for something without a page.
    for policy in [LIST, OriginPolicy::SameOrigin] {
        let mut bytes = b"POST / HTTP/1.1\r\nHost: h\r\nOrigin: http://h\xff\r\n\r\n".to_vec();
        let mut store = [0; 256];
        let mut exchange = Exchange::new(&mut store, &[], &Settings::DEFAULT, Instant::from_millis(0));
        assert_eq!(exchange.receive(&mut Input::new(&mut bytes)), Ok(true));
        assert!(!Cors::new(policy).admits(&exchange.request()));
        let endpoint = Endpoint::new(policy);
        assert!(matches!(endpoint.asked(&exchange.request()), Asked::Reject(Rejection::Origin)));
    }
}

fn preflight(cors: &Cors<'_>, method: &str, fields: &str) -> Option<(u16, String)> {
    asked(&format!("{method} / HTTP/1.1"), fields, |request| {
        let told = cors.preflight(&request)?;
        let response = told.response();
        let text = at_every_size(1, || response.clone(), |response, out| response.transmit(out));
        let (_, rest) = text.split_once("\r\nConnection: close\r\n").expect("it closes");
        Some((response.status(), rest.to_owned()))
    })
}

#[test]
fn a_question_before_the_request_is_answered() {
    let cors = Cors { credentials: true, ..Cors::new(LIST) };
    let vary = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n";
    let may = "Access-Control-Allow-Methods: GET, POST\r\nAccess-Control-Allow-Headers: Content-Type, Last-Event-ID\r\n\
               Access-Control-Max-Age: 600\r\n\r\n";
    let asks = |origin: &str| format!("{origin}{ASKS}Access-Control-Request-Headers: x-evil\r\n");
    let origin =
        "Access-Control-Allow-Origin: https://good.example\r\nAccess-Control-Allow-Credentials: true\r\n";
    let told = preflight(&cors, "OPTIONS", &asks(GOOD));
    assert_eq!(told, Some((204, format!("{vary}{origin}{may}"))));
    let told = preflight(&cors, "OPTIONS", &asks(EVIL));
    assert_eq!(
        told,
        Some((403, format!("Content-Length: 15\r\n{vary}Content-Type: text/plain\r\n\r\norigin refused\n")))
    );
    let any = Cors { headers: "", ..Cors::new(OriginPolicy::Any) };
    let told = preflight(&any, "OPTIONS", &asks(EVIL)).unwrap().1;
    assert!(told.starts_with("Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods:"));
    assert!(!told.contains("x-evil") && !told.contains("Allow-Headers"), "nothing is reflected");
    // It takes all the room that there is for fields.
    asked("OPTIONS / HTTP/1.1", &format!("{GOOD}{ASKS}"), |request| {
        let told = cors.preflight(&request).expect("a question");
        assert_eq!(told.with("A", "b").as_slice(), told.as_slice());
        let short = any.preflight(&request).expect("a question");
        assert_eq!(short.with("A", "b").as_slice().last(), Some(&("A", "b")));
    });
    // No such question.
    for (method, fields) in [("POST", &asks(GOOD)), ("OPTIONS", &asks("")), ("OPTIONS", &GOOD.to_owned())] {
        assert_eq!(preflight(&cors, method, fields), None, "{method} {fields}");
    }
}

#[test]
fn what_may_not_stand_in_a_head_is_answered_by_500() {
    let cors = Cors { methods: "GET\r\nX: y", ..Cors::new(LIST) };
    assert_eq!(preflight(&cors, "OPTIONS", &format!("{GOOD}{ASKS}")).unwrap().0, 500);
}
