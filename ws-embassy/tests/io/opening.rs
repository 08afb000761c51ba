//! The opening handshake over a transport in memory, cut at every byte, refused for every reason, and ended too early. What
//! comes behind it in the same read is not lost.

use embassy_time::Timer;
use embedded_io_async::ErrorKind;
use ws_core::handshake::client::{Error as ClientError, Request};
use ws_core::handshake::server::Refusal;
use ws_core::http::head::HeadError;
use ws_embassy::{
    Client, Error, Options, OriginPolicy, Plain, Server, UsageError, WebSocket, accept, connect, io,
};

use crate::common::frames::{self, Frame, PONG};
use crate::pipe::{Pace, Pipe, Sink, Source};
use crate::side::{Seeded, run};

type Ws<'a, R> = WebSocket<'a, io::Reader<'a, &'a mut Source>, io::Writer<'a, &'a mut Sink>, R>;
type Outcome = Result<usize, Error<ErrorKind>>;

/// Accepts what comes out of `rx`, by a read buffer of `size`, then reads a message; its length.
async fn accept_and_read(
    rx: &Pipe,
    tx: &Pipe,
    size: usize,
    origin: OriginPolicy<'_>,
    store: usize,
) -> Outcome {
    let (mut read, mut write, mut store) = (vec![0; size], vec![0; 16], vec![0; store]);
    let (mut source, mut sink) = (rx.source(Pace::Ready), tx.sink(Pace::Ready));
    let reader = io::Reader::new(&mut source, &mut read);
    let writer = io::Writer::new(&mut sink, &mut write);
    let mut ws: Ws<'_, Server> = accept(reader, writer, &Options::DEFAULT, origin, &mut store, Plain).await?;
    ws.flush().await?;
    let mut n = 0;
    while !ws.receive(|data| (n += data.payload.len(), data.last).1).await?.expect("no Close") {}
    Ok(n)
}

/// Asks, and reads a message; its length.
async fn connect_and_read(rx: &Pipe, tx: &Pipe, size: usize, request: Request<'_>, store: usize) -> Outcome {
    let (mut read, mut write, mut store) = (vec![0; size], vec![0; 16], vec![0; store]);
    let (mut source, mut sink) = (rx.source(Pace::Ready), tx.sink(Pace::Ready));
    let reader = io::Reader::new(&mut source, &mut read);
    let writer = io::Writer::new(&mut sink, &mut write);
    let (mut ws, _): (Ws<'_, Client<Seeded>>, _) =
        connect(reader, writer, &Options::DEFAULT, request, Seeded::new(), &mut store, Plain).await?;
    let mut n = 0;
    while !ws.receive(|data| (n += data.payload.len(), data.last).1).await?.expect("no Close") {}
    Ok(n)
}

const REQUEST: Request<'_> = Request::new("host:8080", "/path?query");

/// What [`REQUEST`] looks like; the key is always the same, as the chance is.
fn request_written() -> String {
    let tx = Pipe::new(usize::MAX);
    let rx = Pipe::new(9);
    rx.end();
    assert_eq!(run(connect_and_read(&rx, &tx, 64, REQUEST, 400)), Err(Error::Lost));
    String::from_utf8(tx.log()).expect("a head")
}

/// Bytes in two parts, the second one later, at every cut.
fn at_every_cut(bytes: &[u8], check: impl AsyncFn(&Pipe, usize)) {
    for size in [1, 7, 2048] {
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            let rx = Pipe::holding(first);
            run(async {
                let later = async {
                    Timer::after_secs(1).await;
                    rx.put(second);
                };
                embassy_futures::join::join(check(&rx, size), later).await;
            });
        }
    }
}

#[test]
fn a_request_is_accepted_at_every_cut_and_what_follows_it_is_read() {
    let mut bytes = frames::request("host", "/", "Origin: http://host\r\n").into_bytes();
    bytes.extend(Frame::text("glued to it").masked().encode());
    let expected = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        frames::ACCEPT
    );
    at_every_cut(&bytes, async |rx, size| {
        let tx = Pipe::new(usize::MAX);
        let read = accept_and_read(rx, &tx, size, OriginPolicy::SameOrigin, 400).await;
        assert_eq!(read, Ok(11));
        assert_eq!(tx.log(), expected.as_bytes());
    });
}

#[test]
fn a_response_is_accepted_at_every_cut_and_what_follows_it_is_read() {
    let request = request_written();
    let mut bytes = frames::response(&request, "").into_bytes();
    bytes.extend(Frame::new(PONG, "nobody asked").encode());
    bytes.extend(Frame::text("glued to it").encode());
    at_every_cut(&bytes, async |rx, size| {
        let tx = Pipe::new(usize::MAX);
        assert_eq!(connect_and_read(rx, &tx, size, REQUEST, 400).await, Ok(11));
        assert_eq!(tx.log(), request.as_bytes());
    });
}

