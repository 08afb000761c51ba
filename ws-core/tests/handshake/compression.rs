//! permessage-deflate in the opening handshake (RFC 7692 5.1, 7.1): what real clients offer, and what servers may answer. Every
//! combination of parameters is tried where they are judged, in `src/deflate/negotiate.rs`.

use crate::{SAMPLE_ACCEPT, START, SampleNonce, written};
use ws_core::deflate::negotiate::{Agreement, Declined, Direction, Terms};
use ws_core::handshake::{OriginPolicy, client, server};
use ws_core::{Input, handshake::server::Refusal};

const LARGE: Terms = Terms::new(15, 15);
const SMALL: Terms = Terms::new(9, 9);

/// The field's values in the server's answer to a request with these lines of it.
fn answer(lines: &[&str], terms: &Terms, size: usize) -> (Vec<String>, Result<Agreement, Option<Declined>>) {
    let mut request = String::from(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
    );
    for line in lines {
        request += &format!("Sec-WebSocket-Extensions: {line}\r\n");
    }
    request += "\r\n";
    let (mut store, mut bytes) = ([0; 1024], request.into_bytes());
    let mut handshake = server::Handshake::new(&mut store, &[], START);
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Ok(true));
    let judged = handshake.request().compression(terms);
    let mut accept = handshake.accept(OriginPolicy::Any).unwrap();
    assert_eq!(accept.compress_if_offered(terms), judged.ok());
    assert_eq!(accept.compression(), judged.ok());
    let head = String::from_utf8(written(size, |out| accept.transmit(out))).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 ") && head.ends_with("\r\n\r\n"));
    let values = head.lines().filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    (values.map(String::from).collect(), judged)
}

#[test]
fn what_real_clients_offer_is_answered() {
    for (offer, large, small) in [
        // Chromium, Firefox, Node's own.
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=15",
            Some("permessage-deflate; server_no_context_takeover; client_max_window_bits=9"),
        ),
        // Firefox.
        ("permessage-deflate", "permessage-deflate; server_no_context_takeover", None),
        // Safari once had the name of a draft beside it.
        (
            "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=15",
            Some("permessage-deflate; server_no_context_takeover; client_max_window_bits=9"),
        ),
        // Clients in Go that can do without takeover alone.
        (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            None,
        ),
        // Quoted, and with the second offer for whom the first does not suit (RFC 7692 5.1).
        (
            "permessage-deflate; server_max_window_bits=\"10\", permessage-deflate; client_max_window_bits=\"1\\0\"",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
            Some("permessage-deflate; server_no_context_takeover; client_max_window_bits=9"),
        ),
    ] {
        for &size in if cfg!(miri) { &[40][..] } else { &[1, 7, 1000] } {
            assert_eq!(answer(&[offer], &LARGE, size).0, [large], "{offer}");
            assert_eq!(answer(&[offer], &SMALL, size).0, small.into_iter().collect::<Vec<_>>(), "{offer}");
        }
    }
}

#[test]
fn offers_in_several_lines_are_one_list() {
    let (values, _) = answer(&["foo", "permessage-deflate; x", "bar, permessage-deflate"], &LARGE, 1000);
    assert_eq!(values, ["permessage-deflate; server_no_context_takeover"]);
}

#[test]
fn what_is_declined_is_not_answered_and_the_connection_opens_without() {
    for (offer, why) in [
        ("foo", None),
        ("Permessage-Deflate", None),
        ("permessage-deflate; server_max_window_bits=7", Some(Declined::Value)),
        ("permessage-deflate; server_max_window_bits=16", Some(Declined::Value)),
        ("permessage-deflate; server_max_window_bits=008", Some(Declined::Value)),
        ("permessage-deflate; server_max_window_bits=-8", Some(Declined::Value)),
        ("permessage-deflate; server_max_window_bits", Some(Declined::Value)),
        ("permessage-deflate; client_no_context_takeover=1", Some(Declined::Value)),
        ("permessage-deflate; mem_level=8", Some(Declined::Unknown)),
        ("permessage-deflate; client_max_window_bits=9; client_max_window_bits=9", Some(Declined::Duplicate)),
    ] {
        assert_eq!(answer(&[offer], &LARGE, 1000), (vec![], Err(why)), "{offer}");
    }
}

