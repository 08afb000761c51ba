//! Offers and answers of compression that are not what they may be (RFC 7692 7.1): a server opens the connection without it, a client
//! fails. What either says of them is shown in `../handshake`.

use super::common::{End, FREE, at, binary, few, thin};
use super::lent::{Room, Setup};
use ws_core::deflate::negotiate::{Agreement, Declined, Direction, Terms};
use ws_core::handshake::server::Refusal;
use ws_core::handshake::{OriginPolicy, client, server};
use ws_core::{Entropy, Input, Output};

/// The key of RFC 6455 1.3.
struct Sample;

impl Entropy for Sample {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(b"the sample nonce");
    }
}

type Judged = Result<Agreement, Option<Declined>>;

/// A server's answer to these offers: the values of its field, and what it has agreed on.
fn answered(offers: &str, terms: Terms) -> Result<(Vec<String>, Judged), Refusal> {
    let mut request = format!(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Extensions: {offers}\r\n\r\n"
    )
    .into_bytes();
    let mut store = [0; 1024];
    let mut handshake = server::Handshake::new(&mut store, &[], at(0));
    assert_eq!(handshake.receive(&mut Input::new(&mut request)), Ok(true));
    let judged = handshake.request().compression(&terms);
    let mut accept = handshake.accept(OriginPolicy::Any)?;
    assert_eq!(accept.compress_if_offered(&terms), judged.ok());
    let mut buf = [0; 1024];
    let mut out = Output::new(&mut buf);
    assert!(accept.transmit(&mut out));
    let head = String::from_utf8(out.filled().to_vec()).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "));
    let values = head.lines().filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    Ok((values.map(String::from).collect(), judged))
}

/// What a client that offers these terms, or none, makes of a server's answer.
fn judged(terms: Option<Terms>, answer: &str) -> Result<Option<Agreement>, client::Error> {
    let mut response = format!(
        "HTTP/1.1 101 -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: {answer}\r\n\r\n"
    )
    .into_bytes();
    let mut store = [0; 512];
    let request = client::Request::new("h", "/");
    let mut handshake = client::Handshake::new(request, &mut Sample, &mut store, &[], at(0)).unwrap();
    if let Some(terms) = terms {
        handshake = handshake.with_compression(terms);
    }
    let mut buf = [0; 1024];
    assert!(handshake.transmit(&mut Output::new(&mut buf)));
    let result = handshake.receive(&mut Input::new(&mut response));
    let agreed = handshake.compression();
    match result {
        Ok(is_open) => assert!(is_open),
        Err(error) => {
            assert_eq!(agreed, None, "nothing is agreed on");
            assert_eq!(
                handshake.receive(&mut Input::new(&mut b"\x81\0"[..].to_vec())),
                Err(error),
                "for good"
            );
            return Err(error);
        }
    }
    Ok(agreed)
}

const ALL: Terms = Terms::new(15, 15);

/// Both bad offers and bad answers, by the same name.
fn bad(params: &str, why: Declined) {
    let list = format!("permessage-deflate; {params}");
    assert_eq!(answered(&list, ALL), Ok((vec![], Err(Some(why)))), "{params}");
    assert_eq!(judged(Some(ALL), &list), Err(client::Error::Compression(why)), "{params}");
    // What is offered beside it is looked at by itself; an answer has no beside.
    let (values, _) = answered(&format!("{list}, permessage-deflate"), ALL).unwrap();
    assert_eq!(values, ["permessage-deflate; server_no_context_takeover"], "{params}");
    assert!(judged(Some(ALL), &format!("permessage-deflate, {list}")).is_err(), "{params}");
}

