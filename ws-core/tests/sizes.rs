//! A connection's memory is a compile-time constant, and stays small.

use ws_core::handshake::{client, server};
use ws_core::http::head::HeadReader;
use ws_core::http::{BodyReader, Chunks, Content, CorsFields, Exchange, Request, Response, Stream};
use ws_core::transport::{Budget, Endpoint, Listener, Visit};
use ws_core::{Client, Connection, Entropy, Event, MessageBuffer, Server};

struct Unit;

impl Entropy for Unit {
    fn fill(&mut self, _bytes: &mut [u8]) {}
}

const _: () = assert!(size_of::<Connection<Server>>() <= 224);
const _: () = assert!(size_of::<Connection<Client<Unit>>>() <= 232);
const _: () = assert!(size_of::<Event<'_>>() <= 5 * size_of::<u64>());
const _: () = assert!(size_of::<MessageBuffer<'_>>() <= 4 * size_of::<usize>());
const _: () = assert!(size_of::<client::Handshake<'_>>() <= 43 * size_of::<usize>());
const _: () = assert!(size_of::<server::Handshake<'_>>() <= 22 * size_of::<usize>());
const _: () = assert!(size_of::<HeadReader<'_>>() <= 20 * size_of::<usize>());
const _: () = assert!(size_of::<server::Accept<'_>>() <= 16 * size_of::<usize>());
const _: () = assert!(size_of::<Response<'_>>() <= 12 * size_of::<usize>());
const _: () = assert!(size_of::<Request<'_>>() == size_of::<usize>());
const _: () = assert!(size_of::<BodyReader>() <= 24);
const _: () = assert!(size_of::<Exchange<'_>>() <= 32 * size_of::<usize>());
const _: () = assert!(size_of::<Stream<'_>>() <= 11 * size_of::<usize>());
const _: () = assert!(size_of::<Chunks>() <= 2 * size_of::<usize>());
const _: () = assert!(size_of::<Content<'_>>() <= 24 * size_of::<usize>());
const _: () = assert!(size_of::<CorsFields<'_>>() <= 26 * size_of::<usize>());
const _: () = assert!(size_of::<Visit>() <= 54 * size_of::<usize>());
const _: () = assert!(size_of::<Listener>() <= 6 * size_of::<usize>());
const _: () = assert!(size_of::<Budget<12>>() <= 26 * size_of::<usize>());
const _: () = assert!(size_of::<Endpoint<'_>>() <= 14 * size_of::<usize>());

#[test]
fn a_server_connection_takes_at_most_224_bytes() {
    let size = size_of::<Connection<Server>>();
    println!("Connection<Server> {size} B, Event {} B", size_of::<Event<'_>>());
    assert!(size <= 224);
}
