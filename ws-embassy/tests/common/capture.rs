//! What was seen on the Ethernet: every frame with its instant, sender and fate, and the TCP segment in it.
//! Read only: what becomes of a frame is decided in `network`.

use embassy_net::Ipv4Address;
use embassy_time::Instant;

/// One frame that a host put on the Ethernet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) at: Instant,
    /// The number of the host, see `Host::number`.
    pub(crate) from: usize,
    pub(crate) fate: Fate,
    pub(crate) length: usize,
    /// A hash of all bytes of the frame: two captures are equal only if all their bytes are.
    pub(crate) digest: u64,
    /// `None` for ARP, UDP and whatever else is no TCP over IPv4.
    pub(crate) segment: Option<Segment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered,
    Lost,
    Duplicated,
    /// Held back, so that later frames overtake it.
    Delayed,
    /// It arrives as something else.
    Damaged,
    /// Written by the test in the name of the host.
    Forged,
}

/// A TCP segment, without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) source: (Ipv4Address, u16),
    pub(crate) destination: (Ipv4Address, u16),
    pub(crate) sequence: u32,
    pub(crate) acknowledgement: u32,
    flags: u8,
    /// As sent: not scaled.
    pub(crate) window: u16,
    /// Octets of payload.
    pub(crate) payload: usize,
}

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;

impl Segment {
    /// Whether all of `flags` are set.
    pub(crate) const fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    /// What the other end could have sent before, which the sender of this would answer with what comes next.
    pub(crate) fn before_answer(&self) -> Self {
        let control = u32::from(self.has(SYN)) + u32::from(self.has(FIN));
        Self {
            source: self.destination,
            destination: self.source,
            sequence: self.acknowledgement,
            acknowledgement: self.sequence.wrapping_add(self.payload as u32).wrapping_add(control),
            payload: 0,
            ..*self
        }
    }

    /// Reads an Ethernet frame; lengths past its end make it no segment.
    pub(crate) fn parse(frame: &[u8]) -> Option<Self> {
        let [0x08, 0x00, packet @ ..] = frame.get(12..)? else { return None };
        let header = usize::from(packet.first()? & 0x0f) * 4;
        let total = usize::from(be16(packet, 2)?);
        let (source, destination) = (address(packet, 12)?, address(packet, 16)?);
        if packet.get(9) != Some(&6) {
            return None;
        }
        let tcp = packet.get(header..total)?;
        Some(Self {
            source: (source, be16(tcp, 0)?),
            destination: (destination, be16(tcp, 2)?),
            sequence: be32(tcp, 4)?,
            acknowledgement: be32(tcp, 8)?,
            flags: *tcp.get(13)?,
            window: be16(tcp, 14)?,
            payload: tcp.len().checked_sub(usize::from(tcp.get(12)? >> 4) * 4)?,
        })
    }
}

/// The frames of one sender, counted. A segment that was sent twice counts twice; lost ones count, forged ones do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) frames: usize,
    pub(crate) lost: usize,
    pub(crate) segments: usize,
    pub(crate) syn: usize,
    pub(crate) fin: usize,
    pub(crate) rst: usize,
    /// Segments, resets apart, that leave the peer no room to send.
    pub(crate) zero_window: usize,
    /// Octets of TCP payload.
    pub(crate) payload: usize,
}

impl Tally {
    pub(crate) fn of<'r>(records: impl IntoIterator<Item = &'r Record>) -> Self {
        let mut tally = Self::default();
        for record in records.into_iter().filter(|record| record.fate != Fate::Forged) {
            tally.frames += 1;
            tally.lost += usize::from(record.fate == Fate::Lost);
            let Some(segment) = record.segment else { continue };
            tally.segments += 1;
            tally.syn += usize::from(segment.has(SYN));
            tally.fin += usize::from(segment.has(FIN));
            tally.rst += usize::from(segment.has(RST));
            tally.zero_window += usize::from(segment.window == 0 && !segment.has(RST));
            tally.payload += segment.payload;
        }
        tally
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|octets| u16::from_be_bytes(*octets))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|octets| u32::from_be_bytes(*octets))
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv4Address> {
    be32(bytes, at).map(Ipv4Address::from)
}
