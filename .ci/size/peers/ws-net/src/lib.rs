//! The echo loop over `ws-net`. It needs a heap: here one that exists nowhere, so that no allocator is counted.

#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};

use ws_net::{Connection, Event, ServerHandshake};

pub fn frames() {
    echo(&[]);
}

pub fn server() {
    let rx = transport::memory();
    let (mut head, mut response) = (Vec::new(), Vec::new());
    loop {
        let n = transport::read(rx);
        if n == 0 {
            return;
        }
        head.extend_from_slice(rx.get(..n).unwrap_or_default());
        match ServerHandshake::from_head(&head) {
            Ok(None) => {}
            Ok(Some((handshake, len))) => {
                if handshake.write_response(None, &mut response).is_err() {
                    return;
                }
                transport::write(&response);
                return echo(head.get(len..).unwrap_or_default());
            }
            Err(refused) => {
                refused.write_response(&mut response);
                return transport::write(&response);
            }
        }
    }
}

fn echo(mut pending: &[u8]) {
    let mut ws = Connection::server();
    loop {
        let reply = match ws.poll() {
            Ok(Event::Text(text)) => Some((true, text.as_bytes().to_vec())),
            Ok(Event::Binary(bytes)) => Some((false, bytes.to_vec())),
            Ok(Event::NeedInput) if !pending.is_empty() => {
                let n = ws.feed(pending);
                pending = pending.get(n..).unwrap_or_default();
                None
            }
            Ok(Event::NeedInput) => {
                flush(&mut ws);
                let n = transport::read(ws.read_buf());
                if n == 0 {
                    ws.feed_eof();
                } else {
                    ws.commit(n);
                }
                None
            }
            Ok(Event::Closed) | Err(_) => return flush(&mut ws),
            Ok(_) => None,
        };
        let done = match reply {
            Some((true, text)) => ws.send_text(core::str::from_utf8(&text).unwrap_or_default()),
            Some((false, bytes)) => ws.send_binary(&bytes),
            None => Ok(()),
        };
        if done.is_err() {
            return;
        }
    }
}

fn flush(ws: &mut Connection) {
    let out = ws.output();
    transport::write(out);
    let n = out.len();
    ws.advance_output(n);
}

struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

unsafe extern "C" {
    fn heap_alloc(size: usize, align: usize) -> *mut u8;
}

// SAFETY: the image is linked and measured, never run.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { heap_alloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
