//! The echo loop over `ws-framer`.

#![no_std]

use ws_framer::{WsFrame, WsRxFramer, WsTxFramer};

pub fn echo() {
    let mut rx = WsRxFramer::new(transport::memory());
    let mut tx = WsTxFramer::new(false, transport::memory());
    loop {
        let n = transport::read(rx.read_buf());
        if n == 0 {
            return;
        }
        rx.advance(n);
        while let Some(frame) = rx.next_frame() {
            let is_close = matches!(frame, Ok(WsFrame::Close(..)) | Err(_));
            let reply = match frame {
                Ok(WsFrame::Ping(payload)) => tx.pong(payload),
                Ok(WsFrame::Pong(_)) => None,
                Ok(frame) => tx.frame(frame),
                Err(_) => tx.close(1002, ""),
            };
            transport::write(reply.unwrap_or_default());
            if is_close {
                return;
            }
        }
    }
}