#[test]
fn windows_are_8_to_15_in_digits_and_nothing_else() {
    let numbers = (0..=40u64)
        .chain([80, 99, 100, 150, 255, 256 + 8, 65_536 + 9, (1 << 32) + 10])
        .map(|n| n.to_string());
    let texts = [
        "18446744073709551624", // 2^64 + 8
        "00000000000000000000000000000008",
        "008",
        "08",
        "010",
        "015",
        "00",
        "+8",
        "-8",
        "--8",
        "8.",
        "8.0",
        "0x8",
        "8e0",
        "1e1",
        "1_0",
        "x",
        "8x",
        "x8",
        "*",
        "true",
        "null",
        "NaN",
        "constructor",
        "__proto__",
        "'8'",
        "%38",
        "8%00",
        "!",
    ];
    for value in thin(numbers.chain(texts.map(String::from)), 4) {
        let bits = ["8", "9", "10", "11", "12", "13", "14", "15"].iter().position(|bits| *bits == value);
        for written in [value.clone(), format!("\"{value}\""), format!("\"\\{value}\"")] {
            for name in ["server_max_window_bits", "client_max_window_bits"] {
                let param = format!("{name}={written}");
                let Some(bits) = bits.map(|bits| bits as u8 + 8) else {
                    bad(&param, Declined::Value);
                    continue;
                };
                let (values, there) = answered(&format!("permessage-deflate; {param}"), ALL).unwrap();
                let answer = format!("permessage-deflate; server_no_context_takeover; {name}={bits}");
                assert_eq!(values, [answer], "{param}");
                let here = judged(Some(ALL), &format!("permessage-deflate; {param}")).unwrap().unwrap();
                let there = there.unwrap();
                let told = if name.starts_with("server") { (15, bits) } else { (bits, 15) };
                assert_eq!((there.inflate.window_bits, there.deflate.window_bits), told, "{param}");
                assert_eq!((here.deflate.window_bits, here.inflate.window_bits), told, "{param}");
            }
        }
    }
    // Without a value it is an offer of the client's window, and nothing else.
    bad("server_max_window_bits", Declined::Value);
    let offer = "permessage-deflate; client_max_window_bits";
    assert_eq!(judged(Some(ALL), offer), Err(client::Error::Compression(Declined::Value)));
    assert!(answered(offer, ALL).unwrap().1.is_ok());
}

#[test]
fn parameters_that_are_none_are_refused() {
    let known = [
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits=10",
        "client_max_window_bits=10",
    ];
    for (i, first) in known.iter().enumerate().take(few(4, 1)) {
        for (j, second) in known.iter().enumerate() {
            let pair = format!("{first}; {second}");
            if i == j {
                bad(&pair, Declined::Duplicate);
                bad(&format!("{first}; {}; {second}", known[(i + 1) % 4]), Declined::Duplicate);
            } else {
                assert!(answered(&format!("permessage-deflate; {pair}"), ALL).unwrap().1.is_ok());
            }
        }
        let (name, value) = first.split_once('=').map_or((*first, "1"), |(name, _)| (name, "true"));
        bad(&format!("{name}={value}"), Declined::Value);
        bad(&format!("{}={value}", name.to_uppercase()), Declined::Unknown);
        bad(&format!("{name}s"), Declined::Unknown);
        bad(&format!("{first}; x"), Declined::Unknown);
    }
    let names =
        ["x", "constructor", "__proto__", "hasOwnProperty", "max_window_bits=8", "mem_level=9", "0", "!"];
    for name in thin(names, 1) {
        bad(name, Declined::Unknown);
        bad(&format!("client_no_context_takeover; {name}"), Declined::Unknown);
    }
    // Thousands of them are a matter of the head's limits; as many as there is room for are one refusal.
    bad("a;".repeat(60).trim_end_matches(';'), Declined::Unknown);
}

/// What is no list at all fails the handshake on both sides (RFC 6455 9.1).
#[test]
fn lists_that_break_the_grammar_fail_the_handshake() {
    let bad = [
        ";",
        "=",
        "=8",
        "x=",
        "x==8",
        "x=;",
        "x=\"\"",
        "x=\"8",
        "x=8\"",
        "x=\"8\"9",
        "x=\"8\" 9",
        "x=8 9",
        "x=\"1 0\"",
        "x=\\8",
        "x=\"8\\\"",
        "x=\"\\\"",
        "x y",
        ";x",
        "x;",
        "x;;y",
        "x=(8)",
        "x=8,;",
        "\"x\"",
        "\u{e9}",
    ];
    for params in thin(bad, 1) {
        let list = format!("permessage-deflate;{params}");
        assert_eq!(answered(&list, ALL), Err(Refusal::Grammar), "{params}");
        assert!(judged(Some(ALL), &list).is_err(), "{params}");
        let list = format!("permessage-deflate, foo;{params}");
        assert_eq!(answered(&list, ALL), Err(Refusal::Grammar), "{params}, though it can do without");
    }
}

