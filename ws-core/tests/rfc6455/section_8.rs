//! RFC 6455 8: what is not UTF-8.

use crate::common::{Driver, ENDS, FREE, incoming, part_of_text, run, text};
use crate::frames::{fails, fails_behind};
use crate::opening::{REQUEST, RESPONSE, begun, hear, instead, refused, with};
use ws_core::{Kind, PeerError};

#[test]
fn text_that_is_not_utf_8_fails_the_connection() {
    for end in ENDS {
        for bad in [
            &b"\xff"[..],
            b"\x80",
            b"\xc0\xaf",
            b"\xe0\x80\xaf",
            b"\xed\xa0\x80",
            b"\xed\xbf\xbf",
            b"\xf4\x90\x80\x80",
            b"\xf8\x88\x80\x80\x80",
            b"\xfe",
        ] {
            assert!(core::str::from_utf8(bad).is_err());
            let driver = run(end, FREE, &incoming(end, 0x81, bad));
            assert_eq!(driver.failed(), Some(PeerError::InvalidUtf8), "{bad:x?}");
            assert_eq!(driver.replies(), [(0x88, b"\x03\xef".to_vec())]);
        }
        fails(end, &incoming(end, 0x81, b"\xff"), PeerError::InvalidUtf8, 1007);
        let mut driver = Driver::new(end);
        driver.frame(0x01, b"\xe4\xbd");
        assert_eq!(driver.seen, [part_of_text(b"\xe4\xbd")]);
        fails_behind(driver, &incoming(end, 0x80, b""), PeerError::InvalidUtf8, 1007);
    }
}

#[test]
fn text_that_is_utf_8_passes() {
    for end in ENDS {
        for good in
            ["", "\0", "\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}", "\u{feff}\u{fffe}\u{d7ff}"]
        {
            assert_eq!(run(end, FREE, &incoming(end, 0x81, good.as_bytes())).seen, [text(good)]);
            let mut driver = Driver::new(end);
            driver.send(Kind::Text, good.as_bytes(), true);
            assert_eq!(driver.replies(), [(0x81, good.as_bytes().to_vec())]);
        }
    }
}

#[test]
fn a_handshake_that_is_not_utf_8_fails() {
    for line in [&b"Host: \xff"[..], b"Sec-WebSocket-Key: \xff", b"Sec-WebSocket-Protocol: \xff"] {
        refused(&instead(REQUEST, line), 400);
    }
    refused(&with(REQUEST, b"Sec-WebSocket-Extensions: x; y=\"\xc3\""), 400);
    refused(&instead(REQUEST, b"Sec-WebSocket-Version: \xff"), 426);
    let mut bytes = begun("GET /@ HTTP/1.1", REQUEST);
    let at = bytes.iter().position(|b| *b == b'@').unwrap();
    bytes[at] = 0xff;
    refused(&bytes, 400);
    for line in [&b"Upgrade: \xff"[..], b"Connection: \xff", b"Sec-WebSocket-Accept: \xff"] {
        assert!(hear(&instead(RESPONSE, line)).is_err());
    }
}
