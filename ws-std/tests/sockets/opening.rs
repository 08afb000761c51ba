//! Opening connections.

use crate::common::REQUEST;
use crate::common::frames::{CLOSE, TEXT, frame};
use crate::peer::{Raw, accept_next, listen, ms, options, pair, soon};
use std::net::{TcpListener, ToSocketAddrs};
use std::thread;
use std::time::Duration;
use ws_std::{
    Answer, Connect, Error, Message, Options, OriginPolicy, ReadyState, Waited, accept, accept_with, connect,
};

#[test]
fn both_ends_agree() {
    let (listener, url) = listen();
    let host = listener.local_addr().unwrap().to_string();
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            let (stream, _) = listener.accept().unwrap();
            let further = ["authorization", "cookie"];
            let opened = accept_with(stream, &Options::DEFAULT, &further, |request| {
                assert_eq!(request.method(), "GET");
                assert_eq!(request.target().path, "/chat/a%20b");
                assert_eq!(request.target().query, Some("room=1&x=%C3%A9"));
                assert_eq!(request.host(), Some(host.as_str()));
                assert_eq!(request.origin(), Some(format!("http://{host}").as_str()));
                assert_eq!(request.field("authorization"), Some("Bearer abc"));
                assert_eq!(request.field("cookie"), None);
                assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["v2.chat", "v1.chat"]);
                Answer::accept(OriginPolicy::SameOrigin)
                    .subprotocol("v1.chat")
                    .field("Set-Cookie", "a=1")
                    .field("Set-Cookie", "b=2")
            });
            opened.unwrap().expect("it was accepted")
        });
        let client = Connect::new(&format!("{url}/a b?room=1&x=\u{e9}"))
            .origin(&format!("http://{host}"))
            .subprotocols(&["v2.chat", "v1.chat"])
            .fields(&[("Authorization", "Bearer abc")])
            .further(&["set-cookie", "server"])
            .open()
            .unwrap();
        let server = server.join().unwrap();
        assert_eq!(client.protocol(), Some("v1.chat"));
        assert_eq!(server.protocol(), Some("v1.chat"));
        let cookies = [("set-cookie".into(), "a=1".into()), ("set-cookie".into(), "b=2".into())];
        assert_eq!(client.fields(), cookies);
        assert_eq!(client.ready_state(), ReadyState::Open);
        assert_eq!(server.ready_state(), ReadyState::Open);
    });
}

#[test]
fn each_write_leaves_at_once() {
    let (client, server) = pair(&Options::DEFAULT, &Options::DEFAULT);
    assert!(client.stream().nodelay().unwrap());
    assert!(server.stream().nodelay().unwrap());
}

#[test]
fn the_shortest_forms_do() {
    let (listener, url) = listen();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut ws = accept(listener.accept().unwrap().0, OriginPolicy::SameOrigin).unwrap();
            ws.send_text("hello").unwrap();
            assert_eq!(ws.read().unwrap(), None);
        });
        let mut ws = connect(&url).unwrap();
        assert_eq!(ws.read().unwrap(), Some(Message::Text("hello")));
        ws.close(ws_std::CloseCode::NORMAL, "").unwrap();
    });
}

#[test]
fn a_frame_may_come_with_the_request() {
    let (listener, _) = listen();
    let mut raw = Raw::client(&listener);
    raw.write(&[REQUEST, &frame(true, TEXT, b"at once"), &frame(true, CLOSE, b"")].concat());
    let mut ws = accept_next(&listener, &Options::DEFAULT).unwrap();
    assert_eq!(ws.read().unwrap(), Some(Message::Text("at once")));
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(ws.read().unwrap(), None));
        assert!(raw.read_head().starts_with("HTTP/1.1 101 "));
        assert_eq!(raw.next(), Some((CLOSE, vec![])));
        drop(raw);
    });
}

/// Deadlines and buffers of an answer are those of its WebSocket.
#[test]
fn an_answer_has_options_of_its_own() {
    let mut chosen = options(|timeouts| {
        timeouts.ping = ms(40);
        timeouts.pong = ms(40);
    });
    chosen.send_timeout = Duration::from_millis(100);
    chosen.write_buffer = 300;
    let open = || {
        let (listener, _) = listen();
        let mut raw = Raw::client(&listener);
        raw.write(REQUEST);
        let stream = listener.accept().unwrap().0;
        let opened = accept_with(stream, &Options::DEFAULT, &[], |_| {
            Answer::accept(OriginPolicy::SameOrigin).options(chosen)
        });
        (raw, opened.unwrap().expect("it was accepted"))
    };
    let (_raw, mut ws) = open();
    let error = soon(|| ws.read().map(drop).unwrap_err());
    assert!(matches!(error, Error::TimedOut(Waited::Pong)), "{error:?}");
    let (_raw, mut ws) = open();
    let error = soon(|| ws.send_binary(&vec![0; 64 << 20]).unwrap_err());
    assert!(matches!(error, Error::TimedOut(Waited::Send)), "{error:?}");
    assert!((1..=300).contains(&ws.buffered_amount()), "{}", ws.buffered_amount());
}

#[test]
fn a_frame_may_come_with_the_response() {
    let (listener, url) = listen();
    thread::scope(|scope| {
        let server = scope.spawn(|| Raw::server(&listener, &frame(false, TEXT, b"at once")));
        let mut ws = connect(&url).unwrap();
        assert_eq!(ws.read().unwrap(), Some(Message::Text("at once")));
        drop(server.join().unwrap());
    });
}