#[test]
fn a_request_is_that_of_rfc6455() {
    let request = request_written();
    assert!(request.starts_with("GET /path?query HTTP/1.1\r\nHost: host:8080\r\n"));
    assert!(request.ends_with("\r\n\r\n"));
    assert_eq!(frames::header(&request, "Upgrade"), Some("websocket"));
    assert_eq!(frames::header(&request, "Connection"), Some("Upgrade"));
    assert_eq!(frames::header(&request, "Sec-WebSocket-Version"), Some("13"));
    assert_eq!(frames::header(&request, "Sec-WebSocket-Key").map(str::len), Some(24));
}

#[test]
fn the_subprotocol_agreed_on_is_told() {
    let offer = Request { subprotocols: &["chat.v2", "chat.v1"], ..REQUEST };
    for (answer, told) in [
        ("", Ok(None)),
        ("Sec-WebSocket-Protocol: chat.v1\r\n", Ok(Some("chat.v1"))),
        ("Sec-WebSocket-Protocol: chat\r\n", Err(Error::Handshake(ClientError::Subprotocol))),
    ] {
        // The key is the same whatever is offered.
        let response = frames::response(&request_written(), answer);
        let (mut rx, mut tx) =
            (Pipe::holding(response.as_bytes()).source(Pace::Ready), Pipe::new(usize::MAX).sink(Pace::Ready));
        let (mut read, mut write, mut store) = ([0; 64], [0; 64], [0; 400]);
        let (reader, writer) = (io::Reader::new(&mut rx, &mut read), io::Writer::new(&mut tx, &mut write));
        let opened = run(connect(reader, writer, &Options::DEFAULT, offer, Seeded::new(), &mut store, Plain));
        assert_eq!(opened.map(|(_, agreed)| agreed), told);
    }
}

#[test]
fn an_end_at_every_byte_is_a_loss() {
    let request = frames::request("host", "/", "");
    let response = frames::response(&request_written(), "");
    for n in 0..request.len() {
        let (rx, tx) = (Pipe::holding(&request.as_bytes()[..n]), Pipe::new(usize::MAX));
        rx.end();
        assert_eq!(run(accept_and_read(&rx, &tx, 64, OriginPolicy::Any, 400)), Err(Error::Lost), "at {n}");
        assert!(tx.log().is_empty(), "nobody asked");
    }
    for n in 0..=response.len() {
        let (rx, tx) = (Pipe::holding(&response.as_bytes()[..n]), Pipe::new(usize::MAX));
        rx.end();
        assert_eq!(run(connect_and_read(&rx, &tx, 64, REQUEST, 400)), Err(Error::Lost), "at {n}");
    }
}

#[test]
fn each_refusal_is_told() {
    let request = |from: &str, to: &str| {
        let request = frames::request("host", "/", "");
        assert!(request.contains(from));
        request.replace(from, to)
    };
    let key = format!("Sec-WebSocket-Key: {}\r\n", frames::KEY);
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(9000));
    let cases = [
        (request(&key, ""), Refusal::Key),
        (request(frames::KEY, "short"), Refusal::Key),
        (request("Host: host\r\n", ""), Refusal::NoHost),
        (request("Upgrade: websocket\r\n", ""), Refusal::NoUpgrade),
        (request("Connection: Upgrade\r\n", ""), Refusal::NoUpgrade),
        (request("Version: 13", "Version: 8"), Refusal::WebSocketVersion),
        (request("GET", "POST"), Refusal::Method),
        (request("HTTP/1.1", "HTTP/1.0"), Refusal::Head(HeadError::BadVersion)),
        (request("\r\n\r\n", "\r\nOrigin: http://evil\r\n\r\n"), Refusal::Origin),
        (request("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n"), Refusal::Body),
        (request("\r\n\r\n", "\r\nSec-WebSocket-Protocol: a b\r\n\r\n"), Refusal::Grammar),
        (request("\r\n\r\n", "\r\nHost: other\r\n\r\n"), Refusal::Head(HeadError::DuplicateField)),
        (request("Host", "Ho st"), Refusal::Head(HeadError::BadName)),
        (long, Refusal::Head(HeadError::LongLine)),
        (String::from("\x16\x03\x01\x02\0\x01\0\x01\u{7f}\x03\x03"), Refusal::Head(HeadError::BadLine)),
        (String::from("garbage\r\n\r\n"), Refusal::Head(HeadError::BadLine)),
    ];
    for (request, refusal) in cases {
        let (rx, tx) = (Pipe::holding(request.as_bytes()), Pipe::new(usize::MAX));
        // Room for the line that is too long, so that it is that which is refused.
        let result = run(accept_and_read(&rx, &tx, 64, OriginPolicy::SameOrigin, 10_000));
        let Err(Error::Refusal(told)) = result else { panic!("{result:?} to {request}") };
        let log = tx.log();
        assert_eq!(told.status(), refusal.status(), "{told:?} to {request}");
        if !matches!(refusal, Refusal::Head(HeadError::BadLine)) {
            assert_eq!(told, refusal);
        }
        is_answer(std::str::from_utf8(&log).expect("a response"), told);
    }
}

