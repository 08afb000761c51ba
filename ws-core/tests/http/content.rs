//! Content that lies ready.

use crate::cases::thin;
use crate::{asked, at_every_size};
use ws_core::http::Content;

const PLAIN: Content<'_> = Content::plain("text/css", "\"1\"", b"plain");
const GZIP: Content<'_> = Content::gzip("text/css", "\"1\"", b"gzipped");
const BOTH: Content<'_> = Content::both("text/css", "W/\"1\"", b"plain", b"gzipped");

/// Status and rest of the answer, without what all have.
fn answer(content: &Content<'_>, line: &str, fields: &str) -> (u16, String) {
    asked(&format!("{line} HTTP/1.1"), fields, |request| {
        let response = content.response(&request);
        let text = at_every_size(1, || response.clone(), |response, out| response.transmit(out));
        let (_, rest) = text.split_once("\r\nConnection: close\r\n").expect("it closes");
        (response.status(), rest.to_owned())
    })
}

#[test]
fn it_is_sent_gzipped_to_who_takes_that() {
    let plain = "Content-Length: 5\r\nContent-Type: text/css\r\nCache-Control: no-cache\r\nETag: ";
    let gzip = "Content-Length: 7\r\nContent-Encoding: gzip\r\nContent-Type: text/css\r\nCache-Control: no-cache\r\nETag: ";
    let takes = "Accept-Encoding: gzip\r\n";
    let ok = |text: String| (200, text);
    for fields in ["", takes] {
        assert_eq!(answer(&PLAIN, "GET /", fields), ok(format!("{plain}\"1\"\r\n\r\nplain")));
        assert_eq!(answer(&GZIP, "GET /", fields), ok(format!("{gzip}\"1\"\r\n\r\ngzipped")));
        assert_eq!(answer(&GZIP, "HEAD /", fields), ok(format!("{gzip}\"1\"\r\n\r\n")));
    }
    let vary = "W/\"1\"\r\nVary: Accept-Encoding\r\n\r\n";
    assert_eq!(answer(&BOTH, "GET /", ""), ok(format!("{plain}{vary}plain")));
    assert_eq!(answer(&BOTH, "GET /", takes), ok(format!("{gzip}{vary}gzipped")));
    assert_eq!(answer(&BOTH, "HEAD /", takes), ok(format!("{gzip}{vary}")));
    let cached = BOTH.cached("max-age=60");
    let expected = plain.replace("no-cache", "max-age=60");
    assert_eq!(answer(&cached, "GET /", ""), ok(format!("{expected}{vary}plain")));
}

/// What an image holds is made when it is compiled, which leaves nothing to be looked at here: so once more.
#[test]
fn what_is_made_later_is_the_same() {
    let compressed = b"gzipped".to_vec();
    let gzip = Content::gzip("text/css", "\"1\"", &compressed);
    assert_eq!(answer(&gzip, "GET /", ""), answer(&GZIP, "GET /", ""));
    assert_eq!(format!("{gzip:?}"), format!("{GZIP:?}"));
}

/// RFC 9110 12.5.3.
#[test]
fn a_weight_of_zero_refuses_gzip() {
    let weights = [
        ("gzip, deflate", true),
        ("deflate, GZip;q=0.5, br", true),
        ("x-gzip", true),
        ("*", true),
        ("gzip;q=0.001", true),
        ("gzip ; q=1", true),
        ("*;q=0, gzip", true),
        ("identity;q=0, *", true),
        ("", false),
        ("identity", false),
        ("gzip;q=0", false),
        ("gzip;q=0.000", false),
        ("gzip;q=0, *", false),
        ("*;q=0", false),
        ("gzip;q=x", false),
        ("gzipped", false),
        ("br\r\nAccept-Encoding: deflate", false),
        ("br\r\nAccept-Encoding: gzip", true),
    ];
    for (accepted, gzipped) in thin(weights, 1) {
        let (_, text) = answer(&BOTH, "GET /", &format!("Accept-Encoding: {accepted}\r\n"));
        assert_eq!(text.ends_with("\r\n\r\ngzipped"), gzipped, "{accepted}");
        let (_, text) = answer(&GZIP, "GET /", &format!("Accept-Encoding: {accepted}\r\n"));
        assert!(text.ends_with("\r\n\r\ngzipped"), "there is nothing else: {accepted}");
    }
}

/// RFC 9110 13.1.2: a list, compared weakly, or a star.
#[test]
fn who_has_it_is_not_sent_it() {
    let tags = [
        ("\"1\"", true),
        ("W/\"1\"", true),
        ("*", true),
        ("\"0\", \"1\"", true),
        ("\"0\",W/\"1\" ,\"2\"", true),
        (", \"1\"", true),
        ("\"0\"\r\nIf-None-Match: \"1\"", true),
        ("\"a,\", \"1\"", true),
        ("", false),
        ("\"2\"", false),
        ("\"11\"", false),
        ("1", false),
        ("\"1", false),
        ("1\"", false),
        ("w/\"1\"", false),
        ("\",\"1\",\"", false),
        ("\"0\" \"1\"", false),
        ("\"0\"x, \"1\"", false),
        ("*, \"2\"", false),
        ("\"a\tb\", \"1\"", false),
    ];
    for (known, has) in thin(tags, 1) {
        for (content, own) in [
            (&PLAIN, "ETag: \"1\"\r\n"),
            (&GZIP, "ETag: \"1\"\r\n"),
            (&BOTH, "ETag: W/\"1\"\r\nVary: Accept-Encoding\r\n"),
        ] {
            for method in ["GET", "HEAD"] {
                let (status, text) =
                    answer(content, &format!("{method} /"), &format!("If-None-Match: {known}\r\n"));
                assert_eq!(status, if has { 304 } else { 200 }, "{method} {known:?}");
                if has {
                    assert_eq!(text, format!("Cache-Control: no-cache\r\n{own}\r\n"));
                }
            }
        }
    }
}

#[test]
fn other_methods_are_not_allowed() {
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "get", "TRACE"] {
        let (status, text) = answer(&BOTH, &format!("{method} /"), "If-None-Match: *\r\n");
        assert_eq!(
            (status, text.as_str()),
            (405, "Content-Length: 0\r\nAllow: GET, HEAD\r\n\r\n"),
            "{method}"
        );
    }
}

#[test]
fn what_may_not_stand_in_a_head_is_answered_by_500() {
    for content in [
        Content::plain("text/html\r\nX: y", "\"1\"", b""),
        Content::plain("text/html", "1", b""),
        Content::plain("text/html", "\"1\r\nX: y\"", b""),
        Content::both("text/html", "\"1\"", b"", b""),
        PLAIN.cached("no-cache\n"),
    ] {
        assert_eq!(answer(&content, "GET /", "").0, 500, "{content:?}");
    }
}
