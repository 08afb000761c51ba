//! The opening handshake of both sides over the pipes of a [`Pair`], which then goes on with what it left: frames that
//! came in the same read as the end of the request or of the response.

use super::common::{End, TestKeys, at};
use super::pair::{CLIENT, Pair, SERVER};
use super::pipe::Read;
use ws_core::handshake::OriginPolicy;
use ws_core::handshake::client::{self, Error, Request};
use ws_core::handshake::server::{self, Refusal};
use ws_core::{Input, Instant, Output};

/// How it went, at either end; `None`: it heard nothing that decided it.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    pub(crate) server: Option<Result<Option<String>, Refusal>>,
    pub(crate) client: Option<Result<Option<String>, Error>>,
}

/// Runs the handshake. An end for which it fails is done; one that is open goes on at once.
pub(crate) fn open(pair: &mut Pair<'_>, request: Request<'_>, protocol: Option<&str>) -> Opened {
    let (mut server_store, mut client_store) = ([0; 1024], [0; 1024]);
    let mut server = server::Handshake::new(&mut server_store, &[], at(pair.now));
    let mut client =
        client::Handshake::new(request, &mut TestKeys::default(), &mut client_store, &[], at(pair.now))
            .unwrap();
    if let Some(codec) = &pair.ends[CLIENT].codec {
        client = client.with_compression(codec.terms());
    }
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
                    if let Some(codec) = &pair.ends[SERVER].codec {
                        accept.compress_if_offered(&codec.terms());
                    }
                    let answer = written(|out| accept.transmit(out));
                    opened.server = Some(Ok(accept.protocol().map(str::to_string)));
                    let agreement = accept.compression();
                    let rest = input.take_rest().to_vec();
                    pair.ends[SERVER].opened(End::Server, pair.now, agreement, rest, answer);
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
            let n = pair.pipes[CLIENT].write(&request, pair.now, &mut pair.chance).unwrap_or_else(|()| {
                pair.pipes.iter_mut().for_each(|pipe| pipe.reset(pair.now));
                0
            });
            request.drain(..n);
            let mut bytes = read(pair, CLIENT);
            any |= n != 0 || bytes.as_ref().is_some_and(|bytes| !bytes.is_empty());
            let mut input = Input::new(bytes.as_deref_mut().unwrap_or_default());
            match client.receive(&mut input) {
                Ok(false) => {}
                Ok(true) => {
                    opened.client = Some(Ok(client.protocol().map(str::to_string)));
                    let (agreement, rest) = (client.compression(), input.take_rest().to_vec());
                    pair.ends[CLIENT].opened(End::Client, pair.now, agreement, rest, Vec::new());
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
            let timer = |timeout: Option<Instant>| {
                let delay = timeout?.since(at(pair.now)).millis();
                (delay != 0).then(|| pair.now + u64::from(delay))
            };
            let server = match opened.server {
                None => timer(server.poll_timeout()),
                Some(_) => pair.next_moment_of(SERVER),
            };
            let client = match opened.client {
                None => timer(client.poll_timeout()),
                Some(_) => pair.next_moment_of(CLIENT),
            };
            pair.now =
                [server, client, pair.next_arrival()].into_iter().flatten().min().expect("waits for ever");
        }
    }
    panic!("the handshake does not end");
}

/// What has arrived; `None` at the end.
fn read(pair: &mut Pair<'_>, end: usize) -> Option<Vec<u8>> {
    let most = pair.ends[end].rx_size;
    let mut bytes = Vec::new();
    let read = pair.pipes[1 - end].read(&mut bytes, most, pair.now, &mut pair.chance);
    (read != Read::End).then_some(bytes)
}

fn give_up(pair: &mut Pair<'_>, end: usize) {
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
