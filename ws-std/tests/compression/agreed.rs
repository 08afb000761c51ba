//! What the two ends agree on, and say of it.

use crate::common::script::{Plan, Script};
use crate::common::{REQUEST, request};
use crate::{OPTIONS, pair, serve, with};
use ws_core::deflate::negotiate::Declined;
use ws_core::handshake::client;
use ws_std::{Compression, Connect, Error, Options};

#[test]
fn both_ends_agree_and_say_the_same() {
    let plain = Options::DEFAULT;
    let on = |inflate, deflate| Compression::new(inflate, deflate);
    for (client, server, agreed) in [
        (plain, plain, ""),
        (OPTIONS, plain, ""),
        (plain, OPTIONS, ""),
        (
            OPTIONS,
            OPTIONS,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=15",
        ),
        (
            with(on(15, 15).with_takeover()),
            with(on(15, 15).with_takeover()),
            "permessage-deflate; client_max_window_bits=15",
        ),
        (
            with(on(9, 15).with_takeover()),
            with(on(10, 15).with_takeover()),
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
        ),
        (
            with(on(15, 8).with_takeover().without_peer_takeover()),
            with(on(9, 12).with_takeover()),
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=9",
        ),
        // The client may not be able to deflate in so small a window.
        (OPTIONS, with(on(8, 12)), ""),
    ] {
        let (client, server) = pair(&client, &server);
        assert_eq!((client.extensions(), server.extensions()), (agreed, agreed));
        let (reader, _writer) = client.try_split().unwrap();
        assert_eq!(reader.extensions(), agreed);
    }
}

/// The field of the response to a request with this offer, or empty.
fn answer(offer: &str, options: &Options) -> String {
    let request = if offer.is_empty() { REQUEST.to_vec() } else { request(offer) };
    let script = Script::new(Plan::SMOOTH, request);
    let ws = serve(script.clone(), options).unwrap();
    let head = String::from_utf8(script.output()).unwrap();
    let mut fields = head.lines().filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    let field = fields.next().unwrap_or_default().to_owned();
    assert_eq!((fields.next(), ws.extensions()), (None, field.as_str()));
    field
}

#[test]
fn a_server_takes_the_first_offer_that_will_do() {
    let small = with(Compression::new(9, 9).with_takeover());
    let least = with(Compression::new(8, 9).with_takeover());
    for (offer, options, agreed) in [
        ("", OPTIONS, ""),
        ("permessage-bzip2", OPTIONS, ""),
        ("permessage-deflate; x", OPTIONS, ""),
        ("permessage-deflate; server_max_window_bits=16", OPTIONS, ""),
        ("permessage-deflate", OPTIONS, "permessage-deflate; server_no_context_takeover"),
        ("permessage-deflate", small, ""), // its window may be larger than there is memory for
        (
            "permessage-deflate; x, permessage-deflate; client_max_window_bits",
            small,
            "permessage-deflate; client_max_window_bits=9",
        ),
        (
            "permessage-deflate; server_max_window_bits=\"8\"; client_max_window_bits=8",
            small,
            "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8",
        ),
        // zlib does not deflate in 8 bits: only who offers it is told to.
        (
            "permessage-deflate; client_max_window_bits, permessage-deflate; client_max_window_bits=9",
            least,
            "",
        ),
        (
            "permessage-deflate; client_max_window_bits, permessage-deflate; client_max_window_bits=8",
            least,
            "permessage-deflate; client_max_window_bits=8",
        ),
    ] {
        assert_eq!(answer(offer, &options), agreed, "{offer}");
    }
}

#[test]
fn a_client_refuses_what_it_did_not_offer() {
    let answered = |extensions: &str, options: Options| {
        let script = Script::server(Plan::SMOOTH, Vec::new()).with_extensions(extensions);
        match Connect::new("ws://h/").options(options).over(script) {
            Ok(ws) => Ok(ws.extensions().to_owned()),
            Err(Error::Handshake(error)) => Err(error),
            Err(error) => panic!("{error}"),
        }
    };
    let small = with(Compression::new(9, 9).without_peer_takeover());
    for (extensions, options, error) in [
        ("permessage-deflate", Options::DEFAULT, client::Error::Extension),
        ("x", OPTIONS, client::Error::Extension),
        ("permessage-deflate, permessage-deflate", OPTIONS, client::Error::Extension),
        ("permessage-deflate; x", OPTIONS, client::Error::Compression(Declined::Unknown)),
        ("permessage-deflate", small, client::Error::Compression(Declined::Takeover)),
        (
            "permessage-deflate; server_no_context_takeover",
            small,
            client::Error::Compression(Declined::Window),
        ),
    ] {
        assert_eq!(answered(extensions, options), Err(error), "{extensions}");
    }
    assert_eq!(answered("permessage-deflate", OPTIONS), Ok("permessage-deflate".to_owned()));
    let agreed = "permessage-deflate; server_no_context_takeover; server_max_window_bits=9";
    assert_eq!(answered(agreed, small), Ok(agreed.to_owned()));
}
