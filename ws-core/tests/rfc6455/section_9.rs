//! RFC 6455 9: extensions. None is offered or agreed on yet; what others offer is read.

use crate::common::thin;
use crate::opening::{REQUEST, offers, refused, serve, values, with};
use ws_core::handshake::extensions;

#[test]
fn extensions_that_break_the_grammar_fail_the_handshake() {
    let bad = [
        "",
        ",",
        " , ",
        "a b",
        "a;",
        ";a",
        "a;;b",
        "a; =b",
        "a; b=",
        "a=b",
        "\"a\"",
        "a; b=\"",
        "a; b=\"c",
        "a; b=\"c\"d",
        "a; b=c d",
        "a/b",
        "a; b=c/d",
        "a, b c",
        "a; b=\"\\",
        "a; b=@",
    ];
    for bad in thin(bad, 1) {
        refused(&with(REQUEST, format!("Sec-WebSocket-Extensions: {bad}")), 400);
    }
    for good in ["a", "a,b", "a ;b", "a; b=c", "a; b = \"c\"", ",a,,b;c,", "a; b; b=1; b=\"\\2\""] {
        let response = serve(&with(REQUEST, format!("Sec-WebSocket-Extensions: {good}"))).unwrap();
        assert_eq!(values(&response, "Sec-WebSocket-Extensions"), [""; 0], "{good}: none is agreed on");
    }
}

#[test]
fn a_quoted_value_is_a_token() {
    for bad in
        ["a; b=\"\"", "a; b=\"c d\"", "a; b=\"c,d\"", "a; b=\"c;d\"", "a; b=\"\\\"\"", "a; b=\"\u{e9}\""]
    {
        assert!(offers(bad).is_err(), "{bad}");
        refused(&with(REQUEST, format!("Sec-WebSocket-Extensions: {bad}")), 400);
    }
    let offer = extensions::offers("a; b=\"c\\d\"").next().unwrap().unwrap();
    assert!(offer.params().next().unwrap().value.unwrap() == *"cd", "unescaped");
}

#[test]
fn extensions_keep_their_order() {
    assert_eq!(offers("foo, bar; baz=2, foo; x"), Ok(vec!["foo", "bar", "foo"]));
}
