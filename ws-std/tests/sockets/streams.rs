//! Streams other than TCP: sockets of Unix, and those of which nothing is known but that they read and write.

use crate::peer::soon;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use ws_std::{CloseCode, Connect, Message, OriginPolicy, Plain, Transport, accept};

trait ReadWrite: Read + Write + Send {}
impl<S: Read + Write + Send> ReadWrite for S {}

/// Opens, sends there and back, and closes, `by_server` or by the client.
fn converse<S: Transport + Send>((client, server): (S, S), by_server: bool) {
    soon(|| {
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut ws = accept(server, OriginPolicy::SameOrigin).unwrap();
                assert_eq!(ws.read().unwrap(), Some(Message::Text("there")));
                ws.send_binary(&[7; 100_000]).unwrap();
                if by_server {
                    ws.close(CloseCode::NORMAL, "enough").unwrap();
                }
                assert_eq!(ws.read().unwrap(), None);
                assert!(ws.was_clean());
            });
            let mut ws = Connect::new("wss://example.com/chat")
                .options(ws_std::Options::DEFAULT.with_message_limit(100_000))
                .over(client)
                .unwrap();
            ws.send_text("there").unwrap();
            assert!(ws.read().unwrap() == Some(Message::Binary(&[7; 100_000])));
            if !by_server {
                ws.close(CloseCode::NORMAL, "enough").unwrap();
            }
            assert_eq!(ws.read().unwrap(), None);
            assert!(ws.was_clean());
        });
    });
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

#[test]
fn any_stream_that_reads_and_writes() {
    for by_server in [false, true] {
        let (client, server) = tcp();
        converse((Plain(client), Plain(server)), by_server);
        let (client, server) = tcp();
        let boxed: (Box<dyn ReadWrite>, Box<dyn ReadWrite>) = (Box::new(client), Box::new(server));
        converse((Plain(boxed.0), Plain(boxed.1)), by_server);
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use crate::peer::{ms, options};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;
    use ws_std::{Answer, Error, Options, Waited, accept_with};

    #[test]
    fn a_socket_of_unix() {
        for by_server in [false, true] {
            converse(UnixStream::pair().unwrap(), by_server);
            let (client, server) = UnixStream::pair().unwrap();
            converse((Plain(client), Plain(server)), by_server);
        }
    }

    #[test]
    fn a_socket_of_unix_has_deadlines() {
        let handshake_timeout = Duration::from_millis(100);
        let (_silent, server) = UnixStream::pair().unwrap();
        let options = Options { handshake_timeout, ..options(|timeouts| timeouts.close = ms(100)) };
        let error =
            soon(|| accept_with(server, &options, &[], |_| Answer::accept(OriginPolicy::Any)).unwrap_err());
        assert!(matches!(error, Error::TimedOut(Waited::Handshake)), "{error:?}");
    }
}