#[test]
fn ipv6_has_brackets_in_the_url_alone() {
    let listener = match TcpListener::bind("[::1]:0") {
        Ok(listener) => listener,
        Err(error) => {
            // No IPv6 on this machine: then that is why.
            assert!(
                ["AddrNotAvailable", "Unsupported", "Uncategorized"]
                    .contains(&&*format!("{:?}", error.kind())),
                "{error}"
            );
            return;
        }
    };
    let host = listener.local_addr().unwrap().to_string();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (stream, _) = listener.accept().unwrap();
            let opened = accept_with(stream, &Options::DEFAULT, &[], |request| {
                assert_eq!(request.host(), Some(host.as_str()));
                assert_eq!(request.target().path, "/");
                Answer::accept(OriginPolicy::SameOrigin)
            });
            assert!(opened.unwrap().is_some());
        });
        assert!(host.starts_with("[::1]:"));
        connect(&format!("ws://{host}")).unwrap();
    });
}

/// A host may have several addresses, of which some do not answer.
#[test]
fn each_address_of_a_host_will_do() {
    let addresses: Vec<_> = ("localhost", 0).to_socket_addrs().unwrap().collect();
    assert!(!addresses.is_empty());
    for address in &addresses {
        // A port at which nobody listens on the other addresses.
        let listener = loop {
            let listener = TcpListener::bind(address).unwrap();
            let port = listener.local_addr().unwrap().port();
            let is_free = |other: &&std::net::SocketAddr| TcpListener::bind((other.ip(), port)).is_ok();
            let others = addresses.iter().filter(|other| other.ip() != address.ip());
            if others.clone().count() == others.filter(is_free).count() {
                break listener;
            }
        };
        let port = listener.local_addr().unwrap().port();
        thread::scope(|scope| {
            scope.spawn(|| accept_next(&listener, &Options::DEFAULT).unwrap());
            soon(|| connect(&format!("ws://localhost:{port}/")).unwrap());
        });
    }
}

#[test]
fn nobody_there_is_an_error_of_the_transport() {
    let (listener, url) = listen();
    drop(listener);
    let error = soon(|| connect(&url).unwrap_err());
    assert!(
        matches!(&error, Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused),
        "{error:?}"
    );
    assert!(error.to_string().contains("is the server up, and the port right?"), "{error}");
}

#[test]
fn tls_is_not_pretended() {
    let (listener, url) = listen();
    for scheme in ["wss", "https"] {
        let error = connect(&url.replacen("ws", scheme, 1)).unwrap_err();
        assert!(matches!(error, Error::TlsNeeded), "{error:?}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nothing was connected");
}

/// Over a stream of the caller's, which may be TLS, the URL says what to ask for.
#[test]
fn a_secure_url_over_a_stream() {
    let (listener, _) = listen();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (stream, _) = listener.accept().unwrap();
            let opened = accept_with(stream, &Options::DEFAULT, &[], |request| {
                assert_eq!(request.host(), Some("example.com"), "443 is the default");
                assert_eq!(request.target().path, "/secret");
                Answer::accept(OriginPolicy::SameOrigin)
            });
            assert!(opened.unwrap().is_some());
        });
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        Connect::new("wss://example.com:443/secret").over(stream).unwrap();
    });
}

#[test]
fn urls_that_cannot_be_opened() {
    for url in [
        "",
        "chat",
        "/chat",
        "ws:",
        "ws://",
        "ws://:80/",
        "ftp://127.0.0.1/",
        "ws://127.0.0.1/#top",
        "ws://127.0.0.1/#",
        "ws://user@127.0.0.1/",
        "ws://user:secret@127.0.0.1/",
        "ws://:secret@127.0.0.1/",
        "ws://[::1/",
        "ws://127.0.0.1:65536/",
        "ws://a b/",
    ] {
        let error = connect(url).unwrap_err();
        assert!(matches!(error, Error::Url(_)), "{url}: {error:?}");
    }
}

#[test]
fn fields_that_would_break_the_request_are_refused() {
    let (listener, url) = listen();
    for field in [("X-A", "1\r\nX-B: 2"), ("X A", "1"), ("", "1"), ("Host", "h"), ("Upgrade", "x")] {
        let error = Connect::new(&url).fields(&[field]).open().unwrap_err();
        assert!(matches!(error, Error::Usage(ws_std::UsageError::BadField)), "{field:?}: {error:?}");
    }
    drop(listener);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let (listener, url) = listen();
    let options = Options { handshake_timeout: Duration::from_millis(100), ..Options::DEFAULT };
    let error = soon(|| Connect::new(&url).options(options).open().unwrap_err());
    assert!(matches!(error, Error::TimedOut(Waited::Handshake)), "{error:?}");
    drop(listener);
}

/// The deadline is that of the whole: a byte now and then does not move it.
#[test]
fn a_server_that_drips_is_given_up() {
    let (listener, url) = listen();
    let options = Options { handshake_timeout: Duration::from_millis(150), ..Options::DEFAULT };
    thread::scope(|scope| {
        let dripping = scope.spawn(|| {
            use std::io::{Read, Write};
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
            stream.write_all(b"HTTP/1.1 101 ").unwrap();
            let mut drops = 0;
            // The pace is that of a read in vain; the end is that of the client.
            while stream.write_all(b"x").is_ok() {
                drops += 1;
                if matches!(stream.read(&mut [0; 1024]), Ok(0)) {
                    break;
                }
            }
            drops
        });
        let error = soon(|| Connect::new(&url).options(options).open().unwrap_err());
        assert!(matches!(error, Error::TimedOut(Waited::Handshake)), "{error:?}");
        assert!(dripping.join().unwrap() > 2);
    });
}

#[test]
fn no_limit_on_the_handshake_is_no_limit_at_once() {
    let options = Options { handshake_timeout: Duration::ZERO, ..Options::DEFAULT };
    pair(&options, &options);
    let options = Options { handshake_timeout: Duration::MAX, ..Options::DEFAULT };
    pair(&options, &options);
}
