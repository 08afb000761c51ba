//! A server that compresses what some requests ask for and not what others do.

use crate::common::frames::{TEXT, frame};
use crate::common::script::{Fault, Plan, Script};
use crate::common::{OFFER, REQUEST, request};
use crate::{OPTIONS, said};
use std::io::ErrorKind;
use ws_std::{
    Answer, Compression, Error, Message, Options, OriginPolicy, PeerError, Server, WebSocket, accept_with,
};

const PLAIN: Options = Options::DEFAULT;
const SMALL: Options = Options::DEFAULT.with_compression(Compression::new(9, 9).with_takeover());

const LARGE_AGREED: &str = "permessage-deflate; server_no_context_takeover; client_max_window_bits=15";
const SMALL_AGREED: &str = "permessage-deflate; client_max_window_bits=9";

/// A request to that path that offers compression.
fn asking(path: &str) -> Vec<u8> {
    let text = String::from_utf8(request(OFFER)).unwrap();
    text.replacen("/chat", path, 1).into_bytes()
}

/// The WebSocket of a server with `options` and, for some paths, others.
fn routed(script: &Script, options: &Options) -> WebSocket<Script, Server> {
    let opened = accept_with(script.clone(), options, &[], |request| {
        let answer = Answer::accept(OriginPolicy::Any);
        match request.target().path {
            "/plain" => answer.options(PLAIN),
            "/small" => answer.options(SMALL),
            "/large" => answer.options(OPTIONS),
            _ => answer,
        }
    });
    opened.unwrap().expect("it was accepted")
}

#[test]
fn a_path_is_compressed_or_not_whatever_the_others_are() {
    let text = "temperature ".repeat(50);
    for (path, options, agreed) in [
        ("/other", PLAIN, ""),
        ("/plain", PLAIN, ""),
        ("/small", PLAIN, SMALL_AGREED),
        ("/large", PLAIN, LARGE_AGREED),
        ("/other", OPTIONS, LARGE_AGREED),
        ("/plain", OPTIONS, ""),
        ("/small", OPTIONS, SMALL_AGREED),
        ("/large", SMALL, LARGE_AGREED),
    ] {
        let script = Script::new(Plan::SMOOTH, asking(path));
        let mut ws = routed(&script, &options);
        let head = String::from_utf8(script.output()).unwrap();
        let field = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
        assert_eq!((ws.extensions(), field.unwrap_or_default()), (agreed, agreed), "{path}");
        ws.send_text(&text).unwrap();
        let (messages, _) = said(&script, false);
        let [(bytes, wire)] = &messages[..] else { panic!("{} messages", messages.len()) };
        assert!(bytes == text.as_bytes());
        assert_eq!(wire.is_some(), !agreed.is_empty(), "{path}");
    }
}

/// What is not offered is not agreed on, whatever is chosen.
#[test]
fn a_client_that_offers_nothing_is_sent_plain_messages() {
    let script = Script::new(Plan::SMOOTH, REQUEST.to_vec());
    let opened =
        accept_with(script.clone(), &OPTIONS, &[], |_| Answer::accept(OriginPolicy::Any).options(SMALL));
    assert_eq!(opened.unwrap().unwrap().extensions(), "");
}

/// Byte by byte, and not always at once.
#[test]
fn a_request_in_pieces_gets_what_it_asks_for() {
    for read in [1, 2, 7, usize::MAX] {
        for fault in [Fault::None, Fault::Each(ErrorKind::WouldBlock), Fault::Each(ErrorKind::Interrupted)] {
            let plan = Plan { read, ..Plan::SMOOTH }.with(fault);
            for (path, agreed) in [("/plain", ""), ("/small", SMALL_AGREED), ("/other", LARGE_AGREED)] {
                let script = Script::new(plan, asking(path));
                assert_eq!(routed(&script, &OPTIONS).extensions(), agreed, "{path} by {read}, {fault:?}");
            }
        }
    }
}

/// The limits are those chosen, and so are the buffers, in which what came with the request is kept.
#[test]
fn what_came_behind_the_request_is_read_with_what_was_chosen() {
    let text = "a".repeat(3000);
    let input = [asking("/x"), frame(true, TEXT, text.as_bytes())].concat();
    for (read_buffer, write_buffer) in [(1, 256), (100, 300), (4096, 2048), (100_000, 100_000)] {
        for limit in [2999, 3000] {
            let script = Script::new(Plan::SMOOTH, input.clone());
            let chosen = Options { read_buffer, write_buffer, ..SMALL }.with_message_limit(limit);
            let opened = accept_with(script.clone(), &Options::DEFAULT, &[], |_| {
                Answer::accept(OriginPolicy::Any).options(chosen)
            });
            let mut ws = opened.unwrap().unwrap();
            match ws.read() {
                Ok(message) => assert!(limit == 3000 && message == Some(Message::Text(&text))),
                Err(Error::Peer(PeerError::MessageTooBig)) => assert_eq!(limit, 2999),
                Err(error) => panic!("{error}"),
            }
        }
    }
}
