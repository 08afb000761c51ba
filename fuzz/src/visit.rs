//! Any bytes as what clients send to a push endpoint over three sockets, with events, pauses, ends of sessions and broken connections
//! in between: whichever techniques come of it, all that is said is HTTP, no call goes without a step forward, messages come in
//! order and once, sessions are no more than the table has and last no longer than their connections and their time; and all is the same
//! however the bytes are cut and however small the outputs are. One thing is not, and need not be: behind messages that were refused, the
//! connection goes on only if all of them had come.

mod answers;
mod server;

use ws_core::http::OriginPolicy;
use ws_core::transport::Endpoint;

use crate::common::{Cuts, Rng};
use server::{Server, Talk};

const SAME: Endpoint<'static> =
    Endpoint { jsonp: true, message: 64, poll: 100, ..Endpoint::new(OriginPolicy::SameOrigin) };

/// What may be asked, and of whom.
const ENDPOINTS: [Endpoint<'static>; 4] = [
    SAME,
    SAME,
    Endpoint { padding: 20, ..Endpoint::new(OriginPolicy::Any) },
    Endpoint::new(OriginPolicy::List(&["http://h"])),
];

/// Each part of the bytes is for one socket, and begins behind a byte that no request has. Its first byte says which socket, and what
/// happens before the rest of it comes.
const MARK: u8 = 0xff;
/// More of them are not looked at.
const PARTS: usize = 24;

/// The bytes are what clients send, and what happens meanwhile.
pub fn check(data: &[u8]) {
    let mut rng = Rng::of(data);
    let endpoint = ENDPOINTS[rng.below(ENDPOINTS.len())];
    let whole = talk(data, endpoint, Cuts::Whole, 4096);
    let pieces = talk(data, endpoint, Cuts::of(data), 9 + rng.below(120));
    assert_eq!(pieces, whole);
}

fn talk(data: &[u8], endpoint: Endpoint<'_>, mut cuts: Cuts, size: usize) -> Talk {
    let (mut shared, mut own) = ([0xaa; 1024], [0xaa; 512]);
    let mut stores = vec![0xaa; 1024 * (PARTS + 1)];
    let mut server = Server::new(endpoint, &mut shared, &mut own, stores.chunks_mut(1024), size);
    for part in data.split(|byte| *byte == MARK).take(PARTS) {
        let Some((first, mut rest)) = part.split_first() else { continue };
        let socket = usize::from(first % 3);
        match first / 3 % 8 {
            0 => server.publish("news"),
            1 => server.publish("</script>\r\n\u{2028}\0"),
            2 => server.send("own"),
            3 => server.wait(15_000),
            4 => server.wait(31_000),
            5 => server.close(),
            6 => server.cut(socket),
            _ => {}
        }
        if !rest.is_empty() {
            server.connect(socket);
        }
        while !rest.is_empty() {
            server.feed(socket, cuts.next(&mut rest));
        }
    }
    server.end()
}
