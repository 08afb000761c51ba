//! What a client costs in memory. Figures of a 64-bit processor; half of them is about what a 32-bit one needs.

use embassy_net::tcp::TcpSocket;
use ws_embassy::client::{Client, Memory, Session};
use ws_embassy::{Plain, tcp};

use crate::common::Net;
use crate::{Dice, URL, client};

const fn word(count: usize) -> usize {
    count * size_of::<usize>()
}

#[test]
fn futures_and_memory_are_small() {
    let net = Net::new(1);
    let host = net.host();
    let client = client(URL);
    let mut memory = Memory::<1024, 1024, 512>::new();
    let mut dice = Dice::new(1);

    // The session is the application's own, beside a few words.
    let run = client.run(host.stack, &mut memory, &mut dice, Plain, async |_: &mut Session<'_, Dice>| Ok(()));
    let run = size_of_val(&run);
    let (rx, tx) = (&mut [0; 16], &mut [0; 16]);
    let mut socket = TcpSocket::new(host.stack, rx, tx);
    let mut head = [0; 512];
    let open = client.open(host.stack, &mut socket, Dice::new(1), &mut head, Plain);
    let open = size_of_val(&open);
    let ws = size_of::<tcp::WebSocket<'_, ws_embassy::Client<&mut Dice>>>();
    let client = size_of::<Client<'_>>();
    println!("run {run}, open {open}, WebSocket {ws}, Client {client}");

    // 1 KiB where a word has 4 bytes.
    assert!(run <= word(256), "{run}");
    assert!(open <= word(256), "{open}");
    assert!(ws <= word(128), "{ws}");
    assert!(client <= word(64), "{client}");
    assert_eq!(size_of::<Memory<1024, 1024, 512>>(), 2560, "no more than is asked for");
}
