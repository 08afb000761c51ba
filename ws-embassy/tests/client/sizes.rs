//! What a client costs in memory. Figures of a 64-bit processor; half of them is about what a 32-bit one needs.

use embassy_net::tcp::TcpSocket;
use ws_core::connection::CompressionBuffers;
use ws_core::deflate::Effort;
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
    let talk = async |_: &mut Session<'_, Dice>| Ok(());
    let run = size_of_val(&client.run(host.stack, &mut memory, &mut dice, Plain, talk));
    let (rx, tx) = (&mut [0; 16], &mut [0; 16]);
    let mut socket = TcpSocket::new(host.stack, rx, tx);
    let mut head = [0; 512];
    let open = size_of_val(&client.open(host.stack, &mut socket, Dice::new(1), &mut head, Plain));
    // With compression a few words more: it is lent.
    let mut buffers = CompressionBuffers::<512, 512, 128, 512, 1024>::new();
    let mut codec = buffers.compression(Effort::QUICK);
    let more = size_of_val(&client.run(host.stack, &mut memory, &mut dice, &mut codec, talk)) - run;
    assert!(more <= word(8), "{more}");
    let more = size_of_val(&client.open(host.stack, &mut socket, Dice::new(1), &mut head, &mut codec)) - open;
    assert!(more <= word(8), "{more}");
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