/// What a client that offers these terms makes of a response with these lines of the field.
fn judged(terms: Terms, lines: &[&str]) -> Result<Option<Agreement>, client::Error> {
    let mut response = format!(
        "HTTP/1.1 101 -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {SAMPLE_ACCEPT}\r\n"
    );
    for line in lines {
        response += &format!("Sec-WebSocket-Extensions: {line}\r\n");
    }
    response += "\r\n";
    let (mut store, mut bytes) = ([0; 512], response.into_bytes());
    let request = client::Request::new("h", "/");
    let mut handshake = client::Handshake::new(request, &mut SampleNonce, &mut store, &[], START)
        .unwrap()
        .with_compression(terms);
    let asked = written(5, |out| handshake.transmit(out));
    assert!(String::from_utf8(asked).unwrap().contains("\r\nSec-WebSocket-Extensions: permessage-deflate; "));
    assert_eq!(handshake.compression(), None);
    assert!(handshake.receive(&mut Input::new(&mut bytes))?);
    Ok(handshake.compression())
}

#[test]
fn a_client_takes_what_it_offered() {
    assert_eq!(judged(LARGE, &[]), Ok(None));
    let agreed = judged(LARGE, &["permessage-deflate; client_max_window_bits=\"12\""]).unwrap().unwrap();
    assert_eq!(agreed.inflate, Direction { window_bits: 15, takeover: true });
    assert_eq!(agreed.deflate, Direction { window_bits: 12, takeover: false });
    let agreed = judged(SMALL, &["permessage-deflate; server_max_window_bits=9"]).unwrap().unwrap();
    assert_eq!(agreed.inflate.window(), 512);
}

#[test]
fn a_client_takes_nothing_else() {
    for (lines, why) in [
        (&["foo"][..], client::Error::Extension),
        (&["permessage-deflate", "permessage-deflate"], client::Error::Extension),
        (&["permessage-deflate, foo"], client::Error::Extension),
        (&["permessage-deflate;"], client::Error::Extension),
        (&[""], client::Error::Extension),
        (&[" ,"], client::Error::Extension),
        (&["permessage-deflate; x"], client::Error::Compression(Declined::Unknown)),
        (&["permessage-deflate; server_max_window_bits=7"], client::Error::Compression(Declined::Value)),
        (&["permessage-deflate; client_max_window_bits"], client::Error::Compression(Declined::Value)),
    ] {
        assert_eq!(judged(LARGE, lines), Err(why), "{lines:?}");
    }
    let all = client::Error::Compression(Declined::Window);
    assert_eq!(judged(SMALL, &["permessage-deflate"]), Err(all), "the window of 512 bytes would not do");
}

/// A line that is no text is an answer too, and not within the offer (RFC 6455 9.1).
#[test]
fn a_client_does_not_take_bytes_beyond_ascii_for_no_answer() {
    let mut response = format!(
        "HTTP/1.1 101 -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {SAMPLE_ACCEPT}\r\n\
         Sec-WebSocket-Extensions: "
    )
    .into_bytes();
    response.extend_from_slice(b"\xe9\r\n\r\n");
    let (mut store, request) = ([0; 512], client::Request::new("h", "/"));
    let handshake = client::Handshake::new(request, &mut SampleNonce, &mut store, &[], START);
    let mut handshake = handshake.unwrap().with_compression(LARGE);
    assert_eq!(handshake.receive(&mut Input::new(&mut response)), Err(client::Error::Extension));
}

/// What was not offered, and what was asked for and not kept to, are not the same to whoever looks for the cause.
#[test]
fn what_a_client_does_not_take_is_told_in_words() {
    for (terms, answer, told) in [
        (LARGE, "x", "the server chose compression that was not offered"),
        (LARGE, "server_max_window_bits=7", "the server chose compression that was not offered"),
        (SMALL, "server_max_window_bits=10", "the server does not keep to the window asked for"),
        (SMALL, "client_max_window_bits=9", "the server does not keep to the window asked for"),
        (
            LARGE.without_peer_takeover(),
            "client_no_context_takeover",
            "the server keeps its context between messages, which it was asked not to",
        ),
    ] {
        let error = judged(terms, &[&format!("permessage-deflate; {answer}")]).unwrap_err();
        assert_eq!(error.to_string(), told, "{answer}");
    }
}

#[test]
fn a_list_that_breaks_the_grammar_fails_the_handshake_whatever_it_offers() {
    let mut bytes = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; =\r\n\r\n"
        .to_vec();
    let mut store = [0; 512];
    let mut handshake = server::Handshake::new(&mut store, &[], START);
    assert_eq!(handshake.receive(&mut Input::new(&mut bytes)), Ok(true));
    assert_eq!(handshake.accept(OriginPolicy::Any).err(), Some(Refusal::Grammar));
}