/// Every window asked for and every window answered; and no answer to no offer.
#[test]
fn an_answer_outside_of_the_offer_fails_the_client() {
    for asked in (8..=15).take(few(8, 2)) {
        for answered in thin((8..=15).map(Some).chain([None]), 1) {
            let given = answered.unwrap_or(15);
            let answer = answered.map_or(String::new(), |bits| format!("; server_max_window_bits={bits}"));
            let answer = format!("permessage-deflate{answer}");
            let expected = Direction { window_bits: given, takeover: true };
            let seen = judged(Some(Terms::new(asked, 15)), &answer).map(|agreed| agreed.unwrap().inflate);
            if given <= asked {
                assert_eq!(seen, Ok(expected));
            } else {
                assert_eq!(seen, Err(client::Error::Compression(Declined::Window)), "{answer} to {asked}");
            }
            // Takeover that was ruled out is not to be left unsaid, and then is as it was said.
            let terms = Terms::new(asked, 15).without_peer_takeover();
            assert_eq!(judged(Some(terms), &answer), Err(client::Error::Compression(Declined::Takeover)));
            let answer = format!("{answer}; server_no_context_takeover");
            let seen = judged(Some(terms), &answer).map(|agreed| agreed.unwrap().inflate.takeover);
            assert_eq!(seen.is_ok(), given <= asked);
            assert_ne!(seen, Ok(true));
            assert!(judged(None, &answer).is_err(), "it was not offered");
        }
    }
    for other in
        ["foo", "permessage-bzip2", "x-webkit-deflate-frame", "permessage-deflate, permessage-deflate"]
    {
        assert_eq!(judged(Some(ALL), other), Err(client::Error::Extension), "{other}");
    }
}

/// The least window, which crashes zlib where it is handed on unchecked: it is served, or declined, and kept to.
#[test]
fn a_window_of_8_bits_is_served_and_kept_to() {
    let plain: Vec<u8> = (0..few(3000, 400) as u32).map(|i| (i % 300 % 251) as u8).collect();
    let (_, agreed) =
        answered("permessage-deflate; server_max_window_bits=8; client_max_window_bits=8", ALL).unwrap();
    let there = agreed.unwrap();
    assert_eq!((there.inflate.window(), there.deflate.window()), (256, 256));
    let here =
        judged(Some(Terms::new(8, 8)), "permessage-deflate; server_max_window_bits=8").unwrap().unwrap();
    assert_eq!((here.inflate.window(), here.deflate.window()), (256, 256));
    for is_fast in [false, true] {
        for (end, own, peers) in [(End::Server, there, here), (End::Client, here, there)] {
            let (mut a, mut b) = (
                Room::new(Setup { end, is_fast, bits: 8, takeover: true }),
                Room::new(Setup { end: end.peer(), is_fast, bits: 8, takeover: true }),
            );
            let (mut sender, mut receiver) = (a.talk(FREE), b.talk(FREE));
            sender.begin(&own);
            receiver.begin(&peers);
            // Each byte comes again 300 bytes later, which is out of the window; the receiver has no more than that.
            for _ in 0..few(3, 2) {
                for (b0, payload) in sender.send(&plain) {
                    receiver.receive(&receiver.setup.frame(b0, &payload));
                }
            }
            assert!(receiver.seen == vec![binary(&plain); few(3, 2)], "{end:?}");
        }
    }
    // Who has no more than that offers it to nobody who did not name it.
    let least = Terms::new(8, 8);
    for offer in ["permessage-deflate", "permessage-deflate; client_max_window_bits"] {
        assert_eq!(answered(offer, least), Ok((vec![], Err(Some(Declined::Window)))), "{offer}");
    }
}
