//! What goes through, whole.

use crate::block_on;
use crate::server::{ALONE, Authority, echo, start, start_v6, start_with};
use embassy_futures::join::join;
use embedded_tls::TlsError;
use ws_embassy::compression::CompressionBuffers;
use ws_embassy::ws_core::deflate::Effort;
use ws_embassy::{CloseCode, Error, Kind, Options, Plain};
use ws_std::Compression;
use wss::{Trust, host};

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| ((at * 31) >> 3) as u8).collect()
}

#[test]
fn texts_and_a_hundred_kilobytes_come_back_and_the_end_is_clean() {
    let authority = Authority::new();
    let (port, server) = start(authority.issue("localhost").config(ALONE), echo);
    let url = format!("wss://localhost:{port}/echo?a=b");
    let sent = bytes(100_000);
    let session = async |ws: &mut host::TlsWebSocket<'_, '_>| {
        for text in ["hello", "", "\u{20ac}uro"] {
            ws.send_text(text).await?;
            let (mut back, mut buf) = (Vec::new(), [0; 64]);
            while let Some(chunk) = ws.read(&mut buf).await? {
                assert_eq!(chunk.kind, Kind::Text);
                back.extend_from_slice(chunk.payload);
                if chunk.last {
                    break;
                }
            }
            assert_eq!(back, text.as_bytes());
        }
        // Both ways at once: no buffer in between holds it.
        let (mut reader, mut writer) = ws.split();
        let read = async {
            let (mut back, mut buf) = (Vec::new(), [0; 1000]);
            while let Some(chunk) = reader.read(&mut buf).await? {
                assert_eq!(chunk.kind, Kind::Binary);
                back.extend_from_slice(chunk.payload);
                if chunk.last {
                    break;
                }
            }
            Ok::<_, Error<TlsError>>(back)
        };
        let (written, read) = join(writer.send_binary(&sent), read).await;
        written?;
        assert!(read? == sent);
        ws.close(CloseCode::NORMAL, "done").await?;
        assert_eq!(ws.close_received(), Some(Some(CloseCode::NORMAL)));
        Ok(())
    };
    block_on(host::run(&url, Trust::Issuer(&authority.der), &Options::DEFAULT, Plain, session)).unwrap();
    server.join().unwrap().unwrap();
}

/// What a board with 512 bytes of window each way comes to with a server that compresses each message by itself.
const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                      server_max_window_bits=9; client_max_window_bits=15";

/// Behind TLS too: by a server that agrees, and by one that declines.
#[test]
fn compressed_messages_come_back() {
    let authority = Authority::new();
    let mut buffers = CompressionBuffers::<512, 512, 128, 512, 1024>::new();
    let mut compression = buffers.compression(Effort::QUICK);
    let sent = "all work and no play makes Jack a dull boy\n".repeat(1000);
    for agrees in [Some(Compression::DEFAULT), None] {
        let config = authority.issue("localhost").config(ALONE);
        let (port, server) = start_with(config, agrees, move |ws| {
            let agreed = ws.extensions().to_owned();
            assert_eq!(agreed, if agrees.is_some() { AGREED } else { "" });
            echo(ws)
        });
        let session = async |ws: &mut host::TlsWebSocket<'_, '_>| {
            let (mut reader, mut writer) = ws.split();
            let read = async {
                let (mut back, mut buf) = (Vec::new(), [0; 1000]);
                while let Some(chunk) = reader.read(&mut buf).await? {
                    back.extend_from_slice(chunk.payload);
                    if chunk.last {
                        break;
                    }
                }
                Ok::<_, Error<TlsError>>(back)
            };
            let (written, read) = join(writer.send_text(&sent), read).await;
            written?;
            assert!(read? == sent.as_bytes());
            ws.close(CloseCode::NORMAL, "").await
        };
        let (url, trust) = (format!("wss://localhost:{port}/"), Trust::Issuer(&authority.der));
        block_on(host::run(&url, trust, &Options::DEFAULT, &mut compression, session)).unwrap();
        server.join().unwrap().unwrap();
    }
}

#[test]
fn a_server_that_closes_first_is_heard_to_the_end() {
    let authority = Authority::new();
    let (port, server) = start(authority.issue("localhost").config(ALONE), |mut ws| {
        ws.send_binary(&bytes(20_000))?;
        ws.close(CloseCode::GOING_AWAY, "bye")
    });
    let url = format!("wss://localhost:{port}");
    let session = async |ws: &mut host::TlsWebSocket<'_, '_>| {
        let (mut all, mut buf) = (Vec::new(), [0; 77]);
        while let Some(chunk) = ws.read(&mut buf).await? {
            all.extend_from_slice(chunk.payload);
        }
        assert!(all == bytes(20_000));
        assert_eq!(ws.close_received(), Some(Some(CloseCode::GOING_AWAY)));
        Ok(())
    };
    block_on(host::run(&url, Trust::Issuer(&authority.der), &Options::DEFAULT, Plain, session)).unwrap();
    server.join().unwrap().unwrap();
}

#[test]
fn a_transport_that_ends_before_tls_does_is_an_error_not_an_end() {
    let authority = Authority::new();
    let (port, server) = start(authority.issue("localhost").config(ALONE), |mut ws| {
        ws.send_text("hello")?;
        drop(ws); // TCP ends, and nothing says goodbye
        Ok(())
    });
    let url = format!("wss://localhost:{port}/");
    let session = async |ws: &mut host::TlsWebSocket<'_, '_>| {
        let mut buf = [0; 64];
        assert_eq!(ws.read(&mut buf).await?.unwrap().payload, b"hello");
        ws.read(&mut buf).await.map(|chunk| assert!(chunk.is_none()))
    };
    let result = block_on(host::run(&url, Trust::Issuer(&authority.der), &Options::DEFAULT, Plain, session));
    assert!(matches!(result, Err(host::Failure::WebSocket(Error::Io(_)))), "{result:?}");
    server.join().unwrap().unwrap();
}

#[test]
fn urls_of_other_schemes_are_refused() {
    for url in ["ws://localhost/", "https://localhost/", "localhost", "wss://"] {
        let session = async |_: &mut host::TlsWebSocket<'_, '_>| Ok(());
        let result = block_on(host::run(url, Trust::Anybody, &Options::DEFAULT, Plain, session));
        assert!(matches!(result, Err(host::Failure::Url)), "{url}: {result:?}");
    }
}

/// In a URL it has brackets, and nowhere else.
#[test]
fn an_address_of_ipv6_is_connected_to() {
    let identity = Authority::new().issue("localhost");
    let Some((port, server)) = start_v6(identity.config(ALONE), echo) else { return };
    let url = format!("wss://[::1]:{port}/");
    let session = async |ws: &mut host::TlsWebSocket<'_, '_>| ws.close(CloseCode::NORMAL, "").await;
    block_on(host::run(&url, Trust::Anybody, &Options::DEFAULT, Plain, session)).unwrap();
    server.join().unwrap().unwrap();
}