/// A whole response, with all that has to stand in it.
fn is_answer(response: &str, refusal: Refusal) {
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with(&format!("HTTP/1.1 {} ", refusal.status())), "{head}");
    assert_eq!(frames::header(head, "Connection"), Some("close"));
    assert_eq!(frames::header(head, "Content-Length"), Some(&*body.len().to_string()));
    match refusal.status() {
        405 => assert_eq!(frames::header(head, "Allow"), Some("GET")),
        426 => {
            assert_eq!(frames::header(head, "Sec-WebSocket-Version"), Some("13"));
            assert_eq!(frames::header(head, "Upgrade"), Some("websocket"));
            assert!(head.contains("Connection: Upgrade\r\n"));
        }
        _ => assert_eq!(body, refusal.reason()),
    }
}

#[test]
fn a_head_too_large_for_the_store_is_told() {
    let request = frames::request("host", "/", "Origin: http://host\r\n");
    let least = (0..400)
        .find(|store| {
            let (rx, tx) = (Pipe::holding(request.as_bytes()), Pipe::new(usize::MAX));
            rx.put(&Frame::text("").masked().encode());
            match run(accept_and_read(&rx, &tx, 64, OriginPolicy::Any, *store)) {
                Ok(0) => true,
                Err(Error::Refusal(refusal)) => {
                    assert_eq!(refusal.status(), if *store < "GET / HTTP/1.1".len() { 414 } else { 431 });
                    is_answer(std::str::from_utf8(&tx.log()).expect("a response"), refusal);
                    false
                }
                other => panic!("{other:?} with {store} bytes"),
            }
        })
        .expect("400 bytes do");
    assert!((100..request.len()).contains(&least), "{least} bytes");
}

#[test]
fn each_answer_that_is_no_websocket_is_an_error() {
    let response = frames::response(&request_written(), "");
    let with = |from: &str, to: &str| {
        assert!(response.contains(from));
        response.replace(from, to)
    };
    let accept = frames::header(&response, "Sec-WebSocket-Accept").expect("one");
    let cases = [
        (String::from("HTTP/1.1 404 Not Found\r\n\r\n"), ClientError::Refused { status: 404 }),
        (with("101 Switching Protocols", "200 OK"), ClientError::Refused { status: 200 }),
        (with(accept, frames::ACCEPT), ClientError::Accept),
        (with("Upgrade: websocket\r\n", ""), ClientError::Upgrade),
        (with("Connection: Upgrade\r\n", ""), ClientError::Connection),
        (with("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n"), ClientError::Extension),
        (with("\r\n\r\n", "\r\nSec-WebSocket-Protocol: x\r\n\r\n"), ClientError::Subprotocol),
        (with("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n"), ClientError::Body),
        (with("HTTP/1.1", "garbage"), ClientError::Head(HeadError::BadLine)),
        (with("Upgrade:", "Upgrade :"), ClientError::Head(HeadError::BadName)),
    ];
    for (response, error) in cases {
        let (rx, tx) = (Pipe::holding(response.as_bytes()), Pipe::new(usize::MAX));
        assert_eq!(
            run(connect_and_read(&rx, &tx, 64, REQUEST, 400)),
            Err(Error::Handshake(error)),
            "{response}"
        );
    }
    for store in 0..60 {
        let (rx, tx) = (Pipe::holding(response.as_bytes()), Pipe::new(usize::MAX));
        let result = run(connect_and_read(&rx, &tx, 64, REQUEST, store));
        assert!(matches!(result, Err(Error::Handshake(_))), "{result:?} with {store} bytes");
    }
}

#[test]
fn a_request_that_may_not_be_sent_is_not() {
    let tx = Pipe::new(usize::MAX);
    let request = Request::new("host", "/ HTTP/1.1\r\nEvil: yes\r\n\r\n");
    let result = run(connect_and_read(&Pipe::new(9), &tx, 64, request, 400));
    assert_eq!(result, Err(Error::Usage(UsageError::BadField)));
    assert!(tx.log().is_empty());
}
