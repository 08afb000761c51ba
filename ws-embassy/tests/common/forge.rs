//! Segments that no stack sent: written by hand, byte for byte.

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
    let pseudo: Vec<u8> = source.into_iter().chain(destination).chain([0, 6, 0, 20]).collect();
    let sum = checksum(&[pseudo, tcp.clone()].concat());
    tcp[16..18].copy_from_slice(&sum);

    [&to, &from[..], &[0x08, 0x00], &ip, &tcp].concat()
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
