//! Segments that no stack sent: written by hand, byte for byte, or altered on their way.

use super::capture::{RST, Segment};

/// An Ethernet frame between two network cards: the reset that the peer would answer `seen` with, RFC 9293 3.5.2.
pub(crate) fn reset(seen: &Segment, from: [u8; 6], to: [u8; 6]) -> Vec<u8> {
    let (source, destination) = (seen.destination.0.octets(), seen.source.0.octets());
    let mut ip = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0]; // don't fragment, 64 hops, TCP
    ip.extend(source.into_iter().chain(destination));
    let sum = checksum(&ip);
    ip[10..12].copy_from_slice(&sum);

    let mut tcp = Vec::new();
    tcp.extend(seen.destination.1.to_be_bytes());
    tcp.extend(seen.source.1.to_be_bytes());
    tcp.extend(seen.acknowledgement.to_be_bytes());
    tcp.extend([0; 4]);
    tcp.extend([0x50, RST, 0, 0, 0, 0, 0, 0]); // five words of header; no window
    let mut frame = [&to, &from[..], &[0x08, 0x00], &ip, &tcp].concat();
    sign(&mut frame);
    frame
}

/// Flips a bit of an octet; of the last one, if there are fewer.
pub(crate) fn damage(frame: &mut [u8], at: usize) {
    let at = at.min(frame.len().saturating_sub(1));
    frame[at] ^= 0x04;
}

/// Sets the sum of TCP right, as far as there is a segment of TCP in IPv4.
pub(crate) fn sign(frame: &mut [u8]) {
    if Segment::parse(frame).is_none() {
        return;
    }
    let packet = &mut frame[14..];
    let (header, total) = (usize::from(packet[0] & 0x0f) * 4, u16::from_be_bytes([packet[2], packet[3]]));
    let (ip, tcp) = packet[..usize::from(total)].split_at_mut(header);
    tcp[16..18].fill(0);
    let length = (tcp.len() as u16).to_be_bytes();
    let padding = &[0][..tcp.len() % 2];
    let sum = checksum(&[&ip[12..20], &[0, 6], &length, tcp, padding].concat());
    tcp[16..18].copy_from_slice(&sum);
}

/// RFC 1071, of an even number of octets.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let (words, _) = bytes.as_chunks::<2>();
    let mut sum: u32 = words.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}
