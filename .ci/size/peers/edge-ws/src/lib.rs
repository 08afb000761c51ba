//! The echo loop over `edge-ws`: a codec of headers.

#![no_std]

use edge_ws::{Error, FrameHeader, FrameType};

pub fn echo() {
    let buf = transport::memory();
    while let Some(header) = read_header() {
        let frame_type = match header.frame_type {
            FrameType::Ping => FrameType::Pong,
            other => other,
        };
        let reply = FrameHeader { frame_type, payload_len: header.payload_len, mask_key: None };
        let mut head = [0; FrameHeader::MAX_LEN];
        let Ok(len) = reply.serialize(&mut head) else { return };
        transport::write(head.get(..len).unwrap_or_default());
        let (mut left, mut at) = (header.payload_len, 0);
        while left != 0 {
            let room = left.min(buf.len() as u64) as usize;
            let n = transport::read(buf.get_mut(..room).unwrap_or_default());
            if n == 0 {
                return;
            }
            let payload = buf.get_mut(..n).unwrap_or_default();
            header.mask(payload, at);
            transport::write(payload);
            (left, at) = (left - n as u64, at + n);
        }
        if frame_type == FrameType::Close {
            return;
        }
    }
}

fn read_header() -> Option<FrameHeader> {
    let mut head = [0; FrameHeader::MAX_LEN];
    let (mut have, mut need) = (0, FrameHeader::MIN_LEN);
    loop {
        while have < need {
            let n = transport::read(head.get_mut(have..need)?);
            if n == 0 {
                return None;
            }
            have += n;
        }
        match FrameHeader::deserialize(head.get(..have)?) {
            Ok((header, _)) => return Some(header),
            Err(Error::Incomplete(more)) => need = have + more,
            Err(_) => return None,
        }
    }
}
