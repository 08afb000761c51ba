//! The echo loop over `websocket-sans-io`: a decoder and an encoder of frames.

#![no_std]

use websocket_sans_io::{
    FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent,
};

pub fn echo() {
    let rx = transport::memory();
    let (mut decoder, mut encoder) = (WebsocketFrameDecoder::default(), WebsocketFrameEncoder::new());
    loop {
        let n = transport::read(rx);
        if n == 0 {
            return;
        }
        let mut rest = rx.get_mut(..n).unwrap_or_default();
        loop {
            let Ok(result) = decoder.add_data(rest);
            let used = result.consumed_bytes;
            let (payload, later) = rest.split_at_mut_checked(used).unwrap_or_default();
            match result.event {
                None if used == 0 => break,
                None => {}
                Some(WebsocketFrameEvent::Start { frame_info, .. }) => {
                    let opcode = match frame_info.opcode {
                        Opcode::Ping => Opcode::Pong,
                        other => other,
                    };
                    let reply = FrameInfo { opcode, mask: None, ..frame_info };
                    transport::write(&encoder.start_frame(&reply));
                }
                Some(WebsocketFrameEvent::PayloadChunk { .. }) => transport::write(payload),
                Some(WebsocketFrameEvent::End { frame_info, .. }) => {
                    if frame_info.opcode == Opcode::ConnectionClose {
                        return;
                    }
                }
            }
            rest = later;
        }
    }
}
