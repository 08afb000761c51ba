//! The tests of the tests: what `common` promises, shown on embassy-net alone. `traffic`: bytes arrive whole whatever the
//! Ethernet does. `faults`: scripted faults do what they say, at the instant they say. `time`: the clock and the executor.
//! `peers`: frames, handshakes and names, without the library.

#[path = "../common/mod.rs"]
mod common;

mod faults;
mod peers;
mod time;
mod traffic;

use common::{Host, Net, Peer};
use embassy_futures::join::join;

/// Where the hosts of these tests listen.
const PORT: u16 = 1234;

/// Two hosts, the second of which echoes each connection to [`PORT`], one after the other.
fn echo(net: &Net) -> (Host, Host) {
    let (client, server) = (net.host(), net.host());
    net.spawn({
        let server = server.clone();
        async move {
            loop {
                let mut peer = Peer::accept(&server, PORT).await;
                while let Ok(bytes) = peer.read().await {
                    if peer.write_all(bytes).await.is_err() {
                        break;
                    }
                }
                // Whoever reset it has no ear for this.
                let _ = peer.close().await;
            }
        }
    });
    (client, server)
}

/// Sends `total` octets to the echo, reads them back and checks each; leaves the connection open.
async fn converse(client: &Host, server: &Host, total: usize) -> Peer {
    let mut peer = Peer::connect(client, server, PORT).await.expect("the echo listens");
    let (mut reader, mut writer) = peer.socket.split();
    let send = async {
        let mut at = 0;
        while at < total {
            let chunk: Vec<u8> = (at..total.min(at + 1000)).map(octet).collect();
            at += writer.write(&chunk).await.expect("an open connection");
        }
    };
    let receive = async {
        let (mut at, mut buffer) = (0, [0; 2000]);
        while at < total {
            let length = reader.read(&mut buffer).await.expect("an open connection");
            assert_ne!(length, 0, "closed after {at} of {total} octets");
            for octet_read in &buffer[..length] {
                assert_eq!(*octet_read, octet(at), "octet {at}");
                at += 1;
            }
        }
        assert_eq!(at, total);
    };
    join(send, receive).await;
    peer
}

/// Any long sequence that does not repeat with the size of a buffer or segment.
fn octet(at: usize) -> u8 {
    ((at * 31) >> 3) as u8
}
