//! The opening handshake of both sides over the pipes of a [`Pair`], which then goes on with what it left: frames that
//! came in the same read as the end of the request or of the response.

use super::common::{End, TestKeys, at};
use super::pair::{CLIENT, Pair, SERVER};
use super::pipe::Read;
use ws_core::handshake::OriginPolicy;
use ws_core::handshake::client::{self, Error, Request};
use ws_core::handshake::server::{self, Refusal};
use ws_core::{Input, Output};

/// How it went, at either end; `None`: it heard nothing that decided it.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    pub(crate) server: Option<Result<Option<String>, Refusal>>,
    pub(crate) client: Option<Result<Option<String>, Error>>,
}

/// Runs the handshake. An end for which it fails is done; one that is open goes on at once.
pub(crate) fn open(pair: &mut Pair, request: Request<'_>, protocol: Option<&str>) -> Opened {
    let (mut server_store, mut client_store) = ([0; 1024], [0; 1024]);
    let mut server = server::Handshake::new(&mut server_store, &[], at(pair.now));
    let mut client =
        client::Handshake::new(request, &mut TestKeys::default(), &mut client_store, &[], at(pair.now))
            .unwrap();
    let mut opened = Opened::default();
    let mut request = written(|out| client.transmit(out));
    for _ in 0..100_000 {
        let mut any = false;
        if opened.server.is_none() {
            server.handle_timeout(at(pair.now));
            let mut bytes = read(pair, SERVER);
            any |= bytes.as_ref().is_some_and(|bytes| !bytes.is_empty());
            let mut input = Input::new(bytes.as_deref_mut().unwrap_or_default());
            match server.receive(&mut input) {
                Ok(false) => {}
                Ok(true) => {
                    let accept = server.accept(OriginPolicy::SameOrigin).unwrap();
                    let mut accept = match protocol {
                        Some(name) => accept.subprotocol(name).unwrap(),
                        None => accept,
                    };
                    let answer = written(|out| accept.transmit(out));
                    opened.server = Some(Ok(accept.protocol().map(str::to_string)));
                    pair.ends[SERVER].opened(End::Server, pair.now, input.take_rest().to_vec(), answer);
                }
                Err(refusal) => {
                    opened.server = Some(Err(refusal));
                    give_up(pair, SERVER);
                }
            }
        } else {
            any |= pair.turn(SERVER);
        }
        if opened.client.is_none() {
            client.handle_timeout(at(pair.now));
            let n = pair.pipes[CLIENT].write(&request, pair.now, &mut pair.rng).unwrap_or_default();
            request.drain(..n);
            let mut bytes = read(pair, CLIENT);
            any |= n != 0 || bytes.as_ref().is_some_and(|bytes| !bytes.is_empty());
            let mut input = Input::new(bytes.as_deref_mut().unwrap_or_default());
            match client.receive(&mut input) {
                Ok(false) => {}
                Ok(true) => {
                    opened.client = Some(Ok(client.protocol().map(str::to_string)));
                    pair.ends[CLIENT].opened(End::Client, pair.now, input.take_rest().to_vec(), Vec::new());
                }
                Err(error) => {
                    opened.client = Some(Err(error));
                    give_up(pair, CLIENT);
                }
            }
        } else {
            any |= pair.turn(CLIENT);
        }
        if opened.server.is_some() && opened.client.is_some() {
            return opened;
        }
        if !any {
            let timers = [server.poll_timeout(), client.poll_timeout()];
            let timers = timers.into_iter().flatten().map(|moment| moment.since(at(pair.now)).millis());
            let timer = timers.filter(|delay| *delay != 0).min().map(|delay| pair.now + u64::from(delay));
            pair.now = pair.next_moment().into_iter().chain(timer).min().expect("waits for ever");
        }
    }
    panic!("the handshake does not end");
}

/// What has arrived; `None` at the end.
fn read(pair: &mut Pair, end: usize) -> Option<Vec<u8>> {
    let most = pair.ends[end].rx_size;
    match pair.pipes[1 - end].read(most, pair.now, &mut pair.rng) {
        Read::Bytes(bytes) => Some(bytes),
        Read::Nothing => Some(Vec::new()),
        Read::End => None,
    }
}

fn give_up(pair: &mut Pair, end: usize) {
    pair.ends[end].is_done = true;
    pair.pipes[1 - end].abandon();
    let now = pair.now;
    pair.pipes[end].reset(now);
}

/// All that `call` writes, through outputs of seven bytes.
fn written(mut call: impl FnMut(&mut Output<'_>) -> bool) -> Vec<u8> {
    let (mut all, mut buf) = (Vec::new(), [0; 7]);
    loop {
        let mut out = Output::new(&mut buf);
        let done = call(&mut out);
        all.extend_from_slice(out.filled());
        if done {
            return all;
        }
    }
}
