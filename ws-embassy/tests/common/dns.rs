//! A name server (RFC 1035): answers questions for IPv4 addresses from a list, and says of every other name that it
//! does not exist.

use embassy_net::Ipv4Address;
use embassy_net::udp::{PacketMetadata, UdpSocket};

use super::network::Host;

/// Serves `names` on port 53 of `host`, for ever.
pub(crate) async fn serve(host: Host, names: Vec<(&'static str, Ipv4Address)>) {
    let ([mut receive_meta, mut send_meta], [mut receive, mut send]) =
        ([[PacketMetadata::EMPTY; 8]; 2], [[0; 2048]; 2]);
    let mut socket = UdpSocket::new(host.stack, &mut receive_meta, &mut receive, &mut send_meta, &mut send);
    socket.bind(53).expect("a new socket");
    let mut query = [0; 512];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut query).await else { continue };
        if let Some(answer) = query.get(..length).and_then(|query| answer(query, &names)) {
            socket.send_to(&answer, from).await.expect("a way back");
        }
    }
}

/// The answer to a query with one question; `None` if it is none.
fn answer(query: &[u8], names: &[(&str, Ipv4Address)]) -> Option<Vec<u8>> {
    let (header, question) = query.split_at_checked(12)?;
    let mut labels = Vec::new();
    let mut rest = question;
    while let Some((length, after)) = rest.split_first() {
        let (label, after) = after.split_at_checked(usize::from(*length))?;
        rest = after;
        match label {
            [] => break,
            label => labels.push(std::str::from_utf8(label).ok()?),
        }
    }
    let question = question.get(..question.len() - rest.len() + 4)?; // with its type and class
    let name = labels.join(".");
    let address =
        names.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)).map(|(_, address)| address);
    let (code, count) = if address.is_some() { (0, 1) } else { (3, 0) };
    // Response, recursion desired and available; one question.
    let mut bytes = [header.get(..2)?, &[0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0], question].concat();
    if let Some(address) = address {
        // The name by reference; type A, class IN, a minute to live.
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        bytes.extend(address.octets());
    }
    Some(bytes)
}
